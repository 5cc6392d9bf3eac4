//! A text with a gap (`suffix`), from clients of the two dialects that have it: filled by an upstream's own route for it, else a
//! reported loss.

use openai_shim_core::canonical::Severity;
use openai_shim_core::exchange::{ClientRequest, Report, Settings};
use openai_shim_core::{Context, Exchange, Profile, Step, dialect, profile};
use serde_json::{Value, json};

/// The path and body that an upstream gets, what the client gets for `answer`, and the report.
fn exchange(client: &str, row: Profile, request: &Value, answer: &str) -> (String, Value, Value, Report) {
    let request = ClientRequest::read(dialect(client).unwrap(), "", request.to_string().into()).unwrap();
    let mut exchange = Exchange::start(request, row, Settings::default(), Context::fixed()).unwrap();
    let Step::Send { request, .. } = exchange.next() else { panic!("nothing is sent") };
    let (path, body) = (request.uri().path().to_owned(), serde_json::from_slice(request.body()).unwrap());
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    let mut out = Vec::new();
    exchange.push(answer.as_bytes(), &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    (path, body, serde_json::from_slice(&out).unwrap_or_default(), exchange.into_report())
}

const COMPLETION: &str = r#"{"id":"c","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":"return a","logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
const CHAT: &str = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"return a"},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
const OLLAMA: &str = r#"{"model":"m","created_at":"2026-01-01T00:00:00Z","response":"return a","done":true,"done_reason":"stop","prompt_eval_count":1,"eval_count":1}"#;

fn ollama_request() -> Value {
    json!({"model": "m", "prompt": "def f(a):\n    ", "suffix": "\n\nf(1)", "stream": false, "options": {"num_predict": 9}})
}

fn with_dialects(name: &str, own: &str, extra: &[&str]) -> Profile {
    let mut row = profile(name).unwrap();
    own.clone_into(&mut row.dialect);
    row.extra_dialects = extra.iter().map(|name| (*name).to_owned()).collect();
    row
}

fn warns(report: &Report) -> bool {
    report.diagnostics.iter().any(|d| d.path == "suffix" && d.severity() == Severity::Warning)
}

#[test]
fn an_ollama_client_gets_its_gap_filled_by_the_upstreams_completions() {
    let row = profile("vllm").unwrap();
    let (path, sent, answer, report) = exchange("ollama-generate", row, &ollama_request(), COMPLETION);
    assert_eq!(path, "/completions");
    assert_eq!(
        (&sent["prompt"], &sent["suffix"], &sent["max_tokens"]),
        (&json!("def f(a):\n    "), &json!("\n\nf(1)"), &json!(9))
    );
    assert_eq!((&answer["response"], &answer["done_reason"]), (&json!("return a"), &json!("stop")));
    assert!(!warns(&report), "{:?}", report.diagnostics);
}

#[test]
fn a_completions_client_gets_its_gap_filled_by_ollama() {
    let row = with_dialects("compatible", "ollama-chat", &["ollama-generate"]);
    let request = json!({"model": "m", "prompt": "def f(a):\n    ", "suffix": "\n\nf(1)", "max_tokens": 9});
    let (path, sent, answer, report) = exchange("openai-completions", row, &request, OLLAMA);
    assert_eq!(path, "/generate");
    assert_eq!((&sent["prompt"], &sent["suffix"]), (&request["prompt"], &request["suffix"]));
    assert_eq!(answer["choices"][0]["text"], "return a");
    assert!(!warns(&report), "{:?}", report.diagnostics);
}

#[test]
fn a_gap_that_an_upstream_cannot_fill_is_a_reported_loss() {
    let requests = [
        ("ollama-generate", ollama_request()),
        ("openai-completions", json!({"model": "m", "prompt": "a", "suffix": "b", "max_tokens": 9})),
    ];
    for (client, request) in requests {
        let row = with_dialects("compatible", "openai-chat", &[]);
        let (path, sent, _, report) = exchange(client, row, &request, CHAT);
        assert_eq!((path.as_str(), sent.get("suffix")), ("/chat/completions", None));
        assert!(warns(&report), "{client}: {:?}", report.diagnostics);
    }
}

#[test]
fn a_text_without_a_gap_stays_a_chat() {
    let request = json!({"model": "m", "prompt": "hi", "stream": false});
    let (path, ..) = exchange("ollama-generate", profile("vllm").unwrap(), &request, CHAT);
    assert_eq!(path, "/chat/completions");
}
