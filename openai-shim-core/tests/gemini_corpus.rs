//! Recordings of Google's API: their content reaches clients of this dialect and of chat.
#![allow(clippy::disallowed_methods)] // tests read files

mod common;

use common::{chat, shared};
use openai_shim_core::canonical::{Block, Event, Request, Response, ResponseContext, ResponseSpec, fold};
use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::framing::Framer;
use openai_shim_core::{Context, Diagnostics, Dialect, Outcome, PayloadKind, dialect, profile};
use serde_json::{Value, json};

/// The ids of the first response to a request without calls.
fn context() -> ResponseContext {
    ResponseContext::new(&Request::default(), Context::fixed())
}

struct Recording {
    name: String,
    kind: PayloadKind,
    path: String,
    request: Option<Value>,
    status: u16,
    body: String,
}

fn gemini() -> Dialect {
    dialect("gemini").unwrap()
}

fn recordings(test: &str) -> Vec<Recording> {
    let Some(shared) = shared(test) else { return Vec::new() };
    let text = std::fs::read_to_string(shared.join("corpus/gemini.jsonl")).unwrap();
    let all: Vec<_> = text
        .lines()
        .map(|line| {
            let v: Value = serde_json::from_str(line).unwrap();
            let status = u16::try_from(v["response"]["status"].as_u64().unwrap()).unwrap();
            let endpoint = v["endpoint"].as_str().unwrap();
            let url_path = v["request"]["url_path"].as_str().filter(|path| path.contains(endpoint));
            Recording {
                name: format!("{} {}", v["path"], v["n"]),
                kind: match (status, v["streaming"].as_bool()) {
                    (400.., _) => PayloadKind::Error,
                    (_, Some(true)) => PayloadKind::Stream,
                    _ => PayloadKind::Response,
                },
                path: url_path.map_or_else(|| format!("/v1beta/models/m:{endpoint}"), str::to_owned),
                request: v["request"]["body"].is_object().then(|| v["request"]["body"].clone()),
                status,
                body: v["response"]["body"].as_str().unwrap_or_default().to_owned(),
            }
        })
        .collect();
    assert!(all.len() > 700);
    all
}

#[test]
fn recorded_requests_survive_the_canonical_model() {
    let (mut same, mut refused) = (0, 0);
    for recording in recordings("gemini requests") {
        let Some(request) = &recording.request else { continue };
        let body = request.to_string();
        let mut diagnostics = Diagnostics::default();
        let canonical = match gemini().decode_request(
            &recording.path,
            &bytes::Bytes::copy_from_slice(body.as_bytes()),
            &mut diagnostics,
        ) {
            Ok(canonical) => canonical,
            Err(error) => {
                // Google rejected the request too, or it requests no content.
                let fair = recording.status >= 400 || request.get("contents").is_none();
                assert!(fair, "{}: {error}\n{body}", recording.name);
                refused += 1;
                continue;
            }
        };
        assert!(diagnostics.is_empty(), "{}: {diagnostics:?}", recording.name);
        gemini().encode_request(&canonical, None, &mut diagnostics).unwrap();
        assert!(diagnostics.is_empty(), "{}: {diagnostics:?}", recording.name);
        let untouched = gemini().encode_request(&canonical, Some(body.as_bytes()), &mut diagnostics).unwrap();
        assert!(!untouched.body.is_changed(), "{}", recording.name);
        let sent = chat().encode_request(&canonical, None, &mut diagnostics).unwrap();
        let sent: Value = serde_json::from_str(&sent.body.to_json()).unwrap();
        assert!(sent["messages"].as_array().is_some_and(|m| !m.is_empty()), "{}", recording.name);
        // Converted to chat and back, Google would accept it.
        let mut again = chat()
            .decode_request("", &bytes::Bytes::copy_from_slice(sent.to_string().as_bytes()), &mut diagnostics)
            .unwrap();
        again.model = "m".to_owned();
        gemini().encode_request(&again, None, &mut diagnostics).unwrap();
        same += 1;
    }
    println!("{same} requests the same, {refused} refused");
}

/// Text, reasoning, and calls (name and arguments) of one response.
type Content = (String, String, Vec<(String, Value)>);

fn documents(body: &str) -> Vec<Value> {
    match serde_json::from_str(body) {
        Ok(Value::Array(items)) => items,
        Ok(one) => vec![one],
        Err(_) => body
            .lines()
            .filter_map(|l| l.strip_prefix("data:"))
            .filter_map(|d| serde_json::from_str(d).ok())
            .collect(),
    }
}

/// Reads the content of a recording in the simplest way; arguments that are divided into parts are not compared.
fn read_content(body: &str) -> Content {
    let mut content = Content::default();
    for document in documents(body) {
        let candidate = &document["candidates"][0];
        for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
            let text = part["text"].as_str().unwrap_or_default();
            if part["thought"] == true {
                content.1 += text;
            } else {
                content.0 += text;
            }
            let call = &part["functionCall"];
            if let Some(name) = call["name"].as_str() {
                let is_partial = call["willContinue"] == true;
                let args = call.get("args").cloned().unwrap_or(json!({}));
                content.2.push((name.to_owned(), if is_partial { Value::Null } else { args }));
            }
        }
    }
    content
}

fn canonical(response: &Response) -> Content {
    let mut content = Content::default();
    for block in response.choices.first().into_iter().flat_map(|choice| &choice.blocks) {
        match block {
            Block::Text { text, .. } => content.0 += text,
            Block::Reasoning { text, .. } => content.1 += text,
            Block::ToolCall { name, arguments, .. } => {
                content.2.push((name.clone(), serde_json::from_str(arguments).unwrap()));
            }
            _ => {}
        }
    }
    content
}

fn in_chat(body: &str, stream: bool) -> Content {
    let mut content = Content::default();
    let mut calls: Vec<(String, String)> = Vec::new();
    for document in documents(body) {
        let choice = document["choices"].as_array().into_iter().flatten().find(|c| c["index"] == 0);
        let Some(choice) = choice else { continue };
        let delta = &choice[if stream { "delta" } else { "message" }];
        content.0 += delta["content"].as_str().unwrap_or_default();
        content.1 += delta["reasoning_content"].as_str().unwrap_or_default();
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let function = &call["function"];
            let arguments = function["arguments"].as_str().unwrap_or_default();
            match function["name"].as_str() {
                Some(name) => calls.push((name.to_owned(), arguments.to_owned())),
                None => calls.last_mut().unwrap().1 += arguments,
            }
        }
    }
    content.2 = calls.into_iter().map(|(name, args)| (name, serde_json::from_str(&args).unwrap())).collect();
    content
}

/// Asserts that both are equal, except for arguments that were divided into parts.
fn assert_equal(recorded: &Content, actual: &Content, what: &str) {
    let mut actual = actual.clone();
    for ((_, before), (_, after)) in recorded.2.iter().zip(&mut actual.2) {
        if before.is_null() {
            *after = Value::Null;
        }
    }
    assert_eq!(*recorded, actual, "{what}");
}

impl Recording {
    fn convert(&self, to: Dialect) -> Conversion {
        convert(
            &ConversionInput::new(self.kind, gemini(), self.body.as_bytes())
                .to(to)
                .profile(profile("compatible").unwrap())
                .status(self.status),
        )
    }
}

fn spec() -> ResponseSpec {
    let mut request = Request::default();
    (request.stream, request.include_usage) = (true, true);
    ResponseSpec::new(&request, &Context::fixed())
}

fn events(body: &[u8], size: usize) -> Vec<Event> {
    let (mut decoder, mut framer, mut events) =
        (gemini().decoder(&spec(), &context()), Framer::new(1 << 24), Vec::new());
    for chunk in body.chunks(size) {
        framer.push(chunk, &mut |frame| decoder.frame(frame, &mut events)).unwrap();
    }
    framer.finish(&mut |frame| decoder.frame(frame, &mut events));
    decoder.finish(&mut events);
    events
}

#[test]
fn recorded_responses_keep_their_content_in_every_dialect() {
    let (mut compared, mut other) = (0, 0);
    for recording in recordings("gemini answers").into_iter().filter(|r| r.kind != PayloadKind::Error) {
        let stream = recording.kind == PayloadKind::Stream;
        let documents = documents(&recording.body);
        // Caches, live sessions and shortened recordings are not responses.
        let answer =
            documents.iter().any(|d| d.get("candidates").is_some() || d.get("promptFeedback").is_some());
        let ended = documents.iter().any(|d| {
            d.get("promptFeedback").is_some()
                || d["candidates"].as_array().into_iter().flatten().any(|c| c.get("finishReason").is_some())
        });
        let conversion = recording.convert(chat());
        if !answer || stream && !ended {
            assert!(!conversion.ok, "{}: {conversion}", recording.name);
            other += 1;
            continue;
        }
        let content = read_content(&recording.body);
        let folded = if stream {
            fold(&events(recording.body.as_bytes(), usize::MAX))
        } else {
            gemini().decode_response(
                recording.body.as_bytes(),
                &spec(),
                &mut context(),
                &mut Diagnostics::default(),
            )
        };
        // An answer that failed is an error, whatever its text.
        if let Err(openai_shim_core::error::UpstreamError::Failed { .. }) = folded {
            assert!(matches!(conversion.outcome, Some(Outcome::Failed)), "{}: {conversion}", recording.name);
            continue;
        }
        let folded = folded.unwrap_or_else(|e| panic!("{}: {e}", recording.name));
        assert_equal(&content, &canonical(&folded), &recording.name);
        let usage = documents.iter().rev().find_map(|d| d["usageMetadata"]["totalTokenCount"].as_u64());
        assert!(usage.is_none() || folded.usage.map(|u| u.total()) == usage, "{}", recording.name);
        let has = content.0.len() + content.1.len() + content.2.len() > 0;
        if has {
            assert!(conversion.ok, "{}: {conversion}", recording.name);
            let text = String::from_utf8(conversion.body.clone()).unwrap();
            assert_equal(&content, &in_chat(&text, stream), &recording.name);
            common::strict::check(&text, &recording.name);
        } else {
            let fair = [Outcome::Empty, Outcome::Filtered, Outcome::Length];
            let outcome = conversion.outcome.unwrap();
            let has_media = outcome == Outcome::Complete && recording.body.contains("inlineData");
            assert!(fair.contains(&outcome) || has_media, "{}: {conversion}", recording.name);
        }
        // A client of the same dialect receives the response unchanged.
        let own = recording.convert(gemini());
        assert!(own.ok || !has, "{}: {own}", recording.name);
        if own.ok {
            assert_equal(&content, &read_content(&String::from_utf8(own.body).unwrap()), &recording.name);
        }
        // The decoded response, encoded again, decodes to the same content.
        let mut diagnostics = Diagnostics::default();
        let encoded = gemini().encode_response(&folded, &spec(), &mut context(), &mut diagnostics);
        assert_equal(&content, &read_content(&String::from_utf8(encoded.clone()).unwrap()), &recording.name);
        let again = gemini().decode_response(&encoded, &spec(), &mut context(), &mut diagnostics).unwrap();
        assert_eq!(again.usage, folded.usage, "{}", recording.name);
        compared += 1;
    }
    println!("{compared} answers compared, {other} are none");
    assert!(compared == 0 || compared > 650);
}

#[test]
fn recorded_streams_do_not_depend_on_chunks_and_encode_as_decoded() {
    for recording in recordings("gemini streams").into_iter().filter(|r| r.kind == PayloadKind::Stream) {
        let unsplit = events(recording.body.as_bytes(), usize::MAX);
        for size in [1, 7, 1000] {
            assert_eq!(unsplit, events(recording.body.as_bytes(), size), "{} by {size}", recording.name);
        }
        let (mut encoder, mut out) = (gemini().encoder(&spec(), &context()), Vec::new());
        for event in &unsplit {
            encoder.event(event, &mut out);
        }
        encoder.finish(&mut out);
        match (fold(&unsplit), fold(&events(&out, usize::MAX))) {
            (Ok(original), Ok(read)) => {
                assert_eq!(canonical(&original), canonical(&read), "{}", recording.name);
                assert_eq!(
                    (&original.id, &original.model, original.usage),
                    (&read.id, &read.model, read.usage)
                );
                assert_eq!(original.choices.len(), read.choices.len(), "{}", recording.name);
                for (original, read) in original.choices.iter().zip(&read.choices) {
                    assert_eq!(original.finish, read.finish, "{}", recording.name);
                }
            }
            (original, read) => {
                assert!(original.is_err() && read.is_err(), "{}: {original:?} {read:?}", recording.name);
            }
        }
    }
}

#[test]
fn recorded_errors_keep_their_sentence() {
    for recording in recordings("gemini errors").into_iter().filter(|r| r.kind == PayloadKind::Error) {
        let message = documents(&recording.body)[0]["error"]["message"].as_str().unwrap().to_owned();
        for to in [chat(), gemini()] {
            let conversion = recording.convert(to);
            let error: Value = serde_json::from_slice(&conversion.body).unwrap();
            assert_eq!(error["error"]["message"], *message, "{}", recording.name);
            let bad_key = message.contains("API key not valid");
            assert_eq!(conversion.status, Some(if bad_key { 401 } else { recording.status }));
        }
    }
}
