//! What a client gets.

use super::{Block, ExtraFields, Logprobs, Usage};

/// A complete answer.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Response {
    /// The answer's id.
    pub id: Option<String>,
    /// When it was made, in seconds since 1970.
    pub created: Option<u64>,
    /// The model that answered.
    pub model: Option<String>,
    /// The answers, usually one, by index.
    pub choices: Vec<Choice>,
    /// Token counts.
    pub usage: Option<Usage>,
    /// Leftovers.
    pub extra: ExtraFields,
}

/// One of the answers.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Choice {
    /// Which one.
    pub index: u32,
    /// What it says, in order.
    pub blocks: Vec<Block>,
    /// Why it ended; `None` when that is not known.
    pub finish: Option<FinishReason>,
    /// How likely its tokens were, where that was asked for.
    pub logprobs: Option<Logprobs>,
    /// Leftovers.
    pub extra: ExtraFields,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FinishReason {
    /// The model was done.
    Stop,
    /// A stop sequence came; which one, where it is known.
    StopSequence(Option<String>),
    /// The length limit came.
    Length,
    /// A tool shall be called.
    ToolCalls,
    /// A content filter stopped it.
    ContentFilter,
    /// The model declined.
    Refusal,
}
