//! The fields of one tool call, in messages and deltas: shapes of other servers in, OpenAI's out.

use super::super::tool_call;
use crate::canonical::{DiagnosticCode, Diagnostics, ResponseSpec, call_id};
use crate::json::{Object, ValueKind, encode_string, value_kind};

/// Puts a call's signature into its id where the upstream requires it back: clients return ids unchanged.
pub(super) fn attach_signature(call: &mut Object<'_>, spec: &ResponseSpec, diagnostics: &mut Diagnostics) {
    if !spec.signatures_in_ids {
        return;
    }
    let (Some(id), Some(signature)) = (call.str("id"), tool_call::signature(call)) else { return };
    if let Some(signed_id) = call_id::attach(&id, &signature) {
        diagnostics.record(DiagnosticCode::SignatureCarried, "tool_calls[].id", "");
        call.set("id", encode_string(&signed_id));
    }
}

/// Moves `name` and `arguments` of the call itself into `function`, where it has none.
pub(super) fn move_into_function(call: &mut Object<'_>) {
    if call.get("function").is_some() {
        return;
    }
    let mut function = Object::new();
    for key in ["name", "arguments"] {
        if let Some(value) = call.remove(key) {
            function.set(key, value.into_owned());
        }
    }
    call.set("function", function.to_json());
}

/// Turns a legacy `function_call` into a tool call, unless the client itself uses the legacy form.
pub(super) fn upgrade_function_call(
    message: &mut Object<'_>,
    field_path: &str,
    spec: &ResponseSpec,
    diagnostics: &mut Diagnostics,
) {
    if message.object("function_call").is_some_and(|function| is_empty_function(&function)) {
        message.remove("function_call");
        diagnostics.record(DiagnosticCode::NullDropped, &format!("{field_path}.function_call"), "");
    }
    if spec.legacy_functions || message.get("tool_calls").is_some() {
        return;
    }
    let Some(function) =
        message.non_null("function_call").filter(|f| value_kind(f) == ValueKind::Object).map(str::to_owned)
    else {
        return;
    };
    message.remove("function_call");
    diagnostics.record(DiagnosticCode::FunctionCallUpgraded, &format!("{field_path}.function_call"), "");
    message.set("tool_calls", format!(r#"[{{"index":0,"function":{function}}}]"#));
}

/// Whether a function has neither name nor arguments: some servers write every field in every message.
fn is_empty_function(function: &Object<'_>) -> bool {
    ["name", "arguments"].iter().all(|key| function.str(key).is_some_and(|text| text.is_empty()))
}

/// Whether a text is JSON.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Whether two texts are the same JSON value.
pub(super) fn is_same_json(a: &str, b: &str) -> bool {
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    a == b || parse(a).is_some_and(|a| parse(b) == Some(a))
}
