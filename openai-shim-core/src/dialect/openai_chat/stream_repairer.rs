//! Frames in, repaired frames out: a stream whose client and upstream both use this dialect.

use super::chunk_template::RepairTemplates;
use super::error;
use super::opaque_state_tap::OpaqueStateTap;
use super::repair::{ChunkSink, StreamState};
use crate::canonical::{Diagnostics, ResponseSpec, ResponseSummary};
use crate::dialect::StreamRepairer;
use crate::error::{Error, UpstreamError};
use crate::framing::{Frame, write_event};
use crate::json::Object;

/// Repairs a stream.
pub(super) struct ChatRepairer {
    pub(super) stream: StreamState,
    tap: OpaqueStateTap,
    pub(super) templates: RepairTemplates,
}

impl ChatRepairer {
    pub(super) fn new(spec: ResponseSpec) -> Self {
        let tap = OpaqueStateTap::new(&spec);
        Self { stream: StreamState::new(spec), tap, templates: RepairTemplates::default() }
    }

    /// Moves the tap's events into the turn's record.
    fn record_turn(&mut self) {
        for event in self.tap.drain() {
            self.stream.summary.turn.event(&event);
        }
    }
}

impl StreamRepairer for ChatRepairer {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        let Self { stream, tap, templates } = self;
        if !templates.try_replay(frame, stream, tap, out) {
            stream.frame(frame, &mut SseSink { out, tap });
            templates.store(frame, stream, tap, out.get(start..).unwrap_or_default());
        }
        if !self.tap.events().is_empty() {
            self.record_turn();
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.stream.finish(&mut SseSink { out, tap: &mut self.tap });
        self.record_turn();
    }

    fn fail(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        self.stream.fail(error, &mut SseSink { out, tap: &mut self.tap });
    }

    fn summary(&self) -> &ResponseSummary {
        &self.stream.summary
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.stream.diagnostics
    }
}

/// Writes repaired chunks as server-sent events.
struct SseSink<'o> {
    out: &'o mut Vec<u8>,
    tap: &'o mut OpaqueStateTap,
}

impl ChunkSink for SseSink<'_> {
    fn chunk(&mut self, chunk: &Object<'_>, source: Option<&[u8]>) {
        self.tap.chunk(chunk);
        write_event(self.out, |out| match source {
            Some(bytes) => out.extend_from_slice(bytes),
            None => chunk.write(out),
        });
    }

    fn error(&mut self, error: &UpstreamError) {
        error::encode_in_stream(&Error::Upstream(error.clone()), self.out);
    }

    fn done(&mut self) {
        self.out.extend_from_slice(b"data: [DONE]\n\n");
    }
}
