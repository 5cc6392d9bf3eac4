//! How an upstream's answers are known to deviate, where the bytes alone do not tell.

use serde::{Deserialize, Serialize};

/// Deviations of an upstream's answers that cannot be told from the bytes alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AnswerQuirks {
    /// Every delta repeats all text so far.
    pub cumulative_deltas: bool,
    /// How thinking stands in the text.
    pub reasoning_tags: ReasoningTags,
    /// Tool calls written into the text are left there.
    pub keep_tool_markup: bool,
}

/// How thinking stands in an upstream's text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReasoningTags {
    /// Between tags, if a tag opens the text.
    #[default]
    Leading,
    /// From the beginning, up to the first closing tag: the opening one stood in the prompt.
    Prefilled,
    /// Tags are text.
    Ignore,
}

impl AnswerQuirks {
    /// These quirks, put over others.
    pub fn overlay(self, base: Self) -> Self {
        Self {
            cumulative_deltas: self.cumulative_deltas || base.cumulative_deltas,
            reasoning_tags: if self.reasoning_tags == ReasoningTags::Leading {
                base.reasoning_tags
            } else {
                self.reasoning_tags
            },
            keep_tool_markup: self.keep_tool_markup || base.keep_tool_markup,
        }
    }
}
