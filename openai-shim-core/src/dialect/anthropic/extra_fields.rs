//! Fields of this API's JSON that our model has no place for: raw JSON to `ExtraFields` and back.

use super::names::NAME;
use crate::canonical::{
    DiagnosticCode, Diagnostics, ExtraFieldList, ExtraFields, code_of_loss, report_lost_field,
};
use crate::json::{Object, RawJson, raw};

/// A cache breakpoint: a field of this API that clients put into messages of other dialects too.
const CACHE_CONTROL: &str = "cache_control";

/// Formal fields: other dialects do without them and lose nothing. Their keys begin with a dot in extra fields.
fn is_formal(key: &str, value: &str) -> bool {
    match key {
        "defer_loading" => true,
        "type" => value == "\"custom\"",
        "caller" => Object::parse(value.as_bytes())
            .is_ok_and(|caller| caller.str("type").as_deref() == Some("direct")),
        "allowed_callers" => {
            serde_json::from_str::<Vec<String>>(value).is_ok_and(|callers| callers == ["direct"])
        }
        _ => false,
    }
}

/// Returns a key as the API spells it: without the dot of a formal one.
pub(super) fn wire_key(key: &str) -> &str {
    key.strip_prefix('.').unwrap_or(key)
}

/// Reads all fields but the known ones. The result carries this dialect's name even if it is empty: that distinguishes a
/// block of a list from one that stood as a bare string.
pub(super) fn read(object: &Object<'_>, known: &[&str]) -> ExtraFields {
    let members = object.iter().filter(|(k, _)| !known.contains(k)).map(|(k, v)| {
        let dot = if is_formal(k, v) { "." } else { "" };
        (format!("{dot}{k}"), raw(v))
    });
    ExtraFields::new(NAME, members.collect())
}

/// Reads all fields but the known ones and those that are `null`.
pub(super) fn read_non_null(object: &Object<'_>, known: &[&str]) -> Vec<(String, RawJson)> {
    let members = object.iter().filter(|(k, v)| !known.contains(k) && v.trim() != "null");
    members.map(|(k, v)| (k.to_owned(), raw(v))).collect()
}

/// Returns the extra fields that this API takes.
pub(super) fn accepted(extra: &ExtraFields) -> impl Iterator<Item = (&str, &str)> {
    let is_same_dialect = extra.dialect == NAME;
    let is_accepted = move |(key, _): &(&str, &str)| is_same_dialect || *key == CACHE_CONTROL;
    extra.members.iter().map(|(key, value)| (wire_key(key), value.as_str())).filter(is_accepted)
}

/// Writes an object with the extra fields that this API takes.
pub(super) fn write_with(mut object: Object<'_>, extra: &ExtraFields) -> String {
    for (key, value) in accepted(extra) {
        object.set(key.to_owned(), value.to_owned());
    }
    object.to_json()
}

/// Records the extra fields of other dialects as dropped.
pub(super) fn record_dropped(extra: &ExtraFieldList, field_path: &str, diagnostics: &mut Diagnostics) {
    extra
        .dropped_keys(NAME)
        .filter(|key| *key != CACHE_CONTROL)
        .for_each(|key| diagnostics.record(code_of_loss(key), field_path, key));
}

/// Reports the extra fields that an upstream of this API does not get.
pub(super) fn report_lost(extra: &ExtraFieldList, field_path: &str, diagnostics: &mut Diagnostics) {
    let lost = extra.dropped_keys(NAME).filter(|key| *key != CACHE_CONTROL);
    for key in lost {
        let path = format!("{field_path}.{key}");
        let value = extra.get(key).unwrap_or_default();
        report_lost_field(DiagnosticCode::FeatureUnsupported, &path, value, extra.dialect, diagnostics);
    }
}
