//! Ollama's dialects: recordings, captured clients, and behaviours of other proxies that users report as bugs.
#![allow(clippy::disallowed_methods)] // tests read files

mod common;

use common::{chat, fixture, shared};
use openai_shim_core::canonical::{
    BlockKind, Delta, DiagnosticCode, Event, FinishReason, Request, ResponseContext, ResponseSpec, Usage,
};
use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::dialect::ollama::wire;
use openai_shim_core::{
    Context, Diagnostics, Dialect, Outcome, PayloadKind, UpstreamError, dialect, profile,
};
use serde_json::{Value, json};
use std::time::Duration;

/// The ids of the first response to a request without calls.
fn context() -> ResponseContext {
    ResponseContext::new(&Request::default(), Context::fixed())
}

fn ollama(name: &str) -> Dialect {
    dialect(name).unwrap()
}

/// One recorded exchange.
struct Recording {
    name: String,
    dialect: Dialect,
    kind: PayloadKind,
    request: Option<String>,
    status: u16,
    body: String,
}

fn recordings(test: &str) -> Vec<Recording> {
    let Some(shared) = shared(test) else { return Vec::new() };
    let text = std::fs::read_to_string(shared.join("corpus/ollama.jsonl")).unwrap();
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let all: Vec<_> = all
        .filter(|v| v["endpoint"] != "ollama.embed")
        .map(|v| {
            let status = u16::try_from(v["response"]["status"].as_u64().unwrap()).unwrap();
            Recording {
                name: format!("{} {}", v["path"], v["n"]),
                dialect: ollama(&v["endpoint"].as_str().unwrap().replace('.', "-")),
                kind: match (status, v["streaming"].as_bool()) {
                    (400.., _) => PayloadKind::Error,
                    (_, Some(true)) => PayloadKind::Stream,
                    _ => PayloadKind::Response,
                },
                request: v["request"]["body"].is_object().then(|| v["request"]["body"].to_string()),
                status,
                body: v["response"]["body"].as_str().unwrap_or_default().to_owned(),
            }
        })
        .collect();
    assert!(all.len() > 80);
    all
}

impl Recording {
    fn convert(&self, to: Dialect) -> Conversion {
        let spec = format!(
            r#"{{"messages":[{{"role":"user","content":""}}],"prompt":"x","stream":{},"stream_options":{{"include_usage":true}}}}"#,
            self.kind == PayloadKind::Stream
        );
        convert(
            &ConversionInput::new(self.kind, self.dialect, self.body.as_bytes())
                .to(to)
                .profile(profile("compatible").unwrap())
                .for_request(spec.as_bytes())
                .status(self.status),
        )
    }
}

/// Decodes a request and encodes it again without its source.
fn reencode(dialect: Dialect, body: &str) -> (Value, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let request = dialect
        .decode_request("", &bytes::Bytes::copy_from_slice(body.as_bytes()), &mut diagnostics)
        .unwrap();
    let encoded = dialect.encode_request(&request, None, &mut diagnostics).unwrap();
    (serde_json::from_str(&encoded.body.to_json()).unwrap(), diagnostics)
}

#[test]
fn recorded_ollama_requests_pass_unchanged_without_diagnostics() {
    let mut read = 0;
    for recording in recordings("requests") {
        let Some(body) = &recording.request else { continue };
        let (_, diagnostics) = reencode(recording.dialect, body);
        assert!(diagnostics.is_empty(), "{}: {diagnostics:?}", recording.name);

        let mut diagnostics = Diagnostics::default();
        let request = recording
            .dialect
            .decode_request("", &bytes::Bytes::copy_from_slice(body.as_bytes()), &mut diagnostics)
            .unwrap();
        let own =
            recording.dialect.encode_request(&request, Some(body.as_bytes()), &mut diagnostics).unwrap();
        assert_eq!(own.body.is_changed(), !body.contains("\"stream\""), "{}", recording.name);
        let other = chat().encode_request(&request, None, &mut diagnostics).unwrap();
        let other: Value = serde_json::from_str(&other.body.to_json()).unwrap();
        assert!(!other["messages"].as_array().unwrap().is_empty(), "{}", recording.name);
        read += 1;
    }
    println!("{read} requests");
}

/// Text, reasoning, calls, and token counts of prompt and response.
type Content = (String, String, Vec<(String, Value)>, Option<(u64, u64)>);

/// Reads the content of Ollama's lines or response, as a careful client would.
fn read_content(body: &str) -> Content {
    let document = serde_json::from_str::<Value>(body).ok();
    let lines = document.map_or_else(
        || body.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok()).collect(),
        |document| vec![document],
    );
    let mut content = Content::default();
    for line in lines {
        let message = line.get("message").unwrap_or(&line);
        content.0 += message["content"].as_str().or(message["response"].as_str()).unwrap_or_default();
        content.1 += message["thinking"].as_str().unwrap_or_default();
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let name = call["function"]["name"].as_str().unwrap().to_owned();
            content.2.push((name, call["function"]["arguments"].clone()));
        }
        if line["eval_count"].is_u64() {
            let count = |key: &str| line[key].as_u64().unwrap_or(0);
            content.3 = Some((count("prompt_eval_count"), count("eval_count")));
        }
    }
    content
}

/// The same for a chat body.
fn read_chat_content(body: &str) -> Content {
    let (answers, error) = common::sdk_client::read(body);
    assert_eq!(error, None);
    let answer = answers.get(&0).cloned().unwrap_or_default();
    let calls = answer.calls.into_values();
    let calls = calls.map(|(name, json)| (name, serde_json::from_str(&json).unwrap())).collect();
    let usage = common::sdk_client::documents(body).into_iter().find_map(|d| {
        let count = |key: &str| d["usage"][key].as_u64();
        Some((count("prompt_tokens")?, count("completion_tokens")?))
    });
    (answer.text, answer.reasoning, calls, usage)
}

#[test]
fn recorded_responses_keep_their_content_in_every_dialect() {
    let (mut all, mut passed, mut splits) = (0, 0, 0);
    for recording in recordings("answers").into_iter().filter(|r| r.kind != PayloadKind::Error) {
        let cut = recording.kind == PayloadKind::Response
            && recording.body.replace(' ', "").contains("\"done\":false");
        let expected = read_content(&recording.body);
        for to in ["ollama-chat", "ollama-generate", "openai-chat"] {
            let conversion = recording.convert(ollama(to));
            let what = format!("{} to {to}: {conversion}", recording.name);
            if cut && !recording.body.contains("\"done\":true") {
                assert_eq!(conversion.outcome, Some(Outcome::Truncated), "{what}");
                continue;
            }
            assert!(conversion.ok, "{what}");
            let body = String::from_utf8(conversion.body.clone()).unwrap();
            let found = if to == "openai-chat" { read_chat_content(&body) } else { read_content(&body) };
            let counted = expected.3.is_some() || to != "openai-chat";
            // Reasoning that the server left in the text is extracted for clients of another dialect.
            let split = [DiagnosticCode::ReasoningSplit, DiagnosticCode::ReasoningTagUnopened]
                .iter()
                .any(|code| conversion.diagnostics.has(*code));
            let plain = |text: &str| text.replace("<think>", "").replace("</think>", "").replace('\n', "");
            if split {
                assert_eq!(plain(&(found.1.clone() + &found.0)), plain(&expected.0), "{what}");
                splits += 1;
            } else {
                assert_eq!((&found.0, &found.1), (&expected.0, &expected.1), "{what}");
            }
            assert_eq!(found.2, expected.2, "{what}");
            assert!(!counted || found.3 == expected.3, "{what}");
            let length = recording.body.contains("\"done_reason\":\"length\"");
            assert!(!length || body.contains("\"length\""), "{what}");
            if to == recording.dialect.name() && conversion.diagnostics.is_empty() {
                passed += usize::from(body.trim_end() == recording.body.trim_end());
            }
            all += 1;
        }
    }
    println!("{all} conversions, {passed} byte for byte, {splits} with thinking in the text");
}

#[test]
fn captured_ollama_requests_decode() {
    let Some(shared) = shared("captures") else { return };
    let mut read = 0;
    for client in std::fs::read_dir(shared.join("captures")).unwrap().flatten() {
        for file in std::fs::read_dir(client.path()).unwrap().flatten() {
            let text = std::fs::read_to_string(file.path()).unwrap();
            let mut capture: Value = serde_json::from_str(&text).unwrap();
            // A capture that was shortened has a marker among the tools, which is not a tool.
            if let Some(tools) = capture["body"]["tools"].as_array_mut() {
                tools.retain(|tool| tool.get("_more_tools").is_none());
            }
            let name = match capture["path"].as_str() {
                Some("/api/chat") => "ollama-chat",
                Some("/api/generate") => "ollama-generate",
                _ => continue,
            };
            let body = capture["body"].to_string();
            let mut diagnostics = Diagnostics::default();
            let request = ollama(name)
                .decode_request("", &bytes::Bytes::copy_from_slice(body.as_bytes()), &mut diagnostics)
                .unwrap();
            assert!(diagnostics.is_empty(), "{}: {diagnostics:?}", file.path().display());
            let encoded = chat().encode_request(&request, None, &mut diagnostics).unwrap();
            let encoded: Value = serde_json::from_str(&encoded.body.to_json()).unwrap();
            assert!(!encoded["messages"].as_array().unwrap().is_empty());
            for message in encoded["messages"].as_array().unwrap() {
                assert!(message["role"] != "tool" || message["tool_call_id"].is_string(), "{message}");
            }
            // Chat has no field for the context length.
            let reported = diagnostics.iter().all(|n| n.path == "options.num_ctx");
            assert!(reported, "{}: {diagnostics:?}", file.path().display());
            read += 1;
        }
    }
    println!("{read} captured requests");
    assert!(read >= 10);
}

fn spec(stream: bool) -> ResponseSpec {
    let mut request = Request::default();
    (request.model, request.stream) = (String::from("m"), stream);
    ResponseSpec::new(&request, &Context::fixed())
}

/// Encodes events, each at a time in milliseconds, as lines of the dialect `name`.
fn lines(name: &str, events: &[(u64, Event)], clock: bool) -> (Vec<Value>, Diagnostics) {
    let (mut encoder, mut out) = (ollama(name).encoder(&spec(true), &context()), Vec::new());
    for (ms, event) in events {
        if clock {
            encoder.set_elapsed(Duration::from_millis(*ms));
        }
        encoder.event(event, &mut out);
    }
    encoder.finish(&mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    (text.lines().map(|l| serde_json::from_str(l).unwrap()).collect(), encoder.diagnostics().clone())
}

fn start() -> Event {
    Event::Start { id: None, model: None, created: None }
}

fn open(block: u32, kind: BlockKind) -> Event {
    Event::Open { choice: 0, block, kind }
}

fn delta(block: u32, text: &str) -> Event {
    Event::Delta { choice: 0, block, delta: Delta::Text(text.to_owned()) }
}

fn close(block: u32) -> Event {
    Event::Close { choice: 0, block }
}

fn finish() -> Event {
    Event::Finish { choice: 0, reason: FinishReason::Stop }
}

#[test]
fn durations_come_from_the_driver_or_are_zero() {
    let events = [
        (10, start()),
        (20, open(0, BlockKind::Text)),
        (30, delta(0, "a")),
        (40, close(0)),
        (50, finish()),
        (60, Event::Usage(Usage::new(7, 1))),
        (80, Event::End),
    ];
    for name in ["ollama-chat", "ollama-generate"] {
        let (with, _) = lines(name, &events, true);
        let last = with.last().unwrap();
        assert_eq!(last["total_duration"], 80_000_000);
        assert_eq!(
            (&last["prompt_eval_duration"], &last["eval_duration"]),
            (&json!(30_000_000), &json!(50_000_000))
        );
        assert_eq!((&last["prompt_eval_count"], &last["eval_count"]), (&json!(7), &json!(1)));
        assert_eq!(last["created_at"], "2023-11-14T22:13:20Z");
        let (without, _) = lines(name, &events, false);
        for key in ["total_duration", "load_duration", "prompt_eval_duration", "eval_duration"] {
            assert_eq!(without.last().unwrap().get(key), None, "{key} is invented");
        }
    }
    let spec = spec(false);
    let mut context = context();
    context.set_elapsed(Duration::from_secs(2));
    let conversion = fixture(PayloadKind::Response, "well_formed").convert(ollama("ollama-chat"));
    let response: Value = serde_json::from_slice(&conversion.body).unwrap();
    assert_eq!(response.get("total_duration"), None);
    let mut diagnostics = Diagnostics::default();
    let response = chat().decode_response(
        &fixture(PayloadKind::Response, "well_formed").body,
        &spec,
        &mut context,
        &mut diagnostics,
    );
    let body =
        ollama("ollama-chat").encode_response(&response.unwrap(), &spec, &mut context, &mut diagnostics);
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["total_duration"], 2_000_000_000_u64);
}

#[test]
fn calls_are_complete_lines_in_the_order_of_their_start() {
    let call =
        |name: &str| BlockKind::ToolCall { id: format!("c_{name}"), name: name.to_owned(), signature: None };
    let events = [
        start(),
        open(0, call("f")),
        open(1, call("g")),
        delta(1, "{\"b\":\n2}"),
        close(1),
        delta(0, "{\"a\""),
        delta(0, ":1}"),
        close(0),
        open(2, call("h")),
        close(2),
        finish(),
        Event::End,
    ];
    let events: Vec<_> = events.into_iter().map(|event| (0, event)).collect();
    let (lines, diagnostics) = lines("ollama-chat", &events, false);
    let calls: Vec<_> = lines.iter().filter_map(|line| line["message"]["tool_calls"].get(0)).collect();
    assert_eq!(
        calls.iter().map(|call| call["function"].to_string()).collect::<Vec<_>>(),
        [
            r#"{"arguments":{"a":1},"index":0,"name":"f"}"#,
            r#"{"arguments":{"b":2},"index":1,"name":"g"}"#,
            r#"{"arguments":{},"index":2,"name":"h"}"#,
        ]
    );
    assert_eq!(calls[1]["id"], "c_g");
    assert_eq!((lines.len(), &lines[3]["done_reason"]), (4, &json!("stop")));
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
}

#[test]
fn arguments_that_are_not_an_object_are_wrapped_and_reported() {
    for (json, expected) in [
        ("", json!({})),
        ("[1]", json!({"_raw": "[1]"})),
        ("{\"a\":", json!({"_raw": "{\"a\":"})),
        ("ls", json!({"_raw": "ls"})),
        (" {\"_raw\":1}\n", json!({"_raw": 1})),
    ] {
        let kind = BlockKind::ToolCall { id: String::new(), name: String::from("f"), signature: None };
        let events = [start(), open(0, kind), delta(0, json), close(0), finish(), Event::End];
        let events: Vec<_> = events.into_iter().map(|event| (0, event)).collect();
        let (lines, diagnostics) = lines("ollama-chat", &events, false);
        assert_eq!(lines[0]["message"]["tool_calls"][0]["function"]["arguments"], expected, "{json}");
        assert_eq!(
            diagnostics.has(DiagnosticCode::ToolArgumentsInvalid),
            expected.get("_raw").is_some_and(Value::is_string)
        );
    }
}

#[test]
fn endless_arguments_and_calls_end_with_an_error() {
    let call = || BlockKind::ToolCall { id: String::from("c"), name: String::from("f"), signature: None };
    let much = "x".repeat(1 << 20);
    let (mut encoder, mut out) = (ollama("ollama-chat").encoder(&spec(true), &context()), Vec::new());
    encoder.event(&start(), &mut out);
    encoder.event(&open(0, call()), &mut out);
    for _ in 0..20 {
        encoder.event(&delta(0, &much), &mut out);
    }
    assert!(String::from_utf8(out).unwrap().starts_with("{\"error\":\"The answer has more than"));

    let (mut encoder, mut out) = (ollama("ollama-chat").encoder(&spec(true), &context()), Vec::new());
    encoder.event(&start(), &mut out);
    for block in 0..2000 {
        encoder.event(&open(block, call()), &mut out);
    }
    assert!(String::from_utf8(out).unwrap().starts_with("{\"error\":\"The answer has more than"));
}

#[test]
fn error_in_a_stream_is_the_last_line() {
    let events = [
        (0, start()),
        (0, open(0, BlockKind::Text)),
        (0, delta(0, "a")),
        (0, Event::Error(UpstreamError::Truncated)),
        (0, close(0)),
        (0, Event::End),
    ];
    for name in ["ollama-chat", "ollama-generate"] {
        let (lines, _) = lines(name, &events, false);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1], json!({"error": "The upstream's answer was cut before it was complete."}));
    }
}

#[test]
fn keep_alive_precedes_every_line_and_is_not_a_line() {
    let space = ollama("ollama-chat").keep_alive();
    assert!(!space.is_empty() && space.iter().all(|b| *b == b' '));
    let line = [space, space, b"{\"error\":\"x\"}"].concat();
    assert!(serde_json::from_slice::<Value>(&line).is_ok(), "each line is parsed by itself");
    let mut padded = fixture(PayloadKind::Stream, "well_formed_thinking");
    padded.dialect = ollama("ollama-chat");
    let plain = padded.convert(chat());
    padded.body = [b" ", padded.body.as_slice()].concat();
    assert_eq!(padded.convert(chat()).body, plain.body);
}

#[test]
fn generated_call_ids_are_equal_when_the_conversation_is_repeated() {
    let ids = |body: &str| -> Vec<String> {
        let mut diagnostics = Diagnostics::default();
        let request = ollama("ollama-chat")
            .decode_request("", &bytes::Bytes::copy_from_slice(body.as_bytes()), &mut diagnostics)
            .unwrap();
        let encoded = chat().encode_request(&request, None, &mut diagnostics).unwrap();
        let body: Value = serde_json::from_str(&encoded.body.to_json()).unwrap();
        let messages = body["messages"].as_array().unwrap().clone();
        messages.iter().filter_map(|m| Some(m["tool_call_id"].as_str()?.to_owned())).collect()
    };
    let history = r#"{"role":"user","content":"hi"},{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{}}},{"function":{"name":"g","arguments":{}}}]},{"role":"tool","content":"g","tool_name":"g"},{"role":"tool","content":"f","tool_name":"f"}"#;
    let first = ids(&format!(r#"{{"model":"m","messages":[{history}]}}"#));
    let later = ids(&format!(r#"{{"model":"m","messages":[{history},{{"role":"user","content":"and?"}}]}}"#));
    assert_eq!(first, ["call_m1t1", "call_m1t0"]);
    assert_eq!(first, later);
}

#[test]
fn tools_images_and_reasoning_of_a_chat_client_reach_ollama() {
    let body = r#"{"model":"m","messages":[
        {"role":"developer","content":"s"},
        {"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"type":"text","text":"b"}]},
        {"role":"assistant","content":null,"reasoning_content":"Hm.","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\": [1, 2]}"}},{"id":"c2","type":"function","function":{"name":"g","arguments":""}}]},
        {"role":"tool","tool_call_id":"c2","content":"two"},
        {"role":"tool","tool_call_id":"c1","content":"one"}],
        "tools":[{"type":"function","function":{"name":"f","strict":true}},{"type":"function","function":{"name":"g"}}],
        "tool_choice":{"type":"function","function":{"name":"g"}},
        "reasoning_effort":"minimal","max_completion_tokens":9,"n":2,"user":"u","stop":"x","seed":1,
        "response_format":{"type":"json_schema","json_schema":{"name":"s","strict":true,"schema":{"type":"object"}}}}"#;
    let conversion = convert(
        &ConversionInput::request(chat(), body.as_bytes())
            .to(ollama("ollama-chat"))
            .profile(profile("compatible").unwrap()),
    );
    let sent: Value = serde_json::from_slice(&conversion.body).unwrap();
    assert_eq!(
        sent,
        json!({
            "model": "m",
            "messages": [
                {"role": "system", "content": "s\n\nAnswer by calling the tool `g`."},
                {"role": "user", "content": "a\n\nb", "images": ["AAAA"]},
                {"role": "assistant", "content": "", "thinking": "Hm.", "tool_calls": [
                    {"id": "c1", "function": {"name": "f", "arguments": {"x": [1, 2]}}},
                    {"id": "c2", "function": {"name": "g", "arguments": {}}},
                ]},
                {"role": "tool", "content": "two", "tool_name": "g", "tool_call_id": "c2"},
                {"role": "tool", "content": "one", "tool_name": "f", "tool_call_id": "c1"},
            ],
            "tools": [{"type": "function", "function": {"name": "g"}}],
            "format": {"type": "object"},
            "think": "low",
            "stream": false,
            "options": {"num_predict": 9, "seed": 1, "stop": ["x"]},
        })
    );
    let reported: Vec<_> = conversion.diagnostics.iter().map(|n| format!("{} {}", n.code, n.path)).collect();
    assert_eq!(
        reported,
        [
            "tool-choice-downgraded tool_choice",
            "choices-one-by-one n",
            "tool-arguments-shaped messages[2]",
            "role-demoted messages[0].role",
            "param-dropped user",
            "param-clamped reasoning_effort",
            "content-flattened messages[1].content",
        ]
    );
}

#[test]
fn image_url_for_ollama_is_rejected_and_never_dropped() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.org/a.png"}}]}]}"#;
    let mut diagnostics = Diagnostics::default();
    let request =
        chat().decode_request("", &bytes::Bytes::copy_from_slice(body.as_bytes()), &mut diagnostics).unwrap();
    for name in ["ollama-chat", "ollama-generate"] {
        let refused = ollama(name).encode_request(&request, None, &mut diagnostics).unwrap_err();
        assert_eq!(refused.param, "messages[0].content");
    }
}

#[test]
fn default_token_limit_is_added_to_the_clients_options() {
    let body = br#"{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":false,"options":{"num_ctx":1e3}}"#;
    let mut diagnostics = Diagnostics::default();
    let mut request = ollama("ollama-chat")
        .decode_request("", &bytes::Bytes::copy_from_slice(body), &mut diagnostics)
        .unwrap();
    request.max_tokens = Some(openai_shim_core::canonical::TokenLimit { tokens: 5, completion: false });
    let encoded = ollama("ollama-chat").encode_request(&request, Some(body), &mut diagnostics).unwrap();
    assert!(encoded.body.to_json().ends_with(r#""options":{"num_ctx":1e3,"num_predict":5}}"#));
}

#[test]
fn only_changed_messages_are_encoded_again() {
    let body = r#"{"model":"m","messages":[{"role": "user",  "content":"hi"},{"role":"user","content":"b","images":["data:image/png;base64,AAAA"]}],"stream":true}"#;
    let mut diagnostics = Diagnostics::default();
    let request = ollama("ollama-chat")
        .decode_request("", &bytes::Bytes::copy_from_slice(body.as_bytes()), &mut diagnostics)
        .unwrap();
    let encoded =
        ollama("ollama-chat").encode_request(&request, Some(body.as_bytes()), &mut diagnostics).unwrap();
    assert_eq!(
        encoded.body.to_json(),
        r#"{"model":"m","messages":[{"role": "user",  "content":"hi"},{"role":"user","content":"b","images":["AAAA"]}],"stream":true}"#
    );
}

#[test]
fn encoded_ollama_payloads_survive_the_typed_model() {
    for name in ["well_formed", "tool_calls_parallel", "reasoning"] {
        let body = fixture(PayloadKind::Stream, name).convert(ollama("ollama-chat")).body;
        for line in String::from_utf8(body).unwrap().lines() {
            let typed: wire::ChatResponse = serde_json::from_str(line).unwrap();
            assert!(typed.extra.is_empty() && typed.model.is_some() && typed.done.is_some(), "{line}");
            let back: Value = serde_json::from_str(&serde_json::to_string(&typed).unwrap()).unwrap();
            assert_eq!(back, serde_json::from_str::<Value>(line).unwrap());
        }
        let body = fixture(PayloadKind::Stream, name).convert(ollama("ollama-generate")).body;
        for line in String::from_utf8(body).unwrap().lines().filter(|l| !l.contains("tool_calls")) {
            let typed: wire::GenerateResponse = serde_json::from_str(line).unwrap();
            assert!(typed.extra.is_empty() && typed.response.is_some(), "{line}");
        }
    }
    let body = fixture(PayloadKind::Request, "tool_history").convert(ollama("ollama-chat")).body;
    let typed: wire::ChatRequest = serde_json::from_slice(&body).unwrap();
    assert!(typed.extra.is_empty() && typed.messages.is_some_and(|m| m.iter().all(|m| m.extra.is_empty())));
}

#[test]
fn inline_reasoning_stops_and_calls_are_extracted_for_other_dialects() {
    let lines = |texts: &[&str]| -> Vec<u8> {
        let line = |text: &str, done: bool| {
            json!({"model": "m", "created_at": "2025-01-01T00:00:00Z", "message": {"role": "assistant", "content": text}, "done": done}).to_string() + "\n"
        };
        let body: String = texts.iter().map(|text| line(text, false)).collect();
        (body + &line("", true)).into_bytes()
    };
    let decode = |body: &[u8], spec: &ResponseSpec| {
        let (mut decoder, mut events) = (ollama("ollama-chat").decoder(spec, &context()), Vec::new());
        for line in body.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
            decoder.frame(openai_shim_core::framing::Frame::Line(line), &mut events);
        }
        decoder.finish(&mut events);
        let response = openai_shim_core::canonical::fold(&events).unwrap();
        format!("{:?}", response.choices[0].blocks)
    };
    let mut plain = spec(true);
    let decoded = decode(&lines(&["<thi", "nk>Hm.</think>\n\nHel", "lo"]), &plain);
    assert!(
        decoded.starts_with(r#"[Reasoning { text: "Hm.""#) && decoded.contains(r#"Text { text: "Hello""#),
        "{decoded}"
    );
    plain.tools = vec![String::from("f")];
    let decoded =
        decode(&lines(&["<tool_call>{\"name\":\"f\",", "\"arguments\":{\"a\":1}}</tool_call>"]), &plain);
    assert!(decoded.contains(r#"name: "f", arguments: "{\"a\":1}""#), "{decoded}");
    plain.local_stops = vec![String::from("STOP")];
    let decoded = decode(&lines(&["Hello S", "TOP and", " more"]), &plain);
    assert!(decoded.starts_with(r#"[Text { text: "Hello ""#) && !decoded.contains("more"), "{decoded}");
}
