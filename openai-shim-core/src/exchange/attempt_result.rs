//! How an attempt ends: the answer stands, is asked for again, is synthesized, or is an error.

use super::transcoder::Transcoder;
use super::{Exchange, ExchangePhase, FallbackPolicy, ResponseHead};
use crate::canonical::{DiagnosticCode, Outcome, unfold};
use crate::error::{Error, UpstreamError};
use crate::fallback::fallback_response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use std::time::Duration;

impl Exchange {
    /// Ends an attempt whose answer was read to its end without a stream having begun.
    pub(super) fn end_attempt(&mut self, result: Result<(), UpstreamError>, out: &mut Vec<u8>) {
        let Err(error) = result else {
            // Another one may be asked for.
            if !matches!(self.state, ExchangePhase::Ready(_)) {
                self.state = ExchangePhase::Over;
            }
            return;
        };
        self.state = ExchangePhase::Over;
        self.pending_output.clear();
        if self.adapt_to_refusal(&error) {
            return;
        }
        if let Some(after) = self.wait_before_retry(&error) {
            self.report.diagnostics.record(
                DiagnosticCode::Retried,
                "",
                error.code().unwrap_or("upstream_error"),
            );
            self.state = ExchangePhase::Ready(after);
            return;
        }
        let unusable = matches!(error, UpstreamError::Empty | UpstreamError::Malformed { .. });
        match self.settings.fallback.when {
            FallbackPolicy::Always => self.fall_back(&error, out),
            FallbackPolicy::Empty if unusable => self.fall_back(&error, out),
            FallbackPolicy::Empty | FallbackPolicy::Never => self.reply_error(Error::Upstream(error), out),
        }
    }

    /// Ends an attempt whose answer streamed.
    pub(super) fn end_stream(&mut self, transcoder: &Transcoder, out: &mut Vec<u8>) {
        let summary = transcoder.summary();
        let diagnostics = transcoder.diagnostics();
        self.report.usage = summary.usage.or(self.report.usage);
        let outcome = match summary.outcome() {
            Outcome::Empty if self.spec.is_empty_request && summary.error.is_none() && summary.ended => {
                Outcome::Complete
            }
            outcome => outcome,
        };
        let failed = summary.error.is_some()
            || matches!(outcome, Outcome::Empty | Outcome::Truncated | Outcome::Errored);
        if self.reply.is_none() && failed {
            let error = summary.error.clone().unwrap_or(match outcome {
                Outcome::Truncated => UpstreamError::Truncated,
                _ => UpstreamError::Empty,
            });
            self.report.diagnostics.extend(&diagnostics);
            self.end_attempt(Err(error), out);
            return;
        }
        self.check_content_type(if transcoder.is_event_stream() { "event-stream" } else { "json" });
        self.report.diagnostics.extend(&diagnostics);
        if self.reply.is_none() {
            self.begin_stream();
            self.release(out);
        }
        self.store_turn(&summary.turn);
        self.report.outcome = outcome;
        self.report.error = summary.error.clone().map(Error::Upstream);
        self.state = ExchangePhase::Over;
    }

    /// How long to wait before the next attempt; `None` when there shall be none.
    fn wait_before_retry(&self, error: &UpstreamError) -> Option<Duration> {
        let retry = self.settings.retry;
        if self.reply.is_some() || self.attempt >= retry.attempts || !error.is_transient() {
            return None;
        }
        match error {
            UpstreamError::Status(e) => match e.retry_after {
                Some(spec) if spec > retry.max_backoff => None,
                Some(spec) => Some(spec),
                None => Some(retry.wait_after(self.attempt)),
            },
            _ => Some(retry.wait_after(self.attempt)),
        }
    }

    fn fall_back(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        self.report.diagnostics.record(
            DiagnosticCode::FallbackUsed,
            "",
            error.code().unwrap_or("upstream_error"),
        );
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
            self.begin_whole(StatusCode::OK, None);
        }
        self.report.outcome = Outcome::Fallback;
        self.report.usage = response.usage;
    }

    /// Answers with an error, in the client's envelope.
    pub(super) fn reply_error(&mut self, error: Error, out: &mut Vec<u8>) {
        let (status, body) = self.client.encode_error(&error);
        out.extend_from_slice(&body);
        if let Some(after) = error.retry_after()
            && !self.upstream_headers.contains_key(http::header::RETRY_AFTER)
        {
            let seconds = after.as_secs().saturating_add(u64::from(after.subsec_nanos() > 0));
            self.upstream_headers.insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        self.begin_whole(status, Some(error.clone()));
        self.report.outcome = match &error {
            Error::Upstream(UpstreamError::Truncated) => Outcome::Truncated,
            Error::Upstream(UpstreamError::Empty) => Outcome::Empty,
            _ => Outcome::Errored,
        };
        self.report.error = Some(error);
    }

    pub(super) fn begin_whole(&mut self, status: StatusCode, error: Option<Error>) {
        let mut headers: HeaderMap = std::mem::take(&mut self.upstream_headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.reply = Some(ResponseHead { status, headers, error, streams: false });
    }
}
