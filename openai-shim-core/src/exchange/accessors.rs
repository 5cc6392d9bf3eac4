//! What can be read of an [`Exchange`], or be told to it, at any time.

use super::phase::{AttemptEnd, ExchangePhase, ReceivedResponse};
use super::session::Session;
use super::{Exchange, Report, ResponseHead};
use crate::canonical::{Diagnostics, Outcome, StreamUsage};
use crate::dialect::Dialect;
use crate::error::{Error, UpstreamError};
use crate::state::StateEntry;
use std::time::Duration;

impl Exchange {
    /// The head of the client's response, once that is certain.
    pub fn response_head(&self) -> Option<&ResponseHead> {
        self.session.response_head.as_ref()
    }

    /// The same, for a caller that writes it now: the headers move out.
    pub(crate) fn take_response_head(&mut self) -> Option<ResponseHead> {
        let head = self.session.response_head.as_mut()?;
        let headers = std::mem::take(&mut head.headers);
        Some(ResponseHead {
            status: head.status,
            headers,
            error: head.error.clone(),
            is_stream: head.is_stream,
        })
    }

    /// Takes the state entries that are to be stored by now.
    pub(crate) fn take_entries(&mut self) -> Option<Vec<StateEntry>> {
        self.session.carry_over.as_mut()?.take_entries()
    }

    /// Whether the response is complete: nothing that the upstream may still send matters. Stop reading, and call
    /// [`finish`](Self::finish).
    pub fn is_over(&self) -> bool {
        match &self.phase {
            ExchangePhase::Receiving(ReceivedResponse::Stream(transcoder)) => transcoder.is_over(),
            ExchangePhase::Receiving(ReceivedResponse::Ignored(AttemptEnd::Done)) | ExchangePhase::Done => {
                true
            }
            _ => false,
        }
    }

    /// Whether the attempt has ended although its response has not: an error stands in the stream, or a limit was passed.
    /// Reading on is pointless.
    pub fn has_failed(&self) -> bool {
        match &self.phase {
            ExchangePhase::Receiving(ReceivedResponse::Stream(transcoder)) => {
                transcoder.summary().error.is_some()
            }
            ExchangePhase::Receiving(ReceivedResponse::Ignored(_))
            | ExchangePhase::ReadyToSend { .. }
            | ExchangePhase::Done => true,
            _ => false,
        }
    }

    /// Whether the upstream streams and its events are passed on one by one; else its response counts when it is complete.
    pub(crate) fn awaits_stream(&self) -> bool {
        self.session.is_stream_requested && self.session.passes_events_on()
    }

    /// The client's dialect.
    pub fn client(&self) -> Dialect {
        self.session.client
    }

    /// The dialect of the upstream's request and response.
    pub fn upstream(&self) -> Dialect {
        self.session.upstream
    }

    /// Outcome, usage and every diagnostic; complete when [`next`](Self::next) returns [`Step::Done`](super::Step::Done).
    pub fn report(&self) -> &Report {
        &self.session.report
    }

    /// Sets how long ago the request was sent, by the caller's clock: core has none. Dialects that state durations use it.
    /// Set it before bytes are handed in.
    pub fn set_elapsed(&mut self, elapsed: Duration) {
        self.session.context.set_elapsed(elapsed);
        if let ExchangePhase::Receiving(ReceivedResponse::Stream(transcoder)) = &mut self.phase {
            transcoder.set_elapsed(elapsed);
        }
    }

    /// Returns the report and drops everything else. An exchange that is not over counts as cancelled, unless its client
    /// left with the last event already written.
    pub fn into_report(mut self) -> Report {
        let mut unsent = Vec::new();
        if self.is_over() {
            self.phase = match std::mem::replace(&mut self.phase, ExchangePhase::Done) {
                ExchangePhase::Receiving(response) => self.end_response(response, &mut unsent).into(),
                other => other,
            };
        }
        let mut report = self.session.report;
        if let ExchangePhase::Receiving(ReceivedResponse::Stream(transcoder)) = &self.phase {
            report.diagnostics.extend(&transcoder.diagnostics());
            report.usage = transcoder.summary().usage;
            report.finish_reason.clone_from(&transcoder.summary().finish);
        }
        if !matches!(self.phase, ExchangePhase::Done) || !unsent.is_empty() {
            report.outcome = Outcome::Cancelled;
        }
        report
    }

    /// Forgets the prepared request, for conversions of a response alone. Without a request that `was_given` an empty
    /// response is no legitimate one.
    pub(crate) fn forget_request(&mut self, was_given: bool) {
        self.session.spec.is_empty_request &= was_given;
        if self.session.spec.stream_usage == StreamUsage::Injected {
            self.session.spec.stream_usage = StreamUsage::None;
        }
        self.session.report.diagnostics = Diagnostics::default();
    }

    /// The diagnostics so far, those of the running stream included.
    pub fn diagnostics(&self) -> Diagnostics {
        let mut all = self.session.report.diagnostics.clone();
        if let ExchangePhase::Receiving(ReceivedResponse::Stream(transcoder)) = &self.phase {
            all.extend(&transcoder.diagnostics());
        }
        all
    }

    /// The error behind which the client's connection must break; `None`: its stream has not failed, or ends in order.
    pub(crate) fn breaking_error(&self) -> Option<UpstreamError> {
        let Session { client, has_calls, response_head, .. } = &self.session;
        let is_stream = response_head.as_ref().is_some_and(|head| head.is_stream);
        let breaks = client.breaks_failed_streams() || *has_calls && client.breaks_failed_calls();
        match &self.session.report.error {
            Some(Error::Upstream(error)) if is_stream && breaks => Some(error.clone()),
            _ => None,
        }
    }

    /// The target that is asked: an index into the targets that the exchange was started with.
    pub(crate) fn target_index(&self) -> usize {
        self.session.target_index
    }

    /// Tells that the transport has another key than the one that was refused: if this attempt fails, the same request is sent
    /// to the same target again. Call it before [`head`](Self::head).
    pub fn set_has_other_key(&mut self) {
        self.session.has_other_key = true;
    }

    /// The content type of the client's stream, for a caller that must begin it before the response's head is known.
    pub fn stream_content_type(&self) -> &'static str {
        self.session.stream_content_type()
    }
}
