//! The events of a streamed response.

use super::{ExtraFieldList, FinishReason, Usage};
use crate::error::UpstreamError;
use crate::error::static_text::{self, StaticText};
use crate::json::RawJson;
use serde::{Deserialize, Serialize};

/// An event of a streamed response. They are in a legal order (`canonical/grammar.rs`): a response starts, opens and closes one
/// block after the other, finishes, and ends.
///
/// ```
/// use openai_shim_core::canonical::{Delta, Event, FinishReason};
///
/// /// What a program that audits responses writes down.
/// fn note(event: &Event) -> Option<String> {
///     match event {
///         Event::Delta { delta: Delta::Text(text), .. } => Some(text.clone()),
///         Event::Finish { reason, .. } => Some(format!("finished: {reason:?}")),
///         _ => None,
///     }
/// }
///
/// let text = Event::Delta { choice: 0, block: 0, delta: Delta::Text(String::from("hello")) };
/// assert_eq!(note(&text).unwrap(), "hello");
/// let finish = Event::Finish { choice: 0, reason: FinishReason::Stop };
/// assert_eq!(note(&finish).unwrap(), "finished: Stop");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Event {
    /// The response begins.
    Start {
        /// The response's id.
        id: Option<String>,
        /// The model.
        model: Option<String>,
        /// The creation time, in seconds since 1970.
        created: Option<u64>,
    },
    /// A block begins.
    Open {
        /// The index of the choice.
        choice: u32,
        /// The index of the block in the choice, counted from 0 without gaps.
        block: u32,
        /// The kind of the block.
        kind: BlockKind,
    },
    /// A block continues.
    Delta {
        /// The index of the choice.
        choice: u32,
        /// The index of the block in the choice.
        block: u32,
        /// The continuation.
        delta: Delta,
    },
    /// A block is complete.
    Close {
        /// The index of the choice.
        choice: u32,
        /// The index of the block in the choice.
        block: u32,
    },
    /// A choice is complete.
    Finish {
        /// The index of the choice.
        choice: u32,
        /// The finish reason.
        reason: FinishReason,
    },
    /// Token counts; the last ones are final.
    Usage(Usage),
    /// Fields without a place in this model; they belong to the next event.
    Extra {
        /// The index of the choice; `None`: the response.
        choice: Option<u32>,
        /// The fields.
        extra: ExtraFieldList,
    },
    /// The stream failed. No event follows.
    Error(UpstreamError),
    /// The stream is complete. No event follows.
    End,
}

/// The kind of a block.
///
/// ```
/// use openai_shim_core::canonical::{BlockKind, Event};
/// let event = Event::Open { choice: 0, block: 0, kind: BlockKind::Text };
/// assert!(matches!(event, Event::Open { kind: BlockKind::Text, .. }));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum BlockKind {
    /// Plain text.
    Text,
    /// The model's reasoning.
    Reasoning,
    /// The model's refusal.
    Refusal,
    /// The model's request to run a tool.
    ToolCall {
        /// The call's id.
        id: String,
        /// The function's name.
        name: String,
        /// A signature of the reasoning that led to the call, if it is known by now.
        signature: Option<String>,
    },
}

/// The continuation of a block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Delta {
    /// More text: of the text, reasoning, refusal or tool call arguments that the block is.
    Text(String),
    /// A signature of the reasoning so far, or of a call; several deltas make one signature.
    Signature(String),
    /// A field of the delta that only its own dialect defines.
    Native {
        /// The dialect.
        #[serde(deserialize_with = "static_text::deserialize")]
        dialect: StaticText,
        /// The key of the field.
        key: String,
        /// The raw JSON of the field.
        raw: RawJson,
    },
}
