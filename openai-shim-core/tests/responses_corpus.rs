//! Recordings of the Responses dialect: their content reaches clients of this dialect and of chat.
#![allow(clippy::disallowed_methods)] // tests read files

mod common;

use common::shared;
use openai_shim_core::canonical::Diagnostics;
use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::{Dialect, Outcome, PayloadKind, dialect, profile};
use serde_json::Value;

struct Recording {
    name: String,
    kind: PayloadKind,
    request: Option<String>,
    status: u16,
    body: String,
}

fn own() -> Dialect {
    dialect("openai-responses").unwrap()
}

fn recordings(test: &str) -> Vec<Recording> {
    let Some(shared) = shared(test) else { return Vec::new() };
    let text = std::fs::read_to_string(shared.join("corpus/openai-responses.jsonl")).unwrap();
    let all: Vec<_> = text
        .lines()
        .map(|line| {
            let v: Value = serde_json::from_str(line).unwrap();
            let status = u16::try_from(v["response"]["status"].as_u64().unwrap()).unwrap();
            Recording {
                name: format!("{} {} {}", v["provider"], v["path"], v["n"]),
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
    assert!(all.len() > 800);
    all
}

impl Recording {
    fn convert(&self, to: Dialect) -> Conversion {
        let request = self.request.as_deref().map(str::as_bytes).filter(|_| to.name() == own().name());
        convert(&{
            let mut input = ConversionInput::new(self.kind, own(), self.body.as_bytes())
                .to(to)
                .profile(profile("compatible").unwrap())
                .status(self.status);
            input.request = request;
            input
        })
    }

    fn failed(&self) -> bool {
        let failed =
            |v: &Value| v["type"] == "error" || v["type"] == "response.failed" || v["status"] == "failed";
        documents(&self.body).iter().any(failed)
    }
}

/// The events of a stream, or the body.
fn documents(body: &str) -> Vec<Value> {
    if body.trim_start().starts_with('{') {
        return serde_json::from_str(body.trim()).into_iter().collect();
    }
    let data = body.lines().filter_map(|line| line.strip_prefix("data:"));
    data.filter_map(|data| serde_json::from_str(data.trim()).ok()).collect()
}

/// The content of a response.
#[derive(Debug, Default, PartialEq)]
struct Content {
    text: String,
    reasoning: String,
    refusal: String,
    calls: Vec<(String, String)>,
    tokens: (u64, u64),
}

/// Reads the content of a body's items, as a simple and careful client would.
fn read_content(body: &str) -> Content {
    let documents = documents(body);
    let last = documents.iter().rev().find(|d| d["response"]["usage"].is_object() || d["output"].is_array());
    let response = last.map(|d| if d["output"].is_array() { d } else { &d["response"] });
    let listed = response.and_then(|r| r["output"].as_array()).filter(|items| !items.is_empty());
    let done = documents.iter().filter(|d| d["type"] == "response.output_item.done").map(|d| &d["item"]);
    let items: Vec<&Value> = listed.map_or_else(|| done.collect(), |items| items.iter().collect());
    let mut content = Content::default();
    // The field for reasoning of one server.
    content.reasoning +=
        response.and_then(|r| r["reasoning"].as_str()).filter(|t| !t.trim().is_empty()).unwrap_or_default();
    for item in items {
        match item["type"].as_str().unwrap_or_default() {
            "message" => {
                if let Some(text) = item["content"].as_str() {
                    content.text += text;
                }
                // Some recordings were shortened by hand and contradict themselves: the streamed deltas count.
                let deltas = documents
                    .iter()
                    .filter(|d| d["type"] == "response.output_text.delta" && d["item_id"] == item["id"]);
                let streamed: String = deltas.filter_map(|d| d["delta"].as_str()).collect();
                for part in item["content"].as_array().into_iter().flatten() {
                    let text = part["text"].as_str().unwrap_or_default();
                    let single = item["content"].as_array().is_some_and(|parts| parts.len() == 1);
                    content.text += if text.starts_with(&streamed) || !single { text } else { &streamed };
                    content.refusal += part["refusal"].as_str().unwrap_or_default();
                }
            }
            "reasoning" => {
                let joined = |key: &str| {
                    let parts = item[key].as_array().into_iter().flatten();
                    parts.filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n\n")
                };
                let summary = joined("summary");
                content.reasoning += &if summary.is_empty() { joined("content") } else { summary };
            }
            "function_call" => content.calls.push((
                item["name"].as_str().unwrap_or_default().to_owned(),
                item["arguments"].as_str().map_or_else(|| item["arguments"].to_string(), str::to_owned),
            )),
            "custom_tool_call" => content.calls.push((
                item["name"].as_str().unwrap_or_default().to_owned(),
                serde_json::json!({ "input": item["input"] }).to_string(),
            )),
            _ => {}
        }
    }
    let usage = response.map_or(&Value::Null, |r| &r["usage"]);
    content.tokens =
        (usage["input_tokens"].as_u64().unwrap_or(0), usage["output_tokens"].as_u64().unwrap_or(0));
    content
}

/// The same for a chat body.
fn read_chat_content(body: &str) -> Content {
    let (answers, _) = common::sdk_client::read(body);
    let answer = answers.get(&0).cloned().unwrap_or_default();
    let documents = common::sdk_client::documents(body);
    let usage = documents.iter().rev().find(|d| d["usage"].is_object()).map_or(&Value::Null, |d| &d["usage"]);
    Content {
        text: answer.text,
        reasoning: answer.reasoning,
        refusal: answer.refusal,
        calls: answer.calls.into_values().collect(),
        tokens: (
            usage["prompt_tokens"].as_u64().unwrap_or(0),
            usage["completion_tokens"].as_u64().unwrap_or(0),
        ),
    }
}

/// What is said in the sound of a chat answer.
fn transcript(body: &str) -> String {
    let documents = common::sdk_client::documents(body);
    let choices = documents.iter().flat_map(|d| d["choices"].as_array().into_iter().flatten());
    let sounds = choices.map(|c| &c.get("delta").unwrap_or(&c["message"])["audio"]["transcript"]);
    sounds.filter_map(Value::as_str).collect()
}

/// Writes the output to the folder `OPENAI_SHIM_EMITTED`, if set, for checks by tools in other languages.
fn emit(n: usize, recording: &Recording, to: &str, body: &[u8]) {
    if let Some(dir) = std::env::var_os("OPENAI_SHIM_EMITTED") {
        let kind = if recording.kind == PayloadKind::Stream { "stream" } else { "whole" };
        std::fs::write(std::path::Path::new(&dir).join(format!("{n}.{to}.{kind}")), body).unwrap();
    }
}

#[test]
fn recorded_content_reaches_both_dialects() {
    let (mut own_bytes, mut compared, mut native_only, mut empty) = (0, 0, 0, 0);
    for (n, recording) in recordings("responses").iter().enumerate() {
        if recording.kind == PayloadKind::Error || recording.failed() || recording.body.is_empty() {
            continue;
        }
        let mut expected = read_content(&recording.body);
        // Reasoning between tags is taken out of the text.
        if let Some(reasoning) = expected.text.strip_prefix("<think>").map(str::to_owned) {
            let (reasoning, text) = reasoning.split_once("</think>").unwrap_or((&reasoning, ""));
            (expected.reasoning, expected.text) =
                (expected.reasoning + reasoning, text.trim_start().to_owned());
        }
        let passed = recording.convert(own());
        let nothing = expected == Content { tokens: expected.tokens, ..Content::default() };
        if nothing && passed.outcome == Some(Outcome::Empty) {
            empty += 1;
            continue;
        }
        assert!(passed.ok, "{}: {passed}", recording.name);
        emit(n, recording, "own", &passed.body);
        let text = String::from_utf8(passed.body.clone()).unwrap();
        assert_eq!(read_content(&text), expected, "{}\n{passed}", recording.name);
        own_bytes += usize::from(
            passed.body == recording.body.trim().as_bytes() || text.trim() == recording.body.trim(),
        );

        let translated = recording.convert(common::chat());
        if nothing && !translated.ok {
            native_only += 1;
            continue;
        }
        assert!(translated.ok, "{}: {translated}", recording.name);
        emit(n, recording, "chat", &translated.body);
        let mut actual = read_chat_content(&String::from_utf8(translated.body.clone()).unwrap());
        if recording.kind == PayloadKind::Stream {
            // The client did not request usage.
            (actual.tokens, expected.tokens) = ((0, 0), (0, 0));
        }
        for call in expected.calls.iter_mut().chain(&mut actual.calls) {
            let namespaced = call.0.rsplit_once("__").map(|(_, name)| name.to_owned());
            call.0 = namespaced.unwrap_or_else(|| call.0.clone());
            call.1 =
                serde_json::from_str::<Value>(&call.1).map_or_else(|_| call.1.clone(), |v| v.to_string());
        }
        assert_eq!(actual, expected, "{}\n{translated}", recording.name);
        compared += 1;
    }
    println!(
        "{compared} answers compared, {own_bytes} byte-identical, {native_only} of native items only, {empty} empty"
    );
}

#[test]
fn recorded_chat_responses_convert_to_responses() {
    let Some(shared) = shared("chats") else { return };
    let text = std::fs::read_to_string(shared.join("corpus/openai-chat.jsonl")).unwrap();
    let mut compared = 0;
    for (n, line) in text.lines().enumerate() {
        let v: Value = serde_json::from_str(line).unwrap();
        if v["response"]["status"].as_u64().unwrap() >= 400 {
            continue;
        }
        let stream = v["streaming"] == true;
        let body = v["response"]["body"].as_str().unwrap_or_default();
        let spec = v["request"]["body"].is_object().then(|| v["request"]["body"].to_string());
        // The same request as a client of the other dialect sends it.
        let read = spec.as_deref().map(|a| {
            common::chat().decode_request(
                "",
                &bytes::Bytes::copy_from_slice(a.as_bytes()),
                &mut Diagnostics::default(),
            )
        });
        let in_own = read.and_then(Result::ok).map(|request| {
            let encoded = own().encode_request(&request, None, &mut Diagnostics::default()).unwrap();
            encoded.body.to_json()
        });
        let convert = |to: Dialect| {
            let spec = if to.name() == own().name() { &in_own } else { &spec };
            convert(&{
                let mut input = ConversionInput::new(
                    if stream { PayloadKind::Stream } else { PayloadKind::Response },
                    common::chat(),
                    body.as_bytes(),
                )
                .to(to)
                .profile(profile("compatible").unwrap());
                input.request = spec.as_deref().map(str::as_bytes);
                input
            })
        };
        let (chat, translated) = (convert(common::chat()), convert(own()));
        let what = format!("{} {}", v["path"], v["n"]);
        let expected = read_chat_content(&String::from_utf8(chat.body.clone()).unwrap());
        assert_eq!(chat.ok, translated.ok, "{what}\n{chat}\n{translated}");
        if !chat.ok || !translated.ok {
            continue;
        }
        let mut actual = read_content(&String::from_utf8(translated.body.clone()).unwrap());
        if stream {
            actual.tokens = expected.tokens;
        }
        let mut expected = expected;
        if expected.text.is_empty() {
            expected.text = transcript(&String::from_utf8(chat.body).unwrap());
        }
        for call in expected.calls.iter_mut().filter(|call| call.1.is_empty()) {
            call.1 = String::from("{}");
        }
        assert_eq!(actual, expected, "{what}\n{}", String::from_utf8_lossy(&translated.body));
        if let Some(dir) = std::env::var_os("OPENAI_SHIM_EMITTED") {
            let kind = if stream { "stream" } else { "whole" };
            std::fs::write(std::path::Path::new(&dir).join(format!("c{n}.own.{kind}")), &translated.body)
                .unwrap();
        }
        compared += 1;
    }
    println!("{compared} chats");
}

#[test]
fn recorded_failures_stay_failures() {
    let mut all = 0;
    for recording in recordings("failures").iter().filter(|r| r.kind == PayloadKind::Error || r.failed()) {
        for to in [own(), common::chat()] {
            let conversion = recording.convert(to);
            let text = String::from_utf8_lossy(&conversion.body).into_owned();
            let is_error = text.contains("\"error\":{") || text.contains("response.failed");
            assert!(
                is_error && conversion.status.unwrap() >= 400 || text.contains("event: "),
                "{}: {conversion}",
                recording.name
            );
        }
        all += 1;
    }
    println!("{all} failures");
}

#[test]
fn recorded_requests_survive_the_canonical_model() {
    let (mut all, mut to_chat) = (0, 0);
    for recording in recordings("requests") {
        let Some(body) = &recording.request else { continue };
        let read = own().decode_request(
            "",
            &bytes::Bytes::copy_from_slice(body.as_bytes()),
            &mut Diagnostics::default(),
        );
        let Ok(request) = read else {
            assert!(recording.status >= 400, "{}: {:?}\n{body}", recording.name, read.err());
            continue;
        };
        // If the client's bytes are available, nothing changes.
        let with =
            own().encode_request(&request, Some(body.as_bytes()), &mut Diagnostics::default()).unwrap();
        assert!(!with.body.is_changed(), "{}", recording.name);
        // Without them nothing is lost.
        let mut diagnostics = Diagnostics::default();
        own().encode_request(&request, None, &mut diagnostics).unwrap();
        assert!(diagnostics.is_empty(), "{}: {diagnostics:?}", recording.name);
        all += 1;
        let conversion = convert(
            &ConversionInput::request(own(), body.as_bytes())
                .to(common::chat())
                .profile(profile("compatible").unwrap()),
        );
        assert!(conversion.ok || request.same_dialect_only.is_some(), "{}: {conversion}", recording.name);
        to_chat += usize::from(conversion.ok);
    }
    println!("{all} requests, {to_chat} to chat");
}
