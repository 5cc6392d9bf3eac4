//! Every recording decoded and encoded again: the same JSON, except for the differences that `docs/losses.toml` lists with
//! reasons. A listed difference that no recording needs fails.
#![allow(clippy::disallowed_methods)] // tests read files

mod common;

use common::losses::Direction;
use common::round_trip::Trip;
use common::shared;
use openai_shim_core::canonical::{ReasoningTags, Request, ResponseContext, ResponseSpec};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::{Context, Diagnostics, Dialect, dialect};
use serde_json::Value;
use std::path::Path;

struct Recording {
    name: String,
    dialect: Dialect,
    path: String,
    /// It requests a response, not a token count.
    answers: bool,
    request: Option<Value>,
    status: u16,
    streaming: bool,
    body: String,
}

/// The files and their dialects; each of Ollama's lines names its dialect.
const FILES: [(&str, &str); 6] = [
    ("openai-chat", "openai-chat"),
    ("openai-completions", "openai-completions"),
    ("openai-responses", "openai-responses"),
    ("anthropic", "anthropic-messages"),
    ("ollama", ""),
    ("gemini", "gemini"),
];

impl Recording {
    /// The client's request, if known.
    fn spec(&self) -> Request {
        let body = self.request.as_ref().map(Value::to_string).unwrap_or_default();
        let read = self.dialect.decode_request(
            &self.path,
            &bytes::Bytes::copy_from_slice(body.as_bytes()),
            &mut Diagnostics::default(),
        );
        read.unwrap_or_default()
    }
}

fn recordings(test: &str) -> Vec<Recording> {
    let Some(shared) = shared(test) else { return Vec::new() };
    let mut all = Vec::new();
    for (file, name) in FILES {
        let text = std::fs::read_to_string(shared.join(format!("corpus/{file}.jsonl"))).unwrap();
        for line in text.lines() {
            let v: Value = serde_json::from_str(line).unwrap();
            let endpoint = v["endpoint"].as_str().unwrap_or_default();
            let url_path = v["request"]["url_path"].as_str().filter(|path| path.contains(endpoint));
            let own = if name.is_empty() { endpoint.replace('.', "-") } else { name.to_owned() };
            // Embeddings, pages that are not model output, and routes of other APIs.
            let Ok(dialect) = dialect(&own) else { continue };
            if url_path.is_some_and(|path| path.contains("/organization/")) || v["provider"] == "portkey" {
                continue;
            }
            all.push(Recording {
                name: format!("{file} {} {} {}", v["provider"], v["path"], v["n"]),
                dialect,
                answers: endpoint != "messages.count_tokens" && endpoint != "count_tokens",
                path: match name {
                    "gemini" => {
                        url_path.map_or_else(|| format!("/v1beta/models/m:{endpoint}"), str::to_owned)
                    }
                    _ => String::new(),
                },
                request: Some(v["request"]["body"].clone()).filter(Value::is_object),
                status: u16::try_from(v["response"]["status"].as_u64().unwrap()).unwrap(),
                streaming: v["streaming"] == true,
                body: v["response"]["body"].as_str().unwrap_or_default().to_owned(),
            });
        }
    }
    all.extend(captures(&shared.join("captures")));
    assert!(all.len() > 4000);
    all
}

/// Requests of real clients.
fn captures(folder: &Path) -> Vec<Recording> {
    let files = std::fs::read_dir(folder).unwrap().flatten().flat_map(|client| {
        let mut files: Vec<_> = std::fs::read_dir(client.path()).unwrap().flatten().collect();
        files.sort_by_key(std::fs::DirEntry::path);
        files
    });
    files
        .filter_map(|file| {
            let mut v: Value = serde_json::from_str(&std::fs::read_to_string(file.path()).ok()?).ok()?;
            let path = v["path"].as_str()?.to_owned();
            let route = path.split('?').next()?;
            // A capture that was shortened has a marker among the tools, which is not a tool.
            if let Some(tools) = v["body"].get_mut("tools").and_then(Value::as_array_mut) {
                tools.retain(|tool| tool.get("_more_tools").is_none() && !tool.is_string());
            }
            let serves = |d: &&Dialect| d.endpoints().iter().any(|e| e.matches(route));
            let dialect = DIALECTS.iter().find(serves)?;
            let name = file.path().display().to_string();
            let request = Some(v["body"].take()).filter(Value::is_object);
            Some(Recording {
                name,
                dialect: *dialect,
                path,
                answers: false,
                request,
                status: 0,
                streaming: false,
                body: String::new(),
            })
        })
        .collect()
}

fn names() -> Vec<&'static str> {
    openai_shim_core::dialect::DIALECTS.iter().map(|dialect| dialect.name()).collect()
}

/// Fails with all differences at once.
fn report(wrong: &[String]) {
    let shown = wrong.join("\n");
    assert!(wrong.is_empty(), "{} differ:\n{shown}", wrong.len());
}

#[test]
fn requests_survive_a_round_trip_except_for_listed_losses() {
    let all = recordings("requests");
    let mut wrong = Vec::new();
    for name in names() {
        let mut trip = Trip::of(name, Direction::Request);
        for recording in all.iter().filter(|r| r.dialect.name() == name) {
            let (Some(body), mut diagnostics) = (&recording.request, Diagnostics::default()) else {
                continue;
            };
            let read = recording.dialect.decode_request(
                &recording.path,
                &bytes::Bytes::copy_from_slice(body.to_string().as_bytes()),
                &mut diagnostics,
            );
            let Ok(read) = read else {
                // The API rejected the request too, or it requests no response.
                let fair = recording.status >= 400 || name == "gemini" && body.get("contents").is_none();
                assert!(fair, "{}: {:?}", recording.name, read.err());
                continue;
            };
            let written = recording.dialect.encode_request(&read, None, &mut diagnostics).unwrap();
            let after: Value = serde_json::from_str(&written.body.to_json()).unwrap();
            if let Err(at) = trip.compare(body, &after) {
                wrong.push(format!("{}\n{at}", recording.name));
            }
        }
        let (compared, idle) = trip.finish();
        wrong.extend(idle.iter().map(|entry| format!("docs/losses.toml: {name}: {entry}")));
        println!("{name}: {compared} requests");
    }
    report(&wrong);
}

#[test]
fn responses_survive_a_round_trip_except_for_listed_losses() {
    let all = recordings("answers");
    let mut wrong = Vec::new();
    for name in names() {
        let mut trip = Trip::of(name, Direction::Answer);
        let of =
            all.iter().filter(|r| r.dialect.name() == name && r.status < 400 && r.answers && !r.streaming);
        for recording in of {
            let Ok(before) = serde_json::from_str::<Value>(recording.body.trim()) else { continue };
            let mut request = recording.spec();
            request.include_usage = true;
            let mut spec = ResponseSpec::new(&request, &Context::fixed());
            spec.quirks.reasoning_tags = ReasoningTags::Ignore;
            spec.quirks.keep_tool_markup = true;
            let mut context = ResponseContext::new(&request, Context::fixed());
            let mut diagnostics = Diagnostics::default();
            let read = recording.dialect.decode_response(
                recording.body.as_bytes(),
                &spec,
                &mut context,
                &mut diagnostics,
            );
            // Errors with a success status, and bodies that are not responses.
            let Ok(read) = read else { continue };
            let written = recording.dialect.encode_response(&read, &spec, &mut context, &mut diagnostics);
            let after: Value = serde_json::from_slice(&written).unwrap();
            if let Err(at) = trip.compare(&before, &after) {
                wrong.push(format!("{}\n{at}", recording.name));
            }
        }
        let (compared, idle) = trip.finish();
        wrong.extend(idle.iter().map(|entry| format!("docs/losses.toml: {name}: {entry}")));
        println!("{name}: {compared} answers");
    }
    report(&wrong);
}
