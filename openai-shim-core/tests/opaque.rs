//! Opaque state (signatures, encrypted reasoning) returns to its issuer through clients of every dialect, whatever they send
//! back, and never reaches another issuer.

mod common;

use common::state::{Setup, TestStore};
use openai_shim_core::canonical::DiagnosticCode;
use openai_shim_core::exchange::{ClientRequest, FallbackPolicy, Retry, Settings, Target};
use openai_shim_core::{Diagnostics, Dialect, Profile, Step, dialect, profile};
use serde_json::{Value, json};
use std::sync::Arc;

/// The part of a response that a client sends back.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Echo {
    Text,
    Calls,
    /// The calls, but without their ids.
    CallsWithoutIds,
    All,
}

const ECHOES: [Echo; 4] = [Echo::Text, Echo::Calls, Echo::CallsWithoutIds, Echo::All];
const UPSTREAMS: [&str; 4] = ["anthropic-messages", "gemini", "openai-responses", "openai-chat"];
const ARGS: &str = r#"{"city":"Paris","days":2}"#;

fn named(name: &str) -> Dialect {
    dialect(name).unwrap()
}

fn profile_for(upstream: &str) -> Profile {
    Profile::native(upstream.parse().unwrap()).unwrap_or_else(|| profile("compatible").unwrap())
}

fn settings(store: Option<Arc<TestStore>>) -> Setup {
    let mut settings = Settings::default();
    settings.retry = Retry::none();
    settings.adapt = false;
    settings.fallback.when = FallbackPolicy::Never;
    Setup::new(settings, store)
}

/// Runs one exchange; returns the upstream request, the client's body and the diagnostics.
fn exchange(
    client: Dialect,
    (path, body): &(String, Value),
    target: impl Into<Target>,
    setup: Setup,
    answer: &str,
) -> (Value, String, Diagnostics) {
    let incoming =
        ClientRequest::read(client, path, body.to_string().into()).unwrap_or_else(|e| panic!("{e}: {body}"));
    let mut exchange = setup.start(incoming, target.into()).unwrap();
    let Step::Send { request, .. } = setup.next(&mut exchange) else { panic!("nothing is sent") };
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    let mut out = Vec::new();
    exchange.push(answer.as_bytes(), &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    assert!(matches!(setup.next(&mut exchange), Step::Done));
    let sent = serde_json::from_slice(request.body()).unwrap();
    (sent, String::from_utf8(out).unwrap(), exchange.report().diagnostics.clone())
}

fn sse<'e>(events: impl IntoIterator<Item = &'e Value>) -> String {
    events
        .into_iter()
        .map(|event| match event["type"].as_str() {
            Some(kind) => format!("event: {kind}\ndata: {event}\n\n"),
            None => format!("data: {event}\n\n"),
        })
        .collect()
}

/// A response with reasoning, text and a tool call, streaming or not.
fn answer(upstream: &str, stream: bool) -> String {
    let args: Value = serde_json::from_str(ARGS).unwrap();
    match (upstream, stream) {
        ("anthropic-messages", false) => json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "stop_reason": "tool_use", "stop_sequence": null,
            "content": [{"type": "thinking", "thinking": "I think.", "signature": "c2lnbmVk"}, {"type": "redacted_thinking", "data": "c2VjcmV0"}, {"type": "text", "text": "Let me look."},
                {"type": "tool_use", "id": "toolu_01", "name": "weather", "input": args}], "usage": {"input_tokens": 1, "output_tokens": 2}}).to_string(),
        ("anthropic-messages", true) => {
            let start = |i: u32, block: Value| json!({"type": "content_block_start", "index": i, "content_block": block});
            let delta = |i: u32, delta: Value| json!({"type": "content_block_delta", "index": i, "delta": delta});
            let stop = |i: u32| json!({"type": "content_block_stop", "index": i});
            sse(&[
                json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": [], "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 0}}}),
                start(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
                delta(0, json!({"type": "thinking_delta", "thinking": "I "})),
                delta(0, json!({"type": "thinking_delta", "thinking": "think."})),
                delta(0, json!({"type": "signature_delta", "signature": "c2lnbmVk"})),
                stop(0),
                start(1, json!({"type": "redacted_thinking", "data": "c2VjcmV0"})),
                stop(1),
                start(2, json!({"type": "text", "text": ""})),
                delta(2, json!({"type": "text_delta", "text": "Let me look."})),
                stop(2),
                start(3, json!({"type": "tool_use", "id": "toolu_01", "name": "weather", "input": {}})),
                delta(3, json!({"type": "input_json_delta", "partial_json": ARGS})),
                stop(3),
                json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 2}}),
                json!({"type": "message_stop"}),
            ])
        }
        ("gemini", stream) => {
            let parts = [json!({"text": "I think.", "thought": true}), json!({"text": "Let me look."}),
                json!({"functionCall": {"name": "weather", "args": args}, "thoughtSignature": "Z2VtaW5p"})];
            let chunk = |parts: &[Value], last: bool| {
                let mut candidate = json!({"index": 0, "content": {"role": "model", "parts": parts}});
                if last {
                    candidate["finishReason"] = json!("STOP");
                }
                json!({"candidates": [candidate], "responseId": "r", "modelVersion": "gemini-x", "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3}})
            };
            if stream {
                sse(&[chunk(&parts[..1], false), chunk(&parts[1..2], false), chunk(&parts[2..], true)])
            } else {
                chunk(&parts, true).to_string()
            }
        }
        ("openai-responses", stream) => {
            let items = [json!({"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "I think."}], "encrypted_content": "Z0FBQUE="}),
                json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": "Let me look.", "annotations": [], "logprobs": []}]}),
                json!({"id": "fc_1", "type": "function_call", "call_id": "call_01", "name": "weather", "arguments": ARGS, "status": "completed"})];
            let response = json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-5", "status": "completed", "output": items,
                "parallel_tool_calls": true, "tool_choice": "auto", "tools": [], "usage": {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 3}});
            if !stream {
                return response.to_string();
            }
            let mut events = vec![json!({"type": "response.created", "response": {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-5", "status": "in_progress", "output": []}})];
            for (i, item) in items.iter().enumerate() {
                let mut added = item.clone();
                for (key, empty) in [("summary", json!([])), ("content", json!([])), ("arguments", json!("")), ("encrypted_content", json!(""))] {
                    if added.get(key).is_some() {
                        added[key] = empty;
                    }
                }
                events.push(json!({"type": "response.output_item.added", "output_index": i, "item": added}));
                let id = &item["id"];
                events.push(match i {
                    0 => json!({"type": "response.reasoning_summary_text.delta", "item_id": id, "output_index": i, "summary_index": 0, "delta": "I think."}),
                    1 => json!({"type": "response.output_text.delta", "item_id": id, "output_index": i, "content_index": 0, "delta": "Let me look."}),
                    _ => json!({"type": "response.function_call_arguments.delta", "item_id": id, "output_index": i, "delta": ARGS}),
                });
                events.push(json!({"type": "response.output_item.done", "output_index": i, "item": item}));
            }
            events.push(json!({"type": "response.completed", "response": response}));
            for (n, event) in events.iter_mut().enumerate() {
                event["sequence_number"] = json!(n);
            }
            sse(&events)
        }
        (_, stream) => {
            let details = json!([{"type": "reasoning.text", "text": "I think.", "signature": "Y2hhdA==", "format": "anthropic-claude-v1", "index": 0},
                {"type": "reasoning.encrypted", "data": "c2VhbGVk", "format": "anthropic-claude-v1", "index": 1}]);
            let call = json!({"index": 0, "id": "call_01", "type": "function", "function": {"name": "weather", "arguments": ARGS}});
            let deltas = [json!({"role": "assistant", "reasoning_content": "I think.", "reasoning_details": [details[0]]}), json!({"reasoning_details": [details[1]]}), json!({"content": "Let me look."}), json!({"tool_calls": [call]}), json!({})];
            if stream {
                let chunks: Vec<_> = deltas.iter().enumerate().map(|(i, delta)| json!({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "anthropic/claude-x", "choices": [{"index": 0, "delta": delta, "finish_reason": (i == 4).then_some("tool_calls")}]})).collect();
                return sse(&chunks) + "data: [DONE]\n\n";
            }
            let call = json!({"id": "call_01", "type": "function", "function": {"name": "weather", "arguments": ARGS}});
            json!({"id": "x", "object": "chat.completion", "created": 1, "model": "anthropic/claude-x", "choices": [{"index": 0, "finish_reason": "tool_calls",
                "message": {"role": "assistant", "content": "Let me look.", "refusal": null, "reasoning_content": "I think.", "reasoning_details": details, "tool_calls": [call]}}], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}).to_string()
        }
    }
}

/// The dialects whose client requests are defined here.
const CLIENTS: [&str; 7] = [
    "openai-chat",
    "openai-completions",
    "openai-responses",
    "anthropic-messages",
    "ollama-chat",
    "ollama-generate",
    "gemini",
];

/// The first request of a client: path and body.
fn first(client: &str, stream: bool) -> (String, Value) {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let function = json!({"name": "weather", "description": "d", "parameters": schema});
    let messages = json!([{"role": "user", "content": "weather?"}]);
    let body = match client {
        "anthropic-messages" => {
            json!({"model": "m", "max_tokens": 4000, "stream": stream, "thinking": {"type": "enabled", "budget_tokens": 2000},
            "messages": messages, "tools": [{"name": "weather", "description": "d", "input_schema": schema}]})
        }
        "gemini" => {
            let path = format!(
                "/v1beta/models/m:{}",
                if stream { "streamGenerateContent?alt=sse" } else { "generateContent" }
            );
            return (
                path,
                json!({"contents": [{"role": "user", "parts": [{"text": "weather?"}]}], "tools": [{"functionDeclarations": [function]}]}),
            );
        }
        "openai-responses" => {
            json!({"model": "m", "stream": stream, "input": messages, "store": false, "include": ["reasoning.encrypted_content"], "reasoning": {"effort": "low"},
            "tools": [{"type": "function", "name": "weather", "description": "d", "parameters": schema, "strict": false}]})
        }
        "openai-completions" | "ollama-generate" => {
            json!({"model": "m", "stream": stream, "prompt": "weather?"})
        }
        _ => {
            json!({"model": "m", "stream": stream, "messages": messages, "tools": [{"type": "function", "function": function}]})
        }
    };
    (String::new(), body)
}

fn events(out: &str) -> Vec<Value> {
    out.lines()
        .map(|line| line.strip_prefix("data: ").unwrap_or(line))
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn push(object: &mut Value, key: &str, more: &Value) {
    let text = format!("{}{}", object[key].as_str().unwrap_or_default(), more.as_str().unwrap_or_default());
    object[key] = json!(text);
}

/// The assistant turn that a client's library assembles from a response.
fn turn(client: &str, out: &str, stream: bool) -> Vec<Value> {
    let body: Value = if stream { Value::Null } else { serde_json::from_str(out).unwrap() };
    match (client, stream) {
        ("anthropic-messages", false) => list(&body["content"]),
        ("anthropic-messages", true) => {
            let mut blocks: Vec<Value> = Vec::new();
            for event in events(out) {
                let at = usize::try_from(event["index"].as_u64().unwrap_or(0)).unwrap();
                match event["type"].as_str().unwrap() {
                    "content_block_start" => blocks.push(event["content_block"].clone()),
                    "content_block_delta" => match event["delta"]["type"].as_str().unwrap() {
                        "thinking_delta" => push(&mut blocks[at], "thinking", &event["delta"]["thinking"]),
                        "signature_delta" => push(&mut blocks[at], "signature", &event["delta"]["signature"]),
                        "text_delta" => push(&mut blocks[at], "text", &event["delta"]["text"]),
                        _ => push(&mut blocks[at], "json", &event["delta"]["partial_json"]),
                    },
                    _ => {}
                }
            }
            for block in &mut blocks {
                if let Some(json) = block.as_object_mut().unwrap().remove("json") {
                    block["input"] = serde_json::from_str(json.as_str().unwrap()).unwrap();
                }
            }
            blocks
        }
        // Google's libraries keep each chunk as a separate content.
        ("gemini", false) => vec![body["candidates"][0]["content"].clone()],
        ("gemini", true) => {
            events(out).iter().map(|chunk| chunk["candidates"][0]["content"].clone()).collect()
        }
        ("openai-responses", false) => list(&body["output"]),
        ("openai-responses", true) => {
            let done = events(out).into_iter().filter(|e| e["type"] == "response.output_item.done");
            done.map(|event| event["item"].clone()).collect()
        }
        ("ollama-chat", false) => vec![body["message"].clone()],
        ("ollama-chat", true) => {
            let mut message = json!({"role": "assistant", "content": "", "thinking": "", "tool_calls": []});
            for line in events(out) {
                push(&mut message, "content", &line["message"]["content"]);
                push(&mut message, "thinking", &line["message"]["thinking"]);
                message["tool_calls"].as_array_mut().unwrap().extend(list(&line["message"]["tool_calls"]));
            }
            vec![message]
        }
        ("openai-chat", false) => vec![body["choices"][0]["message"].clone()],
        ("openai-chat", true) => {
            let mut message = json!({"role": "assistant", "content": ""});
            let (mut calls, mut details): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
            for chunk in events(out) {
                let delta = &chunk["choices"][0]["delta"];
                push(&mut message, "content", &delta["content"]);
                push(&mut message, "reasoning_content", &delta["reasoning_content"]);
                details.extend(list(&delta["reasoning_details"]));
                for call in list(&delta["tool_calls"]) {
                    if call.get("id").is_some() {
                        calls.push(call);
                    } else {
                        push(
                            &mut calls.last_mut().unwrap()["function"],
                            "arguments",
                            &call["function"]["arguments"],
                        );
                    }
                }
            }
            message["tool_calls"] = json!(calls);
            message["reasoning_details"] = json!(details);
            vec![message]
        }
        _ => Vec::new(),
    }
}

/// The client's next request; `None` if there is no such client.
fn next(
    client: &str,
    (path, body): &(String, Value),
    mut turn: Vec<Value>,
    echo: Echo,
) -> Option<(String, Value)> {
    let mut body = body.clone();
    let without = |value: &mut Value, keys: &[&str]| {
        for key in keys {
            value.as_object_mut().unwrap().remove(*key);
        }
    };
    match client {
        "anthropic-messages" => {
            let keep: &[&str] = match echo {
                Echo::CallsWithoutIds => return None,
                Echo::Text => &["text"],
                Echo::Calls => &["text", "tool_use"],
                Echo::All => &["text", "tool_use", "thinking", "redacted_thinking"],
            };
            turn.retain(|block| keep.contains(&block["type"].as_str().unwrap()));
            let id = turn.iter().find_map(|block| block.get("id")).cloned();
            let messages = body["messages"].as_array_mut().unwrap();
            messages.push(json!({"role": "assistant", "content": turn}));
            messages.push(match id {
                Some(id) => json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "sunny"}]}),
                None => json!({"role": "user", "content": "go on"}),
            });
        }
        "gemini" => {
            let mut id = Value::Null;
            for content in &mut turn {
                let parts = content["parts"].as_array_mut().unwrap();
                for part in parts.iter_mut() {
                    if echo != Echo::All {
                        without(part, &["thoughtSignature"]);
                    }
                    if let Some(call) = part.get_mut("functionCall") {
                        if echo == Echo::CallsWithoutIds {
                            without(call, &["id"]);
                        }
                        id = call["id"].clone();
                    }
                }
                parts.retain(|part| match echo {
                    Echo::All => true,
                    _ if part.get("thought").is_some() || part["text"] == "" => false,
                    Echo::Text => part.get("functionCall").is_none(),
                    _ => true,
                });
            }
            turn.retain(|content| !list(&content["parts"]).is_empty());
            let contents = body["contents"].as_array_mut().unwrap();
            contents.extend(turn);
            let mut result = json!({"name": "weather", "response": {"output": "sunny"}});
            if id.is_string() {
                result["id"] = id;
            }
            contents.push(match echo {
                Echo::Text => json!({"role": "user", "parts": [{"text": "go on"}]}),
                _ => json!({"role": "user", "parts": [{"functionResponse": result}]}),
            });
        }
        "openai-responses" => {
            let keep: &[&str] = match echo {
                Echo::CallsWithoutIds => return None,
                Echo::Text => &["message"],
                Echo::Calls => &["message", "function_call"],
                Echo::All => &["message", "function_call", "reasoning"],
            };
            turn.retain(|item| keep.contains(&item["type"].as_str().unwrap()));
            let id = turn.iter().find_map(|item| item.get("call_id")).cloned();
            let input = body["input"].as_array_mut().unwrap();
            input.extend(turn);
            input.push(match id {
                Some(id) => json!({"type": "function_call_output", "call_id": id, "output": "sunny"}),
                None => json!({"role": "user", "content": "go on"}),
            });
        }
        "openai-chat" | "ollama-chat" => {
            let mut message = turn.pop()?;
            if client == "openai-chat" && echo == Echo::CallsWithoutIds {
                return None;
            }
            if echo != Echo::All {
                without(&mut message, &["reasoning_content", "reasoning_details", "thinking"]);
            }
            if echo == Echo::Text {
                without(&mut message, &["tool_calls"]);
            }
            for call in message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
                if echo != Echo::All {
                    without(call, &["extra_content"]);
                }
                if echo == Echo::CallsWithoutIds {
                    without(call, &["id"]);
                }
            }
            let id = message["tool_calls"][0]["id"].clone();
            let messages = body["messages"].as_array_mut().unwrap();
            messages.push(message);
            messages.push(match (echo, id) {
                (Echo::Text, _) => json!({"role": "user", "content": "go on"}),
                (_, Value::String(id)) => json!({"role": "tool", "content": "sunny", "tool_call_id": id}),
                _ => json!({"role": "tool", "content": "sunny", "tool_name": "weather"}),
            });
        }
        _ => return None,
    }
    Some((path.clone(), body))
}

/// Whether the request has all opaque state in the fields that the upstream reads.
fn has_all_state(upstream: &str, sent: &Value, echo: Echo) -> bool {
    let calls = echo != Echo::Text;
    match upstream {
        "anthropic-messages" => {
            let blocks = list(&sent["messages"][1]["content"]);
            let kinds: Vec<_> = blocks.iter().map(|block| block["type"].as_str().unwrap()).collect();
            let expected = ["thinking", "redacted_thinking", "text", "tool_use"];
            kinds == expected[..if calls { 4 } else { 3 }]
                && blocks[0] == json!({"type": "thinking", "thinking": "I think.", "signature": "c2lnbmVk"})
                && blocks[1] == json!({"type": "redacted_thinking", "data": "c2VjcmV0"})
        }
        "gemini" => {
            let parts: Vec<_> =
                list(&sent["contents"]).iter().flat_map(|content| list(&content["parts"])).collect();
            let signed = |part: &Value| {
                part["functionCall"]["name"] == "weather" && part["thoughtSignature"] == "Z2VtaW5p"
            };
            !calls || parts.iter().any(signed)
        }
        "openai-responses" => {
            let items = list(&sent["input"]);
            let at = items.iter().position(|item| item["type"] == "reasoning");
            let Some(at) = at else { return false };
            let follows = &items[at + 1];
            items[at]["id"] == "rs_1"
                && items[at]["encrypted_content"] == "Z0FBQUE="
                && items[at]["summary"][0]["text"] == "I think."
                && follows["role"] == "assistant"
                && (!calls || items[at + 2]["type"] == "function_call")
        }
        _ => {
            let message = &sent["messages"][1];
            // A client may return the parts as they arrived.
            let details = list(&message["reasoning_details"]);
            let has = |key: &str, what: &str| {
                details.iter().any(|item| item[key] == what && item["format"] == "anthropic-claude-v1")
            };
            message["reasoning_content"] == "I think."
                && has("signature", "Y2hhdA==")
                && has("data", "c2VhbGVk")
        }
    }
}

#[test]
fn opaque_state_survives_every_client_dialect() {
    let mut failed = Vec::new();
    for upstream in UPSTREAMS {
        for client in CLIENTS {
            for stream in [false, true] {
                for echo in ECHOES {
                    let store = Arc::new(TestStore::default());
                    let first_request = first(client, stream);
                    let upstream_response = answer(upstream, stream);
                    let (_, out, diagnostics) = exchange(
                        named(client),
                        &first_request,
                        profile_for(upstream),
                        settings(Some(store.clone())),
                        &upstream_response,
                    );
                    let Some(again) = next(client, &first_request, turn(client, &out, stream), echo) else {
                        // Clients of prompts have no turns; the loss is reported.
                        assert!(echo == Echo::CallsWithoutIds || !diagnostics.is_empty(), "{client}");
                        continue;
                    };
                    let (sent, ..) =
                        exchange(named(client), &again, profile_for(upstream), settings(Some(store)), "{}");
                    if !has_all_state(upstream, &sent, echo) {
                        failed.push(format!(
                            "{upstream} behind {client}, stream {stream}, {echo:?}:\n  {out}\n  {}\n  {sent}",
                            again.1
                        ));
                    }
                }
            }
        }
    }
    assert!(failed.is_empty(), "{}: {}", failed.len(), failed.join("\n\n"));
}

/// The opaque state in the upstreams' responses.
const OPAQUE: [&str; 6] = ["c2lnbmVk", "c2VjcmV0", "Z2VtaW5p", "Z0FBQUE=", "Y2hhdA==", "c2VhbGVk"];

/// Whether a body contains opaque state, also inside encoded values.
fn contains(sent: &Value, state: &str) -> bool {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let inside = |text: &str| engine.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match sent {
        Value::String(text) => text.contains(state) || inside(text).is_some_and(|text| text.contains(state)),
        Value::Array(items) => items.iter().any(|item| contains(item, state)),
        Value::Object(members) => members.values().any(|value| contains(value, state)),
        _ => false,
    }
}

fn model(upstream: &str) -> &'static str {
    match upstream {
        "anthropic-messages" => "claude-sonnet-4-5",
        "gemini" => "gemini-2.5-pro",
        "openai-responses" => "gpt-5",
        _ => "qwen3",
    }
}

#[test]
fn opaque_state_of_another_issuer_is_dropped_and_reported() {
    for (made, other) in UPSTREAMS.iter().flat_map(|made| UPSTREAMS.map(|other| (*made, other))) {
        // OpenRouter's formats name the issuer of a signature: here Anthropic.
        if made == other || (made, other) == ("openai-chat", "anthropic-messages") {
            continue;
        }
        for client in CLIENTS {
            for (stream, echo) in [false, true].iter().flat_map(|stream| ECHOES.map(|echo| (*stream, echo))) {
                let store = Arc::new(TestStore::default());
                let first_request = first(client, stream);
                let upstream_response = answer(made, stream);
                let (_, out, _) = exchange(
                    named(client),
                    &first_request,
                    profile_for(made),
                    settings(Some(store.clone())),
                    &upstream_response,
                );
                let Some(again) = next(client, &first_request, turn(client, &out, stream), echo) else {
                    continue;
                };
                let target = Target::new(profile_for(other)).with_model(model(other));
                let (sent, _, diagnostics) =
                    exchange(named(client), &again, target, settings(Some(store)), "{}");
                let state = OPAQUE.iter().find(|state| contains(&sent, state));
                assert_eq!(
                    state, None,
                    "{made} to {other} behind {client}, {stream}, {echo:?}:\n{}\n{sent}",
                    again.1
                );
                let held = OPAQUE.iter().any(|state| contains(&again.1, state));
                assert!(
                    !held || diagnostics.iter().any(|d| d.detail.contains("sign")),
                    "{made} to {other} behind {client}: {diagnostics:?}"
                );
                // The other upstream accepts the remaining request: reasoning, which would be required before calls, is disabled.
                if other == "anthropic-messages" && echo != Echo::Text {
                    assert_ne!(sent["thinking"]["type"], "enabled", "{sent}");
                }
            }
        }
    }
}

#[test]
fn stored_turn_is_identified_by_the_preceding_conversation() {
    for (change, comes_back) in [(false, true), (true, false)] {
        for echo in [Echo::Text, Echo::CallsWithoutIds] {
            let store = Arc::new(TestStore::default());
            let first_request = first("ollama-chat", false);
            let upstream_response = answer("anthropic-messages", false);
            let one = named("ollama-chat");
            let upstream = || profile_for("anthropic-messages");
            let (_, out, _) =
                exchange(one, &first_request, upstream(), settings(Some(store.clone())), &upstream_response);
            let (path, mut body) =
                next("ollama-chat", &first_request, turn("ollama-chat", &out, false), echo).unwrap();
            // Clients encode arguments again.
            if let Some(call) = body["messages"][1].get_mut("tool_calls") {
                call[0]["function"]["arguments"] = json!({"days": 2.0, "city": "Paris"});
            }
            if change {
                body["messages"][0]["content"] = json!("weather, please?");
            }
            let (sent, _, diagnostics) =
                exchange(one, &(path, body), upstream(), settings(Some(store)), "{}");
            assert_eq!(has_all_state("anthropic-messages", &sent, echo), comes_back, "{sent}");
            assert_eq!(diagnostics.has(DiagnosticCode::ReasoningRestored), comes_back);
        }
    }
}

#[test]
fn repeated_call_id_restores_nothing_of_another_call() {
    let store = Arc::new(TestStore::default());
    let first_request = first("openai-chat", false);
    let upstream_response = answer("anthropic-messages", false);
    let (_, out, _) = exchange(
        common::chat(),
        &first_request,
        profile_for("anthropic-messages"),
        settings(Some(store.clone())),
        &upstream_response,
    );
    let mut messages = turn("openai-chat", &out, false);
    messages[0]["tool_calls"][0]["function"]["arguments"] = json!(r#"{"city":"Rome"}"#);
    let again = next("openai-chat", &first_request, messages, Echo::Calls).unwrap();
    let (sent, ..) =
        exchange(common::chat(), &again, profile_for("anthropic-messages"), settings(Some(store)), "{}");
    assert!(!OPAQUE.iter().any(|state| contains(&sent, state)), "{sent}");
}

#[test]
fn turn_divided_into_messages_gets_its_reasoning_once() {
    let store = Arc::new(TestStore::default());
    let first_request = first("openai-chat", false);
    let upstream_response = answer("anthropic-messages", false);
    let (_, out, _) = exchange(
        common::chat(),
        &first_request,
        profile_for("anthropic-messages"),
        settings(Some(store.clone())),
        &upstream_response,
    );
    let (path, mut body) =
        next("openai-chat", &first_request, turn("openai-chat", &out, false), Echo::Calls).unwrap();
    let messages = body["messages"].as_array_mut().unwrap();
    messages.insert(1, json!({"role": "assistant", "content": messages[1]["content"]}));
    messages[2]["content"] = Value::Null;
    let (sent, ..) = exchange(
        common::chat(),
        &(path, body),
        profile_for("anthropic-messages"),
        settings(Some(store)),
        "{}",
    );
    assert!(has_all_state("anthropic-messages", &sent, Echo::Calls), "{sent}");
}

#[test]
fn calls_without_a_signature_get_a_placeholder() {
    let call =
        json!({"id": "call_9", "type": "function", "function": {"name": "weather", "arguments": "{}"}});
    let two = json!([call, {"id": "call_10", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]);
    let body = json!({"model": "m", "reasoning_effort": "low", "max_tokens": 4000, "messages": [{"role": "user", "content": "weather?"}, {"role": "assistant", "content": null, "tool_calls": two},
        {"role": "tool", "tool_call_id": "call_9", "content": "x"}, {"role": "tool", "tool_call_id": "call_10", "content": "y"}]});
    let send = |name: &str, upstream_profile: Profile| {
        let target = Target::new(upstream_profile).with_model(name);
        let (sent, _, diagnostics) =
            exchange(common::chat(), &(String::new(), body.clone()), target, settings(None), "{}");
        (sent, diagnostics)
    };
    let placeholder = "skip_thought_signature_validator";
    let (sent, diagnostics) = send("gemini-3-pro-preview", profile_for("gemini"));
    let parts = &sent["contents"][1]["parts"];
    assert_eq!(parts[0]["thoughtSignature"], placeholder);
    assert!(parts[1].get("thoughtSignature").is_none() && diagnostics.has(DiagnosticCode::SignatureSkipped));
    let (sent, _) = send("gemini-3-pro-preview", profile("gemini-openai").unwrap());
    assert_eq!(
        sent["messages"][1]["tool_calls"][0]["extra_content"]["google"]["thought_signature"],
        placeholder
    );
    let (sent, diagnostics) = send("gemini-2.5-pro", profile_for("gemini"));
    assert!(!sent.to_string().contains(placeholder) && !diagnostics.has(DiagnosticCode::SignatureSkipped));
    // Anthropic requires the reasoning before a call, and accepts a call without it if reasoning is disabled.
    let (sent, diagnostics) = send("claude-sonnet-4-5", profile_for("anthropic-messages"));
    assert!(sent.get("thinking").is_none() && diagnostics.has(DiagnosticCode::ParamDropped), "{sent}");
    let (sent, _) = send("gpt-5", profile_for("openai-responses"));
    assert_eq!(sent["input"][1]["type"], "function_call");
    assert_eq!((&sent["include"], &sent["store"]), (&json!(["reasoning.encrypted_content"]), &json!(false)));
}
