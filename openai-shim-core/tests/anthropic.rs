//! Anthropic's Messages API as the client's and as the upstream's dialect: requests, responses, streams and errors.
#![allow(clippy::disallowed_methods)] // tests read files

mod common;

use common::answer::{converted, text};
use common::{chat, fixture, fixtures, messages};
use openai_shim_core::Profile;
use openai_shim_core::canonical::{BlockKind, Delta, DiagnosticCode, Event, Request, ResponseContext};
use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::dialect::anthropic::wire;
use openai_shim_core::exchange::{ClientRequest, FallbackPolicy, Retry, Settings, Step, Target};
use openai_shim_core::fallback::token_estimate::estimate_tokens;
use openai_shim_core::{Context, Diagnostics, Dialect, Exchange, PayloadKind, dialect, profile};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The ids of the first response to a request without calls.
fn context() -> ResponseContext {
    ResponseContext::new(&Request::default(), Context::fixed())
}

fn anthropic() -> Dialect {
    dialect("anthropic-messages").unwrap()
}

/// Converts a request from one dialect to another, for the upstream that the dialect belongs to.
fn request(from: Dialect, to: Dialect, body: &Value) -> (Value, Diagnostics) {
    let body = bytes::Bytes::copy_from_slice(body.to_string().as_bytes());
    let incoming = ClientRequest::read(from, "", body).unwrap();
    let profile = Profile::native(to).unwrap_or_else(|| profile("compatible").unwrap());
    let mut exchange = Exchange::start(incoming, profile, Settings::default(), Context::fixed()).unwrap();
    let Step::Send { request, .. } = exchange.next() else { panic!("nothing is sent") };
    (serde_json::from_slice(request.body()).unwrap(), exchange.diagnostics())
}

fn to_chat(body: &Value) -> (Value, Diagnostics) {
    request(anthropic(), chat(), body)
}

fn from_chat(body: &Value) -> (Value, Diagnostics) {
    request(chat(), anthropic(), body)
}

fn answer(from: Dialect, to: Dialect, kind: PayloadKind, body: &str) -> Conversion {
    converted(from.name(), to.name(), kind, body, None)
}

#[test]
fn output_for_every_fixture_is_strict() {
    for fixture in fixtures(&[PayloadKind::Response, PayloadKind::Stream, PayloadKind::Error]) {
        for kind in [PayloadKind::Response, PayloadKind::Stream, PayloadKind::Error] {
            let mut fixture = fixture.clone();
            fixture.kind = kind;
            // A lone surrogate, and arguments that the model itself broke, are forwarded unchanged.
            if fixture.name == common::NO_TEXT {
                continue;
            }
            messages::check(text(&fixture.convert(anthropic())), &format!("{} {kind:?}", fixture.name));
        }
    }
}

proptest! {
    #![proptest_config(common::cases())]

    #[test]
    fn output_for_mutilated_input_is_strict(fixture in common::mutilated()) {
        for kind in [PayloadKind::Stream, PayloadKind::Response] {
            let mut fixture = fixture.clone();
            fixture.kind = kind;
            let conversion = fixture.convert(anthropic());
            let what = format!("{} {kind:?}\n{}", fixture.name, String::from_utf8_lossy(&fixture.body));
            messages::check(text(&conversion), &what);
        }
    }

    #[test]
    fn repaired_payload_needs_no_second_repair(fixture in common::mutilated()) {
        let once = fixture.convert(anthropic());
        // Anthropic's format has a single choice, and no content after its end.
        let gone = [DiagnosticCode::FeatureUnsupported, DiagnosticCode::ContentAfterFinish];
        if !once.ok || gone.iter().any(|code| once.diagnostics.has(*code)) {
            return Ok(());
        }
        let mut again = fixture.clone();
        (again.dialect, again.body) = (anthropic(), once.body.clone());
        again.profile = profile("anthropic").unwrap();
        let twice = again.convert(anthropic());
        prop_assert_eq!(text(&once), text(&twice), "{}", &twice);
    }
}

#[test]
fn calls_without_results_and_results_without_calls_are_reported() {
    let call = json!({"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let (sent, diagnostics) = from_chat(&json!({"model": "m", "messages": [
        {"role": "user", "content": "a"},
        {"role": "tool", "tool_call_id": "call_0", "content": "lost"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "user", "content": "b"},
    ]}));
    let turns = sent["messages"].as_array().unwrap();
    assert_eq!(turns[0]["content"], json!([{"type": "text", "text": "a"}, {"type": "text", "text": "lost"}]));
    assert_eq!(turns[2]["content"][0]["type"], "tool_result");
    assert_eq!(turns[2]["content"][0]["is_error"], true);
    assert_eq!(turns[2]["content"][1], json!({"type": "text", "text": "b"}));
    for code in [DiagnosticCode::ToolResultMissing, DiagnosticCode::ToolResultOrphaned] {
        assert!(diagnostics.has(code), "{code}: {diagnostics:?}");
    }
}

#[test]
fn result_with_a_repeated_id_belongs_to_the_preceding_call() {
    let round = |n: u32| {
        [
            json!({"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_0", "type": "function", "function": {"name": "f", "arguments": format!("{{\"n\":{n}}}")}}]}),
            json!({"role": "tool", "tool_call_id": "call_0", "content": n.to_string()}),
        ]
    };
    let mut messages = vec![json!({"role": "user", "content": "x"})];
    messages.extend(round(1));
    messages.extend(round(2));
    let (sent, _) = from_chat(&json!({"model": "m", "messages": messages}));
    assert_eq!(sent["messages"][2]["content"][0]["content"], "1");
    assert_eq!(sent["messages"][4]["content"][0]["content"], "2");
}

#[test]
fn reasoning_is_requested_in_the_form_of_the_model() {
    let ask = |model: &str, more: &[(&str, Value)]| {
        let mut body = json!({"model": model, "messages": [{"role": "user", "content": "x"}]});
        for (key, value) in more {
            body[*key] = value.clone();
        }
        from_chat(&body)
    };
    let (sent, _) = ask("claude-opus-5", &[("reasoning_effort", json!("high"))]);
    assert_eq!(
        (&sent["thinking"]["type"], &sent["output_config"]["effort"]),
        (&json!("adaptive"), &json!("high"))
    );
    let (sent, _) = ask("anthropic/claude-sonnet-4-5-20250929", &[("reasoning_effort", json!("medium"))]);
    assert_eq!(sent["thinking"], json!({"type": "enabled", "budget_tokens": 32_000}));
    let (sent, _) = ask("claude-opus-5", &[("reasoning_effort", json!("none"))]);
    assert_eq!(sent["thinking"], json!({"type": "disabled"}));
    let (sent, diagnostics) =
        ask("claude-3-7-sonnet", &[("reasoning_effort", json!("high")), ("max_tokens", json!(500))]);
    assert!(sent.get("thinking").is_none() && diagnostics.has(DiagnosticCode::ParamDropped));
    // If the client dropped the reasoning, it cannot be enabled for the same turn.
    let history = json!([
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "y"},
    ]);
    let (sent, diagnostics) =
        ask("claude-sonnet-4-5", &[("reasoning_effort", json!("high")), ("messages", history)]);
    assert!(sent.get("thinking").is_none() && diagnostics.has(DiagnosticCode::ParamDropped));
}

#[test]
fn signature_survives_a_round_trip_through_a_chat_client() {
    for (kind, name) in [
        (PayloadKind::Stream, "well_formed_thinking"),
        (PayloadKind::Stream, "well_formed_redacted_thinking"),
        (PayloadKind::Stream, "well_formed_omitted_thinking"),
        (PayloadKind::Response, "well_formed_signed_thinking"),
    ] {
        let fixture = fixture(kind, name);
        let conversion = fixture.convert(chat());
        // The client returns the message as it received it.
        let (mut reasoning, mut details) = (String::new(), Vec::new());
        for document in common::sdk_client::documents(text(&conversion)) {
            for choice in document["choices"].as_array().unwrap() {
                let delta = choice.get("delta").unwrap_or(&choice["message"]);
                reasoning += delta["reasoning_content"].as_str().unwrap_or_default();
                details.extend(delta["reasoning_details"].as_array().into_iter().flatten().cloned());
            }
        }
        let (sent, _) = from_chat(&json!({"model": "claude-opus-5", "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": "Yes.", "reasoning_content": reasoning, "reasoning_details": details},
            {"role": "user", "content": "y"},
        ]}));
        let thinking: Vec<Value> = sent["messages"][1]["content"].as_array().unwrap().clone();
        let thinking: Vec<&Value> = thinking.iter().filter(|b| b["type"] != "text").collect();
        let body = String::from_utf8_lossy(&fixture.body).into_owned();
        assert!(!thinking.is_empty(), "{name}: {sent}");
        for block in thinking {
            let sign = block["signature"].as_str().or(block["data"].as_str()).unwrap();
            assert!(body.contains(&format!("\"{sign}\"")), "{name}: {block}");
            let thinking = block["thinking"].as_str().unwrap_or_default();
            assert_eq!(thinking, if sign == "c2ln" { reasoning.as_str() } else { "" }, "{name}");
        }
    }
}

#[test]
fn cache_breakpoint_of_a_chat_message_reaches_anthropic_but_no_chat_upstream() {
    let part = json!({"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}});
    let (sent, diagnostics) = from_chat(&json!({"model": "m", "messages": [
        {"role": "system", "content": [part]}, {"role": "user", "content": [part]}]}));
    assert_eq!((&sent["system"], &sent["messages"][0]["content"]), (&json!([part]), &json!([part])));
    assert!(!diagnostics.has(DiagnosticCode::ExtraDropped), "{diagnostics:?}");
    let (sent, diagnostics) = to_chat(&json!({"model": "m", "max_tokens": 9, "system": [part], "messages": [
        {"role": "user", "content": [part]}]}));
    assert!(!sent.to_string().contains("cache_control") && diagnostics.has(DiagnosticCode::ExtraDropped));
}

#[test]
fn stop_sequence_matched_by_a_chat_upstream_is_reported() {
    let body = r#"{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop","stop_reason":"END"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
    let message: Value =
        serde_json::from_slice(&answer(chat(), anthropic(), PayloadKind::Response, body).body).unwrap();
    assert_eq!(
        (&message["stop_reason"], &message["stop_sequence"]),
        (&json!("stop_sequence"), &json!("END"))
    );
    let stream = concat!(
        r#"data: {"id":"x","choices":[{"index":0,"delta":{"content":"a"}}]}"#,
        "\n\n",
        r#"data: {"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop","matched_stop":"END"}]}"#,
        "\n\n",
        "data: [DONE]\n\n",
    );
    let streamed = answer(chat(), anthropic(), PayloadKind::Stream, stream);
    assert!(text(&streamed).contains(r#""stop_reason":"stop_sequence","stop_sequence":"END""#), "{streamed}");
}

#[test]
fn signature_of_a_call_survives_a_round_trip_through_an_anthropic_client() {
    let call = r#"[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"c2ln"}}}]"#;
    let response = format!(
        r#"{{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":null,"tool_calls":{call}}},"finish_reason":"tool_calls"}}]}}"#
    );
    let chunk = format!(r#"{{"id":"x","choices":[{{"index":0,"delta":{{"tool_calls":{call}}}}}]}}"#);
    let stream = format!("data: {chunk}\n\ndata: [DONE]\n\n");
    for (kind, body) in [(PayloadKind::Response, response), (PayloadKind::Stream, stream)] {
        let conversion = answer(chat(), anthropic(), kind, &body);
        let got = text(&conversion);
        let id = &got[got.find("call_1").unwrap()..];
        let id = &id[..id.find('"').unwrap()];
        let history = json!({"model": "m", "max_tokens": 9, "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "y"}]},
        ], "tools": [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]});
        let (sent, _) = to_chat(&history);
        let back = &sent["messages"][1]["tool_calls"][0];
        assert_eq!(back["id"], "call_1");
        assert_eq!(back["extra_content"]["google"]["thought_signature"], "c2ln");
        assert_eq!(sent["messages"][2]["tool_call_id"], "call_1");
        assert_eq!(request(anthropic(), anthropic(), &history).0, history);
    }
}

#[test]
fn system_message_in_the_middle_is_kept_for_anthropic_upstreams() {
    let body = json!({"model": "m", "max_tokens": 9, "system": "a", "messages": [
        {"role": "user", "content": "b"}, {"role": "system", "content": "c"}, {"role": "user", "content": "d"}]});
    assert_eq!(request(anthropic(), anthropic(), &body).0, body);
    let (sent, _) = to_chat(&body);
    let roles: Vec<_> =
        sent["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "system", "user"]);
}

#[test]
fn stream_with_an_alias_has_the_clients_model_name_and_is_otherwise_unchanged() {
    let fixture = fixture(PayloadKind::Stream, "well_formed_server_tool");
    for stream in [true, false] {
        let asking = format!(
            r#"{{"model":"mine","max_tokens":9,"stream":{stream},"messages":[{{"role":"user","content":"x"}}]}}"#
        );
        let incoming = ClientRequest::read(anthropic(), "", asking.into()).unwrap();
        let mut upstream_profile = profile("compatible").unwrap();
        anthropic().name().clone_into(&mut upstream_profile.dialect);
        let target = Target::new(upstream_profile).with_model("theirs");
        let mut exchange = Exchange::start(incoming, target, Settings::default(), Context::fixed()).unwrap();
        let mut out = Vec::new();
        exchange.next();
        exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
        exchange.push(&fixture.body, &mut out).unwrap();
        exchange.finish(&mut out).unwrap();
        let (got, sent) = (String::from_utf8(out).unwrap(), String::from_utf8(fixture.body.clone()).unwrap());
        if stream {
            assert_eq!(got, sent.replace("\"claude-test-5\"", "\"mine\""));
        } else {
            let kinds = [
                "\"mine\"",
                "\"server_tool_use\"",
                "{\"query\":\"sky\"}",
                "\"web_search_tool_result\"",
                "Blue.",
            ];
            assert!(kinds.iter().all(|kind| got.contains(kind)), "{got}");
        }
    }
}

#[test]
fn interleaved_calls_are_buffered_up_to_a_limit() {
    let mut diagnostics = Diagnostics::default();
    let spec = anthropic()
        .decode_request(
            "",
            &bytes::Bytes::copy_from_slice(br#"{"messages":[{"role":"user","content":"x"}],"stream":true}"#),
            &mut diagnostics,
        )
        .map(|request| openai_shim_core::canonical::ResponseSpec::new(&request, &Context::fixed()))
        .unwrap();
    let (mut encoder, mut out) = (anthropic().encoder(&spec, &context()), Vec::new());
    encoder.event(&Event::Start { id: None, model: None, created: None }, &mut out);
    for block in 0..2 {
        let kind = BlockKind::ToolCall { id: format!("c{block}"), name: String::from("f"), signature: None };
        encoder.event(&Event::Open { choice: 0, block, kind }, &mut out);
    }
    let much = Delta::Text("x".repeat(1 << 20));
    for _ in 0..20 {
        encoder.event(&Event::Delta { choice: 0, block: 1, delta: much.clone() }, &mut out);
    }
    encoder.finish(&mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.ends_with("\n\n") && text.contains("event: error") && text.len() < 2000, "{text}");
}

#[test]
fn parallel_blocks_that_are_open_at_the_end_are_all_closed() {
    let start = |index: u32, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let events = [
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [], "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}}}),
        start(0, json!({"type": "tool_use", "id": "a", "name": "f", "input": {}})),
        start(1, json!({"type": "tool_use", "id": "b", "name": "g", "input": {}})),
        start(2, json!({"type": "server_tool_use", "id": "c", "name": "web_search", "input": {}})),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 2}}),
        json!({"type": "message_stop"}),
    ];
    let request = openai_shim_core::canonical::Request::default();
    let spec = openai_shim_core::canonical::ResponseSpec::new(&request, &Context::fixed());
    let mut decoder = anthropic()
        .decoder(&spec, &openai_shim_core::canonical::ResponseContext::new(&request, Context::fixed()));
    let mut out = Vec::new();
    for event in &events {
        let data = event.to_string();
        decoder
            .frame(openai_shim_core::framing::Frame::Event { event: None, data: data.as_bytes() }, &mut out);
    }
    decoder.finish(&mut out);
    let count = |is: fn(&Event) -> bool| out.iter().filter(|event| is(event)).count();
    assert_eq!(count(|event| matches!(event, Event::Open { .. })), 3, "{out:?}");
    assert_eq!(count(|event| matches!(event, Event::Close { .. })), 3, "{out:?}");
}

#[test]
fn endless_streams_end_with_an_error() {
    let block = |n: usize| {
        format!(
            "data: {{\"type\":\"content_block_start\",\"index\":{n},\"content_block\":{{\"type\":\"text\",\"text\":\"\"}}}}\n\n"
        )
    };
    let native = |n: usize| {
        if n == 0 {
            String::from(
                "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"server_tool_use\"}}\n\n",
            )
        } else {
            let much = "x".repeat(60_000);
            format!(
                "data: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"input_json_delta\",\"partial_json\":\"{much}\"}}}}\n\n"
            )
        }
    };
    for event in [&block as &dyn Fn(usize) -> String, &native] {
        let body =
            r#"{"model":"m","stream":true,"max_tokens":1,"messages":[{"role":"user","content":"hi"}]}"#;
        let mut settings = Settings::default();
        (settings.retry, settings.fallback.when) = (Retry::none(), FallbackPolicy::Never);
        let mut upstream_profile = profile("compatible").unwrap();
        anthropic().name().clone_into(&mut upstream_profile.dialect);
        let incoming = ClientRequest::read(chat(), "", body.into()).unwrap();
        let target = Target::new(upstream_profile).with_model("theirs");
        let mut exchange = Exchange::start(incoming, target, Settings::default(), Context::fixed()).unwrap();
        let mut out = Vec::new();
        exchange.next();
        exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
        for n in 0..5000 {
            exchange.push(event(n).as_bytes(), &mut out).unwrap();
            if exchange.is_over() {
                break;
            }
        }
        assert!(exchange.is_over(), "{} has no end", event(0));
        exchange.finish(&mut out).unwrap();
        assert!(String::from_utf8_lossy(&out).contains("upstream_too_large"));
    }
}

#[test]
fn errors_of_a_chat_upstream_get_anthropic_error_types() {
    for (status, expected, error_type) in [
        (400, 400, "invalid_request_error"),
        (401, 401, "authentication_error"),
        (402, 402, "billing_error"),
        (403, 403, "permission_error"),
        (404, 404, "not_found_error"),
        (413, 413, "request_too_large"),
        (429, 429, "rate_limit_error"),
        (500, 500, "api_error"),
        (503, 529, "overloaded_error"),
        (504, 504, "timeout_error"),
    ] {
        let conversion = convert(
            &ConversionInput::new(
                PayloadKind::Error,
                chat(),
                br#"{"error":{"message":"no","type":"x","param":null,"code":null}}"#,
            )
            .to(anthropic())
            .profile(profile("compatible").unwrap())
            .status(status),
        );
        let value: Value = serde_json::from_slice(&conversion.body).unwrap();
        let actual = (conversion.status, value["type"].as_str(), value["error"]["type"].as_str());
        assert_eq!(actual, (Some(expected), Some("error"), Some(error_type)));
    }
}

#[test]
fn anthropic_client_receives_the_response_of_a_chat_upstream() {
    let response = r#"{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"I look.","reasoning_content":"Hm.","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"c2","type":"function","function":{"name":"g","arguments":""}}]},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13,"prompt_tokens_details":{"cached_tokens":5},"completion_tokens_details":{"reasoning_tokens":2}}}"#;
    let conversion = answer(chat(), anthropic(), PayloadKind::Response, response);
    let message: wire::Message = serde_json::from_slice(&conversion.body).unwrap();
    let blocks = message.content.unwrap();
    let [
        wire::Block::Thinking(_),
        wire::Block::Text(_),
        wire::Block::ToolUse(first),
        wire::Block::ToolUse(second),
    ] = &blocks[..]
    else {
        panic!("{blocks:?}");
    };
    assert_eq!(first.input.as_ref().unwrap().as_str(), r#"{"a":1}"#);
    assert_eq!(second.input.as_ref().unwrap().as_str(), "{}");
    assert_eq!(message.stop_reason.as_deref(), Some("tool_use"));
    let usage = message.usage.unwrap();
    assert_eq!(
        (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens),
        (Some(4), Some(5), Some(4))
    );
    // A non-streaming response to a streaming request has the same content.
    let streamed = answer(chat(), anthropic(), PayloadKind::Stream, response);
    messages::check(text(&streamed), "simulated");
    let order = [
        "thinking_delta",
        "text_delta",
        "\"c1\"",
        "\"c2\"",
        "\"tool_use\",\"stop_sequence\"",
        "message_stop",
    ];
    let found: Vec<_> =
        order.iter().map(|part| text(&streamed).find(part).unwrap_or_else(|| panic!("{part}"))).collect();
    assert!(found.is_sorted(), "{found:?}");
}

#[test]
fn token_estimate_grows_with_the_request() {
    let count = |body: Value| {
        let read = anthropic().decode_request(
            "/v1/messages/count_tokens",
            &bytes::Bytes::copy_from_slice(body.to_string().as_bytes()),
            &mut Diagnostics::default(),
        );
        estimate_tokens(&read.unwrap())
    };
    let plain = json!({"model": "m", "messages": [{"role": "user", "content": "Hello, world"}]});
    let mut tools = plain.clone();
    tools["tools"] =
        json!([{"name": "f", "description": "d".repeat(400), "input_schema": {"type": "object"}}]);
    let mut picture = plain.clone();
    picture["messages"][0]["content"] =
        json!([{"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}]);
    assert!((3..15).contains(&count(plain)));
    assert!(count(tools) > 100 && count(picture) > 1000);
}

#[test]
fn typed_payloads_keep_every_field() {
    fn survives<T: serde::de::DeserializeOwned + serde::Serialize>(json: &str) {
        let typed: T = serde_json::from_str(json).unwrap_or_else(|e| panic!("{e}\n{json}"));
        let drop_nulls = |v: &Value| {
            fn walk(v: &Value) -> Value {
                match v {
                    Value::Object(m) => Value::Object(
                        m.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), walk(v))).collect(),
                    ),
                    Value::Array(items) => Value::Array(items.iter().map(walk).collect()),
                    other => other.clone(),
                }
            }
            walk(v)
        };
        let before: Value = serde_json::from_str(json).unwrap();
        let after: Value = serde_json::from_str(&serde_json::to_string(&typed).unwrap()).unwrap();
        assert_eq!(drop_nulls(&before), drop_nulls(&after));
    }
    for fixture in
        fixtures(&[PayloadKind::Request, PayloadKind::Response, PayloadKind::Stream, PayloadKind::Error])
    {
        if fixture.dialect.name() != anthropic().name() {
            continue;
        }
        let conversion = fixture.convert(anthropic());
        let body = text(&conversion);
        match fixture.kind {
            _ if body.starts_with("{\"type\":\"error\"") => survives::<wire::ErrorResponse>(body),
            PayloadKind::Request => survives::<wire::MessagesRequest>(body),
            PayloadKind::Stream => {
                for data in body.lines().filter_map(|line| line.strip_prefix("data: ")) {
                    survives::<wire::StreamEvent>(data);
                }
            }
            _ => survives::<wire::Message>(body),
        }
    }
}
