//! Error responses and error lines: JSON or text to `UpstreamError`, and `Error` to `{"error": "…"}`.
//!
//! <https://docs.ollama.com/api/errors>

use super::super::openai_error::in_any_form;
use super::ndjson::write_line;
use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::error::{Error, ErrorKind, StatusError, UpstreamError};
use crate::json::{Object, ValueKind, decode_string, encode_string, raw, string_or_json, value_kind};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::borrow::Cow;
use std::time::Duration;

/// The status of each kind.
const STATUSES: &[(ErrorKind, u16)] = &[
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
];

/// Writes an error with its status.
pub(super) fn encode(error: &Error) -> (StatusCode, Bytes) {
    let status = match error {
        // Anthropic's status for overload.
        Error::Upstream(UpstreamError::Status(e)) if e.status == 529 => 503,
        Error::Upstream(UpstreamError::Status(e)) => e.status,
        other => STATUSES.iter().find(|(kind, _)| *kind == other.kind()).map_or(500, |(_, status)| *status),
    };
    let status = StatusCode::from_u16(status)
        .ok()
        .filter(|s| s.is_client_error() || s.is_server_error())
        .unwrap_or(StatusCode::BAD_GATEWAY);
    (status, Bytes::from(envelope(error)))
}

/// Writes an error as the last line of a stream.
pub(super) fn encode_in_stream(error: &Error, out: &mut Vec<u8>) {
    write_line(out, |out| out.extend_from_slice(envelope(error).as_bytes()));
}

fn envelope(error: &Error) -> String {
    let mut object = Object::new();
    object.set("error", encode_string(&error.message()));
    if let Error::Upstream(UpstreamError::Status(e)) = error {
        for (key, value) in e.extra.iter().filter(|(key, _)| key != "code") {
            object.set(key.as_str(), value.as_str());
        }
    }
    object.to_json()
}

/// Reads an error response.
pub(super) fn decode(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    diagnostics: &mut Diagnostics,
) -> UpstreamError {
    let trimmed = body.trim_ascii();
    let trimmed = trimmed.strip_prefix(b"data:").map_or(trimmed, <[u8]>::trim_ascii);
    let http_status = status.as_u16();
    let mut error = Object::parse(trimmed).ok().and_then(|object| read(&object)).unwrap_or_else(|| {
        diagnostics.record(DiagnosticCode::ErrorReshaped, "error", "no JSON error");
        StatusError::new(http_status, ErrorKind::Upstream, message_of_text(status, trimmed))
    });
    error.retry_after = headers
        .get("retry-after")
        .and_then(|v| v.to_str().ok()?.trim().parse::<f64>().ok())
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    error.status = http_status;
    error.kind = kind_of(&error);
    // A prompt that is too long is the client's error, whatever the status.
    if error.kind == ErrorKind::ContextLength && http_status >= 500 {
        error.status = 400;
        diagnostics.record(DiagnosticCode::StatusPromoted, "", &format!("{http_status} to 400"));
    }
    UpstreamError::Status(Box::new(error))
}

/// Reads an error in the body of a successful response or in a stream, in this API's form or another one; `None` if it is none.
pub(super) fn in_body(object: &Object<'_>, diagnostics: &mut Diagnostics) -> Option<UpstreamError> {
    let is_own = object.str("error").is_some_and(|error| !error.is_empty())
        && ["error_type", "type", "code"].iter().all(|key| object.get(key).is_none());
    if !is_own {
        return in_any_form(object, diagnostics);
    }
    let mut error = read(object)?;
    let status = ["status", "status_code"].iter().find_map(|key| object.u64(key));
    let status = status.and_then(|s| u16::try_from(s).ok()).filter(|s| (400..600).contains(s));
    error.status = status.unwrap_or_else(|| status_of_message(&error.message));
    error.kind = kind_of(&error);
    Some(UpstreamError::Status(Box::new(error)))
}

const NO_MESSAGE: &str = "The upstream reported an error without a message.";

fn read(object: &Object<'_>) -> Option<StatusError> {
    let value = ["error", "message", "detail"].iter().find_map(|key| object.non_null(key))?;
    let mut error = StatusError::new(502, ErrorKind::Upstream, "");
    match value_kind(value) {
        // A proxy before Ollama may use OpenAI's envelope.
        ValueKind::Object => {
            let inner = Object::parse(value.as_bytes()).ok()?;
            error.message = inner.get("message").map(|m| string_or_json(m).into_owned()).unwrap_or_default();
            error.error_type = inner.get("type").and_then(decode_string).map(Cow::into_owned);
            let code = inner.non_null("code").map(|c| string_or_json(c).into_owned());
            error.code = code.filter(|c| !c.is_empty());
            error.param = inner.get("param").and_then(decode_string).map(Cow::into_owned);
        }
        _ => {
            error.message = string_or_json(value).into_owned();
            // Links to sign in or to upgrade.
            let others = object.iter().filter(|(key, _)| *key == "signin_url" || *key == "upgrade_url");
            error.extra = others.map(|(key, value)| (key.to_owned(), raw(value))).collect();
        }
    }
    if error.message.is_empty() {
        error.message = String::from(NO_MESSAGE);
    }
    Some(error)
}

/// Returns one sentence about an error body that is not JSON.
fn message_of_text(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if first.is_empty() || first.starts_with(['<', '{', '[']) {
        return format!("The upstream answered with status {} and no readable error.", status.as_u16());
    }
    first.chars().take(300).collect()
}

fn is_context_overflow(message: &str) -> bool {
    const PHRASES: [&str; 6] = [
        "context length",
        "context window",
        "context size",
        "exceeds the available context",
        "prompt is too long",
        "prompt too long",
    ];
    PHRASES.iter().any(|phrase| message.contains(phrase))
}

fn status_of_message(message: &str) -> u16 {
    let message = message.to_lowercase();
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    if is_context_overflow(&message) || has(&["does not support", "invalid "]) {
        400
    } else if has(&["not found"]) {
        404
    } else if has(&["unauthorized"]) {
        401
    } else if has(&["rate limit", "too many requests", "usage limit"]) {
        429
    } else if has(&["server busy", "overloaded"]) {
        503
    } else {
        502
    }
}

fn kind_of(error: &StatusError) -> ErrorKind {
    let message = error.message.to_lowercase();
    if is_context_overflow(&message) {
        return ErrorKind::ContextLength;
    }
    if error.status == 400 && message.contains("does not support") {
        return ErrorKind::Unsupported;
    }
    ErrorKind::of_status(error.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_status() {
        for kind in ErrorKind::ALL {
            assert!(STATUSES.iter().any(|(k, _)| *k == kind), "{kind:?}");
        }
    }
}
