//! The embedded upstream: what it says, and that it says it as OpenAI does.

use bytes::Bytes;
use http::{Request, StatusCode};
use openai_shim_core::exchange::{Exchange, Step};
use openai_shim_core::upstream::UpstreamBody;
use openai_shim_core::{Context, Upstream, dialect, profile};
use openai_shim_server::upstream::echo::Echo;
use serde_json::{Value, json};
use std::future::poll_fn;

/// What echo answers: the status, and the chunks of the body.
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

fn whole(path: &str, body: &Value) -> Value {
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

/// The events of a stream; the last one must be `[DONE]`, and is left out.
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

fn said(text: &str) -> Value {
    json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": text}])
}

fn tool(parameters: Value) -> Value {
    json!([
        {"type": "function", "function": {"name": "first", "parameters": parameters}},
        {"type": "function", "function": {"name": "second"}}
    ])
}

#[test]
fn it_lists_its_one_model() {
    let (status, chunks) = ask("GET", "/models", "");
    let list: Value = serde_json::from_slice(&chunks.concat()).unwrap();
    assert_eq!((status.as_u16(), &list["data"][0]["id"]), (200, &json!("echo")));
}

#[test]
fn the_last_user_message_comes_back() {
    let answer = whole("/chat/completions", &json!({"model": "echo", "messages": said("hello there")}));
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["choices"][0]["message"]["content"], "hello there");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    let usage = &answer["usage"];
    assert_eq!(usage["prompt_tokens"].as_u64().unwrap() + 2, usage["total_tokens"].as_u64().unwrap());
}

#[test]
fn it_streams_word_by_word() {
    let events = events(&json!({"model": "echo", "stream": true, "messages": said("one two\nthree")}));
    let deltas: Vec<_> = events.iter().map(|e| &e["choices"][0]["delta"]).collect();
    assert_eq!(deltas[0]["role"], "assistant");
    let words: Vec<_> = deltas.iter().filter_map(|d| d["content"].as_str()).collect();
    assert_eq!(words, ["", "one ", "two\n", "three"]);
    let finishes: Vec<_> = events.iter().map(|e| &e["choices"][0]["finish_reason"]).collect();
    assert!(
        finishes[..finishes.len() - 1].iter().all(|f| f.is_null()) && *finishes[finishes.len() - 1] == "stop"
    );
    assert!(events.iter().all(|e| e["id"] == events[0]["id"] && e.get("usage").is_none()));
}

#[test]
fn usage_comes_last_and_only_when_asked_for() {
    let body = json!({"stream": true, "stream_options": {"include_usage": true}, "messages": said("hi")});
    let events = events(&body);
    let (last, before) = events.split_last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["completion_tokens"], 1);
    assert!(before.iter().all(|e| e["usage"].is_null() && e.get("usage").is_some()));
}

#[test]
fn parts_are_joined_and_pictures_are_named() {
    let parts = json!([
        {"type": "text", "text": "look at"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "text", "text": "this"}
    ]);
    let answer = whole("/chat/completions", &json!({"messages": [{"role": "user", "content": parts}]}));
    assert_eq!(answer["choices"][0]["message"]["content"], "look at [image] this");
}

#[test]
fn tools_are_called_only_when_they_must_be() {
    for choice in [Value::Null, json!("auto"), json!("none")] {
        let body = json!({"messages": said("hi"), "tools": tool(json!({})), "tool_choice": choice});
        let answer = whole("/chat/completions", &body);
        assert_eq!(answer["choices"][0]["message"]["content"], "hi", "{choice}");
    }
}

#[test]
fn a_required_call_takes_the_first_tool_with_the_smallest_arguments() {
    let parameters = json!({
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}, "unit": {"enum": ["c", "f"]}},
        "required": ["city", "days", "unit"]
    });
    let body = json!({"messages": said("hi"), "tools": tool(parameters), "tool_choice": "required"});
    let answer = whole("/chat/completions", &body);
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], Value::Null);
    let call = &choice["message"]["tool_calls"][0]["function"];
    assert_eq!(call["name"], "first");
    assert_eq!(call["arguments"], r#"{"city":"","days":1,"unit":"c"}"#);

    let mut body = body;
    body["stream"] = json!(true);
    let events = events(&body);
    let pieces = events
        .iter()
        .filter_map(|e| e["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str());
    assert_eq!(pieces.collect::<String>(), r#"{"city":"","days":1,"unit":"c"}"#);
    assert_eq!(events.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn a_named_call_ends_as_openai_ends_it() {
    let choice = json!({"type": "function", "function": {"name": "second"}});
    let body = json!({"messages": said("hi"), "tools": tool(json!({})), "tool_choice": choice});
    let answer = whole("/chat/completions", &body);
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!(
        answer["choices"][0]["message"]["tool_calls"][0]["function"],
        json!({"name": "second", "arguments": "{}"})
    );
}

#[test]
fn two_calls_have_two_ids() {
    let body = json!({"messages": said("hi"), "tools": tool(json!({})), "tool_choice": "required"});
    let id = || whole("/chat/completions", &body)["choices"][0]["message"]["tool_calls"][0]["id"].clone();
    assert_ne!(id(), id());
}

#[test]
fn a_tool_s_result_is_said_back_even_where_a_call_is_demanded() {
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
    let answer = whole("/chat/completions", &body);
    assert_eq!(answer["choices"][0]["message"]["content"], "it rains");
}

#[test]
fn what_is_wrong_is_refused_in_openai_s_envelope() {
    assert!(refused("/chat/completions", "[").get("message").is_some());
    assert_eq!(refused("/chat/completions", "{}")["param"], "messages");
    assert_eq!(refused("/chat/completions", r#"{"messages":[]}"#)["param"], "messages");
    let demands =
        |choice: Value, tools: Value| json!({"messages": said("hi"), "tools": tools, "tool_choice": choice});
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
fn unknown_paths_are_a_404() {
    let (status, chunks) = ask("POST", "/audio/speech", "{}");
    let answer: Value = serde_json::from_slice(&chunks.concat()).unwrap();
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (404, &json!("unknown_url")));
}

#[test]
fn embeddings_depend_on_the_text_alone_in_both_encodings() {
    let floats = whole("/embeddings", &json!({"model": "echo", "input": ["a", "b", "a"]}));
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

    let encoded = whole("/embeddings", &json!({"input": "a", "encoding_format": "base64"}));
    let text = encoded["data"][0]["embedding"].as_str().unwrap();
    assert_eq!(from_base64(text), vector(0).iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());

    let short = whole("/embeddings", &json!({"input": [1, 2, 3], "dimensions": 3}));
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
fn nothing_of_what_it_says_needs_mending() {
    let tools = tool(json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}));
    let named = json!({"type": "function", "function": {"name": "first"}});
    for body in [
        json!({"model": "echo", "messages": said("hello there")}),
        json!({"model": "echo", "messages": said("hello there"), "stream": true}),
        json!({"model": "echo", "messages": said("hello"), "stream": true, "stream_options": {"include_usage": true}}),
        json!({"model": "echo", "messages": said("hi"), "tools": tools, "tool_choice": "required"}),
        json!({"model": "echo", "messages": said("hi"), "tools": tools, "tool_choice": "required", "stream": true}),
        json!({"model": "echo", "messages": said("hi"), "tools": tools, "tool_choice": named}),
        json!({"model": "echo", "messages": said("hi"), "tools": tools, "tool_choice": named, "stream": true}),
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
