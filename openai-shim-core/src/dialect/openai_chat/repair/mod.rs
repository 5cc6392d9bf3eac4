//! Tolerant reading, in one place: whatever an upstream sent becomes what OpenAI would have sent.
//!
//! Everything works on the members of the JSON objects, so that what needs no mending stays the upstream's own bytes.
//! `whole` mends complete answers, `stream` one chunk after the other; the other modules mend one aspect each, for both.

mod chunk;
mod chunk_template;
mod completion;
mod completion_tool_calls;
mod content;
mod finish_reason;
mod identity;
mod logprobs;
mod merge_choices;
mod stream;
mod stream_text;
mod text_extractor;
mod tool_call_deltas;
mod usage;

use chunk_template::TemplateText;
pub(super) use chunk_template::{Slot, SlotSpan, SlotValues, TemplateCache};
pub(super) use completion::whole;
pub(super) use stream::{ChunkSink, StreamState};
pub(super) use text_extractor::TagWriter;
pub(super) use usage::{read as read_usage, write as write_usage};

use super::super::StreamRepairer;
use super::decode::{OpaqueStateTap, TemplateEvent};
use super::error;
use crate::canonical::{Diagnostics, ResponseContext, ResponseSpec, ResponseSummary};
use crate::error::{Error, UpstreamError};
use crate::framing::{Frame, write_event};
use crate::json::Object;

/// Mends a stream in place.
pub(super) struct ChatRepairer {
    stream: StreamState,
    beside: OpaqueStateTap,
    forms: TemplateCache<TemplateOutput>,
}

/// What goes out for a form, and what is noted of it beside.
#[derive(Debug)]
struct TemplateOutput {
    text: TemplateText,
    said: Vec<TemplateEvent>,
}

impl ChatRepairer {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        let beside = OpaqueStateTap::new(&spec);
        Self { stream: StreamState::new(spec, context), beside, forms: TemplateCache::default() }
    }

    fn record(&mut self) {
        for event in self.beside.events.drain(..) {
            self.stream.summary.turn.event(&event);
        }
    }
}

impl StreamRepairer for ChatRepairer {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        let Self { stream, beside, forms } = self;
        let again = forms.replay(frame, stream, |went, words| {
            went.text.write(words, out);
            beside.replay(&went.said, words);
        });
        if !again {
            forms.start_miss(stream);
            stream.frame(frame, &mut SseSink { out, beside });
            let went = out.get(start..).unwrap_or_default();
            forms.store(frame, stream, |chunk, came| {
                Some(TemplateOutput {
                    text: chunk_template::written(chunk, came, went)?,
                    said: beside.learn(chunk, came)?,
                })
            });
        }
        if !beside.events.is_empty() {
            self.record();
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.stream.finish(&mut SseSink { out, beside: &mut self.beside });
        self.record();
    }

    fn fail(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        self.stream.fail(error, &mut SseSink { out, beside: &mut self.beside });
    }

    fn summary(&self) -> &ResponseSummary {
        &self.stream.summary
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.stream.diagnostics
    }
}

/// Writes mended chunks as server-sent events.
struct SseSink<'o> {
    out: &'o mut Vec<u8>,
    beside: &'o mut OpaqueStateTap,
}

impl ChunkSink for SseSink<'_> {
    fn chunk(&mut self, chunk: &Object<'_>, source: Option<&[u8]>) {
        self.beside.chunk(chunk);
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

#[cfg(test)]
mod chunk_template_tests;
