//! Error responses and `error` events: JSON or text to `UpstreamError`, and `Error` to an envelope or an `error` event.
//!
//! <https://docs.anthropic.com/en/api/errors>

use super::super::openai_error::in_any_form;
use super::super::text_body::describe_text_body;
use super::sse::write_event;
use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::error::{Error, ErrorKind, StatusError, UpstreamError};
use crate::json::{Object, ValueKind, encode_string, raw, string_or_json, value_kind};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::time::Duration;

/// Status and error type of each kind. The first kind of an error type is the one that is read from it.
const ERROR_KINDS: &[(ErrorKind, u16, &str)] = &[
    (ErrorKind::InvalidRequest, 400, "invalid_request_error"),
    (ErrorKind::Authentication, 401, "authentication_error"),
    (ErrorKind::Quota, 402, "billing_error"),
    (ErrorKind::Permission, 403, "permission_error"),
    (ErrorKind::NotFound, 404, "not_found_error"),
    (ErrorKind::TooLarge, 413, "request_too_large"),
    (ErrorKind::RateLimited, 429, "rate_limit_error"),
    (ErrorKind::Timeout, 504, "timeout_error"),
    (ErrorKind::Overloaded, 529, "overloaded_error"),
    (ErrorKind::Internal, 500, "api_error"),
    (ErrorKind::Upstream, 502, "api_error"),
    (ErrorKind::Empty, 502, "api_error"),
    (ErrorKind::Truncated, 502, "api_error"),
    (ErrorKind::ContextLength, 400, "invalid_request_error"),
    (ErrorKind::ContentFiltered, 400, "invalid_request_error"),
    (ErrorKind::Unsupported, 400, "invalid_request_error"),
];

fn status_and_type(kind: ErrorKind) -> (u16, &'static str) {
    let found = ERROR_KINDS.iter().find(|(k, ..)| *k == kind);
    found.map_or((500, "api_error"), |(_, status, error_type)| (*status, error_type))
}

/// Writes an error with its status.
pub(super) fn encode(error: &Error) -> (StatusCode, Bytes) {
    let status = match error {
        // This API has statuses of its own for quotas and overload.
        Error::Upstream(UpstreamError::Status(e))
            if !matches!(e.kind, ErrorKind::Quota | ErrorKind::Overloaded) =>
        {
            e.status
        }
        other => status_and_type(other.kind()).0,
    };
    let status = StatusCode::from_u16(status)
        .ok()
        .filter(|s| s.is_client_error() || s.is_server_error())
        .unwrap_or(StatusCode::BAD_GATEWAY);
    (status, Bytes::from(envelope(error)))
}

/// Writes an error as the last event of a stream.
pub(super) fn encode_in_stream(error: &Error, out: &mut Vec<u8>) {
    write_event(out, "error", &envelope(error));
}

fn envelope(error: &Error) -> String {
    let mut inner = Object::new();
    inner.set("type", encode_string(status_and_type(error.kind()).1));
    inner.set("message", encode_string(&error.message()));
    let mut request_id = "null";
    if let Error::Upstream(UpstreamError::Status(e)) = error {
        for (key, value) in e.extra.iter().filter(|(key, _)| key != "code") {
            match key.as_str() {
                "request_id" if value_kind(value.as_str()) == ValueKind::String => {
                    request_id = value.as_str();
                }
                _ => inner.set(key.as_str(), value.as_str()),
            }
        }
    }
    let mut outer = Object::new();
    outer.set("type", "\"error\"");
    outer.set("error", inner.to_json());
    outer.set("request_id", request_id);
    outer.to_json()
}

/// Reads an error response.
pub(super) fn decode(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    diagnostics: &mut Diagnostics,
) -> UpstreamError {
    let trimmed = body.trim_ascii();
    // The error may be the only event of a stream.
    let json = memchr::memmem::find(trimmed, b"data:")
        .filter(|_| !trimmed.starts_with(b"{"))
        .and_then(|start| trimmed.get(start + 5..))
        .and_then(|data| data.split(|b| *b == b'\n').next())
        .unwrap_or(trimmed);
    let error = Object::parse(json).ok().and_then(|object| read(&object, diagnostics));
    let mut error = error.unwrap_or_else(|| {
        diagnostics.record(DiagnosticCode::ErrorReshaped, "error", "no JSON error");
        StatusError::new(status.as_u16(), ErrorKind::Upstream, describe_text_body(status, trimmed))
    });
    error.retry_after = retry_after(headers);
    classify(&mut error, Some(status.as_u16()), diagnostics);
    UpstreamError::Status(Box::new(error))
}

/// Reads an error in the body of a successful response or in a stream, in this API's form or another one; `None` if it is none.
pub(super) fn in_body(object: &Object<'_>, diagnostics: &mut Diagnostics) -> Option<UpstreamError> {
    let inner = object.object("error").unwrap_or_default();
    let is_own_type = |error_type: &str| ERROR_KINDS.iter().any(|(.., known)| *known == error_type);
    // OpenAI's errors have some of these types, too.
    let is_own =
        inner.str("type").is_some_and(|error_type| is_own_type(&error_type)) && inner.get("code").is_none();
    if is_own && let Some(mut error) = read(object, diagnostics) {
        classify(&mut error, None, diagnostics);
        return Some(UpstreamError::Status(Box::new(error)));
    }
    if object.get("content").is_some() {
        return None;
    }
    let error = in_any_form(object, diagnostics)?;
    if object.str("type").as_deref() != Some("error") {
        diagnostics.record(DiagnosticCode::ErrorReshaped, "error", "");
    }
    Some(error)
}

fn read(object: &Object<'_>, diagnostics: &mut Diagnostics) -> Option<StatusError> {
    let mut error = StatusError::new(502, ErrorKind::Upstream, "");
    let inner = object.object("error");
    let source = inner.as_ref().unwrap_or(object);
    for (key, value) in source.iter() {
        let non_empty = || Some(string_or_json(value).into_owned()).filter(|s| !s.is_empty());
        match key {
            "message" => error.message = string_or_json(value).into_owned(),
            "type" => error.error_type = non_empty().filter(|error_type| error_type != "error"),
            "code" => error.code = non_empty(),
            "param" => error.param = non_empty(),
            "error" | "detail" | "request_id" => {}
            // These show internals of the upstream's machine.
            "traceback" | "stack" | "trace" | "headers" | "request" | "debug" => {
                diagnostics.record(DiagnosticCode::FieldDropped, &format!("error.{key}"), "");
            }
            _ => error.extra.push((key.to_owned(), raw(value))),
        }
    }
    if error.message.is_empty() {
        let text = ["error", "detail"].into_iter().filter_map(|key| object.non_null(key));
        error.message =
            text.filter(|v| value_kind(v) == ValueKind::String).map(string_or_json).next()?.into_owned();
    }
    if error.message.trim_start().starts_with('<') && error.message.to_ascii_lowercase().contains("<html") {
        error.message = String::from("The upstream reported an error as an HTML page.");
    }
    if inner.is_none() || error.error_type.is_none() {
        diagnostics.record(DiagnosticCode::ErrorReshaped, "error", "");
    }
    if let Some(id) = object.str("request_id") {
        error.extra.push((String::from("request_id"), raw(encode_string(&id))));
    }
    Some(error)
}

/// Phrases in the messages about a prompt that exceeds the context window.
const CONTEXT_LENGTH_PHRASES: [&str; 3] = ["prompt is too long", "exceed context limit", "context window"];

/// Sets kind and status from the error's type, code and message. The status of the HTTP response stays if it is one of an
/// error.
fn classify(error: &mut StatusError, http_status: Option<u16>, diagnostics: &mut Diagnostics) {
    let error_type = error.error_type.as_deref();
    let known = error_type.and_then(|name| ERROR_KINDS.iter().find(|(.., known)| *known == name));
    error.status = match (http_status, known) {
        (Some(status), _) if status >= 400 => status,
        (_, Some((_, status, _))) => *status,
        (Some(status), None) => status,
        (None, None) => error.code.as_deref().and_then(|c| c.parse().ok()).unwrap_or(502),
    };
    if let Some(status) = http_status.filter(|status| *status != error.status) {
        diagnostics.record(DiagnosticCode::StatusPromoted, "", &format!("{status} to {}", error.status));
    }
    error.kind = match known {
        Some((ErrorKind::Internal, ..)) => ErrorKind::Upstream,
        Some((kind, ..)) => *kind,
        None => match error.status {
            401 => ErrorKind::Authentication,
            402 => ErrorKind::Quota,
            403 => ErrorKind::Permission,
            404 => ErrorKind::NotFound,
            408 | 504 => ErrorKind::Timeout,
            413 => ErrorKind::TooLarge,
            429 => ErrorKind::RateLimited,
            503 | 529 => ErrorKind::Overloaded,
            400..=499 => ErrorKind::InvalidRequest,
            _ => ErrorKind::Upstream,
        },
    };
    if known.is_some() {
        // The kind stands for the type, and every dialect has its own type for a kind.
        error.error_type = None;
    }
    let message = error.message.to_lowercase();
    if error.kind == ErrorKind::InvalidRequest
        && CONTEXT_LENGTH_PHRASES.iter().any(|phrase| message.contains(phrase))
    {
        error.kind = ErrorKind::ContextLength;
    }
    if error.kind == ErrorKind::InvalidRequest && message.contains("credit balance is too low") {
        error.kind = ErrorKind::Quota;
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = |name: &str, unit: f64| {
        let value = headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok()?;
        Duration::try_from_secs_f64(value / unit).ok()
    };
    seconds("retry-after-ms", 1000.0).or_else(|| seconds("retry-after", 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_status_and_a_type() {
        for kind in ErrorKind::ALL {
            assert!(ERROR_KINDS.iter().any(|(k, ..)| *k == kind), "{kind:?}");
        }
    }
}
