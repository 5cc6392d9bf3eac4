//! Tool calls of requests and responses: JSON to `LineToolCall`, and arguments to the JSON object that Ollama requires.

use super::extra_fields;
use crate::canonical::{DiagnosticCode, Diagnostics, ExtraFields, unwrap_encoded_twice};
use crate::json::{Object, ValueKind, encode_string, string_or_json, value_kind};
use std::borrow::Cow;

/// A tool call as it was read.
pub(super) struct LineToolCall {
    /// The id, which only newer versions have.
    pub(super) id: Option<String>,
    pub(super) name: String,
    /// JSON text.
    pub(super) arguments: String,
    pub(super) extra: ExtraFields,
}

/// Reads a tool call. Its arguments are an object; some servers send JSON text.
pub(super) fn read(call: &str, field_path: &str, diagnostics: &mut Diagnostics) -> LineToolCall {
    let object = Object::parse(call.as_bytes()).unwrap_or_default();
    let function = object.object("function").unwrap_or_default();
    let value = function.non_null("arguments");
    let arguments = match value.map(value_kind) {
        Some(ValueKind::Object) => value.unwrap_or_default().trim().to_owned(),
        Some(_) => {
            let path = format!("{field_path}.function.arguments");
            diagnostics.record(DiagnosticCode::ToolArgumentsShaped, &path, "no object");
            let text = string_or_json(value.unwrap_or_default()).into_owned();
            if text.trim().is_empty() {
                String::from("{}")
            } else {
                if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_err() {
                    diagnostics.record(DiagnosticCode::ToolArgumentsInvalid, &path, "");
                }
                text
            }
        }
        None => String::from("{}"),
    };
    let name = function.str("name").unwrap_or_default().into_owned();
    if name.is_empty() {
        diagnostics.record(DiagnosticCode::ToolNameMissing, field_path, "");
    }
    let extra = extra_fields::of(extra_fields::read_non_null(&object, &["id", "type", "function"]));
    let id = object.str("id").filter(|id| !id.is_empty()).map(Cow::into_owned);
    LineToolCall { id, name, arguments, extra }
}

/// Returns arguments as the JSON object that Ollama and its clients require; any other text is wrapped into one.
pub(super) fn arguments_object(json: &str, field_path: &str, diagnostics: &mut Diagnostics) -> String {
    let trimmed = json.trim();
    if trimmed.is_empty() {
        return String::from("{}");
    }
    if Object::parse(trimmed.as_bytes()).is_ok() {
        return trimmed.to_owned();
    }
    if let Some(object) = unwrap_encoded_twice(trimmed) {
        diagnostics.record(DiagnosticCode::ToolArgumentsShaped, field_path, "encoded twice");
        return object;
    }
    diagnostics.record(
        DiagnosticCode::ToolArgumentsInvalid,
        field_path,
        "no JSON object: sent as its member _raw",
    );
    format!(r#"{{"_raw":{}}}"#, encode_string(json))
}
