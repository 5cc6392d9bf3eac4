//! Recordings of real vendors and servers satisfy the laws.
#![allow(clippy::disallowed_methods)] // tests read files

mod common;

use common::{chat, shared};
use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::exchange::{ClientRequest, Retry, Settings};
use openai_shim_core::{Context, Exchange, Outcome, PayloadKind, profile};
use serde_json::Value;

/// One recorded exchange.
struct Recording {
    name: String,
    kind: PayloadKind,
    request: Option<String>,
    status: u16,
    body: String,
}

fn recordings(test: &str) -> Vec<Recording> {
    let Some(shared) = shared(test) else { return Vec::new() };
    let text = std::fs::read_to_string(shared.join("corpus/openai-chat.jsonl")).unwrap();
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
    assert!(all.len() > 2000);
    all
}

impl Recording {
    fn convert(&self) -> Conversion {
        convert(&{
            let mut input = ConversionInput::new(self.kind, chat(), self.body.as_bytes())
                .profile(profile("compatible").unwrap())
                .status(self.status);
            input.request = self.request.as_deref().map(str::as_bytes);
            input
        })
    }
}

/// The content of a response, by choice.
type Content = Vec<ChoiceContent>;

/// Index, text, reasoning, and calls (name and arguments) of one choice.
type ChoiceContent = (u64, String, String, Vec<(String, String)>);

fn text_and_reasoning(value: &Value) -> (String, String) {
    match value {
        Value::String(text) => (text.clone(), String::new()),
        Value::Array(parts) => {
            let (mut text, mut reasoning) = (String::new(), String::new());
            for part in parts {
                if part["type"] == "thinking" {
                    let (a, b) = text_and_reasoning(&part["thinking"]);
                    reasoning += &(a + &b);
                } else {
                    text += part["text"].as_str().unwrap_or_default();
                }
            }
            (text, reasoning)
        }
        Value::Object(_) => (value.to_string(), String::new()),
        _ => Default::default(),
    }
}

/// Reads the content of chunks or of a non-streaming response, as a simple and careful client would.
fn read_content(body: &str, kind: PayloadKind) -> Content {
    let mut content: Content = Vec::new();
    let documents: Vec<Value> = match kind {
        PayloadKind::Stream if body.trim_start().starts_with('{') => {
            vec![serde_json::from_str(body.trim()).unwrap_or_default()]
        }
        PayloadKind::Stream => body
            .split(['\n', '\r'])
            .filter_map(|l| l.strip_prefix("data:"))
            .filter_map(|d| serde_json::from_str(d).ok())
            .collect(),
        _ => vec![serde_json::from_str(body).unwrap_or_default()],
    };
    for document in documents {
        for (at, choice) in document["choices"].as_array().into_iter().flatten().enumerate() {
            let index = choice["index"].as_u64().unwrap_or(at as u64);
            let delta = if choice["delta"].is_object() { &choice["delta"] } else { &choice["message"] };
            let slot = match content.iter().position(|s| s.0 == index) {
                Some(at) => &mut content[at],
                None => {
                    content.push((index, String::new(), String::new(), Vec::new()));
                    content.last_mut().unwrap()
                }
            };
            let (text, reasoning) = text_and_reasoning(&delta["content"]);
            slot.1 += &text;
            let named = ["reasoning_content", "reasoning"]
                .iter()
                .find_map(|k| delta[k].as_str().filter(|t| !t.is_empty()));
            slot.2 += named.unwrap_or(&reasoning);
            for call in delta["tool_calls"].as_array().into_iter().flatten() {
                let function = &call["function"];
                let arguments = match &function["arguments"] {
                    Value::String(text) => text.clone(),
                    Value::Null => String::new(),
                    other => other.to_string(),
                };
                match function["name"].as_str().filter(|n| !n.is_empty()) {
                    Some(name) => slot.3.push((name.to_owned(), arguments)),
                    None => slot.3.last_mut().into_iter().for_each(|c| c.1 += &arguments),
                }
            }
        }
    }
    content.sort_by_key(|s| s.0);
    content
}

#[test]
fn recorded_exchanges_are_deterministic() {
    let (mut all, mut untouched) = (0, 0);
    for recording in recordings("corpus") {
        let once = recording.convert();
        assert_eq!(once, recording.convert(), "{}", recording.name);
        assert!(!once.body.is_empty(), "{}", recording.name);
        if once.diagnostics.is_empty() && once.ok && recording.kind != PayloadKind::Error {
            assert!(
                once.body == recording.body.as_bytes(),
                "{}: changed without a diagnostic",
                recording.name
            );
            untouched += 1;
        }
        all += 1;
    }
    println!("{all} recordings, {untouched} byte-identical");
}

#[test]
fn text_reasoning_and_calls_are_kept_exactly() {
    let mut compared = 0;
    for recording in recordings("fidelity").into_iter().filter(|r| r.kind != PayloadKind::Error) {
        let conversion = recording.convert();
        if !matches!(
            conversion.outcome,
            Some(Outcome::Complete | Outcome::Length | Outcome::Refused | Outcome::Filtered)
        ) {
            continue;
        }
        let reported = |code: &str| conversion.diagnostics.iter().any(|d| d.code.as_str() == code);
        let (mut before, after) = (
            read_content(&recording.body, recording.kind),
            read_content(&String::from_utf8_lossy(&conversion.body), recording.kind),
        );
        if reported("tool-arguments-shaped") {
            for call in before.iter_mut().flat_map(|s| s.3.iter_mut()).filter(|c| c.1.trim().is_empty()) {
                call.1 = String::from("{}");
            }
        }
        if reported("reasoning-split") || reported("fence-stripped") {
            // The text is the same except for tags and fences.
            let plain = |s: &ChoiceContent| {
                let all = format!("{}{}", s.2, s.1);
                let untagged = all
                    .replace("<think>", "")
                    .replace("</think>", "")
                    .replace("```json", "")
                    .replace("```", "");
                (s.0, untagged.split_whitespace().collect::<String>(), s.3.clone())
            };
            let (before, after): (Vec<_>, Vec<_>) =
                (before.iter().map(plain).collect(), after.iter().map(plain).collect());
            assert_eq!(before, after, "{}", recording.name);
            compared += 1;
            continue;
        }
        if reported("tool-call-recovered") {
            // The text has become a call, unless the upstream sent the same call itself.
            let calls = |content: &[ChoiceContent]| content.iter().map(|s| s.3.len()).sum::<usize>();
            assert!(calls(&after) >= calls(&before).max(1), "{}\n{before:?}\n{after:?}", recording.name);
            compared += 1;
            continue;
        }
        // A legacy call becomes a tool call; reasoning details may repeat text that is now in one field.
        let moved = reported("function-call-upgraded")
            || conversion.diagnostics.iter().any(|d| d.path.ends_with("reasoning_details"));
        assert!(before == after || moved, "{}\n{before:?}\n{after:?}", recording.name);
        compared += 1;
    }
    println!("{compared} answers compared");
}

#[test]
fn recorded_streams_do_not_depend_on_chunks() {
    for recording in recordings("splits").into_iter().filter(|r| r.kind == PayloadKind::Stream).step_by(5) {
        let pass = |size: usize| {
            let spec = recording
                .request
                .clone()
                .unwrap_or_else(|| String::from(r#"{"messages":[{"role":"user","content":""}]}"#));
            let mut request: Value = serde_json::from_str(&spec).unwrap();
            request["stream"] = true.into();
            let incoming = ClientRequest::read(chat(), "", request.to_string().into()).unwrap();
            let mut settings = Settings::default();
            settings.retry = Retry::none();
            let upstream_profile = profile("compatible").unwrap();
            let mut exchange =
                Exchange::start(incoming, upstream_profile.clone(), settings, Context::fixed()).unwrap();
            let mut out = Vec::new();
            exchange.next();
            exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
            recording.body.as_bytes().chunks(size).for_each(|chunk| exchange.push(chunk, &mut out).unwrap());
            exchange.finish(&mut out).unwrap();
            (out, exchange.report().outcome)
        };
        let unsplit = pass(usize::MAX);
        for size in [1, 7, 64, 1000] {
            assert!(pass(size) == unsplit, "{} in chunks of {size}", recording.name);
        }
    }
}

#[test]
fn recorded_requests_reach_openai_unchanged() {
    for recording in recordings("requests") {
        let Some(request) = &recording.request else { continue };
        let conversion = convert(
            &ConversionInput::request(chat(), request.as_bytes()).profile(profile("openai").unwrap()),
        );
        // A request that OpenAI rejected may be rejected earlier.
        assert!(conversion.ok || recording.status >= 400, "{}: {conversion}", recording.name);
        if !conversion.ok {
            continue;
        }
        let mut before: Value = serde_json::from_str(request).unwrap();
        let mut after: Value = serde_json::from_slice(&conversion.body).unwrap();
        if conversion.body != request.as_bytes() {
            // Usage is requested, and nothing else changes.
            for value in [&mut before, &mut after] {
                value.as_object_mut().unwrap().remove("stream_options");
                value.as_object_mut().unwrap().retain(|_, value| !value.is_null());
                // Every other difference is reported.
                for d in &conversion.diagnostics {
                    value.as_object_mut().unwrap().remove(&d.path);
                    value.as_object_mut().unwrap().remove(&d.detail);
                    let place = format!("/{}", d.path.replace('[', "/").replace(']', "").replace('.', "/"));
                    if let Some(changed) = value.pointer_mut(&place) {
                        *changed = Value::Null;
                    }
                    // A member that is lost with the parameter that it belongs to.
                    value.as_object_mut().unwrap().remove(d.path.split('.').next().unwrap());
                }
            }
            let is_reported = conversion.diagnostics.iter().any(|d| d.path.starts_with("messages["));
            assert!(before == after || is_reported, "{}", recording.name);
        }
    }
}

#[test]
fn recorded_failures_and_successes_keep_their_outcome() {
    let Some(shared) = shared("records") else { return };
    let mut all = 0;
    for server in std::fs::read_dir(shared.join("records")).unwrap().flatten() {
        for file in std::fs::read_dir(server.path()).unwrap().flatten() {
            let path = file.path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let chats = ["chat", "tools", "json", "functions", "err_", "x_"];
            if path.extension().is_none_or(|e| e != "http") || !chats.iter().any(|c| name.starts_with(c)) {
                continue;
            }
            let Some((status, body)) = parse(&std::fs::read(&path).unwrap()) else { continue };
            for stream in [true, false] {
                let request = format!(
                    r#"{{"model":"m","stream":{stream},"messages":[{{"role":"user","content":"hi"}}]}}"#
                );
                let kind = if stream { PayloadKind::Stream } else { PayloadKind::Response };
                let conversion = convert(
                    &ConversionInput::new(kind, chat(), &body)
                        .profile(profile("compatible").unwrap())
                        .for_request(request.as_bytes())
                        .status(status),
                );
                let text = String::from_utf8_lossy(&conversion.body);
                let what = format!("{} {name} {stream}: {conversion}", server.path().display());
                match conversion.outcome.unwrap() {
                    Outcome::Complete | Outcome::Length => {
                        assert!(
                            if stream {
                                text.ends_with("data: [DONE]\n\n")
                            } else {
                                text.contains("\"chat.completion\"")
                            },
                            "{what}"
                        );
                    }
                    _ => assert!(
                        text.contains("\"error\":{\"message\":\"") && conversion.status.unwrap() >= 400
                            || stream,
                        "{what}"
                    ),
                }
                all += 1;
            }
        }
    }
    println!("{all} records replayed");
    assert!(all > 500);
}

/// Status and body of a raw HTTP response; chunked bodies without their framing.
fn parse(raw: &[u8]) -> Option<(u16, Vec<u8>)> {
    let mut raw = raw;
    let (head, mut body) = loop {
        let at = raw.windows(4).position(|w| w == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&raw[..at]).to_lowercase();
        if !head.contains(" 100 ") {
            break (head, &raw[at + 4..]);
        }
        raw = &raw[at + 4..];
    };
    let status = head.split(' ').nth(1)?.parse().ok()?;
    if !head.contains("transfer-encoding: chunked") {
        return Some((status, body.to_vec()));
    }
    let mut out = Vec::new();
    while let Some(at) = body.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&body[..at]).ok()?.trim(), 16).ok()?;
        out.extend_from_slice(body.get(at + 2..at + 2 + size).unwrap_or_default());
        body = body.get(at + 2 + size + 2..).unwrap_or_default();
    }
    Some((status, out))
}

/// The last token counts in a body: prompt, completion, total.
fn counts(body: &str, kind: PayloadKind) -> Option<[Option<u64>; 3]> {
    let documents: Vec<Value> = match kind {
        PayloadKind::Stream if !body.trim_start().starts_with('{') => body
            .split(['\n', '\r'])
            .filter_map(|line| line.strip_prefix("data:"))
            .filter_map(|data| serde_json::from_str(data).ok())
            .collect(),
        _ => serde_json::from_str(body.trim()).into_iter().collect(),
    };
    let usage =
        documents.iter().rev().find_map(|document| document.get("usage").filter(|u| u.is_object()))?;
    let counts = ["prompt_tokens", "completion_tokens", "total_tokens"].map(|key| usage[key].as_u64());
    counts.iter().any(Option::is_some).then_some(counts)
}

#[test]
fn token_counts_are_kept_exactly() {
    let (mut compared, mut unrequested) = (0, 0);
    for recording in recordings("usage").into_iter().filter(|r| r.kind != PayloadKind::Error) {
        let conversion = recording.convert();
        let before = counts(&recording.body, recording.kind);
        let after = counts(&String::from_utf8_lossy(&conversion.body), recording.kind);
        let reported = |code: &str| conversion.diagnostics.iter().any(|d| d.code.as_str() == code);
        match (before, after) {
            (Some(before), Some(after)) => {
                let is_reported = reported("usage-shaped");
                let same = before.iter().zip(&after).all(|(b, a)| b.is_none() || b == a);
                assert!(same || is_reported, "{}: {before:?} {after:?}", recording.name);
                compared += 1;
            }
            // A stream has usage only on request, and a failed response has none.
            (Some(_), None) => {
                let failed = !conversion.ok
                    || matches!(conversion.outcome, Some(Outcome::Truncated | Outcome::Errored));
                assert!(recording.kind == PayloadKind::Stream || failed, "{}", recording.name);
                assert!(reported("usage-unasked") || failed, "{}: {conversion}", recording.name);
                unrequested += 1;
            }
            (None, _) => {}
        }
    }
    println!("{compared} counts compared, {unrequested} not requested");
}
