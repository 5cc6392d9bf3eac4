//! The non-streaming response: choices, usage and finish reasons.

use super::{Block, ExtraFields, Logprobs, Usage};

/// A complete response.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Response {
    /// The response's id.
    pub id: Option<String>,
    /// The creation time, in seconds since 1970.
    pub created: Option<u64>,
    /// The model.
    pub model: Option<String>,
    /// The choices, usually one, by index.
    pub choices: Vec<Choice>,
    /// Token counts.
    pub usage: Option<Usage>,
    /// Fields without a place in this model.
    pub extra: ExtraFields,
}

/// One of `n` alternatives.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Choice {
    /// The index of the choice.
    pub index: u32,
    /// The content, in order.
    pub blocks: Vec<Block>,
    /// The finish reason; `None` if it is not known.
    pub finish: Option<FinishReason>,
    /// The log probabilities of the tokens, if the client requested them.
    pub logprobs: Option<Logprobs>,
    /// Fields without a place in this model.
    pub extra: ExtraFields,
}

/// Why a choice ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FinishReason {
    /// The model finished.
    Stop,
    /// A stop sequence ended the choice; which one, if that is known.
    StopSequence(Option<String>),
    /// The length limit ended the choice.
    Length,
    /// The model calls tools.
    ToolCalls,
    /// A content filter stopped the choice.
    ContentFilter,
    /// The model refused.
    Refusal,
}
