//! Fields without a place in the canonical model: pairs of JSON to [`ExtraFields`] of this dialect and back.

use crate::canonical::{DiagnosticCode, Diagnostics, ExtraFieldList, ExtraFields};
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
    extra.of(NAME).iter().map(|(key, value)| (key.clone(), value.get().to_owned())).collect()
}

/// Records that fields of another dialect are dropped.
pub(super) fn record_dropped(extra: &ExtraFieldList, field_path: &str, diagnostics: &mut Diagnostics) {
    if extra.dropped_keys(NAME).next().is_some() {
        diagnostics.record(DiagnosticCode::ExtraDropped, field_path, extra.dialect);
    }
}
