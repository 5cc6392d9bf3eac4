//! Typed payloads lose nothing, whatever stands where: not the text of a number, no `null`, no field of another type.

mod common;

use common::{Fixture, fixtures};
use openai_shim_core::PayloadKind;
use openai_shim_core::dialect::{
    anthropic, gemini, ollama, openai_chat, openai_completions, openai_responses,
};
use openai_shim_core::json::RawJson;
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::LazyLock;

/// A payload, read as its type and written again; then also read once more.
type Rewrite = fn(&str) -> (String, String);

fn rewrite<T: DeserializeOwned + serde::Serialize + PartialEq + Debug>(json: &str) -> (String, String) {
    let typed: T = serde_json::from_str(json).unwrap();
    let written = serde_json::to_string(&typed).unwrap();
    let again: T = serde_json::from_str(&written).unwrap();
    assert_eq!(typed, again, "{json}");
    (written, serde_json::to_string(&again).unwrap())
}

/// The type of each kind of payload.
fn type_of(dialect: &str, kind: PayloadKind) -> Option<Rewrite> {
    use PayloadKind::{Error, Request, Response, Stream};
    Some(match (dialect, kind) {
        ("openai-chat", Request) => rewrite::<openai_chat::wire::ChatRequest>,
        ("openai-chat", Response) => rewrite::<openai_chat::wire::ChatCompletion>,
        ("openai-chat", Stream) => rewrite::<openai_chat::wire::ChatCompletionChunk>,
        ("openai-chat", Error) => rewrite::<openai_chat::wire::ErrorResponse>,
        ("openai-completions", Request) => rewrite::<openai_completions::wire::CompletionRequest>,
        ("openai-completions", Response | Stream) => rewrite::<openai_completions::wire::Completion>,
        ("openai-responses", Request) => rewrite::<openai_responses::wire::ResponsesRequest>,
        ("openai-responses", Response) => rewrite::<openai_responses::wire::ResponseObject>,
        ("openai-responses", Stream) => rewrite::<openai_responses::wire::StreamEvent>,
        ("anthropic-messages", Request) => rewrite::<anthropic::wire::MessagesRequest>,
        ("anthropic-messages", Response) => rewrite::<anthropic::wire::Message>,
        ("anthropic-messages", Stream) => rewrite::<anthropic::wire::StreamEvent>,
        ("anthropic-messages", Error) => rewrite::<anthropic::wire::ErrorResponse>,
        ("gemini", Request) => rewrite::<gemini::wire::GenerateContentRequest>,
        ("gemini", Response | Stream) => rewrite::<gemini::wire::GenerateContentResponse>,
        ("gemini", Error) => rewrite::<gemini::wire::ErrorResponse>,
        ("ollama-chat", Request) => rewrite::<ollama::wire::ChatRequest>,
        ("ollama-chat", Response | Stream) => rewrite::<ollama::wire::ChatResponse>,
        ("ollama-generate", Request) => rewrite::<ollama::wire::GenerateRequest>,
        ("ollama-generate", Response | Stream) => rewrite::<ollama::wire::GenerateResponse>,
        ("ollama-chat" | "ollama-generate", Error) => rewrite::<ollama::wire::ErrorResponse>,
        _ => return None,
    })
}

/// JSON with ordered keys and without white space; numbers, and strings that are no text, stay as they are written.
fn normal_form(json: &RawJson) -> String {
    if let Ok(fields) = json.read::<BTreeMap<String, RawJson>>() {
        let fields: Vec<_> =
            fields.iter().map(|(key, value)| format!("{key:?}:{}", normal_form(value))).collect();
        return format!("{{{}}}", fields.join(","));
    }
    if let Ok(items) = json.read::<Vec<RawJson>>() {
        return format!("[{}]", items.iter().map(normal_form).collect::<Vec<_>>().join(","));
    }
    match json.read::<String>() {
        Ok(text) => format!("{text:?}"),
        Err(_) => json.as_str().trim().to_owned(),
    }
}

fn assert_nothing_is_lost(rewrite: Rewrite, json: &str) {
    let (written, again) = rewrite(json);
    assert_eq!(written, again);
    let [before, after] = [json, &written].map(|json| normal_form(&RawJson::parse(json).unwrap()));
    assert_eq!(before, after);
}

/// The JSON objects of all payloads, each with its type.
fn payloads() -> Vec<(Rewrite, String)> {
    let kinds = [PayloadKind::Request, PayloadKind::Response, PayloadKind::Stream, PayloadKind::Error];
    let objects = |fixture: &Fixture| -> Vec<String> {
        let text = String::from_utf8_lossy(&fixture.body).into_owned();
        let whole = [text.trim().to_owned()];
        let lines = text.lines().map(|line| line.strip_prefix("data:").unwrap_or(line).trim().to_owned());
        let is_object = |json: &String| {
            json.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok()
        };
        match fixture.kind {
            PayloadKind::Stream => lines.filter(is_object).take(12).collect(),
            _ => whole.into_iter().filter(is_object).collect(),
        }
    };
    let typed = fixtures(&kinds).into_iter().filter_map(|fixture| {
        let rewrite = type_of(fixture.dialect.name(), fixture.kind)?;
        Some(objects(&fixture).into_iter().map(move |json| (rewrite, json)).collect::<Vec<_>>())
    });
    typed.flatten().collect()
}

static PAYLOADS: LazyLock<Vec<(Rewrite, String)>> = LazyLock::new(payloads);

#[test]
fn every_payload_is_written_as_it_was_read() {
    assert!(PAYLOADS.len() > 1000, "{}", PAYLOADS.len());
    for (rewrite, json) in PAYLOADS.iter() {
        assert_nothing_is_lost(*rewrite, json);
    }
}

/// The number of values in some JSON, itself included.
fn count_values(json: &RawJson) -> usize {
    let fields = json.read::<BTreeMap<String, RawJson>>().unwrap_or_default();
    let items = json.read::<Vec<RawJson>>().unwrap_or_default();
    1 + fields.values().chain(&items).map(count_values).sum::<usize>()
}

/// The JSON with another value in the place of the `at`th one.
fn replace_value(json: &RawJson, at: &mut usize, value: &str) -> String {
    if *at == 0 {
        *at = usize::MAX;
        return value.to_owned();
    }
    *at -= 1;
    if let Ok(fields) = json.read::<BTreeMap<String, RawJson>>() {
        let fields: Vec<_> = fields
            .iter()
            .map(|(key, field)| {
                format!("{}:{}", serde_json::to_string(key).unwrap(), replace_value(field, at, value))
            })
            .collect();
        return format!("{{{}}}", fields.join(", "));
    }
    match json.read::<Vec<RawJson>>() {
        Ok(items) => {
            let items: Vec<_> = items.iter().map(|item| replace_value(item, at, value)).collect();
            format!("[{}]", items.join(", "))
        }
        Err(_) => json.as_str().to_owned(),
    }
}

/// Values of every kind, among them those that types tend to lose.
const VALUES: &[&str] = &[
    "null",
    "true",
    "1",
    "1.0",
    "1e2",
    "-0",
    "0.10",
    "12345678901234567890123",
    "-1",
    r#""""#,
    r#""text""#,
    r#""\u00e9\/""#,
    r#""\ud800""#,
    "[]",
    "[null]",
    r#"["a",1]"#,
    "{}",
    r#"{"type":"text"}"#,
    r#"{"type":"function","type":null}"#,
    r#"{"type":1,"a":1e2}"#,
    r#"{"role":"user","content":null}"#,
];

proptest! {
    #[test]
    fn a_value_of_any_kind_in_any_place_is_written_as_it_was_read(
        payload in 0..PAYLOADS.len(),
        at in any::<prop::sample::Index>(),
        value in prop::sample::select(VALUES),
    ) {
        let (rewrite, json) = &PAYLOADS[payload];
        let json = RawJson::parse(json.as_str()).unwrap();
        let mut at = at.index(count_values(&json));
        if at > 0 {
            assert_nothing_is_lost(*rewrite, &replace_value(&json, &mut at, value));
        }
    }
}

#[test]
fn a_field_that_is_set_replaces_what_was_read_under_its_key() {
    let read = r#"{"stop":null,"seed":"x","stop":1}"#;
    let request: openai_chat::wire::ChatRequest = serde_json::from_str(read).unwrap();
    let request = request.with_stop("END").with_seed(7);
    assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"stop":"END","seed":7}"#);
}

#[test]
fn of_several_fields_with_one_key_the_last_one_counts() {
    let request: ollama::wire::ChatRequest = serde_json::from_str(r#"{"model":"a","model":"b"}"#).unwrap();
    assert_eq!(request.model.as_deref(), Some("b"));
    let request: ollama::wire::ChatRequest = serde_json::from_str(r#"{"model":"a","model":null}"#).unwrap();
    assert_eq!(request.model, None);
    assert_eq!(request.extra.get("model").unwrap().as_str(), "null");
}

#[test]
fn what_is_nested_too_deep_stays_raw() {
    for depth in [10, 100, 100_000] {
        let json = format!("{}{{}}{}", r#"{"type":"namespace","tools":["#.repeat(depth), "]}".repeat(depth));
        let tool: openai_responses::wire::Tool = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&tool).unwrap(), json);
    }
}

#[test]
fn only_an_object_is_a_request() {
    for json in ["[]", "1", "null", "\"x\""] {
        let error = serde_json::from_str::<anthropic::wire::MessagesRequest>(json).unwrap_err();
        assert!(error.to_string().contains("expected an object (MessagesRequest)"), "{error}");
    }
}

#[test]
fn unions_keep_what_they_do_not_know() {
    use anthropic::wire::{Block, System, Thinking, ToolChoice};
    let unknown = RawJson::parse(r#"{"type":"later"}"#).unwrap();
    assert_eq!(serde_json::from_str::<Block>(unknown.as_str()).unwrap(), Block::Unknown(unknown.clone()));
    assert_eq!(
        serde_json::from_str::<Thinking>(unknown.as_str()).unwrap(),
        Thinking::Unknown(unknown.clone())
    );
    assert_eq!(serde_json::from_str::<ToolChoice>(unknown.as_str()).unwrap(), ToolChoice::Unknown(unknown));
    assert!(matches!(serde_json::from_str::<System>("1").unwrap(), System::Unknown(_)));
    let prompt = |json: &str| serde_json::from_str::<openai_completions::wire::Prompt>(json).unwrap();
    assert_eq!(prompt("[1,2]"), openai_completions::wire::Prompt::Tokens(vec![1, 2]));
    assert_eq!(prompt("[[1],[2]]"), openai_completions::wire::Prompt::TokenLists(vec![vec![1], vec![2]]));
    assert_eq!(prompt(r#"["a"]"#), openai_completions::wire::Prompt::Texts(vec![String::from("a")]));
    assert!(matches!(prompt(r#"["a",1]"#), openai_completions::wire::Prompt::Unknown(_)));
}
