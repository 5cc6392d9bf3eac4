//! Custom tools, whose input is free text: as functions of one string, `input`, and back.
//!
//! <https://platform.openai.com/docs/guides/function-calling#custom-tools>; only OpenAI's APIs have them.

use crate::json::{Object, ValueKind, decode_string, encode_string, value_kind};
use std::borrow::Cow;

/// The key of an extra field that marks a function as a custom tool, and a call or a result as one of a custom tool. The tool's
/// has the `format` of the input, or `null`.
pub const CUSTOM_TOOL: &str = ".custom_tool";

/// The JSON schema of a custom tool's arguments: one string, `input`. A grammar in the tool's `format` goes into its description.
pub fn input_schema(format: Option<&str>) -> String {
    let format = Object::parse(format.unwrap_or("{}").as_bytes()).unwrap_or_default();
    let nested = format.object("grammar");
    let grammar = nested.as_ref().unwrap_or(&format);
    let description = match (grammar.str("syntax"), grammar.str("definition")) {
        (Some(syntax), Some(rules)) => {
            format!("The input, which must follow this {syntax} grammar:\n{rules}")
        }
        _ => String::from("The input, as free text."),
    };
    format!(
        r#"{{"type":"object","properties":{{"input":{{"type":"string","description":{}}}}},"required":["input"],"additionalProperties":false}}"#,
        encode_string(&description)
    )
}

/// The `format` of a custom tool as Responses writes it, where chat has another object around a grammar; `None` if there is none.
pub fn flat_format(format: &str) -> Option<String> {
    let mut format = Object::parse(format.as_bytes()).ok()?.into_owned();
    if let Some(grammar) = format.remove("grammar") {
        for (key, value) in Object::parse(grammar.as_bytes()).unwrap_or_default().iter() {
            format.set(key.to_owned(), value.to_owned());
        }
    }
    Some(format.to_json())
}

/// Turns a custom tool's input into a function's arguments.
pub fn input_to_arguments(input: &str) -> String {
    format!("{{\"input\":{}}}", encode_string(input))
}

/// Turns the arguments of the function that stands for a custom tool into the tool's input; `None` if they are no object of
/// one string.
pub fn arguments_to_input(arguments: &str) -> Option<String> {
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
pub fn input_so_far(arguments: &str) -> String {
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

/// A part of the arguments of a custom tool's call, from a part of its input; [`INPUT_END`] comes after the last one.
pub fn input_part(input: &str, is_first: bool) -> String {
    let quoted = encode_string(input);
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    if is_first { format!("{{\"input\":\"{inner}") } else { inner.to_owned() }
}

/// The end of the string and of the object that a custom tool's input is in.
pub const INPUT_END: &str = "\"}";

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
