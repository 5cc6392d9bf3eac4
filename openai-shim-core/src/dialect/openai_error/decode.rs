//! Errors as upstreams write them: every envelope read, whatever the types of its members.

use super::redact::keep_private;
use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::error::{ErrorKind, StatusError};
use crate::json::{Object, ValueKind, decode_string, raw, string_or_json, value_kind};
use http::StatusCode;

/// Whether an object is an error in any envelope that upstreams use.
pub(in crate::dialect) fn is_error(object: &Object<'_>) -> bool {
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

/// Reads an error from a body: an object, the first item of an array, or no JSON at all.
pub(super) fn body(status: StatusCode, json: &[u8], diagnostics: &mut Diagnostics) -> StatusError {
    if let Some(error) = Object::parse(json).ok().and_then(|object| read(&object, diagnostics)) {
        return error;
    }
    let first = first_of_array(json).and_then(|item| Object::parse(item).ok());
    if let Some(error) = first.and_then(|object| read(&object, diagnostics)) {
        diagnostics.record(DiagnosticCode::ErrorReshaped, "error", "the first item of an array");
        return error;
    }
    diagnostics.record(DiagnosticCode::ErrorReshaped, "error", "no JSON error");
    StatusError::new(status.as_u16(), ErrorKind::Upstream, plain(status, json))
}

/// Reads an error from an object, if it is one.
pub(super) fn read(object: &Object<'_>, diagnostics: &mut Diagnostics) -> Option<StatusError> {
    if !is_error(object) && object.str("message").is_none() && object.str("error_type").is_none() {
        return None;
    }
    let mut error = StatusError::new(502, ErrorKind::Upstream, "");
    let reshaped = match object.non_null("error") {
        Some(inner) if value_kind(inner) == ValueKind::Object => {
            let inner = Object::parse(inner.as_bytes()).ok()?;
            members(&inner, &mut error);
            inner.str("message").is_none()
        }
        Some(inner) if value_kind(inner) == ValueKind::String => {
            members(object, &mut error);
            error.message = decode_string(inner).unwrap_or_default().into_owned();
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
        error.code = base.get("status_code").map(|c| string_or_json(c).into_owned());
    }
    unwrap_message(&mut error);
    unwrap_raw(&mut error, diagnostics);
    keep_private(&mut error, diagnostics);
    if error.message.is_empty() {
        error.message = String::from("The upstream reported an error without a message.");
    }
    if reshaped {
        diagnostics.record(DiagnosticCode::ErrorReshaped, "error", "");
    }
    Some(error)
}

/// Takes the members of an error object, whatever their types.
fn members(object: &Object<'_>, error: &mut StatusError) {
    for (key, value) in object.iter() {
        let said = || Some(string_or_json(value).into_owned()).filter(|s| !s.is_empty());
        match key {
            "message" => error.message = string_or_json(value).into_owned(),
            "type" | "error_type" if value.trim() != "\"error\"" => error.error_type = said(),
            "code" => error.code = said(),
            "param" if value_kind(value) == ValueKind::Object => error.param = path_of(value).or_else(said),
            // Validators count from the body.
            "param" => {
                error.param =
                    said().map(|p| p.trim_start_matches("body.").to_owned()).filter(|p| p != "body");
            }
            // What is not the error's own.
            "object" | "type" | "error" | "detail" | "id" | "created" | "model" | "choices" | "base_resp" => {
            }
            _ => error.extra.push((key.to_owned(), raw(value))),
        }
    }
}

/// The steps of a `loc`, joined.
fn joined_loc(object: &Object<'_>) -> Option<String> {
    let steps = object.array("loc")?;
    let steps: Vec<String> = steps
        .into_iter()
        .map(|step| string_or_json(step).into_owned())
        .filter(|step| step != "body")
        .collect();
    Some(steps.join(".")).filter(|path| !path.is_empty())
}

/// A `param` that is an object: `{"loc": ["messages", 0]}`.
fn path_of(param: &str) -> Option<String> {
    joined_loc(&Object::parse(param.as_bytes()).ok()?)
}

/// FastAPI's `detail`: a text, an object with a message, or a list of `{loc, msg, type}`.
fn read_detail(detail: &str, error: &mut StatusError) {
    match value_kind(detail) {
        ValueKind::Array => {
            let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(detail).unwrap_or_default();
            let mut said = Vec::new();
            for item in items {
                let Ok(item) = Object::parse(item.get().as_bytes()) else { continue };
                let msg = item.str("msg").unwrap_or_default().into_owned();
                let at = joined_loc(&item);
                said.push(at.as_ref().map_or_else(|| msg.clone(), |at| format!("{at}: {msg}")));
                error.param = error.param.take().or(at);
            }
            error.message = said.join("; ");
        }
        ValueKind::Object => {
            if let Ok(object) = Object::parse(detail.as_bytes()) {
                members(&object, error);
            }
        }
        _ => error.message = string_or_json(detail).into_owned(),
    }
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

/// A router's `metadata.raw` holds what the provider behind it said; the router's own message only says that it did.
fn unwrap_raw(error: &mut StatusError, diagnostics: &mut Diagnostics) {
    if !error.message.to_ascii_lowercase().contains("provider returned error") {
        return;
    }
    let Some((_, metadata)) = error.extra.iter().find(|(key, _)| key == "metadata") else { return };
    let Ok(metadata) = Object::parse(metadata.get().as_bytes()) else { return };
    let Some(said) =
        metadata.get("raw").map(|raw| string_or_json(raw).into_owned()).filter(|raw| !raw.is_empty())
    else {
        return;
    };
    let inner =
        Object::parse(said.as_bytes()).ok().filter(is_error).and_then(|object| read(&object, diagnostics));
    match inner {
        Some(inner) => {
            error.message = inner.message;
            error.error_type = error.error_type.take().or(inner.error_type);
            error.param = error.param.take().or(inner.param);
            error.code = inner.code.or(error.code.take());
        }
        None => error.message = said,
    }
    diagnostics.record(DiagnosticCode::ErrorReshaped, "error.message", "what the provider said");
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
