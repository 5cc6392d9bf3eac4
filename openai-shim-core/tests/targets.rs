//! Several targets: which failures go on to the next one, what is sent there in its dialect, and what the report says.

mod common;

use common::answer::{response_of, written};
use http::{HeaderMap, StatusCode};
use openai_shim_core::canonical::{Block, DiagnosticCode, FinishReason, Request};
use openai_shim_core::dialect::{DIALECTS, Dialect, dialect};
use openai_shim_core::error::Misuse;
use openai_shim_core::exchange::{ClientRequest, FallbackPolicy, Report, Settings, Target};
use openai_shim_core::state::Owner;
use openai_shim_core::{Context, Error, Exchange, Outcome, Profile, Step, UpstreamError, profile};

const BODY: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
const STREAMED: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

/// What an upstream does with a request.
#[derive(Clone)]
enum Reaction {
    Status(u16, &'static str),
    Body(Vec<u8>),
    Unreachable,
    Late,
    /// A stream that begins in order and breaks off.
    BreaksOff(Vec<u8>),
}

fn chat() -> Dialect {
    dialect("openai-chat").unwrap()
}

fn upstream_of(dialect: Dialect) -> Profile {
    let mut upstream = profile("compatible").unwrap();
    dialect.name().clone_into(&mut upstream.dialect);
    upstream
}

fn answer(upstream: Dialect, text: &str, stream: bool) -> Vec<u8> {
    written(upstream, &response_of(vec![Block::text(text)], FinishReason::Stop), &Request::default(), stream)
}

fn settings(attempts: u32) -> Settings {
    let mut settings = Settings::default();
    settings.retry.attempts = attempts;
    settings.fallback.when = FallbackPolicy::Never;
    settings
}

/// What came of an exchange.
struct Served {
    /// Target and path of each request.
    sent: Vec<(usize, String)>,
    status: u16,
    body: String,
    report: Report,
}

fn serve(body: &str, settings: Settings, targets: Vec<(Target, Reaction)>) -> Served {
    let client_request = ClientRequest::read(chat(), "", body.to_owned().into()).unwrap();
    let (targets, reactions): (Vec<_>, Vec<_>) = targets.into_iter().unzip();
    let mut exchange = Exchange::start(client_request, targets, settings, Context::fixed()).unwrap();
    let (mut sent, mut out) = (Vec::new(), Vec::new());
    while let Step::Send { request, target, .. } = exchange.next() {
        sent.push((target, request.uri().path().to_owned()));
        let (status, bytes) = match reactions[target].clone() {
            Reaction::Unreachable => {
                exchange.fail(UpstreamError::transport("No route to host."), &mut out).unwrap();
                continue;
            }
            Reaction::Late => {
                exchange.fail(UpstreamError::timeout("It took too long."), &mut out).unwrap();
                continue;
            }
            Reaction::BreaksOff(bytes) => {
                exchange.head(StatusCode::OK, &HeaderMap::new()).unwrap();
                exchange.push(&bytes, &mut out).unwrap();
                exchange.fail(UpstreamError::transport("Connection lost."), &mut out).unwrap();
                continue;
            }
            Reaction::Status(status, body) => (status, body.as_bytes().to_vec()),
            Reaction::Body(body) => (200, body),
        };
        exchange.head(StatusCode::from_u16(status).unwrap(), &HeaderMap::new()).unwrap();
        for chunk in bytes.chunks(7) {
            exchange.push(chunk, &mut out).unwrap();
        }
        exchange.finish(&mut out).unwrap();
    }
    let status = exchange.response_head().unwrap().status.as_u16();
    let body = String::from_utf8(out).unwrap();
    Served { sent, status, body, report: exchange.into_report() }
}

fn target(dialect: &Dialect) -> Target {
    Target::new(upstream_of(*dialect))
}

#[test]
fn next_target_answers_in_its_own_dialect_whatever_the_first_one_did() {
    let failures = [
        Reaction::Unreachable,
        Reaction::Late,
        Reaction::Status(500, "{}"),
        Reaction::Status(503, "<html>busy</html>"),
        Reaction::Status(429, r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#),
        Reaction::Status(401, r#"{"error":{"message":"bad key"}}"#),
        Reaction::Status(402, r#"{"error":{"message":"no credits"}}"#),
        Reaction::Status(404, r#"{"error":{"message":"no such model","code":"model_not_found"}}"#),
        Reaction::Status(
            400,
            r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","code":"context_length_exceeded"}}"#,
        ),
        Reaction::Body(Vec::new()),
        Reaction::Body(b"<!DOCTYPE html><html><body>Welcome</body></html>".to_vec()),
        Reaction::Body(br#"{"error":{"message":"overloaded","code":503}}"#.to_vec()),
        Reaction::Body(br#"{"choices":["#.to_vec()),
    ];
    for failure in failures {
        for upstream in DIALECTS {
            for (body, stream) in [(BODY, false), (STREAMED, true)] {
                let second = Reaction::Body(answer(*upstream, "from the second", stream));
                let first = (target(&chat()), failure.clone());
                let served = serve(body, settings(3), vec![first, (target(upstream), second)]);
                let targets: Vec<_> = served.sent.iter().map(|(target, _)| *target).collect();
                // A refusal may first be sent again without what the client did not send.
                assert_eq!(targets.last(), Some(&1), "{}", served.body);
                assert!(targets[..targets.len() - 1].iter().all(|target| *target == 0) && targets.len() <= 3);
                assert_eq!(
                    (served.status, served.report.outcome),
                    (200, Outcome::Complete),
                    "{}",
                    served.body
                );
                assert!(served.body.contains("from the second"), "{}", served.body);
                assert!(served.report.diagnostics.has(DiagnosticCode::FailedOver));
                let attempts = &served.report.attempts;
                assert!(attempts[0].error.is_some() && attempts.last().unwrap().error.is_none());
                assert_eq!(attempts.last().unwrap().status, Some(200));
            }
        }
    }
}

#[test]
fn fault_of_the_client_is_told_at_once() {
    let refusal = r#"{"error":{"message":"`messages` must not be empty.","type":"invalid_request_error"}}"#;
    let second = Reaction::Body(answer(chat(), "never", false));
    let served = serve(
        BODY,
        settings(3),
        vec![(target(&chat()), Reaction::Status(400, refusal)), (target(&chat()), second)],
    );
    assert_eq!((served.status, served.sent.len()), (400, 1), "{}", served.body);
    assert!(!served.report.diagnostics.has(DiagnosticCode::FailedOver));
}

#[test]
fn last_target_is_asked_again_and_its_error_is_the_answer() {
    let all = vec![
        (target(&chat()), Reaction::Status(500, "{}")),
        (target(&chat()), Reaction::Unreachable),
        (target(&chat()), Reaction::Status(503, r#"{"error":{"message":"the last one is busy"}}"#)),
    ];
    let served = serve(BODY, settings(2), all);
    let targets: Vec<_> = served.sent.iter().map(|(target, _)| *target).collect();
    assert_eq!(targets, [0, 1, 2, 2]);
    assert_eq!(served.status, 503);
    assert!(served.body.contains("the last one is busy"), "{}", served.body);
    let statuses: Vec<_> = served.report.attempts.iter().map(|attempt| attempt.status).collect();
    assert_eq!(statuses, [Some(500), None, Some(503), Some(503)]);
}

#[test]
fn stream_that_has_begun_stays_with_its_target() {
    let whole = String::from_utf8(answer(chat(), "half an answer", true)).unwrap();
    let text = whole.find("half an answer").unwrap();
    let cut = text + whole[text..].find("\n\n").unwrap() + 2;
    let begun = Reaction::BreaksOff(whole.as_bytes()[..cut].to_vec());
    let second = Reaction::Body(answer(chat(), "never", true));
    let served = serve(STREAMED, settings(3), vec![(target(&chat()), begun), (target(&chat()), second)]);
    assert_eq!(served.sent.len(), 1);
    assert!(served.body.contains("half an answer") && !served.body.contains("never"), "{}", served.body);
    assert_ne!(served.report.outcome, Outcome::Complete);
}

#[test]
fn each_target_has_its_own_name_for_the_model_and_the_client_keeps_its_own() {
    let second = Reaction::Body(answer(chat(), "hello", false));
    let targets = vec![
        (target(&chat()).with_model("first-model"), Reaction::Status(500, "{}")),
        (target(&dialect("gemini").unwrap()).with_model("second-model"), Reaction::Status(500, "{}")),
        (target(&chat()).with_model("third-model"), second),
    ];
    let served = serve(BODY, settings(1), targets);
    assert_eq!(served.sent[1].1, "/models/second-model:generateContent");
    let body: serde_json::Value = serde_json::from_str(&served.body).unwrap();
    assert_eq!(body["model"], "m");
}

#[test]
fn target_that_cannot_take_the_request_is_passed_over() {
    let mut strict = settings(1);
    strict.loss_policy = openai_shim_core::exchange::LossPolicy::Strict;
    // A sampling parameter that the first target has no place for is a loss, which strict mode refuses.
    let mut without = upstream_of(chat());
    without.params.drop = Some(vec![String::from("seed")]);
    let body = r#"{"model":"m","seed":7,"messages":[{"role":"user","content":"hi"}]}"#;
    let alone = ClientRequest::read(chat(), "", body.into()).unwrap();
    let refused = Exchange::start(alone, without.clone(), strict.clone(), Context::fixed());
    assert!(matches!(refused, Err(Error::Unsupported(_))));
    let second = Reaction::Body(answer(chat(), "hello", false));
    let targets =
        vec![(Target::new(without), Reaction::Status(500, "{}")), (Target::new(upstream_of(chat())), second)];
    let served = serve(body, strict, targets);
    assert_eq!(served.sent.iter().map(|(target, _)| *target).collect::<Vec<_>>(), [1]);
    assert_eq!(served.status, 200);
}

#[test]
fn no_target_is_a_misuse() {
    let client_request = ClientRequest::read(chat(), "", BODY.into()).unwrap();
    let started = Exchange::start(client_request, Vec::new(), Settings::default(), Context::fixed());
    assert_eq!(started.unwrap_err(), Error::Misuse(Misuse::NoTarget));
}

#[test]
fn target_after_the_first_loads_the_state_of_its_own() {
    let history = r#"{"model":"m","messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"hello"},{"role":"user","content":"more"}]}"#;
    let client_request = ClientRequest::read(chat(), "", history.into()).unwrap().with_owner(Owner::single());
    let targets = vec![target(&chat()), target(&dialect("anthropic-messages").unwrap())];
    let mut exchange = Exchange::start(client_request, targets, settings(1), Context::fixed()).unwrap();
    let (mut loaded, mut out, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        match exchange.next() {
            Step::Load(keys) => {
                loaded.push(keys.clone());
                exchange.provide(vec![None; keys.len()]).unwrap();
            }
            Step::Send { target, .. } => {
                sent.push(target);
                exchange.fail(UpstreamError::transport("No route to host."), &mut out).unwrap();
            }
            Step::Store(_) => {}
            _ => break,
        }
    }
    assert_eq!(sent, [0, 1]);
    assert_eq!(loaded.len(), 2);
    assert_ne!(loaded[0], loaded[1]);
}

#[test]
fn prompt_that_is_too_long_passes_over_targets_that_take_no_more() {
    let too_long = Reaction::Status(
        400,
        r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","code":"context_length_exceeded"}}"#,
    );
    let answers = Reaction::Body(answer(chat(), "from the large one", false));
    let all = vec![
        (target(&chat()).with_context_tokens(8192), too_long),
        (target(&chat()).with_context_tokens(8192), answers.clone()),
        (target(&chat()).with_context_tokens(4096), answers.clone()),
        (target(&chat()).with_context_tokens(128_000), answers),
    ];
    let served = serve(BODY, settings(1), all);
    assert_eq!(served.sent.last().unwrap().0, 3, "{}", served.body);
    assert!(served.sent.iter().all(|(target, _)| [0, 3].contains(target)));
}

#[test]
fn request_is_sent_again_with_another_key_and_not_for_ever() {
    let client_request = ClientRequest::read(chat(), "", BODY.into()).unwrap();
    let targets = vec![target(&chat()), target(&chat())];
    let mut exchange = Exchange::start(client_request, targets, settings(1), Context::fixed()).unwrap();
    let (mut sent, mut out) = (Vec::new(), Vec::new());
    while let Step::Send { target, after, .. } = exchange.next() {
        assert!(after.is_zero());
        sent.push(target);
        if target == 0 {
            exchange.set_has_other_key();
            exchange.head(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new()).unwrap();
        } else {
            exchange.head(StatusCode::OK, &HeaderMap::new()).unwrap();
            exchange.push(&answer(chat(), "hello", false), &mut out).unwrap();
        }
        exchange.finish(&mut out).unwrap();
    }
    assert_eq!((sent.iter().filter(|target| **target == 0).count(), sent.last()), (17, Some(&1)));
    assert_eq!(exchange.into_report().outcome, Outcome::Complete);
}
