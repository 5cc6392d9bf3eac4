//! Frames of an upstream's stream in, canonical events out: chunks are repaired first.

use super::chunk_events::{EventSink, OpenBlocks};
use super::chunk_template::DecodeTemplates;
use super::repair::StreamState;
use crate::canonical::{
    DiagnosticCode, Diagnostics, Event, FinishReason, ReasoningStyle, ResponseContext, ResponseSpec,
    StreamUsage,
};
use crate::dialect::Decoder;
use crate::framing::Frame;

/// Decodes a stream.
pub(super) struct ChatDecoder {
    stream: StreamState,
    blocks: OpenBlocks,
    pub(super) templates: DecodeTemplates,
}

impl ChatDecoder {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        // Usage, legacy calls and the place of reasoning are decided by the encoder for the client: here all of it is read.
        let spec = ResponseSpec {
            stream_usage: StreamUsage::Client,
            legacy_functions: false,
            reasoning: ReasoningStyle::Field,
            ..spec
        };
        let mut stream = StreamState::new(spec, context);
        stream.is_decoded = true;
        Self { stream, blocks: OpenBlocks::default(), templates: DecodeTemplates::default() }
    }

    /// Removes `Usage` events made of zeros that the repair filled in: the upstream reported none. The client's dialect
    /// decides whether that is a fault.
    fn remove_filled_usage(&mut self, before: usize, out: &mut Vec<Event>) {
        if self.stream.diagnostics.discard(DiagnosticCode::UsageMissing) {
            let mut added = out.split_off(before.min(out.len()));
            added.retain(|event| !matches!(event, Event::Usage(_)));
            out.append(&mut added);
        }
    }

    /// Puts the upstream's own words back into `Finish` events: the repair replaced those that OpenAI does not have.
    fn restore_unknown_reasons(&self, before: usize, out: &mut [Event]) {
        if !self.stream.has_unknown_reason {
            return;
        }
        for event in out.iter_mut().skip(before) {
            let Event::Finish { choice, reason } = event else { continue };
            let known = self.stream.choices.iter().find(|known| known.index == u64::from(*choice));
            if let Some(word) = known.and_then(|known| known.unknown_reason.clone()) {
                *reason = FinishReason::Unknown(word);
            }
        }
    }
}

impl Decoder for ChatDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) {
        let before = out.len();
        let mut sink = EventSink { blocks: &mut self.blocks, out };
        if self.templates.try_replay(frame, &mut self.stream, &mut sink) {
            return;
        }
        self.stream.frame(frame, &mut sink);
        self.remove_filled_usage(before, out);
        self.restore_unknown_reasons(before, out);
        self.templates.store(frame, &self.stream, out.get(before..).unwrap_or_default());
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        let before = out.len();
        self.stream.finish(&mut EventSink { blocks: &mut self.blocks, out });
        self.remove_filled_usage(before, out);
        self.restore_unknown_reasons(before, out);
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.stream.diagnostics
    }
}
