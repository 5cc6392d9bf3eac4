//! Fields of Google's JSON that our model has no place for, as `ExtraFields`, and the keys under which they are held.
//!
//! A key with a leading dot marks a field that our model has a place for: the extra field only tells how it was written.

use super::names::NAME;
use crate::canonical::ExtraFields;
use crate::json::{Object, RawJson, raw};

/// The key of a whole part that only this dialect has.
pub(super) const NATIVE_PART: &str = "part";

/// The key, in a message's extra fields, of the contents that were merged into it.
pub(super) const MERGED_CONTENTS: &str = ".contents";

/// The key of a function's response as the client wrote it.
pub(super) const RESPONSE_KEY: &str = ".functionResponse.response";

/// Reads all fields but the known ones, and those that have no meaning: `null`, and `thought: false`.
pub(super) fn read(object: &Object<'_>, known: &[&str]) -> ExtraFields {
    let is_default = |key: &str, value: &str| value == "null" || key == "thought" && value == "false";
    let fields = object.iter().filter(|(key, value)| !known.contains(key) && !is_default(key, value.trim()));
    of(fields.map(|(key, value)| (key.to_owned(), raw(value))).collect())
}

/// Marks fields as those of this dialect.
pub(super) fn of(fields: Vec<(String, RawJson)>) -> ExtraFields {
    if fields.is_empty() { ExtraFields::default() } else { ExtraFields::new(NAME, fields) }
}

/// Returns a key without its leading dot.
pub(super) fn without_dot(key: &str) -> &str {
    key.strip_prefix('.').unwrap_or(key)
}

/// Writes the extra fields of a part or content into it.
pub(super) fn write(object: &mut Object<'_>, extra: &ExtraFields) {
    for (key, value) in extra.of(NAME) {
        let is_of_object = key != NATIVE_PART && key != MERGED_CONTENTS && !without_dot(key).contains('.');
        if is_of_object {
            object.set(without_dot(key).to_owned(), value.as_str().to_owned());
        }
    }
}
