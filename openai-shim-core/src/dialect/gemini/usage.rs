//! Token counts: Google counts thoughts beside the answer, and tool prompts beside the prompt.
//!
//! <https://ai.google.dev/api/generate-content#UsageMetadata>

use crate::canonical::Usage;
use crate::json::{Object, text_of};

/// Counts as they were last said; a stream repeats them, and not always all.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    prompt: Option<u64>,
    candidates: Option<u64>,
    thoughts: Option<u64>,
    tools: Option<u64>,
    cached: Option<u64>,
    total: Option<u64>,
}

impl Counts {
    /// Takes what is said.
    pub(super) fn take(&mut self, usage: &Object<'_>) {
        let number = |key: &str| usage.get(key).and_then(|v| text_of(v).trim().parse::<u64>().ok());
        let slots = [
            (&mut self.prompt, "promptTokenCount"),
            (&mut self.candidates, "candidatesTokenCount"),
            (&mut self.thoughts, "thoughtsTokenCount"),
            (&mut self.tools, "toolUsePromptTokenCount"),
            (&mut self.cached, "cachedContentTokenCount"),
            (&mut self.total, "totalTokenCount"),
        ];
        for (slot, key) in slots {
            *slot = number(key).or(*slot);
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
    let mut counts = Counts::default();
    counts.take(usage);
    counts.usage()
}

/// Writes counts.
pub(super) fn write(usage: &Usage) -> String {
    let mut out = Object::new();
    let answer = usage.output.map(|output| output.saturating_sub(usage.reasoning.unwrap_or(0)));
    let members = [
        ("promptTokenCount", usage.input),
        ("candidatesTokenCount", answer),
        ("totalTokenCount", Some(usage.total())),
        ("cachedContentTokenCount", usage.cached),
        ("thoughtsTokenCount", usage.reasoning),
    ];
    for (key, value) in members {
        if let Some(value) = value {
            out.set(key, value.to_string());
        }
    }
    out.to_json()
}
