//! The `sequence_number` of events: the upstream's own, or if events were inserted or removed, a number without gaps.

use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::json::Object;

/// Numbers the events of one stream.
#[derive(Debug, Default)]
pub(super) struct SequenceNumbers {
    next: u64,
    source: Source,
}

/// Whose numbers the events have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Source {
    /// The upstream's.
    #[default]
    Upstream,
    /// Ours, because events were inserted or removed.
    Renumbered,
}

impl SequenceNumbers {
    /// Returns the next number without counting on.
    pub(super) fn peek(&self) -> u64 {
        self.next
    }

    /// Renumbers from here on: an event was removed, or one is about to be inserted.
    pub(super) fn renumber(&mut self) {
        self.source = Source::Renumbered;
    }

    /// Returns the number of an inserted event.
    pub(super) fn insert(&mut self) -> u64 {
        self.renumber();
        self.take()
    }

    fn take(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// Sets the number of an upstream's event, unless its own one is right.
    pub(super) fn apply(&mut self, event: &mut Object<'_>, diagnostics: &mut Diagnostics) {
        match (event.u64("sequence_number"), self.source) {
            (Some(number), Source::Upstream) => self.next = number.saturating_add(1),
            (Some(_), Source::Renumbered) => event.set("sequence_number", self.take().to_string()),
            (None, _) => {
                event.set("sequence_number", self.take().to_string());
                diagnostics.record(DiagnosticCode::FieldFilled, "sequence_number", "");
            }
        }
    }
}
