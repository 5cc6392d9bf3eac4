//! From the text of a block to names and arguments.

use crate::json::{Object, ValueKind, decode_string, encode_string, value_kind};
use serde_json::value::RawValue;

/// A name, and the JSON text of an object.
pub(super) type NamedArguments = (String, String);

/// The calls of a JSON object or list; false if it is neither a call nor a list of calls.
pub(super) fn calls(json: &str, out: &mut Vec<NamedArguments>) -> bool {
    match value_kind(json) {
        ValueKind::Array => {
            let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(json) else { return false };
            items.iter().all(|item| {
                let call = call(item.get());
                call.map(|call| out.push(call)).is_some()
            })
        }
        _ => call(json).map(|call| out.push(call)).is_some(),
    }
}

/// One call: `{"name", "arguments" | "parameters"}`, or that under `function`.
fn call(json: &str) -> Option<NamedArguments> {
    let object = Object::parse(json.as_bytes()).ok()?;
    let Some(name) = object.str("name") else {
        return call(object.get("function").filter(|inner| value_kind(inner) == ValueKind::Object)?);
    };
    let given = object.non_null("arguments").or_else(|| object.non_null("parameters"));
    Some((name.into_owned(), arguments(given.unwrap_or("{}"))?))
}

/// Whether a whole text that is this object is meant as a call: other objects have names, too.
pub(super) fn has_arguments(json: &str) -> bool {
    Object::parse(json.as_bytes())
        .is_ok_and(|object| object.get("arguments").is_some() || object.get("parameters").is_some())
}

/// Arguments as they stand if they are an object, or the object that a string of them holds.
pub(super) fn arguments(raw: &str) -> Option<String> {
    let is_object = |json: &str| Object::parse(json.as_bytes()).is_ok();
    match value_kind(raw) {
        ValueKind::String => {
            decode_string(raw).map(|inner| inner.trim().to_owned()).filter(|inner| is_object(inner))
        }
        _ => is_object(raw).then(|| raw.trim().to_owned()),
    }
}

/// Members that stood in tags, as the text of an object. The last of two with one name counts.
pub(super) fn object(members: &[(String, String)]) -> String {
    let mut object = Object::new();
    for (key, value) in members {
        object.set(key.as_str(), value.as_str());
    }
    object.to_json()
}

/// The JSON of a value that stood in a tag.
///
/// Tags carry no types. What is a JSON number, truth value, null, object or list is taken for one, everything else for a
/// string; so is what says `string="true"`. A line break next to the tags is layout.
pub(super) fn value(text: &str, is_string: bool) -> String {
    let inner = text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n')).unwrap_or(text);
    let inner = inner.strip_suffix('\n').map_or(inner, |t| t.strip_suffix('\r').unwrap_or(t));
    let json = inner.trim();
    let typed = !is_string
        && value_kind(json) != ValueKind::String
        && serde_json::from_str::<&RawValue>(json).is_ok();
    if typed { json.to_owned() } else { encode_string(inner) }
}

/// A name from a tag: in quotes (then attributes may follow) or bare; and whether an attribute says that it is a string.
pub(super) fn attribute(text: &str) -> (&str, bool) {
    for mark in ['"', '\''] {
        if let Some((name, rest)) = text.strip_prefix(mark).and_then(|rest| rest.split_once(mark)) {
            return (name, rest.contains("string=\"true\""));
        }
    }
    (text, false)
}
