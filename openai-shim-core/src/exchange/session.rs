//! [`Session`]: the data of one exchange in every phase, how it starts, and how the client's response begins.

use super::carry_over::{CarryOver, PendingRequest};
use super::client_request::{ClientRequest, RequestSource};
use super::further_targets::FurtherTargets;
use super::step::ResponseHead;
use super::target::Target;
use super::transcoder::Transcoder;
use super::upstream_request::{UpstreamRequest, prepare};
use super::{Report, Settings};
use crate::canonical::{
    Addition, Context, DiagnosticCode, Outcome, Response, ResponseContext, ResponseSpec, ResponseSummary,
    TurnRecorder, TurnStorage,
};
use crate::dialect::Dialect;
use crate::error::{Error, UpstreamError};
use crate::normalize::StoredTurns;
use crate::profile::Adaptation;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};

/// How much of a store's error message a diagnostic quotes.
const MAX_STORE_ERROR_CHARACTERS: usize = 200;

/// What an exchange holds in every phase.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) client: Dialect,
    pub(super) upstream: Dialect,
    pub(super) settings: Settings,
    /// The upstream that is asked.
    pub(super) target: Target,
    /// Its place in the list that the exchange was started with.
    pub(super) target_index: usize,
    /// The targets that follow it; `None`: it is the last one, or the client's response has begun.
    pub(super) further_targets: Option<Box<FurtherTargets>>,
    pub(super) spec: ResponseSpec,
    pub(super) context: ResponseContext,
    /// The upstream's request; empty while state is loaded, and once the client's stream has begun.
    pub(super) request: http::Request<Bytes>,
    /// The request asks the upstream for a stream.
    pub(super) is_stream_requested: bool,
    /// How many attempts were made for the current response or choice.
    pub(super) attempt: u32,
    /// The target's transport has another key than the one with which the current request was sent.
    pub(super) has_other_key: bool,
    /// How many requests were sent again with another key.
    pub(super) refused_keys: u32,
    /// Responses that were requested one by one, one choice each.
    pub(super) collected: Vec<Response>,
    /// Bytes for the client that wait for the first meaningful event.
    pub(super) pending_output: Vec<u8>,
    pub(super) response_head: Option<ResponseHead>,
    /// The client's stream, which has ended, has tool calls.
    pub(super) has_calls: bool,
    /// The upstream's headers that a client may see.
    pub(super) upstream_headers: HeaderMap,
    /// The content type of the upstream's response, in lower case.
    pub(super) content_type: Option<String>,
    /// What is needed to change a refused request; `None`: requests are not changed any more.
    pub(super) adaptation: Option<AdaptationState>,
    /// State, for a request with an owner.
    pub(super) carry_over: Option<CarryOver>,
    pub(super) report: Report,
}

/// What is needed to prepare the request again, with another profile.
#[derive(Debug)]
pub(super) struct AdaptationState {
    pub(super) source: RequestSource,
    /// The adaptations that were derived from errors in this exchange.
    pub(super) adaptations: Vec<Adaptation>,
    /// What the client did not send of the current request.
    pub(super) additions: Vec<Addition>,
    /// How many requests were sent because of adaptations.
    pub(super) adapted_requests: usize,
    /// A request was sent without any additions.
    pub(super) has_omitted_additions: bool,
    /// The error of the request with additions, until one without them has had another result.
    pub(super) first_refusal: Option<UpstreamError>,
}

impl AdaptationState {
    fn new(client_request: &ClientRequest) -> Self {
        Self {
            source: client_request.source(),
            adaptations: Vec::new(),
            additions: Vec::new(),
            adapted_requests: 0,
            has_omitted_additions: false,
            first_refusal: None,
        }
    }
}

/// A new session, and its request if that waits for state.
pub(super) struct StartedSession {
    pub(super) session: Session,
    pub(super) pending: Option<Box<PendingRequest>>,
}

impl Session {
    /// Prepares the request for one target, unless state must be loaded first.
    pub(super) fn for_target(
        client_request: ClientRequest,
        target_index: usize,
        target: Target,
        settings: Settings,
        context: Context,
    ) -> Result<StartedSession, Error> {
        let client = client_request.client;
        let side = target.side(&client_request)?;
        let upstream = side.dialect;
        let mut adaptation = settings.adapt.then(|| AdaptationState::new(&client_request));
        let mut carry_over = None;
        let mut lookup = None;
        if let Some(owner) = client_request.owner.clone() {
            side.refuse_foreign_references(&client_request)?;
            let issuer = format!("{}/{}", upstream.name(), side.profile.name);
            let owned = CarryOver::for_request(owner, issuer, &client_request);
            carry_over = Some(owned.carry_over);
            lookup = Some(owned.lookup).filter(|lookup| !lookup.keys.is_empty());
        }
        let (prepared, pending) = match lookup {
            None => {
                let stored = carry_over.as_ref().map(|carry_over: &CarryOver| &carry_over.stored);
                (prepare(client_request, &side, &settings, target.model.as_deref(), context, stored)?, None)
            }
            Some(lookup) => {
                let unprepared = UpstreamRequest::unprepared(&client_request.request, context.clone());
                let pending = PendingRequest { client_request, context, lookup };
                (unprepared, Some(Box::new(pending)))
            }
        };
        if let Some(state) = &mut adaptation {
            state.additions = prepared.additions;
        }
        let report = Report::new(&prepared.spec, &target.profile, prepared.diagnostics);
        let session = Self {
            client,
            upstream,
            settings,
            target,
            target_index,
            further_targets: None,
            spec: prepared.spec,
            context: prepared.context,
            request: prepared.request,
            is_stream_requested: prepared.is_stream_requested,
            attempt: 0,
            has_other_key: false,
            refused_keys: 0,
            collected: Vec::new(),
            pending_output: Vec::new(),
            response_head: None,
            has_calls: false,
            upstream_headers: HeaderMap::new(),
            content_type: None,
            adaptation,
            carry_over,
            report,
        };
        Ok(StartedSession { session, pending })
    }

    /// Prepares the upstream's request with the stored values of its keys.
    pub(super) fn prepare_with_state(
        &mut self,
        pending: PendingRequest,
        values: &[Option<Bytes>],
    ) -> Result<(), Error> {
        let PendingRequest { client_request, context, lookup } = pending;
        let side = self.target.side(&client_request)?;
        if let Some(carry_over) = &mut self.carry_over {
            carry_over.stored = lookup.found(values);
        }
        let model = self.target.model.as_deref();
        let prepared = prepare(client_request, &side, &self.settings, model, context, self.stored_turns())?;
        let attempts = std::mem::take(&mut self.report.attempts);
        self.report = Report::new(&prepared.spec, &self.target.profile, prepared.diagnostics);
        self.report.attempts = attempts;
        self.record_failed_over();
        self.record_known_store_failure();
        self.spec = prepared.spec;
        self.context = prepared.context;
        self.request = prepared.request;
        self.is_stream_requested = prepared.is_stream_requested;
        if let Some(state) = &mut self.adaptation {
            state.additions = prepared.additions;
        }
        Ok(())
    }

    /// What was stored of the conversation's turns; `None` without an owner.
    pub(super) fn stored_turns(&self) -> Option<&StoredTurns> {
        self.carry_over.as_ref().map(|carry_over| &carry_over.stored)
    }

    /// Records that the store of state failed.
    pub(super) fn record_store_failure(&mut self, detail: &str) {
        let detail: String = detail.chars().take(MAX_STORE_ERROR_CHARACTERS).collect();
        self.report.diagnostics.record(DiagnosticCode::StateUnavailable, "", &detail);
        if let Some(carry_over) = &mut self.carry_over {
            carry_over.set_store_failure(detail);
        }
    }

    /// Records an earlier failure of the store again, in the diagnostics of a request that was prepared again.
    pub(super) fn record_known_store_failure(&mut self) {
        if let Some(carry_over) = &self.carry_over {
            carry_over.record_store_failure(&mut self.report.diagnostics);
        }
    }

    /// Whether the client gets the upstream's response event by event; else the response is collected first.
    pub(super) fn passes_events_on(&self) -> bool {
        self.spec.stream && self.spec.sequential_choices == 0
    }

    pub(super) fn transcoder(&self) -> Transcoder {
        Transcoder::new(self.client, self.upstream, &self.spec, &self.context, self.settings.max_frame_bytes)
    }

    pub(super) fn stream_content_type(&self) -> &'static str {
        self.client.stream_content_type_for(&self.spec)
    }

    /// Begins the client's response as a stream.
    pub(super) fn begin_stream(&mut self) {
        let content_type = self.stream_content_type();
        let mut headers = std::mem::take(&mut self.upstream_headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        self.response_head =
            Some(ResponseHead { status: StatusCode::OK, headers, error: None, is_stream: true });
        // From now on no further attempt is possible: a long stream need not hold its request.
        self.request = http::Request::default();
        self.adaptation = None;
        self.further_targets = None;
    }

    /// Begins the client's response as one JSON document.
    pub(super) fn begin_document(&mut self, status: StatusCode, error: Option<Error>) {
        let mut headers = std::mem::take(&mut self.upstream_headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.response_head = Some(ResponseHead { status, headers, error, is_stream: false });
    }

    /// Responds with an error, in the envelope of the client's dialect.
    pub(super) fn respond_with_error(&mut self, error: Error, out: &mut Vec<u8>) {
        let (status, body) = self.client.encode_error(&error);
        out.extend_from_slice(&body);
        if let Some(after) = error.retry_after()
            && !self.upstream_headers.contains_key(RETRY_AFTER)
        {
            let seconds = after.as_secs().saturating_add(u64::from(after.subsec_nanos() > 0));
            self.upstream_headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        self.begin_document(status, Some(error.clone()));
        self.report.outcome = match &error {
            Error::Upstream(UpstreamError::Truncated) => Outcome::Truncated,
            Error::Upstream(UpstreamError::Empty) => Outcome::Empty,
            Error::Upstream(UpstreamError::Failed { .. }) => Outcome::Failed,
            _ => Outcome::Errored,
        };
        self.report.error = Some(error);
    }

    /// Records the summary of a complete response; an error if there is nothing for the client in it.
    pub(super) fn accept_summary(&mut self, summary: &ResponseSummary) -> Result<(), UpstreamError> {
        if let Some(error) = &summary.error {
            return Err(error.clone());
        }
        self.report.usage = summary.usage;
        self.report.finish_reason.clone_from(&summary.finish);
        self.report.outcome = self.outcome(summary);
        if self.report.outcome == Outcome::Empty {
            return Err(UpstreamError::Empty);
        }
        self.record_reasoning_alone(summary);
        self.store_turn(&summary.turn);
        Ok(())
    }

    /// Records an answer that is reasoning and nothing else.
    pub(super) fn record_reasoning_alone(&mut self, summary: &ResponseSummary) {
        if summary.is_reasoning_alone() {
            self.report.diagnostics.record(DiagnosticCode::ReasoningAlone, "", "");
        }
    }

    /// The outcome of a response. An empty one is complete where nothing is a legitimate answer.
    pub(super) fn outcome(&self, summary: &ResponseSummary) -> Outcome {
        let is_legitimate = || {
            self.spec.is_empty_request && summary.error.is_none()
                || summary.ended_turn()
                    && (self.spec.follows_tool_result || self.upstream.may_answer_nothing())
        };
        match summary.outcome() {
            Outcome::Empty if is_legitimate() => Outcome::Complete,
            outcome => outcome,
        }
    }

    /// Records a content type that differs from the form of the body. The body decides what it is.
    pub(super) fn check_content_type(&mut self, expected: &str) {
        if let Some(actual) = self.content_type.take().filter(|actual| !actual.contains(expected)) {
            let actual: String = actual.chars().take(60).collect();
            self.report.diagnostics.record(DiagnosticCode::ContentTypeWrong, "content-type", &actual);
        }
    }

    /// Hands out the carry-over of a complete turn: what the upstream requires again and the client may not send back.
    pub(super) fn store_turn(&mut self, turn: &TurnRecorder) {
        if let Some(carry_over) = &mut self.carry_over {
            carry_over.add_turn(turn, self.spec.turn_storage == TurnStorage::OpaqueAndReasoning);
        }
    }
}
