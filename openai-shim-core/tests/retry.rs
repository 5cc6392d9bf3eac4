//! When a request is retried, gets a fallback response, or fails.

mod common;

use common::chat;
use openai_shim_core::exchange::{ClientRequest, FallbackPolicy, Settings};
use openai_shim_core::{Context, Exchange, Outcome, Step, UpstreamError, profile};
use std::time::Duration;

fn exchange(stream: bool, settings: Settings) -> Exchange {
    let body = format!(r#"{{"model":"m","stream":{stream},"messages":[{{"role":"user","content":"hi"}}]}}"#);
    let incoming = ClientRequest::read(chat(), "", body.into()).unwrap();
    Exchange::start(incoming, profile("compatible").unwrap(), settings, Context::fixed()).unwrap()
}

fn settings(attempts: u32, when: FallbackPolicy) -> Settings {
    let mut settings = Settings::default();
    settings.retry.attempts = attempts;
    settings.fallback.when = when;
    settings
}

/// Answers the next attempt with a non-streaming response; returns how long the attempt had to wait.
fn answer(
    exchange: &mut Exchange,
    status: u16,
    headers: &[(&'static str, &str)],
    body: &str,
    out: &mut Vec<u8>,
) -> Duration {
    let Step::Send { after, .. } = exchange.next() else { panic!("nothing is to be sent") };
    let mut map = http::HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, value.parse().unwrap());
    }
    exchange.head(http::StatusCode::from_u16(status).unwrap(), &map).unwrap();
    exchange.push(body.as_bytes(), out).unwrap();
    exchange.finish(out).unwrap();
    after
}

const EMPTY: &str = r#"{"choices":[]}"#;

#[test]
fn empty_response_is_retried_after_the_backoff_then_gets_a_fallback() {
    for stream in [false, true] {
        let (mut exchange, mut out) = (exchange(stream, settings(3, FallbackPolicy::Empty)), Vec::new());
        assert_eq!(answer(&mut exchange, 200, &[], EMPTY, &mut out), Duration::ZERO);
        assert_eq!(answer(&mut exchange, 200, &[], "<html>", &mut out), Duration::from_secs(1));
        assert!(out.is_empty() && exchange.response_head().is_none());
        assert_eq!(answer(&mut exchange, 200, &[], EMPTY, &mut out), Duration::from_secs(2));
        assert!(matches!(exchange.next(), Step::Done));
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("\"id\":\"fallback-") && text.contains("\"stop\""), "{text}");
        assert_eq!(text.contains("data: [DONE]"), stream);
        assert_eq!(exchange.response_head().unwrap().status, 200);
        assert_eq!((exchange.report().outcome, exchange.report().attempts.len()), (Outcome::Fallback, 3));
        assert_eq!(exchange.report().usage.unwrap().total(), 0);
    }
}

#[test]
fn empty_response_without_a_fallback_is_a_502() {
    let (mut exchange, mut out) = (exchange(false, settings(1, FallbackPolicy::Never)), Vec::new());
    answer(&mut exchange, 200, &[], EMPTY, &mut out);
    assert!(matches!(exchange.next(), Step::Done));
    assert_eq!(exchange.response_head().unwrap().status, 502);
    assert!(String::from_utf8(out).unwrap().contains("empty_completion"));
    assert_eq!(exchange.report().outcome, Outcome::Empty);
}

#[test]
fn error_becomes_a_fallback_response_only_under_policy_always() {
    for (when, outcome) in
        [(FallbackPolicy::Empty, Outcome::Errored), (FallbackPolicy::Always, Outcome::Fallback)]
    {
        let (mut exchange, mut out) = (exchange(false, settings(1, when)), Vec::new());
        answer(&mut exchange, 500, &[], r#"{"error":"boom"}"#, &mut out);
        assert!(matches!(exchange.next(), Step::Done));
        assert_eq!(exchange.report().outcome, outcome);
        assert!(String::from_utf8(out).unwrap().contains("boom"));
    }
}

#[test]
fn client_error_is_not_retried() {
    for status in [400, 401, 403, 404, 413, 422] {
        let (mut exchange, mut out) = (exchange(false, settings(5, FallbackPolicy::Empty)), Vec::new());
        answer(&mut exchange, status, &[], "{}", &mut out);
        assert!(matches!(exchange.next(), Step::Done), "{status}");
        assert_eq!(exchange.response_head().unwrap().status, status);
    }
}

#[test]
fn retry_after_is_honoured_or_passed_on_if_too_long() {
    let (mut exchange, mut out) = (exchange(false, settings(3, FallbackPolicy::Empty)), Vec::new());
    answer(&mut exchange, 429, &[("retry-after", "7")], "{}", &mut out);
    assert_eq!(answer(&mut exchange, 429, &[("retry-after", "31")], "{}", &mut out), Duration::from_secs(7));
    assert!(matches!(exchange.next(), Step::Done));
    let reply = exchange.response_head().unwrap();
    assert_eq!((reply.status.as_u16(), reply.headers["retry-after"].to_str().unwrap()), (429, "31"));
}

#[test]
fn failed_connection_is_retried_only_before_the_first_byte() {
    let (mut exchange, mut out) = (exchange(true, settings(2, FallbackPolicy::Empty)), Vec::new());
    exchange.next();
    exchange.fail(UpstreamError::transport("refused"), &mut out).unwrap();
    let Step::Send { .. } = exchange.next() else { panic!() };
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    exchange.push(b"data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n", &mut out).unwrap();
    assert!(exchange.response_head().is_some() && !out.is_empty());
    exchange.fail(UpstreamError::transport("reset"), &mut out).unwrap();
    assert!(matches!(exchange.next(), Step::Done));
    assert_eq!(exchange.report().outcome, Outcome::Truncated);
    assert!(String::from_utf8(out).unwrap().contains("stream_truncated"));
}

#[test]
fn no_output_precedes_the_first_meaningful_event() {
    let (mut exchange, mut out) = (exchange(true, settings(1, FallbackPolicy::Empty)), Vec::new());
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    exchange
        .push(
            b": hello\n\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
            &mut out,
        )
        .unwrap();
    assert!(out.is_empty() && exchange.response_head().is_none());
    exchange.push(b"data: {\"error\":{\"message\":\"busy\",\"code\":503}}\n\n", &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    assert_eq!(exchange.response_head().unwrap().status, 503);
    assert!(out.starts_with(b"{\"error\""));
}

#[test]
fn strict_mode_rejects_what_lenient_mode_drops() {
    use openai_shim_core::exchange::LossPolicy;
    let body = br#"{"model":"m","logit_bias":{"1":1},"messages":[{"role":"user","content":"hi"}]}"#;
    let read = || ClientRequest::read(chat(), "", body.to_vec().into()).unwrap();
    let upstream_profile = profile("ollama").unwrap();
    let lenient =
        Exchange::start(read(), upstream_profile.clone(), Settings::default(), Context::fixed()).unwrap();
    assert!(
        lenient
            .report()
            .diagnostics
            .iter()
            .any(|d| d.to_string().contains("param-dropped") && d.path == "logit_bias")
    );
    let mut strict = Settings::default();
    strict.loss_policy = LossPolicy::Strict;
    let error = Exchange::start(read(), upstream_profile.clone(), strict, Context::fixed()).unwrap_err();
    assert_eq!(error.param(), Some("logit_bias"));
    assert_eq!(chat().encode_error(&error).0, 400);
}
