//! Answers in a form that nearly fits: choices or calls that are an object instead of a list, and an object around the answer.

mod common;

use common::answer::{converted, text};
use openai_shim_core::canonical::DiagnosticCode;
use openai_shim_core::{PayloadKind, dialect::DIALECTS};

const CALL: &str = r#"{"id":"call_1","type":"function","function":{"name":"weather_now","arguments":"{\"city\":\"Rome\"}"}}"#;

/// Whole answers and streams of one text, by the upstream's dialect.
fn answers() -> Vec<(&'static str, PayloadKind, Vec<String>)> {
    let chat = |key: &str, object: &str, finish: &str| {
        format!(
            r#"{{"id":"c","object":"{object}","created":1,"model":"m","choices":[{{"index":0,"{key}":{{"role":"assistant","content":"Hello"}},"finish_reason":{finish}}}]}}"#
        )
    };
    let ollama = r#"{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"Hello"},"done":true,"done_reason":"stop"}"#;
    let gemini = r#"{"candidates":[{"index":0,"content":{"role":"model","parts":[{"text":"Hello"}]},"finishReason":"STOP"}],"modelVersion":"m"}"#;
    let anthropic = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}"#;
    let responses = r#"{"id":"resp_1","object":"response","created_at":1,"model":"m","status":"completed","error":null,"incomplete_details":null,"output":[{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hello","annotations":[]}]}]}"#;
    let whole = |text: &str| vec![text.to_owned()];
    vec![
        ("openai-chat", PayloadKind::Response, vec![chat("message", "chat.completion", "\"stop\"")]),
        (
            "openai-chat",
            PayloadKind::Stream,
            vec![
                chat("delta", "chat.completion.chunk", "null"),
                chat("delta", "chat.completion.chunk", "\"stop\"").replace("Hello", ""),
            ],
        ),
        ("ollama-chat", PayloadKind::Response, whole(ollama)),
        ("ollama-chat", PayloadKind::Stream, whole(ollama)),
        ("gemini", PayloadKind::Response, whole(gemini)),
        ("gemini", PayloadKind::Stream, whole(gemini)),
        ("anthropic-messages", PayloadKind::Response, whole(anthropic)),
        ("openai-responses", PayloadKind::Response, whole(responses)),
    ]
}

fn body(from: &str, kind: PayloadKind, frames: &[String]) -> String {
    match kind {
        PayloadKind::Stream if from == "ollama-chat" => {
            frames.iter().flat_map(|frame| [frame, "\n"]).collect()
        }
        PayloadKind::Stream => frames.iter().flat_map(|frame| ["data: ", frame, "\n\n"]).collect(),
        _ => frames.concat(),
    }
}

#[test]
fn answer_in_another_object_is_taken_out() {
    for (from, kind, frames) in answers() {
        for field in ["data", "result", "response", "body"] {
            let wrapped: Vec<_> =
                frames.iter().map(|f| format!(r#"{{"code":0,"msg":"ok","{field}":{f}}}"#)).collect();
            for to in DIALECTS {
                let what = format!("{from} {kind:?} in {field} to {}", to.name());
                let conversion = converted(from, to.name(), kind, body(from, kind, &wrapped), None);
                assert!(conversion.ok, "{what}: {}", text(&conversion));
                assert!(text(&conversion).contains("Hello"), "{what}: {}", text(&conversion));
                assert!(!text(&conversion).contains("\"msg\""), "{what}: {}", text(&conversion));
                assert!(conversion.diagnostics.has(DiagnosticCode::FramingRepaired), "{what}");
            }
        }
    }
}

#[test]
fn objects_instead_of_lists_are_read() {
    let message = format!(r#"{{"role":"assistant","content":null,"tool_calls":{CALL}}}"#);
    let map = message.replace(CALL, &format!(r#"{{"0":{CALL}}}"#));
    for message in [message, map] {
        let choice = |key: &str| format!(r#"{{"index":0,"{key}":{message},"finish_reason":"tool_calls"}}"#);
        for (key, kind) in [("message", PayloadKind::Response), ("delta", PayloadKind::Stream)] {
            let choice = choice(key);
            let forms = [format!("[{choice}]"), choice.clone(), format!(r#"{{"0":{choice}}}"#)];
            for (choices, to) in forms.iter().flat_map(|form| DIALECTS.iter().map(move |to| (form, to))) {
                let object = if key == "delta" { "chat.completion.chunk" } else { "chat.completion" };
                let json = format!(
                    r#"{{"id":"c","object":"{object}","created":1,"model":"m","choices":{choices}}}"#
                );
                let conversion =
                    converted("openai-chat", to.name(), kind, body("openai-chat", kind, &[json]), None);
                if ["openai-completions", "ollama-generate"].contains(&to.name()) {
                    continue;
                }
                let what = format!("{choices} {kind:?} to {}", to.name());
                assert!(conversion.ok, "{what}: {}", text(&conversion));
                assert!(text(&conversion).contains("Rome"), "{what}: {}", text(&conversion));
                assert!(conversion.diagnostics.has(DiagnosticCode::FramingRepaired), "{what}");
            }
        }
    }
}

#[test]
fn objects_instead_of_lists_are_read_from_ollama_and_completions() {
    let call = CALL.replace(r#""{\"city\":\"Rome\"}""#, r#"{"city":"Rome"}"#);
    for calls in [call.clone(), format!(r#"{{"0":{call}}}"#)] {
        let line = format!(
            r#"{{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{{"role":"assistant","content":"","tool_calls":{calls}}},"done":true,"done_reason":"stop"}}"#
        );
        for kind in [PayloadKind::Response, PayloadKind::Stream] {
            for to in ["openai-chat", "ollama-chat", "anthropic-messages"] {
                let conversion = converted(
                    "ollama-chat",
                    to,
                    kind,
                    body("ollama-chat", kind, std::slice::from_ref(&line)),
                    None,
                );
                assert!(text(&conversion).contains("Rome"), "{to} {kind:?}: {}", text(&conversion));
                assert!(conversion.diagnostics.has(DiagnosticCode::FramingRepaired), "{to} {kind:?}");
            }
        }
    }
    let choice = r#"{"index":0,"text":"Hello","logprobs":null,"finish_reason":"stop"}"#;
    for choices in [choice.to_owned(), format!(r#"{{"0":{choice}}}"#)] {
        let json =
            format!(r#"{{"id":"c","object":"text_completion","created":1,"model":"m","choices":{choices}}}"#);
        for kind in [PayloadKind::Response, PayloadKind::Stream] {
            for to in ["openai-chat", "openai-completions"] {
                let conversion = converted(
                    "openai-completions",
                    to,
                    kind,
                    body("openai-completions", kind, std::slice::from_ref(&json)),
                    None,
                );
                assert!(
                    conversion.ok && text(&conversion).contains("Hello"),
                    "{to} {kind:?}: {}",
                    text(&conversion)
                );
                assert!(
                    !text(&conversion).contains(r#""choices":{"#),
                    "{to} {kind:?}: {}",
                    text(&conversion)
                );
            }
        }
    }
}

#[test]
fn document_of_another_kind_is_named_by_its_members() {
    for from in ["openai-chat", "openai-completions", "openai-responses", "anthropic-messages", "gemini"] {
        let conversion =
            converted(from, "openai-chat", PayloadKind::Response, r#"{"build":7,"up":true}"#, None);
        assert_eq!(conversion.status, Some(502), "{from}");
        assert!(
            text(&conversion).contains(r#"an object with \"build\", \"up\""#),
            "{from}: {}",
            text(&conversion)
        );
    }
}

#[test]
fn status_of_an_overloaded_anthropic_reaches_only_its_own_clients() {
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    for (to, expected) in [
        ("anthropic-messages", 529),
        ("openai-chat", 503),
        ("openai-completions", 503),
        ("openai-responses", 503),
        ("ollama-chat", 503),
        ("ollama-generate", 503),
        ("gemini", 503),
    ] {
        let conversion = converted("anthropic-messages", to, PayloadKind::Response, error, None);
        assert_eq!(conversion.status, Some(expected), "{to}: {}", text(&conversion));
    }
}
