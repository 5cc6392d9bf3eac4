//! The end of a stream: what is held or missing goes out, then usage and `[DONE]`, or an error if the stream was cut.

use super::super::usage::read as read_usage;
use super::stream_state::{BodyKind, ChoicePhase, ChunkSink, Phase, StreamState, StreamedChoice};
use super::usage;
use crate::canonical::{DiagnosticCode, StreamUsage, html_page};
use crate::error::UpstreamError;
use crate::json::Object;

impl StreamState {
    /// Ends the stream at the end of the upstream's body.
    pub(in super::super) fn finish(&mut self, sink: &mut dyn ChunkSink) {
        if self.phase.has_ended() {
            return;
        }
        if self.choices.is_empty() {
            let error = match self.phase {
                Phase::NotAStream(BodyKind::Html) => html_page("an answer"),
                Phase::NotAStream(BodyKind::Text) => UpstreamError::malformed(
                    "The upstream answered with text that is neither JSON nor an event stream.",
                ),
                _ if self.diagnostics.has(DiagnosticCode::FrameCorrupt) => UpstreamError::Truncated,
                _ => UpstreamError::Empty,
            };
            self.fail(&error, sink);
            return;
        }
        self.flush_text(false, sink);
        let is_unfinished = |c: &StreamedChoice| !c.is_finished() && !c.calls.are_complete();
        if !self.is_document && self.choices.iter().any(is_unfinished) {
            self.fail(&UpstreamError::Truncated, sink);
            return;
        }
        if !self.is_document {
            self.diagnostics.record(DiagnosticCode::DoneMissing, "", "");
        }
        self.close(Phase::Finished, sink);
    }

    /// Ends the stream with an error that the connection or the upstream reported.
    pub(in super::super) fn fail(&mut self, error: &UpstreamError, sink: &mut dyn ChunkSink) {
        let failure = self.failure.take();
        let error = match error {
            UpstreamError::Truncated | UpstreamError::Transport { .. } => failure.as_ref().unwrap_or(error),
            // The upstream's own error says more.
            _ => error,
        };
        let is_connection = matches!(error, UpstreamError::Truncated | UpstreamError::Transport { .. });
        if is_connection
            && !self.phase.has_ended()
            && !self.choices.is_empty()
            && self.choices.iter().all(StreamedChoice::is_finished)
        {
            // Every choice has its finish reason: the connection broke after all content.
            self.diagnostics.record(DiagnosticCode::DoneMissing, "", "");
            self.close(Phase::Finished, sink);
            return;
        }
        if self.phase.has_ended() {
            return;
        }
        self.phase = Phase::Failed;
        self.flush(sink);
        self.flush_text(true, sink);
        match error {
            UpstreamError::Truncated | UpstreamError::Transport { .. } => {
                self.diagnostics.record(DiagnosticCode::StreamTruncated, "", "");
            }
            // The content that went out stays; the error follows it.
            _ if self.summary.is_meaningful() => {
                self.diagnostics.record(DiagnosticCode::ErrorInStream, "", "");
            }
            UpstreamError::Status(_) => {
                self.diagnostics.record(DiagnosticCode::StatusPromoted, "", "an error came as a success");
            }
            _ => {}
        }
        // A connection that breaks after content leaves a truncated response.
        let error = match error {
            UpstreamError::Transport { .. } if self.summary.is_meaningful() => &UpstreamError::Truncated,
            other => other,
        };
        if let Some(json) = &self.usage.json {
            self.summary.usage = read_usage(json);
        }
        self.summary.error = Some(error.clone());
        sink.error(error);
    }

    /// Sends what is held or missing and the regular end; `phase` is what the stream is in then.
    pub(super) fn close(&mut self, phase: Phase, sink: &mut dyn ChunkSink) {
        if self.phase.has_ended() {
            return;
        }
        if self.is_corrupt && self.choices.iter().any(|choice| !choice.is_finished()) {
            self.failure.get_or_insert_with(UpstreamError::unreadable_part);
        }
        self.flush(sink);
        if let Some(failure) = self.failure.take() {
            self.fail(&failure, sink);
            return;
        }
        self.phase = phase;
        self.flush_text(false, sink);
        for position in 0..self.choices.len() {
            self.finish_choice(position, sink);
        }
        self.send_usage(sink);
        self.summary.ended = true;
        sink.done();
    }

    /// Closes the stream where a stop sequence applied here ended every choice. If the client requested token counts, the
    /// upstream's are waited for.
    pub(super) fn close_if_stopped(&mut self, sink: &mut dyn ChunkSink) {
        let all_stopped =
            self.choices.len() >= self.spec.n as usize && self.choices.iter().all(StreamedChoice::is_stopped);
        if all_stopped && self.spec.stream_usage != StreamUsage::Client {
            self.close(Phase::EndedLocally, sink);
        }
    }

    /// Ends a choice for which no finish reason came with the one that its content implies.
    fn finish_choice(&mut self, position: usize, sink: &mut dyn ChunkSink) {
        let Some(choice) = self.choices.get_mut(position).filter(|c| !c.is_finished()) else { return };
        let index = choice.index;
        choice.phase = ChoicePhase::Closed;
        let reason = match (choice.has_legacy_call, !choice.calls.is_empty()) {
            (true, _) => "function_call",
            (false, true) => "tool_calls",
            (false, false) => "stop",
        };
        let calls = choice.calls.complete(false, &mut self.context, &mut self.diagnostics);
        self.diagnostics.record(DiagnosticCode::FinishReasonDerived, "choices[].finish_reason", "");
        if let Some(calls) = calls {
            self.emit_delta(index, &format!(r#"{{"tool_calls":{calls}}}"#), "null", sink);
        }
        self.emit_delta(index, "{}", &format!("\"{reason}\""), sink);
        self.summary.finish.get_or_insert_with(|| super::super::finish_reason::parse(reason));
    }

    /// Records the token counts, and sends them in a chunk of their own if the client requested one.
    fn send_usage(&mut self, sink: &mut dyn ChunkSink) {
        if self.usage.json.is_none() && self.usage.in_vendor_object.is_some() {
            self.usage.json = self.usage.in_vendor_object.take();
            if self.spec.stream_usage == StreamUsage::Client {
                self.diagnostics.record(DiagnosticCode::UsageMoved, "usage", "");
            }
        }
        if let Some(json) = &self.usage.json {
            self.summary.usage = read_usage(json);
        }
        if self.spec.stream_usage != StreamUsage::Client {
            return;
        }
        if let Some(source) = self.usage.chunk.take() {
            if let Ok(chunk) = Object::parse(&source) {
                sink.chunk(&chunk, Some(&source));
            }
            return;
        }
        let json = match self.usage.json.take() {
            Some(json) => usage::repair(&json, &mut self.diagnostics).json.unwrap_or(json),
            None => {
                self.diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
                String::from(r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#)
            }
        };
        let mut chunk = self.identity.empty_chunk(&self.spec, &mut self.context);
        chunk.set("choices", "[]");
        chunk.set("usage", json);
        sink.chunk(&chunk, None);
    }
}
