//! Deviations of an upstream's responses that its bytes alone do not reveal.

use crate::overlay::{Rule, rules};
use serde::{Deserialize, Serialize};

rules! {
    /// Deviations of an upstream's responses that its bytes alone do not reveal.
    #[derive(Copy, Eq)]
    pub struct AnswerQuirks, AnswerQuirksLayer {
        /// Every delta repeats all text so far.
        pub cumulative_deltas: bool,
        /// Where the text contains reasoning.
        pub reasoning_tags: ReasoningTags,
        /// Tool calls that are written into the text stay there.
        pub keep_tool_markup: bool,
    }
}

/// Where an upstream's text contains reasoning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReasoningTags {
    /// Between tags, if the text begins with an opening tag.
    #[default]
    Leading,
    /// From the beginning up to the first closing tag: the opening tag is part of the prompt.
    Prefilled,
    /// Nowhere: tags are ordinary text.
    Ignore,
}

impl Rule for ReasoningTags {}
