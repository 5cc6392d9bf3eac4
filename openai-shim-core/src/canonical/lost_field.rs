//! A field of a request that the upstream does not get: what its loss means, in one table for parameters, messages and tools.

use super::{DiagnosticCode, Diagnostics, ExtraFieldList, REASONING_DETAILS, WHOLE_BLOCK};
use crate::json::{ValueKind, compact, value_kind};

/// Fields that change nothing of the answer. The name stands for itself and for a field of any object.
const HARMLESS: [&str; 23] = [
    // Marks for caches.
    "cache_control",
    "copilot_cache_control",
    "prompt_cache_breakpoint",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    // How an answer is streamed, and the version of an API.
    "anthropic_version",
    "eager_input_streaming",
    "include_obfuscation",
    // Bookkeeping of the client.
    "client_metadata",
    "created",
    "id",
    "provider_specific_fields",
    // Google's clients may name the role of results `function`.
    "role",
    "status",
    // What a message of the history shows beside its text; its reasoning has rules of its own.
    "annotations",
    WHOLE_BLOCK,
    "part",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "reasoning_opaque",
    "reasoning_text",
];

/// Fields that are harmless where they are a list: sources that a message of the history cites.
const HARMLESS_LISTS: [&str; 1] = ["citations"];

/// Values that mean the same as no field, beside those that mean so for every field. A field that is not listed here has none
/// but `null`, `false`, and what is empty.
const DEFAULTS: [(&str, &[&str]); 17] = [
    ("behavior", &["\"BLOCKING\"", "\"UNSPECIFIED\""]),
    ("best_of", &["1"]),
    ("citations", &["null", "[]", "{\"enabled\":false}"]),
    ("detail", &["null", "\"auto\""]),
    ("frequency_penalty", &["0", "0.0"]),
    ("generationConfig.responseModalities", &["[\"TEXT\"]"]),
    ("modalities", &["[\"text\"]"]),
    ("n", &["1"]),
    ("options.num_predict", &["-1"]),
    ("presence_penalty", &["0", "0.0"]),
    ("service_tier", &["\"auto\""]),
    ("shift", &["true"]),
    ("text.verbosity", &["\"medium\""]),
    ("top_logprobs", &["0"]),
    ("truncate", &["true"]),
    ("truncation", &["\"disabled\""]),
    ("verbosity", &["\"medium\""]),
];

/// Fields for which `false` is a wish.
const ON_BY_DEFAULT: [&str; 8] = [
    "add_generation_prompt",
    "clear_thinking",
    "do_sample",
    "penalize_newline",
    "shift",
    "skip_special_tokens",
    "spaces_between_special_tokens",
    "truncate",
];

/// Whether a value, as JSON, says the same as the field's absence.
pub fn is_default(field: &str, value: &str) -> bool {
    let value = value.trim();
    let is_empty = match value {
        "null" | "\"\"" | "[]" | "{}" => true,
        "false" => !ON_BY_DEFAULT.contains(&field.rsplit('.').next().unwrap_or(field)),
        _ => false,
    };
    let known = || DEFAULTS.iter().find(|(name, _)| *name == field);
    is_empty || known().is_some_and(|(_, values)| values.contains(&compact(value).as_ref()))
}

/// Reports that the upstream does not get a field of the request: as a loss with this code, unless it changes nothing of the
/// answer. A value that means the same as no field is not reported.
pub fn report_lost_field(
    code: DiagnosticCode,
    field_path: &str,
    value: &str,
    detail: &str,
    diagnostics: &mut Diagnostics,
) {
    let name = field_path.rsplit('.').next().unwrap_or(field_path);
    if is_default(field_path, value) || is_default(name, value) {
        return;
    }
    let is_harmless =
        HARMLESS.contains(&name) || HARMLESS_LISTS.contains(&name) && value_kind(value) == ValueKind::Array;
    let code = if is_harmless { DiagnosticCode::ExtraDropped } else { code };
    diagnostics.record(code, field_path, detail);
}

impl ExtraFieldList {
    /// Reports the fields of a message, or of a part of the request in it, that an upstream of this dialect does not get.
    pub fn report_lost(&self, dialect: &str, field_path: &str, diagnostics: &mut Diagnostics) {
        if self.dialect == dialect || self.dialect == REASONING_DETAILS {
            return;
        }
        for (key, value) in self.members.iter().filter(|(key, _)| !key.starts_with('.')) {
            let path = if field_path.is_empty() { key.clone() } else { format!("{field_path}.{key}") };
            let code = DiagnosticCode::FeatureUnsupported;
            report_lost_field(code, &path, value.as_str(), self.dialect, diagnostics);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn severities(field: &str, value: &str) -> Vec<&'static str> {
        let mut diagnostics = Diagnostics::default();
        report_lost_field(DiagnosticCode::ParamDropped, field, value, "", &mut diagnostics);
        diagnostics.iter().map(|d| d.severity().as_str()).collect()
    }

    #[test]
    fn the_loss_of_a_wish_is_a_warning() {
        for (field, value) in
            [("truncate", "false"), ("max_tool_calls", "1"), ("service_tier", "\"flex\""), ("x", "{\"a\":1}")]
        {
            assert_eq!(severities(field, value), ["warning"], "{field}");
        }
        let cached = severities("messages[0].content.cache_control", "{\"type\":\"ephemeral\"}");
        assert_eq!(cached, ["info"]);
        for (field, value) in
            [("truncate", "true"), ("store", "false"), ("stop", "[]"), ("modalities", "[\"text\"]")]
        {
            assert!(severities(field, value).is_empty(), "{field}");
        }
    }
}
