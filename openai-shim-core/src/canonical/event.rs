//! An answer as it streams.

use super::{ExtraFieldList, FinishReason, Usage};
use crate::error::UpstreamError;
use serde_json::value::RawValue;

/// One step of a streamed answer. [`grammar`](super::grammar) says in which order they may come.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The answer begins.
    Start {
        /// Its id.
        id: Option<String>,
        /// The model that answers.
        model: Option<String>,
        /// When it was made, in seconds since 1970.
        created: Option<u64>,
    },
    /// A block begins.
    Open {
        /// Which of the answers.
        choice: u32,
        /// Which of its blocks, counted from 0 without gaps.
        block: u32,
        /// What kind.
        kind: BlockKind,
    },
    /// A block goes on.
    Delta {
        /// Which of the answers.
        choice: u32,
        /// Which of its blocks.
        block: u32,
        /// How.
        delta: Delta,
    },
    /// A block is complete.
    Close {
        /// Which of the answers.
        choice: u32,
        /// Which of its blocks.
        block: u32,
    },
    /// An answer is complete.
    Finish {
        /// Which of the answers.
        choice: u32,
        /// Why.
        reason: FinishReason,
    },
    /// Token counts; the last ones hold.
    Usage(Usage),
    /// Members that the canonical model has no place for; they belong to the next thing said.
    Extra {
        /// Which of the answers, or the answer as a whole.
        choice: Option<u32>,
        /// The members.
        extra: ExtraFieldList,
    },
    /// The stream failed. Nothing follows.
    Error(UpstreamError),
    /// The stream is complete. Nothing follows.
    End,
}

/// What kind of block begins.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlockKind {
    /// Plain text.
    Text,
    /// The model's thinking.
    Reasoning,
    /// The model declines.
    Refusal,
    /// The model calls a tool.
    ToolCall {
        /// The call's id.
        id: String,
        /// The function's name.
        name: String,
        /// An opaque signature of the thinking that led here, where it is known by now.
        signature: Option<String>,
    },
}

/// How a block goes on.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Delta {
    /// More text (of whatever the block is: text, thinking, refusal, or a tool call's arguments).
    Text(String),
    /// An opaque signature of the thinking so far, or of a call; a piece goes on from the last one.
    Signature(String),
    /// Something that only its own dialect knows, as a member of the delta.
    Native {
        /// The dialect.
        dialect: &'static str,
        /// The member's key.
        key: String,
        /// The member's JSON.
        raw: Box<RawValue>,
    },
}

impl PartialEq for Delta {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) | (Self::Signature(a), Self::Signature(b)) => a == b,
            (Self::Native { dialect, key, raw }, Self::Native { dialect: d, key: k, raw: r }) => {
                dialect == d && key == k && raw.get() == r.get()
            }
            _ => false,
        }
    }
}
