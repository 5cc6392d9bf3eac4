//! A refused request is sent again without what the upstream does not take, whatever the words of the refusal; the client's own
//! mistakes are answered with the first error.

mod common;

use common::answer::{response_of, written};
use common::chat;
use openai_shim_core::canonical::{
    Block, DiagnosticCode, ExtraFields, FinishReason, Message, Request, Role, Tool,
};
use openai_shim_core::dialect::{DIALECTS, Dialect, dialect};
use openai_shim_core::exchange::{ClientRequest, FallbackPolicy, Report, Settings, Target};
use openai_shim_core::json::raw;
use openai_shim_core::profile::{Adaptation, profile};
use openai_shim_core::{Context, Diagnostics, Exchange, Profile, Step};
use serde_json::{Value, json};

/// What an upstream got.
struct Sent {
    body: Value,
    text: String,
    headers: http::HeaderMap,
}

/// One exchange, and what came of it.
struct Outcome {
    sent: Vec<Sent>,
    status: u16,
    body: String,
    report: Report,
}

impl Outcome {
    fn learned(&self) -> Vec<String> {
        let stored = serde_json::to_string(&self.report.adaptations).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Adaptation>>(&stored).unwrap(), self.report.adaptations);
        self.report.adaptations.iter().map(ToString::to_string).collect()
    }
}

/// An upstream's profile of one dialect.
fn upstream_of(name: &str) -> Profile {
    let mut upstream = profile("compatible").unwrap();
    name.clone_into(&mut upstream.dialect);
    upstream
}

/// What an upstream of this dialect answers, whole or as a stream.
fn answer(upstream: Dialect, stream: bool) -> Vec<u8> {
    let response = response_of(vec![Block::text("PONG")], FinishReason::Stop);
    written(upstream, &response, &Request::default(), stream)
}

fn settings(attempts: u32) -> Settings {
    let mut settings = Settings::default();
    settings.retry.attempts = attempts;
    settings.fallback.when = FallbackPolicy::Never;
    settings
}

/// Sends a client's request to an upstream that refuses what `refuse` gives an error for.
fn exchange(
    client: Dialect,
    body: &str,
    path: &str,
    target: impl Into<Target>,
    settings: Settings,
    mut refuse: impl FnMut(&Sent, usize) -> Option<(u16, String)>,
) -> Outcome {
    let incoming = ClientRequest::read(client, path, body.to_owned().into()).unwrap();
    let mut exchange = Exchange::start(incoming, target.into(), settings, Context::fixed()).unwrap();
    let (mut sent, mut out): (Vec<Sent>, Vec<u8>) = (Vec::new(), Vec::new());
    while let Step::Send { request, .. } = exchange.next() {
        assert!(sent.len() < 8, "it goes on and on");
        let text = String::from_utf8(request.body().to_vec()).unwrap();
        let got =
            Sent { body: serde_json::from_str(&text).unwrap(), headers: request.headers().clone(), text };
        let is_stream = got.body["stream"] == true || request.uri().path().contains("stream");
        let (status, body) = match refuse(&got, sent.len()) {
            Some((status, error)) => (status, error.into_bytes()),
            None => (200, answer(exchange.upstream(), is_stream)),
        };
        sent.push(got);
        exchange.head(http::StatusCode::from_u16(status).unwrap(), &http::HeaderMap::new()).unwrap();
        exchange.push(&body, &mut out).unwrap();
        exchange.finish(&mut out).unwrap();
    }
    let status = exchange.response_head().unwrap().status.as_u16();
    Outcome { sent, status, body: String::from_utf8(out).unwrap(), report: exchange.into_report() }
}

/// One exchange of a chat client with a chat upstream.
fn chat_exchange(body: &Value, refuse: impl FnMut(&Sent, usize) -> Option<(u16, String)>) -> Outcome {
    exchange(chat(), &body.to_string(), "", profile("compatible").unwrap(), settings(1), refuse)
}

fn error(message: &str) -> String {
    json!({"error": {"message": message}}).to_string()
}

fn hello(members: Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    body
}

fn function() -> Tool {
    Tool::Function {
        name: String::from("weather"),
        description: None,
        parameters: Some(raw(r#"{"type":"object","properties":{}}"#)),
        strict: None,
        extra: ExtraFields::default(),
    }
}

/// What the shim adds for upstreams of a dialect.
type HasAddition = fn(&Sent) -> bool;
const ADDITIONS: [(&str, HasAddition); 5] = [
    ("stream_options", |sent| sent.body.get("stream_options").is_some()),
    ("store", |sent| sent.body.get("store").is_some()),
    ("include", |sent| sent.body.get("include").is_some()),
    ("tools.strict", |sent| sent.text.contains("\"strict\"")),
    ("anthropic-version", |sent| sent.headers.contains_key("anthropic-version")),
];

#[test]
fn what_the_shim_added_is_left_out_after_any_refusal() {
    let mut found = std::collections::BTreeMap::new();
    for client in DIALECTS {
        for upstream in DIALECTS {
            for stream in [false, true] {
                let mut request = Request::default();
                request.model = String::from("gpt-5");
                request.stream = stream;
                request.messages = vec![Message::text(Role::User, "hi")].into();
                request.tools = vec![function()].into();
                let encoded = client.encode_request(&request, None, &mut Diagnostics::default()).unwrap();
                let mut body: Value = serde_json::from_str(&encoded.body.to_json()).unwrap();
                // The client itself sends none of the additions.
                for (name, _) in ADDITIONS {
                    body.as_object_mut().unwrap().remove(name);
                }
                let body = body.to_string().replace(",\"strict\":false", "");
                for (name, has) in ADDITIONS {
                    for (status, message) in [
                        (400, String::from("Bad Request")),
                        (422, format!("value {name} nicht gestattet")),
                        (415, String::new()),
                        (500, format!("create() got an unexpected keyword argument '{name}'")),
                    ] {
                        let upstream_profile = upstream_of(upstream.name());
                        // An ordinary word counts only where it is marked as a name.
                        let is_named = message.contains(&format!("'{name}'"))
                            || message.contains(name) && name.contains(['_', '.', '-']);
                        let outcome = exchange(
                            *client,
                            &body,
                            &encoded.path,
                            upstream_profile,
                            settings(1),
                            |sent, _| has(sent).then(|| (status, error(&message))),
                        );
                        let what =
                            format!("{} to {} {stream} {name} {message}", client.name(), upstream.name());
                        assert_eq!(outcome.status, 200, "{what}: {}", outcome.body);
                        assert!(outcome.body.contains("PONG"), "{what}");
                        if outcome.sent.len() == 1 {
                            assert!(outcome.learned().is_empty(), "{what}");
                            continue;
                        }
                        assert_eq!(outcome.sent.len(), 2, "{what}");
                        assert!(outcome.report.diagnostics.has(DiagnosticCode::Learned), "{what}");
                        let lines = outcome.learned();
                        let expected = if name == "stream_options" {
                            String::from("stream.accepts_options = false")
                        } else {
                            format!(r#"params.client_only = ["...", "{name}"]"#)
                        };
                        assert!(lines.contains(&expected), "{what}: {lines:?}");
                        // A named one goes alone.
                        assert!(!is_named || lines.len() == 1, "{what}: {lines:?}");
                        *found.entry(name).or_insert(0) += 1;
                    }
                }
            }
        }
    }
    assert_eq!(found.len(), ADDITIONS.len(), "{found:?}");
}

#[test]
fn what_was_learned_is_applied_to_the_next_request_and_spares_what_the_client_sends() {
    let responses = || upstream_of("openai-responses");
    let body = hello(json!({"stream": true}));
    let first = exchange(chat(), &body.to_string(), "", responses(), settings(1), |sent, _| {
        sent.body.get("store").map(|_| (400, error("no")))
    });
    let next = || Target::new(responses()).with_adaptations(first.report.adaptations.clone());
    let second = exchange(chat(), &body.to_string(), "", next(), settings(1), |sent, _| {
        sent.body.get("store").map(|_| (400, error("no")))
    });
    assert_eq!((second.status, second.sent.len()), (200, 1));
    let own = hello(json!({"store": true}));
    let third = exchange(chat(), &own.to_string(), "", next(), settings(1), |_, _| None);
    assert_eq!(third.sent[0].body["store"], true);
}

#[test]
fn configured_defaults_are_left_out_after_a_refusal_and_the_clients_own_values_stay() {
    let mut upstream = profile("compatible").unwrap();
    upstream.params.set = Some([(String::from("repetition_penalty"), json!(1.1))].into());
    let mut defaults = settings(1);
    defaults.default_max_tokens = Some(100);
    let refuse = |sent: &Sent, _| {
        let body = &sent.body;
        (body["max_tokens"] == 100 || body["repetition_penalty"] == 1.1).then(|| (400, error("no")))
    };
    let body = hello(json!({})).to_string();
    let outcome = exchange(chat(), &body, "", upstream.clone(), defaults.clone(), refuse);
    assert_eq!((outcome.status, outcome.sent.len()), (200, 2), "{}", outcome.body);
    let mut learned = outcome.learned();
    learned.sort();
    assert_eq!(
        learned,
        [
            r#"params.client_only = ["...", "max_tokens"]"#,
            r#"params.client_only = ["...", "repetition_penalty"]"#
        ]
    );
    let upstream = Target::new(upstream).with_adaptations(outcome.report.adaptations);
    let own = hello(json!({"max_tokens": 7, "repetition_penalty": 1.2})).to_string();
    let outcome = exchange(chat(), &own, "", upstream, defaults, refuse);
    assert_eq!((outcome.status, outcome.sent.len()), (200, 1));
    assert_eq!(
        (&outcome.sent[0].body["max_tokens"], &outcome.sent[0].body["repetition_penalty"]),
        (&json!(7), &json!(1.2))
    );
}

/// Refusals of `stream_options`, in many words. Without a link: found in this project's recordings, or likely.
const STREAM_OPTIONS_REFUSALS: &[(u16, &str)] = &[
    (400, "stream_options not supported"),
    (400, "Unknown field: stream_options"),
    (400, "Unknown parameter: stream_options"), // https://github.com/14790897/MiqroForge-Desktop/issues/12
    (400, "Unsupported parameter: stream_options"), // https://github.com/AprilNEA/BYOKEY/issues/84
    (400, "未知参数stream_options无法被识别"),  // https://github.com/BurnHair/docs/issues/85
    (500, "Completions.create() got an unexpected keyword argument 'stream_options'"), // https://github.com/simonw/llm-openrouter/issues/11
    // https://github.com/BerriAI/litellm/issues/5803
    (400, "The 'stream_options' parameter is only allowed when 'stream' is enabled."),
    (
        400,
        "[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), 'msg': 'Extra inputs are not permitted', 'input': {}}]",
    ),
    (
        422,
        "unknown field: parameter 'stream_options' is not a valid field. For proper usage, please refer to the documentation",
    ),
    (400, "Validation error at #/stream_options: Extra inputs are not permitted"),
    (400, "Error parsing body: json: unknown field \"stream_options\""),
    (400, "Unrecognized request argument supplied: stream_options"),
    (400, "Invalid request: stream_options"),
    (400, "stream_options: extra fields not permitted"),
    (400, "stream_options is not a recognized parameter"),
    (400, "The parameter stream_options is not allowed for this model."),
    (400, "Field stream_options is disallowed by schema"),
    (400, "additionalProperties: stream_options"),
    (400, "request validation failed: /stream_options must NOT have additional properties"),
    (400, "must NOT have additional properties: stream_options"),
    (400, "property stream_options should not exist"),
    (400, "Unexpected property: stream_options"),
    (400, "Unexpected key(s) in body: stream_options"),
    (400, "Parameter error: streamOptions"),
    (400, "streamOptions is deprecated and has been removed"),
    (400, "body.stream_options: Object contains unknown field"),
    (400, "ValidationException: extraneous key [stream_options] is not permitted"),
    (400, "Unknown name \"stream_options\": Cannot find field."),
    (
        400,
        "Cannot deserialize value: Unrecognized field \"stream_options\" (class ChatRequest), not marked as ignorable",
    ),
    (400, "Could not parse request: no such field stream_options"),
    (400, "schema violation at $.stream_options"),
    (400, "stream_options.include_usage is not implemented"),
    (400, "include_usage is not supported by this deployment"),
    (406, "We do not do stream_options here."),
    (400, "Please remove stream_options and try again"),
    (400, "不支持的参数：stream_options"),
    (400, "参数错误: stream_options 字段不合法"),
    (400, "パラメータ「stream_options」はサポートされていません"),
    (400, "지원하지 않는 매개변수: stream_options"),
    (400, "Parámetro desconocido: stream_options"),
    (400, "Le paramètre stream_options n'est pas pris en charge"),
    (400, "Der Parameter »stream_options« wird nicht unterstützt"),
    (400, "Неизвестный параметр stream_options"),
    (400, "Parâmetro não suportado: stream_options"),
    (400, "stream_options parametresi desteklenmiyor"),
    (501, "stream_options"),
    (502, "upstream said: unknown field stream_options"),
    (405, "nope"),
    (400, ""),
    (400, "Bad Request"),
    (422, "Unprocessable Entity"),
    (424, "failed"),
];

#[test]
fn stream_options_are_left_out_whatever_the_words() {
    assert!(STREAM_OPTIONS_REFUSALS.len() >= 40);
    let own = hello(json!({"stream": true, "stream_options": {"include_usage": true}}));
    let added = hello(json!({"stream": true}));
    for (status, message) in STREAM_OPTIONS_REFUSALS {
        for body in [&own, &added] {
            for envelope in [error(message), (*message).to_owned(), json!({ "detail": message }).to_string()]
            {
                let outcome = chat_exchange(body, |sent, _| {
                    sent.body.get("stream_options").map(|_| (*status, envelope.clone()))
                });
                assert_eq!(outcome.status, 200, "{message}: {}", outcome.body);
                assert_eq!(outcome.sent.len(), 2, "{message}");
                assert_eq!(outcome.learned(), ["stream.accepts_options = false"], "{message}");
                assert!(outcome.body.contains("PONG") && outcome.body.contains("[DONE]"), "{message}");
            }
        }
    }
}

#[test]
fn member_inside_another_is_left_out_wherever_it_stands() {
    let text = json!({"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}});
    let claude = json!({
        "model": "m", "max_tokens": 9, "system": [text],
        "messages": [
            {"role": "user", "content": [text]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {"cache_control": 1}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "1"}]}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}, "defer_loading": true, "eager_input_streaming": true}],
    });
    let gemini = json!({
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "generationConfig": {"thinkingConfig": {"thinkingBudget": 9, "thinkingLevel": "low"}, "topK": 3},
    });
    let responses = json!({"model": "m", "store": false,
        "input": [{"type": "message", "role": "user", "content": "hi", "status": "completed", "phase": "final_answer"}]});
    let chat_tools = hello(json!({"tools": [{"type": "function", "requires_confirmation": true,
        "function": {"name": "f", "parameters": {"type": "object", "$schema": "s"}, "strict": true}}]}));
    let refusal = hello(json!({"messages": [{"role": "user", "content": "hi", "refusal": null}]}));
    for (name, body, message, lines) in [
        (
            "anthropic-messages",
            &claude,
            // https://github.com/anomalyco/opencode/issues/23193
            "tools.0.custom.eager_input_streaming: Extra inputs are not permitted",
            &[r#"params.drop = ["...", "tools.eager_input_streaming"]"#][..],
        ),
        (
            "anthropic-messages",
            &claude,
            "tools.0.custom.defer_loading: Extra inputs are not permitted",
            &[r#"params.drop = ["...", "tools.defer_loading"]"#],
        ),
        (
            "anthropic-messages",
            &claude,
            // https://github.com/Wei-Shaw/sub2api/issues/225
            "messages.0.content.0.text.cache_control: Extra inputs are not permitted",
            &[r#"params.drop = ["...", "messages.content.cache_control"]"#],
        ),
        (
            "anthropic-messages",
            &claude,
            // https://github.com/can1357/oh-my-pi/pull/11812
            "Unknown field: cache_control",
            &[
                r#"params.drop = ["...", "messages.content.cache_control"]"#,
                r#"params.drop = ["...", "system.cache_control"]"#,
            ],
        ),
        (
            "gemini",
            &gemini,
            // https://github.com/googleapis/go-genai/issues/83
            "Invalid JSON payload received. Unknown name \"thinkingLevel\" at 'generation_config.thinking_config': Cannot find field.",
            &[r#"params.drop = ["...", "generationConfig.thinkingConfig.thinkingLevel"]"#],
        ),
        (
            "gemini",
            &gemini,
            "generation_config.thinking_config.thinking_level is not supported by this model",
            &[r#"params.drop = ["...", "generationConfig.thinkingConfig.thinkingLevel"]"#],
        ),
        ("gemini", &gemini, "top_k is not supported", &[r#"params.drop = ["...", "generationConfig.topK"]"#]),
        (
            "openai-responses",
            &responses,
            "Unknown parameter: 'input[0].phase'.",
            &[r#"params.drop = ["...", "input.phase"]"#],
        ),
        (
            "openai-chat",
            &chat_tools,
            // https://github.com/agno-agi/agno/issues/3503
            "unknown field: parameter 'requires_confirmation' is not a valid field. For proper usage, please refer to the docs",
            &[r#"params.drop = ["...", "tools.requires_confirmation"]"#],
        ),
        (
            "openai-chat",
            &chat_tools,
            // https://github.com/OpenRouterTeam/openrouter-examples/issues/71
            "unknown field: parameter 'strict' is not a valid field. For proper usage, please refer to the docs",
            &["tools.drop_strict = true"],
        ),
        (
            "openai-chat",
            &chat_tools,
            "Unknown name \"$schema\" at 'tools[0].function.parameters': Cannot find field.",
            &[r#"tools.schema.drop_keywords = ["...", "$schema"]"#],
        ),
        (
            "openai-chat",
            &refusal,
            "Extra inputs are not permitted, field: 'messages[0].refusal', value: None",
            &[r#"messages.drop_fields = ["...", "refusal"]"#],
        ),
    ] {
        let side = dialect(name).unwrap();
        let path = if name == "gemini" { "/models/m:generateContent" } else { "" };
        let outcome = exchange(side, &body.to_string(), path, upstream_of(name), settings(1), |_, n| {
            (n == 0).then(|| (400, error(message)))
        });
        assert_eq!((outcome.status, outcome.sent.len()), (200, 2), "{message}: {}", outcome.body);
        assert_eq!(outcome.learned(), lines, "{message}");
        assert_ne!(outcome.sent[0].text, outcome.sent[1].text, "{message}");
        for (before, after) in [("input\":{\"cache_control\":1}", true), ("\"text\":\"hi\"", true)] {
            if outcome.sent[0].text.contains(before) {
                assert_eq!(outcome.sent[1].text.contains(before), after, "{message}");
            }
        }
        assert!(outcome.report.diagnostics.has(DiagnosticCode::Learned));
    }
}

/// Errors of models without tools.
const NO_TOOLS: &[(u16, &str)] = &[
    (400, "registry.ollama.ai/library/gemma3:4b does not support tools"), // https://github.com/ollama/ollama/issues/11131
    // https://github.com/google/adk-python/issues/952
    (
        400,
        "Invalid request content: The model does not support tool use or function calling but tools have been specified on the request.",
    ),
    // https://github.com/sbintuitions/flexeval/pull/242
    (400, "tools is not supported in this model. For a list of supported models, refer to the guide."),
    (400, "model features function calling not support"), // https://github.com/continuedev/continue/issues/4806
    (404, "No endpoints found that support tool use. Try disabling \"weather\"."),
    (400, "Function calling is not enabled for models/gemma-3-27b-it"),
    (400, "Tool calling is not supported for this model"),
    (500, "This model doesn't support tools"),
    (400, "Unsupported parameter: 'tools'"),
    (400, "tools are currently unavailable"),
    (422, "该模型不支持工具调用"),
    (400, "このモデルはツールに対応していません"),
    (400, "Le modèle ne prend pas en charge les outils"),
];

#[test]
fn tools_are_left_out_for_a_model_that_has_none() {
    for upstream in ["openai-chat", "openai-responses", "anthropic-messages", "ollama-chat", "gemini"] {
        for (status, message) in NO_TOOLS {
            let tools = json!([{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]);
            let refuse = |sent: &Sent, _| sent.body.get("tools").map(|_| (*status, error(message)));
            for choice in [json!(null), json!("auto"), json!("none")] {
                let mut body = hello(json!({"tools": tools}));
                if !choice.is_null() {
                    body["tool_choice"] = choice;
                }
                let outcome =
                    exchange(chat(), &body.to_string(), "", upstream_of(upstream), settings(1), refuse);
                assert_eq!(outcome.status, 200, "{upstream} {message}: {}", outcome.body);
                if outcome.sent.len() > 1 {
                    assert_eq!(outcome.learned(), ["tools.supported = false"], "{upstream} {message}");
                    let learned =
                        outcome.report.diagnostics.iter().find(|d| d.code == DiagnosticCode::Learned);
                    assert!(learned.unwrap().detail.contains("tools.supported = false"));
                }
            }
            // Without tools these would be other requests.
            let call =
                json!([{"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]);
            let history = json!([{"role": "user", "content": "hi"},
                {"role": "assistant", "content": null, "tool_calls": call}, {"role": "tool", "tool_call_id": "c", "content": "1"}]);
            for members in [
                json!({"tools": tools, "tool_choice": "required"}),
                json!({"tools": tools, "messages": history}),
            ] {
                if upstream == "ollama-chat" && members.get("tool_choice").is_some() {
                    continue; // This API cannot force a tool.
                }
                let outcome = exchange(
                    chat(),
                    &hello(members).to_string(),
                    "",
                    upstream_of(upstream),
                    settings(1),
                    refuse,
                );
                assert_ne!(outcome.status, 200, "{upstream} {message}");
                assert!(outcome.learned().is_empty(), "{upstream} {message}");
            }
        }
    }
}

#[test]
fn schema_is_asked_for_in_words_where_there_is_no_structured_output() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    let body = hello(
        json!({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema, "strict": true}}}),
    );
    for upstream in ["openai-chat", "openai-responses", "anthropic-messages", "ollama-chat", "gemini"] {
        for message in [
            "This model does not support structured outputs",
            "response_format is not supported by this model",
            "JSON mode is not enabled for models/gemma-3-27b-it",
            "Unsupported: json_schema is not available",
            "模型不支持结构化输出",
        ] {
            let outcome =
                exchange(chat(), &body.to_string(), "", upstream_of(upstream), settings(1), |sent, _| {
                    let is_held = ["response_format", "output_config", "format", "text"]
                        .iter()
                        .any(|key| sent.body.get(key).is_some())
                        || sent.body["generationConfig"].get("responseMimeType").is_some();
                    is_held.then(|| (400, error(message)))
                });
            assert_eq!(outcome.status, 200, "{upstream} {message}: {}", outcome.body);
            assert!(outcome.learned()[0].starts_with("response_format.json_schema"), "{upstream} {message}");
            assert!(outcome.report.diagnostics.has(DiagnosticCode::FormatDowngraded), "{upstream} {message}");
        }
    }
    let message = "Invalid schema for response_format 'a': In context=(), 'oneOf' is not permitted.";
    let outcome = chat_exchange(&body, |_, _| Some((400, error(message))));
    assert_eq!((outcome.status, outcome.sent.len()), (400, 1));
}

#[test]
fn refusal_that_stays_without_the_additions_is_the_first_one() {
    let body = hello(json!({"stream": true}));
    for attempts in [1, 2, 3] {
        for second in ["something is wrong", "stream_options are required", "max_tokens: field required"] {
            let outcome = exchange(
                chat(),
                &body.to_string(),
                "",
                profile("compatible").unwrap(),
                settings(attempts),
                |_, n| Some((400, error(if n == 0 { "something is wrong" } else { second }))),
            );
            assert_eq!((outcome.status, outcome.sent.len()), (400, 2), "{attempts} {second}");
            assert!(outcome.body.contains("something is wrong") && !outcome.body.contains("required"));
            assert!(outcome.learned().is_empty());
        }
    }
}

#[test]
fn request_without_additions_counts_as_no_attempt_and_is_retried_like_any() {
    let body = hello(json!({"stream": true}));
    for attempts in [1, 2, 3] {
        let outcome = exchange(
            chat(),
            &body.to_string(),
            "",
            profile("compatible").unwrap(),
            settings(attempts),
            |sent, n| match n {
                _ if sent.body.get("stream_options").is_some() => Some((400, error("?"))),
                _ if n < attempts as usize => Some((503, error("busy"))),
                _ => None,
            },
        );
        let (status, requests) = (200, attempts as usize + 1);
        assert_eq!((outcome.status, outcome.sent.len()), (status, requests), "{attempts}: {}", outcome.body);
        let outcome = exchange(
            chat(),
            &body.to_string(),
            "",
            profile("compatible").unwrap(),
            settings(attempts),
            |sent, _| {
                Some(if sent.body.get("stream_options").is_some() {
                    (400, error("?"))
                } else {
                    (503, error("busy"))
                })
            },
        );
        // What was busy with the second request is not the client's first mistake.
        assert_eq!((outcome.status, outcome.sent.len()), (503, requests), "{attempts}");
    }
}

#[test]
fn certain_adaptation_after_the_omission_goes_on_top() {
    let body = hello(json!({"stream": true, "top_k": 4}));
    let outcome = chat_exchange(&body, |sent, _| {
        let has = |key: &str| sent.body.get(key).is_some();
        match (has("stream_options"), has("top_k")) {
            (true, _) => Some((400, error("?"))),
            (_, true) => Some((400, error("unknown field: top_k"))),
            _ => None,
        }
    });
    assert_eq!((outcome.status, outcome.sent.len()), (200, 3), "{}", outcome.body);
    assert_eq!(outcome.learned(), ["stream.accepts_options = false", r#"params.drop = ["...", "top_k"]"#]);
}

#[test]
fn clients_own_mistakes_cost_no_second_request() {
    let body = hello(json!({"stream": true, "temperature": 9, "user": "ann", "top_k": 4}));
    for (status, message) in [
        (401, "stream_options: invalid key"),
        (402, "no"),
        (403, "Forbidden"),
        (404, "The model `m` does not exist"),
        (404, "404 page not found"),
        (413, "too large"),
        (429, "slow down"),
        (400, "Incorrect API key provided"),
        (400, "This model's maximum context length is 10 tokens"),
        (400, "Your request was flagged by our moderation"),
        (400, "You exceeded your current quota"),
    ] {
        let outcome = chat_exchange(&body, |_, _| Some((status, error(message))));
        assert_eq!(outcome.sent.len(), 1, "{message}");
        assert!(outcome.learned().is_empty() && outcome.status != 200, "{message}");
    }
    // An error that points at the client's own value.
    let outcome = chat_exchange(&body, |_, _| {
        Some((400, json!({"error": {"message": "bad value", "param": "temperature"}}).to_string()))
    });
    assert_eq!(outcome.sent.len(), 1);
}

#[test]
fn clients_value_is_not_left_out_for_what_is_wrong_with_it() {
    let body = hello(
        json!({"temperature": 9, "top_k": 4, "user": "ann", "max_tokens": 5, "seed": 1, "stop": ["user"]}),
    );
    for message in [
        "temperature must be at most 2",
        "invalid value for parameter top_k: 4 is out of range",
        "max_tokens is required to be larger than 16",
        "Role user is not supported",
        "Unknown user",
        "unsupported file type in messages; see the parameters temperature, top_k",
        "Unknown parameter: foo. Supported parameters: temperature, top_k, max_tokens",
        "unrecognized parameter foo, did you mean top_k",
        "'seed' and 'stop'",
    ] {
        let outcome = chat_exchange(&body, |_, n| (n == 0).then(|| (400, error(message))));
        assert_eq!((outcome.status, outcome.sent.len()), (400, 1), "{message}: {:?}", outcome.learned());
    }
}

#[test]
fn server_error_is_a_refusal_only_of_servers_known_for_it() {
    let body = hello(json!({"stream": true}));
    for known in [false, true] {
        let mut upstream = profile("compatible").unwrap();
        upstream.params.refused_with_500 = known.then_some(true);
        let outcome = exchange(chat(), &body.to_string(), "", upstream, settings(1), |sent, _| {
            sent.body.get("stream_options").map(|_| (500, error("Internal Server Error")))
        });
        assert_eq!(outcome.status == 200, known);
        assert_eq!(outcome.sent.len(), 1 + usize::from(known));
    }
}

#[test]
fn forwarded_headers_stay_in_the_adapted_request() {
    let mut headers = http::HeaderMap::new();
    headers.insert("openai-beta", "x=1".parse().unwrap());
    let body = hello(json!({"stream": true}));
    let incoming = ClientRequest::read(chat(), "", body.to_string().into()).unwrap().with_headers(headers);
    let mut exchange =
        Exchange::start(incoming, profile("compatible").unwrap(), settings(1), Context::fixed()).unwrap();
    for _ in 0..2 {
        let Step::Send { request, .. } = exchange.next() else { panic!("nothing is sent") };
        assert_eq!(request.headers()["openai-beta"], "x=1");
        exchange.head(http::StatusCode::BAD_REQUEST, &http::HeaderMap::new()).unwrap();
        exchange.finish(&mut Vec::new()).unwrap();
    }
}
