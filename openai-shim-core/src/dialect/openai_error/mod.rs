//! Errors of OpenAI's APIs: every envelope that upstreams use, read; OpenAI's own, written. Below the dialects that share it.
//!
//! <https://platform.openai.com/docs/guides/error-codes>

mod classify;
mod decode;
mod redact;
mod retry_after;

use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::error::{Error, ErrorKind, StatusError, UpstreamError};
use crate::framing::write_event;
use crate::json::{Object, encode_string};
use bytes::Bytes;
use classify::LowercaseError;
use http::{HeaderMap, StatusCode};

pub(super) use decode::is_error;

/// Status, type and code for each kind. The one table of OpenAI's APIs.
pub(super) const TABLE: &[(ErrorKind, u16, &str, Option<&str>)] = &[
    (ErrorKind::InvalidRequest, 400, "invalid_request_error", None),
    (ErrorKind::Authentication, 401, "authentication_error", Some("invalid_api_key")),
    (ErrorKind::Permission, 403, "permission_error", None),
    (ErrorKind::NotFound, 404, "invalid_request_error", Some("not_found")),
    (ErrorKind::TooLarge, 413, "invalid_request_error", Some("request_too_large")),
    (ErrorKind::RateLimited, 429, "rate_limit_error", Some("rate_limit_exceeded")),
    (ErrorKind::Quota, 429, "insufficient_quota", Some("insufficient_quota")),
    (ErrorKind::ContextLength, 400, "invalid_request_error", Some("context_length_exceeded")),
    (ErrorKind::ContentFiltered, 400, "invalid_request_error", Some("content_filter")),
    (ErrorKind::Unsupported, 400, "invalid_request_error", Some("unsupported_value")),
    (ErrorKind::Overloaded, 503, "server_error", Some("overloaded")),
    (ErrorKind::Timeout, 504, "server_error", Some("upstream_timeout")),
    (ErrorKind::Empty, 502, "server_error", Some("empty_completion")),
    (ErrorKind::Truncated, 502, "server_error", Some("stream_truncated")),
    (ErrorKind::Upstream, 502, "server_error", Some("upstream_error")),
    (ErrorKind::Internal, 500, "server_error", Some("internal_error")),
];

pub(super) fn row(kind: ErrorKind) -> (u16, &'static str, Option<&'static str>) {
    TABLE
        .iter()
        .find(|(k, ..)| *k == kind)
        .map_or((500, "server_error", None), |(_, status, error_type, code)| (*status, *error_type, *code))
}

/// Writes an error in OpenAI's envelope, with its status.
pub(super) fn encode(error: &Error) -> (StatusCode, Bytes) {
    let status = match error {
        // Only one API knows this one.
        Error::Upstream(UpstreamError::Status(e)) if e.status == 529 => 503,
        Error::Upstream(UpstreamError::Status(e)) => e.status,
        other => row(other.kind()).0,
    };
    let status = StatusCode::from_u16(status)
        .ok()
        .filter(|s| s.is_client_error() || s.is_server_error())
        .unwrap_or(StatusCode::BAD_GATEWAY);
    (status, Bytes::from(envelope(error)))
}

/// Writes an error as the last event of a stream.
pub(super) fn encode_in_stream(error: &Error, out: &mut Vec<u8>) {
    write_event(out, |out| out.extend_from_slice(envelope(error).as_bytes()));
}

fn envelope(error: &Error) -> String {
    let (_, mut error_type, default_code) = row(error.kind());
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
        object.set(key.as_str(), value.get());
    }
    let mut outer = Object::new();
    outer.set("error", object.to_json());
    outer.to_json()
}

/// Reads an error answer: its status, its headers and whatever body it has.
pub(super) fn decode(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    diagnostics: &mut Diagnostics,
) -> UpstreamError {
    let trimmed = body.trim_ascii();
    // An error may come as the only event of a stream.
    let json = trimmed.strip_prefix(b"data:").map_or(trimmed, |rest| {
        let line = rest.split(|b| *b == b'\n').next().unwrap_or_default();
        line.trim_ascii()
    });
    let mut error = decode::body(status, json, diagnostics);
    error.status = status.as_u16();
    settle(&mut error, headers, diagnostics);
    if error.status != status.as_u16() {
        diagnostics.record(
            DiagnosticCode::StatusPromoted,
            "",
            &format!("{} to {}", status.as_u16(), error.status),
        );
    }
    UpstreamError::Status(Box::new(error))
}

/// Reads an error that came inside a successful answer or a stream.
pub(super) fn in_body(object: &Object<'_>, diagnostics: &mut Diagnostics) -> Option<UpstreamError> {
    let mut error = decode::read(object, diagnostics)?;
    let code = error.code.as_deref().and_then(|c| c.parse::<u16>().ok());
    let words = LowercaseError::of(&error);
    error.status =
        code.filter(|c| (400..600).contains(c)).unwrap_or_else(|| classify::status_of_words(&error, &words));
    settle(&mut error, &HeaderMap::new(), diagnostics);
    Some(UpstreamError::Status(Box::new(error)))
}

/// Puts right what the words contradict, and covers what is private.
fn settle(error: &mut StatusError, headers: &HeaderMap, diagnostics: &mut Diagnostics) {
    let words = LowercaseError::of(error);
    classify::set_right(error, &words);
    error.kind = classify::kind(error, &words);
    error.retry_after = retry_after::spec(headers, error);
    let code = error.code.as_deref().unwrap_or_default();
    match error.kind {
        ErrorKind::ContextLength if code != "context_length_exceeded" => {
            error.code = Some(String::from("context_length_exceeded"));
        }
        ErrorKind::ContentFiltered if !code.contains("content") && !code.contains("inspection") => {
            error.code = Some(String::from("content_filter"));
        }
        _ => {}
    }
    let given = error.error_type.as_deref().unwrap_or_default();
    if let Some((_, own)) = classify::TYPES.iter().find(|(other, _)| *other == given) {
        diagnostics.record(DiagnosticCode::ErrorReshaped, "error.type", &format!("{given} to {own}"));
        error.error_type = Some((*own).to_owned());
    }
    redact::cover(error, diagnostics);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_row() {
        for kind in ErrorKind::ALL {
            assert!(TABLE.iter().any(|(k, ..)| *k == kind), "{kind:?}");
        }
    }
}
