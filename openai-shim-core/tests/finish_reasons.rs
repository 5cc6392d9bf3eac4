//! A failed, interrupted, corrupt or unknown end never counts as success, from any upstream to any client.

mod common;

use common::answer::{self, text};
use openai_shim_core::canonical::{
    DiagnosticCode, FINISH_REASONS, FinishMeaning, Outcome, Severity, finish_meaning,
};
use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::{PayloadKind, dialect, profile};
use std::collections::BTreeMap;

const UPSTREAMS: [&str; 6] =
    ["openai-chat", "openai-completions", "anthropic-messages", "gemini", "ollama-chat", "ollama-generate"];

/// Words by which a client takes an answer for finished and right.
const SUCCESS: [&str; 7] = [
    r#""finish_reason":"stop""#,
    r#""finish_reason":"tool_calls""#,
    r#""stop_reason":"end_turn""#,
    r#""stop_reason":"tool_use""#,
    r#""status":"completed""#,
    r#""finishReason":"STOP""#,
    r#""done_reason":"stop""#,
];

/// The frames of a stream with two pieces of text and this finish reason. `reason` is empty for none.
fn frames(upstream: &str, reason: &str) -> Vec<String> {
    let text = |text: &str| match upstream {
        "openai-chat" => {
            format!(
                r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}]}}"#
            )
        }
        "openai-completions" => {
            format!(
                r#"{{"id":"c","object":"text_completion","created":1,"model":"m","choices":[{{"index":0,"text":"{text}","logprobs":null,"finish_reason":null}}]}}"#
            )
        }
        "anthropic-messages" => {
            format!(
                r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{text}"}}}}"#
            )
        }
        "gemini" => format!(
            r#"{{"candidates":[{{"index":0,"content":{{"role":"model","parts":[{{"text":"{text}"}}]}}}}]}}"#
        ),
        "ollama-chat" => {
            format!(
                r#"{{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{{"role":"assistant","content":"{text}"}},"done":false}}"#
            )
        }
        _ => {
            format!(r#"{{"model":"m","created_at":"2026-01-01T00:00:00Z","response":"{text}","done":false}}"#)
        }
    };
    let mut frames = Vec::new();
    if upstream == "anthropic-messages" {
        frames.push(r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}"#.to_owned());
        frames.push(
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#
                .to_owned(),
        );
    }
    frames.extend(["Half ", "an answer"].map(text));
    if upstream == "anthropic-messages" {
        frames.push(r#"{"type":"content_block_stop","index":0}"#.to_owned());
    }
    frames.extend(match upstream {
        _ if reason.is_empty() => vec![],
        "openai-chat" => vec![
            format!(r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}]}}"#),
            "[DONE]".to_owned(),
        ],
        "openai-completions" => vec![
            format!(r#"{{"id":"c","object":"text_completion","created":1,"model":"m","choices":[{{"index":0,"text":"","logprobs":null,"finish_reason":"{reason}"}}]}}"#),
            "[DONE]".to_owned(),
        ],
        "anthropic-messages" => vec![
            format!(r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}","stop_sequence":null}},"usage":{{"output_tokens":2}}}}"#),
            r#"{"type":"message_stop"}"#.to_owned(),
        ],
        "gemini" => vec![format!(r#"{{"candidates":[{{"index":0,"finishReason":"{reason}","finishMessage":"the explanation"}}]}}"#)],
        "ollama-chat" => vec![format!(
            r#"{{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{{"role":"assistant","content":""}},"done":true,"done_reason":"{reason}"}}"#
        )],
        _ => vec![format!(
            r#"{{"model":"m","created_at":"2026-01-01T00:00:00Z","response":"","done":true,"done_reason":"{reason}"}}"#
        )],
    });
    frames
}

fn stream(upstream: &str, frames: &[String]) -> String {
    let is_lines = upstream.starts_with("ollama");
    frames.iter().map(|f| if is_lines { format!("{f}\n") } else { format!("data: {f}\n\n") }).collect()
}

fn document(upstream: &str, reason: &str) -> String {
    match upstream {
        "openai-chat" => format!(
            r#"{{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"Half an answer"}},"finish_reason":"{reason}"}}]}}"#
        ),
        "openai-completions" => format!(
            r#"{{"id":"c","object":"text_completion","created":1,"model":"m","choices":[{{"index":0,"text":"Half an answer","logprobs":null,"finish_reason":"{reason}"}}]}}"#
        ),
        "anthropic-messages" => format!(
            r#"{{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{{"type":"text","text":"Half an answer"}}],"stop_reason":"{reason}","stop_sequence":null,"usage":{{"input_tokens":1,"output_tokens":1}}}}"#
        ),
        "gemini" => format!(
            r#"{{"candidates":[{{"index":0,"content":{{"role":"model","parts":[{{"text":"Half an answer"}}]}},"finishReason":"{reason}","finishMessage":"the explanation"}}]}}"#
        ),
        "ollama-chat" => format!(
            r#"{{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{{"role":"assistant","content":"Half an answer"}},"done":true,"done_reason":"{reason}"}}"#
        ),
        _ => format!(
            r#"{{"model":"m","created_at":"2026-01-01T00:00:00Z","response":"Half an answer","done":true,"done_reason":"{reason}"}}"#
        ),
    }
}

fn converted(from: &str, to: Dialect, kind: PayloadKind, body: &str) -> Conversion {
    answer::converted(from, to.name(), kind, body, None)
}

fn no_success(conversion: &Conversion, what: &str) {
    let text = text(conversion);
    for word in SUCCESS {
        // An item that is closed is completed, whatever its response is.
        let text = text.replace(r#""type":"message","status":"completed""#, "");
        assert!(!text.contains(word), "{what}: {word} in {text}");
    }
    let is_reported = conversion.diagnostics.iter().any(|d| d.severity() > Severity::Info);
    assert!(is_reported, "{what}: {:?}", conversion.diagnostics);
    assert_ne!(conversion.outcome, Some(Outcome::Complete), "{what}");
}

#[test]
fn word_has_one_meaning() {
    let mut meanings = BTreeMap::new();
    for api in FINISH_REASONS {
        assert!(api.source.starts_with("https://") && !api.reasons.is_empty(), "{}", api.api);
        for (word, meaning) in api.reasons {
            let known = *meanings.entry(word.to_ascii_lowercase()).or_insert(*meaning);
            assert_eq!(known, *meaning, "{word} of {}", api.api);
            assert_eq!(finish_meaning(&word.to_ascii_uppercase()), *meaning, "{word}");
        }
    }
    assert_eq!(finish_meaning("content_filter: OTHER"), FinishMeaning::Filtered);
    assert_eq!(finish_meaning("function_call_filter: MALFORMED_FUNCTION_CALL"), FinishMeaning::Failed);
    assert_eq!(finish_meaning("stopped"), FinishMeaning::Unknown);
}

#[test]
fn failure_becomes_an_error_that_names_it() {
    for (word, meaning) in FINISH_REASONS.iter().flat_map(|api| api.reasons) {
        if !matches!(meaning, FinishMeaning::Failed | FinishMeaning::Interrupted) {
            continue;
        }
        for from in UPSTREAMS {
            for to in DIALECTS {
                let what = format!("{word}: {from} to {}", to.name());
                let streamed = converted(from, *to, PayloadKind::Stream, &stream(from, &frames(from, word)));
                let whole = converted(from, *to, PayloadKind::Response, &document(from, word));
                for conversion in [&streamed, &whole] {
                    no_success(conversion, &what);
                    assert_eq!(conversion.outcome, Some(Outcome::Failed), "{what}");
                    assert!(text(conversion).contains(word), "{what}: {}", text(conversion));
                    assert!(conversion.diagnostics.has(DiagnosticCode::FinishReasonFailed), "{what}");
                    if from == "gemini" {
                        assert!(text(conversion).contains("the explanation"), "{what}");
                    }
                }
                assert!(text(&streamed).contains("Half "), "{what}: {}", text(&streamed));
                assert!(text(&streamed).contains("an answer"), "{what}: {}", text(&streamed));
                let is_same = from == "gemini" && to.name() == "gemini";
                assert_eq!((streamed.ok, whole.ok), (is_same, is_same), "{what}");
                assert_eq!(whole.status, Some(if is_same { 200 } else { 502 }), "{what}");
            }
        }
    }
}

/// A whole response and a stream of it, by its status and the reason why it is incomplete.
fn responses(status: &str, reason: &str) -> (String, String) {
    let details = if reason.is_empty() { "null".to_owned() } else { format!(r#"{{"reason":"{reason}"}}"#) };
    let response = |status: &str, output: &str| {
        format!(
            r#"{{"id":"resp_1","object":"response","created_at":1,"model":"m","status":"{status}","error":null,"incomplete_details":{details},"output":[{output}]}}"#
        )
    };
    let item = |status: &str, content: &str| {
        format!(
            r#"{{"id":"msg_1","type":"message","status":"{status}","role":"assistant","content":[{content}]}}"#
        )
    };
    let part = r#"{"type":"output_text","text":"Half an answer","annotations":[]}"#;
    let whole = response(status, &item(status, part));
    let end = if status == "cancelled" { "cancelled" } else { "incomplete" };
    let stream = format!(
        "data: {{\"type\":\"response.created\",\"response\":{}}}\n\n\
         data: {{\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{}}}\n\n\
         data: {{\"type\":\"response.output_text.delta\",\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"Half an answer\"}}\n\n\
         data: {{\"type\":\"response.{end}\",\"response\":{whole}}}\n\n",
        response("in_progress", ""),
        item("in_progress", ""),
    );
    (whole, stream)
}

#[test]
fn failure_of_a_response_becomes_an_error_that_names_it() {
    let known = FINISH_REASONS.iter().flat_map(|api| api.reasons);
    let failures = known.filter(|(_, m)| matches!(m, FinishMeaning::Failed | FinishMeaning::Interrupted));
    let incomplete = failures.map(|(word, _)| ("incomplete", *word, *word));
    for (status, reason, word) in
        incomplete.chain([("cancelled", "", "cancelled"), ("cancelled", "steered", "steered")])
    {
        let (whole, stream) = responses(status, reason);
        for to in DIALECTS {
            let what = format!("{word} to {}", to.name());
            let streamed = converted("openai-responses", *to, PayloadKind::Stream, &stream);
            let whole = converted("openai-responses", *to, PayloadKind::Response, &whole);
            for conversion in [&streamed, &whole] {
                no_success(conversion, &what);
                assert_eq!(conversion.outcome, Some(Outcome::Failed), "{what}");
                assert!(text(conversion).contains(word), "{what}: {}", text(conversion));
                assert!(!conversion.ok, "{what}");
            }
            assert_eq!(whole.status, Some(502), "{what}");
            assert!(text(&streamed).contains("Half an answer"), "{what}: {}", text(&streamed));
        }
    }
}

#[test]
fn failure_of_gemini_reaches_its_own_clients_unchanged() {
    for parts in ["", r#""content":{"role":"model","parts":[{"text":"Half"}]},"#] {
        let body = format!(
            r#"{{"candidates":[{{{parts}"finishReason":"MALFORMED_FUNCTION_CALL","index":0,"finishMessage":"Malformed function call: print(x)"}}],"usageMetadata":{{"promptTokenCount":1,"totalTokenCount":1}},"modelVersion":"m"}}"#
        );
        let gemini = dialect("gemini").unwrap();
        let whole = converted("gemini", gemini, PayloadKind::Response, &body);
        let streamed = converted("gemini", gemini, PayloadKind::Stream, &format!("data: {body}\n\n"));
        assert_eq!(text(&whole), body);
        assert_eq!(text(&streamed), format!("data: {body}\n\n"));
        assert_eq!((whole.outcome, streamed.outcome), (Some(Outcome::Failed), Some(Outcome::Failed)));
        let chat = converted("gemini", common::chat(), PayloadKind::Response, &body);
        assert!(text(&chat).contains("Malformed function call: print(x)"), "{}", text(&chat));
        assert_eq!(chat.status, Some(502));
    }
}

#[test]
fn unknown_word_is_passed_where_the_dialect_has_room_and_never_success() {
    for from in UPSTREAMS {
        for to in DIALECTS {
            let what = format!("{from} to {}", to.name());
            let streamed =
                converted(from, *to, PayloadKind::Stream, &stream(from, &frames(from, "new_word")));
            let whole = converted(from, *to, PayloadKind::Response, &document(from, "new_word"));
            for conversion in [&streamed, &whole] {
                no_success(conversion, &what);
                assert!(conversion.ok, "{what}: {}", text(conversion));
                assert_eq!(conversion.outcome, Some(Outcome::Unknown), "{what}");
                assert!(conversion.diagnostics.has(DiagnosticCode::FinishReasonUnknown), "{what}");
                let has_room = to.name().starts_with("ollama")
                    || (from == to.name() && ["gemini", "anthropic-messages"].contains(&from));
                assert_eq!(text(conversion).contains("new_word"), has_room, "{what}: {}", text(conversion));
            }
        }
    }
}

#[test]
fn corrupt_frame_becomes_an_error() {
    for from in UPSTREAMS {
        let reason = match from {
            "anthropic-messages" => "end_turn",
            "gemini" => "STOP",
            _ => "stop",
        };
        let whole = frames(from, reason);
        let at = whole.iter().position(|frame| frame.contains("an answer")).unwrap();
        let mut corrupt = whole.clone();
        let length = corrupt[at].len() - 7;
        corrupt[at].truncate(length);
        for to in DIALECTS {
            let what = format!("{from} to {}", to.name());
            let fine = converted(from, *to, PayloadKind::Stream, &stream(from, &whole));
            assert_eq!(fine.outcome, Some(Outcome::Complete), "{what}");
            let result = converted(from, *to, PayloadKind::Stream, &stream(from, &corrupt));
            no_success(&result, &what);
            assert_eq!((result.ok, result.outcome), (false, Some(Outcome::Errored)), "{what}");
            assert!(text(&result).contains("Half "), "{what}");
            assert!(text(&result).contains("could not be read"), "{what}: {}", text(&result));
            assert!(result.diagnostics.has(DiagnosticCode::FrameCorrupt), "{what}");
        }
    }
}

#[test]
fn glued_frames_are_read_as_several() {
    for from in UPSTREAMS {
        let reason = match from {
            "anthropic-messages" => "end_turn",
            "gemini" => "STOP",
            _ => "stop",
        };
        let separate = frames(from, reason);
        let at = separate.iter().position(|frame| frame.contains("Half")).unwrap();
        for seam in ["", " ", "\t"] {
            let mut glued = separate.clone();
            let second = glued.remove(at + 1);
            glued[at] = format!("{}{seam}{second}", glued[at]);
            for to in DIALECTS {
                let what = format!("{from} to {}", to.name());
                let result = converted(from, *to, PayloadKind::Stream, &stream(from, &glued));
                let expected = converted(from, *to, PayloadKind::Stream, &stream(from, &separate));
                if from == "anthropic-messages" && to.name() == from {
                    // The events are encoded again, with all counts.
                    assert!(text(&result).contains("an answer"), "{what}");
                } else {
                    assert_eq!(text(&result), text(&expected), "{what}");
                }
                assert_eq!(result.outcome, Some(Outcome::Complete), "{what}");
            }
        }
    }
}

#[test]
fn promised_call_that_is_missing_is_reported() {
    let promises = [
        ("openai-chat", "tool_calls"),
        ("openai-chat", "function_call"),
        ("anthropic-messages", "tool_use"),
        ("ollama-chat", "tool_calls"),
    ];
    let offered = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]}"#;
    for (from, word) in promises {
        for (kind, body) in [
            (PayloadKind::Stream, stream(from, &frames(from, word))),
            (PayloadKind::Response, document(from, word)),
        ] {
            for to in DIALECTS {
                let result = converted(from, *to, kind, &body);
                let what = format!("{from} to {}: {:?}", to.name(), result.diagnostics);
                assert!(result.ok && result.diagnostics.has(DiagnosticCode::ToolCallsMissing), "{what}");
                // Any word is allowed here, and no client takes this one for the end of its work.
                let is_ollama = from.starts_with("ollama") && to.name().starts_with("ollama");
                assert!(is_ollama || !text(&result).contains(r#":"tool_"#), "{what}: {}", text(&result));
            }
            let result = convert(
                &ConversionInput::new(kind, dialect(from).unwrap(), body.as_bytes())
                    .to(common::chat())
                    .profile(profile("compatible").unwrap())
                    .for_request(offered.as_bytes()),
            );
            no_success(&result, from);
            assert_eq!(
                (result.ok, result.outcome),
                (false, Some(Outcome::Failed)),
                "{from}: {}",
                text(&result)
            );
        }
    }
}

#[test]
fn text_beside_a_failure_is_kept() {
    let chat = r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" tail"},"finish_reason":"abort"}]}"#;
    let completions = r#"{"id":"c","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":" tail","logprobs":null,"finish_reason":"abort"}]}"#;
    let gemini = r#"{"candidates":[{"index":0,"content":{"role":"model","parts":[{"text":" tail"}]},"finishReason":"OTHER"}]}"#;
    let ollama = r#"{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":" tail"},"done":true,"done_reason":"abort"}"#;
    for (from, last) in [
        ("openai-chat", chat),
        ("openai-completions", completions),
        ("gemini", gemini),
        ("ollama-chat", ollama),
    ] {
        let mut frames = frames(from, "");
        frames.push(last.to_owned());
        for to in DIALECTS {
            let result = converted(from, *to, PayloadKind::Stream, &stream(from, &frames));
            let what = format!("{from} to {}: {}", to.name(), text(&result));
            assert!(text(&result).contains(" tail"), "{what}");
            assert_eq!(result.outcome, Some(Outcome::Failed), "{what}");
            no_success(&result, &what);
        }
    }
}

#[test]
fn words_are_known_in_every_spelling() {
    use openai_shim_core::canonical::{FinishMeaning, finish_meaning};
    for (word, meaning) in [
        ("tool-calls", FinishMeaning::ToolCalls),
        ("toolUse", FinishMeaning::ToolCalls),
        ("endTurn", FinishMeaning::Complete),
        ("END_TURN", FinishMeaning::Complete),
        ("maxTokens", FinishMeaning::Length),
        ("CONTINUATION", FinishMeaning::Length),
        ("content-filter", FinishMeaning::Filtered),
        ("PUP_LIMITED_DISABLED", FinishMeaning::Filtered),
        ("malformedToolUse", FinishMeaning::Failed),
        ("a new word", FinishMeaning::Unknown),
        ("", FinishMeaning::Unknown),
    ] {
        assert_eq!(finish_meaning(word), meaning, "{word}");
    }
}
