//! The non-streaming response: choices, usage and finish reasons.

use super::{Block, DiagnosticCode, Diagnostics, ExtraFields, Logprobs, Usage};
use crate::error::UpstreamError;
use serde::{Deserialize, Serialize};

/// A complete response.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
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

impl Response {
    /// Returns the failure that a finish reason states: the choice was interrupted or failed, or it promises tool calls and
    /// has none although tools are offered. Where none are offered, the choice just ends.
    pub(crate) fn without_failure(
        mut self,
        offers_tools: bool,
        diagnostics: &mut Diagnostics,
    ) -> Result<Self, UpstreamError> {
        for choice in &mut self.choices {
            match &choice.finish {
                Some(FinishReason::Failed { word, message }) => {
                    return Err(UpstreamError::failed(word, message.as_deref()));
                }
                Some(FinishReason::ToolCalls) if !choice.has_calls() => {
                    diagnostics.record(DiagnosticCode::ToolCallsMissing, "", "");
                    if offers_tools {
                        return Err(UpstreamError::calls_missing("tool_calls"));
                    }
                    choice.finish = Some(FinishReason::Stop);
                }
                _ => {}
            }
        }
        Ok(self)
    }
}

impl Choice {
    fn has_calls(&self) -> bool {
        self.blocks.iter().any(|block| matches!(block, Block::ToolCall { .. }))
    }
}

/// One of `n` alternatives.
///
/// ```
/// use openai_shim_core::canonical::{Block, Choice, FinishReason};
/// let mut choice = Choice::default();
/// choice.blocks.push(Block::text("hello"));
/// choice.finish = Some(FinishReason::Stop);
/// assert_eq!(Block::join_texts(&choice.blocks, ""), "hello");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
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
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// The choice was interrupted or failed, by the upstream's own word.
    Failed {
        /// The upstream's word.
        word: String,
        /// The upstream's explanation.
        message: Option<String>,
    },
    /// A word that is not known: the choice does not count as complete.
    Unknown(String),
}
