//! Tolerant reading, in one place: whatever an upstream sent becomes what OpenAI would have sent.
//!
//! What needs no mending stays the upstream's own bytes. `piece` reads one choice, `answer` an object with choices, `stream`
//! one object after the other.

mod choice;
mod completion;
mod stream;

pub(super) use choice::{RepairedChoice, write as write_choice};
pub(super) use completion::{CompletionIdentity, CompletionReader, RepairedCompletion, write_object};
pub(super) use stream::{ChunkSink, StreamState, UsageSpan};

use super::super::StreamRepairer;
use super::error;
use crate::canonical::{
    BlockKind, Delta, Diagnostics, Event, FinishReason, ResponseContext, ResponseSpec, ResponseSummary,
};
use crate::error::{Error, UpstreamError};
use crate::framing::{Frame, write_event};

/// Mends a stream in place.
pub(super) struct CompletionsMender {
    stream: StreamState,
    summary: ResponseSummary,
}

impl CompletionsMender {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        Self { summary: ResponseSummary::for_spec(&spec), stream: StreamState::new(spec, context) }
    }
}

impl StreamRepairer for CompletionsMender {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        self.stream.frame(frame, &mut SseSink { out, summary: &mut self.summary });
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.stream.finish(&mut SseSink { out, summary: &mut self.summary });
    }

    fn fail(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        self.stream.fail(error, &mut SseSink { out, summary: &mut self.summary });
    }

    fn summary(&self) -> &ResponseSummary {
        &self.summary
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.stream.reader.diagnostics
    }
}

/// Writes mended chunks as server-sent events.
struct SseSink<'o> {
    out: &'o mut Vec<u8>,
    summary: &'o mut ResponseSummary,
}

impl ChunkSink for SseSink<'_> {
    fn chunk(&mut self, answer: &RepairedCompletion, head: &CompletionIdentity, source: Option<&[u8]>) {
        for piece in &answer.pieces {
            see(piece, self.summary);
        }
        write_event(self.out, |out| match source {
            Some(bytes) => out.extend_from_slice(bytes),
            None => {
                let choices: Vec<_> = answer.pieces.iter().map(RepairedChoice::write).collect();
                out.extend(write_object(head, &choices, None, &answer.extra).into_bytes());
            }
        });
    }

    fn usage(&mut self, counts: &UsageSpan, head: &CompletionIdentity, shown: bool) {
        self.summary.event(&Event::Usage(counts.usage));
        if shown {
            let written = || write_object(head, &[], Some(&counts.written), &[]).into_bytes();
            write_event(self.out, |out| out.extend(counts.source.clone().unwrap_or_else(written)));
        }
    }

    fn error(&mut self, error: &UpstreamError) {
        self.summary.event(&Event::Error(error.clone()));
        error::encode_in_stream(&Error::Upstream(error.clone()), self.out);
    }

    fn done(&mut self) {
        self.summary.event(&Event::End);
        self.out.extend_from_slice(b"data: [DONE]\n\n");
    }
}

/// Takes a piece into account.
pub(super) fn see(piece: &RepairedChoice, summary: &mut ResponseSummary) {
    if !piece.text.is_empty() {
        let text = Delta::Text(piece.text.clone());
        summary.event(&Event::Open { choice: piece.index, block: 0, kind: BlockKind::Text });
        summary.event(&Event::Delta { choice: piece.index, block: 0, delta: text });
    }
    if let Some(word) = piece.finish {
        let reason: FinishReason = super::reason(word);
        summary.event(&Event::Finish { choice: piece.index, reason });
    }
}
