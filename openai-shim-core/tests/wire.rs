//! The typed model loses nothing: JSON decoded to it and encoded again is the same.
#![allow(clippy::disallowed_methods)] // tests read files

mod common;

use common::{fixtures, shared};
use openai_shim_core::dialect::openai_chat::wire::{
    ChatCompletion, ChatCompletionChunk, ChatRequest, ErrorResponse,
};
use openai_shim_core::dialect::openai_completions::wire::{Completion, CompletionRequest};
use openai_shim_core::dialect::openai_responses::wire::{ResponseObject, ResponsesRequest, StreamEvent};
use openai_shim_core::exchange::{ClientRequest, Settings};
use openai_shim_core::{Context, Exchange, PayloadKind, Report, profile};
use serde_json::Value;

fn survives<T: serde::de::DeserializeOwned + serde::Serialize>(json: &str, what: &str) {
    let typed: T = serde_json::from_str(json).unwrap_or_else(|e| panic!("{what}: {e}\n{json}"));
    let before: Value = serde_json::from_str(json).unwrap();
    let after: Value = serde_json::from_str(&serde_json::to_string(&typed).unwrap()).unwrap();
    assert_eq!(before, after, "{what}");
}

#[test]
fn encoded_payloads_survive_the_typed_model() {
    for fixture in fixtures(&[PayloadKind::Response, PayloadKind::Stream, PayloadKind::Error]) {
        // A lone surrogate is JSON but not text in Rust.
        if fixture.name == "escaped_surrogates" {
            continue;
        }
        let conversion = fixture.convert(common::chat());
        let text = String::from_utf8(conversion.body).unwrap();
        for json in
            text.split("\n\n").map(|e| e.strip_prefix("data: ").unwrap_or(e)).filter(|e| e.starts_with('{'))
        {
            if json.contains("\"error\":{") {
                survives::<ErrorResponse>(json, &fixture.name);
            } else if json.contains("\"chat.completion.chunk\"") {
                survives::<ChatCompletionChunk>(json, &fixture.name);
            } else {
                survives::<ChatCompletion>(json, &fixture.name);
            }
        }
    }
}

#[test]
fn recorded_chat_payloads_survive_the_typed_model() {
    let Some(shared) = shared("wire") else { return };
    let text = std::fs::read_to_string(shared.join("corpus/openai-chat.jsonl")).unwrap();
    let mut read = 0;
    for line in text.lines() {
        let recording: Value = serde_json::from_str(line).unwrap();
        let good = recording["response"]["status"] == 200 && recording["provider"] == "openai";
        if !good || !recording["request"]["body"].is_object() {
            continue;
        }
        let what = format!("{} {}", recording["path"], recording["n"]);
        survives::<ChatRequest>(&recording["request"]["body"].to_string(), &what);
        let body = recording["response"]["body"].as_str().unwrap();
        if recording["streaming"] == true {
            for data in body.lines().filter_map(|l| l.strip_prefix("data: ")).filter(|d| d.starts_with('{')) {
                survives::<ChatCompletionChunk>(data, &what);
            }
        } else {
            survives::<ChatCompletion>(body, &what);
        }
        read += 1;
    }
    assert!(read > 500, "{read}");
}

/// The report of an exchange whose non-streaming response has this content type.
fn reported(body: &str, content_type: &'static str) -> (Report, String) {
    let request = br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    let incoming = ClientRequest::read(common::chat(), "", request.to_vec().into()).unwrap();
    let mut exchange =
        Exchange::start(incoming, profile("compatible").unwrap(), Settings::default(), Context::fixed())
            .unwrap();
    exchange.next();
    let mut headers = http::HeaderMap::new();
    headers.insert("content-type", http::HeaderValue::from_static(content_type));
    exchange.head(http::StatusCode::OK, &headers).unwrap();
    let mut out = Vec::new();
    exchange.push(body.as_bytes(), &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    (exchange.into_report(), String::from_utf8(out).unwrap())
}

fn answer(usage: &str) -> String {
    format!(
        r#"{{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"hi","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{usage}}}"#
    )
}

#[test]
fn cache_counters_are_read_from_every_known_field() {
    for counter in [
        r#""prompt_tokens_details":{"cached_tokens":7}"#,
        r#""prompt_cache_hit_tokens":7"#,
        r#""cached_tokens":7"#,
        r#""num_cached_tokens":7"#,
        r#""cache_read_input_tokens":7"#,
    ] {
        let usage = format!(r#"{{"prompt_tokens":10,"completion_tokens":1,"total_tokens":11,{counter}}}"#);
        let (report, _) = reported(&answer(&usage), "application/json");
        assert_eq!(report.usage.unwrap().cached, Some(7), "{counter}");
    }
}

#[test]
fn contradicting_content_type_is_only_reported() {
    let body = answer(r#"{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}"#);
    let (report, out) = reported(&body, "text/event-stream");
    assert_eq!(out, body);
    assert_eq!(
        report.diagnostics.iter().map(|d| d.code.as_str()).collect::<Vec<_>>(),
        ["content-type-wrong"]
    );
}

#[test]
fn recorded_responses_payloads_survive_the_typed_model() {
    let Some(shared) = shared("wire") else { return };
    let text = std::fs::read_to_string(shared.join("corpus/openai-responses.jsonl")).unwrap();
    let mut read = 0;
    for line in text.lines() {
        let recording: Value = serde_json::from_str(line).unwrap();
        let good = recording["response"]["status"] == 200 && recording["provider"] == "openai";
        if !good || !recording["request"]["body"].is_object() {
            continue;
        }
        let what = format!("{} {}", recording["path"], recording["n"]);
        survives::<ResponsesRequest>(&recording["request"]["body"].to_string(), &what);
        let body = recording["response"]["body"].as_str().unwrap();
        if recording["streaming"] == true {
            for data in body.lines().filter_map(|l| l.strip_prefix("data: ")).filter(|d| d.starts_with('{')) {
                survives::<StreamEvent>(data, &what);
            }
        } else {
            survives::<ResponseObject>(body, &what);
        }
        read += 1;
    }
    assert!(read > 300, "{read}");
}

#[test]
fn text_completions_survive_the_typed_model() {
    let own = openai_shim_core::dialect("openai-completions").unwrap();
    for fixture in fixtures(&[PayloadKind::Response, PayloadKind::Stream]) {
        let text = String::from_utf8(fixture.convert(own).body).unwrap();
        for json in text.split("\n\n").map(|e| e.strip_prefix("data: ").unwrap_or(e)) {
            if json.starts_with('{') && !json.contains("\"error\":{") && fixture.name != common::NO_TEXT {
                survives::<Completion>(json, &fixture.name);
            }
        }
    }
    let Some(shared) = shared("wire") else { return };
    let text = std::fs::read_to_string(shared.join("corpus/openai-completions.jsonl")).unwrap();
    for line in text.lines() {
        let recording: Value = serde_json::from_str(line).unwrap();
        if recording["response"]["status"] == 200 && recording["request"]["body"].is_object() {
            survives::<CompletionRequest>(&recording["request"]["body"].to_string(), line);
        }
    }
}
