//! An upstream's error, in any envelope and with fields of any type, to [`StatusError`].

use super::super::text_body::describe_text_body;
use super::redact::drop_private;
use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::error::{ErrorKind, StatusError};
use crate::json::{Object, ValueKind, decode_string, raw, string_or_json, value_kind};
use http::StatusCode;

/// Whether an object is an error, in any envelope that upstreams use.
pub(in crate::dialect) fn is_error(object: &Object<'_>) -> bool {
    object.non_null("error").is_some_and(|e| !matches!(e.trim(), "false" | "\"\"" | "{}"))
        || object.str("object").as_deref() == Some("error")
        || object.str("type").as_deref() == Some("error")
        || (object.non_null("detail").is_some() && object.get("choices").is_none())
        || (object.get("choices").is_none()
            && object.get("code").is_some_and(|code| !is_success_code(code))
            && object.str("message").is_some())
        || object
            .object("base_resp")
            .is_some_and(|b| b.non_null("status_code").is_some_and(|c| c.trim() != "0"))
}

/// Whether a code says that there is no error.
pub(super) fn is_success_code(code: &str) -> bool {
    matches!(&*string_or_json(code.trim()).to_ascii_lowercase(), "0" | "200" | "ok" | "success")
}

/// Decodes an error's body: an object, the first item of an array, or no JSON at all.
pub(super) fn decode_body(status: StatusCode, json: &[u8], diagnostics: &mut Diagnostics) -> StatusError {
    if let Some(error) = Object::parse(json).ok().and_then(|object| decode_object(&object, diagnostics)) {
        return error;
    }
    let first = first_of_array(json).and_then(|item| Object::parse(item).ok());
    if let Some(error) = first.and_then(|object| decode_object(&object, diagnostics)) {
        diagnostics.record(DiagnosticCode::ErrorReshaped, "error", "the first item of an array");
        return error;
    }
    diagnostics.record(DiagnosticCode::ErrorReshaped, "error", "no JSON error");
    StatusError::new(status.as_u16(), ErrorKind::Upstream, describe_text_body(status, json))
}

/// Decodes an object; `None` if it is no error.
pub(super) fn decode_object(object: &Object<'_>, diagnostics: &mut Diagnostics) -> Option<StatusError> {
    if !is_error(object) && object.str("message").is_none() && object.str("error_type").is_none() {
        return None;
    }
    let mut error = StatusError::new(502, ErrorKind::Upstream, "");
    let is_reshaped = match object.non_null("error") {
        Some(inner) if value_kind(inner) == ValueKind::Object => {
            let inner = Object::parse(inner.as_bytes()).ok()?;
            read_fields(&inner, &mut error);
            inner.str("message").is_none()
        }
        Some(inner) if value_kind(inner) == ValueKind::String => {
            read_fields(object, &mut error);
            error.message = decode_string(inner).unwrap_or_default().into_owned();
            error.extra.retain(|(key, _)| key != "error");
            true
        }
        _ => {
            read_fields(object, &mut error);
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
    drop_private(&mut error, diagnostics);
    if error.message.is_empty() {
        error.message = String::from("The upstream reported an error without a message.");
    }
    if is_reshaped {
        diagnostics.record(DiagnosticCode::ErrorReshaped, "error", "");
    }
    Some(error)
}

/// Reads the fields of an error object, whatever their types.
fn read_fields(object: &Object<'_>, error: &mut StatusError) {
    for (key, value) in object.iter() {
        let text = || Some(string_or_json(value).into_owned()).filter(|s| !s.is_empty());
        match key {
            "message" => error.message = string_or_json(value).into_owned(),
            "type" | "error_type" if value.trim() != "\"error\"" => error.error_type = text(),
            // OpenAI says by `null` that there is none: its clients get it back.
            "code" if value_kind(value) == ValueKind::Null => error.extra.push((key.to_owned(), raw(value))),
            "code" => error.code = text(),
            "param" if value_kind(value) == ValueKind::Object => {
                error.param = read_param_object(value).or_else(text);
            }
            // Validators put `body` in front of the path.
            "param" => {
                error.param =
                    text().map(|p| p.trim_start_matches("body.").to_owned()).filter(|p| p != "body");
            }
            // These are fields of the envelope.
            "object" | "type" | "error" | "detail" | "id" | "created" | "model" | "choices" | "base_resp" => {
            }
            _ => error.extra.push((key.to_owned(), raw(value))),
        }
    }
}

/// Returns the segments of a `loc` as one path.
fn join_loc(object: &Object<'_>) -> Option<String> {
    let segments: Vec<String> = object
        .array("loc")?
        .into_iter()
        .map(|segment| string_or_json(segment).into_owned())
        .filter(|segment| segment != "body")
        .collect();
    Some(segments.join(".")).filter(|path| !path.is_empty())
}

/// Reads a `param` that is an object: `{"loc": ["messages", 0]}`.
fn read_param_object(param: &str) -> Option<String> {
    join_loc(&Object::parse(param.as_bytes()).ok()?)
}

/// Reads FastAPI's `detail`: a string, an object with a message, or a list of `{loc, msg, type}`.
fn read_detail(detail: &str, error: &mut StatusError) {
    match value_kind(detail) {
        ValueKind::Array => {
            let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(detail).unwrap_or_default();
            let mut messages = Vec::new();
            for item in items {
                let Ok(item) = Object::parse(item.get().as_bytes()) else { continue };
                let message = item.str("msg").unwrap_or_default().into_owned();
                let param = join_loc(&item);
                messages.push(match &param {
                    Some(param) => format!("{param}: {message}"),
                    None => message,
                });
                error.param = error.param.take().or(param);
            }
            error.message = messages.join("; ");
        }
        ValueKind::Object => {
            if let Ok(object) = Object::parse(detail.as_bytes()) {
                read_fields(&object, error);
            }
        }
        _ => error.message = string_or_json(detail).into_owned(),
    }
}

/// Takes the message out of a message that is JSON itself.
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

/// Takes the error out of a gateway's `metadata.raw`: the gateway's own message states only that there was one.
fn unwrap_raw(error: &mut StatusError, diagnostics: &mut Diagnostics) {
    if !error.message.to_ascii_lowercase().contains("provider returned error") {
        return;
    }
    let Some((_, metadata)) = error.extra.iter().find(|(key, _)| key == "metadata") else { return };
    let Ok(metadata) = Object::parse(metadata.as_str().as_bytes()) else { return };
    let Some(raw_error) =
        metadata.get("raw").map(|raw| string_or_json(raw).into_owned()).filter(|raw| !raw.is_empty())
    else {
        return;
    };
    let inner = Object::parse(raw_error.as_bytes())
        .ok()
        .filter(is_error)
        .and_then(|object| decode_object(&object, diagnostics));
    match inner {
        Some(inner) => {
            error.message = inner.message;
            error.error_type = error.error_type.take().or(inner.error_type);
            error.param = error.param.take().or(inner.param);
            error.code = inner.code.or(error.code.take());
        }
        None => error.message = raw_error,
    }
    diagnostics.record(DiagnosticCode::ErrorReshaped, "error.message", "what the provider said");
}

fn first_of_array(json: &[u8]) -> Option<&[u8]> {
    let items: Vec<&serde_json::value::RawValue> = serde_json::from_slice(json).ok()?;
    items.first().map(|item| item.get().as_bytes())
}
