//! Errors: error responses and events to `UpstreamError`, and `Error` to OpenAI's envelope and this dialect's events.
//!
//! <https://platform.openai.com/docs/guides/error-codes>, and for streams
//! <https://platform.openai.com/docs/api-reference/responses-streaming/error>

use super::super::openai_error::{ErrorForm, decode_in_body, enveloped, error_form, in_any_form};
use crate::canonical::{DiagnosticCode, Diagnostics, FinishMeaning, finish_meaning};
use crate::error::{Error, ErrorKind, StatusError, UpstreamError};
use crate::json::{Object, RawJson, ValueKind, encode_string, raw, string_or_json, value_kind};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::time::Duration;

/// Encodes an error in OpenAI's envelope, with its status.
pub(super) fn encode(error: &Error) -> (StatusCode, Bytes) {
    let status = match error {
        // Only Anthropic's API has it.
        Error::Upstream(UpstreamError::Status(e)) if e.status == 529 => 503,
        Error::Upstream(UpstreamError::Status(e)) => e.status,
        other => error_form(other.kind()).status,
    };
    let status = StatusCode::from_u16(status)
        .ok()
        .filter(|s| s.is_client_error() || s.is_server_error())
        .unwrap_or(StatusCode::BAD_GATEWAY);
    let mut outer = Object::new();
    outer.set("error", error_object(error).to_json());
    (status, Bytes::from(outer.to_json()))
}

/// Encodes the object inside the envelope.
fn error_object(error: &Error) -> Object<'static> {
    let ErrorForm { mut error_type, code: default_code, .. } = error_form(error.kind());
    let mut object = Object::new();
    object.set("message", encode_string(&error.message()));
    let mut extra: &[(String, RawJson)] = &[];
    if let Error::Upstream(UpstreamError::Status(e)) = error {
        error_type = e.error_type.as_deref().unwrap_or(error_type);
        extra = &e.extra;
    }
    object.set("type", encode_string(error_type));
    object.set("param", error.param().map_or_else(|| String::from("null"), encode_string));
    object.set("code", error.code().or(default_code).map_or_else(|| String::from("null"), encode_string));
    for (key, value) in extra.iter().filter(|(key, _)| key != "code" || error.code().is_none()) {
        object.set(key.clone(), value.as_str().to_owned());
    }
    object.into_owned()
}

/// Encodes the `error` event. Its fields are at the top level, as in the reference, and in `error` too, as OpenAI sends them
/// and its SDKs read them. An error without a code gets that of the failed response: Vercel's SDK skips an event whose code is
/// null, and ends as if the answer were whole.
pub(super) fn encode_event(error: &Error, sequence_number: u64) -> String {
    let mut fields = error_object(error);
    if fields.get("code") == Some("null") {
        fields.set("code", encode_string(response_code(error)));
    }
    let mut object = Object::new();
    object.set("type", "\"error\"");
    object.set("sequence_number", sequence_number.to_string());
    for key in ["code", "message", "param"] {
        object.set(key, fields.get(key).unwrap_or("null").to_owned());
    }
    object.set("error", fields.to_json());
    object.to_json()
}

/// Returns the `code` of an error in a failed response. OpenAI's schema lists few; for errors that clients tell apart it is the
/// code that OpenAI sends although the schema lacks it.
pub(super) fn response_code(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::RateLimited => "rate_limit_exceeded",
        ErrorKind::Quota => "insufficient_quota",
        ErrorKind::ContextLength => "context_length_exceeded",
        ErrorKind::InvalidRequest | ErrorKind::ContentFiltered | ErrorKind::TooLarge => "invalid_prompt",
        _ => "server_error",
    }
}

/// Decodes an error response: its status, its headers and any body.
pub(super) fn decode(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    diagnostics: &mut Diagnostics,
) -> UpstreamError {
    let trimmed = body.trim_ascii();
    let mut error = match Object::parse(trimmed).ok().and_then(|object| decode_object(&object)) {
        Some(DecodedError { error, is_openai_form }) => {
            if !is_openai_form {
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
    error.kind = classify(&error);
    let header =
        |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).and_then(|v| v.trim().parse().ok());
    let seconds: Option<f64> =
        header("retry-after-ms").map(|ms: f64| ms / 1000.0).or_else(|| header("retry-after"));
    error.retry_after = seconds.and_then(|s| Duration::try_from_secs_f64(s).ok());
    UpstreamError::Status(Box::new(error))
}

/// Decodes the error of a failed response or an `error` event; one without any content gives a general error.
pub(super) fn in_failed_response(object: &Object<'_>, diagnostics: &mut Diagnostics) -> UpstreamError {
    // The fields of an event stand at its top level.
    let is_event = object.non_null("error").is_none()
        && ["message", "code"].iter().any(|key| object.non_null(key).is_some());
    let error = if is_event {
        let mut fields = object.clone();
        fields.remove("type");
        fields.remove("sequence_number");
        decode_in_body(&enveloped(&fields), diagnostics)
    } else {
        in_any_form(object, diagnostics)
    };
    error.unwrap_or_else(|| match failure_word(object) {
        Some(word) => UpstreamError::failed(&word, None),
        None => UpstreamError::malformed("The upstream's response failed without saying why."),
    })
}

/// Returns the word by which a response says that it failed or was interrupted: its reason, or else its status.
pub(super) fn failure_word(response: &Object<'_>) -> Option<String> {
    let is_failure =
        |word: &str| matches!(finish_meaning(word), FinishMeaning::Failed | FinishMeaning::Interrupted);
    let status = response.str("status").filter(|status| is_failure(status))?;
    let details = response.object("incomplete_details");
    let reason = details.as_ref().and_then(|details| details.str("reason")).filter(|word| is_failure(word));
    Some(reason.unwrap_or(status).into_owned())
}

/// A decoded error object.
struct DecodedError {
    error: StatusError,
    /// Whether it had the form of OpenAI's errors.
    is_openai_form: bool,
}

/// Decodes an error object in any envelope; `None` if there is none.
fn decode_object(object: &Object<'_>) -> Option<DecodedError> {
    let mut error = StatusError::new(502, ErrorKind::Upstream, "");
    let mut is_openai_form = true;
    match object.non_null("error") {
        Some(inner) if value_kind(inner) == ValueKind::Object => {
            let inner = Object::parse(inner.as_bytes()).ok()?;
            decode_fields(&inner, &mut error);
        }
        Some(inner) if value_kind(inner) == ValueKind::String => {
            decode_fields(object, &mut error);
            error.message = string_or_json(inner).into_owned();
            is_openai_form = false;
        }
        _ => {
            decode_fields(object, &mut error);
            is_openai_form = object.str("type").as_deref() == Some("error");
            let detail = object.get("detail").map(|d| string_or_json(d).into_owned());
            if let (true, Some(detail)) = (error.message.is_empty(), detail) {
                error.message = detail;
            }
            if error.message.is_empty() && error.code.is_none() && !is_openai_form {
                return None;
            }
        }
    }
    if error.message.is_empty() {
        error.message = String::from("The upstream reported an error without a message.");
    }
    Some(DecodedError { error, is_openai_form })
}

/// Decodes the fields of an error object, of any JSON types.
fn decode_fields(object: &Object<'_>, error: &mut StatusError) {
    for (key, value) in object.iter() {
        let text = || Some(string_or_json(value).into_owned()).filter(|s| !s.is_empty());
        match key {
            "message" => error.message = string_or_json(value).into_owned(),
            "type" if value.trim() != "\"error\"" => error.error_type = text(),
            // OpenAI says by `null` that there is none: its clients get it back.
            "code" if value_kind(value) == ValueKind::Null => error.extra.push((key.to_owned(), raw(value))),
            "code" => error.code = text(),
            "param" => error.param = text(),
            "failed_generation" | "metadata" => error.extra.push((key.to_owned(), raw(value))),
            _ => {}
        }
    }
}

fn is_context_overflow(error: &StatusError) -> bool {
    const PHRASES: [&str; 5] = [
        "maximum context length",
        "context window",
        "context size",
        "prompt is too long",
        "input is too long",
    ];
    let message = error.message.to_lowercase();
    error.code.as_deref().is_some_and(|code| code.contains("context_length"))
        || PHRASES.iter().any(|phrase| message.contains(phrase))
}

/// Returns the kind of an error by its code, type, message and status.
fn classify(error: &StatusError) -> ErrorKind {
    let is = |name: &str| error.code.as_deref() == Some(name) || error.error_type.as_deref() == Some(name);
    if is_context_overflow(error) {
        return ErrorKind::ContextLength;
    }
    if is("insufficient_quota") || error.status == 402 {
        return ErrorKind::Quota;
    }
    if is("content_filter") {
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
