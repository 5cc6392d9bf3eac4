//! Custom tools, whose input is free text, of chat's and of Responses' clients: functions of one text for every other dialect, and
//! custom tools again in the answer, whole and streamed.

mod common;

use common::answer::{converted, response_of, text, written};
use common::sdk_client;
use openai_shim_core::canonical::{Block, ExtraFields, FinishReason, Request, Severity};
use openai_shim_core::convert::Conversion;
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::{PayloadKind, dialect};
use serde_json::{Value, json};

const INPUT: &str = "*** Begin \"x\"\n\u{1f600}\\ end";

fn chat_request(stream: bool) -> Value {
    json!({"model": "m", "stream": stream,
    "tools": [
        {"type": "function", "function": {"name": "read", "parameters": {"type": "object", "properties": {}}}},
        {"type": "custom", "custom": {"name": "patch", "description": "Edits files.",
            "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /a/"}}}}],
    "tool_choice": {"type": "custom", "custom": {"name": "patch"}},
    "messages": [
        {"role": "user", "content": "edit"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_1", "type": "custom", "custom": {"name": "patch", "input": INPUT}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "done"},
        {"role": "user", "content": "again"}]})
}

fn has_tools(name: &str) -> bool {
    !matches!(name, "openai-completions" | "ollama-generate")
}

fn sent(upstream: &str, body: &Value) -> (Value, Conversion) {
    let conversion = converted("openai-chat", upstream, PayloadKind::Request, body.to_string(), None);
    assert!(conversion.ok, "{conversion}");
    (serde_json::from_slice(&conversion.body).unwrap(), conversion)
}

/// An answer of an upstream that calls the function.
fn called(upstream: &str, arguments: &str, stream: bool) -> Vec<u8> {
    let call = Block::ToolCall {
        id: String::from("call_2"),
        name: String::from("patch"),
        arguments: arguments.to_owned(),
        signature: None,
        extra: ExtraFields::default(),
    };
    written(
        dialect(upstream).unwrap(),
        &response_of(vec![call], FinishReason::ToolCalls),
        &Request::default(),
        stream,
    )
}

#[test]
fn a_custom_tool_of_chat_is_a_function_of_one_text_elsewhere() {
    let body = chat_request(false);
    for upstream in DIALECTS.iter().map(|dialect| dialect.name()).filter(|name| has_tools(name)) {
        let (request, conversion) = sent(upstream, &body);
        if upstream == "openai-chat" {
            assert_eq!(request, body);
            continue;
        }
        let all = request.to_string();
        let what = format!("{upstream}: {conversion}");
        assert!(all.contains("patch") && all.contains("Edits files."), "{what}");
        assert!(all.contains("start: /a/"), "the grammar: {what}");
        assert!(all.contains("Begin") && all.contains("done"), "{what}");
        let lost: Vec<_> = conversion
            .diagnostics
            .iter()
            .filter(|d| d.severity() > Severity::Info && d.path.contains("tools["))
            .collect();
        assert!(lost.is_empty(), "{what}");
    }
}

#[test]
fn a_custom_tool_of_chat_is_one_for_responses() {
    let (request, _) = sent("openai-responses", &chat_request(false));
    assert_eq!(
        request["tools"][1],
        json!({"type": "custom", "name": "patch", "description": "Edits files.",
            "format": {"type": "grammar", "syntax": "lark", "definition": "start: /a/"}})
    );
    assert_eq!(request["tool_choice"], json!({"type": "custom", "name": "patch"}));
    let items = request["input"].as_array().unwrap();
    let of =
        |kind: &str| items.iter().find(|item| item["type"] == kind).unwrap_or_else(|| panic!("{request}"));
    assert_eq!(of("custom_tool_call")["input"], INPUT);
    assert_eq!(of("custom_tool_call_output")["output"], "done");
}

#[test]
fn a_changed_request_keeps_its_custom_tools() {
    let mut body = chat_request(false);
    // This name is none that the API takes, so that tools, choice and history are written again.
    body["tools"][0]["function"]["name"] = json!("files.read");
    let (request, _) = sent("openai-chat", &body);
    assert_eq!(request["tools"][1], body["tools"][1]);
    assert_eq!(request["tool_choice"], body["tool_choice"]);
    assert_eq!(request["messages"][1], body["messages"][1]);
}

#[test]
fn a_call_of_the_function_is_a_custom_call_for_the_client() {
    let arguments = json!({ "input": INPUT }).to_string();
    let cases =
        [(arguments.as_str(), INPUT), (r#"{"text":"a"}"#, "a"), (r#"{"a":1}"#, r#"{"a":1}"#), ("{}", "{}")];
    for (upstream, (arguments, input)) in DIALECTS
        .iter()
        .map(|dialect| dialect.name())
        .filter(|name| has_tools(name) && *name != "openai-chat")
        .flat_map(|name| cases.map(|case| (name, case)))
    {
        let request = chat_request(false).to_string();
        let body = called(upstream, arguments, false);
        let answer = converted(upstream, "openai-chat", PayloadKind::Response, body, Some(&request));
        let message: Value = serde_json::from_str(text(&answer)).unwrap();
        let call = &message["choices"][0]["message"]["tool_calls"][0];
        assert_eq!(
            (&call["type"], &call["custom"]),
            (&json!("custom"), &json!({"name": "patch", "input": input})),
            "{upstream}: {answer}"
        );
        let request = chat_request(true).to_string();
        let body = called(upstream, arguments, true);
        let answer = converted(upstream, "openai-chat", PayloadKind::Stream, body, Some(&request));
        let (choices, _) = sdk_client::read(text(&answer));
        let calls: Vec<_> = choices[&0].calls.values().cloned().collect();
        assert_eq!(calls, [(String::from("patch"), input.to_owned())], "{upstream}: {answer}");
        assert!(text(&answer).contains(r#""type":"custom""#), "{answer}");
    }
}

#[test]
fn a_renamed_custom_tool_is_custom_for_the_client() {
    let mut request = chat_request(false);
    request["tools"][1]["custom"]["name"] = json!("files.patch");
    request["tool_choice"] = json!("auto");
    request["messages"] = json!([{"role": "user", "content": "edit"}]);
    let (offered, _) = sent("anthropic-messages", &request);
    let name = offered["tools"][1]["name"].as_str().unwrap();
    assert!(!name.contains('.'), "{offered}");
    let body = String::from_utf8(called("anthropic-messages", r#"{"input":"a"}"#, false)).unwrap();
    let body = body.replace("\"patch\"", &format!("{name:?}"));
    let request = request.to_string();
    let answer = converted("anthropic-messages", "openai-chat", PayloadKind::Response, body, Some(&request));
    let message: Value = serde_json::from_str(text(&answer)).unwrap();
    let call = &message["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(call["custom"], json!({"name": "files.patch", "input": "a"}), "{answer}");
}

/// OpenAI's own chat answers with custom calls: clients of other dialects, which did not offer any, can read them.
#[test]
fn a_custom_call_of_chat_is_a_call_with_one_text_elsewhere() {
    let whole = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_1", "type": "custom", "custom": {"name": "patch", "input": INPUT}}]}}]})
    .to_string();
    let chunk = |delta: Value, finish: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]});
        format!("data: {chunk}\n\n")
    };
    let (first, rest) = INPUT.split_at(11);
    let call = |call: Value| json!({ "tool_calls": [call] });
    let stream = [
        chunk(
            call(json!({"index": 0, "id": "call_1", "type": "custom", "custom": {"name": "patch", "input": ""}})),
            Value::Null,
        ),
        chunk(call(json!({"index": 0, "custom": {"input": first}})), Value::Null),
        chunk(call(json!({"index": 0, "custom": {"input": rest}})), Value::Null),
        chunk(json!({}), json!("tool_calls")),
        String::from("data: [DONE]\n\n"),
    ]
    .concat();
    for client in DIALECTS.iter().map(|dialect| dialect.name()).filter(|name| has_tools(name)) {
        for (kind, body) in [(PayloadKind::Response, &whole), (PayloadKind::Stream, &stream)] {
            let answer = converted("openai-chat", client, kind, body, None);
            assert!(answer.ok, "{client}: {answer}");
            let invalid = answer.diagnostics.iter().find(|d| d.code.as_str().starts_with("tool-arguments"));
            assert!(invalid.is_none(), "{client}: {answer}");
            assert!(text(&answer).contains("Begin"), "{client}: {answer}");
        }
    }
}
