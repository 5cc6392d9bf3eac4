//! Errors in every dialect's envelope: they are complete, and contain nothing private of the upstream's machine.

mod common;

use common::answer::converted;
use common::{chat, fixtures};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::error::{ClientError, StatusError, Unsupported};
use openai_shim_core::exchange::{ClientRequest, FallbackPolicy, Retry, Settings};
use openai_shim_core::{Context, Dialect, Error, ErrorKind, Exchange, PayloadKind, UpstreamError, profile};
use serde_json::Value;
use std::time::Duration;

/// One error of each variant, with `kind` where the kind is free.
fn failures(kind: ErrorKind) -> Vec<Error> {
    let mut status = StatusError::new(418, kind, "I am a \"teapot\"\n");
    status.code = Some(String::from("short_and_stout"));
    status.param = Some(String::from("messages[0].role"));
    vec![
        Error::Client(ClientError::new(kind, "what \"is\" wrong\n\u{7}").at("messages[0]")),
        Error::Client(ClientError::new(kind, "no field").with_code("own_code")),
        Error::Unsupported(Unsupported::new("n", "not here")),
        Error::Upstream(UpstreamError::Status(Box::new(status))),
        Error::Upstream(UpstreamError::Status(Box::new(StatusError::new(
            200,
            kind,
            "a success that is none",
        )))),
        Error::Upstream(UpstreamError::Status(Box::new(StatusError::new(999, kind, "no status at all")))),
        Error::Upstream(UpstreamError::Empty),
        Error::Upstream(UpstreamError::Truncated),
        Error::Upstream(UpstreamError::transport("refused")),
        Error::Upstream(UpstreamError::timeout("late")),
        Error::Upstream(UpstreamError::malformed("html")),
        Error::Upstream(UpstreamError::TooLarge { message: String::from("large") }),
    ]
}

#[test]
fn every_error_has_an_error_status_and_its_message_in_every_dialect() {
    for dialect in DIALECTS {
        for error in ErrorKind::ALL.into_iter().flat_map(failures) {
            let (status, body) = dialect.encode_error(&error);
            assert!((400..600).contains(&status.as_u16()), "{}: {status} for {error}", dialect.name());
            let value: Value = serde_json::from_slice(&body).unwrap();
            let message = serde_json::to_string(&error.message()).unwrap();
            assert!(value.to_string().contains(&message), "{}: {value}", dialect.name());
            let mut event = Vec::new();
            dialect.encode_stream_error(&error, &mut event);
            assert!(String::from_utf8(event).unwrap().contains(&message), "{}: {error}", dialect.name());
        }
    }
}

/// Checks OpenAI's envelope as its SDKs parse it.
fn assert_openai_envelope(body: &str) {
    let value: Value = serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {body}"));
    assert_eq!(value.as_object().unwrap().len(), 1, "{body}");
    let error = &value["error"];
    assert!(error["message"].as_str().is_some_and(|m| !m.trim().is_empty()), "{body}");
    assert!(error["type"].as_str().is_some_and(|t| !t.is_empty()), "{body}");
    for key in ["param", "code"] {
        let member = error.get(key).unwrap_or_else(|| panic!("no {key}: {body}"));
        assert!(member.is_null() || member.as_str().is_some_and(|m| !m.is_empty()), "{key}: {body}");
    }
}

#[test]
fn openai_envelope_has_four_members_with_their_types() {
    for error in ErrorKind::ALL.into_iter().flat_map(failures) {
        assert_openai_envelope(std::str::from_utf8(&chat().encode_error(&error).1).unwrap());
        let mut event = Vec::new();
        chat().encode_stream_error(&error, &mut event);
        let event = String::from_utf8(event).unwrap();
        let data = event.strip_prefix("data: ").and_then(|e| e.strip_suffix("\n\n")).unwrap();
        assert_openai_envelope(data);
        assert!(!data.contains('\n'), "{data}");
    }
}

#[test]
fn status_class_shows_who_is_at_fault() {
    let status = |kind| chat().encode_error(&Error::Client(ClientError::new(kind, "x"))).0.as_u16();
    for (kind, expected) in [
        (ErrorKind::InvalidRequest, 400),
        (ErrorKind::Authentication, 401),
        (ErrorKind::Permission, 403),
        (ErrorKind::NotFound, 404),
        (ErrorKind::TooLarge, 413),
        (ErrorKind::RateLimited, 429),
        (ErrorKind::Quota, 429),
        (ErrorKind::ContextLength, 400),
        (ErrorKind::ContentFiltered, 400),
        (ErrorKind::Unsupported, 400),
        (ErrorKind::Overloaded, 503),
        (ErrorKind::Timeout, 504),
        (ErrorKind::Empty, 502),
        (ErrorKind::Truncated, 502),
        (ErrorKind::Upstream, 502),
        (ErrorKind::Internal, 500),
    ] {
        assert_eq!(status(kind), expected, "{kind:?}");
    }
}

#[test]
fn invalid_request_error_names_the_field() {
    for (name, param) in [
        ("neither_prompt_nor_messages", "messages"),
        ("messages_not_a_list", "messages"),
        ("messages_empty", "messages"),
        ("message_not_an_object", "messages[0]"),
        ("role_missing", "messages[0].role"),
        ("role_unknown", "messages[0].role"),
        ("content_a_number", "messages[0].content"),
        ("model_a_number", "model"),
        ("stream_a_text", "stream"),
        ("prompt_tokens", "prompt"),
    ] {
        let conversion = common::fixture(PayloadKind::Request, name).convert(chat());
        let body = String::from_utf8(conversion.body).unwrap();
        assert_openai_envelope(&body);
        let error = &serde_json::from_str::<Value>(&body).unwrap()["error"];
        assert_eq!((conversion.status, error["param"].as_str()), (Some(400), Some(param)), "{name}");
    }
}

#[test]
fn undecodable_request_body_is_a_client_error() {
    for name in ["array_body", "bad_json", "empty_body"] {
        let conversion = common::fixture(PayloadKind::Request, name).convert(chat());
        assert_eq!((conversion.ok, conversion.status), (false, Some(400)), "{name}");
        assert_openai_envelope(std::str::from_utf8(&conversion.body).unwrap());
    }
}

/// Text that must not leave the upstream's machine.
const PRIVATE: [&str; 8] =
    ["<html", "<HTML", "<!doctype", "/srv/", "10.0.0.3", "sk-live-0123456789", "Bearer ", "line 3"];

#[test]
fn pages_traces_and_keys_in_upstream_errors_are_redacted() {
    for fixture in fixtures(&[PayloadKind::Error]) {
        let conversion = fixture.convert(chat());
        let body = String::from_utf8(conversion.body).unwrap();
        assert_openai_envelope(&body);
        for private in PRIVATE {
            assert!(!body.contains(private), "{}: {body}", fixture.name);
        }
    }
}

#[test]
fn pages_traces_and_keys_in_errors_with_status_200_are_redacted() {
    for fixture in fixtures(&[PayloadKind::Error]).into_iter().filter(|f| !f.body.is_empty()) {
        for kind in [PayloadKind::Response, PayloadKind::Stream] {
            let mut success = fixture.clone();
            (success.kind, success.status) = (kind, Some(200));
            let conversion = success.convert(chat());
            assert!(!conversion.ok, "{}: {conversion}", fixture.name);
            assert!(conversion.status.unwrap() >= 400, "{}: {conversion}", fixture.name);
            let body = String::from_utf8(conversion.body).unwrap();
            assert_openai_envelope(&body);
            for private in PRIVATE {
                assert!(!body.contains(private), "{}: {body}", fixture.name);
            }
        }
    }
}

#[test]
fn diagnostics_never_quote_redacted_text() {
    for fixture in fixtures(&[PayloadKind::Error]) {
        let reported =
            fixture.convert(chat()).diagnostics.iter().map(ToString::to_string).collect::<String>();
        for private in PRIVATE {
            assert!(!reported.contains(private), "{}: {reported}", fixture.name);
        }
    }
    let private = "x".repeat(100_000);
    let body = format!(r#"{{"choices":[{{"message":{{"content":"a"}},"finish_reason":"{private}"}}]}}"#);
    let conversion = converted("openai-chat", "openai-chat", PayloadKind::Response, &body, None);
    assert!(conversion.diagnostics.iter().all(|d| d.to_string().len() < 400), "an unbounded diagnostic");
}

fn exchange(client: Dialect, stream: bool) -> Exchange {
    let body = format!(r#"{{"model":"m","stream":{stream},"messages":[{{"role":"user","content":"hi"}}]}}"#);
    let mut settings = Settings::default();
    (settings.retry, settings.fallback.when) = (Retry::none(), FallbackPolicy::Never);
    let incoming = ClientRequest::read(client, "", body.into()).unwrap();
    Exchange::start(incoming, profile("compatible").unwrap(), settings, Context::fixed()).unwrap()
}

#[test]
fn error_keeps_its_status_and_retry_after() {
    for stream in [false, true] {
        for (status, header, value, expected) in [
            (429, "retry-after", "7", "7"),
            (503, "retry-after", "Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT"),
            (429, "retry-after-ms", "1500", "2"),
            (429, "retry-after", "0", "0"),
        ] {
            let (mut exchange, mut out) = (exchange(chat(), stream), Vec::new());
            exchange.next();
            let mut headers = http::HeaderMap::new();
            headers.insert(header, value.parse().unwrap());
            headers.insert("x-ratelimit-remaining-tokens", "9".parse().unwrap());
            headers.insert("set-cookie", "session=secret".parse().unwrap());
            headers.insert("server", "nginx on 10.0.0.3".parse().unwrap());
            exchange.head(http::StatusCode::from_u16(status).unwrap(), &headers).unwrap();
            exchange.push(b"{\"error\":{\"message\":\"slow ", &mut out).unwrap();
            exchange.push(b"down\"}}", &mut out).unwrap();
            exchange.finish(&mut out).unwrap();
            let reply = exchange.response_head().unwrap();
            assert_eq!(reply.status.as_u16(), status);
            assert_eq!(reply.headers["retry-after"].to_str().unwrap(), expected, "{header}: {value}");
            assert_eq!(reply.headers["x-ratelimit-remaining-tokens"], "9");
            assert_eq!(reply.headers["content-type"], "application/json");
            assert!(!reply.headers.contains_key("set-cookie") && !reply.headers.contains_key("server"));
            let body = String::from_utf8(out).unwrap();
            assert_openai_envelope(&body);
            assert!(body.contains("slow down"), "{body}");
        }
    }
}

#[test]
fn invalid_retry_after_is_ignored() {
    for value in ["-5", "NaN", "inf", "1e300", "soon", ""] {
        let (mut exchange, mut out) = (exchange(chat(), false), Vec::new());
        exchange.next();
        let mut headers = http::HeaderMap::new();
        headers.insert("retry-after", value.parse().unwrap());
        exchange.head(http::StatusCode::TOO_MANY_REQUESTS, &headers).unwrap();
        exchange.finish(&mut out).unwrap();
        let error = exchange.response_head().unwrap().error.clone().unwrap();
        assert!(error.retry_after().is_none_or(|wait| wait < Duration::from_secs(1)), "{value}: {error:?}");
    }
}

#[test]
fn unexpected_status_is_an_upstream_error() {
    for status in [302, 304, 101] {
        let (mut exchange, mut out) = (exchange(chat(), true), Vec::new());
        exchange.next();
        exchange.head(http::StatusCode::from_u16(status).unwrap(), &http::HeaderMap::new()).unwrap();
        exchange.finish(&mut out).unwrap();
        assert_eq!(exchange.response_head().unwrap().status, 502, "{status}");
        assert_openai_envelope(std::str::from_utf8(&out).unwrap());
    }
}

/// Errors as programs print them: `?` and logs put one behind another.
#[test]
fn every_public_error_is_in_lower_case_and_has_no_full_stop() {
    use openai_shim_core::cassette::Cassette;
    use openai_shim_core::json::RawJson;
    use openai_shim_core::upstream::{BuildError, CallError, StateError};
    use openai_shim_core::{Misuse, Outcome};

    let sentences = [
        Error::Client(ClientError::unknown_model("x")),
        Error::Unsupported(Unsupported::new("n", "The upstream gives one answer at a time.")),
        Error::Upstream(UpstreamError::Empty),
        Error::Upstream(UpstreamError::Truncated),
        Error::Upstream(UpstreamError::transport("The upstream could not be reached.")),
        Error::Upstream(UpstreamError::failed("error", None)),
        Error::Upstream(UpstreamError::unreadable_part()),
    ];
    let mut texts: Vec<String> = sentences.iter().map(Error::to_string).collect();
    texts.extend(sentences.into_iter().map(|error| CallError::from(error).to_string()));
    let misuses = [
        Misuse::StateNotProvided { called: "push" },
        Misuse::RequestNotSent { called: "push" },
        Misuse::HeadMissing { called: "push" },
        Misuse::HeadRepeated,
        Misuse::ExchangeEnded { called: "push" },
        Misuse::NoTarget,
        Misuse::LoadNotPending,
        Misuse::WrongNumberOfValues { expected: 2, provided: 1 },
    ];
    texts.extend(misuses.map(|misuse| misuse.to_string()));
    texts.extend([BuildError::NoClock, BuildError::NoEntropy].map(|error| error.to_string()));
    texts.push(StateError::new("The store does not respond.").to_string());
    texts.push(RawJson::parse("{").unwrap_err().to_string());
    texts.push("x".parse::<Outcome>().unwrap_err().to_string());
    texts.push("x".parse::<Cassette>().unwrap_err().to_string());
    texts.push("x".parse::<Dialect>().unwrap_err().to_string());
    texts.push(profile("x").unwrap_err().to_string());
    texts.push(openai_shim_core::framing::FrameTooLarge { limit: 1 }.to_string());
    for text in texts {
        assert!(!text.starts_with(char::is_uppercase) || text.starts_with("JSON"), "{text}");
        assert!(!text.ends_with('.') && !text.is_empty(), "{text}");
    }
}
