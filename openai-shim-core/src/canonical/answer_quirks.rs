//! Deviations of an upstream's responses that its bytes alone do not reveal.

use crate::overlay::{Rule, rules};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;

rules! {
    /// Deviations of an upstream's responses that its bytes alone do not reveal.
    #[derive(Eq)]
    pub struct AnswerQuirks,
    ///
    /// ```
    /// use openai_shim_core::canonical::{AnswerQuirksLayer, ReasoningTags};
    /// let quirks = AnswerQuirksLayer::default().with_reasoning_tags(ReasoningTags::Prefilled);
    /// assert_eq!(quirks.reasoning_tags, Some(ReasoningTags::Prefilled));
    /// ```
    AnswerQuirksLayer {
        /// Every delta repeats all text so far.
        pub cumulative_deltas: bool as with_cumulative_deltas,
        /// Where the text contains reasoning.
        pub reasoning_tags: ReasoningTags as with_reasoning_tags,
        /// Tool calls that are written into the text stay there.
        pub keep_tool_markup: bool as with_keep_tool_markup,
    }
}

/// Where an upstream's text contains reasoning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
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
    /// Between these tags too. Without `open` the text begins with reasoning: the opening tag is part of the prompt.
    #[serde(untagged)]
    Own(Box<TagPair>),
}

impl Rule for ReasoningTags {}

/// The tags of a model that no other model has.
///
/// ```
/// use openai_shim_core::canonical::{AnswerQuirks, ReasoningTags, TagPair};
/// let mut quirks = AnswerQuirks::default();
/// assert_eq!(quirks.reasoning_tags, ReasoningTags::Leading);
/// quirks.reasoning_tags = ReasoningTags::Own(Box::new(TagPair::new("<|think|>", "<|/think|>")));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TagPair {
    /// What begins reasoning; empty: the prompt has begun it.
    pub open: String,
    /// What ends it.
    pub close: String,
}

impl TagPair {
    /// Two tags.
    pub fn new(open: impl Into<String>, close: impl Into<String>) -> Self {
        Self { open: open.into(), close: close.into() }
    }
}

const KEYWORDS: [&str; 3] = ["leading", "prefilled", "ignore"];

impl<'de> Deserialize<'de> for ReasoningTags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TagsVisitor;
        impl<'de> Visitor<'de> for TagsVisitor {
            type Value = ReasoningTags;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a keyword, or { open = \"…\", close = \"…\" }")
            }
            fn visit_str<E: Error>(self, keyword: &str) -> Result<ReasoningTags, E> {
                match keyword {
                    "leading" => Ok(ReasoningTags::Leading),
                    "prefilled" => Ok(ReasoningTags::Prefilled),
                    "ignore" => Ok(ReasoningTags::Ignore),
                    _ => Err(E::unknown_variant(keyword, &KEYWORDS)),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ReasoningTags, A::Error> {
                let tags = TagPair::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ReasoningTags::Own(Box::new(tags)))
            }
        }
        deserializer.deserialize_any(TagsVisitor)
    }
}
