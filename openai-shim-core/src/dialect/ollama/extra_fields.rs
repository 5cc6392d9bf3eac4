//! Fields of Ollama's JSON that our model has no place for, as `ExtraFields`.

use super::names::FAMILY;
use crate::canonical::ExtraFields;
use crate::json::{Object, RawJson, raw};

/// Reads all fields but the known ones.
pub(super) fn read(object: &Object<'_>, known: &[&str]) -> ExtraFields {
    of(object.iter().filter(|(k, _)| !known.contains(k)).map(|(k, v)| (k.to_owned(), raw(v))).collect())
}

/// Reads the fields of these names only.
pub(super) fn read_only(object: &Object<'_>, names: &[&str]) -> ExtraFields {
    of(object.iter().filter(|(k, _)| names.contains(k)).map(|(k, v)| (k.to_owned(), raw(v))).collect())
}

/// Reads all fields but the known ones and those that are `null`.
pub(super) fn read_non_null(object: &Object<'_>, known: &[&str]) -> Vec<(String, RawJson)> {
    let fields = object.iter().filter(|(k, v)| !known.contains(k) && v.trim() != "null");
    fields.map(|(k, v)| (k.to_owned(), raw(v))).collect()
}

/// Marks fields as those of this dialect.
pub(super) fn of(fields: Vec<(String, RawJson)>) -> ExtraFields {
    if fields.is_empty() { ExtraFields::default() } else { ExtraFields::new(FAMILY, fields) }
}
