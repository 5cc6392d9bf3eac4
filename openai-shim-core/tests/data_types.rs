//! Canonical types, diagnostics and reports are data: cloned, compared, and through JSON and back; words are printed and parsed.

mod common;

use common::{chat, fixtures};
use openai_shim_core::canonical::{
    Block, Delta, DiagnosticCode, Diagnostics, Event, ExtraFieldList, FinishReason, Message, Request,
    ResponseContext, ResponseSpec, Role, Severity, Usage, fold,
};
use openai_shim_core::error::{ErrorKind, Misuse};
use openai_shim_core::exchange::{ClientRequest, LossPolicy};
use openai_shim_core::framing::Framer;
use openai_shim_core::json::raw;
use openai_shim_core::state::{Owner, StateEntry, StateKey, StateKind};
use openai_shim_core::{Context, Error, Exchange, Outcome, PayloadKind, Report, UpstreamError, profile};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::{Debug, Display};
use std::str::FromStr;
use std::time::Duration;

fn through_json<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> T {
    let json = serde_json::to_string(value).unwrap();
    let read: T = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}\n{json}"));
    assert_eq!(&read, value, "{json}");
    read
}

#[test]
fn every_request_is_the_same_after_json_and_counts_as_changed() {
    let mut read = 0;
    for fixture in fixtures(&[PayloadKind::Request]) {
        let path = fixture.dialect.endpoints()[0].path.replace("{model}", "m");
        let Ok(request) = ClientRequest::read(fixture.dialect, &path, fixture.body.clone().into()) else {
            continue;
        };
        let again = through_json(request.request());
        assert!(again.messages.iter().all(Message::is_changed) || again.messages.is_empty());
        assert!(again.messages.is_changed(), "no bytes of another payload can be sent in its place");
        read += 1;
    }
    assert!(read > 100, "{read}");
}

#[test]
fn every_streamed_event_and_the_response_are_the_same_after_json() {
    let spec = ResponseSpec::new(&Request::default(), &Context::fixed());
    let mut read = 0;
    for fixture in fixtures(&[PayloadKind::Stream]).into_iter().take(150) {
        let mut events = Vec::new();
        let context = ResponseContext::new(&Request::default(), Context::fixed());
        let (mut decoder, mut framer) = (fixture.dialect.decoder(&spec, &context), Framer::new(1 << 20));
        framer.push(&fixture.body, &mut |frame| decoder.frame(frame, &mut events)).unwrap();
        framer.finish(&mut |frame| decoder.frame(frame, &mut events));
        decoder.finish(&mut events);
        for event in &events {
            through_json(event);
        }
        if let Ok(response) = fold(&events) {
            through_json(&response);
        }
        read += 1;
    }
    assert!(read > 100, "{read}");
}

#[test]
fn reports_diagnostics_and_errors_are_the_same_after_json() {
    let body = br#"{"model":"m","messages":[{"role":"user","content":"hi"}],"logit_bias":{"1":2}}"#;
    let mut exchange = Exchange::new(chat(), profile("groq").unwrap(), Context::fixed(), body).unwrap();
    exchange.next();
    exchange.fail(UpstreamError::transport("The upstream is gone."), &mut Vec::new()).unwrap();
    let report: Report = through_json(exchange.report());
    assert!(!report.diagnostics.is_empty());
    through_json::<Diagnostics>(&report.diagnostics);
    for error in [
        Error::from(Misuse::RequestNotSent { called: "push" }),
        UpstreamError::Empty.into(),
        UpstreamError::timeout("It is late.").into(),
    ] {
        through_json(&error);
    }
    let key = StateKey::new(Owner::new("a"), StateKind::Turn, u128::MAX, "x");
    through_json(&key);
    through_json(&StateEntry::new(key, vec![0, 255], Duration::from_millis(1500)));
}

#[test]
fn what_only_one_dialect_defines_survives_json() {
    let native = Delta::Native { dialect: "gemini", key: "k".into(), raw: raw("1e2") };
    through_json(&Event::Delta { choice: 0, block: 1, delta: native });
    through_json(&Event::Extra {
        choice: Some(1),
        extra: ExtraFieldList::new("ollama-chat", vec![("a".into(), raw("{\"b\": 1.0}"))]),
    });
    through_json(&Event::Finish { choice: 0, reason: FinishReason::Unknown("odd".into()) });
    through_json(&Message::new(Role::User, vec![Block::Native { dialect: "gemini", raw: raw("[1.0]") }]));
    through_json(&Usage::new(1, 2));
}

/// Prints and parses every word; returns the error of another one.
fn check_words<T>(all: &[T]) -> String
where
    T: Copy + Display + FromStr + PartialEq + Debug + Serialize + DeserializeOwned,
    T::Err: std::error::Error,
{
    for word in all {
        let text = word.to_string();
        assert_eq!(text.parse::<T>().ok(), Some(*word), "{text}");
        assert_eq!(serde_json::to_string(word).unwrap(), format!("{text:?}"));
        through_json(word);
    }
    let error = "no-such-word".parse::<T>().err().unwrap().to_string();
    assert!(all.iter().all(|word| error.contains(&word.to_string())), "{error}");
    error
}

#[test]
fn words_are_printed_and_parsed_and_an_unknown_one_lists_those_that_are_known() {
    check_words(&PayloadKind::ALL);
    check_words(&Outcome::ALL);
    check_words(&ErrorKind::ALL);
    check_words(&Role::ALL);
    check_words(&StateKind::ALL);
    check_words(DiagnosticCode::ALL);
    check_words(&LossPolicy::ALL);
    let error = check_words(&Severity::ALL);
    assert_eq!(error, r#"there is no severity "no-such-word"; there are: info, warning, error"#);
}
