//! Recordings of Anthropic's API: requests pass unchanged, and responses have the same content in this dialect and in
//! OpenAI's.
#![allow(clippy::disallowed_methods)] // tests read files

mod common;

use common::{chat, shared};
use openai_shim_core::canonical::{Request, ResponseContext, ResponseSpec};
use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::framing::Framer;
use openai_shim_core::{Context, Diagnostics, Dialect, Outcome, PayloadKind, dialect, profile};
use serde_json::Value;

/// The ids of the first response to a request without calls.
fn context() -> ResponseContext {
    ResponseContext::new(&Request::default(), Context::fixed())
}

fn anthropic() -> Dialect {
    dialect("anthropic-messages").unwrap()
}

struct Recording {
    name: String,
    kind: PayloadKind,
    request: Option<Value>,
    status: u16,
    body: String,
}

fn recordings(test: &str) -> Vec<Recording> {
    let Some(shared) = shared(test) else { return Vec::new() };
    let text = std::fs::read_to_string(shared.join("corpus/anthropic.jsonl")).unwrap();
    let all: Vec<_> = text
        .lines()
        .map(|line| {
            let v: Value = serde_json::from_str(line).unwrap();
            let status = u16::try_from(v["response"]["status"].as_u64().unwrap()).unwrap();
            Recording {
                name: format!("{} {} {} {}", v["endpoint"], v["provider"], v["path"], v["n"]),
                kind: match (status, v["streaming"].as_bool()) {
                    (400.., _) => PayloadKind::Error,
                    (_, Some(true)) => PayloadKind::Stream,
                    _ => PayloadKind::Response,
                },
                request: Some(v["request"]["body"].clone()).filter(Value::is_object),
                status,
                body: v["response"]["body"].as_str().unwrap_or_default().to_owned(),
            }
        })
        .collect();
    assert!(all.len() > 700);
    all
}

/// Recordings of complete messages.
fn answers(test: &str) -> Vec<Recording> {
    let mut all = recordings(test);
    all.retain(|r| {
        r.name.starts_with("\"messages\"")
            && r.kind != PayloadKind::Error
            && (r.kind == PayloadKind::Stream || r.body.trim_start().starts_with('{'))
    });
    all
}

impl Recording {
    fn convert(&self, to: Dialect) -> Conversion {
        let stream = self.kind == PayloadKind::Stream;
        let request = format!(
            r#"{{"model":"m","max_tokens":1,"messages":[{{"role":"user","content":"x"}}],"stream":{stream},"stream_options":{{"include_usage":true}}}}"#
        );
        convert(
            &ConversionInput::new(self.kind, anthropic(), self.body.as_bytes())
                .to(to)
                .profile(profile("anthropic").unwrap())
                .for_request(request.as_bytes())
                .status(self.status),
        )
    }
}

#[test]
fn recorded_requests_pass_unchanged_without_diagnostics() {
    let mut compared = 0;
    for recording in recordings("requests") {
        let Some(request) = &recording.request else { continue };
        let (body, mut diagnostics) = (request.to_string(), Diagnostics::default());
        let read = anthropic()
            .decode_request("", &bytes::Bytes::copy_from_slice(body.as_bytes()), &mut diagnostics)
            .unwrap();
        assert!(diagnostics.is_empty(), "{}: {diagnostics:?}", recording.name);
        // If the client's bytes are available, they are sent.
        let same = anthropic().encode_request(&read, Some(body.as_bytes()), &mut diagnostics).unwrap();
        assert!(!same.body.is_changed(), "{}", recording.name);
        assert_eq!(same.headers["anthropic-version"], "2023-06-01");
        compared += 1;
    }
    println!("{compared} requests compared");
}

#[test]
fn recorded_requests_convert_to_chat() {
    for recording in recordings("to chat") {
        let Some(request) = &recording.request else { continue };
        let conversion = convert(
            &ConversionInput::request(anthropic(), request.to_string().as_bytes())
                .to(chat())
                .profile(profile("openai").unwrap()),
        );
        assert!(conversion.ok, "{}: {conversion}", recording.name);
        let sent: Value = serde_json::from_slice(&conversion.body).unwrap();
        let calls = |v: &Value| v.to_string().matches("\"tool_calls\"").count();
        let has_calls =
            request.to_string().contains("\"tool_use\"") && !request.to_string().contains("server_tool_use");
        assert!(!has_calls || calls(&sent) > 0, "{}: {conversion}", recording.name);
        // Converted back, nothing is rejected and the text is the same.
        let mut diagnostics = Diagnostics::default();
        let read = chat()
            .decode_request("", &bytes::Bytes::copy_from_slice(&conversion.body), &mut diagnostics)
            .unwrap();
        let back = anthropic().encode_request(&read, None, &mut diagnostics).unwrap().body.to_json();
        let back: Value = serde_json::from_str(&back).unwrap();
        // Text documents become text in chat.
        if !["\"document\"", "\"search_result\""].iter().any(|kind| request.to_string().contains(kind)) {
            let (before, after) = (texts(&request["messages"]), texts(&back["messages"]));
            if ["\"server_tool_use\"", "\"mcp_tool_use\""]
                .iter()
                .any(|kind| request.to_string().contains(kind))
            {
                // What the API's own tools did stands between the texts.
                assert!(follow_each_other(&before, &after.concat()), "{}: {after:?}", recording.name);
            } else {
                assert_eq!(before.concat(), after.concat(), "{}", recording.name);
            }
        }
    }
}

/// Whether all parts stand in the text, in this order.
fn follow_each_other(parts: &[String], text: &str) -> bool {
    let mut rest = text;
    parts.iter().all(|part| rest.find(part.as_str()).map(|at| rest = &rest[at + part.len()..]).is_some())
}

/// The texts of user and assistant without white space.
fn texts(messages: &Value) -> Vec<String> {
    let mut out = Vec::new();
    for message in messages.as_array().into_iter().flatten().filter(|m| m["role"] != "system") {
        match &message["content"] {
            Value::String(text) => out.push(text.as_str()),
            content => {
                for block in content.as_array().into_iter().flatten().filter(|b| b["type"] == "text") {
                    out.push(block["text"].as_str().unwrap());
                }
            }
        }
    }
    out.into_iter().map(|text| text.split_whitespace().collect()).collect()
}

/// The content of a response.
#[derive(Debug, Default, PartialEq)]
struct Content {
    text: String,
    reasoning: String,
    signatures: String,
    calls: Vec<(String, Value)>,
    /// The number of blocks of the API's own tools.
    natives: usize,
    citations: usize,
    reason: Option<String>,
    input: u64,
    output: u64,
}

/// Reads Anthropic's message, streamed or not, as a simple and careful client would.
fn read_content(body: &str) -> Content {
    let mut content = Content::default();
    if body.trim_start().starts_with('{') {
        let message: Value = serde_json::from_str(body).unwrap();
        for block in message["content"].as_array().into_iter().flatten() {
            begin(block, &mut content);
        }
        content.reason = message["stop_reason"].as_str().map(str::to_owned);
        count(&message["usage"], &mut content);
        return content;
    }
    let mut inputs: Vec<Option<String>> = Vec::new();
    for event in body.lines().filter_map(|l| l.trim_end().strip_prefix("data:")) {
        let Ok(event) = serde_json::from_str::<Value>(event) else { continue };
        let delta = &event["delta"];
        match event["type"].as_str().unwrap_or_default() {
            "message_start" => {
                for block in event["message"]["content"].as_array().into_iter().flatten() {
                    begin(block, &mut content);
                    inputs.push((block["type"] == "tool_use").then(String::new));
                }
                content.reason = event["message"]["stop_reason"].as_str().map(str::to_owned);
                count(&event["message"]["usage"], &mut content);
            }
            "content_block_start" => {
                let call = event["content_block"]["type"] == "tool_use";
                begin(&event["content_block"], &mut content);
                inputs.push(call.then(String::new));
            }
            "content_block_delta" => match delta["type"].as_str().unwrap() {
                "text_delta" => content.text += delta["text"].as_str().unwrap(),
                "thinking_delta" => content.reasoning += delta["thinking"].as_str().unwrap(),
                "signature_delta" => content.signatures += delta["signature"].as_str().unwrap(),
                "citations_delta" => content.citations += 1,
                "input_json_delta" => {
                    if let Some(Some(input)) = inputs.last_mut() {
                        *input += delta["partial_json"].as_str().unwrap();
                    }
                }
                _ => {}
            },
            "message_delta" => {
                content.reason = delta["stop_reason"].as_str().map(str::to_owned);
                count(&event["usage"], &mut content);
            }
            _ => {}
        }
    }
    for (call, input) in content.calls.iter_mut().zip(inputs.into_iter().flatten()) {
        if !input.is_empty() {
            call.1 = serde_json::from_str(&input).unwrap_or(Value::String(input));
        }
    }
    content
}

fn begin(block: &Value, content: &mut Content) {
    let of = |key: &str| block[key].as_str().unwrap_or_default();
    match of("type") {
        "text" => {
            content.text += of("text");
            content.citations += block["citations"].as_array().map_or(0, Vec::len);
        }
        "thinking" => {
            content.reasoning += of("thinking");
            content.signatures += of("signature");
        }
        "redacted_thinking" => content.signatures += of("data"),
        "tool_use" => content.calls.push((of("name").to_owned(), block["input"].clone())),
        _ => content.natives += 1,
    }
}

fn count(usage: &Value, content: &mut Content) {
    let of = |key: &str| usage[key].as_u64();
    let cache =
        ["cache_read_input_tokens", "cache_creation_input_tokens"].iter().filter_map(|k| of(k)).sum::<u64>();
    if let Some(input) = of("input_tokens") {
        content.input = input + cache;
    }
    content.output = of("output_tokens").unwrap_or(content.output);
}

/// Decodes a recording to events or a response, and encodes it again.
fn rewritten(recording: &Recording) -> String {
    let asked_body =
        br#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}],"stream":true}"#;
    let mut diagnostics = Diagnostics::default();
    let request =
        anthropic().decode_request("", &bytes::Bytes::copy_from_slice(asked_body), &mut diagnostics).unwrap();
    let spec = ResponseSpec::new(&request, &Context::fixed());
    let body = recording.body.as_bytes();
    let out = if recording.kind == PayloadKind::Stream {
        let (mut decoder, mut encoder) =
            (anthropic().decoder(&spec, &context()), anthropic().encoder(&spec, &context()));
        let (mut framer, mut events, mut out) = (Framer::new(1 << 24), Vec::new(), Vec::new());
        framer.push(body, &mut |frame| decoder.frame(frame, &mut events)).unwrap();
        framer.finish(&mut |frame| decoder.frame(frame, &mut events));
        decoder.finish(&mut events);
        for event in &events {
            encoder.event(event, &mut out);
        }
        encoder.finish(&mut out);
        out
    } else {
        let response = anthropic().decode_response(body, &spec, &mut context(), &mut diagnostics).unwrap();
        anthropic().encode_response(&response, &spec, &mut context(), &mut diagnostics)
    };
    String::from_utf8(out).unwrap()
}

#[test]
fn recorded_responses_decoded_and_encoded_keep_their_content() {
    let (mut compared, mut identical) = (0, 0);
    for recording in answers("answers") {
        let mut before = read_content(&recording.body);
        let again = rewritten(&recording);
        let mut after = read_content(&again);
        if before.reason.is_none() || again.contains("event: error") {
            // The outcome of a recording without an end is unknown.
            (before.reason, after.reason) = (None, None);
        }
        if before.reason.as_deref() == Some("end_turn") && !before.calls.is_empty() {
            before.reason = Some(String::from("tool_use"));
        }
        assert_eq!(before, after, "{}\n{again}", recording.name);
        compared += 1;
        let passed = recording.convert(anthropic());
        if passed.ok && passed.diagnostics.is_empty() {
            let passed = String::from_utf8_lossy(&passed.body);
            assert_eq!(passed.trim(), recording.body.trim(), "{}", recording.name);
        }
        identical += usize::from(passed.body == recording.body.as_bytes());
        if let Ok(dir) = std::env::var("ANTHROPIC_OUT") {
            let ext = if recording.kind == PayloadKind::Stream { "sse" } else { "json" };
            std::fs::write(format!("{dir}/encoded.{compared}.{ext}"), &again).unwrap();
            std::fs::write(format!("{dir}/pass.{compared}.{ext}"), &passed.body).unwrap();
            std::fs::write(format!("{dir}/chat.{compared}.{ext}"), recording.convert(chat()).body).unwrap();
        }
    }
    println!("{compared} answers compared, {identical} passed byte for byte");
}

#[test]
fn recorded_responses_keep_their_content_in_chat() {
    let mut compared = 0;
    for recording in answers("in chat") {
        let conversion = recording.convert(chat());
        let body = String::from_utf8(conversion.body.clone()).unwrap();
        common::strict::check(&body, &recording.name);
        let before = read_content(&recording.body);
        if !matches!(conversion.outcome, Some(Outcome::Complete | Outcome::Length | Outcome::Refused)) {
            let nothing = before.text.is_empty() && before.calls.is_empty() && before.reasoning.is_empty();
            let cut = conversion.outcome == Some(Outcome::Truncated);
            assert!(nothing || cut, "{}: {conversion}", recording.name);
            continue;
        }
        let (answers, _) = common::sdk_client::read(&body);
        let answer = &answers[&0];
        assert_eq!(
            (&answer.text, &answer.reasoning),
            (&before.text, &before.reasoning),
            "{}",
            recording.name
        );
        let calls: Vec<_> = answer
            .calls
            .values()
            .map(|(name, arguments)| {
                let parsed = serde_json::from_str(arguments).unwrap_or(Value::String(arguments.clone()));
                (name.clone(), parsed)
            })
            .collect();
        assert_eq!(calls, before.calls, "{}", recording.name);
        let documents = common::sdk_client::documents(&body);
        let usage = documents.iter().find_map(|d| d.get("usage").filter(|u| u.is_object())).unwrap();
        assert_eq!(usage["prompt_tokens"], before.input, "{}", recording.name);
        assert_eq!(usage["completion_tokens"], before.output, "{}", recording.name);
        let signed: String = documents
            .iter()
            .flat_map(|d| d["choices"].as_array().into_iter().flatten())
            .flat_map(|c| {
                let delta = c.get("delta").unwrap_or(&c["message"]);
                delta["reasoning_details"].as_array().into_iter().flatten()
            })
            .filter_map(|item| item["signature"].as_str().or(item["data"].as_str()))
            .collect();
        assert_eq!(signed, before.signatures, "{}", recording.name);
        compared += 1;
    }
    println!("{compared} answers compared");
}

#[test]
fn recorded_chat_responses_convert_to_anthropic() {
    let Some(shared) = shared("chat recordings") else { return };
    let text = std::fs::read_to_string(shared.join("corpus/openai-chat.jsonl")).unwrap();
    let mut all = 0;
    for line in text.lines() {
        let v: Value = serde_json::from_str(line).unwrap();
        let status = u16::try_from(v["response"]["status"].as_u64().unwrap()).unwrap();
        let kind = match (status, v["streaming"].as_bool()) {
            (400.., _) => PayloadKind::Error,
            (_, Some(true)) => PayloadKind::Stream,
            _ => PayloadKind::Response,
        };
        let body = v["response"]["body"].as_str().unwrap_or_default();
        let conversion = convert(
            &ConversionInput::new(kind, chat(), body.as_bytes())
                .to(anthropic())
                .profile(profile("compatible").unwrap())
                .status(status),
        );
        let what = format!("{} {} {}", v["provider"], v["path"], v["n"]);
        let got = String::from_utf8(conversion.body).unwrap();
        common::messages::check(&got, &what);
        all += 1;
        if let Ok(dir) = std::env::var("ANTHROPIC_OUT") {
            let ext = if kind == PayloadKind::Stream { "sse" } else { "json" };
            std::fs::write(format!("{dir}/encoded.chat-{all}.{ext}"), &got).unwrap();
        }
        if !v["request"]["body"].is_object() {
            continue;
        }
        let sent = convert(
            &ConversionInput::request(chat(), v["request"]["body"].to_string().as_bytes())
                .to(anthropic())
                .profile(profile("anthropic").unwrap()),
        );
        if !sent.ok {
            continue;
        }
        let sent: Value = serde_json::from_slice(&sent.body).unwrap();
        check_request(&sent, &what);
    }
    println!("{all} recordings of chat");
}

/// Checks a request for everything that the API rejects for any model.
fn check_request(sent: &Value, what: &str) {
    let turns = sent["messages"].as_array().unwrap();
    assert!(sent["max_tokens"].is_u64(), "{what}: {sent}");
    let mut last = "";
    let mut calls: Vec<&str> = Vec::new();
    for turn in turns {
        let role = turn["role"].as_str().unwrap();
        assert!(["user", "assistant"].contains(&role) && role != last, "{what}: roles {sent}");
        last = role;
        let blocks = turn["content"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert!(!blocks.is_empty() || !turn["content"].as_str().unwrap().is_empty(), "{what}: empty {sent}");
        assert!(blocks.iter().all(|b| b["type"] != "text" || b["text"] != ""), "{what}: empty text {sent}");
        let results: Vec<&str> = blocks
            .iter()
            .take_while(|b| b["type"] == "tool_result")
            .map(|b| b["tool_use_id"].as_str().unwrap())
            .collect();
        let all_results = blocks.iter().filter(|b| b["type"] == "tool_result").count();
        assert_eq!(all_results, results.len(), "{what}: results that are not first");
        assert_eq!(calls, results, "{what}: results of the calls before {sent}");
        calls =
            blocks.iter().filter(|b| b["type"] == "tool_use").map(|b| b["id"].as_str().unwrap()).collect();
        for call in blocks.iter().filter(|b| b["type"] == "tool_use") {
            let id = call["id"].as_str().unwrap();
            assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)) && !id.is_empty());
            assert!(call["input"].is_object(), "{what}: {call}");
        }
    }
    assert!(calls.is_empty(), "{what}: calls without results");
    for tool in sent["tools"].as_array().into_iter().flatten() {
        assert!(tool["input_schema"]["type"].is_string(), "{what}: {tool}");
    }
    assert!(sent.get("tool_choice").is_none() || sent.get("tools").is_some(), "{what}: {sent}");
}

#[test]
fn recorded_errors_keep_status_and_message() {
    for recording in recordings("errors").into_iter().filter(|r| r.kind == PayloadKind::Error) {
        let stated: Value = serde_json::from_str(&recording.body).unwrap();
        for to in [anthropic(), chat()] {
            let conversion = recording.convert(to);
            assert_eq!(conversion.status, Some(recording.status), "{}", recording.name);
            let value: Value = serde_json::from_slice(&conversion.body).unwrap();
            assert_eq!(value["error"]["message"], stated["error"]["message"], "{}", recording.name);
            if to.name() == anthropic().name() {
                assert_eq!(value, stated, "{}", recording.name);
            }
        }
    }
}

#[test]
fn captured_requests_convert_to_chat() {
    let Some(shared) = shared("captures") else { return };
    let mut read = 0;
    for client in std::fs::read_dir(shared.join("captures")).unwrap().flatten() {
        for file in std::fs::read_dir(client.path()).unwrap().flatten() {
            let capture: Value =
                serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap_or_default();
            let path = capture["path"].as_str().unwrap_or_default();
            if !path.starts_with("/v1/messages") || !capture["body"].is_object() {
                continue;
            }
            let (body, mut diagnostics) = (capture["body"].to_string(), Diagnostics::default());
            let request = anthropic()
                .decode_request(path, &bytes::Bytes::copy_from_slice(body.as_bytes()), &mut diagnostics)
                .unwrap();
            assert!(diagnostics.is_empty(), "{}: {diagnostics:?}", file.path().display());
            let written = chat().encode_request(&request, None, &mut diagnostics).unwrap().body.to_json();
            let errors = diagnostics.iter().filter(|d| d.severity().as_str() == "error").count();
            assert!(
                errors == 0
                    && chat()
                        .decode_request(
                            "",
                            &bytes::Bytes::copy_from_slice(written.as_bytes()),
                            &mut diagnostics
                        )
                        .is_ok()
            );
            read += 1;
        }
    }
    println!("{read} captures");
    assert!(read > 10);
}
