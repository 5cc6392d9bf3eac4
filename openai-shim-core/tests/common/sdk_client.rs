//! Chat response bodies to their content, read as the OpenAI SDKs do: without tolerance, independent of our own model.

use serde_json::Value;
use std::collections::BTreeMap;

/// One choice as a client assembles it.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct ChoiceContent {
    pub text: String,
    pub reasoning: String,
    pub refusal: String,
    /// Name and arguments, or the input of a custom tool, by index.
    pub calls: BTreeMap<u64, (String, String)>,
    pub finish_reason: Option<String>,
}

/// The choices of a body by index, and its error.
pub type Content = (BTreeMap<u64, ChoiceContent>, Option<Value>);

/// Returns the JSON documents of a body: the events of a stream, or the one document. Panics on anything else.
pub fn documents(body: &str) -> Vec<Value> {
    let parse = |json: &str| serde_json::from_str(json).unwrap_or_else(|e| panic!("{e}: {json}"));
    if !body.starts_with("data: ") {
        return vec![parse(body)];
    }
    assert!(body.ends_with("\n\n"), "an event without its blank line: {body}");
    let events = body.split("\n\n").filter(|event| !event.is_empty());
    let data = events.map(|e| e.strip_prefix("data: ").unwrap_or_else(|| panic!("no data: {e}")));
    data.filter(|data| *data != "[DONE]").map(parse).collect()
}

/// Reads the content of a body. Panics if it is malformed.
pub fn read(body: &str) -> Content {
    let (mut choices, mut error) = (BTreeMap::<u64, ChoiceContent>::new(), None);
    for document in documents(body) {
        if document.get("error").is_some() {
            error = Some(document["error"].clone());
            continue;
        }
        for choice in document["choices"].as_array().unwrap() {
            let content = choices.entry(choice["index"].as_u64().unwrap()).or_default();
            // A non-streaming choice has a `message`; a `delta` in it is ignored.
            let is_complete = document["object"] == "chat.completion";
            let message = choice.get("delta").filter(|_| !is_complete).unwrap_or(&choice["message"]);
            let text = |key: &str| message[key].as_str().unwrap_or_default();
            content.text += text("content");
            content.reasoning += text("reasoning_content");
            content.refusal += text("refusal");
            for (at, call) in message["tool_calls"].as_array().into_iter().flatten().enumerate() {
                let index = call["index"].as_u64().filter(|_| !is_complete);
                add_call(content, index.unwrap_or(at as u64), call);
            }
            if let Some(function) = message.get("function_call") {
                add_call(content, 0, &serde_json::json!({ "function": function }));
            }
            if let Some(reason) = choice["finish_reason"].as_str() {
                assert_eq!(
                    content.finish_reason.replace(reason.to_owned()),
                    None,
                    "two finish reasons: {body}"
                );
            }
        }
    }
    (choices, error)
}

fn add_call(content: &mut ChoiceContent, index: u64, call: &Value) {
    let slot = content.calls.entry(index).or_default();
    let custom = call.get("custom").filter(|_| call["type"] != "function");
    let (function, input) = match custom {
        Some(custom) => (custom, "input"),
        None => (&call["function"], "arguments"),
    };
    slot.0 += function["name"].as_str().unwrap_or_default();
    slot.1 += function[input].as_str().unwrap_or_default();
}

/// Summarizes the content of a body on one line.
pub fn line(body: &str) -> String {
    let (choices, error) = read(body);
    let escape = |text: &str| text.replace('\n', "\\n");
    let mut parts: Vec<String> = choices
        .values()
        .map(|content| {
            let mut parts = Vec::new();
            if !content.reasoning.is_empty() {
                parts.push(format!("<{}>", escape(&content.reasoning)));
            }
            if !content.text.is_empty() {
                parts.push(format!("\"{}\"", escape(&content.text)));
            }
            if !content.refusal.is_empty() {
                parts.push(format!("refuses \"{}\"", content.refusal));
            }
            parts.extend(content.calls.values().map(|(name, arguments)| format!("{name}({arguments})")));
            parts.extend(content.finish_reason.clone());
            parts.join(" ")
        })
        .collect();
    parts.extend(error.map(|error| format!("error {}", error["code"].as_str().unwrap_or("null"))));
    parts.join(" / ")
}
