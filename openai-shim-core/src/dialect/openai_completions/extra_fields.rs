//! Fields without a place in the canonical model: pairs of JSON to [`ExtraFields`] of this dialect and back.

use crate::canonical::{Diagnostics, ExtraFieldList, ExtraFields, code_of_loss};
use crate::json::raw;

/// The dialect's name, under which its extra fields are stored.
pub(super) const NAME: &str = "openai-completions";

/// Collects fields of a response, without nulls: a null means the same as no field there.
pub(super) fn from_fields(fields: Vec<(String, String)>) -> ExtraFields {
    let fields: Vec<_> = fields
        .into_iter()
        .filter(|(_, value)| value.trim() != "null")
        .map(|(key, value)| (key, raw(value)))
        .collect();
    if fields.is_empty() { ExtraFields::default() } else { ExtraFields::new(NAME, fields) }
}

/// Returns the fields of this dialect.
pub(super) fn to_fields(extra: &ExtraFieldList) -> Vec<(String, String)> {
    extra.of(NAME).iter().map(|(key, value)| (key.clone(), value.as_str().to_owned())).collect()
}

/// Records that fields of another dialect are dropped.
pub(super) fn record_dropped(extra: &ExtraFieldList, field_path: &str, diagnostics: &mut Diagnostics) {
    let codes = extra.dropped_keys(NAME).map(code_of_loss);
    if let Some(code) = codes.max_by_key(|code| code.severity()) {
        diagnostics.record(code, field_path, extra.dialect);
    }
}
