//! The embedded upstream `echo`: its answers, in OpenAI's exact format.

use bytes::Bytes;
use http::{Request, StatusCode};
use openai_shim_core::exchange::{Exchange, Step};
use openai_shim_core::upstream::UpstreamBody;
use openai_shim_core::{Context, Upstream, dialect, profile};
use openai_shim_server::upstream::echo::Echo;
use serde_json::{Value, json};
use std::future::poll_fn;

/// Sends a request to echo; returns the status and the chunks of the body.
fn ask(method: &str, path: &str, body: &str) -> (StatusCode, Vec<Bytes>) {
    let request = Request::builder().method(method).uri(path).body(Bytes::from(body.to_owned())).unwrap();
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        let (head, body) = Echo.send(request).await.unwrap().into_parts();
        let mut chunks = Vec::new();
        match body {
            UpstreamBody::Complete(bytes) => chunks.push(bytes),
            UpstreamBody::Stream(mut stream) => {
                while let Some(chunk) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
                    chunks.push(chunk.unwrap());
                }
            }
            _ => unreachable!("echo has no other bodies"),
        }
        (head.status, chunks)
    })
}

fn send_json(path: &str, body: &Value) -> Value {
    let (status, chunks) = ask("POST", path, &body.to_string());
    assert_eq!(status, 200, "{chunks:?}");
    serde_json::from_slice(&chunks.concat()).unwrap()
}

fn refused(path: &str, body: &str) -> Value {
    let (status, chunks) = ask("POST", path, body);
    assert_eq!(status, 400, "{body} was taken");
    let mut answer: Value = serde_json::from_slice(&chunks.concat()).unwrap();
    assert_eq!(answer["error"]["type"], "invalid_request_error");
    answer["error"].take()
}

/// The events of a stream without the last one, which must be `[DONE]`.
fn events(body: &Value) -> Vec<Value> {
    let (status, chunks) = ask("POST", "/chat/completions", &body.to_string());
    assert_eq!(status, 200);
    let mut events: Vec<String> = Vec::new();
    for chunk in &chunks {
        let text = std::str::from_utf8(chunk).unwrap();
        let data = text.strip_prefix("data: ").and_then(|t| t.strip_suffix("\n\n"));
        events.push(data.expect("one event a chunk").to_owned());
    }
    assert_eq!(events.pop().as_deref(), Some("[DONE]"));
    events.iter().map(|event| serde_json::from_str(event).unwrap()).collect()
}

fn user_messages(text: &str) -> Value {
    json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": text}])
}

fn tool(parameters: Value) -> Value {
    json!([
        {"type": "function", "function": {"name": "first", "parameters": parameters}},
        {"type": "function", "function": {"name": "second"}}
    ])
}

#[test]
fn echo_lists_its_model() {
    let (status, chunks) = ask("GET", "/models", "");
    let list: Value = serde_json::from_slice(&chunks.concat()).unwrap();
    assert_eq!((status.as_u16(), &list["data"][0]["id"]), (200, &json!("echo")));
}

#[test]
fn echo_returns_the_last_user_message() {
    let answer =
        send_json("/chat/completions", &json!({"model": "echo", "messages": user_messages("hello there")}));
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["choices"][0]["message"]["content"], "hello there");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    let usage = &answer["usage"];
    assert_eq!(usage["prompt_tokens"].as_u64().unwrap() + 2, usage["total_tokens"].as_u64().unwrap());
}

#[test]
fn echo_streams_word_by_word() {
    let events =
        events(&json!({"model": "echo", "stream": true, "messages": user_messages("one two\nthree")}));
    let deltas: Vec<_> = events.iter().map(|e| &e["choices"][0]["delta"]).collect();
    assert_eq!(deltas[0]["role"], "assistant");
    let texts: Vec<_> = deltas.iter().filter_map(|d| d["content"].as_str()).collect();
    assert_eq!(texts, ["", "one ", "two\n", "three"]);
    let finishes: Vec<_> = events.iter().map(|e| &e["choices"][0]["finish_reason"]).collect();
    assert!(
        finishes[..finishes.len() - 1].iter().all(|f| f.is_null()) && *finishes[finishes.len() - 1] == "stop"
    );
    assert!(events.iter().all(|e| e["id"] == events[0]["id"] && e.get("usage").is_none()));
}

#[test]
fn echo_sends_usage_last_and_only_on_request() {
    let body =
        json!({"stream": true, "stream_options": {"include_usage": true}, "messages": user_messages("hi")});
    let events = events(&body);
    let (last, before) = events.split_last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["completion_tokens"], 1);
    assert!(before.iter().all(|e| e["usage"].is_null() && e.get("usage").is_some()));
}

#[test]
fn echo_joins_content_parts_and_names_images() {
    let parts = json!([
        {"type": "text", "text": "look at"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "text", "text": "this"}
    ]);
    let answer = send_json("/chat/completions", &json!({"messages": [{"role": "user", "content": parts}]}));
    assert_eq!(answer["choices"][0]["message"]["content"], "look at [image] this");
}

#[test]
fn echo_calls_tools_only_when_required() {
    for choice in [Value::Null, json!("auto"), json!("none")] {
        let body = json!({"messages": user_messages("hi"), "tools": tool(json!({})), "tool_choice": choice});
        let answer = send_json("/chat/completions", &body);
        assert_eq!(answer["choices"][0]["message"]["content"], "hi", "{choice}");
    }
}

#[test]
fn required_call_uses_the_first_tool_with_minimal_arguments() {
    let parameters = json!({
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}, "unit": {"enum": ["c", "f"]}},
        "required": ["city", "days", "unit"]
    });
    let body = json!({"messages": user_messages("hi"), "tools": tool(parameters), "tool_choice": "required"});
    let answer = send_json("/chat/completions", &body);
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], Value::Null);
    let call = &choice["message"]["tool_calls"][0]["function"];
    assert_eq!(call["name"], "first");
    assert_eq!(call["arguments"], r#"{"city":"","days":1,"unit":"c"}"#);

    let mut body = body;
    body["stream"] = json!(true);
    let events = events(&body);
    let fragments = events
        .iter()
        .filter_map(|e| e["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str());
    assert_eq!(fragments.collect::<String>(), r#"{"city":"","days":1,"unit":"c"}"#);
    assert_eq!(events.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn named_call_has_openais_finish_reason() {
    let choice = json!({"type": "function", "function": {"name": "second"}});
    let body = json!({"messages": user_messages("hi"), "tools": tool(json!({})), "tool_choice": choice});
    let answer = send_json("/chat/completions", &body);
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!(
        answer["choices"][0]["message"]["tool_calls"][0]["function"],
        json!({"name": "second", "arguments": "{}"})
    );
}

#[test]
fn successive_calls_have_different_ids() {
    let body = json!({"messages": user_messages("hi"), "tools": tool(json!({})), "tool_choice": "required"});
    let id = || send_json("/chat/completions", &body)["choices"][0]["message"]["tool_calls"][0]["id"].clone();
    assert_ne!(id(), id());
}

#[test]
fn tool_result_is_returned_even_if_a_call_is_required() {
    let body = json!({
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "first", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "it rains"}
        ],
        "tools": tool(json!({})),
        "tool_choice": "required"
    });
    let answer = send_json("/chat/completions", &body);
    assert_eq!(answer["choices"][0]["message"]["content"], "it rains");
}

#[test]
fn invalid_request_is_an_error_in_openais_envelope() {
    assert!(refused("/chat/completions", "[").get("message").is_some());
    assert_eq!(refused("/chat/completions", "{}")["param"], "messages");
    assert_eq!(refused("/chat/completions", r#"{"messages":[]}"#)["param"], "messages");
    let demands = |choice: Value, tools: Value| json!({"messages": user_messages("hi"), "tools": tools, "tool_choice": choice});
    let named = json!({"type": "function", "function": {"name": "third"}});
    for body in [
        demands(json!("required"), json!([])),
        demands(named, tool(json!({}))),
        demands(json!("perhaps"), tool(json!({}))),
    ] {
        assert_eq!(refused("/chat/completions", &body.to_string())["param"], "tool_choice");
    }
    assert_eq!(refused("/embeddings", "{}")["param"], "input");
    assert_eq!(refused("/embeddings", r#"{"input":[]}"#)["param"], "input");
}

#[test]
fn unknown_path_is_a_404() {
    let (status, chunks) = ask("POST", "/audio/speech", "{}");
    let answer: Value = serde_json::from_slice(&chunks.concat()).unwrap();
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (404, &json!("unknown_url")));
}

#[test]
fn embeddings_depend_on_the_text_only_in_both_encodings() {
    let floats = send_json("/embeddings", &json!({"model": "echo", "input": ["a", "b", "a"]}));
    let vector = |at: usize| -> Vec<f32> {
        floats["data"][at]["embedding"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.to_string().parse().unwrap())
            .collect()
    };
    assert_eq!(floats["data"][1]["index"], 1);
    assert_ne!(vector(0), vector(1));
    assert_eq!(vector(0), vector(2));

    let encoded = send_json("/embeddings", &json!({"input": "a", "encoding_format": "base64"}));
    let text = encoded["data"][0]["embedding"].as_str().unwrap();
    assert_eq!(from_base64(text), vector(0).iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());

    let short = send_json("/embeddings", &json!({"input": [1, 2, 3], "dimensions": 3}));
    assert_eq!(short["data"].as_array().unwrap().len(), 1);
    assert_eq!(short["data"][0]["embedding"].as_array().unwrap().len(), 3);
}

fn from_base64(text: &str) -> Vec<u8> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_usize, 0);
    for digit in text.trim_end_matches('=').chars() {
        bits = (bits << 6 | DIGITS.find(digit).unwrap()) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).unwrap());
        }
    }
    bytes
}

#[test]
fn echo_responses_need_no_repair() {
    let tools = tool(json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}));
    let named = json!({"type": "function", "function": {"name": "first"}});
    for body in [
        json!({"model": "echo", "messages": user_messages("hello there")}),
        json!({"model": "echo", "messages": user_messages("hello there"), "stream": true}),
        json!({"model": "echo", "messages": user_messages("hello"), "stream": true, "stream_options": {"include_usage": true}}),
        json!({"model": "echo", "messages": user_messages("hi"), "tools": tools, "tool_choice": "required"}),
        json!({"model": "echo", "messages": user_messages("hi"), "tools": tools, "tool_choice": "required", "stream": true}),
        json!({"model": "echo", "messages": user_messages("hi"), "tools": tools, "tool_choice": named}),
        json!({"model": "echo", "messages": user_messages("hi"), "tools": tools, "tool_choice": named, "stream": true}),
    ] {
        let (chat, row) = (dialect("openai-chat").unwrap(), profile("openai").unwrap());
        let mut exchange = Exchange::new(chat, row, Context::fixed(), body.to_string().as_bytes()).unwrap();
        let Step::Send { request, .. } = exchange.next() else { panic!("nothing to send") };
        let sent = std::str::from_utf8(request.body()).unwrap().to_owned();
        let (status, chunks) = ask("POST", request.uri().path(), &sent);
        let mut out = Vec::new();
        exchange.head(status, &http::HeaderMap::new()).unwrap();
        for chunk in &chunks {
            exchange.push(chunk, &mut out).unwrap();
        }
        exchange.finish(&mut out).unwrap();
        let report = exchange.report();
        assert_eq!(report.outcome.as_str(), "complete", "{body}");
        assert!(report.diagnostics.is_empty(), "{body}: {:?}", report.diagnostics);
    }
}
