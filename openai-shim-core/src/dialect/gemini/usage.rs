//! `usageMetadata` to `Usage` and back. Google counts thoughts apart from the output, and tool results apart from the prompt.
//!
//! <https://ai.google.dev/api/generate-content#UsageMetadata>

use super::extra_fields as extra;
use super::json_keys::camel_case;
use crate::canonical::{DiagnosticCode, Diagnostics, Usage};
use crate::json::{Object, RawJson, ValueKind, reported_count, value_kind};

/// The counts of the last `usageMetadata`. Each chunk of a stream has all counts so far, but not always the same ones.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct UsageCounts {
    prompt: Option<u64>,
    candidates: Option<u64>,
    thoughts: Option<u64>,
    tool_results: Option<u64>,
    cached: Option<u64>,
    total: Option<u64>,
}

impl UsageCounts {
    /// Replaces the counts, if the object has any.
    pub(super) fn update(&mut self, usage: &Object<'_>) {
        let number = |key: &str| usage.get(key).and_then(reported_count);
        let counts = Self {
            prompt: number("promptTokenCount"),
            candidates: number("candidatesTokenCount"),
            thoughts: number("thoughtsTokenCount"),
            tool_results: number("toolUsePromptTokenCount"),
            cached: number("cachedContentTokenCount"),
            total: number("totalTokenCount"),
        };
        if counts.usage().is_some() {
            *self = counts;
        }
    }

    /// Returns the counts in our convention: the input includes tool results, and the output includes thoughts.
    pub(super) fn usage(&self) -> Option<Usage> {
        let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
        };
        let mut usage = Usage::default();
        usage.input = sum(self.prompt, self.tool_results);
        usage.output = sum(self.candidates, self.thoughts);
        (usage.cached, usage.reasoning) = (self.cached, self.thoughts);
        if usage.input.is_none() && usage.output.is_none() && self.total.is_none() {
            return None;
        }
        let summed = usage.total();
        usage.total = self.total.filter(|total| *total != summed);
        Some(usage)
    }
}

/// Reads the counts of a non-streaming response.
pub(super) fn read(usage: &Object<'_>) -> Option<Usage> {
    let mut counts = UsageCounts::default();
    counts.update(usage);
    counts.usage()
}

/// Whether a member is a count that is none of Google's numbers: text, negative, or with a fraction.
fn is_malformed_count(key: &str, value: &str) -> bool {
    key.ends_with("TokenCount")
        && value_kind(value) != ValueKind::Null
        && value.trim().parse::<u64>().is_err()
}

/// Records counts that are no numbers, which a client of this dialect gets as [numbers](with_numbers), or not at all.
pub(super) fn report_malformed_counts(usage: &Object<'_>, diagnostics: &mut Diagnostics) {
    if usage.iter().any(|(key, value)| is_malformed_count(key, value)) {
        diagnostics.record(DiagnosticCode::UsageShaped, "usageMetadata", "");
    }
}

/// Returns a response with numbers in place of counts that are none, and without those that state no count; `None` if it has
/// none of these.
pub(super) fn with_numbers(response: &str) -> Option<String> {
    let mut response = Object::parse(response.as_bytes()).ok()?;
    let key = ["usageMetadata", "usage_metadata"].into_iter().find(|key| response.get(key).is_some())?;
    let mut usage = response.object(key)?.into_owned();
    let is_malformed = |key: &str, value: &str| is_malformed_count(&camel_case(key), value);
    usage.retain(|key, value| !is_malformed(key, value) || reported_count(value).is_some());
    usage.replace(|key, value| {
        is_malformed(key, value).then(|| reported_count(value))?.map(|count| count.to_string())
    });
    let usage = usage.is_changed().then(|| usage.to_json())?;
    response.set(key, usage);
    Some(response.to_json())
}

/// The prefix of a field of `usageMetadata` among the extra fields of a response.
const EXTRA_PREFIX: &str = "usageMetadata.";

/// Returns the fields without a place in our model, as extra fields of the response.
pub(super) fn extra_fields(usage: &Object<'_>) -> Vec<(String, RawJson)> {
    let mapped = [
        "promptTokenCount",
        "candidatesTokenCount",
        "thoughtsTokenCount",
        "cachedContentTokenCount",
        "totalTokenCount",
    ];
    let fields = extra::read(usage, &mapped).into_members();
    fields.into_iter().map(|(key, value)| (format!("{EXTRA_PREFIX}{key}"), value)).collect()
}

/// Reports counts that Google has no field for: it bills tokens written to a cache when the cache is created.
pub(super) fn report_unsupported(usage: Option<&Usage>, diagnostics: &mut Diagnostics) {
    if usage.and_then(|usage| usage.cache_written).is_some_and(|written| written > 0) {
        diagnostics.record(DiagnosticCode::ExtraDropped, "usageMetadata", "tokens written to a cache");
    }
}

/// Writes usage and its extra fields; `None` if there is neither.
pub(super) fn write(usage: Option<&Usage>, extra: &[(String, RawJson)]) -> Option<String> {
    let mut out = Object::new();
    let extra: Vec<_> = extra
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix(EXTRA_PREFIX)?, value.as_str())))
        .collect();
    let tool_results = extra.iter().find(|(key, _)| *key == "toolUsePromptTokenCount");
    let tool_results = tool_results.and_then(|(_, count)| count.trim().parse::<u64>().ok()).unwrap_or(0);
    let has_usage = usage.is_some();
    let usage = usage.copied().unwrap_or_default().with_consistent_parts();
    // The output may consist of thoughts only.
    let (text, thoughts) = usage.output_parts();
    let text = usage.output.is_some_and(|_| text > 0 || usage.reasoning.is_none()).then_some(text);
    let thoughts = usage.reasoning.map(|count| if usage.output.is_some() { thoughts } else { count });
    let counts = [
        ("promptTokenCount", usage.input.map(|input| input.saturating_sub(tool_results))),
        ("candidatesTokenCount", text),
        ("totalTokenCount", has_usage.then(|| usage.total())),
        ("cachedContentTokenCount", usage.cached),
        ("thoughtsTokenCount", thoughts),
    ];
    for (key, count) in counts {
        if let Some(count) = count {
            out.set(key, count.to_string());
        }
    }
    for (key, value) in extra {
        out.set(key.to_owned(), value.to_owned());
    }
    (!out.is_empty()).then(|| out.into_owned().to_json())
}
