//! The legacy `function_call`, for clients that use it: from a message or a delta of another shape, to one of OpenAI's.

use super::completion_tool_calls::arguments_as_text;
use crate::canonical::{DiagnosticCode, Diagnostics, EncodedTwice};
use crate::json::{Object, ValueKind, encode_string, string_or_json, value_kind};

/// Repairs the call of a message.
pub(super) fn repair_in_message(message: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let Some(mut function) = message.object("function_call").map(Object::into_owned) else { return };
    if let Some(arguments) = arguments_as_text(&function) {
        record(diagnostics, "choices[].message.function_call.arguments");
        function.set("arguments", encode_string(&arguments));
        message.set("function_call", function.to_json());
    }
}

/// The call of a streamed choice.
#[derive(Debug, Default)]
pub(super) struct StreamedLegacyCall {
    has_name: bool,
    has_arguments: bool,
    /// Holds arguments that begin as a string.
    encoded: EncodedTwice,
}

impl StreamedLegacyCall {
    /// Repairs the call of a delta. `is_final`: the choice ends with this delta. `is_cut`: a limit ended it.
    pub(super) fn repair(
        &mut self,
        delta: &mut Object<'_>,
        is_final: bool,
        is_cut: bool,
        diagnostics: &mut Diagnostics,
    ) {
        let source = delta.object("function_call").map(Object::into_owned);
        if source.is_none() && !(is_final && self.has_name) {
            return;
        }
        let mut function = source.unwrap_or_default();
        self.has_name |= function.str("name").is_some_and(|name| !name.is_empty());
        let mut text = None;
        if let Some(arguments) = function.get("arguments") {
            text = self.arguments(arguments, diagnostics);
        }
        if is_final {
            let held = self.encoded.finish().unwrap_or_default();
            self.has_arguments |= !held.is_empty();
            let is_missing = self.has_name && !self.has_arguments && !is_cut;
            let missing = if is_missing { "{}" } else { held.as_str() };
            if !missing.is_empty() {
                text.get_or_insert_default().push_str(missing);
            }
        }
        if let Some(text) = text {
            record(diagnostics, "choices[].delta.function_call.arguments");
            function.set("arguments", encode_string(&text));
            delta.set("function_call", function.to_json());
        }
    }

    /// Takes the arguments of a delta. Returns the text that takes their place; `None`: they pass as they are.
    fn arguments(&mut self, arguments: &str, diagnostics: &mut Diagnostics) -> Option<String> {
        let is_text = value_kind(arguments) == ValueKind::String;
        let mut text = string_or_json(arguments).into_owned();
        let is_placeholder = !is_text && !self.has_arguments && matches!(text.trim(), "{}" | "null");
        if is_placeholder || value_kind(arguments) == ValueKind::Null {
            text.clear();
        }
        let replacement = self.encoded.push(&text, diagnostics);
        let is_replaced = !is_text || replacement.is_some();
        let text = replacement.unwrap_or(text);
        self.has_arguments |= !text.trim().is_empty();
        is_replaced.then_some(text)
    }
}

fn record(diagnostics: &mut Diagnostics, path: &str) {
    diagnostics.record(DiagnosticCode::ToolArgumentsShaped, path, "");
}
