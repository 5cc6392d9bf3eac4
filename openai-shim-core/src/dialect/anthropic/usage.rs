//! `usage` objects to `Usage` and back. This API's `input_tokens` excludes tokens that a cache read or wrote.
//!
//! <https://docs.anthropic.com/en/api/messages#response-usage>

use super::names::NAME;
use crate::canonical::{ExtraFields, Usage};
use crate::json::{Object, RawJson, raw, reported_count};

/// The fields that become counts of `Usage`.
const MAPPED_FIELDS: [&str; 5] = [
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens_details",
];

/// The counts of all usage objects so far; a count of a later event replaces an earlier one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct UsageCounts {
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_written: Option<u64>,
    thinking: Option<u64>,
}

impl UsageCounts {
    /// Adds a usage object.
    pub(super) fn read(&mut self, usage: &Object<'_>) {
        let count = |key: &str, old: Option<u64>| usage.get(key).and_then(reported_count).or(old);
        self.input = count("input_tokens", self.input);
        self.output = count("output_tokens", self.output);
        self.cache_read = count("cache_read_input_tokens", self.cache_read);
        self.cache_written = count("cache_creation_input_tokens", self.cache_written);
        let details = usage.object("output_tokens_details");
        self.thinking =
            details.and_then(|d| d.get("thinking_tokens").and_then(reported_count)).or(self.thinking);
    }

    /// Returns the counts as our model has them; `None` if no usage arrived.
    pub(super) fn usage(&self) -> Option<Usage> {
        if self.input.is_none() && self.output.is_none() {
            return None;
        }
        let cache = self.cache_read.unwrap_or(0).saturating_add(self.cache_written.unwrap_or(0));
        let mut usage = Usage::default();
        usage.input = self.input.map(|input| input.saturating_add(cache));
        usage.output = self.output;
        usage.cached = self.cache_read;
        usage.cache_written = self.cache_written;
        usage.reasoning = self.thinking;
        Some(usage)
    }
}

/// Returns the fields of a usage object that are no counts of tokens, as one extra field `usage`.
pub(super) fn extra_fields(usage: &Object<'_>) -> Option<(String, RawJson)> {
    let mut unmapped = Object::new();
    for (key, value) in usage.iter().filter(|(k, _)| !MAPPED_FIELDS.contains(k)) {
        unmapped.set(key, value);
    }
    (!unmapped.is_empty()).then(|| (String::from("usage"), raw(unmapped.to_json())))
}

/// Writes a usage object, with the extra field `usage` of an upstream of this dialect.
pub(super) fn write(usage: Usage, extra: &ExtraFields) -> String {
    let (uncached, read, written) = usage.input_parts();
    let mut object = Object::new();
    object.set("input_tokens", uncached.to_string());
    if usage.cache_written.is_some() {
        object.set("cache_creation_input_tokens", written.to_string());
    }
    if usage.cached.is_some() {
        object.set("cache_read_input_tokens", read.to_string());
    }
    object.set("output_tokens", usage.output.unwrap_or(0).to_string());
    if usage.reasoning.is_some() {
        let (_, thinking) = usage.output_parts();
        object.set("output_tokens_details", format!("{{\"thinking_tokens\":{thinking}}}"));
    }
    let unmapped = (extra.dialect == NAME).then(|| extra.get("usage")).flatten();
    if let Some(unmapped) = unmapped.and_then(|json| Object::parse(json.as_bytes()).ok()) {
        for (key, value) in unmapped.iter() {
            object.set(key.to_owned(), value.to_owned());
        }
    }
    object.to_json()
}
