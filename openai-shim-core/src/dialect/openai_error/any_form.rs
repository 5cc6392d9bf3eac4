//! An object or a text in place of a part of an answer, in the form of any API's error, to the error.
//!
//! Gateways forward the errors of other vendors as they came, so each dialect reads all forms.

use super::decode::{is_error, is_success_code};
use super::decode_in_body;
use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::error::{ErrorKind, StatusError, UpstreamError};
use crate::json::{Object, ValueKind, encode_string, raw, string_or_json, value_kind};

/// How much of a text is quoted.
const MAX_QUOTED_CHARACTERS: usize = 300;

/// The members that hold the message of an error without an envelope, and its code.
const MESSAGE_KEYS: [&str; 6] = ["error_msg", "error_message", "errorMessage", "errorMsg", "message", "msg"];
const CODE_KEYS: [&str; 6] = ["error_code", "errorCode", "err_code", "errcode", "status_code", "statusCode"];

/// The members of answers, events and items: an object with one of them and a message is no error for that.
const OTHER_KEYS: [&str; 9] =
    ["type", "object", "choices", "content", "role", "delta", "output", "candidates", "done"];

/// Returns the error that an object reports which is no part of an answer in its dialect.
pub(in crate::dialect) fn in_any_form(
    object: &Object<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<UpstreamError> {
    match unwrapped(object) {
        Some(error) => {
            diagnostics.record(DiagnosticCode::ErrorReshaped, "error", "");
            let mut outer = Object::new();
            outer.set("error", error);
            decode_in_body(&outer, diagnostics)
        }
        None if is_error(object) => decode_in_body(object, diagnostics),
        None => None,
    }
}

/// Returns the error of an event that is named `error`, whatever its data is; `None` for other events.
pub(in crate::dialect) fn of_error_event(event: Option<&str>, data: &[u8]) -> Option<UpstreamError> {
    if event != Some("error") {
        return None;
    }
    let mut diagnostics = Diagnostics::default();
    if let Ok(object) = Object::parse(data) {
        let title = || ["title", "description", "reason"].into_iter().find_map(|key| object.str(key));
        let error = in_any_form(&object, &mut diagnostics).or_else(|| {
            let mut error = Object::new();
            error.set("message", encode_string(&title()?));
            object.get("status").into_iter().for_each(|status| error.set("code", status));
            decode_in_body(&enveloped(&error), &mut diagnostics)
        });
        return Some(error.unwrap_or_else(unknown));
    }
    let text = String::from_utf8_lossy(data);
    let text = string_or_json(text.trim());
    if text.is_empty() || text.starts_with(['<', '{', '[']) {
        return Some(unknown());
    }
    let message: String = text.chars().take(MAX_QUOTED_CHARACTERS).collect();
    let mut error = StatusError::new(502, ErrorKind::Upstream, message);
    super::redact::redact_texts(&mut error, &mut diagnostics);
    Some(UpstreamError::Status(Box::new(error)))
}

/// Returns an error's fields in OpenAI's envelope.
pub(in crate::dialect) fn enveloped(fields: &Object<'_>) -> Object<'static> {
    let mut outer = Object::new();
    outer.set("error", fields.to_json());
    outer
}

fn unknown() -> UpstreamError {
    UpstreamError::malformed("The upstream reported an error in its stream.")
}

/// Returns the error object of a form that has no envelope, or an unusual one.
fn unwrapped(object: &Object<'_>) -> Option<String> {
    // OpenAI's Responses.
    if let Some(error) =
        object.object("response").and_then(|failed| failed.non_null("error").map(str::to_owned))
    {
        return Some(error);
    }
    // Cloudflare: `{"success":false,"errors":[{"code":3040,"message":"…"}]}`.
    if let Some(first) = object.array("errors").and_then(|errors| errors.first().map(|e| (*e).to_owned())) {
        return Some(first);
    }
    // A gateway in front of a gateway.
    if let Some(inner) = object.object("error") {
        if let Some(inner) = inner.get("error").filter(|inner| value_kind(inner) == ValueKind::Object) {
            return Some(inner.to_owned());
        }
        return inner.str("message").is_none().then(|| flat(&inner, true)).flatten();
    }
    // AWS: `{"throttlingException":{"message":"…"}}`, and `{"__type":"ThrottlingException","message":"…"}`.
    let exception = object
        .iter()
        .find(|(key, value)| key.ends_with("Exception") && value_kind(value) == ValueKind::Object);
    if let Some((name, value)) = exception {
        let mut error = Object::parse(value.as_bytes()).ok()?.into_owned();
        error.set("type", encode_string(name));
        if let Some(status) = error.get("originalStatusCode").map(str::to_owned) {
            error.set("code", status);
        }
        return Some(error.to_json());
    }
    if is_error(object) {
        return None;
    }
    if let Some(name) = object.str("__type") {
        let name = name.rsplit('#').next().unwrap_or_default();
        let mut error = object.clone();
        error.remove("__type");
        error.set("type", encode_string(name));
        if let Some(message) = error.remove("Message") {
            error.set("message", message);
        }
        return Some(error.to_json());
    }
    flat(object, false)
}

/// Returns the error of an object that has a message, and nothing that an answer has. `is_enveloped`: it is an error for sure.
fn flat(object: &Object<'_>, is_enveloped: bool) -> Option<String> {
    let is_other = || !is_enveloped && OTHER_KEYS.iter().any(|key| object.non_null(key).is_some());
    let code = CODE_KEYS.iter().chain(&["code"]).find_map(|key| object.non_null(key));
    let key = MESSAGE_KEYS.iter().find(|key| object.str(key).is_some_and(|text| !text.is_empty()))?;
    let is_named = key.starts_with("err");
    if (!is_named && is_other()) || code.is_some_and(is_success_code) || object.bool("success") == Some(true)
    {
        return None;
    }
    let mut error = Object::new();
    error.set("message", object.get(key)?);
    if let Some(code) = code {
        error.set("code", code);
    }
    for (other, value) in object.iter() {
        if other != *key && other != "code" && !CODE_KEYS.contains(&other) {
            error.set(other, value);
        }
    }
    Some(raw(error.to_json()).as_str().to_owned())
}
