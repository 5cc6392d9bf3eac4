//! Every way in which a stream can end, and its outcome.

mod common;

use common::chat;
use common::state::Setup;
use openai_shim_core::canonical::{FinishReason, Outcome, ResponseSummary};
use openai_shim_core::exchange::{ClientRequest, FallbackPolicy, Retry, Settings};
use openai_shim_core::{Context, Exchange, UpstreamError, profile};
use std::fmt::Write;

/// The content before the end: a name and its deltas.
const CONTENTS: [(&str, &[&str]); 8] = [
    ("nothing", &[]),
    ("role", &[r#"{"role":"assistant","content":""}"#]),
    ("text", &[r#"{"role":"assistant","content":"Hello"}"#]),
    ("thinking", &[r#"{"role":"assistant","reasoning_content":"Hm."}"#]),
    ("refusal", &[r#"{"role":"assistant","refusal":"No."}"#]),
    (
        "call",
        &[
            r#"{"role":"assistant","tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]}"#,
        ],
    ),
    (
        "cut call",
        &[
            r#"{"role":"assistant","tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{\"a"}}]}"#,
        ],
    ),
    ("tags", &[r#"{"role":"assistant","content":"<think>"}"#]),
];

const FINISHES: [Option<&str>; 8] = [
    None,
    Some("stop"),
    Some("length"),
    Some("tool_calls"),
    Some("content_filter"),
    Some(""),
    Some("eos"),
    Some("error"),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Done,
    Closed,
    ErrorEvent,
    Broken,
}

/// The rules, from the strongest to the weakest.
fn expected(content: &str, finish: Option<&str>, end: End) -> Outcome {
    let finish_reason = finish;
    let finish = finish.filter(|f| !f.is_empty());
    let usable = !matches!(content, "nothing" | "role" | "tags");
    let filtered_or_long = matches!(finish, Some("length" | "content_filter"));
    // Without any chunk there is no response.
    let something = content != "nothing" || finish_reason.is_some();
    if end == End::ErrorEvent {
        return Outcome::Errored;
    }
    if finish == Some("error") {
        return Outcome::Failed;
    }
    let finished = finish.is_some() || content == "call";
    match end {
        // A response with a finish reason is complete although the connection was lost.
        End::Broken if finish.is_none() => return if usable { Outcome::Truncated } else { Outcome::Errored },
        _ if !something => return Outcome::Empty,
        End::Closed if !finished => return Outcome::Truncated,
        _ => {}
    }
    match finish {
        Some("content_filter") => Outcome::Filtered,
        _ if content == "refusal" => Outcome::Refused,
        Some("length") => Outcome::Length,
        _ if !usable && !filtered_or_long => Outcome::Empty,
        _ => Outcome::Complete,
    }
}

fn outcome(deltas: &[&str], finish: Option<&str>, end: End) -> (Outcome, String) {
    let request = br#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let incoming = ClientRequest::read(chat(), "", request.to_vec().into()).unwrap();
    let mut settings = Settings::default();
    (settings.retry, settings.fallback.when) = (Retry::none(), FallbackPolicy::Never);
    let mut exchange =
        Exchange::start(incoming, profile("compatible").unwrap(), settings, Context::fixed()).unwrap();
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    let mut body = String::new();
    let chunk = |delta: &str, finish: &str| {
        format!(
            "data: {{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    for delta in deltas {
        body += &chunk(delta, "null");
    }
    if let Some(finish) = finish {
        body += &chunk("{}", &format!("\"{finish}\""));
    }
    match end {
        End::Done => body += "data: [DONE]\n\n",
        End::ErrorEvent => body += "data: {\"error\":{\"message\":\"broken\"}}\n\n",
        End::Closed | End::Broken => {}
    }
    let mut out = Vec::new();
    exchange.push(body.as_bytes(), &mut out).unwrap();
    if end == End::Broken {
        exchange.fail(UpstreamError::transport("The connection broke."), &mut out).unwrap();
    } else {
        exchange.finish(&mut out).unwrap();
    }
    (exchange.report().outcome, String::from_utf8(out).unwrap())
}

#[test]
fn every_combination_of_content_finish_reason_and_end_has_an_outcome() {
    let mut wrong = String::new();
    for (content, deltas) in CONTENTS {
        for finish in FINISHES {
            for end in [End::Done, End::Closed, End::ErrorEvent, End::Broken] {
                let (found, out) = outcome(deltas, finish, end);
                let expected = expected(content, finish, end);
                if found != expected {
                    let _ =
                        writeln!(wrong, "{content} | {finish:?} | {end:?}: {found}, not {expected}\n{out}");
                }
                // The stream ends regularly exactly if the outcome is not a failure.
                let ended = out.ends_with("data: [DONE]\n\n");
                let complete = matches!(
                    found,
                    Outcome::Complete | Outcome::Length | Outcome::Refused | Outcome::Filtered
                );
                assert_eq!(ended, complete, "{content} | {finish:?} | {end:?}: {found}\n{out}");
                assert!(!complete || out.contains("\"finish_reason\":\""), "{out}");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn client_that_disconnects_after_the_last_event_received_everything() {
    let call = r#"{"reasoning_content":"Hm.","tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]}"#;
    let body = format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{call},\"finish_reason\":null}}]}}\n\n\
         data: {{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"tool_calls\"}}]}}\n\n"
    );
    let ask = common::fixture(openai_shim_core::PayloadKind::Stream, "azure_prelude");
    for client in openai_shim_core::dialect::DIALECTS {
        let mut outcomes = Vec::new();
        let mut stored = Vec::new();
        for end in ["", "data: [DONE]\n\n"] {
            let setup = Setup::new(Settings::default(), Some(std::sync::Arc::default()));
            let mut exchange =
                setup.start(ask.incoming(*client, true), profile("deepseek").unwrap()).unwrap();
            setup.next(&mut exchange);
            exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
            exchange.push(format!("{body}{end}").as_bytes(), &mut Vec::new()).unwrap();
            setup.next(&mut exchange);
            stored.push(setup.store.unwrap().entries());
            outcomes.push(exchange.into_report().outcome);
        }
        assert_eq!(outcomes, [Outcome::Cancelled, Outcome::Complete], "{}", client.name());
        let [cancelled, complete] = stored.as_slice() else { panic!() };
        assert!(cancelled.is_empty() && !complete.is_empty(), "{}", client.name());
        assert!(complete.iter().all(|(_, value)| value.contains("Hm.")), "{complete:?}");
    }
}

#[test]
fn outcome_is_decided_by_the_strongest_reason() {
    let finishes = [
        None,
        Some(FinishReason::Stop),
        Some(FinishReason::Length),
        Some(FinishReason::ToolCalls),
        Some(FinishReason::ContentFilter),
        Some(FinishReason::Refusal),
    ];
    let errors = [
        None,
        Some(UpstreamError::Truncated),
        Some(UpstreamError::Empty),
        Some(UpstreamError::malformed("x")),
    ];
    for content in [false, true] {
        for refusal in [false, true] {
            for finish in &finishes {
                for error in &errors {
                    let mut summary = ResponseSummary::default();
                    (summary.content, summary.refusal) = (content, refusal);
                    (summary.finish, summary.error) = (finish.clone(), error.clone());
                    let expected = match (error, finish) {
                        (Some(UpstreamError::Truncated), _) => Outcome::Truncated,
                        (Some(UpstreamError::Empty), _) => Outcome::Empty,
                        (Some(_), _) => Outcome::Errored,
                        (None, Some(FinishReason::ContentFilter)) => Outcome::Filtered,
                        (None, Some(FinishReason::Refusal)) => Outcome::Refused,
                        (None, _) if refusal => Outcome::Refused,
                        (None, Some(FinishReason::Length)) => Outcome::Length,
                        (None, _) if !content => Outcome::Empty,
                        (None, Some(_)) => Outcome::Complete,
                        (None, None) => Outcome::Truncated,
                    };
                    assert_eq!(summary.outcome(), expected, "{summary:?}");
                }
            }
        }
    }
}
