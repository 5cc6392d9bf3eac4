//! Fields of this API's JSON that our model has no place for: raw JSON to `ExtraFields` and back.
//!
//! A key with a leading dot is formal: the other dialects express the field otherwise or do without it, so that they lose
//! nothing by dropping it.

use super::names::NAME;
use crate::canonical::ExtraFields;
use crate::json::{Object, ValueKind, raw, value_kind};

/// The formal fields.
const FORMAL_KEYS: [&str; 12] = [
    "type",
    "id",
    "status",
    "name",
    "namespace",
    "summary",
    "content",
    "format",
    "execution",
    "environment",
    "max_output_length",
    "defer_loading",
];

/// Parses an object; anything else gives an empty one.
pub(super) fn parse_or_empty(json: &str) -> Object<'_> {
    Object::parse(json.as_bytes()).unwrap_or_default()
}

/// Reads all fields that are not known, or null: in this API `null` differs from absence.
pub(super) fn read(object: &Object<'_>, known: &[&str]) -> ExtraFields {
    let members: Vec<_> = object
        .iter()
        .filter(|(key, value)| !known.contains(key) || value_kind(value) == ValueKind::Null)
        .map(|(key, value)| {
            let is_formal = FORMAL_KEYS.contains(&key) || value.trim() == "[]" || is_direct_call(key, value);
            (format!("{}{key}", if is_formal { "." } else { "" }), raw(value))
        })
        .collect();
    if members.is_empty() { ExtraFields::default() } else { ExtraFields::new(NAME, members) }
}

/// Returns whether a field states that the model itself calls, which is so everywhere.
fn is_direct_call(key: &str, value: &str) -> bool {
    match key {
        "caller" => parse_or_empty(value).str("type").as_deref() == Some("direct"),
        "allowed_callers" => {
            serde_json::from_str::<Vec<String>>(value).is_ok_and(|callers| callers == ["direct"])
        }
        _ => false,
    }
}

/// Returns an object's JSON without some of its fields.
pub(super) fn json_without(object: &Object<'_>, keys: &[&str]) -> String {
    let mut others = Object::new();
    for (key, value) in object.iter().filter(|(key, _)| !keys.contains(key)) {
        others.set(key, value);
    }
    others.to_json()
}

/// Returns the value of one of this dialect's extra fields, whether its key is formal or not.
pub(super) fn get<'e>(extra: &'e ExtraFields, key: &str) -> Option<&'e str> {
    extra.of(NAME).iter().find(|(k, _)| wire_key(k) == wire_key(key)).map(|(_, value)| value.as_str())
}

/// Returns a key as the API spells it: without the dot of a formal one.
pub(super) fn wire_key(key: &str) -> &str {
    key.strip_prefix('.').unwrap_or(key)
}

/// Writes this dialect's extra fields into an object, all but the `excluded` ones.
pub(super) fn write<'e>(object: &mut Object<'e>, extra: &'e ExtraFields, excluded: &[&str]) {
    for (key, value) in extra.of(NAME).iter().filter(|(key, _)| !excluded.contains(&wire_key(key))) {
        object.set(wire_key(key), value.as_str());
    }
}
