//! What follows a failed attempt: a changed request, another target, a retry, a fallback response, or an error response.

use super::phase::AttemptEnd;
use super::session::Session;
use super::settings::FallbackPolicy;
use crate::canonical::{DiagnosticCode, Outcome, unfold};
use crate::error::{Error, UpstreamError};
use crate::fallback::fallback_response;
use http::StatusCode;
use std::time::Duration;

impl Session {
    /// Ends an attempt that failed before the client's response has begun.
    pub(super) fn end_failed_attempt(&mut self, error: UpstreamError, out: &mut Vec<u8>) -> AttemptEnd {
        self.pending_output.clear();
        if let Some(attempt) = self.report.attempts.last_mut() {
            attempt.error = Some(error.clone());
        }
        if let Some(end) = self.send_with_other_key() {
            return end;
        }
        if self.adapt_to_error(&error) {
            return AttemptEnd::SendAgain { wait: Duration::ZERO };
        }
        // Another target answers at once; the last one is asked again.
        if let Some(end) = self.fail_over(&error) {
            return end;
        }
        if let Some(wait) = self.wait_before_retry(&error) {
            let reason = error.code().unwrap_or("upstream_error");
            self.report.diagnostics.record(DiagnosticCode::Retried, "", reason);
            return AttemptEnd::SendAgain { wait };
        }
        let error = self.honest_error(error);
        // A document that is no answer is an error: a fallback would hide what came, and that the base URL may be wrong.
        let is_empty = matches!(error, UpstreamError::Empty);
        match self.settings.fallback.when {
            FallbackPolicy::Always => self.fall_back(&error, out),
            FallbackPolicy::Empty if is_empty => self.fall_back(&error, out),
            FallbackPolicy::Empty | FallbackPolicy::Never => {
                self.respond_with_error(Error::Upstream(error), out);
            }
        }
        AttemptEnd::Done
    }

    /// How long to wait before the next attempt; `None`: there is none.
    fn wait_before_retry(&self, error: &UpstreamError) -> Option<Duration> {
        match self.response_head {
            Some(_) => None,
            None => self.settings.retry.wait_before(self.attempt, error),
        }
    }

    /// Responds with a synthesized response.
    fn fall_back(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        let reason = error.code().unwrap_or("upstream_error");
        self.report.diagnostics.record(DiagnosticCode::FallbackUsed, "", reason);
        let message = self.settings.fallback.message.clone();
        let response = fallback_response::fallback_response(message, error, &self.spec, &mut self.context);
        if self.spec.stream {
            let mut encoder = self.client.encoder(&self.spec, &self.context);
            for event in unfold(&response) {
                encoder.event(&event, out);
            }
            encoder.finish(out);
            self.begin_stream();
        } else {
            out.extend(self.client.encode_response(
                &response,
                &self.spec,
                &mut self.context,
                &mut self.report.diagnostics,
            ));
            self.begin_document(StatusCode::OK, None);
        }
        self.report.outcome = Outcome::Fallback;
        self.report.usage = response.usage;
    }
}
