//! Error responses and errors in streams: JSON or text to `UpstreamError`, and `Error` to Google's error envelope.
//!
//! <https://cloud.google.com/apis/design/errors> and <https://ai.google.dev/gemini-api/docs/troubleshooting>

use super::super::openai_error::in_any_form;
use super::json_keys::parse_object;
use super::response_object::is_response;
use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::error::{Error, ErrorKind, StatusError, UpstreamError};
use crate::json::{
    Object, RawJson, ValueKind, decode_string, encode_string, raw, string_or_json, value_kind,
};
use crate::redact::{redact, redact_json};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::value::RawValue;
use std::time::Duration;

/// HTTP status and Google's status name of each kind.
const ERROR_KINDS: &[(ErrorKind, u16, &str)] = &[
    (ErrorKind::InvalidRequest, 400, "INVALID_ARGUMENT"),
    (ErrorKind::Authentication, 401, "UNAUTHENTICATED"),
    (ErrorKind::Permission, 403, "PERMISSION_DENIED"),
    (ErrorKind::NotFound, 404, "NOT_FOUND"),
    (ErrorKind::TooLarge, 413, "INVALID_ARGUMENT"),
    (ErrorKind::RateLimited, 429, "RESOURCE_EXHAUSTED"),
    (ErrorKind::Quota, 429, "RESOURCE_EXHAUSTED"),
    (ErrorKind::ContextLength, 400, "INVALID_ARGUMENT"),
    (ErrorKind::ContentFiltered, 400, "INVALID_ARGUMENT"),
    (ErrorKind::Unsupported, 400, "INVALID_ARGUMENT"),
    (ErrorKind::Overloaded, 503, "UNAVAILABLE"),
    (ErrorKind::Timeout, 504, "DEADLINE_EXCEEDED"),
    (ErrorKind::Empty, 502, "INTERNAL"),
    (ErrorKind::Truncated, 502, "INTERNAL"),
    (ErrorKind::Upstream, 502, "INTERNAL"),
    (ErrorKind::Internal, 500, "INTERNAL"),
];

/// The HTTP status of each of Google's status names.
const STATUS_NAMES: &[(&str, u16)] = &[
    ("INVALID_ARGUMENT", 400),
    ("FAILED_PRECONDITION", 400),
    ("OUT_OF_RANGE", 400),
    ("UNAUTHENTICATED", 401),
    ("PERMISSION_DENIED", 403),
    ("NOT_FOUND", 404),
    ("ABORTED", 409),
    ("ALREADY_EXISTS", 409),
    ("RESOURCE_EXHAUSTED", 429),
    ("CANCELLED", 499),
    ("DATA_LOSS", 500),
    ("UNKNOWN", 500),
    ("INTERNAL", 500),
    ("UNIMPLEMENTED", 501),
    ("UNAVAILABLE", 503),
    ("DEADLINE_EXCEEDED", 504),
];

fn status_and_name(kind: ErrorKind) -> (u16, &'static str) {
    let found = ERROR_KINDS.iter().find(|(k, ..)| *k == kind);
    found.map_or((500, "INTERNAL"), |(_, status, name)| (*status, name))
}

/// Writes an error with its status.
pub(super) fn encode(error: &Error) -> (StatusCode, Bytes) {
    (status(error), Bytes::from(envelope(error)))
}

fn status(error: &Error) -> StatusCode {
    let status = match error {
        // Anthropic's status for overload.
        Error::Upstream(UpstreamError::Status(e)) if e.status == 529 => 503,
        Error::Upstream(UpstreamError::Status(e)) => e.status,
        other => status_and_name(other.kind()).0,
    };
    StatusCode::from_u16(status)
        .ok()
        .filter(|s| s.is_client_error() || s.is_server_error())
        .unwrap_or(StatusCode::BAD_GATEWAY)
}

/// Returns the JSON of an error.
pub(super) fn envelope(error: &Error) -> String {
    let mut object = Object::new();
    object.set("code", status(error).as_u16().to_string());
    object.set("message", encode_string(&error.message()));
    let extra: &[(String, RawJson)] = match error {
        Error::Upstream(UpstreamError::Status(e)) => &e.extra,
        _ => &[],
    };
    let extra_field = |key: &str| extra.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str());
    let name = extra_field("status").filter(|name| is_name_of(name, status(error)));
    object.set("status", name.map_or_else(|| encode_string(status_and_name(error.kind()).1), str::to_owned));
    let mut details = extra_field("details").filter(|d| value_kind(d) == ValueKind::Array).map(str::to_owned);
    if details.is_none() {
        let mut generated = Vec::new();
        if let Some(code) = error.code().filter(|code| code.parse::<u16>().is_err()) {
            generated.push(format!(
                r#"{{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":{},"domain":"openai-shim"}}"#,
                encode_string(&code.to_ascii_uppercase())
            ));
        }
        if let Some(param) = error.param() {
            generated.push(format!(
                r#"{{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{{"field":{},"description":{}}}]}}"#,
                encode_string(param),
                encode_string(&error.message())
            ));
        }
        if let Some(wait) = error.retry_after() {
            generated.push(format!(
                r#"{{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"{}s"}}"#,
                wait.as_secs_f64()
            ));
        }
        details = (!generated.is_empty()).then(|| format!("[{}]", generated.join(",")));
    }
    if let Some(details) = details {
        object.set("details", details);
    }
    format!("{{\"error\":{}}}", object.to_json())
}

/// Whether a JSON string is a name of this status.
fn is_name_of(json: &str, status: StatusCode) -> bool {
    let names = STATUS_NAMES.iter().filter(|(_, known)| *known == status.as_u16());
    decode_string(json).is_some_and(|name| names.clone().any(|(known, _)| *known == name))
}

/// Reads an error response.
pub(super) fn decode(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    diagnostics: &mut Diagnostics,
) -> UpstreamError {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let text = text.strip_prefix("data:").map_or(text, |data| data.lines().next().unwrap_or_default().trim());
    let items: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
    let first = items.first().map(|item| item.get());
    if first.is_some() {
        diagnostics.record(DiagnosticCode::ErrorReshaped, "error", "the first item of an array");
    }
    let http_status = status.as_u16();
    let mut error = Object::parse(first.unwrap_or(text).as_bytes())
        .ok()
        .and_then(|object| read(&object, Some(http_status), diagnostics))
        .unwrap_or_else(|| {
            diagnostics.record(DiagnosticCode::ErrorReshaped, "error", "no JSON error");
            StatusError::new(http_status, ErrorKind::Upstream, message_of_text(status, text))
        });
    let header = headers.get("retry-after").and_then(|v| v.to_str().ok()).and_then(|v| v.trim().parse().ok());
    error.retry_after = header.and_then(|s| Duration::try_from_secs_f64(s).ok()).or(error.retry_after);
    classify(&mut error, http_status, diagnostics);
    UpstreamError::Status(Box::new(error))
}

/// Reads an error in the body of a successful response or in a stream, in this API's form or another one; `None` if it is none.
/// `json` is the object as it came.
pub(super) fn in_body(
    object: &Object<'_>,
    json: &str,
    diagnostics: &mut Diagnostics,
) -> Option<UpstreamError> {
    let is_own = object.object("error").is_some_and(|error| {
        let is_name = |name: &str| STATUS_NAMES.iter().any(|(known, _)| *known == name);
        error.str("status").is_some_and(|name| is_name(&name))
            || (error.u64("code").is_some() && error.str("message").is_some() && error.get("type").is_none())
    });
    if !is_own {
        let is_answer = is_response(object) && object.non_null("error").is_none();
        // Other APIs write their keys otherwise than Google.
        let foreign = Object::parse(json.as_bytes()).ok().filter(|_| !is_answer);
        return foreign.and_then(|object| in_any_form(&object, diagnostics));
    }
    let mut error = read(object, None, diagnostics)?;
    let status = error.status;
    classify(&mut error, status, diagnostics);
    Some(UpstreamError::Status(Box::new(error)))
}

/// Sets kind and code, and corrects the status of an invalid key, from code and message.
fn classify(error: &mut StatusError, original_status: u16, diagnostics: &mut Diagnostics) {
    let is_invalid_key = error.code.as_deref() == Some("API_KEY_INVALID")
        || error.message.to_ascii_lowercase().contains("api key not valid");
    if is_invalid_key && matches!(error.status, 400 | 403) {
        error.status = 401;
    }
    if error.status != original_status {
        let detail = format!("{original_status} to {}", error.status);
        diagnostics.record(DiagnosticCode::StatusPromoted, "", &detail);
    }
    error.kind = kind_of(error);
    // Google's reasons stay in the details. A code is one that clients check for.
    error.code = (error.kind == ErrorKind::ContextLength).then(|| String::from("context_length_exceeded"));
}

/// Reads the envelope. The HTTP status has priority over the one in the envelope.
fn read(object: &Object<'_>, http_status: Option<u16>, diagnostics: &mut Diagnostics) -> Option<StatusError> {
    let inner = match object.non_null("error") {
        Some(inner) if value_kind(inner) == ValueKind::Object => Object::parse(inner.as_bytes()).ok()?,
        Some(inner) => {
            return Some(StatusError::new(
                http_status.unwrap_or(502),
                ErrorKind::Upstream,
                string_or_json(inner).into_owned(),
            ));
        }
        None => object.clone(),
    };
    let message = inner.get("message").map(|m| string_or_json(m).into_owned()).filter(|m| !m.is_empty());
    if object.non_null("error").is_none() && message.is_none() {
        return None;
    }
    let message =
        message.unwrap_or_else(|| String::from("The upstream reported an error without a message."));
    let name = inner.str("status");
    let named_status = name.and_then(|name| STATUS_NAMES.iter().find(|(known, _)| *known == name));
    let named_status = named_status.map(|(_, status)| *status);
    let code = inner.get("code").and_then(|c| string_or_json(c).trim().parse().ok());
    let code = code.filter(|c| (400..600).contains(c));
    let status = http_status.or(code).or(named_status).unwrap_or(502);
    let mut error = StatusError::new(status, ErrorKind::Upstream, message);
    for detail in inner.array("details").unwrap_or_default() {
        let Some(detail) = parse_object(detail) else { continue };
        if let Some(reason) = detail.str("reason") {
            error.code.get_or_insert(reason.into_owned());
        }
        if let Some(delay) = detail.str("retryDelay") {
            let seconds = delay.trim_end_matches('s').parse::<f64>().ok();
            error.retry_after = seconds.and_then(|s| Duration::try_from_secs_f64(s).ok());
        }
        for violation in detail.array("fieldViolations").unwrap_or_default() {
            let field =
                parse_object(violation).and_then(|v| v.str("field").map(std::borrow::Cow::into_owned));
            error.param = error.param.or(field).filter(|f| !f.is_empty());
        }
    }
    if let Some(redacted) = redact(&error.message) {
        error.message = redacted;
    }
    for (key, value) in inner.iter() {
        match key {
            "code" | "message" => {}
            "status" => error.extra.push((key.to_owned(), raw(value))),
            "details" => error.extra.push((key.to_owned(), raw(public_details(value)))),
            // The envelope has no other fields: these may contain internals of the upstream.
            _ => diagnostics.record(DiagnosticCode::FieldDropped, &format!("error.{key}"), ""),
        }
    }
    Some(error)
}

/// Returns the details without those that show internals of the upstream's machine.
fn public_details(details: &str) -> String {
    let items: Vec<&RawValue> = serde_json::from_str(details).unwrap_or_default();
    let items: Vec<_> =
        items.iter().map(|item| item.get()).filter(|item| !item.contains("DebugInfo")).collect();
    let items = format!("[{}]", items.join(","));
    redact_json(&items).unwrap_or(items)
}

fn kind_of(error: &StatusError) -> ErrorKind {
    let message = error.message.to_ascii_lowercase();
    let is_too_long =
        ["token count", "input token", "context length"].iter().any(|phrase| message.contains(phrase))
            && ["exceed", "maximum", "too long"].iter().any(|phrase| message.contains(phrase));
    if is_too_long && error.status < 500 && error.status != 429 {
        return ErrorKind::ContextLength;
    }
    match error.status {
        401 => ErrorKind::Authentication,
        403 => ErrorKind::Permission,
        404 => ErrorKind::NotFound,
        408 | 504 => ErrorKind::Timeout,
        413 => ErrorKind::TooLarge,
        402 => ErrorKind::Quota,
        429 => ErrorKind::RateLimited,
        503 => ErrorKind::Overloaded,
        400..=499 => ErrorKind::InvalidRequest,
        _ => ErrorKind::Upstream,
    }
}

/// Returns one sentence about an error body that is not JSON; an HTML page is not quoted.
fn message_of_text(status: StatusCode, body: &str) -> String {
    let reason = status.canonical_reason().unwrap_or("error");
    let code = status.as_u16();
    match body.chars().next() {
        None => format!("The upstream answered {code} ({reason}) without a body."),
        Some('<') => format!("The upstream answered {code} ({reason}) with an HTML page."),
        Some(_) => {
            let line: String = body.lines().next().unwrap_or_default().chars().take(200).collect();
            format!("The upstream answered {code} ({reason}): {line}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_status_and_a_name() {
        for kind in ErrorKind::ALL {
            let (status, name) = status_and_name(kind);
            assert!(ERROR_KINDS.iter().any(|(k, ..)| *k == kind), "{kind:?}");
            assert!((400..600).contains(&status) && STATUS_NAMES.iter().any(|(known, _)| *known == name));
        }
    }
}
