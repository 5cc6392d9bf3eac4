//! Error text of upstreams to status, kind, code and retry delay; private text is redacted.

mod common;

use common::{cases, chat};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use openai_shim_core::canonical::DiagnosticCode;
use openai_shim_core::error::StatusError;
use openai_shim_core::redact::{redact, redact_json};
use openai_shim_core::{Diagnostics, ErrorKind, PayloadKind, UpstreamError};
use proptest::prelude::*;
use std::time::Duration;

fn read(status: u16, headers: &[(&'static str, &str)], body: &str) -> StatusError {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect();
    let status = StatusCode::from_u16(status).unwrap();
    let error = chat().decode_error(status, &headers, body.as_bytes(), &mut Diagnostics::default());
    let UpstreamError::Status(error) = error else { panic!("{error:?}") };
    *error
}

fn error_body(message: &str) -> String {
    serde_json::json!({ "error": { "message": message } }).to_string()
}

#[test]
fn context_length_error_is_recognized_in_every_wording() {
    for message in [
        "This model's maximum context length is 10 tokens. However, your messages resulted in 12 tokens.",
        "This endpoint's maximum context length is 10 tokens.",
        "Your input exceeds the context window of this model",
        "prompt is too long: 12 tokens > 10 maximum",
        "Input is too long for requested model.",
        "The input token count (12) exceeds the maximum number of tokens allowed (10).",
        "This model's maximum prompt length is 10 but the request contains 12 tokens",
        "Please reduce the length of the messages or completion.",
        "request (12 tokens) exceeds the available context size (10 tokens), try increasing it",
        "The number of tokens to keep from the initial prompt is greater than the context length.",
        "prompt token count of 12 exceeds the limit of 10",
        "invalid params, context window exceeds limit",
        "Invalid request: Your request exceeded model token limit: 10",
        "Prompt contains 12 tokens and 0 draft tokens, too large for model with 10 maximum context length",
        "The input (12 tokens) is longer than the model's context length (10 tokens).",
        "the input length exceeds the context length",
        "prompt too long; exceeded max context length by 2 tokens",
        "Requested tokens (12) exceed context window of 10",
        "the rendered prompt is 12 tokens; the model context is 10",
        "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 10]",
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 10. Given: 12 `inputs` tokens",
        "input length and `max_tokens` exceed context limit: 12 + 2 > 10",
        "The total length of all messages is too long.",
    ] {
        for (status_sent, expected) in [(400, 400), (500, 400)] {
            // If the text mentions neither tokens nor context, a 500 remains a server error.
            let text = message.to_lowercase();
            if status_sent == 500 && !text.contains("token") && !text.contains("context") {
                continue;
            }
            let error = read(status_sent, &[], &error_body(message));
            let code = error.code.as_deref();
            assert_eq!((error.kind, error.status), (ErrorKind::ContextLength, expected), "{message}");
            assert_eq!(code, Some("context_length_exceeded"), "{message}");
        }
    }
    for (error_type, code) in [
        ("too_many_prompt_tokens", "400"),
        ("exceed_context_size_error", "400"),
        ("x", "context_length_exceeded"),
    ] {
        let body = format!(r#"{{"error":{{"message":"no","type":"{error_type}","code":"{code}"}}}}"#);
        assert_eq!(read(400, &[], &body).kind, ErrorKind::ContextLength, "{body}");
    }
    for (status, message) in [
        (429, "Rate limit reached on tokens per minute: please reduce the length of the messages"),
        (400, "`max_tokens` must be less than or equal to 10, less than the `context_window` for this model"),
        (400, "max_tokens is too large: 12. This model supports at most 10 completion tokens"),
        (
            413,
            "Request too large for model on tokens per minute (TPM): Limit 10, please reduce your message size",
        ),
        (500, "The input is too long for this teapot"),
    ] {
        assert_ne!(read(status, &[], &error_body(message)).kind, ErrorKind::ContextLength, "{message}");
    }
}

#[test]
fn status_that_contradicts_the_error_text_is_corrected() {
    for (status_sent, message, status, kind, code) in [
        (
            400,
            "API key not valid. Please pass a valid API key.",
            401,
            ErrorKind::Authentication,
            Some("invalid_api_key"),
        ),
        (400, "Incorrect API key provided.", 401, ErrorKind::Authentication, Some("invalid_api_key")),
        (
            400,
            "Your credit balance is too low to access the API.",
            429,
            ErrorKind::Quota,
            Some("insufficient_quota"),
        ),
        (400, "Model not found: nothing", 404, ErrorKind::NotFound, Some("model_not_found")),
        (400, "acme/nothing is not a valid model ID", 404, ErrorKind::NotFound, Some("model_not_found")),
        (
            404,
            "The model `nothing` does not exist or you do not have access to it.",
            404,
            ErrorKind::NotFound,
            Some("model_not_found"),
        ),
        (
            500,
            "Jinja Exception: Conversation roles must alternate user/assistant",
            400,
            ErrorKind::InvalidRequest,
            None,
        ),
        (500, "Cannot use both json_schema and grammar", 400, ErrorKind::InvalidRequest, None),
        (
            500,
            "image input is not supported - hint: you may need to provide the mmproj",
            400,
            ErrorKind::InvalidRequest,
            None,
        ),
        (500, "[json.exception.parse_error.101] parse error at line 1", 400, ErrorKind::InvalidRequest, None),
        (529, "Overloaded", 503, ErrorKind::Overloaded, None),
        (500, "Internal Server Error", 500, ErrorKind::Upstream, None),
        (400, "temperature is too hot", 400, ErrorKind::InvalidRequest, None),
        (400, "Content Exists Risk", 400, ErrorKind::ContentFiltered, Some("content_filter")),
    ] {
        let error = read(status_sent, &[], &error_body(message));
        assert_eq!((error.status, error.kind, error.code.as_deref()), (status, kind, code), "{message}");
    }
}

#[test]
fn error_without_a_status_gets_the_status_of_its_type() {
    for (error_type, status) in [
        ("invalid_request_error", 400),
        ("BadRequestError", 400),
        ("rate_limit_error", 429),
        ("RESOURCE_EXHAUSTED", 429),
        ("authentication_error", 401),
        ("permission_error", 403),
        ("not_found_error", 404),
        ("overloaded_error", 503),
        ("timeout_error", 504),
        ("odd", 502),
    ] {
        let body = format!(r#"{{"error":{{"message":"no","type":"{error_type}"}}}}"#);
        let mut answer = common::fixture(PayloadKind::Response, "bare");
        answer.body = body.clone().into_bytes();
        assert_eq!(answer.convert(chat()).status, Some(status), "{body}");
    }
}

#[test]
fn retry_delay_is_read_from_headers_and_body() {
    const NOW: (&str, &str) = ("date", "Wed, 21 Oct 2026 07:28:00 GMT");
    let plain = error_body("slow down");
    let google = r#"{"error":{"code":429,"message":"no","details":[{"@type":"x/Help"},{"@type":"x/google.rpc.RetryInfo","retryDelay":"34s"}]}}"#;
    for (headers, body, seconds) in [
        (&[("retry-after", "7")][..], plain.as_str(), Some(7.0)),
        (&[("retry-after-ms", "1500"), ("retry-after", "7")], &plain, Some(1.5)),
        (&[("retry-after", "1m30s")], &plain, Some(90.0)),
        (&[("retry-after", "Wed, 21 Oct 2026 07:28:05 GMT"), NOW], &plain, Some(5.0)),
        (&[("retry-after", "Wed, 21 Oct 2026 07:28:05 GMT")], &plain, None),
        (&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "6m0s")], &plain, Some(360.0)),
        (&[("x-ratelimit-remaining-tokens", "9"), ("x-ratelimit-reset-tokens", "6m0s")], &plain, None),
        (
            &[
                ("x-ratelimit-remaining-tokens", "0"),
                ("x-ratelimit-reset-tokens", "1.2s"),
                ("x-ratelimit-remaining-requests", "0"),
                ("x-ratelimit-reset-requests", "120ms"),
            ],
            &plain,
            Some(1.2),
        ),
        (
            &[
                ("anthropic-ratelimit-requests-remaining", "0"),
                ("anthropic-ratelimit-requests-reset", "2026-10-21T07:28:30Z"),
                NOW,
            ],
            &plain,
            Some(30.0),
        ),
        (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1792567690000"), NOW], &plain, Some(10.0)),
        (&[], google, Some(34.0)),
        (&[], r#"{"error":{"message":"no","retry_after":3}}"#, Some(3.0)),
        (&[], &error_body("Rate limit reached. Please try again in 7.66s. Visit …"), Some(7.66)),
        (&[], &error_body("Please retry in 58.5s."), Some(58.5)),
        (&[], &error_body("Please try again in 1m0.5s."), Some(60.5)),
        (&[], &error_body("Please retry after 20 seconds."), Some(20.0)),
        (&[], &error_body("Please try again later."), None),
        (&[("retry-after", "1e300")], &plain, None),
    ] {
        let expected = seconds.map(Duration::from_secs_f64);
        assert_eq!(read(429, headers, body).retry_after, expected, "{headers:?} {body}");
    }
    // An error that is not about a limit has no retry delay.
    assert_eq!(read(400, &[], &error_body("retry after 20 seconds")).retry_after, None);
}

#[test]
fn redacted_text_is_reported_but_not_quoted() {
    let body = error_body("GET http://10.0.0.3/v1 with sk-live-0123456789 at /srv/app/x.py");
    let mut diagnostics = Diagnostics::default();
    let error =
        chat().decode_error(StatusCode::BAD_GATEWAY, &HeaderMap::new(), body.as_bytes(), &mut diagnostics);
    assert_eq!(error.message(), "GET [address] with [key] at [path]");
    assert!(diagnostics.has(DiagnosticCode::SecretRedacted));
    assert!(
        diagnostics
            .iter()
            .all(|record| !record.to_string().contains("sk-") && !record.to_string().contains("/srv"))
    );
    let text = b"connect to 10.0.0.3:80 failed: /srv/app/x.py".as_slice();
    let error = chat().decode_error(StatusCode::BAD_GATEWAY, &HeaderMap::new(), text, &mut diagnostics);
    assert!(!error.to_string().contains("10.0.0.3") && !error.to_string().contains("/srv"), "{error}");
}

#[test]
fn failed_generation_is_kept_in_the_error() {
    let body = r#"{"error":{"message":"no","code":"tool_use_failed","failed_generation":"cat /home/ann/x"}}"#;
    let error = read(400, &[], body);
    assert_eq!(error.extra[0].1.as_str(), r#""cat /home/ann/x""#);
}

/// Fragments of private text, to be combined at random.
const FRAGMENTS: [&str; 20] = [
    "Bearer ",
    "sk-",
    "abcdef0123456789",
    "http://",
    "10.0.0.3",
    ":8000",
    "/home/",
    "/usr/lib/x",
    "C:\\",
    "key=",
    "\"",
    "\\",
    " ",
    ".",
    "@",
    "[",
    "]",
    "é",
    "\u{1F600}",
    "localhost",
];

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn redaction_never_panics_and_keeps_json_valid(
        bits in prop::collection::vec(prop_oneof![4 => prop::sample::select(&FRAGMENTS[..]).prop_map(str::to_owned), 1 => ".{0,6}"], 0..20),
    ) {
        let text = bits.concat();
        let covered = redact(&format!(" {text} sk-abcdef0123456789"));
        prop_assert!(covered.as_deref().is_some_and(|c| !c.ends_with("sk-abcdef0123456789")), "{:?}", covered);
        let json = serde_json::json!({ text.clone(): [text] }).to_string();
        let covered = redact_json(&json).unwrap_or(json);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&covered).is_ok(), "{}", covered);
    }

    #[test]
    fn decoding_any_error_body_does_not_panic(
        status in 100..999_u16,
        body in prop_oneof![
            ".{0,40}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..40),
            prop::collection::vec(prop::sample::select(&FRAGMENTS[..]), 0..20).prop_map(|bits| error_body(&bits.concat()).into_bytes()),
        ],
        wait in ".{0,20}",
    ) {
        let mut headers = HeaderMap::new();
        for name in ["retry-after", "date", "x-ratelimit-reset"] {
            if let Ok(value) = HeaderValue::from_str(&wait) {
                headers.insert(name, value);
            }
        }
        headers.insert("x-ratelimit-remaining", HeaderValue::from_static("0"));
        let status = StatusCode::from_u16(status).unwrap();
        let error = chat().decode_error(status, &headers, &body, &mut Diagnostics::default());
        prop_assert!(!error.to_string().is_empty());
    }
}
