//! Errors: every envelope that upstreams use, read; OpenAI's own, written.
//!
//! <https://platform.openai.com/docs/guides/error-codes>

use crate::canonical::{Code, Diagnostics};
use crate::error::{Error, ErrorKind, StatusError, UpstreamError};
use crate::framing::write_event;
use crate::json::{Kind, Object, peek, quote, raw, text, text_of};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::time::Duration;

/// Status, type and code for each kind. The one table of this dialect.
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

fn row(kind: ErrorKind) -> (u16, &'static str, Option<&'static str>) {
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
    object.set("message", quote(&error.to_string()));
    let mut extra: &[(String, Box<serde_json::value::RawValue>)] = &[];
    if let Error::Upstream(UpstreamError::Status(e)) = error {
        error_type = e.error_type.as_deref().unwrap_or(error_type);
        extra = &e.extra;
    }
    object.set("type", quote(error_type));
    object.set("param", error.param().map_or_else(|| String::from("null"), quote));
    object.set("code", error.code().or(default_code).map_or_else(|| String::from("null"), quote));
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
    notes: &mut Diagnostics,
) -> UpstreamError {
    let trimmed = body.trim_ascii();
    // An error may come as the only event of a stream.
    let json = trimmed.strip_prefix(b"data:").map_or(trimmed, |rest| {
        let line = rest.split(|b| *b == b'\n').next().unwrap_or_default();
        line.trim_ascii()
    });
    let mut error = match Object::parse(json).ok().and_then(|object| read(&object, notes)) {
        Some(error) => error,
        None => match first_of_array(json)
            .and_then(|item| Object::parse(item).ok().and_then(|o| read(&o, notes)))
        {
            Some(error) => {
                notes.note(Code::ErrorReshaped, "error", "the first item of an array");
                error
            }
            None => {
                notes.note(Code::ErrorReshaped, "error", "no JSON error");
                StatusError::new(status.as_u16(), ErrorKind::Upstream, plain(status, json))
            }
        },
    };
    error.retry_after = retry_after(headers).or(error.retry_after);
    let stated = status.as_u16();
    error.status = true_status(stated, &error);
    if error.status != stated {
        notes.note(Code::StatusPromoted, "", &format!("{stated} to {}", error.status));
    }
    error.kind = kind(&error);
    if error.kind == ErrorKind::ContextLength && error.code.as_deref() != Some("context_length_exceeded") {
        error.code = Some(String::from("context_length_exceeded"));
    }
    UpstreamError::Status(Box::new(error))
}

/// Reads an error that came inside a successful answer or a stream.
pub(super) fn in_body(object: &Object<'_>, notes: &mut Diagnostics) -> Option<UpstreamError> {
    let mut error = read(object, notes)?;
    let code = error.code.as_deref().and_then(|c| c.parse::<u16>().ok());
    error.status = code.filter(|c| (400..600).contains(c)).unwrap_or_else(|| status_of_words(&error));
    error.status = true_status(error.status, &error);
    error.kind = kind(&error);
    Some(UpstreamError::Status(Box::new(error)))
}

/// Whether an object is an error in any envelope that upstreams use.
pub(super) fn is_error(object: &Object<'_>) -> bool {
    object.non_null("error").is_some_and(|e| !matches!(e.trim(), "false" | "\"\"" | "{}"))
        || object.str("object").as_deref() == Some("error")
        || object.str("type").as_deref() == Some("error")
        || (object.non_null("detail").is_some() && object.get("choices").is_none())
        || (object.get("choices").is_none()
            && object.get("code").is_some()
            && object.str("message").is_some())
        || object
            .object("base_resp")
            .is_some_and(|b| b.non_null("status_code").is_some_and(|c| c.trim() != "0"))
}

fn read(object: &Object<'_>, notes: &mut Diagnostics) -> Option<StatusError> {
    if !is_error(object) && object.str("message").is_none() && object.str("error_type").is_none() {
        return None;
    }
    let mut error = StatusError::new(502, ErrorKind::Upstream, "");
    let reshaped = match object.non_null("error") {
        Some(inner) if peek(inner) == Kind::Object => {
            let inner = Object::parse(inner.as_bytes()).ok()?;
            members(&inner, &mut error);
            inner.str("message").is_none()
        }
        Some(inner) if peek(inner) == Kind::String => {
            members(object, &mut error);
            error.message = text(inner).unwrap_or_default().into_owned();
            error.extra.retain(|(key, _)| key != "error");
            true
        }
        _ => {
            members(object, &mut error);
            true
        }
    };
    if let Some(detail) = object.non_null("detail") {
        read_detail(detail, &mut error);
    }
    if let Some(base) = object.object("base_resp") {
        error.message = base.str("status_msg").unwrap_or_default().into_owned();
        error.code = base.get("status_code").map(|c| text_of(c).into_owned());
    }
    unwrap_message(&mut error);
    keep_private(&mut error, notes);
    if error.message.is_empty() {
        error.message = String::from("The upstream reported an error without a message.");
    }
    if reshaped {
        notes.note(Code::ErrorReshaped, "error", "");
    }
    Some(error)
}

/// Takes the members of an error object, whatever their types.
fn members(object: &Object<'_>, error: &mut StatusError) {
    for (key, value) in object.iter() {
        let said = || Some(text_of(value).into_owned()).filter(|s| !s.is_empty());
        match key {
            "message" => error.message = text_of(value).into_owned(),
            "type" | "error_type" if value.trim() != "\"error\"" => error.error_type = said(),
            "code" => error.code = said(),
            "param" => error.param = said(),
            // What is not the error's own.
            "object" | "type" | "error" | "detail" | "id" | "created" | "model" | "choices" | "base_resp" => {
            }
            _ => error.extra.push((key.to_owned(), raw(value))),
        }
    }
}

/// FastAPI's `detail`: a text, an object with a message, or a list of `{loc, msg, type}`.
fn read_detail(detail: &str, error: &mut StatusError) {
    match peek(detail) {
        Kind::Array => {
            let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(detail).unwrap_or_default();
            let mut said = Vec::new();
            for item in items {
                let Ok(item) = Object::parse(item.get().as_bytes()) else { continue };
                let loc: Vec<String> = item
                    .array("loc")
                    .unwrap_or_default()
                    .into_iter()
                    .map(|part| text_of(part).into_owned())
                    .filter(|part| part != "body")
                    .collect();
                let at = loc.join(".");
                let msg = item.str("msg").unwrap_or_default().into_owned();
                said.push(if at.is_empty() { msg } else { format!("{at}: {msg}") });
                if error.param.is_none() && !at.is_empty() {
                    error.param = Some(at);
                }
            }
            error.message = said.join("; ");
        }
        Kind::Object => {
            if let Ok(object) = Object::parse(detail.as_bytes()) {
                members(&object, error);
            }
        }
        _ => error.message = text_of(detail).into_owned(),
    }
}

/// Members that show the upstream's machine or somebody's key. In lower case, without separators.
const PRIVATE: [&str; 15] = [
    "traceback",
    "stack",
    "trace",
    "stacktrace",
    "backtrace",
    "exception",
    "debug",
    "headers",
    "requestheaders",
    "request",
    "authorization",
    "apikey",
    "accesstoken",
    "cookie",
    "env",
];

/// Leaves out what is nobody's business but the upstream's: traces, headers, keys, and pages as messages.
fn keep_private(error: &mut StatusError, notes: &mut Diagnostics) {
    error.extra.retain(|(key, _)| {
        let word: String =
            key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        let private = PRIVATE.contains(&word.as_str());
        if private {
            notes.note(Code::FieldDropped, &format!("error.{key}"), "");
        }
        !private
    });
    let message = error.message.trim_start();
    let said = if message.starts_with('<') && message.to_ascii_lowercase().contains("<html") {
        String::from("The upstream reported an error as an HTML page.")
    } else if message.starts_with("Traceback (most recent call last)") {
        // The last line says what went wrong, the others where.
        message.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned()
    } else {
        return;
    };
    error.message = said;
    notes.note(Code::ErrorReshaped, "error.message", "");
}

/// A message that is itself JSON says what is meant inside.
fn unwrap_message(error: &mut StatusError) {
    let inner = error.message.clone();
    if !inner.trim_start().starts_with('{') {
        return;
    }
    let Ok(object) = Object::parse(inner.as_bytes()) else { return };
    let nested = object.object("error");
    let source = nested.as_ref().unwrap_or(&object);
    if let Some(message) = source.str("message") {
        error.message = message.into_owned();
    } else if let Some(detail) = object.non_null("detail") {
        read_detail(detail, error);
    }
}

fn first_of_array(json: &[u8]) -> Option<&[u8]> {
    let items: Vec<&serde_json::value::RawValue> = serde_json::from_slice(json).ok()?;
    items.first().map(|item| item.get().as_bytes())
}

/// A sentence for an error body that is no JSON; never the HTML itself.
fn plain(status: StatusCode, body: &[u8]) -> String {
    let reason = status.canonical_reason().unwrap_or("error");
    let code = status.as_u16();
    if body.is_empty() {
        return format!("The upstream answered {code} ({reason}) without a body.");
    }
    if body.starts_with(b"<") {
        return format!("The upstream answered {code} ({reason}) with an HTML page.");
    }
    let words = String::from_utf8_lossy(body.get(..200.min(body.len())).unwrap_or_default()).into_owned();
    let line = words.lines().next().unwrap_or_default();
    format!("The upstream answered {code} ({reason}): {line}")
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
    if let Some(ms) = header("retry-after-ms").and_then(|v| v.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(ms / 1000.0).ok();
    }
    // A date would need a clock; such a header is passed on, and not acted upon.
    header("retry-after")
        .and_then(|v| v.parse::<f64>().ok())
        .and_then(|s| Duration::try_from_secs_f64(s).ok())
}

/// The status that the words say, where the stated one contradicts them.
fn true_status(stated: u16, error: &StatusError) -> u16 {
    let message = error.message.to_lowercase();
    if stated == 400 && (message.contains("api key not valid") || message.contains("incorrect api key")) {
        return 401;
    }
    if (stated == 500 || stated == 502) && is_context_overflow(error) {
        return 400;
    }
    if stated == 529 {
        return 503;
    }
    stated
}

/// The status of an error that came without one.
fn status_of_words(error: &StatusError) -> u16 {
    let word = |w: &str| {
        error.error_type.as_deref().is_some_and(|t| t.contains(w))
            || error.code.as_deref().is_some_and(|c| c.contains(w))
    };
    if is_context_overflow(error) || word("invalid_request") || word("BadRequest") {
        400
    } else if word("rate_limit") || word("too_many") {
        429
    } else if word("authentication") || word("invalid_api_key") {
        401
    } else if word("not_found") {
        404
    } else if word("overloaded") {
        503
    } else {
        502
    }
}

fn is_context_overflow(error: &StatusError) -> bool {
    const WORDINGS: &[&str] = &[
        "maximum context length",
        "context length",
        "context window",
        "context size",
        "exceed_context_size",
        "too_many_prompt_tokens",
        "too_many_tokens",
        "prompt is too long",
        "input is too long",
        "exceeds the available context",
    ];
    let code = [error.code.as_deref(), error.error_type.as_deref()];
    let message = error.message.to_lowercase();
    code.into_iter().flatten().map(str::to_lowercase).any(|c| {
        c.contains("context_length")
            || c.contains("exceed_context_size")
            || c.contains("too_many") && c.contains("tokens")
    }) || (error.status < 500 || message.contains("token")) && WORDINGS.iter().any(|w| message.contains(w))
}

fn kind(error: &StatusError) -> ErrorKind {
    if is_context_overflow(error) {
        return ErrorKind::ContextLength;
    }
    let code = error.code.as_deref().unwrap_or_default();
    let error_type = error.error_type.as_deref().unwrap_or_default();
    if code == "insufficient_quota" || error_type == "insufficient_quota" || error.status == 402 {
        return ErrorKind::Quota;
    }
    if code == "content_filter" || error_type == "content_filter" {
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
