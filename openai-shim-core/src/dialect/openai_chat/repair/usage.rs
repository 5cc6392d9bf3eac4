//! The `usage` object: as the upstream sent it in, of OpenAI's shape out.

use super::super::usage::read_object;
use crate::canonical::{DiagnosticCode, Diagnostics, Usage};
use crate::json::{Object, ValueKind, value_kind};

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
                let no_counts = details
                    .iter()
                    .filter(|(k, v)| k.ends_with("_tokens") && v.trim().parse::<u64>().is_err())
                    .map(|(k, _)| k.to_owned());
                let no_counts: Vec<String> = no_counts.collect();
                if no_counts.is_empty() {
                    continue;
                }
                for detail in no_counts {
                    details.remove(&detail);
                }
                object.set(key, details.to_json());
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
