//! What an answer says to a client that reads it as the OpenAI SDKs do: no tolerance, no knowledge of ours.

use serde_json::Value;
use std::collections::BTreeMap;

/// One answer as its client puts it together.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Answer {
    pub text: String,
    pub thoughts: String,
    pub refusal: String,
    /// Name and arguments; a custom tool's input.
    pub calls: BTreeMap<u64, (String, String)>,
    pub finish: Option<String>,
}

/// All answers of a body by their index, and the error that it holds.
pub type Said = (BTreeMap<u64, Answer>, Option<Value>);

/// The JSON documents of what we send: the events of a stream, or the one body. Panics on anything else.
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

/// What a body that we sent says.
pub fn said(body: &str) -> Said {
    let (mut answers, mut error) = (BTreeMap::<u64, Answer>::new(), None);
    for document in documents(body) {
        if document.get("error").is_some() {
            error = Some(document["error"].clone());
            continue;
        }
        for choice in document["choices"].as_array().unwrap() {
            let answer = answers.entry(choice["index"].as_u64().unwrap()).or_default();
            // A whole answer is read by its message, whatever stands beside it.
            let whole = document["object"] == "chat.completion";
            let said = choice.get("delta").filter(|_| !whole).unwrap_or(&choice["message"]);
            let words = |key: &str| said[key].as_str().unwrap_or_default();
            answer.text += words("content");
            answer.thoughts += words("reasoning_content");
            answer.refusal += words("refusal");
            for (at, call) in said["tool_calls"].as_array().into_iter().flatten().enumerate() {
                let index = call["index"].as_u64().filter(|_| !whole);
                add(answer, index.unwrap_or(at as u64), call);
            }
            if let Some(function) = said.get("function_call") {
                add(answer, 0, &serde_json::json!({ "function": function }));
            }
            if let Some(reason) = choice["finish_reason"].as_str() {
                assert_eq!(answer.finish.replace(reason.to_owned()), None, "two finish reasons: {body}");
            }
        }
    }
    (answers, error)
}

fn add(answer: &mut Answer, index: u64, call: &Value) {
    let slot = answer.calls.entry(index).or_default();
    let custom = call.get("custom").filter(|_| call["type"] != "function");
    let (function, input) = match custom {
        Some(custom) => (custom, "input"),
        None => (&call["function"], "arguments"),
    };
    slot.0 += function["name"].as_str().unwrap_or_default();
    slot.1 += function[input].as_str().unwrap_or_default();
}

/// What a body says, on one line.
pub fn line(body: &str) -> String {
    let (answers, error) = said(body);
    let text = |words: &str| words.replace('\n', "\\n");
    let mut parts: Vec<String> = answers
        .values()
        .map(|answer| {
            let mut words = Vec::new();
            if !answer.thoughts.is_empty() {
                words.push(format!("<{}>", text(&answer.thoughts)));
            }
            if !answer.text.is_empty() {
                words.push(format!("\"{}\"", text(&answer.text)));
            }
            if !answer.refusal.is_empty() {
                words.push(format!("refuses \"{}\"", answer.refusal));
            }
            words.extend(answer.calls.values().map(|(name, arguments)| format!("{name}({arguments})")));
            words.extend(answer.finish.clone());
            words.join(" ")
        })
        .collect();
    parts.extend(error.map(|error| format!("error {}", error["code"].as_str().unwrap_or("null"))));
    parts.join(" / ")
}
