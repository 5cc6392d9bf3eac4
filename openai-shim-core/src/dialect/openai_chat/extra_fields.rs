//! Fields without a place in the canonical model: JSON objects in, [`ExtraFields`] of this dialect out; drops are recorded.

use crate::canonical::{Diagnostics, ExtraFieldList, ExtraFields, code_of_loss};
use crate::json::{Object, raw};

/// The dialect's name, under which its extra fields are stored.
pub(super) const NAME: &str = "openai-chat";

/// The fields of a message or delta that the canonical model has a place for.
pub(super) const MESSAGE_FIELDS: [&str; 5] =
    ["role", "content", "reasoning_content", "refusal", "tool_calls"];

/// Collects the fields of a request's object that are not `known`, nulls included.
pub(super) fn unknown_fields(object: &Object<'_>, known: &[&str]) -> ExtraFields {
    collect(object.iter().filter(|(key, _)| !known.contains(key)))
}

/// Collects the fields of a response's object that are neither `known` nor null: a null means the same as no field there.
pub(super) fn unknown_non_null_fields(object: &Object<'_>, known: &[&str]) -> ExtraFields {
    collect(object.iter().filter(|(key, value)| !known.contains(key) && value.trim() != "null"))
}

fn collect<'f>(fields: impl Iterator<Item = (&'f str, &'f str)>) -> ExtraFields {
    let fields: Vec<_> = fields.map(|(key, value)| (key.to_owned(), raw(value))).collect();
    if fields.is_empty() { ExtraFields::default() } else { ExtraFields::new(NAME, fields) }
}

/// Records the fields of another dialect, which are dropped here.
pub(super) fn record_dropped(extra: &ExtraFieldList, field_path: &str, diagnostics: &mut Diagnostics) {
    extra.dropped_keys(NAME).for_each(|key| diagnostics.record(code_of_loss(key), field_path, key));
}
