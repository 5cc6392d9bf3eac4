//! The `usage` object: as the upstream sent it in, of OpenAI's shape out.

use super::super::usage::read_object;
use crate::canonical::{DiagnosticCode, Diagnostics, Usage};
use crate::json::{Object, ValueKind, reported_count, value_kind};

/// A `usage` object after its repair.
#[derive(Debug, Default)]
pub(super) struct RepairedUsage {
    /// The counts that the upstream reported; `None` if there were none.
    pub(super) reported: Option<Usage>,
    /// The repaired object; `None` if the upstream's needs no repair.
    pub(super) json: Option<String>,
}

/// Repairs a `usage` object.
pub(super) fn repair(raw: &str, diagnostics: &mut Diagnostics) -> RepairedUsage {
    let Ok(mut object) = Object::parse(raw.as_bytes()) else { return RepairedUsage::default() };
    let reported = read_object(&object);
    let usage = reported.unwrap_or_default();
    let expected = [
        ("prompt_tokens", usage.input.unwrap_or(0)),
        ("completion_tokens", usage.output.unwrap_or(0)),
        ("total_tokens", usage.total()),
    ];
    for (key, value) in expected {
        let upstream_value = object.u64(key);
        if upstream_value.is_none() || (key == "completion_tokens" && upstream_value != Some(value)) {
            object.set(key, value.to_string());
        }
    }
    for key in ["prompt_tokens_details", "completion_tokens_details"] {
        let Some(value) = object.get(key) else { continue };
        match value_kind(value) {
            ValueKind::Null => {}
            ValueKind::Object => {
                let Some(mut details) = object.inner(key) else { continue };
                repair_details(&mut details, &usage);
                if details.is_changed() {
                    object.set(key, details.to_json());
                }
            }
            _ => {
                object.remove(key);
            }
        }
    }
    let json = object.is_changed().then(|| {
        diagnostics.record(DiagnosticCode::UsageShaped, "usage", "");
        object.to_json()
    });
    RepairedUsage { reported, json }
}

/// Makes all counts of an object of details numbers, and drops what is no count. No more tokens are cached than the prompt has.
fn repair_details(details: &mut Object<'_>, usage: &Usage) {
    let consistent = usage.with_consistent_parts();
    details.retain(|key, value| !key.ends_with("_tokens") || reported_count(value).is_some());
    details.replace(|key, value| {
        let count = match key {
            "cached_tokens" if !usage.is_consistent() => consistent.cached,
            "cache_write_tokens" if !usage.is_consistent() => consistent.cache_written,
            _ => None,
        };
        let count = count.or_else(|| reported_count(value).filter(|_| key.ends_with("_tokens")))?.to_string();
        (count != value.trim()).then_some(count)
    });
}
