//! Token counts in OpenAI's convention: totals that include their parts.
use serde::{Deserialize, Serialize};

/// Token counts of a response. `None` means that the upstream stated no count.
///
/// `input` includes cached tokens and `output` includes reasoning tokens, as OpenAI counts them. Dialects with another convention
/// convert when they decode and encode.
///
/// ```
/// use openai_shim_core::canonical::Usage;
/// let mut usage = Usage::new(100, 20);
/// usage.cached = Some(80);
/// assert_eq!(usage.total(), 120);
/// assert_eq!(usage.input_parts(), (20, 80, 0)); // as Anthropic counts: not cached, read from a cache, written to it
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Usage {
    /// Prompt tokens, including cached ones.
    pub input: Option<u64>,
    /// Response tokens, including reasoning.
    pub output: Option<u64>,
    /// The total that the upstream stated, if it is not the sum.
    pub total: Option<u64>,
    /// Prompt tokens read from a cache.
    pub cached: Option<u64>,
    /// Prompt tokens written to a cache.
    pub cache_written: Option<u64>,
    /// Response tokens of the reasoning.
    pub reasoning: Option<u64>,
}

impl Usage {
    /// Counts of prompt and response tokens.
    pub fn new(input: u64, output: u64) -> Self {
        Self { input: Some(input), output: Some(output), ..Self::default() }
    }

    /// The prompt tokens for dialects that state the parts: not cached, read from a cache, written to it. The parts are reduced until
    /// their sum is `input`, since some upstreams state parts that exceed it.
    pub fn input_parts(&self) -> (u64, u64, u64) {
        let input = self.input.unwrap_or(0);
        let cached = self.cached.unwrap_or(0).min(input);
        let cache_written = self.cache_written.unwrap_or(0).min(input - cached);
        (input - cached - cache_written, cached, cache_written)
    }

    /// Whether no more prompt tokens are cached than there are.
    pub fn is_consistent(&self) -> bool {
        let parts = self.cached.unwrap_or(0).saturating_add(self.cache_written.unwrap_or(0));
        self.input.is_none_or(|input| parts <= input)
    }

    /// The counts with their parts reduced as in [`input_parts`](Self::input_parts), for dialects whose input includes them.
    #[must_use]
    pub fn with_consistent_parts(mut self) -> Self {
        if self.input.is_some() {
            let (_, cached, cache_written) = self.input_parts();
            self.cached = self.cached.map(|_| cached);
            self.cache_written = self.cache_written.map(|_| cache_written);
        }
        self
    }

    /// The response tokens for dialects that state the parts: text, reasoning.
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
