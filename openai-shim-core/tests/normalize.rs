//! Each rule of a profile applied to a request: the normalized request, the diagnostics, and rejections in strict mode.

mod common;

use common::chat;
use common::state::{Setup, TestStore};
use openai_shim_core::accepts::AcceptsLayer;
use openai_shim_core::canonical::{AnswerQuirks, Context, DiagnosticCode};
use openai_shim_core::exchange::{ClientRequest, Exchange, LossPolicy, Settings, Step};
use openai_shim_core::{Error, Profile, profile};
use serde_json::{Value, json};
use std::sync::Arc;

/// Returns the profile `openai` with these rules, in the form of a configuration file, and no model overrides.
fn profile_for(rules: Value) -> Profile {
    let mut upstream_profile = serde_json::to_value(profile("openai").unwrap()).unwrap();
    upstream_profile["model_overrides"] = json!([]);
    // OpenAI's own API reads no reasoning of earlier turns.
    upstream_profile["messages"]["reasoning_field"] = json!("any");
    for (section, entries) in rules.as_object().unwrap() {
        match entries.as_object() {
            Some(entries) if upstream_profile[section].is_object() => {
                for (key, value) in entries {
                    upstream_profile[section][key] = value.clone();
                }
            }
            _ => upstream_profile[section] = entries.clone(),
        }
    }
    serde_json::from_value(upstream_profile).unwrap()
}

fn start(upstream_profile: Profile, request: &Value, settings: Settings) -> Result<Exchange, Error> {
    let incoming = ClientRequest::read(chat(), "", request.to_string().into())?;
    Exchange::start(incoming, upstream_profile, settings, Context::fixed())
}

fn begin(setup: &Setup, upstream_profile: Profile, request: &Value) -> Exchange {
    setup
        .start(ClientRequest::read(chat(), "", request.to_string().into()).unwrap(), upstream_profile)
        .unwrap()
}

/// Returns the upstream request, and the diagnostics as `code path`.
fn sent(rules: Value, request: &Value) -> (Value, Vec<String>) {
    let mut exchange = start(profile_for(rules), request, Settings::default()).unwrap();
    let diagnostics = exchange.diagnostics().iter().map(|d| format!("{} {}", d.code, d.path)).collect();
    let Step::Send { request, .. } = exchange.next() else { panic!("nothing to send") };
    (serde_json::from_slice(request.body()).unwrap(), diagnostics)
}

fn rejected_param(rules: Value, request: &Value) -> Option<String> {
    let mut settings = Settings::default();
    settings.loss_policy = LossPolicy::Strict;
    start(profile_for(rules), request, settings)
        .err()
        .map(|error| error.param().unwrap_or_default().to_owned())
}

fn request_with(messages: Value) -> Value {
    json!({"model": "m", "messages": messages})
}

fn message(role: &str, content: &str) -> Value {
    json!({"role": role, "content": content})
}

fn called(id: &str) -> Value {
    json!({"role": "assistant", "content": null, "tool_calls": [{"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}]})
}

fn result(id: &str) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": "done"})
}

fn with_tools(more: Value) -> Value {
    let tool = |name: &str| json!({"type": "function", "function": {"name": name, "strict": true, "parameters": {"type": "object", "$schema": "s", "properties": {"a": {"type": "string", "minLength": 1}}}}});
    let mut request =
        json!({"model": "m", "messages": [message("user", "hi")], "tools": [tool("f"), tool("g")]});
    for (key, value) in more.as_object().unwrap() {
        request[key] = value.clone();
    }
    request
}

/// One rule, the messages of the client, and the messages of the upstream request.
#[test]
fn messages_follow_the_profile() {
    let text = |content: &str| json!([{"type": "text", "text": content}]);
    let rows: Vec<(&str, Value, Value, Value, &str)> = vec![
        (
            "R3",
            json!({"roles": {"developer": "system"}}),
            json!([message("developer", "a"), message("user", "b")]),
            json!([message("system", "a"), message("user", "b")]),
            "role-demoted messages[0].role",
        ),
        (
            "R4",
            json!({"roles": {"developer": "system", "system": "user"}}),
            json!([message("developer", "a"), message("user", "b")]),
            json!([message("user", "a\n\nb")]),
            "role-demoted messages[0].role",
        ),
        (
            "R5",
            json!({"roles": {"system": "user"}}),
            json!([message("system", "a")]),
            json!([message("user", "a")]),
            "role-demoted messages[0].role",
        ),
        (
            "R6",
            json!({"merge_system": true}),
            json!([message("user", "b"), message("system", "a"), message("system", "c")]),
            json!([message("system", "a\n\nc"), message("user", "b")]),
            "messages-merged messages",
        ),
        (
            "R7",
            json!({"merge_same_role": true}),
            json!([message("user", "a"), message("user", "b")]),
            json!([message("user", "a\n\nb")]),
            "messages-merged messages",
        ),
        (
            "R8",
            json!({"assistant_after_tool": true}),
            json!([message("user", "a"), called("1"), result("1"), message("user", "b")]),
            json!([
                message("user", "a"),
                called("1"),
                result("1"),
                message("assistant", "OK."),
                message("user", "b")
            ]),
            "bridge-added messages[3]",
        ),
        (
            "R9",
            json!({"prefill": "prefix"}),
            json!([message("user", "a"), message("assistant", "b")]),
            json!([message("user", "a"), {"role": "assistant", "content": "b", "prefix": true}]),
            "content-rewritten messages[].prefix",
        ),
        (
            "R10",
            json!({"prefill": "continue"}),
            json!([message("user", "a"), message("assistant", "b")]),
            json!([message(
                "user",
                "a\n\nGo on with your answer. It begins like this, and you must not repeat it:\n\nb"
            )]),
            "prefill-rewritten messages",
        ),
        (
            "R13",
            json!({"content": "string"}),
            json!([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]),
            json!([message("user", "a\n\nb")]),
            "content-flattened messages[0].content",
        ),
        (
            "R13, of a tool",
            json!({"content": "string"}),
            json!([called("1"), {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "done"}]}]),
            json!([called("1"), result("1")]),
            "content-flattened messages[1].content",
        ),
        (
            "R14",
            json!({"content": "parts"}),
            json!([message("user", "a")]),
            json!([{"role": "user", "content": text("a")}]),
            "content-rewritten messages[0].content",
        ),
        (
            "R15",
            json!({"tool_call_content": "empty"}),
            json!([called("1"), result("1")]),
            json!([{"role": "assistant", "content": "", "tool_calls": called("1")["tool_calls"]}, result("1")]),
            "content-rewritten messages[0].content",
        ),
        (
            "R16",
            json!({"tool_call_content": "null"}),
            json!([{"role": "assistant", "content": "", "tool_calls": called("1")["tool_calls"]}, result("1")]),
            json!([called("1"), result("1")]),
            "content-rewritten messages[0].content",
        ),
        (
            "R16, nothing said",
            json!({"drop_empty_assistant": true}),
            json!([message("user", "a"), message("assistant", ""), message("user", "b")]),
            json!([message("user", "a"), message("user", "b")]),
            "message-dropped messages[1]",
        ),
        (
            "R18",
            json!({"drop_null_fields": true}),
            json!([{"role": "assistant", "content": "a", "tool_calls": null, "function_call": null}]),
            json!([message("assistant", "a")]),
            "null-dropped messages[0].function_call",
        ),
        (
            "R19",
            json!({"name_field": "drop"}),
            json!([{"role": "user", "content": "a", "name": "n"}]),
            json!([message("user", "a")]),
            "param-dropped messages[0].name",
        ),
        (
            "R20",
            json!({"tool_result_name": true}),
            json!([called("1"), result("1")]),
            json!([called("1"), {"role": "tool", "content": "done", "tool_call_id": "1", "name": "f"}]),
            "field-filled messages[1].name",
        ),
        (
            "R22",
            json!({"reasoning_history": "drop"}),
            json!([{"role": "assistant", "content": "a", "reasoning_content": "r"}]),
            json!([message("assistant", "a")]),
            "reasoning-dropped messages[0]",
        ),
    ];
    for (name, rule, messages, expected, record) in rows {
        let (body, diagnostics) = sent(json!({"messages": rule}), &request_with(messages.clone()));
        assert_eq!(body["messages"], expected, "{name}");
        assert!(diagnostics.iter().any(|n| n == record), "{name}: {diagnostics:?}");
        let (untouched, quiet) = sent(json!({}), &request_with(messages.clone()));
        assert_eq!(
            (untouched["messages"].clone(), quiet),
            (messages, Vec::new()),
            "{name}: without the rule"
        );
    }
}

#[test]
fn parameters_follow_the_profile() {
    let rows: Vec<(&str, Value, Value, Value, &str)> = vec![
        (
            "R1",
            json!({"params": {"rename": {"max_completion_tokens": "max_tokens"}}}),
            json!({"max_completion_tokens": 5}),
            json!({"max_tokens": 5}),
            "param-renamed max_completion_tokens",
        ),
        (
            "R2",
            json!({"params": {"rename": {"max_tokens": "max_completion_tokens"}}}),
            json!({"max_tokens": 5}),
            json!({"max_completion_tokens": 5}),
            "param-renamed max_tokens",
        ),
        (
            "R25",
            json!({"params": {"drop": ["logit_bias"]}}),
            json!({"logit_bias": {"1": 2}}),
            json!({}),
            "param-dropped logit_bias",
        ),
        (
            "R31",
            json!({"params": {"clamp": {"temperature": [0, 1]}}}),
            json!({"temperature": 1.5}),
            json!({"temperature": 1}),
            "param-clamped temperature",
        ),
        (
            "R58",
            json!({"params": {"allow": ["temperature"]}}),
            json!({"temperature": 1, "foo": 2}),
            json!({"temperature": 1}),
            "param-dropped foo",
        ),
        (
            "R29",
            json!({"params": {"max_stop_sequences": 0}}),
            json!({"stop": ["a"]}),
            json!({}),
            "stop-applied stop",
        ),
        (
            "R30",
            json!({"params": {"max_stop_sequences": 1}}),
            json!({"stop": ["a", "b"]}),
            json!({"stop": ["a"]}),
            "stop-applied stop",
        ),
        ("R28", json!({"params": {"max_choices": 1}}), json!({"n": 3}), json!({}), "choices-one-by-one n"),
        (
            "R49 OpenRouter",
            json!({"reasoning": {"param": "reasoning"}}),
            json!({"reasoning_effort": "low"}),
            json!({"reasoning": {"effort": "low"}}),
            "param-renamed reasoning_effort",
        ),
        (
            "R49 DeepSeek",
            json!({"reasoning": {"param": "thinking"}}),
            json!({"reasoning_effort": "none"}),
            json!({"thinking": {"type": "disabled"}}),
            "param-renamed reasoning_effort",
        ),
        (
            "R49 Qwen",
            json!({"reasoning": {"param": "enable_thinking"}}),
            json!({"reasoning_effort": "high"}),
            json!({"enable_thinking": true}),
            "param-renamed reasoning_effort",
        ),
        (
            "R49 vLLM",
            json!({"reasoning": {"param": "chat_template_kwargs"}}),
            json!({"reasoning_effort": "high", "chat_template_kwargs": {"a": 1}}),
            json!({"chat_template_kwargs": {"a": 1, "enable_thinking": true}}),
            "param-renamed reasoning_effort",
        ),
        (
            "R50",
            json!({"reasoning": {"efforts": ["low", "high"]}}),
            json!({"reasoning_effort": "minimal"}),
            json!({"reasoning_effort": "low"}),
            "param-clamped reasoning_effort",
        ),
        (
            "R44",
            json!({"response_format": {"json_object": "json_schema"}}),
            json!({"response_format": {"type": "json_object"}}),
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "object", "schema": {"type": "object"}}}}),
            "param-renamed response_format",
        ),
        (
            "R45",
            json!({"response_format": {"omit_text": true}}),
            json!({"response_format": {"type": "text"}}),
            json!({}),
            "null-dropped response_format",
        ),
        (
            "R38",
            json!({}),
            json!({"tool_choice": "auto", "tools": []}),
            json!({}),
            "null-dropped tool_choice",
        ),
    ];
    for (name, rules, params, expected, record) in rows {
        let mut request = request_with(json!([message("user", "hi")]));
        let mut wanted = request.clone();
        for (from, to) in [(&params, &mut request), (&expected, &mut wanted)] {
            for (key, value) in from.as_object().unwrap() {
                to[key] = value.clone();
            }
        }
        let (body, diagnostics) = sent(rules, &request);
        assert_eq!(body, wanted, "{name}");
        assert!(diagnostics.iter().any(|n| n == record), "{name}: {diagnostics:?}");
    }
}

#[test]
fn json_schema_is_downgraded_to_what_the_upstream_supports() {
    let schema = json!({"type": "object", "required": ["a"]});
    let mut request = request_with(json!([message("system", "Be brief."), message("user", "hi")]));
    request["response_format"] =
        json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema}});
    let (body, diagnostics) = sent(json!({"response_format": {"json_schema": "json_object"}}), &request);
    assert_eq!(body["response_format"], json!({"type": "json_object"}));
    let instruction = body["messages"][0]["content"].as_str().unwrap();
    assert!(
        instruction.starts_with("Be brief.\n\n") && instruction.contains(r#""required":["a"]"#),
        "{instruction}"
    );
    assert!(diagnostics.contains(&String::from("format-downgraded response_format")));
    let (body, _) = sent(json!({"response_format": {"json_schema": "instruction"}}), &request);
    assert!(body.get("response_format").is_none());
    assert_eq!(
        rejected_param(json!({"response_format": {"json_schema": "instruction"}}), &request).unwrap(),
        "response_format"
    );
}

#[test]
fn forced_tool_choice_is_written_in_the_upstreams_form() {
    let named = with_tools(json!({"tool_choice": {"type": "function", "function": {"name": "g"}}}));
    let required = with_tools(json!({"tool_choice": "required"}));
    let (body, _) = sent(json!({"tools": {"required_choice": "any"}}), &required);
    assert_eq!(body["tool_choice"], "any");
    let (body, diagnostics) = sent(json!({"tools": {"required_choice": "auto"}}), &required);
    assert_eq!(body["tool_choice"], "auto");
    assert_eq!(body["messages"][0]["role"], "system");
    assert!(diagnostics.contains(&String::from("tool-choice-downgraded tool_choice")));
    let (body, _) = sent(json!({"tools": {"named_choice": "required"}}), &named);
    assert_eq!(body["tool_choice"], "required");
    assert_eq!(body["tools"].as_array().unwrap().len(), 1);
    assert_eq!(body["tools"][0]["function"]["name"], "g");
    let (body, _) = sent(json!({"tools": {"named_choice": "any", "required_choice": "any"}}), &named);
    assert_eq!(body["tool_choice"], "any");
    let (body, _) = sent(json!({"tools": {"named_choice": "auto"}}), &named);
    assert!(body["messages"][0]["content"].as_str().unwrap().contains("`g`"));
}

#[test]
fn schemas_and_strictness_follow_the_profile() {
    let (body, diagnostics) = sent(
        json!({"tools": {"drop_strict": true, "schema": {"drop_keywords": ["$schema", "minLength"]}}}),
        &with_tools(json!({})),
    );
    let function = &body["tools"][0]["function"];
    assert!(function.get("strict").is_none());
    assert_eq!(
        function["parameters"],
        json!({"type": "object", "properties": {"a": {"type": "string", "description": "minLength: 1"}}})
    );
    assert!(diagnostics.contains(&String::from("schema-reduced tools[0].function.parameters")));
    let (body, _) =
        sent(json!({"tools": {"strict_schema": {"objects": "required"}}}), &with_tools(json!({})));
    let parameters = &body["tools"][0]["function"]["parameters"];
    assert_eq!(
        (&parameters["required"], &parameters["additionalProperties"]),
        (&json!(["a"]), &json!(false))
    );
}

#[test]
fn schema_references_are_inlined_and_cycles_end() {
    let mut request = with_tools(json!({}));
    request["tools"] = json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"$ref": "#/$defs/B"}}, "$defs": {"A": {"type": "string"}, "B": {"type": "object", "properties": {"b": {"$ref": "#/$defs/B"}}}}}}}]);
    let (body, _) = sent(json!({"tools": {"schema": {"refs": "inline"}}}), &request);
    let parameters = &body["tools"][0]["function"]["parameters"];
    assert_eq!(parameters["properties"]["a"], json!({"type": "string"}));
    assert!(!parameters.to_string().contains("$ref") && !parameters.to_string().contains("$defs"));
}

#[test]
fn tool_call_ids_fit_the_format_and_match_their_results() {
    let messages = json!([
        called("call_with_a_long_name_of_more_than_forty_characters"),
        result("call_with_a_long_name_of_more_than_forty_characters"),
        called("0"),
        result("0"),
        called("0"),
        result("0")
    ]);
    for (form, fits) in [("alnum_9", 9), ("max_40", 40), ("any", 64)] {
        let (body, diagnostics) =
            sent(json!({"messages": {"tool_call_ids": form}}), &request_with(messages.clone()));
        let list = body["messages"].as_array().unwrap();
        let ids: Vec<&str> =
            [0, 2, 4].iter().map(|i| list[*i]["tool_calls"][0]["id"].as_str().unwrap()).collect();
        for (id, at) in ids.iter().zip([1, 3, 5]) {
            assert_eq!(list[at]["tool_call_id"], *id);
            assert!(id.len() <= fits, "{id}");
        }
        assert!(ids[0] != ids[1] && ids[1] != ids[2], "T16: {ids:?}");
        assert!(diagnostics.iter().any(|n| n.starts_with("tool-id-remapped")));
        assert_eq!(
            body,
            sent(json!({"messages": {"tool_call_ids": form}}), &request_with(messages.clone())).0,
            "the same every time"
        );
    }
}

#[test]
fn unsupported_media_is_rejected_by_name() {
    let request = request_with(
        json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://h/i.png"}}]}]),
    );
    let error =
        start(profile_for(json!({"messages": {"input_modalities": []}})), &request, Settings::default())
            .unwrap_err();
    assert_eq!(error.param(), Some("messages[0].content"));
    assert!(error.to_string().contains("image"), "{error}");
    assert!(
        start(
            profile_for(json!({"messages": {"input_modalities": ["image"]}})),
            &request,
            Settings::default()
        )
        .is_ok()
    );
}

#[test]
fn tools_called_in_the_history_are_declared() {
    let (body, _) = sent(
        json!({"tools": {"declare_from_history": true}}),
        &request_with(json!([called("1"), result("1")])),
    );
    assert_eq!(body["tools"][0]["function"]["name"], "f");
    assert_eq!(body["tool_choice"], "none");
}

#[test]
fn model_override_applies_to_its_models_only() {
    let rules = json!({"model_overrides": [{"match": ["O1*"], "params": {"drop": ["temperature"]}}]});
    for (model, stored) in [("o1-mini", false), ("gpt-4o", true)] {
        let request = json!({"model": model, "temperature": 1, "messages": [message("user", "hi")]});
        assert_eq!(sent(rules.clone(), &request).0.get("temperature").is_some(), stored);
    }
}

#[test]
fn strict_mode_rejects_every_loss_and_names_the_field() {
    let mut request = request_with(json!([message("user", "hi")]));
    request["temperature"] = json!(1.5);
    for (rules, field) in [
        (json!({"params": {"clamp": {"temperature": [0, 1]}}}), "temperature"),
        (json!({"params": {"drop": ["temperature"]}}), "temperature"),
    ] {
        assert_eq!(rejected_param(rules, &request).as_deref(), Some(field));
    }
    assert_eq!(
        rejected_param(json!({"params": {"rename": {"temperature": "temp"}}}), &request),
        None,
        "nothing is lost"
    );
    let mut settings = Settings::default();
    settings.loss_policy = LossPolicy::Strict;
    let error =
        start(profile_for(json!({"params": {"drop": ["temperature"]}})), &request, settings).unwrap_err();
    let (status, body) = chat().encode_error(&error);
    assert_eq!(status, 400);
    assert!(String::from_utf8_lossy(&body).contains("\"param\":\"temperature\""));
}

#[test]
fn dropped_reasoning_is_restored_on_the_next_turn() {
    let calls =
        r#""tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]"#;
    let streamed = format!(
        "data: {{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"reasoning_content\":\"I th\"}},\"finish_reason\":null}}]}}\n\ndata: {{\"choices\":[{{\"index\":0,\"delta\":{{\"reasoning\":\"ink.\",{calls}}},\"finish_reason\":\"tool_calls\"}}]}}\n\ndata: [DONE]\n\n"
    );
    let unstreamed = format!(
        r#"{{"choices":[{{"index":0,"message":{{"content":null,"reasoning_content":"I think.",{calls}}},"finish_reason":"tool_calls"}}]}}"#
    );
    for (stream, answer) in [(true, streamed), (false, unstreamed)] {
        let store = Arc::new(TestStore::default());
        let setup = Setup::new(Settings::default(), Some(store.clone()));
        let mut request = with_tools(json!({"stream": stream}));
        let rules = || profile_for(json!({"messages": {"reasoning_history": "restore"}}));
        let mut exchange = begin(&setup, rules(), &request);
        setup.next(&mut exchange);
        exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
        let mut out = Vec::new();
        exchange.push(answer.as_bytes(), &mut out).unwrap();
        exchange.finish(&mut out).unwrap();
        setup.next(&mut exchange);
        let stored = store.entries();
        assert!(
            !stored.is_empty() && stored.iter().all(|(_, value)| value.contains("I think.")),
            "{stored:?}"
        );

        request["messages"] = json!([message("user", "hi"), called("c1"), result("c1"), called("unknown")]);
        let mut exchange = begin(&setup, rules(), &request);
        let Step::Send { request, .. } = setup.next(&mut exchange) else { panic!() };
        assert!(exchange.diagnostics().has(DiagnosticCode::ReasoningRestored));
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(body["messages"][1]["reasoning_content"], "I think.");
        assert_eq!(body["messages"][3]["reasoning_content"], " ");
    }
}

#[test]
fn several_choices_are_requested_one_by_one_and_returned_together() {
    for stream in [false, true] {
        let mut request = request_with(json!([message("user", "hi")]));
        request["n"] = json!(3);
        request["stream"] = json!(stream);
        let mut exchange =
            start(profile_for(json!({"params": {"max_choices": 1}})), &request, Settings::default()).unwrap();
        let mut out = Vec::new();
        for k in 0..3 {
            let Step::Send { request, .. } = exchange.next() else { panic!("{k}") };
            assert!(!String::from_utf8_lossy(request.body()).contains("\"n\""));
            assert!(exchange.response_head().is_none() && out.is_empty());
            exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
            let answer = json!({"id": format!("id{k}"), "choices": [{"index": 0, "message": {"content": format!("answer {k}")}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 2, "completion_tokens": k, "total_tokens": 2 + k}});
            exchange.push(answer.to_string().as_bytes(), &mut out).unwrap();
            exchange.finish(&mut out).unwrap();
        }
        assert!(matches!(exchange.next(), Step::Done));
        let out = String::from_utf8(out).unwrap();
        assert_eq!(
            common::sdk_client::line(&out),
            r#""answer 0" stop / "answer 1" stop / "answer 2" stop"#,
            "{out}"
        );
        let report = exchange.report();
        assert_eq!(
            (report.attempts.len(), report.usage.unwrap().total(), report.usage.unwrap().input),
            (3, 9, Some(6))
        );
    }
}

#[test]
fn signature_survives_a_client_that_keeps_only_ids() {
    let long = "s".repeat(2000);
    for signature in ["sig/1+", long.as_str()] {
        for stream in [true, false] {
            let setup = Setup::new(Settings::default(), Some(Arc::default()));
            let rules = || profile_for(json!({"messages": {"signatures_in_ids": true}}));
            let mut request = with_tools(json!({"stream": stream}));
            let mut exchange = begin(&setup, rules(), &request);
            setup.next(&mut exchange);
            exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
            let call = json!({"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": {"google": {"thought_signature": signature}}});
            let choice = |key: &str| json!({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, key: {"role": "assistant", "content": null, "tool_calls": [call]}, "finish_reason": "tool_calls"}]});
            let body = if stream {
                format!("data: {}\n\ndata: [DONE]\n\n", choice("delta"))
            } else {
                choice("message").to_string()
            };
            let mut out = Vec::new();
            exchange.push(body.as_bytes(), &mut out).unwrap();
            exchange.finish(&mut out).unwrap();
            setup.next(&mut exchange);
            let out = String::from_utf8(out).unwrap();
            let id = out
                .split("\"id\":\"")
                .find_map(|rest| rest.starts_with("c1").then(|| rest.split('"').next().unwrap()))
                .unwrap();
            assert_eq!(id == "c1", signature.len() > 1000, "a long one is kept, a short one carried: {out}");
            // The client sends back the id, but no unknown fields of the call.
            request["messages"] = json!([message("user", "hi"), called(id), result(id)]);
            let mut exchange = begin(&setup, rules(), &request);
            let Step::Send { request, .. } = setup.next(&mut exchange) else { panic!() };
            let body: Value = serde_json::from_slice(request.body()).unwrap();
            let call = &body["messages"][1]["tool_calls"][0];
            assert_eq!(call["extra_content"]["google"]["thought_signature"], *signature);
            assert_eq!((&call["id"], &body["messages"][2]["tool_call_id"]), (&json!("c1"), &json!("c1")));
        }
    }
}

#[test]
fn response_format_may_disable_streaming() {
    let mut request = request_with(json!([message("user", "hi")]));
    request["stream"] = json!(true);
    let rules = json!({"response_format": {"disable_streaming": true}});
    assert_eq!(sent(rules.clone(), &request).0["stream"], true);
    request["response_format"] = json!({"type": "json_object"});
    let (body, diagnostics) = sent(rules, &request);
    assert_eq!(body["stream"], false);
    assert!(diagnostics.contains(&String::from("stream-simulated stream")));
}

#[test]
fn upstream_that_only_streams_receives_stream_true() {
    let mut exchange = start(
        profile_for(json!({"stream": {"required": true}})),
        &request_with(json!([message("user", "hi")])),
        Settings::default(),
    )
    .unwrap();
    let Step::Send { request, .. } = exchange.next() else { panic!() };
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!((&body["stream"], &body["stream_options"]), (&json!(true), &json!({"include_usage": true})));
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    let mut out = Vec::new();
    exchange.push(b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n", &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    let body: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(
        (&body["object"], &body["choices"][0]["message"]["content"]),
        (&json!("chat.completion"), &json!("hello"))
    );
}

#[test]
fn endpoint_paths_of_the_profile_are_used() {
    let rules = json!({"paths": {"generate": "/deployments/{model}/chat/completions", "query_params": {"api-version": "2024-10-21"}}});
    let mut request = request_with(json!([message("user", "hi")]));
    request["model"] = json!("my model/x");
    let mut exchange = start(profile_for(rules.clone()), &request, Settings::default()).unwrap();
    let Step::Send { request: sent, .. } = exchange.next() else { panic!() };
    assert_eq!(sent.uri(), "/deployments/my%20model%2Fx/chat/completions?api-version=2024-10-21");
    request["model"] = json!("..");
    assert_eq!(start(profile_for(rules), &request, Settings::default()).unwrap_err().param(), Some("model"));
}

#[test]
fn a_layer_switches_rules_off_as_well_as_on() {
    let base = json!({
        "params": {"drop": ["seed", "user"], "rename": {"max_tokens": "limit"}, "max_choices": 1},
        "messages": {"merge_system": true, "tool_call_ids": "alnum_9", "roles": {"developer": "system"}},
        "stream": {"supported": false},
        "reasoning": {"param": "unsupported", "efforts": ["low"]},
        "responses": {"reasoning_tags": "ignore", "cumulative_deltas": true},
        "model_overrides": [{
            "match": ["m"],
            "params": {"drop": [], "rename": {"max_tokens": "max_tokens"}, "max_choices": 8},
            "messages": {"merge_system": false, "tool_call_ids": "any", "roles": {}},
            "stream": {"supported": true},
            "reasoning": {"param": "reasoning_effort", "efforts": []},
            "responses": {"reasoning_tags": "leading", "cumulative_deltas": false}
        }]
    });
    let profile = profile_for(base.clone()).for_model("m").into_owned();
    let accepts = profile.accepts(&AcceptsLayer::default());
    assert!(accepts.messages.roles.is_empty() && accepts.stream.supported);
    assert_eq!(profile.responses, AnswerQuirks::default());
    let mut request = request_with(json!([
        {"role": "user", "content": "a"}, {"role": "system", "content": "b"}, called("1"), result("1")
    ]));
    for (key, value) in
        json!({"seed": 1, "user": "u", "max_tokens": 5, "n": 2, "stream": true, "reasoning_effort": "high",
            "stream_options": {"include_usage": true}})
        .as_object()
        .unwrap()
    {
        request[key] = value.clone();
    }
    assert_eq!(sent(base.clone(), &request), (request.clone(), Vec::new()));
    // The rules apply to another model.
    request["model"] = json!("other");
    let (body, diagnostics) = sent(base, &request);
    assert!(body.get("seed").is_none() && body["limit"] == 5 && body["stream"] != json!(true), "{body}");
    assert!(!diagnostics.is_empty());
}

#[test]
fn a_list_of_an_override_may_repeat_the_profiles() {
    let rules = |list: Value| json!({"params": {"drop": ["seed"]}, "model_overrides": [{"match": ["*"], "params": {"drop": list}}]});
    let dropped =
        |list| profile_for(rules(list)).for_model("m").accepts(&AcceptsLayer::default()).params.drop;
    assert_eq!(dropped(json!(["user"])), ["user"]);
    assert_eq!(dropped(json!(["...", "user"])), ["seed", "user"]);
}

#[test]
fn a_path_of_the_profile_that_is_none_is_an_error_and_no_other_path() {
    for path in ["/my route", "chat/completions"] {
        let mut profile = profile_for(json!({}));
        profile.paths.generate = path.to_owned();
        let error =
            start(profile, &request_with(json!([message("user", "a")])), Settings::default()).unwrap_err();
        assert_eq!(error.kind(), openai_shim_core::ErrorKind::Internal);
        assert!(error.to_string().contains("paths.generate") && error.to_string().contains(path), "{error}");
    }
}
