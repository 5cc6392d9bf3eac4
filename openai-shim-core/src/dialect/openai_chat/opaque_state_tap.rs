//! Opaque state in a stream whose bytes pass through: repaired chunks in, events for the turn's record out.

use super::chunk_events::{EventSink, OpenBlocks};
use super::reasoning_details::QUOTED_FIELD;
use super::repair::ChunkSink as _;
use crate::canonical::{Event, ResponseSpec};
use crate::json::Object;

/// Reads the chunks that go out, from the first one with opaque state on: what only its issuer can read must come back in the
/// next request. Where the upstream requires plain reasoning or signatures of calls back, it reads from the first chunk on.
#[derive(Default)]
pub(super) struct OpaqueStateTap {
    phase: TapPhase,
    blocks: OpenBlocks,
    /// The events since they were last taken.
    events: Vec<Event>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum TapPhase {
    /// Nothing of this response is stored.
    #[default]
    Off,
    /// No chunk had opaque state.
    Waiting,
    /// Every chunk is read.
    Recording,
}

impl OpaqueStateTap {
    pub(super) fn new(spec: &ResponseSpec) -> Self {
        let phase = match (spec.store_turn, spec.note_whole_turn()) {
            (false, _) => TapPhase::Off,
            (true, false) => TapPhase::Waiting,
            (true, true) => TapPhase::Recording,
        };
        Self { phase, ..Self::default() }
    }

    /// Whether chunks are read.
    pub(super) fn is_recording(&self) -> bool {
        self.phase == TapPhase::Recording
    }

    /// The events since they were last taken.
    pub(super) fn events(&self) -> &[Event] {
        &self.events
    }

    /// Takes the events out.
    pub(super) fn drain(&mut self) -> std::vec::Drain<'_, Event> {
        self.events.drain(..)
    }

    /// Returns the sink that appends events.
    pub(super) fn sink(&mut self) -> EventSink<'_> {
        EventSink { blocks: &mut self.blocks, out: &mut self.events }
    }

    /// Reads a chunk that goes out.
    pub(super) fn chunk(&mut self, chunk: &Object<'_>) {
        if self.phase == TapPhase::Waiting
            && chunk.array("choices").unwrap_or_default().iter().any(|choice| choice.contains(QUOTED_FIELD))
        {
            self.phase = TapPhase::Recording;
        }
        if self.is_recording() {
            self.sink().chunk(chunk, None);
        }
    }
}
