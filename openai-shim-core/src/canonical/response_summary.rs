//! The summary of a response, from its events: content, finish reason, usage, error. It decides the outcome: complete, truncated, ….

use super::{
    BlockKind, Delta, Event, FinishReason, Outcome, ResponseSpec, TurnRecorder, TurnStorage, Usage,
    WHOLE_BLOCK,
};
use crate::error::{ErrorKind, UpstreamError};

/// What the events of a response so far have in common: the outcome follows from it.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ResponseSummary {
    /// There is text, reasoning or a tool call: something that a person or a program can use.
    pub content: bool,
    /// There is a tool call.
    pub calls: bool,
    /// There is reasoning.
    pub reasoning: bool,
    /// There is content that is no reasoning.
    pub answer: bool,
    /// There is a refusal.
    pub refusal: bool,
    /// The finish reason that came first.
    pub finish: Option<FinishReason>,
    /// Token counts.
    pub usage: Option<Usage>,
    /// The error that ended the response.
    pub error: Option<UpstreamError>,
    /// The stream ended in order.
    pub ended: bool,
    /// What may have to be stored for the next turn.
    pub turn: TurnRecorder,
    /// The block that began last has reasoning.
    is_in_reasoning: bool,
}

impl ResponseSummary {
    /// Creates an empty summary; `spec` decides whether it records the turn.
    pub fn for_spec(spec: &ResponseSpec) -> Self {
        let is_recorded = spec.turn_storage != TurnStorage::None;
        let turn = TurnRecorder::new(is_recorded).with_tool_names(&spec.tool_names);
        Self { turn, ..Self::default() }
    }

    /// Adds an event.
    pub fn event(&mut self, event: &Event) {
        self.turn.event(event);
        match event {
            Event::Open { kind: BlockKind::ToolCall { .. }, .. } => {
                (self.content, self.answer, self.calls) = (true, true, true);
            }
            Event::Open { kind: BlockKind::Refusal, .. } => self.refusal = true,
            Event::Open { kind, .. } => self.is_in_reasoning = *kind == BlockKind::Reasoning,
            Event::Delta { delta: Delta::Text(text), .. } if !text.is_empty() => {
                self.content = true;
                self.reasoning |= self.is_in_reasoning;
                self.answer |= !self.is_in_reasoning;
            }
            // A search that the upstream ran itself is content, even without text about it.
            Event::Delta { delta: Delta::Native { key, .. }, .. } if key == WHOLE_BLOCK => {
                (self.content, self.answer) = (true, true);
            }
            Event::Finish { reason, .. } if self.finish.is_none() => self.finish = Some(reason.clone()),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Error(error) => self.error = Some(error.clone()),
            Event::End => self.ended = true,
            _ => {}
        }
    }

    /// Whether the response has something that a client may be shown: from here on it cannot be retried.
    pub fn is_meaningful(&self) -> bool {
        self.content
            || self.refusal
            || matches!(
                self.finish,
                Some(FinishReason::Length | FinishReason::ContentFilter | FinishReason::Refusal)
            )
    }

    /// Whether the response ended in order and has nothing for a person who is not shown reasoning.
    pub fn is_reasoning_alone(&self) -> bool {
        self.reasoning && !self.answer && self.outcome() == Outcome::Complete
    }

    /// Whether the response ended its turn in order.
    pub fn ended_turn(&self) -> bool {
        self.error.is_none()
            && matches!(self.finish, Some(FinishReason::Stop | FinishReason::StopSequence(_)))
    }

    /// The outcome of a response that has no more events.
    pub fn outcome(&self) -> Outcome {
        match &self.error {
            Some(UpstreamError::Truncated) => return Outcome::Truncated,
            Some(UpstreamError::Empty) => return Outcome::Empty,
            Some(UpstreamError::Failed { .. }) => return Outcome::Failed,
            Some(error) if error.kind() == ErrorKind::ContentFiltered => return Outcome::Filtered,
            Some(_) => return Outcome::Errored,
            None => {}
        }
        match &self.finish {
            Some(FinishReason::ContentFilter) => Outcome::Filtered,
            Some(FinishReason::Refusal) => Outcome::Refused,
            _ if self.refusal => Outcome::Refused,
            Some(FinishReason::Length) => Outcome::Length,
            Some(FinishReason::Failed { .. }) => Outcome::Failed,
            _ if !self.content => Outcome::Empty,
            Some(FinishReason::Unknown(_)) => Outcome::Unknown,
            Some(_) => Outcome::Complete,
            None => Outcome::Truncated,
        }
    }
}
