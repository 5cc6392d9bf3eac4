//! Recordings of text completions: their content reaches clients of this dialect and of chat.
#![allow(clippy::disallowed_methods)] // tests read files

mod common;

use common::shared;
use openai_shim_core::canonical::{Diagnostics, Severity};
use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::{Dialect, Outcome, PayloadKind, dialect, profile};
use serde_json::Value;
use std::collections::BTreeMap;

struct Recording {
    name: String,
    kind: PayloadKind,
    /// The route of another API, or a stream whose format has no end.
    foreign: bool,
    endless: bool,
    request: Option<Value>,
    status: u16,
    body: String,
}

fn own() -> Dialect {
    dialect("openai-completions").unwrap()
}

fn recordings(test: &str) -> Vec<Recording> {
    let Some(shared) = shared(test) else { return Vec::new() };
    let text = std::fs::read_to_string(shared.join("corpus/openai-completions.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    // One recording is a page of the organization's usage, not a model's output.
    let all: Vec<_> = lines
        .filter(|v| !v["request"]["url_path"].as_str().unwrap_or_default().contains("/organization/"))
        .map(|v| {
            let status = u16::try_from(v["response"]["status"].as_u64().unwrap()).unwrap();
            let stream = v["streaming"] == true;
            Recording {
                name: format!("{} {} {}", v["provider"], v["path"], v["n"]),
                kind: match (status, stream) {
                    (400.., _) => PayloadKind::Error,
                    (_, true) => PayloadKind::Stream,
                    _ => PayloadKind::Response,
                },
                foreign: v["provider"] == "portkey",
                endless: v["provider"] == "writer" && stream,
                request: v["request"]["body"].is_object().then(|| v["request"]["body"].clone()),
                status,
                body: v["response"]["body"].as_str().unwrap_or_default().to_owned(),
            }
        })
        .collect();
    assert!(all.len() >= 78);
    all
}

impl Recording {
    fn convert(&self, to: Dialect) -> Conversion {
        let request = self.request.as_ref().filter(|_| to.name() == own().name() && !self.foreign);
        let request = request.map(Value::to_string);
        convert(&{
            let mut input = ConversionInput::new(self.kind, own(), self.body.as_bytes())
                .to(to)
                .profile(profile("compatible").unwrap())
                .status(self.status);
            input.request = request.as_deref().map(str::as_bytes);
            input
        })
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

/// Text and finish reason by choice.
type Choices = BTreeMap<u64, (String, String)>;

/// Reads text and finish reason of each choice, and the tokens, as a simple and careful client would.
fn read_choices(body: &str) -> (Choices, Option<(u64, u64)>) {
    let (mut answers, mut tokens) = (Choices::new(), None);
    for document in documents(body) {
        let usage = &document["usage"];
        if let (Some(input), Some(output)) =
            (usage["prompt_tokens"].as_u64(), usage["completion_tokens"].as_u64())
        {
            tokens = Some((input, output));
        }
        if let Some(text) = document["value"].as_str() {
            answers.entry(0).or_default().0 += text;
        }
        for choice in document["choices"].as_array().into_iter().flatten() {
            let answer = answers.entry(choice["index"].as_u64().unwrap_or(0)).or_default();
            let places = [&choice["text"], &choice["message"]["content"], &choice["delta"]["content"]];
            answer.0 += places.iter().find_map(|place| place.as_str()).unwrap_or_default();
            answer.1 += choice["finish_reason"].as_str().unwrap_or_default();
        }
    }
    (answers, tokens)
}

#[test]
fn recorded_requests_survive_a_round_trip() {
    let mut read = 0;
    for recording in recordings("completions requests") {
        let Some(body) = &recording.request else { continue };
        let bytes = body.to_string();
        let mut diagnostics = Diagnostics::default();
        let decoded =
            own().decode_request("", &bytes::Bytes::copy_from_slice(bytes.as_bytes()), &mut diagnostics);
        if recording.foreign {
            assert!(decoded.is_err());
            continue;
        }
        let decoded = decoded.unwrap_or_else(|e| panic!("{}: {e}", recording.name));
        own().encode_request(&decoded, None, &mut diagnostics).unwrap();
        let encoded = own().encode_request(&decoded, Some(bytes.as_bytes()), &mut diagnostics).unwrap();
        assert!(!encoded.body.is_changed(), "{}", recording.name);
        assert!(
            diagnostics.iter().all(|d| d.severity() < Severity::Error),
            "{}: {diagnostics:?}",
            recording.name
        );
        read += 1;
    }
    println!("{read} requests");
}

#[test]
fn recorded_responses_reach_the_client() {
    let (mut read, mut unchanged, mut streams) = (0, 0, 0);
    let all = recordings("completions answers");
    for recording in all.iter().filter(|r| r.kind != PayloadKind::Error) {
        let (before, tokens) = read_choices(&recording.body);
        for to in [own(), common::chat()] {
            let got = recording.convert(to);
            let body = String::from_utf8(got.body.clone()).unwrap();
            let (after, counted) = read_choices(&body);
            let texts =
                |all: &Choices| -> Vec<String> { all.values().map(|(text, _)| text.clone()).collect() };
            assert_eq!(texts(&after), texts(&before), "{}: {got}", recording.name);
            if recording.endless {
                assert_eq!(got.outcome, Some(Outcome::Truncated), "{}", recording.name);
                continue;
            }
            for (index, (_, finish)) in &before {
                let expected = if finish.is_empty() { "stop" } else { finish };
                assert_eq!(after[index].1, expected, "{}: {got}", recording.name);
            }
            let said_so = matches!(got.outcome, Some(Outcome::Complete | Outcome::Length));
            assert!(said_so && got.ok, "{}: {got}", recording.name);
            if recording.kind == PayloadKind::Response {
                assert_eq!(counted, tokens.or(Some((0, 0))), "{}", recording.name);
            }
            let well_formed = recording.name.contains("\"openai\"") || recording.name.contains("\"vllm\"");
            if to.name() == own().name() && well_formed && recording.kind == PayloadKind::Response {
                assert_eq!(body, recording.body.trim(), "{}", recording.name);
                unchanged += 1;
            }
            streams += usize::from(recording.kind == PayloadKind::Stream);
            read += 1;
        }
    }
    println!("{read} answers, {streams} of them streams, {unchanged} whole ones byte for byte");
    assert!(all.is_empty() || (read > 140 && unchanged > 40), "{read} {unchanged}");
}

#[test]
fn recorded_errors_keep_their_message() {
    for recording in recordings("completions errors").iter().filter(|r| r.kind == PayloadKind::Error) {
        for to in [own(), common::chat()] {
            let got = recording.convert(to);
            let after: Value = serde_json::from_slice(&got.body).unwrap();
            let before: Value = serde_json::from_str(&recording.body).unwrap();
            assert_eq!(after, before, "{}", recording.name);
            assert_eq!(got.status, Some(recording.status));
        }
    }
}

#[test]
fn captured_completions_requests_decode() {
    let Some(shared) = shared("completions clients") else { return };
    let mut read = 0;
    for client in std::fs::read_dir(shared.join("captures")).unwrap().flatten() {
        for file in std::fs::read_dir(client.path()).unwrap().flatten() {
            let Ok(text) = std::fs::read_to_string(file.path()) else { continue };
            let Ok(capture) = serde_json::from_str::<Value>(&text) else { continue };
            let path = capture["path"].as_str().unwrap_or_default();
            if path != "/v1/completions" {
                continue;
            }
            let body = capture["body"].to_string();
            let sent = convert(
                &ConversionInput::request(own(), body.as_bytes())
                    .to(common::chat())
                    .profile(profile("compatible").unwrap()),
            );
            assert!(sent.ok && sent.diagnostics.is_empty(), "{}: {sent}", file.path().display());
            read += 1;
        }
    }
    println!("{read} requests of clients");
    assert!(read >= 3, "{read}");
}
