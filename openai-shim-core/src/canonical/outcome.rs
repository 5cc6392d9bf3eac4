//! How an exchange ended, decided in one place.

use super::{BlockKind, Delta, Event, FinishReason, ResponseSpec, TurnRecorder, Usage};
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
pub struct ResponseSummary {
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
    /// What of it may have to be kept for the next turn.
    pub turn: TurnRecorder,
}

impl ResponseSummary {
    /// Nothing seen yet of the answer to what was asked; it says what of it must be kept.
    pub fn for_spec(spec: &ResponseSpec) -> Self {
        Self { turn: TurnRecorder::when(spec.store_turn), ..Self::default() }
    }

    /// Takes one event into account.
    pub fn event(&mut self, event: &Event) {
        self.turn.event(event);
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
