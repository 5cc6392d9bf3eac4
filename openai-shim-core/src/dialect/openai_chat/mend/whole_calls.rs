//! The tool calls of a complete answer.

use super::super::tool_call::is_custom;
use super::tools::{carry, is_json, lift, same_json, upgrade};
use crate::canonical::{Code, Diagnostics, ResponseSpec};
use crate::json::{Object, ValueKind, joined, peek, quote, text_of};
use std::borrow::Cow;

/// Puts the calls of a whole message right; true if there are any.
pub(super) fn mend(
    message: &mut Object<'_>,
    asked: &mut ResponseSpec,
    cut: bool,
    notes: &mut Diagnostics,
) -> bool {
    upgrade(message, "choices[].message", asked, notes);
    let Some(items) = message.array("tool_calls") else { return false };
    let mut changed = false;
    let mut written = Vec::with_capacity(items.len());
    for item in items {
        let Ok(mut call) = Object::parse(item.as_bytes()) else {
            notes.note(Code::FieldDropped, "choices[].message.tool_calls[]", "no object");
            changed = true;
            continue;
        };
        whole_call(&mut call, asked, cut, notes);
        changed |= call.is_changed();
        written.push(if call.is_changed() { Cow::Owned(call.to_json()) } else { Cow::Borrowed(item) });
    }
    let any = !written.is_empty();
    if !any {
        message.remove("tool_calls");
    } else if changed {
        let written = joined(&written);
        message.set("tool_calls", written);
    }
    any
}

fn whole_call(call: &mut Object<'_>, asked: &mut ResponseSpec, cut: bool, notes: &mut Diagnostics) {
    const AT: &str = "choices[].message.tool_calls[]";
    if call.str("id").is_none_or(|id| id.is_empty()) {
        notes.note(Code::ToolIdSynthesized, &format!("{AT}.id"), "");
        let id = call.get("id").filter(|id| peek(id) == ValueKind::Number).map(|id| text_of(id).into_owned());
        call.set("id", quote(&id.unwrap_or_else(|| asked.context.id("call_"))));
    }
    let id = call.str("id").unwrap_or_default();
    if let Some(fresh) = asked.fresh_call_id(&id) {
        notes.note(Code::ToolIdRepeated, &format!("{AT}.id"), &id);
        call.set("id", quote(&fresh));
    }
    carry(call, asked, notes);
    if is_custom(call) {
        return;
    }
    if call.str("type").as_deref() != Some("function") {
        notes.note(Code::ToolTypeFilled, &format!("{AT}.type"), "");
        call.set("type", "\"function\"");
    }
    lift(call);
    let mut function = call.inner("function").unwrap_or_default();
    if function.str("name").is_none_or(|name| name.is_empty()) {
        notes.note(Code::ToolNameMissing, &format!("{AT}.function.name"), "");
        if function.str("name").is_none() {
            function.set("name", "\"\"");
        }
    }
    if let Some(shaped) = arguments(&function) {
        notes.note(Code::ToolArgumentsShaped, &format!("{AT}.function.arguments"), "");
        function.set("arguments", quote(&shaped));
    } else if !cut && !is_json(&function.str("arguments").unwrap_or_default()) {
        notes.note(Code::ToolArgumentsInvalid, &format!("{AT}.function.arguments"), "");
    }
    if function.is_changed() {
        call.set("function", function.to_json());
    }
}

/// Arguments as they should be, where they are not a JSON text: an object becomes its text, nothing becomes `{}`.
fn arguments(function: &Object<'_>) -> Option<String> {
    match function.get("arguments").map(|a| (peek(a), a)) {
        Some((ValueKind::String, given)) => (text_of(given).trim().is_empty()).then(|| String::from("{}")),
        Some((ValueKind::Null, _)) | None => Some(String::from("{}")),
        Some((_, given)) => Some(given.trim().to_owned()),
    }
}

/// Whether a message makes this very call.
pub(super) fn has(message: &Object<'_>, name: &str, arguments: &str) -> bool {
    message.array("tool_calls").unwrap_or_default().into_iter().any(|call| {
        let call = Object::parse(call.as_bytes()).unwrap_or_default();
        let function = call.object("function").unwrap_or_default();
        let given = function.get("arguments").map(text_of).unwrap_or_default();
        function.str("name").as_deref() == Some(name) && same_json(&given, arguments)
    })
}
