//! Every method of an exchange, called in every phase in which another call is due: the error names the call, and nothing changes.

mod common;

use openai_shim_core::exchange::{ClientRequest, Retry, Settings};
use openai_shim_core::state::Owner;
use openai_shim_core::{Context, Error, Exchange, Misuse, Step, UpstreamError, profile};

const RESPONSE: &[u8] = br#"{"id":"a","choices":[{"message":{"role":"assistant","content":"hello"}}]}"#;

/// An exchange before its first call, with state to load or without.
fn start(has_state: bool, settings: Settings) -> Exchange {
    let messages = r#"[{"role":"user","content":"hi"},{"role":"assistant","content":"yes?"},{"role":"user","content":"well"}]"#;
    let body = format!(r#"{{"model":"m","messages":{messages}}}"#);
    let request = ClientRequest::read(common::chat(), "", body.into()).unwrap();
    let request = if has_state { request.with_owner(Owner::single()) } else { request };
    Exchange::start(request, profile("deepseek").unwrap(), settings, Context::fixed()).unwrap()
}

fn ready() -> Exchange {
    start(false, Settings::default())
}

fn head(exchange: &mut Exchange, status: u16) -> Result<(), Misuse> {
    exchange.head(http::StatusCode::from_u16(status).unwrap(), &http::HeaderMap::new())
}

fn sent() -> Exchange {
    let mut exchange = ready();
    assert!(matches!(exchange.next(), Step::Send { .. }));
    exchange
}

fn receiving() -> Exchange {
    let mut exchange = sent();
    head(&mut exchange, 200).unwrap();
    exchange
}

fn finished() -> Exchange {
    let mut exchange = receiving();
    let mut out = Vec::new();
    exchange.push(RESPONSE, &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    exchange
}

fn loading() -> (Exchange, usize) {
    let mut exchange = start(true, Settings::default());
    let Step::Load(keys) = exchange.next() else { panic!("nothing is to be loaded") };
    assert!(!keys.is_empty());
    (exchange, keys.len())
}

/// Calls `head`, `push`, `finish` and `fail`, as far as they are listed, and returns their misuses.
fn call(exchange: &mut Exchange, methods: &[&'static str]) -> Vec<Misuse> {
    let mut out = Vec::new();
    let misuses = methods.iter().map(|method| {
        let called = match *method {
            "head" => head(exchange, 200),
            "push" => exchange.push(RESPONSE, &mut out),
            "finish" => exchange.finish(&mut out),
            "fail" => exchange.fail(UpstreamError::transport("reset"), &mut out),
            other => panic!("{other}"),
        };
        called.unwrap_err()
    });
    let misuses = misuses.collect();
    assert!(out.is_empty(), "a misuse writes nothing");
    misuses
}

const ALL: [&str; 4] = ["head", "push", "finish", "fail"];

fn provide_misuse(exchange: &mut Exchange, values: usize) -> Misuse {
    match exchange.provide(vec![None; values]) {
        Err(Error::Misuse(misuse)) => misuse,
        other => panic!("{other:?}"),
    }
}

#[test]
fn before_the_state_is_provided_nothing_else_is_due() {
    let expected = ALL.map(|called| Misuse::StateNotProvided { called });
    let mut exchange = start(true, Settings::default());
    assert_eq!(call(&mut exchange, &ALL), expected);
    assert_eq!(provide_misuse(&mut exchange, 1), Misuse::LoadNotPending);
    let (mut exchange, expected_values) = loading();
    assert_eq!(call(&mut exchange, &ALL), expected);
    let wrong = Misuse::WrongNumberOfValues { expected: expected_values, provided: expected_values + 1 };
    assert_eq!(provide_misuse(&mut exchange, expected_values + 1), wrong);
    // Nothing has changed: the values are still due.
    exchange.provide(vec![None; expected_values]).unwrap();
    assert_eq!(provide_misuse(&mut exchange, expected_values), Misuse::LoadNotPending);
    assert!(matches!(exchange.next(), Step::Send { .. }));
}

#[test]
fn before_the_request_is_sent_there_is_no_response() {
    let mut exchange = ready();
    assert_eq!(call(&mut exchange, &ALL), ALL.map(|called| Misuse::RequestNotSent { called }));
    assert_eq!(provide_misuse(&mut exchange, 0), Misuse::LoadNotPending);
    assert!(matches!(exchange.next(), Step::Send { .. }));
    assert_eq!(exchange.report().attempts.len(), 1);
}

#[test]
fn a_response_begins_with_its_head() {
    let mut exchange = sent();
    let methods = ["push", "finish"];
    assert_eq!(call(&mut exchange, &methods), methods.map(|called| Misuse::HeadMissing { called }));
    assert_eq!(provide_misuse(&mut exchange, 0), Misuse::LoadNotPending);
    assert!(matches!(exchange.next(), Step::Await));
    head(&mut exchange, 200).unwrap();
}

#[test]
fn a_response_has_one_head() {
    for status in [200, 500] {
        let mut exchange = sent();
        head(&mut exchange, status).unwrap();
        assert_eq!(call(&mut exchange, &["head"]), [Misuse::HeadRepeated]);
        assert_eq!(provide_misuse(&mut exchange, 0), Misuse::LoadNotPending);
        assert!(matches!(exchange.next(), Step::Await));
        assert_eq!(exchange.report().upstream_status, Some(status));
    }
}

#[test]
fn nothing_follows_the_end_of_an_exchange() {
    let mut failed = sent();
    let mut settings = Settings::default();
    settings.retry = Retry::none();
    let mut without_retry = start(false, settings);
    without_retry.next();
    without_retry.fail(UpstreamError::timeout("late"), &mut Vec::new()).unwrap();
    failed.fail(UpstreamError::timeout("late"), &mut Vec::new()).unwrap();
    for mut exchange in [finished(), failed, without_retry] {
        let before = format!("{exchange:?}");
        assert_eq!(call(&mut exchange, &ALL), ALL.map(|called| Misuse::ExchangeEnded { called }));
        assert_eq!(provide_misuse(&mut exchange, 0), Misuse::LoadNotPending);
        assert_eq!(format!("{exchange:?}"), before);
        assert!(matches!(exchange.next(), Step::Done));
    }
}

#[test]
fn a_retry_is_sent_before_its_response_begins() {
    let mut exchange = sent();
    head(&mut exchange, 503).unwrap();
    exchange.finish(&mut Vec::new()).unwrap();
    assert_eq!(call(&mut exchange, &ALL), ALL.map(|called| Misuse::RequestNotSent { called }));
    assert!(matches!(exchange.next(), Step::Send { .. }));
}

#[test]
fn the_remaining_bytes_of_a_response_that_passed_a_limit_are_no_misuse() {
    let mut settings = Settings::default();
    settings.max_body_bytes = 10;
    let mut exchange = start(false, settings);
    exchange.next();
    head(&mut exchange, 200).unwrap();
    let mut out = Vec::new();
    exchange.push(RESPONSE, &mut out).unwrap();
    assert!(exchange.has_failed() && exchange.is_over() && !out.is_empty());
    let length = out.len();
    exchange.push(RESPONSE, &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    assert_eq!(out.len(), length);
    assert_eq!(exchange.finish(&mut out), Err(Misuse::ExchangeEnded { called: "finish" }));
    assert!(matches!(exchange.next(), Step::Done));
}

#[test]
fn a_misuse_says_what_was_called_and_what_was_due() {
    let messages: Vec<String> = [
        Misuse::StateNotProvided { called: "head" },
        Misuse::RequestNotSent { called: "push" },
        Misuse::HeadMissing { called: "finish" },
        Misuse::HeadRepeated,
        Misuse::ExchangeEnded { called: "fail" },
        Misuse::LoadNotPending,
        Misuse::WrongNumberOfValues { expected: 2, provided: 1 },
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    let expected = [
        "`head` was called before `provide`: call `next`, and answer its `Step::Load` with `provide` first",
        "`push` was called before the request was sent: call `next` and send its request first",
        "`finish` was called before `head`: hand in the status and headers of the response first",
        "`head` was called twice for one response: `push` its body, then call `finish` or `fail`",
        "`fail` was called after the exchange had ended: `next` returns `Step::Done`",
        "`provide` answers `Step::Load`, which was not the last step",
        "`provide` takes a value for each of the 2 keys of `Step::Load`, not 1",
    ];
    assert_eq!(messages, expected);
    // As an `Error` it is a fault of our own, and no client's.
    let error = Error::from(Misuse::HeadRepeated);
    assert_eq!(error.kind(), openai_shim_core::ErrorKind::Internal);
}
