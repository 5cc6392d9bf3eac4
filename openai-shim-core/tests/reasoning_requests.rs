//! Reasoning as a client requests it, for every upstream dialect: off stays off, amounts fit the model, what is shown is
//! requested, and earlier reasoning comes back in the field that the upstream reads.

mod common;

use common::chat;
use openai_shim_core::canonical::{DiagnosticCode, Reasoning, ReasoningDisplay, ReasoningMode, Severity};
use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::exchange::{ClientRequest, Settings};
use openai_shim_core::{Context, Diagnostics, Dialect, Exchange, Profile, Step, dialect, profile};
use serde_json::{Value, json};

const CHAT: &str = "openai-chat";
const RESPONSES: &str = "openai-responses";
const ANTHROPIC: &str = "anthropic-messages";
const OLLAMA: &str = "ollama-chat";
const GEMINI: &str = "gemini";

/// The dialects that can request reasoning, on both sides.
const WITH_REASONING: [&str; 5] = [CHAT, RESPONSES, ANTHROPIC, OLLAMA, GEMINI];

fn named(name: &str) -> Dialect {
    dialect(name).unwrap()
}

/// The profile of a dialect's own vendor, or the named one.
fn profile_of(upstream: &str, name: &str) -> Profile {
    if name.is_empty() {
        return Profile::native(upstream.parse().unwrap()).unwrap_or_else(|| profile("compatible").unwrap());
    }
    profile(name).unwrap()
}

/// A request of a client for a model; `options` are merged into its top level.
fn request(client: &str, model: &str, options: &Value) -> Value {
    let hi = json!([{"role": "user", "content": "hi"}]);
    let mut body = match client {
        RESPONSES => json!({"model": model, "input": "hi"}),
        ANTHROPIC => json!({"model": model, "max_tokens": 9000, "messages": hi}),
        OLLAMA => json!({"model": model, "stream": false, "messages": hi}),
        GEMINI => json!({"model": model, "contents": [{"role": "user", "parts": [{"text": "hi"}]}]}),
        _ => json!({"model": model, "messages": hi}),
    };
    body.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    body
}

fn converted(client: &str, upstream: &str, row: &str, body: &Value) -> Conversion {
    convert(
        &ConversionInput::request(named(client), body.to_string().as_bytes())
            .to(named(upstream))
            .profile(profile_of(upstream, row)),
    )
}

/// What is sent, and what is reported about it.
fn sent(client: &str, upstream: &str, row: &str, model: &str, options: &Value) -> (Value, Vec<String>) {
    let body = request(client, model, options);
    let conversion = converted(client, upstream, row, &body);
    let reported = conversion
        .diagnostics
        .iter()
        .filter(|d| !matches!(d.code, DiagnosticCode::ParamDefaulted))
        .map(|d| format!("{} [{}]", d.code, d.severity().as_str()))
        .collect();
    (serde_json::from_slice(&conversion.body).unwrap(), reported)
}

/// What an upstream of this dialect reads of a request.
fn read(upstream: &str, body: &Value) -> Reasoning {
    let bytes = bytes::Bytes::from(body.to_string());
    let request = named(upstream).decode_request("", &bytes, &mut Diagnostics::default()).unwrap();
    (*request.reasoning).clone()
}

fn config(body: &Value) -> &Value {
    &body["generationConfig"]["thinkingConfig"]
}

/// Every way in which clients switch reasoning off.
fn ways_off() -> Vec<(&'static str, Value)> {
    vec![
        (CHAT, json!({"reasoning_effort": "none"})),
        (CHAT, json!({"reasoning": {"effort": "none"}})),
        (CHAT, json!({"reasoning": {"enabled": false}})),
        (CHAT, json!({"thinking": {"type": "disabled"}})),
        (CHAT, json!({"thinking": {"type": "disabled"}, "reasoning_effort": "high"})),
        (CHAT, json!({"enable_thinking": false})),
        (CHAT, json!({"chat_template_kwargs": {"enable_thinking": false}})),
        (RESPONSES, json!({"reasoning": {"effort": "none"}})),
        (RESPONSES, json!({"reasoning": {"effort": "none", "summary": "auto"}})),
        (ANTHROPIC, json!({"thinking": {"type": "disabled"}})),
        (ANTHROPIC, json!({"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}})),
        (OLLAMA, json!({"think": false})),
        (GEMINI, json!({"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}})),
    ]
}

#[test]
fn reasoning_that_is_off_stays_off_in_every_dialect() {
    for (client, options) in ways_off() {
        for upstream in WITH_REASONING {
            let model = match upstream {
                ANTHROPIC => "claude-opus-4-8",
                GEMINI => "gemini-2.5-flash",
                RESPONSES => "gpt-5.6",
                _ => "m",
            };
            let (body, reported) = sent(client, upstream, "", model, &options);
            let reasoning = read(upstream, &body);
            assert_eq!(reasoning.mode, Some(ReasoningMode::Off), "{client} {options} to {upstream}: {body}");
            // Claude's effort is that of the whole response: elsewhere it is lost.
            let is_lost = client == ANTHROPIC && options.get("output_config").is_some() && upstream != client;
            let warnings = reported.iter().filter(|line| line.contains("warning")).count();
            assert_eq!(warnings, usize::from(is_lost), "{client} {options} to {upstream}: {reported:?}");
        }
    }
}

#[test]
fn effort_alone_is_no_wish_to_think_for_models_that_think_only_on_request() {
    let effort = json!({"output_config": {"effort": "high"}});
    for upstream in [CHAT, RESPONSES, OLLAMA, GEMINI] {
        for model in ["claude-sonnet-4-6", "claude-opus-4-5", "claude-haiku-4-5", "claude-opus-4-8"] {
            let (body, reported) = sent(ANTHROPIC, upstream, "", model, &effort);
            assert!(!read(upstream, &body).is_requested(), "{upstream}: {body}");
            assert_eq!(reported, ["param-dropped [warning]"], "{upstream}");
        }
        // These think by themselves, as much as the effort states.
        for model in ["claude-sonnet-5", "claude-opus-5-5"] {
            let (body, _) = sent(ANTHROPIC, upstream, "", model, &effort);
            assert!(read(upstream, &body).is_requested(), "{upstream}: {body}");
        }
    }
}

#[test]
fn model_that_cannot_be_off_gets_the_least_and_that_is_reported() {
    for (client, options) in ways_off() {
        let check = |upstream: &str, row: &str, model: &str, place: fn(&Value) -> &Value, least: Value| {
            let (body, reported) = sent(client, upstream, row, model, &options);
            assert_eq!(place(&body), &least, "{client} {options} to {model}: {body}");
            let is_reported = reported.iter().any(|line| line == "param-clamped [warning]");
            assert!(is_reported, "{client} {options} to {model}: {reported:?}");
        };
        check(GEMINI, "", "gemini-3-pro-preview", config, json!({"thinkingLevel": "LOW"}));
        check(GEMINI, "", "gemini-3-flash", config, json!({"thinkingLevel": "MINIMAL"}));
        check(GEMINI, "", "gemini-3.8-flash", config, json!({"thinkingLevel": "LOW"}));
        check(GEMINI, "", "gemini-2.5-pro", config, json!({"thinkingBudget": 128}));
        check(ANTHROPIC, "", "claude-opus-5-5", |b| &b["output_config"]["effort"], json!("low"));
        check(ANTHROPIC, "", "claude-fable-5-1", |b| &b["thinking"]["type"], json!("adaptive"));
        check(ANTHROPIC, "", "claude-sonnet-5-5", |b| &b["thinking"]["type"], json!("between_tools"));
        check(RESPONSES, "", "o3", |b| &b["reasoning"]["effort"], json!("low"));
        check(CHAT, "openai", "gpt-5", |b| &b["reasoning_effort"], json!("minimal"));
        check(CHAT, "openai", "gpt-6-astra", |b| &b["reasoning_effort"], json!("low"));
        check(CHAT, "xai", "grok-4.6", |b| &b["reasoning_effort"], json!("low"));
        check(CHAT, "openrouter", "openai/o3", |b| &b["reasoning"]["effort"], json!("minimal"));
        check(CHAT, "zai", "glm-5.3", |b| &b["reasoning_effort"], json!("low"));
        check(CHAT, "moonshot", "kimi-k3", |b| &b["reasoning_effort"], json!("low"));
        check(CHAT, "groq", "openai/gpt-oss-120b", |b| &b["reasoning_effort"], json!("low"));
    }
}

#[test]
fn model_that_does_not_reason_needs_nothing_to_be_off() {
    for (client, options) in ways_off().into_iter().filter(|(client, _)| *client != CHAT) {
        let (body, reported) = sent(client, CHAT, "openai", "gpt-4o", &options);
        assert!(!read(CHAT, &body).is_requested(), "{client}: {body}");
        let is_plain = options.get("output_config").is_none();
        assert!(!is_plain || reported.iter().all(|line| !line.contains("warning")), "{client}: {reported:?}");
    }
}

/// Where chat requests ask for reasoning.
const REASONING_PARAMS: [&str; 5] =
    ["reasoning_effort", "reasoning", "thinking", "enable_thinking", "chat_template_kwargs"];

#[test]
fn every_upstream_gets_its_own_parameter() {
    // Row, model, what is sent for the effort `high`, what is sent for off.
    let rows = [
        ("compatible", "m", json!({"reasoning_effort": "high"}), json!({"reasoning_effort": "none"})),
        (
            "openrouter",
            "m",
            json!({"reasoning": {"effort": "high"}}),
            json!({"reasoning": {"effort": "none"}}),
        ),
        (
            "deepseek",
            "deepseek-v4-pro",
            json!({"reasoning_effort": "high", "thinking": {"type": "enabled"}}),
            json!({"thinking": {"type": "disabled"}}),
        ),
        (
            "zai",
            "glm-4.6",
            json!({"thinking": {"type": "enabled"}}),
            json!({"thinking": {"type": "disabled"}}),
        ),
        (
            "minimax",
            "m",
            json!({"thinking": {"type": "adaptive"}}),
            json!({"thinking": {"type": "disabled"}}),
        ),
        ("dashscope", "qwen-plus", json!({"enable_thinking": true}), json!({"enable_thinking": false})),
        (
            "vllm",
            "Qwen/Qwen3-8B",
            json!({"chat_template_kwargs": {"enable_thinking": true}}),
            json!({"chat_template_kwargs": {"enable_thinking": false}}),
        ),
    ];
    let clients = [
        (CHAT, json!({"reasoning_effort": "high"}), json!({"reasoning_effort": "none"})),
        (CHAT, json!({"reasoning": {"effort": "high"}}), json!({"thinking": {"type": "disabled"}})),
        (RESPONSES, json!({"reasoning": {"effort": "high"}}), json!({"reasoning": {"effort": "none"}})),
        (
            ANTHROPIC,
            json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
            json!({"thinking": {"type": "disabled"}}),
        ),
        (OLLAMA, json!({"think": "high"}), json!({"think": false})),
    ];
    let params_of = |body: &Value| -> Value {
        let members =
            body.as_object().unwrap().iter().filter(|(key, _)| REASONING_PARAMS.contains(&key.as_str()));
        Value::Object(members.map(|(key, value)| (key.clone(), value.clone())).collect())
    };
    for (row, model, high, off) in &rows {
        for (client, wants_high, wants_off) in &clients {
            let is_lenient = *row == "compatible" && *client == CHAT;
            for (options, expected) in [(wants_high, high), (wants_off, off)] {
                let (body, _) = sent(client, CHAT, row, model, options);
                let expected = if is_lenient { options } else { expected };
                assert_eq!(&params_of(&body), expected, "{client} {options} to {row}");
            }
        }
    }
}

#[test]
fn acceptable_request_passes_byte_for_byte() {
    let thinking = |value: Value| json!({"generationConfig": {"thinkingConfig": value}});
    for (client, row, model, options) in [
        (CHAT, "openai", "gpt-5.6", json!({"reasoning_effort": "low"})),
        (CHAT, "compatible", "m", json!({"reasoning_effort": "odd", "enable_thinking": true})),
        (CHAT, "openrouter", "m", json!({"reasoning": {"max_tokens": 900, "exclude": true}})),
        (
            CHAT,
            "deepseek",
            "deepseek-v4-pro",
            json!({"thinking": {"type": "enabled"}, "reasoning_effort": "max"}),
        ),
        (CHAT, "moonshot", "kimi-k2.6", json!({"thinking": {"type": "enabled", "keep": "all"}})),
        (CHAT, "dashscope", "qwen-plus", json!({"enable_thinking": true, "thinking_budget": 900})),
        (
            RESPONSES,
            "",
            "gpt-5.6",
            json!({"reasoning": {"effort": "max", "summary": "concise", "mode": "pro"}}),
        ),
        (ANTHROPIC, "", "claude-opus-4-8", json!({"thinking": {"type": "adaptive"}})),
        (ANTHROPIC, "", "claude-opus-4-8", json!({"output_config": {"effort": "max"}})),
        (
            ANTHROPIC,
            "",
            "claude-opus-4-8",
            json!({"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}}),
        ),
        (
            ANTHROPIC,
            "",
            "claude-opus-4-6",
            json!({"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}}),
        ),
        (ANTHROPIC, "", "claude-sonnet-5-5", json!({"thinking": {"type": "between_tools"}})),
        (ANTHROPIC, "", "glm-5", json!({"thinking": {"type": "enabled", "budget_tokens": 2000}})),
        (OLLAMA, "", "m", json!({"think": true})),
        (OLLAMA, "", "m", json!({"think": "high"})),
        (GEMINI, "", "gemini-2.5-pro", thinking(json!({"thinkingBudget": -1, "includeThoughts": true}))),
        (GEMINI, "", "gemini-3-pro-preview", thinking(json!({"thinkingLevel": "low"}))),
        (GEMINI, "", "gemini-3-pro-preview", thinking(json!({"thinking_budget": 900}))),
        (GEMINI, "", "gemini-9", thinking(json!({"thinkingLevel": "MEDIUM"}))),
    ] {
        let body = request(client, model, &options);
        let conversion = converted(client, client, row, &body);
        assert_eq!(String::from_utf8_lossy(&conversion.body), body.to_string(), "{conversion}");
    }
}

/// A dialect, a model, what is asked for, where it is looked up, what is sent, and what is reported.
type Row = (&'static str, &'static str, Value, fn(&Value) -> Value, Value, Severity);

#[test]
fn request_that_the_model_refuses_is_changed_in_its_own_dialect() {
    let thinking = |value: Value| json!({"generationConfig": {"thinkingConfig": value}});
    let budget = |tokens: u32| json!({"thinking": {"type": "enabled", "budget_tokens": tokens}});
    let rows: Vec<Row> = vec![
        (
            GEMINI,
            "gemini-2.5-pro",
            thinking(json!({"thinkingBudget": 99_999})),
            |b| config(b).clone(),
            json!({"thinkingBudget": 32_768}),
            Severity::Warning,
        ),
        (
            GEMINI,
            "gemini-2.5-flash",
            thinking(json!({"thinkingLevel": "LOW"})),
            |b| config(b).clone(),
            json!({"thinkingBudget": 1024}),
            Severity::Info,
        ),
        (
            GEMINI,
            "gemini-3.7-flash",
            thinking(json!({"thinkingLevel": "MINIMAL", "includeThoughts": true})),
            |b| config(b).clone(),
            json!({"thinkingLevel": "LOW", "includeThoughts": true}),
            Severity::Warning,
        ),
        (
            RESPONSES,
            "gpt-5.6",
            json!({"reasoning": {"effort": "minimal", "summary": "auto"}}),
            |b| b["reasoning"].clone(),
            json!({"effort": "low", "summary": "auto"}),
            Severity::Warning,
        ),
        (
            ANTHROPIC,
            "claude-opus-4-7",
            budget(9000),
            |b| json!([b["thinking"]["type"], b["output_config"]["effort"]]),
            json!(["adaptive", "high"]),
            Severity::Info,
        ),
        (
            ANTHROPIC,
            "claude-sonnet-4-5",
            budget(100),
            |b| b["thinking"].clone(),
            json!({"type": "enabled", "budget_tokens": 1024}),
            Severity::Warning,
        ),
        (
            ANTHROPIC,
            "claude-sonnet-4-5",
            budget(20_000),
            |b| b["thinking"].clone(),
            json!({"type": "enabled", "budget_tokens": 8999}),
            Severity::Warning,
        ),
        (
            ANTHROPIC,
            "claude-sonnet-4-5",
            json!({"thinking": {"type": "adaptive"}}),
            |b| b["thinking"].clone(),
            json!({"type": "enabled", "budget_tokens": 4500}),
            Severity::Info,
        ),
        (
            ANTHROPIC,
            "claude-opus-5",
            json!({"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}}),
            |b| b["output_config"]["effort"].clone(),
            json!("high"),
            Severity::Warning,
        ),
        (OLLAMA, "m", json!({"think": "minimal"}), |b| b["think"].clone(), json!("low"), Severity::Warning),
        (CHAT, "m", json!({}), |b| b["reasoning_effort"].clone(), Value::Null, Severity::Info),
    ];
    for (client, model, options, place, expected, severity) in rows {
        let conversion = converted(client, client, "", &request(client, model, &options));
        let body = serde_json::from_slice(&conversion.body).unwrap();
        assert_eq!(place(&body), expected, "{conversion}");
        let most = conversion
            .diagnostics
            .iter()
            .map(openai_shim_core::Diagnostic::severity)
            .max()
            .unwrap_or(Severity::Info);
        assert_eq!(most, severity, "{conversion}");
    }
}

#[test]
fn most_effort_is_the_most_of_the_model() {
    for (model, expected) in [
        ("gemini-2.5-pro", json!({"thinkingBudget": 32_768, "includeThoughts": true})),
        ("gemini-2.5-flash", json!({"thinkingBudget": 24_576, "includeThoughts": true})),
        ("gemini-3-pro-preview", json!({"thinkingLevel": "HIGH", "includeThoughts": true})),
    ] {
        let (body, reported) = sent(CHAT, GEMINI, "", model, &json!({"reasoning_effort": "max"}));
        assert_eq!(config(&body), &expected);
        assert!(!reported.is_empty(), "{model}");
    }
}

#[test]
fn what_is_shown_is_translated_between_all_dialects() {
    let clients = |is_shown: bool| {
        let display = if is_shown { "summarized" } else { "omitted" };
        [
            (
                ANTHROPIC,
                json!({"thinking": {"type": "adaptive", "display": display}, "output_config": {"effort": "high"}}),
            ),
            (
                GEMINI,
                json!({"generationConfig": {"thinkingConfig": {"thinkingLevel": "HIGH", "includeThoughts": is_shown}}}),
            ),
        ]
    };
    for (client, options) in clients(true)
        .into_iter()
        .chain([(RESPONSES, json!({"reasoning": {"effort": "high", "summary": "concise"}}))])
    {
        for (upstream, model) in
            [(ANTHROPIC, "claude-opus-4-8"), (GEMINI, "gemini-2.5-pro"), (RESPONSES, "gpt-5.6")]
        {
            let (body, _) = sent(client, upstream, "", model, &options);
            let display = read(upstream, &body).display;
            assert!(
                display.is_some_and(|d| d != ReasoningDisplay::Omitted),
                "{client} to {upstream}: {body}"
            );
        }
        // OpenAI's chat shows none.
        let (_, reported) = sent(client, CHAT, "openai", "gpt-5.6", &options);
        assert!(reported.contains(&String::from("feature-unsupported [warning]")), "{client}: {reported:?}");
    }
    for (client, options) in clients(false) {
        for (upstream, model) in [(ANTHROPIC, "claude-opus-4-6"), (GEMINI, "gemini-2.5-pro")] {
            let (body, _) = sent(client, upstream, "", model, &options);
            assert_eq!(
                read(upstream, &body).display,
                Some(ReasoningDisplay::Omitted),
                "{client} to {upstream}"
            );
        }
    }
    // A client that only asks to see it wants it to be there.
    for (client, options) in [
        (GEMINI, json!({"generationConfig": {"thinkingConfig": {"includeThoughts": true}}})),
        (RESPONSES, json!({"reasoning": {"summary": "auto"}})),
    ] {
        let (body, _) = sent(client, ANTHROPIC, "", "claude-opus-4-8", &options);
        assert_eq!(body["thinking"], json!({"type": "adaptive", "display": "summarized"}), "{client}");
    }
}

#[test]
fn client_that_shows_reasoning_gets_summaries_of_models_that_hide_it() {
    let high = json!({"reasoning_effort": "high"});
    for (model, display) in [
        ("claude-opus-4-6", Value::Null),
        ("claude-opus-4-7", json!("summarized")),
        ("claude-sonnet-5", json!("summarized")),
        ("claude-opus-5-5", json!("summarized")),
    ] {
        for (client, options) in [(CHAT, &high), (OLLAMA, &json!({"think": true}))] {
            let (body, _) = sent(client, ANTHROPIC, "", model, options);
            assert_eq!(body["thinking"]["display"], display, "{client} {model}");
        }
    }
    // A Responses client that requests no summary shows none.
    let (body, _) =
        sent(RESPONSES, ANTHROPIC, "", "claude-opus-4-8", &json!({"reasoning": {"effort": "low"}}));
    assert_eq!(body["thinking"], json!({"type": "adaptive"}));
}

#[test]
fn reasoning_gives_way_to_a_forced_tool_call() {
    let tools = json!([{"name": "f", "input_schema": {"type": "object", "properties": {}}}]);
    let options = json!({"thinking": {"type": "enabled", "budget_tokens": 2000}, "tools": tools, "tool_choice": {"type": "any"}});
    let (body, reported) = sent(ANTHROPIC, ANTHROPIC, "", "claude-sonnet-4-5", &options);
    assert_eq!(
        (&body["thinking"], &body["tool_choice"]["type"]),
        (&json!({"type": "disabled"}), &json!("any"))
    );
    assert!(reported.contains(&String::from("param-dropped [warning]")), "{reported:?}");
}

#[test]
fn hints_of_chat_clients_are_not_lost() {
    for options in [
        json!({"reasoning": {"max_tokens": 3000}}),
        json!({"thinking": {"type": "enabled", "budget_tokens": 3000}}),
        json!({"enable_thinking": true, "thinking_budget": 3000}),
    ] {
        let (body, reported) = sent(CHAT, ANTHROPIC, "", "claude-sonnet-4-5", &options);
        assert_eq!(body["thinking"], json!({"type": "enabled", "budget_tokens": 3000}), "{options}");
        assert!(reported.iter().all(|line| !line.contains("warning")), "{options}: {reported:?}");
    }
    // What has no meaning elsewhere is reported.
    let kwargs = json!({"chat_template_kwargs": {"enable_thinking": true, "other": 1}});
    let (body, reported) = sent(CHAT, ANTHROPIC, "", "claude-opus-4-6", &kwargs);
    assert_eq!(body["thinking"], json!({"type": "adaptive"}));
    assert_eq!(reported, ["param-dropped [warning]"]);
}

/// A conversation with a call and the reasoning before it.
fn history(client: &str, field: &str) -> Value {
    match client {
        ANTHROPIC => json!({"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "x"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "why", "signature": ""},
                {"type": "tool_use", "id": "t1", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "r"}]}]}),
        OLLAMA => json!({"model": "m", "stream": false, "messages": [{"role": "user", "content": "x"},
            {"role": "assistant", "content": "", "thinking": "why", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]},
            {"role": "tool", "content": "r", "tool_name": "f"}]}),
        _ => {
            let call = json!({"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
            let mut turn = json!({"role": "assistant", "content": null, "tool_calls": [call]});
            for name in field.split(' ') {
                turn[name] = json!("why");
            }
            json!({"model": "m", "messages": [{"role": "user", "content": "x"}, turn,
                {"role": "tool", "tool_call_id": "t1", "content": "r"}]})
        }
    }
}

#[test]
fn earlier_reasoning_is_sent_in_the_field_that_the_upstream_reads() {
    let clients = [
        (CHAT, "reasoning_content"),
        (CHAT, "reasoning"),
        (CHAT, "reasoning reasoning_content"),
        (ANTHROPIC, ""),
        (OLLAMA, ""),
    ];
    for (row, model, content, text) in [
        ("vllm", "m", true, true),
        ("openrouter", "m", false, true),
        ("ollama", "m", false, true),
        ("ollama-cloud", "m", false, true),
        ("groq", "openai/gpt-oss-120b", false, true),
        ("cerebras", "gpt-oss-120b", false, true),
        ("deepseek", "deepseek-v4-pro", true, false),
        ("moonshot", "kimi-k3", true, false),
        ("zai", "glm-5.3", true, false),
        ("openai", "gpt-5.6", false, false),
        ("cerebras", "zai-glm-4.7", false, false),
        ("minimax", "m", false, false),
    ] {
        for (client, field) in clients {
            let mut body = history(client, field);
            body["model"] = json!(model);
            let conversion = converted(client, CHAT, row, &body);
            let sent: Value = serde_json::from_slice(&conversion.body).unwrap();
            let turn = &sent["messages"][1];
            let has = |name: &str| turn[name] == "why";
            let case = format!("{client} {field} to {row}: {turn}");
            assert!(!content || has("reasoning_content"), "{case}");
            assert!(!text || has("reasoning"), "{case}");
            // Both are kept where the client sent both and one is read.
            if !content && !text {
                assert!(!has("reasoning_content") && !has("reasoning"), "{case}");
                let text = turn["content"][0]["text"].as_str().or(turn["content"].as_str());
                let in_text = text == Some("<think>\nwhy\n</think>\n\n");
                assert_eq!(in_text, row != "openai", "{case}");
            }
        }
    }
    // An unknown upstream gets what the client sends.
    for field in ["reasoning_content", "reasoning"] {
        let body = history(CHAT, field);
        let conversion = converted(CHAT, CHAT, "compatible", &body);
        assert_eq!(String::from_utf8_lossy(&conversion.body), body.to_string());
    }
    // Other dialects get it from either field.
    for field in ["reasoning_content", "reasoning"] {
        let conversion = converted(CHAT, OLLAMA, "", &history(CHAT, field));
        let sent: Value = serde_json::from_slice(&conversion.body).unwrap();
        assert_eq!(sent["messages"][1]["thinking"], "why", "{field}");
    }
}

/// The message that a chat client receives, with the upstream's bytes in chunks of this size.
fn received(streams: bool, chunk_size: usize) -> Value {
    let call =
        r#""tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"f","arguments":"{}"}}]"#;
    let part = |delta: &str, finish: &str| {
        format!(
            "data: {{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    let body = if streams {
        let deltas = [r#"{"role":"assistant","reasoning":"w"}"#, r#"{"reasoning":"hy"}"#];
        let thought: String = deltas.iter().map(|delta| part(delta, "null")).collect();
        thought + &part(&format!("{{{call}}}"), "null") + &part("{}", "\"tool_calls\"") + "data: [DONE]\n\n"
    } else {
        format!(
            r#"{{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":null,"reasoning":"why",{call}}},"finish_reason":"tool_calls"}}]}}"#
        )
    };
    let request = json!({"model": "m", "stream": streams, "messages": [{"role": "user", "content": "x"}]});
    let incoming = ClientRequest::read(chat(), "", request.to_string().into()).unwrap();
    let mut exchange =
        Exchange::start(incoming, profile("openrouter").unwrap(), Settings::default(), Context::fixed())
            .unwrap();
    assert!(matches!(exchange.next(), Step::Send { .. }));
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    let mut out = Vec::new();
    for chunk in body.as_bytes().chunks(chunk_size) {
        exchange.push(chunk, &mut out).unwrap();
    }
    exchange.finish(&mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    if !streams {
        let response: Value = serde_json::from_str(&out).unwrap();
        return response["choices"][0]["message"].clone();
    }
    let mut message =
        json!({"role": "assistant", "content": null, "reasoning_content": "", "tool_calls": []});
    for line in out.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|line| *line != "[DONE]") {
        let chunk: Value = serde_json::from_str(line).unwrap();
        let delta = &chunk["choices"][0]["delta"];
        let thought = delta["reasoning_content"].as_str().unwrap_or_default();
        message["reasoning_content"] =
            json!(format!("{}{thought}", message["reasoning_content"].as_str().unwrap()));
        if let Some(calls) = delta["tool_calls"].as_array() {
            message["tool_calls"].as_array_mut().unwrap().extend(calls.iter().cloned());
        }
    }
    message
}

#[test]
fn renamed_reasoning_of_an_answer_gets_its_name_back_in_the_next_request() {
    let sizes = (1..600).map(|size| (true, size)).chain([(false, 1), (false, 7), (false, 9999)]);
    for (streams, size) in sizes {
        let message = received(streams, size);
        assert_eq!(message["reasoning_content"], "why", "{streams} {size}: {message}");
        let next = json!({"model": "m", "messages": [{"role": "user", "content": "x"}, message,
            {"role": "tool", "tool_call_id": "t1", "content": "r"}]});
        let conversion = converted(CHAT, CHAT, "openrouter", &next);
        let sent: Value = serde_json::from_slice(&conversion.body).unwrap();
        let turn = &sent["messages"][1];
        assert_eq!((&turn["reasoning"], turn.get("reasoning_content")), (&json!("why"), None), "{turn}");
    }
}
