//! Adjacent text blocks of a response to one block: clients show an answer as one message, and some only the last one.

use super::names::NAME;
use crate::canonical::{BlockKind, Delta, Event};

/// Joins the text blocks of the first choice.
#[derive(Debug, Default)]
pub(super) struct TextJoiner {
    phase: Phase,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    /// No text block is open.
    #[default]
    Apart,
    /// A text block is open; it goes out as `joined`, the first of the blocks that are joined.
    InText { block: u32, joined: u32 },
    /// The text block is closed, and another one may continue it.
    Closed { joined: u32 },
    /// Another text block is open, without content.
    Pending { block: u32, joined: u32 },
}

/// What becomes of an event.
pub(super) enum JoinStep {
    /// It goes out.
    Pass,
    /// It does not.
    Hold,
    /// These go out in front of it.
    After(Vec<Event>),
    /// This goes out in its place; `begins`: it is the first of a block that is joined to the one before.
    Replace { event: Event, begins: bool },
}

/// Whether a field of a text keeps it apart from the text before: it may be a block of another kind, or an item of its own.
fn separates(delta: &Delta) -> bool {
    matches!(delta, Delta::Native { dialect, key, .. } if *dialect == NAME || !key.starts_with('.'))
}

const fn close(block: u32) -> Event {
    Event::Close { choice: 0, block }
}

impl TextJoiner {
    pub(super) fn step(&mut self, event: &Event) -> JoinStep {
        match (self.phase, event) {
            (Phase::Apart, Event::Open { choice: 0, block, kind: BlockKind::Text }) => {
                self.phase = Phase::InText { block: *block, joined: *block };
                JoinStep::Pass
            }
            // An item of this dialect stays one.
            (
                Phase::InText { block, joined },
                Event::Delta { choice: 0, block: of, delta: Delta::Native { dialect: NAME, .. } },
            ) if block == *of && block == joined => {
                self.phase = Phase::Apart;
                JoinStep::Pass
            }
            (Phase::InText { block, joined }, Event::Delta { choice: 0, block: of, delta })
                if block == *of && block != joined =>
            {
                let event = Event::Delta { choice: 0, block: joined, delta: delta.clone() };
                JoinStep::Replace { event, begins: false }
            }
            (Phase::InText { block, joined }, Event::Close { choice: 0, block: of }) if block == *of => {
                self.phase = Phase::Closed { joined };
                JoinStep::Hold
            }
            (Phase::Closed { joined }, Event::Open { choice: 0, block, kind: BlockKind::Text }) => {
                self.phase = Phase::Pending { block: *block, joined };
                JoinStep::Hold
            }
            (Phase::Pending { joined, .. }, Event::Close { choice: 0, .. }) => {
                self.phase = Phase::Closed { joined };
                JoinStep::Hold
            }
            (Phase::Pending { .. }, Event::Delta { delta: Delta::Text(text), .. }) if text.is_empty() => {
                JoinStep::Hold
            }
            (Phase::Pending { block, joined }, Event::Delta { choice: 0, block: of, delta })
                if block == *of && !separates(delta) =>
            {
                self.phase = Phase::InText { block, joined };
                let event = Event::Delta { choice: 0, block: joined, delta: delta.clone() };
                JoinStep::Replace { event, begins: true }
            }
            (Phase::Apart | Phase::InText { .. }, _) | (_, Event::Usage(_)) => JoinStep::Pass,
            (Phase::Closed { .. } | Phase::Pending { .. }, _) => JoinStep::After(self.release()),
        }
    }

    /// Returns what was held: nothing continues the text.
    pub(super) fn release(&mut self) -> Vec<Event> {
        match std::mem::take(&mut self.phase) {
            Phase::Apart | Phase::InText { .. } => Vec::new(),
            Phase::Closed { joined } => vec![close(joined)],
            Phase::Pending { block, joined } => {
                self.phase = Phase::InText { block, joined: block };
                vec![close(joined), Event::Open { choice: 0, block, kind: BlockKind::Text }]
            }
        }
    }
}
