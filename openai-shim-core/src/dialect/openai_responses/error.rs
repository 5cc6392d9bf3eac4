//! Errors: OpenAI's envelope, and this dialect's events for it.
//!
//! <https://platform.openai.com/docs/guides/error-codes>, and for streams
//! <https://platform.openai.com/docs/api-reference/responses-streaming/error>

use super::super::openai_error::{ErrorForm, error_form};
use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::error::{Error, ErrorKind, StatusError, UpstreamError};
use crate::json::{Object, ValueKind, encode_string, raw, string_or_json, value_kind};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::time::Duration;

/// Writes an error in OpenAI's envelope, with its status.
pub(super) fn encode(error: &Error) -> (StatusCode, Bytes) {
    let status = match error {
        Error::Upstream(UpstreamError::Status(e)) => e.status,
        other => error_form(other.kind()).status,
    };
    let status = StatusCode::from_u16(status)
        .ok()
        .filter(|s| s.is_client_error() || s.is_server_error())
        .unwrap_or(StatusCode::BAD_GATEWAY);
    let mut outer = Object::new();
    outer.set("error", inner(error).to_json());
    (status, Bytes::from(outer.to_json()))
}

fn inner(error: &Error) -> Object<'static> {
    let ErrorForm { mut error_type, code: default_code, .. } = error_form(error.kind());
    let mut object = Object::new();
    object.set("message", encode_string(&error.to_string()));
    let mut extra: &[(String, Box<serde_json::value::RawValue>)] = &[];
    if let Error::Upstream(UpstreamError::Status(e)) = error {
        error_type = e.error_type.as_deref().unwrap_or(error_type);
        extra = &e.extra;
    }
    object.set("type", encode_string(error_type));
    object.set("param", error.param().map_or_else(|| String::from("null"), encode_string));
    object.set("code", error.code().or(default_code).map_or_else(|| String::from("null"), encode_string));
    for (key, value) in extra {
        object.set(key.clone(), value.get().to_owned());
    }
    object.into_owned()
}

/// The `error` event. Its members stand in it by themselves, as the reference says, and under `error` besides, as OpenAI
/// sends them and its SDKs read them.
pub(super) fn event(error: &Error, sequence: u64) -> String {
    let inner = inner(error);
    let mut object = Object::new();
    object.set("type", "\"error\"");
    object.set("sequence_number", sequence.to_string());
    for key in ["code", "message", "param"] {
        object.set(key, inner.get(key).unwrap_or("null").to_owned());
    }
    object.set("error", inner.to_json());
    object.to_json()
}

/// Code and message of the error in a response object. Its codes are few; but what a client must tell apart has the code
/// under which OpenAI sends it there, although its own schema does not list it.
pub(super) fn failed(error: &Error) -> (&'static str, String) {
    let code = match error.kind() {
        ErrorKind::RateLimited => "rate_limit_exceeded",
        ErrorKind::Quota => "insufficient_quota",
        ErrorKind::ContextLength => "context_length_exceeded",
        ErrorKind::InvalidRequest | ErrorKind::ContentFiltered | ErrorKind::TooLarge => "invalid_prompt",
        _ => "server_error",
    };
    (code, error.to_string())
}

/// Reads an error answer: its status, its headers and whatever body it has.
pub(super) fn decode(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    diagnostics: &mut Diagnostics,
) -> UpstreamError {
    let trimmed = body.trim_ascii();
    let mut error = match Object::parse(trimmed).ok().and_then(|object| read(&object)) {
        Some((error, own)) => {
            if !own {
                diagnostics.record(DiagnosticCode::ErrorReshaped, "error", "");
            }
            error
        }
        None => {
            diagnostics.record(DiagnosticCode::ErrorReshaped, "error", "no JSON error");
            let reason = status.canonical_reason().unwrap_or("error");
            let message = format!(
                "The upstream answered {} ({reason}) without an error that can be read.",
                status.as_u16()
            );
            StatusError::new(status.as_u16(), ErrorKind::Upstream, message)
        }
    };
    error.status = match status.as_u16() {
        500 | 502 if is_context_overflow(&error) => 400,
        529 => 503,
        status => status,
    };
    if error.status != status.as_u16() {
        diagnostics.record(
            DiagnosticCode::StatusPromoted,
            "",
            &format!("{} to {}", status.as_u16(), error.status),
        );
    }
    error.kind = kind(&error);
    let header =
        |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).and_then(|v| v.trim().parse().ok());
    let seconds: Option<f64> =
        header("retry-after-ms").map(|ms: f64| ms / 1000.0).or_else(|| header("retry-after"));
    error.retry_after = seconds.and_then(|s| Duration::try_from_secs_f64(s).ok());
    UpstreamError::Status(Box::new(error))
}

/// Reads an error that came inside a successful answer or a stream: an `error` event, or the error of a failed response.
pub(super) fn in_body(object: &Object<'_>) -> Option<UpstreamError> {
    let (mut error, _) = read(object)?;
    let stated = error.code.as_deref().and_then(|c| c.parse::<u16>().ok());
    let words = format!(
        "{} {}",
        error.code.as_deref().unwrap_or_default(),
        error.error_type.as_deref().unwrap_or_default()
    );
    error.status = match stated.filter(|c| (400..600).contains(c)) {
        Some(status) => status,
        None if is_context_overflow(&error) => 400,
        None if words.contains("rate_limit") || words.contains("insufficient_quota") => 429,
        None if words.contains("invalid_prompt") || words.contains("invalid_request") => 400,
        None if words.contains("authentication") || words.contains("invalid_api_key") => 401,
        None if words.contains("not_found") => 404,
        None if words.contains("overloaded") || words.contains("slow_down") => 503,
        None => 502,
    };
    error.kind = kind(&error);
    Some(UpstreamError::Status(Box::new(error)))
}

/// Reads an error object, whatever envelope it came in; with it whether that was OpenAI's.
fn read(object: &Object<'_>) -> Option<(StatusError, bool)> {
    let mut error = StatusError::new(502, ErrorKind::Upstream, "");
    let mut own = true;
    match object.non_null("error") {
        Some(inner) if value_kind(inner) == ValueKind::Object => {
            let inner = Object::parse(inner.as_bytes()).ok()?;
            members(&inner, &mut error);
        }
        Some(inner) if value_kind(inner) == ValueKind::String => {
            members(object, &mut error);
            error.message = string_or_json(inner).into_owned();
            own = false;
        }
        _ => {
            members(object, &mut error);
            own = object.str("type").as_deref() == Some("error");
            let detail = object.get("detail").map(|d| string_or_json(d).into_owned());
            if let (true, Some(detail)) = (error.message.is_empty(), detail) {
                error.message = detail;
            }
            if error.message.is_empty() && error.code.is_none() && !own {
                return None;
            }
        }
    }
    if error.message.is_empty() {
        error.message = String::from("The upstream reported an error without a message.");
    }
    Some((error, own))
}

/// Takes the members of an error object, whatever their types.
fn members(object: &Object<'_>, error: &mut StatusError) {
    for (key, value) in object.iter() {
        let said = || Some(string_or_json(value).into_owned()).filter(|s| !s.is_empty());
        match key {
            "message" => error.message = string_or_json(value).into_owned(),
            "type" if value.trim() != "\"error\"" => error.error_type = said(),
            "code" => error.code = said(),
            "param" => error.param = said(),
            "failed_generation" | "metadata" => error.extra.push((key.to_owned(), raw(value))),
            _ => {}
        }
    }
}

fn is_context_overflow(error: &StatusError) -> bool {
    const WORDINGS: [&str; 5] = [
        "maximum context length",
        "context window",
        "context size",
        "prompt is too long",
        "input is too long",
    ];
    let message = error.message.to_lowercase();
    error.code.as_deref().is_some_and(|code| code.contains("context_length"))
        || WORDINGS.iter().any(|words| message.contains(words))
}

fn kind(error: &StatusError) -> ErrorKind {
    let said = |word: &str| error.code.as_deref() == Some(word) || error.error_type.as_deref() == Some(word);
    if is_context_overflow(error) {
        return ErrorKind::ContextLength;
    }
    if said("insufficient_quota") || error.status == 402 {
        return ErrorKind::Quota;
    }
    if said("content_filter") {
        return ErrorKind::ContentFiltered;
    }
    match error.status {
        401 => ErrorKind::Authentication,
        403 => ErrorKind::Permission,
        404 => ErrorKind::NotFound,
        408 | 504 => ErrorKind::Timeout,
        413 => ErrorKind::TooLarge,
        429 => ErrorKind::RateLimited,
        503 => ErrorKind::Overloaded,
        400..=499 => ErrorKind::InvalidRequest,
        _ => ErrorKind::Upstream,
    }
}
