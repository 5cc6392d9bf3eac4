//! Frames in, repaired frames out: a stream whose client and upstream both use this dialect.

use super::completion_writer::{CompletionIdentity, write_completion};
use super::error;
use super::repair::{ChunkSink, RepairedChoice, RepairedCompletion, StreamState, StreamUsage, record_choice};
use crate::canonical::{Diagnostics, Event, ResponseSpec, ResponseSummary};
use crate::dialect::StreamRepairer;
use crate::error::{Error, UpstreamError};
use crate::framing::{Frame, write_event};

/// Repairs a stream.
pub(super) struct CompletionsRepairer {
    stream: StreamState,
    summary: ResponseSummary,
}

impl CompletionsRepairer {
    pub(super) fn new(spec: ResponseSpec) -> Self {
        Self { summary: ResponseSummary::for_spec(&spec), stream: StreamState::new(spec) }
    }
}

impl StreamRepairer for CompletionsRepairer {
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

/// Writes repaired chunks as server-sent events.
struct SseSink<'o> {
    out: &'o mut Vec<u8>,
    summary: &'o mut ResponseSummary,
}

impl ChunkSink for SseSink<'_> {
    fn chunk(
        &mut self,
        completion: &RepairedCompletion,
        identity: &CompletionIdentity,
        source: Option<&[u8]>,
    ) {
        for choice in &completion.choices {
            record_choice(choice, self.summary);
        }
        write_event(self.out, |out| match source {
            Some(bytes) => out.extend_from_slice(bytes),
            None => {
                let choices: Vec<_> = completion.choices.iter().map(RepairedChoice::write).collect();
                out.extend(write_completion(identity, &choices, None, &completion.extra).into_bytes());
            }
        });
    }

    fn usage(&mut self, usage: &StreamUsage, identity: &CompletionIdentity, is_shown: bool) {
        self.summary.event(&Event::Usage(usage.counts));
        if is_shown {
            let written = || write_completion(identity, &[], Some(&usage.json), &[]).into_bytes();
            write_event(self.out, |out| out.extend(usage.source.clone().unwrap_or_else(written)));
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
