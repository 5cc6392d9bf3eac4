//! The tool calls of a non-streaming response: a message in, its calls repaired out.

use super::super::tool_call::is_custom;
use super::tool_call_fields::{
    attach_signature, is_json, is_same_json, move_into_function, upgrade_function_call,
};
use crate::canonical::{DiagnosticCode, Diagnostics, ResponseContext, ResponseSpec, unwrap_encoded_twice};
use crate::json::{Object, ValueKind, encode_array, encode_string, string_or_json, value_kind};
use std::borrow::Cow;

const FIELD_PATH: &str = "choices[].message.tool_calls[]";
const ARGUMENTS_PATH: &str = "choices[].message.tool_calls[].function.arguments";

/// Repairs the calls of a message; returns whether there are any. `is_cut`: a limit ended the message, so that arguments may
/// be incomplete.
pub(super) fn repair(
    message: &mut Object<'_>,
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    is_cut: bool,
    diagnostics: &mut Diagnostics,
) -> bool {
    upgrade_function_call(message, "choices[].message", spec, diagnostics);
    let Some(items) = message.array("tool_calls") else { return false };
    let mut changed = false;
    let mut written = Vec::with_capacity(items.len());
    for item in items {
        let Ok(mut call) = Object::parse(item.as_bytes()) else {
            diagnostics.record(DiagnosticCode::FieldDropped, FIELD_PATH, "no object");
            changed = true;
            continue;
        };
        repair_call(&mut call, spec, context, is_cut, diagnostics);
        changed |= call.is_changed();
        written.push(if call.is_changed() { Cow::Owned(call.to_json()) } else { Cow::Borrowed(item) });
    }
    let has_calls = !written.is_empty();
    if !has_calls {
        message.remove("tool_calls");
    } else if changed {
        let written = encode_array(&written);
        message.set("tool_calls", written);
    }
    has_calls
}

fn repair_call(
    call: &mut Object<'_>,
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    is_cut: bool,
    diagnostics: &mut Diagnostics,
) {
    if call.str("id").is_none_or(|id| id.is_empty()) {
        diagnostics.record(DiagnosticCode::ToolIdSynthesized, &format!("{FIELD_PATH}.id"), "");
        let id = call
            .get("id")
            .filter(|id| value_kind(id) == ValueKind::Number)
            .map(|id| string_or_json(id).into_owned());
        call.set("id", encode_string(&id.unwrap_or_else(|| context.new_id("call_"))));
    }
    let id = call.str("id").unwrap_or_default();
    if let Some(new_id) = context.replace_repeated_id(&id) {
        diagnostics.record(DiagnosticCode::ToolIdRepeated, &format!("{FIELD_PATH}.id"), &id);
        call.set("id", encode_string(&new_id));
    }
    attach_signature(call, spec, diagnostics);
    if is_custom(call) {
        return;
    }
    if call.str("type").as_deref() != Some("function") {
        diagnostics.record(DiagnosticCode::ToolTypeFilled, &format!("{FIELD_PATH}.type"), "");
        call.set("type", "\"function\"");
    }
    move_into_function(call);
    let mut function = call.inner("function").unwrap_or_default();
    if function.str("name").is_none_or(|name| name.is_empty()) {
        diagnostics.record(DiagnosticCode::ToolNameMissing, &format!("{FIELD_PATH}.function.name"), "");
        if function.str("name").is_none() {
            function.set("name", "\"\"");
        }
    }
    if let Some(arguments) = arguments_as_text(&function) {
        diagnostics.record(DiagnosticCode::ToolArgumentsShaped, ARGUMENTS_PATH, "");
        function.set("arguments", encode_string(&arguments));
    } else if !is_cut && !is_json(&function.str("arguments").unwrap_or_default()) {
        diagnostics.record(DiagnosticCode::ToolArgumentsInvalid, ARGUMENTS_PATH, "");
    }
    if function.is_changed() {
        call.set("function", function.to_json());
    }
}

/// Returns the arguments as JSON text where they are none: an object becomes its text, nothing becomes `{}`, and a string
/// that holds an object becomes the object.
pub(super) fn arguments_as_text(function: &Object<'_>) -> Option<String> {
    match function.get("arguments").map(|a| (value_kind(a), a)) {
        Some((ValueKind::String, value)) => {
            let text = string_or_json(value);
            if text.trim().is_empty() { Some(String::from("{}")) } else { unwrap_encoded_twice(&text) }
        }
        Some((ValueKind::Null, _)) | None => Some(String::from("{}")),
        Some((_, value)) => Some(value.trim().to_owned()),
    }
}

/// Whether a message has a call of this function with these arguments.
pub(super) fn contains(message: &Object<'_>, name: &str, arguments: &str) -> bool {
    message.array("tool_calls").unwrap_or_default().into_iter().any(|call| {
        let call = Object::parse(call.as_bytes()).unwrap_or_default();
        let function = call.object("function").unwrap_or_default();
        let call_arguments = function.get("arguments").map(string_or_json).unwrap_or_default();
        function.str("name").as_deref() == Some(name) && is_same_json(&call_arguments, arguments)
    })
}
