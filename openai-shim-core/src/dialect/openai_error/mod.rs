//! Errors of OpenAI's APIs: any error of an upstream to [`UpstreamError`], and errors for clients to OpenAI's envelope.
//!
//! Three dialects use it.
//!
//! Reference: <https://platform.openai.com/docs/guides/error-codes>.
//!
//! | file | what goes in and what comes out |
//! |---|---|
//! | `mod` | status, headers and body of an error in, [`UpstreamError`] out; an error to OpenAI's JSON |
//! | `any_form` | an object in place of a part of an answer, in any API's form of an error, to the error |
//! | `decode` | an error's JSON, in any envelope, to [`StatusError`] |
//! | `classify` | an error's texts to its true status, code and kind |
//! | `redact` | an error without stack traces, keys, paths and addresses |
//! | `retry_after` | headers, fields and text of an error to the wait that the upstream requests |

mod any_form;
mod classify;
mod decode;
mod redact;
mod retry_after;

use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::error::{Error, ErrorKind, StatusError, UpstreamError};
use crate::framing::write_event;
use crate::json::{Object, RawJson, encode_string};
use bytes::Bytes;
use classify::LowercaseError;
use http::{HeaderMap, StatusCode};

pub(super) use any_form::{enveloped, in_any_form, of_error_event};
pub(super) use decode::is_error;
pub use retry_after::wait_in_headers;

/// How OpenAI's APIs report a kind of error.
#[derive(Debug, Clone, Copy)]
pub(super) struct ErrorForm {
    pub(super) status: u16,
    pub(super) error_type: &'static str,
    pub(super) code: Option<&'static str>,
}

const fn form(status: u16, error_type: &'static str, code: Option<&'static str>) -> ErrorForm {
    ErrorForm { status, error_type, code }
}

/// The form of each kind of error.
const ERROR_FORMS: &[(ErrorKind, ErrorForm)] = &[
    (ErrorKind::InvalidRequest, form(400, "invalid_request_error", None)),
    (ErrorKind::Authentication, form(401, "authentication_error", Some("invalid_api_key"))),
    (ErrorKind::Permission, form(403, "permission_error", None)),
    (ErrorKind::NotFound, form(404, "invalid_request_error", Some("not_found"))),
    (ErrorKind::TooLarge, form(413, "invalid_request_error", Some("request_too_large"))),
    (ErrorKind::RateLimited, form(429, "rate_limit_error", Some("rate_limit_exceeded"))),
    (ErrorKind::Quota, form(429, "insufficient_quota", Some("insufficient_quota"))),
    (ErrorKind::ContextLength, form(400, "invalid_request_error", Some("context_length_exceeded"))),
    (ErrorKind::ContentFiltered, form(400, "invalid_request_error", Some("content_filter"))),
    (ErrorKind::Unsupported, form(400, "invalid_request_error", Some("unsupported_value"))),
    (ErrorKind::Overloaded, form(503, "server_error", Some("overloaded"))),
    (ErrorKind::Timeout, form(504, "server_error", Some("upstream_timeout"))),
    (ErrorKind::Empty, form(502, "server_error", Some("empty_completion"))),
    (ErrorKind::Truncated, form(502, "server_error", Some("stream_truncated"))),
    (ErrorKind::Upstream, form(502, "server_error", Some("upstream_error"))),
    (ErrorKind::Internal, form(500, "server_error", Some("internal_error"))),
];

/// Returns the form of a kind of error.
pub(super) fn error_form(kind: ErrorKind) -> ErrorForm {
    let found = ERROR_FORMS.iter().find(|(known, _)| *known == kind);
    found.map_or(form(500, "server_error", None), |(_, form)| *form)
}

/// Writes an error in OpenAI's envelope, with its status.
pub(super) fn encode(error: &Error) -> (StatusCode, Bytes) {
    let status = match error {
        // Only Anthropic's API has this status.
        Error::Upstream(UpstreamError::Status(e)) if e.status == 529 => 503,
        Error::Upstream(UpstreamError::Status(e)) => e.status,
        other => error_form(other.kind()).status,
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

/// Writes an error as JSON in OpenAI's envelope.
fn envelope(error: &Error) -> String {
    let form = error_form(error.kind());
    let mut error_type = form.error_type;
    let mut object = Object::new();
    object.set("message", encode_string(&error.message()));
    let mut extra: &[(String, RawJson)] = &[];
    if let Error::Upstream(UpstreamError::Status(e)) = error {
        error_type = e.error_type.as_deref().unwrap_or(error_type);
        extra = &e.extra;
    }
    object.set("type", encode_string(error_type));
    object.set("param", error.param().map_or_else(|| String::from("null"), encode_string));
    object.set("code", error.code().or(form.code).map_or_else(|| String::from("null"), encode_string));
    for (key, value) in extra.iter().filter(|(key, _)| key != "code" || error.code().is_none()) {
        object.set(key.as_str(), value.as_str());
    }
    let mut outer = Object::new();
    outer.set("error", object.to_json());
    outer.to_json()
}

/// Decodes an error response with any body.
pub(super) fn decode(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    diagnostics: &mut Diagnostics,
) -> UpstreamError {
    let trimmed = body.trim_ascii();
    // An error may come as the only event of a stream.
    let json = trimmed.strip_prefix(b"data:").map_or(trimmed, |event| {
        let line = event.split(|b| *b == b'\n').next().unwrap_or_default();
        line.trim_ascii()
    });
    let mut error = decode::decode_body(status, json, diagnostics);
    error.status = status.as_u16();
    classify_and_redact(&mut error, headers, diagnostics);
    if error.status != status.as_u16() {
        diagnostics.record(
            DiagnosticCode::StatusPromoted,
            "",
            &format!("{} to {}", status.as_u16(), error.status),
        );
    }
    UpstreamError::Status(Box::new(error))
}

/// Returns the status that an error inside a successful response should have had: the one that it states, or that its texts stand for.
pub(super) fn status_in_body(object: &Object<'_>) -> Option<u16> {
    match decode_in_body(object, &mut Diagnostics::default())? {
        UpstreamError::Status(error) => Some(error.status),
        _ => None,
    }
}

/// Decodes an error that came inside a successful response or a stream.
pub(super) fn decode_in_body(object: &Object<'_>, diagnostics: &mut Diagnostics) -> Option<UpstreamError> {
    let mut error = decode::decode_object(object, diagnostics)?;
    let code = error.code.as_deref().and_then(|c| c.parse::<u16>().ok());
    let stated = || ["status_code", "statusCode", "status"].iter().find_map(|key| object.u64(key));
    let stated = code.or_else(|| stated().and_then(|status| u16::try_from(status).ok()));
    let lowercase = LowercaseError::of(&error);
    error.status = stated
        .filter(|status| (400..600).contains(status))
        .unwrap_or_else(|| classify::guess_status(&error, &lowercase));
    classify_and_redact(&mut error, &HeaderMap::new(), diagnostics);
    Some(UpstreamError::Status(Box::new(error)))
}

/// Corrects status, code and type by the error's texts, finds its kind and wait, and redacts it.
fn classify_and_redact(error: &mut StatusError, headers: &HeaderMap, diagnostics: &mut Diagnostics) {
    let lowercase = LowercaseError::of(error);
    classify::correct_status(error, &lowercase);
    error.kind = classify::kind(error, &lowercase);
    error.retry_after = retry_after::find_wait(headers, error);
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
    let upstream_type = error.error_type.as_deref().unwrap_or_default();
    if let Some((_, openai)) = classify::OTHER_TYPES.iter().find(|(other, _)| *other == upstream_type) {
        let detail = format!("{upstream_type} to {openai}");
        diagnostics.record(DiagnosticCode::ErrorReshaped, "error.type", &detail);
        error.error_type = Some((*openai).to_owned());
    }
    redact::redact_texts(error, diagnostics);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_form() {
        for kind in ErrorKind::ALL {
            assert!(ERROR_FORMS.iter().any(|(known, _)| *known == kind), "{kind:?}");
        }
    }
}
