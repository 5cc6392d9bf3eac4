//! Streaming responses: upstream bytes to client bytes, held back until the first meaningful event.

use super::phase::AttemptEnd;
use super::session::Session;
use super::transcoder::Transcoder;
use crate::canonical::{Diagnostics, Outcome, TurnStorage};
use crate::error::{Error, UpstreamError};

impl Session {
    /// Where a stream's bytes go: to the client once its response has begun, until then to the pending output.
    pub(super) fn stream_output<'a>(&'a mut self, out: &'a mut Vec<u8>) -> &'a mut Vec<u8> {
        if self.response_head.is_some() { out } else { &mut self.pending_output }
    }

    /// Takes bytes of the upstream's stream. The client's stream begins with the first meaningful event, or when more than a
    /// frame waits for one.
    pub(super) fn push_stream(
        &mut self,
        transcoder: &mut Transcoder,
        chunk: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), UpstreamError> {
        let has_begun = self.response_head.is_some();
        let pushed = transcoder.push(chunk, if has_begun { &mut *out } else { &mut self.pending_output });
        if let Err(limit) = pushed {
            return Err(UpstreamError::TooLarge { message: limit.message() });
        }
        if !has_begun
            && (transcoder.summary().is_meaningful()
                || self.pending_output.len() > self.settings.max_frame_bytes)
        {
            self.begin_stream();
            self.release_pending_output(out);
        }
        if let Some(carry_over) = &mut self.carry_over
            && self.response_head.is_some()
            && transcoder.is_over()
        {
            carry_over.add_streamed_turn(
                &transcoder.summary().turn,
                self.spec.turn_storage == TurnStorage::OpaqueAndReasoning,
            );
        }
        Ok(())
    }

    /// Ends an attempt whose response was a stream. A failure before the client's stream has begun is a failed attempt.
    pub(super) fn end_stream(&mut self, transcoder: &Transcoder, out: &mut Vec<u8>) -> AttemptEnd {
        let summary = transcoder.summary();
        let diagnostics = transcoder.diagnostics();
        self.report.usage = summary.usage.or(self.report.usage);
        self.report.finish_reason.clone_from(&summary.finish);
        let outcome = if summary.ended { self.outcome(summary) } else { summary.outcome() };
        let has_failed = summary.error.is_some()
            || matches!(outcome, Outcome::Empty | Outcome::Truncated | Outcome::Errored);
        if self.response_head.is_none() && has_failed {
            let error = summary.error.clone().unwrap_or(match outcome {
                Outcome::Truncated => UpstreamError::Truncated,
                _ => UpstreamError::Empty,
            });
            self.report.diagnostics.extend(&diagnostics);
            let error = self.explain_document(transcoder, error);
            return self.end_failed_attempt(error, out);
        }
        self.check_content_type(if transcoder.is_event_stream() { "event-stream" } else { "json" });
        self.report.diagnostics.extend(&diagnostics);
        self.record_reasoning_alone(summary);
        if self.response_head.is_none() {
            self.begin_stream();
            self.release_pending_output(out);
        }
        self.store_turn(&summary.turn);
        self.report.outcome = outcome;
        self.report.error = summary.error.clone().map(Error::Upstream);
        self.has_calls = summary.calls;
        AttemptEnd::Done
    }

    /// Returns why a document in place of a stream cannot be used: the same error as for a document that was expected.
    fn explain_document(&self, transcoder: &Transcoder, error: UpstreamError) -> UpstreamError {
        let is_vague = matches!(error, UpstreamError::Empty | UpstreamError::Truncated);
        let Some(document) = transcoder.document().filter(|_| is_vague) else { return error };
        let (mut context, mut diagnostics) = (self.context.clone(), Diagnostics::default());
        let decoded = self.upstream.decode_response(document, &self.spec, &mut context, &mut diagnostics);
        decoded.err().unwrap_or(error)
    }

    /// Moves the pending output to the client, and frees its buffer.
    fn release_pending_output(&mut self, out: &mut Vec<u8>) {
        out.append(&mut std::mem::take(&mut self.pending_output));
    }
}
