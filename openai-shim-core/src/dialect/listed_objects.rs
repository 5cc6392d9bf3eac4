//! Objects that came where a list is due: one item, or a map by index, to the list.

use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::json::{Object, ValueKind, encode_array, value_kind};

/// The members by which a choice and a tool call are recognized.
pub(super) const CHOICE: &[&str] = &["message", "delta", "text", "finish_reason"];
pub(super) const TOOL_CALL: &[&str] = &["function", "name", "custom"];

/// Puts the object under `key` into a list. Returns whether there was one: an object that is neither an item with one of
/// these members nor a map of such items by index stays.
pub(super) fn list_object(
    parent: &mut Object<'_>,
    key: &'static str,
    members: &[&str],
    field_path: &str,
    diagnostics: &mut Diagnostics,
) -> bool {
    let value = parent.get(key).filter(|value| value_kind(value) == ValueKind::Object);
    let Some(list) = value.and_then(|value| to_list(value, members)) else { return false };
    diagnostics.record(DiagnosticCode::FramingRepaired, field_path, "an object instead of a list");
    parent.set(key, list);
    true
}

fn to_list(json: &str, members: &[&str]) -> Option<String> {
    let object = Object::parse(json.as_bytes()).ok()?;
    let is_item = |object: &Object<'_>| members.iter().any(|key| object.non_null(key).is_some());
    if is_item(&object) {
        return Some(encode_array(&[json]));
    }
    let mut items = Vec::new();
    for (key, value) in object.iter() {
        let index: u64 = key.parse().ok()?;
        let is_listed = Object::parse(value.as_bytes()).is_ok_and(|item| is_item(&item));
        items.push(is_listed.then_some((index, value))?);
    }
    items.sort_by_key(|(index, _)| *index);
    let items: Vec<&str> = items.into_iter().map(|(_, value)| value).collect();
    (!items.is_empty()).then(|| encode_array(&items))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_or_a_map_by_index_becomes_a_list() {
        let list = |json| to_list(json, CHOICE);
        assert_eq!(list(r#"{"message":{}}"#).unwrap(), r#"[{"message":{}}]"#);
        let map = r#"{"10":{"text":"c"},"2":{"text":"b"},"0":{"text":"a"}}"#;
        assert_eq!(list(map).unwrap(), r#"[{"text":"a"},{"text":"b"},{"text":"c"}]"#);
        for other in ["{}", r#"{"a":{"text":"a"}}"#, r#"{"0":{"x":1}}"#, r#"{"0":1}"#] {
            assert_eq!(list(other), None, "{other}");
        }
    }
}
