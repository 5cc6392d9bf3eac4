//! How an exchange ended, decided in one place.

use super::{Asked, BlockKind, Delta, Event, FinishReason, Turn, Usage, carry};
use crate::error::{ErrorKind, UpstreamError};
use std::fmt;

/// How an exchange ended. Different endings are never called by the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// A whole answer.
    Complete,
    /// A successful answer with nothing in it.
    Empty,
    /// The answer was cut off by the connection or the upstream.
    Truncated,
    /// The model declined.
    Refused,
    /// A content filter stopped it.
    Filtered,
    /// The length limit stopped it.
    Length,
    /// An error.
    Errored,
    /// A synthesized answer, because the upstream had none.
    Fallback,
    /// The client went away.
    Cancelled,
}

impl Outcome {
    /// All outcomes, for tables and metrics.
    pub const ALL: [Self; 9] = [
        Self::Complete,
        Self::Empty,
        Self::Truncated,
        Self::Refused,
        Self::Filtered,
        Self::Length,
        Self::Errored,
        Self::Fallback,
        Self::Cancelled,
    ];

    /// The stable name, as in headers and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::Refused => "refused",
            Self::Filtered => "filtered",
            Self::Length => "length",
            Self::Errored => "errored",
            Self::Fallback => "fallback",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was seen of an answer so far.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Seen {
    /// Text, reasoning or a tool call: something a person or a program can use.
    pub content: bool,
    /// Words of refusal.
    pub refusal: bool,
    /// The first answer's finish reason.
    pub finish: Option<FinishReason>,
    /// Token counts.
    pub usage: Option<Usage>,
    /// The error that ended it.
    pub error: Option<UpstreamError>,
    /// The stream was ended in order.
    pub ended: bool,
    /// Reasoning that must be kept for the next turn.
    pub kept: Kept,
}

/// Reasoning that led to a tool call, under the id of that call.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Kept {
    /// Whether anything is kept at all.
    pub on: bool,
    /// The id of the first call, once there is one.
    pub id: Option<String>,
    /// The reasoning.
    pub text: String,
    /// Signatures that are too long to be carried in an id, with the ids of their calls.
    pub signatures: Vec<(String, String)>,
    /// What of the answer only its maker can read.
    pub turn: Turn,
    /// The block of reasoning that is open.
    open: Option<(u32, u32)>,
}

/// The most signatures of one answer that are kept.
const MOST_SIGNATURES: usize = 64;

/// The longest reasoning that is kept for the next turn.
const LONGEST: usize = 1 << 20;

impl Kept {
    /// More reasoning came.
    pub fn thought(&mut self, text: &str) {
        if self.on && self.text.len() + text.len() <= LONGEST {
            self.text.push_str(text);
        }
    }

    /// A call's id, carrying its signature if that is short enough; else the signature is kept.
    pub fn signed(&mut self, id: &str, signature: &str) -> Option<String> {
        let packed = carry::pack(id, signature);
        if packed.is_none() && self.signatures.len() < MOST_SIGNATURES && signature.len() < LONGEST {
            self.signatures.push((id.to_owned(), signature.to_owned()));
        }
        packed
    }

    /// Puts the signature of a call that begins into its id; whether it did.
    pub fn carry(&mut self, event: &mut Event) -> bool {
        let Event::Open { kind: BlockKind::ToolCall { id, signature: Some(signature), .. }, .. } = event
        else {
            return false;
        };
        let packed = self.signed(id, signature);
        let fits = packed.is_some();
        if let Some(packed) = packed {
            *id = packed;
        }
        fits
    }

    /// A tool is called.
    pub fn called(&mut self, id: &str) {
        if self.on && !id.is_empty() {
            self.id.get_or_insert_with(|| id.to_owned());
        }
    }

    fn event(&mut self, event: &Event) {
        self.turn.event(event);
        match event {
            Event::Open { kind: BlockKind::ToolCall { id, .. }, .. } => self.called(id),
            Event::Open { choice, block, kind: BlockKind::Reasoning } => self.open = Some((*choice, *block)),
            Event::Delta { choice, block, delta: Delta::Text(text) }
                if self.open == Some((*choice, *block)) =>
            {
                self.thought(text);
            }
            _ => {}
        }
    }
}

impl Seen {
    /// Nothing seen yet of the answer to what was asked; it says what of it must be kept.
    pub fn keeping(asked: &Asked) -> Self {
        let kept = Kept { on: asked.keep_reasoning, turn: Turn::noting(asked.keep_turn), ..Kept::default() };
        Self { kept, ..Self::default() }
    }

    /// Takes one event into account.
    pub fn event(&mut self, event: &Event) {
        self.kept.event(event);
        match event {
            Event::Open { kind: BlockKind::ToolCall { .. }, .. } => self.content = true,
            Event::Open { kind: BlockKind::Refusal, .. } => self.refusal = true,
            Event::Delta { delta: Delta::Text(text), .. } if !text.is_empty() => self.content = true,
            // A search that the upstream ran itself is something that happened, also without a word about it.
            Event::Delta { delta: Delta::Native { key, .. }, .. } if key == super::WHOLE_BLOCK => {
                self.content = true;
            }
            Event::Finish { reason, .. } if self.finish.is_none() => self.finish = Some(reason.clone()),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Error(error) => self.error = Some(error.clone()),
            Event::End => self.ended = true,
            _ => {}
        }
    }

    /// Whether something was said that a client may already be shown.
    pub fn is_meaningful(&self) -> bool {
        self.content
            || self.refusal
            || matches!(
                self.finish,
                Some(FinishReason::Length | FinishReason::ContentFilter | FinishReason::Refusal)
            )
    }

    /// The outcome, from everything that was seen.
    pub fn outcome(&self) -> Outcome {
        match &self.error {
            Some(UpstreamError::Truncated) => return Outcome::Truncated,
            Some(UpstreamError::Empty) => return Outcome::Empty,
            Some(error) if error.kind() == ErrorKind::ContentFiltered => return Outcome::Filtered,
            Some(_) => return Outcome::Errored,
            None => {}
        }
        match self.finish {
            Some(FinishReason::ContentFilter) => Outcome::Filtered,
            Some(FinishReason::Refusal) => Outcome::Refused,
            _ if self.refusal => Outcome::Refused,
            Some(FinishReason::Length) => Outcome::Length,
            _ if !self.content => Outcome::Empty,
            Some(_) => Outcome::Complete,
            None => Outcome::Truncated,
        }
    }
}
