//! Token counts: Google counts thoughts beside the answer, and tool prompts beside the prompt.
//!
//! <https://ai.google.dev/api/generate-content#UsageMetadata>

use super::leftovers;
use crate::canonical::{DiagnosticCode, Diagnostics, Usage};
use crate::json::{Object, string_or_json};
use serde_json::value::RawValue;

/// Counts as they were last said: each chunk of a stream says all that it knows, and not always the same ones.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct UsageCounts {
    prompt: Option<u64>,
    candidates: Option<u64>,
    thoughts: Option<u64>,
    tools: Option<u64>,
    cached: Option<u64>,
    total: Option<u64>,
}

impl UsageCounts {
    /// Takes what is said, if it is something.
    pub(super) fn take(&mut self, usage: &Object<'_>) {
        let number = |key: &str| usage.get(key).and_then(|v| string_or_json(v).trim().parse::<u64>().ok());
        let said = Self {
            prompt: number("promptTokenCount"),
            candidates: number("candidatesTokenCount"),
            thoughts: number("thoughtsTokenCount"),
            tools: number("toolUsePromptTokenCount"),
            cached: number("cachedContentTokenCount"),
            total: number("totalTokenCount"),
        };
        if said.usage().is_some() {
            *self = said;
        }
    }

    /// The counts in our convention: the prompt with what tools put into it, the answer with its thoughts.
    pub(super) fn usage(&self) -> Option<Usage> {
        let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
        };
        let mut usage = Usage::default();
        usage.input = sum(self.prompt, self.tools);
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

/// Reads counts that are said once.
pub(super) fn read(usage: &Object<'_>) -> Option<Usage> {
    let mut counts = UsageCounts::default();
    counts.take(usage);
    counts.usage()
}

/// What stands before the name of a member of `usageMetadata` among an answer's leftovers.
const BESIDE: &str = "usageMetadata.";

/// Members beside the counts that have a place of their own.
pub(super) fn beside(usage: &Object<'_>) -> Vec<(String, Box<RawValue>)> {
    let known = [
        "promptTokenCount",
        "candidatesTokenCount",
        "thoughtsTokenCount",
        "cachedContentTokenCount",
        "totalTokenCount",
    ];
    let others = leftovers(usage, &known).into_members();
    others.into_iter().map(|(key, value)| (format!("{BESIDE}{key}"), value)).collect()
}

/// Google bills what is written to a cache when the cache is made, and counts it in no answer.
pub(super) fn lost(usage: Option<&Usage>, diagnostics: &mut Diagnostics) {
    if usage.and_then(|usage| usage.cache_written).is_some_and(|written| written > 0) {
        diagnostics.record(DiagnosticCode::ExtraDropped, "usageMetadata", "tokens written to a cache");
    }
}

/// Writes counts, with what stood beside them; `None` if there is nothing.
pub(super) fn write(usage: Option<&Usage>, beside: &[(String, Box<RawValue>)]) -> Option<String> {
    let mut out = Object::new();
    let beside: Vec<_> =
        beside.iter().filter_map(|(key, value)| Some((key.strip_prefix(BESIDE)?, value.get()))).collect();
    let tools = beside.iter().find(|(key, _)| *key == "toolUsePromptTokenCount");
    let tools = tools.and_then(|(_, count)| count.trim().parse::<u64>().ok()).unwrap_or(0);
    let none = Usage::default();
    let said = usage.is_some();
    let usage = usage.unwrap_or(&none);
    // Thoughts may be all that there is.
    let (answer, thoughts) = usage.output_parts();
    let answer = usage.output.is_some_and(|_| answer > 0 || usage.reasoning.is_none()).then_some(answer);
    let thoughts = usage.reasoning.map(|stated| if usage.output.is_some() { thoughts } else { stated });
    let members = [
        ("promptTokenCount", usage.input.map(|input| input.saturating_sub(tools))),
        ("candidatesTokenCount", answer),
        ("totalTokenCount", said.then(|| usage.total())),
        ("cachedContentTokenCount", usage.cached),
        ("thoughtsTokenCount", thoughts),
    ];
    for (key, value) in members {
        if let Some(value) = value {
            out.set(key, value.to_string());
        }
    }
    for (key, value) in beside {
        out.set(key.to_owned(), value.to_owned());
    }
    (!out.is_empty()).then(|| out.into_owned().to_json())
}
