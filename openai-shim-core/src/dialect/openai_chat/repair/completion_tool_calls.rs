//! The tool calls of a complete answer.

use super::super::tool_call::is_custom;
use super::tool_call_deltas::{attach_signature, is_json, lift, same_json, upgrade};
use crate::canonical::{DiagnosticCode, Diagnostics, ResponseContext, ResponseSpec};
use crate::json::{Object, ValueKind, encode_array, encode_string, string_or_json, value_kind};
use std::borrow::Cow;

/// Puts the calls of a whole message right; true if there are any.
pub(super) fn mend(
    message: &mut Object<'_>,
    cut: bool,
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> bool {
    upgrade(message, "choices[].message", spec, diagnostics);
    let Some(items) = message.array("tool_calls") else { return false };
    let mut changed = false;
    let mut written = Vec::with_capacity(items.len());
    for item in items {
        let Ok(mut call) = Object::parse(item.as_bytes()) else {
            diagnostics.record(DiagnosticCode::FieldDropped, "choices[].message.tool_calls[]", "no object");
            changed = true;
            continue;
        };
        whole_call(&mut call, cut, spec, context, diagnostics);
        changed |= call.is_changed();
        written.push(if call.is_changed() { Cow::Owned(call.to_json()) } else { Cow::Borrowed(item) });
    }
    let any = !written.is_empty();
    if !any {
        message.remove("tool_calls");
    } else if changed {
        let written = encode_array(&written);
        message.set("tool_calls", written);
    }
    any
}

fn whole_call(
    call: &mut Object<'_>,
    cut: bool,
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) {
    const AT: &str = "choices[].message.tool_calls[]";
    if call.str("id").is_none_or(|id| id.is_empty()) {
        diagnostics.record(DiagnosticCode::ToolIdSynthesized, &format!("{AT}.id"), "");
        let id = call
            .get("id")
            .filter(|id| value_kind(id) == ValueKind::Number)
            .map(|id| string_or_json(id).into_owned());
        call.set("id", encode_string(&id.unwrap_or_else(|| context.new_id("call_"))));
    }
    let id = call.str("id").unwrap_or_default();
    if let Some(fresh) = context.replace_repeated_id(&id) {
        diagnostics.record(DiagnosticCode::ToolIdRepeated, &format!("{AT}.id"), &id);
        call.set("id", encode_string(&fresh));
    }
    attach_signature(call, spec, diagnostics);
    if is_custom(call) {
        return;
    }
    if call.str("type").as_deref() != Some("function") {
        diagnostics.record(DiagnosticCode::ToolTypeFilled, &format!("{AT}.type"), "");
        call.set("type", "\"function\"");
    }
    lift(call);
    let mut function = call.inner("function").unwrap_or_default();
    if function.str("name").is_none_or(|name| name.is_empty()) {
        diagnostics.record(DiagnosticCode::ToolNameMissing, &format!("{AT}.function.name"), "");
        if function.str("name").is_none() {
            function.set("name", "\"\"");
        }
    }
    if let Some(shaped) = arguments(&function) {
        diagnostics.record(DiagnosticCode::ToolArgumentsShaped, &format!("{AT}.function.arguments"), "");
        function.set("arguments", encode_string(&shaped));
    } else if !cut && !is_json(&function.str("arguments").unwrap_or_default()) {
        diagnostics.record(DiagnosticCode::ToolArgumentsInvalid, &format!("{AT}.function.arguments"), "");
    }
    if function.is_changed() {
        call.set("function", function.to_json());
    }
}

/// Arguments as they should be, where they are not a JSON text: an object becomes its text, nothing becomes `{}`.
fn arguments(function: &Object<'_>) -> Option<String> {
    match function.get("arguments").map(|a| (value_kind(a), a)) {
        Some((ValueKind::String, given)) => {
            (string_or_json(given).trim().is_empty()).then(|| String::from("{}"))
        }
        Some((ValueKind::Null, _)) | None => Some(String::from("{}")),
        Some((_, given)) => Some(given.trim().to_owned()),
    }
}

/// Whether a message makes this very call.
pub(super) fn has(message: &Object<'_>, name: &str, arguments: &str) -> bool {
    message.array("tool_calls").unwrap_or_default().into_iter().any(|call| {
        let call = Object::parse(call.as_bytes()).unwrap_or_default();
        let function = call.object("function").unwrap_or_default();
        let given = function.get("arguments").map(string_or_json).unwrap_or_default();
        function.str("name").as_deref() == Some(name) && same_json(&given, arguments)
    })
}
