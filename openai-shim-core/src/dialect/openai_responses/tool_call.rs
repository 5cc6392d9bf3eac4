//! Tool calls: a function's JSON arguments, and a custom tool's free text as arguments and back.
//!
//! Other dialects have no custom tools: a custom tool becomes a function of one string, `input`.

use super::client_tools::ClientTool;
use crate::json::{Object, ValueKind, decode_string, encode_string, string_or_json, value_kind};
use std::borrow::Cow;

/// The kind of a tool call, and of the tool that it calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum ToolCallKind {
    /// A function with JSON arguments (`function_call`).
    #[default]
    Function,
    /// A custom tool with free text as input (`custom_tool_call`).
    Custom,
    /// A tool that only this API has and that the client runs (`local_shell_call`, …).
    Client(&'static ClientTool),
}

impl ToolCallKind {
    /// Returns the kind of an item by its `type`; `None` if it is no call of a function or custom tool.
    ///
    /// In a response, calls of client-run tools are native items: only an upstream of this dialect makes them.
    pub(super) fn of_item(item_type: &str) -> Option<Self> {
        match item_type {
            "function_call" => Some(Self::Function),
            "custom_tool_call" => Some(Self::Custom),
            _ => None,
        }
    }

    /// Returns the `type` of an item.
    pub(super) fn item_type(self) -> &'static str {
        match self {
            Self::Function => "function_call",
            Self::Custom => "custom_tool_call",
            Self::Client(tool) => tool.call_type,
        }
    }

    /// Returns the beginning of the ids of such items.
    pub(super) fn id_prefix(self) -> &'static str {
        match self {
            Self::Function => "fc_",
            Self::Custom => "ctc_",
            Self::Client(tool) => tool.id_prefix,
        }
    }

    /// Returns the keys of an item that our model has a place for, beside its name.
    pub(super) fn known_keys(self) -> [&'static str; 2] {
        match self {
            Self::Function => ["call_id", "arguments"],
            Self::Custom => ["call_id", "input"],
            Self::Client(tool) => tool.known_call_keys(),
        }
    }

    /// Returns the arguments of a call item as JSON text.
    pub(super) fn arguments(self, item: &Object<'_>) -> String {
        let value = |key: &str| item.get(key).map(string_or_json).unwrap_or_default();
        match self {
            Self::Function => value("arguments").into_owned(),
            Self::Custom => input_to_arguments(&value("input")),
            Self::Client(tool) => tool.arguments(item),
        }
    }
}

/// Turns a custom tool's input into a function's arguments.
pub(super) fn input_to_arguments(input: &str) -> String {
    format!("{{\"input\":{}}}", encode_string(input))
}

/// Turns the arguments of the function that stands for a custom tool into the tool's input; `None` if they are no object of
/// one string.
pub(super) fn arguments_to_input(arguments: &str) -> Option<String> {
    let object = Object::parse(arguments.as_bytes()).ok()?;
    if let Some(input) = object.str("input") {
        return Some(input.into_owned());
    }
    // A model may give its only argument another name.
    let mut members = object.iter();
    match (members.next(), members.next()) {
        (Some((_, value)), None) if value_kind(value) == ValueKind::String => {
            decode_string(value).map(Cow::into_owned)
        }
        _ => None,
    }
}

/// Returns the input of a custom tool in arguments that were cut: the string that the object begins with, as far as it came.
pub(super) fn input_so_far(arguments: &str) -> String {
    let after = |text: &str, mark: char| text.trim_start().strip_prefix(mark).map(str::to_owned);
    let value = || {
        let object = after(arguments, '{')?;
        let (_, behind_key) =
            after(&object, '"')?.split_once('"').map(|(key, rest)| (key.len(), rest.to_owned()))?;
        after(&after(&behind_key, ':')?, '"')
    };
    let Some(mut value) = value() else { return String::new() };
    // An escape sequence that was cut has up to eleven characters: those of a surrogate pair.
    for _ in 0..12 {
        if let Ok(input) = serde_json::from_str(&format!("\"{value}\"")) {
            return input;
        }
        value.pop();
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_input_is_read_as_far_as_it_came() {
        let arguments = input_to_arguments("a \"b\"\n\u{1f600}c");
        for end in 0..arguments.len() {
            let Some(cut) = arguments.get(..end) else { continue };
            let input = input_so_far(cut);
            assert!("a \"b\"\n\u{1f600}c".starts_with(&input), "{cut}: {input}");
            assert!(!input.contains('{'), "{cut}: {input}");
        }
        assert_eq!(input_so_far(r#"{"input": "ab\u00"#), "ab");
        assert_eq!(input_so_far(r#"{"input":"ab"#), "ab");
    }
}
