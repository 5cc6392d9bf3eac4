//! Token counts, in one convention.

/// Token counts of one answer. `None` means that the upstream did not say.
///
/// Convention: `input` includes cached tokens and `output` includes reasoning tokens, as OpenAI counts them; dialects that
/// count otherwise convert at their edge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens of the prompt, cached ones included.
    pub input: Option<u64>,
    /// Tokens of the answer, reasoning included.
    pub output: Option<u64>,
    /// The total that the upstream stated, where it is not the sum.
    pub total: Option<u64>,
    /// Prompt tokens read from a cache.
    pub cached: Option<u64>,
    /// Prompt tokens written to a cache.
    pub cache_written: Option<u64>,
    /// Answer tokens spent on reasoning.
    pub reasoning: Option<u64>,
}

impl Usage {
    /// Counts of prompt and answer.
    pub fn new(input: u64, output: u64) -> Self {
        Self { input: Some(input), output: Some(output), ..Self::default() }
    }

    /// The prompt's tokens as dialects count them that add up the parts: fresh, read from a cache, written to it. Some
    /// upstreams state more parts than there are tokens; the sum holds.
    pub fn input_parts(&self) -> (u64, u64, u64) {
        let input = self.input.unwrap_or(0);
        let cached = self.cached.unwrap_or(0).min(input);
        let written = self.cache_written.unwrap_or(0).min(input - cached);
        (input - cached - written, cached, written)
    }

    /// The answer's tokens likewise: said, and thought.
    pub fn output_parts(&self) -> (u64, u64) {
        let output = self.output.unwrap_or(0);
        let reasoning = self.reasoning.unwrap_or(0).min(output);
        (output - reasoning, reasoning)
    }

    /// The stated total, or the sum.
    pub fn total(&self) -> u64 {
        self.total.unwrap_or_else(|| self.input.unwrap_or(0).saturating_add(self.output.unwrap_or(0)))
    }
}
