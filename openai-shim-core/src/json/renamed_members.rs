//! An object's members under other names.

use super::Object;
use std::collections::BTreeMap;

/// Renames the members of a JSON object; `None` if it has none of these names, or is no object.
pub(crate) fn rename_members(json: &str, new_names: &BTreeMap<String, String>) -> Option<String> {
    let object = Object::parse(json.as_bytes()).ok()?;
    if !object.iter().any(|(name, _)| new_names.contains_key(name)) {
        return None;
    }
    let mut renamed = Object::new();
    for (name, value) in object.iter() {
        renamed.set(new_names.get(name).map_or(name, String::as_str), value);
    }
    Some(renamed.to_json())
}
