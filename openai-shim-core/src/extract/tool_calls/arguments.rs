//! Text of a markup block to tool names and JSON arguments.

use crate::json::{Object, ValueKind, decode_string, encode_string, value_kind};
use serde_json::value::RawValue;

/// A tool call in markup.
#[derive(Debug)]
pub(super) struct NamedArguments {
    pub(super) name: String,
    /// The JSON text of an object.
    pub(super) arguments: String,
}

/// Appends the tool calls of a JSON object or list. Returns false if it is neither a call nor a list of calls.
pub(super) fn decode_calls(json: &str, out: &mut Vec<NamedArguments>) -> bool {
    match value_kind(json) {
        ValueKind::Array => {
            let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(json) else { return false };
            items.iter().all(|item| {
                let call = decode_call(item.get());
                call.map(|call| out.push(call)).is_some()
            })
        }
        _ => decode_call(json).map(|call| out.push(call)).is_some(),
    }
}

/// Decodes one call: `{"name", "arguments" | "parameters"}`, or the same as the member `function`.
fn decode_call(json: &str) -> Option<NamedArguments> {
    let object = Object::parse(json.as_bytes()).ok()?;
    let Some(name) = object.str("name") else {
        return decode_call(object.get("function").filter(|inner| value_kind(inner) == ValueKind::Object)?);
    };
    let arguments = object.non_null("arguments").or_else(|| object.non_null("parameters"));
    Some(NamedArguments { name: name.into_owned(), arguments: decode_arguments(arguments.unwrap_or("{}"))? })
}

/// Whether an object that is a whole text is a tool call: other objects also have a `name`.
pub(super) fn has_arguments(json: &str) -> bool {
    Object::parse(json.as_bytes())
        .is_ok_and(|object| object.get("arguments").is_some() || object.get("parameters").is_some())
}

/// Returns the arguments as they are if they are an object, or the object encoded in a string.
pub(super) fn decode_arguments(raw: &str) -> Option<String> {
    let is_object = |json: &str| Object::parse(json.as_bytes()).is_ok();
    match value_kind(raw) {
        ValueKind::String => {
            decode_string(raw).map(|inner| inner.trim().to_owned()).filter(|inner| is_object(inner))
        }
        _ => is_object(raw).then(|| raw.trim().to_owned()),
    }
}

/// Encodes parameters (name and JSON value) as an object. Of several with the same name the last one counts.
pub(super) fn encode_params(params: &[(String, String)]) -> String {
    let mut object = Object::new();
    for (name, value) in params {
        object.set(name.as_str(), value.as_str());
    }
    object.to_json()
}

/// Encodes the text of a parameter's tag as JSON.
///
/// Tags have no types. A JSON number, Boolean, null, object or list is taken as such, and all other text as a string;
/// `is_string`: an attribute declares a string. A line break next to the tags is layout.
pub(super) fn encode_param(text: &str, is_string: bool) -> String {
    let inner = text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n')).unwrap_or(text);
    let inner = inner.strip_suffix('\n').map_or(inner, |t| t.strip_suffix('\r').unwrap_or(t));
    let json = inner.trim();
    let is_typed = !is_string
        && value_kind(json) != ValueKind::String
        && serde_json::from_str::<&RawValue>(json).is_ok();
    if is_typed { json.to_owned() } else { encode_string(inner) }
}

/// The name in a tag.
pub(super) struct TagName<'a> {
    pub(super) name: &'a str,
    /// The attribute `string="true"` follows the name.
    pub(super) is_string: bool,
}

/// Parses the name in a tag: quoted, then attributes may follow, or bare.
pub(super) fn parse_tag_name(text: &str) -> TagName<'_> {
    for quote in ['"', '\''] {
        if let Some((name, after)) = text.strip_prefix(quote).and_then(|inner| inner.split_once(quote)) {
            return TagName { name, is_string: after.contains("string=\"true\"") };
        }
    }
    TagName { name: text, is_string: false }
}
