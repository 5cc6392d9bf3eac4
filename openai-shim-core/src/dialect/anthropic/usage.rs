//! Token counts: here the prompt's count leaves out what a cache read or wrote.
//!
//! <https://docs.anthropic.com/en/api/messages#response-usage>

use super::NAME;
use crate::canonical::{ExtraFields, Usage};
use crate::json::{Object, raw};
use serde_json::value::RawValue;

const KNOWN: [&str; 5] = [
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens_details",
];

/// Counts as they came; those of later events hold where they say something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct UsageCounts {
    input: Option<u64>,
    output: Option<u64>,
    read: Option<u64>,
    written: Option<u64>,
    thinking: Option<u64>,
}

impl UsageCounts {
    /// Takes in a usage object.
    pub(super) fn read(&mut self, usage: &Object<'_>) {
        let count = |key: &str, old: Option<u64>| usage.u64(key).or(old);
        self.input = count("input_tokens", self.input);
        self.output = count("output_tokens", self.output);
        self.read = count("cache_read_input_tokens", self.read);
        self.written = count("cache_creation_input_tokens", self.written);
        let details = usage.object("output_tokens_details");
        self.thinking = details.and_then(|d| d.u64("thinking_tokens")).or(self.thinking);
    }

    /// The counts as the canonical model has them; `None` if none came.
    pub(super) fn usage(&self) -> Option<Usage> {
        if self.input.is_none() && self.output.is_none() {
            return None;
        }
        let cache = self.read.unwrap_or(0).saturating_add(self.written.unwrap_or(0));
        let mut usage = Usage::default();
        usage.input = self.input.map(|input| input.saturating_add(cache));
        usage.output = self.output;
        usage.cached = self.read;
        usage.cache_written = self.written;
        usage.reasoning = self.thinking;
        Some(usage)
    }
}

/// Members of a usage object that are no counts of tokens, as one member `usage`.
pub(super) fn leftovers(usage: &Object<'_>) -> Option<(String, Box<RawValue>)> {
    let mut rest = Object::new();
    for (key, value) in usage.iter().filter(|(k, _)| !KNOWN.contains(k)) {
        rest.set(key, value);
    }
    (!rest.is_empty()).then(|| (String::from("usage"), raw(rest.to_json())))
}

/// Writes a usage object, with what `extra` keeps of the upstream's own.
pub(super) fn write(usage: Usage, extra: &ExtraFields) -> String {
    let (fresh, read, written) = usage.input_parts();
    let mut object = Object::new();
    object.set("input_tokens", fresh.to_string());
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
    let rest = (extra.dialect == NAME).then(|| extra.get("usage")).flatten();
    if let Some(rest) = rest.and_then(|rest| Object::parse(rest.as_bytes()).ok()) {
        for (key, value) in rest.iter() {
            object.set(key.to_owned(), value.to_owned());
        }
    }
    object.to_json()
}
