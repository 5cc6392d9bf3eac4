//! One request to an auxiliary API and everything done for it, without input or output of its own: split into as many requests
//! as the upstream wants, sent again as [`Retry`](super::Retry) says, changed and sent again if the upstream's error tells what to
//! change, and answered as one.
//!
//! An [`AuxiliaryCall`] knows the API: [`EmbeddingsCall`], [`RerankCall`], [`MediaCall`].

mod embeddings;
mod media;
mod rerank;

pub use embeddings::EmbeddingsCall;
pub use media::MediaCall;
pub use rerank::RerankCall;

use super::report::{AttemptReport, Report};
use super::settings::{LossPolicy, Settings};
use super::target::Target;
use crate::accepts::{AuxiliaryApi, AuxiliaryRules};
use crate::canonical::{
    DiagnosticCode, Diagnostics, Outcome, Usage, explain_unusable, is_document, trim_body,
};
use crate::dialect::auxiliary::PostRequest;
use crate::dialect::media::EncodedBody;
use crate::dialect::{Dialect, failure_in_success};
use crate::error::{Error, UpstreamError};
use crate::json::Object;
use crate::normalize::{auxiliary_params, ensure_lossless};
use crate::profile::{Adaptation, Profile, auxiliary_adaptations};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::fmt::Debug;
use std::ops::Range;
use std::time::Duration;

/// The most requests in one exchange that are sent because of adaptations.
const MAX_ADAPTED_REQUESTS: usize = 4;

/// What one auxiliary API asks an upstream, and what it makes of the answers.
pub trait AuxiliaryCall: Debug + Send {
    /// Returns the API, which decides the rules that apply.
    fn api(&self) -> AuxiliaryApi;

    /// Returns the model by the upstream's name for it.
    fn upstream_model(&self) -> &str;

    /// Returns the number of items that may be sent in several requests; `None`: they must be sent in one.
    fn items(&self) -> Option<usize>;

    /// Encodes the request for some of the items, or for all if there is no number of them.
    ///
    /// # Errors
    /// The upstream's format cannot express the request.
    fn encode_request(
        &self,
        items: Option<Range<usize>>,
        rules: &AuxiliaryRules,
        diagnostics: &mut Diagnostics,
    ) -> Result<PostRequest, Error>;

    /// Returns the fields of which a successful answer has at least one.
    fn success_fields(&self) -> &'static [&'static str];

    /// Takes the answer to a request for some of the items.
    ///
    /// # Errors
    /// It is not what was asked for.
    fn take_answer(
        &mut self,
        items: Option<Range<usize>>,
        body: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> Result<(), UpstreamError>;

    /// Returns the client's response, after the last answer.
    ///
    /// # Errors
    /// The answers contain nothing to encode.
    fn response(&mut self, diagnostics: &mut Diagnostics) -> Result<EncodedBody, UpstreamError>;

    /// Returns the counts of tokens, if the upstream reported any.
    fn usage(&self) -> Option<Usage>;

    /// Adds to an error that the client gets what to do about it.
    fn explain(&self, error: UpstreamError) -> UpstreamError {
        error
    }
}

/// Applies an upstream's rules for parameters to an encoded request. `is_translated`: the client's own request has another format.
/// `client_name` returns the client's name of a parameter.
fn apply_params(
    request: &mut PostRequest,
    rules: &AuxiliaryRules,
    is_translated: bool,
    client_name: &dyn Fn(&str) -> String,
    diagnostics: &mut Diagnostics,
) {
    if let Ok(mut body) = Object::parse(&request.body) {
        auxiliary_params(&mut body, rules, is_translated, client_name, diagnostics);
        if body.is_changed() {
            request.body = body.to_json().into_bytes();
        }
    }
}

/// Returns the document in an answer's body, without white space around it.
///
/// # Errors
/// The body is none; `expected` says what it should be.
fn document<'b>(
    body: &'b [u8],
    expected: &str,
    diagnostics: &mut Diagnostics,
) -> Result<&'b [u8], UpstreamError> {
    let document = trim_body(body);
    if document.len() < body.len() {
        diagnostics.record(DiagnosticCode::BodyPadded, "", "");
    }
    if is_document(document) { Ok(document) } else { Err(explain_unusable(document, expected)) }
}

/// What to do next.
#[derive(Debug)]
pub enum AuxiliaryStep {
    /// Send a request; then call [`answer`](AuxiliaryExchange::answer) or [`fail`](AuxiliaryExchange::fail).
    Send {
        /// The path, relative to the upstream's base URL.
        path: String,
        /// The JSON body.
        body: Bytes,
        /// How long to wait before.
        after: Duration,
    },
    /// The client's response is known: [`finish`](AuxiliaryExchange::finish).
    Done,
}

/// One client's request to an auxiliary API.
#[derive(Debug)]
pub struct AuxiliaryExchange {
    call: Box<dyn AuxiliaryCall>,
    upstream: Dialect,
    /// For the request's model, without adaptations.
    profile: Profile,
    settings: Settings,
    /// What earlier exchanges have learned.
    known_adaptations: Vec<Adaptation>,
    /// Those that were derived from errors in this exchange.
    adaptations: Vec<Adaptation>,
    adapted_requests: usize,
    /// Losses that are known before anything is encoded.
    decoded: Diagnostics,
    /// What encoding the request changed.
    encoded: Diagnostics,
    /// Everything later.
    received: Diagnostics,
    /// How many items are answered.
    position: usize,
    /// The items of the current request.
    items: Option<Range<usize>>,
    path: String,
    body: Bytes,
    attempt: u32,
    attempts: Vec<AttemptReport>,
    /// Bytes of the answers that are kept.
    collected: usize,
    next: Next,
}

#[derive(Debug)]
enum Next {
    Send { after: Duration },
    Await,
    Done(Result<EncodedBody, Error>),
}

impl AuxiliaryExchange {
    /// Prepares the first request. `decoded`: what the client's request lost when it was decoded.
    ///
    /// # Errors
    /// The request cannot be expressed, or in strict mode not without a loss.
    pub fn start(
        call: Box<dyn AuxiliaryCall>,
        upstream: Dialect,
        target: &Target,
        settings: Settings,
        decoded: Diagnostics,
    ) -> Result<Self, Error> {
        let profile = target.profile.for_model(call.upstream_model()).into_owned();
        let mut exchange = Self {
            call,
            upstream,
            profile,
            settings,
            known_adaptations: target.adaptations.clone(),
            adaptations: Vec::new(),
            adapted_requests: 0,
            decoded,
            encoded: Diagnostics::default(),
            received: Diagnostics::default(),
            position: 0,
            items: None,
            path: String::new(),
            body: Bytes::new(),
            attempt: 0,
            attempts: Vec::new(),
            collected: 0,
            next: Next::Await,
        };
        exchange.prepare(&[])?;
        Ok(exchange)
    }

    /// Returns what to do next.
    #[allow(clippy::should_implement_trait)] // `next` is the word for it, and this is no iterator
    pub fn next(&mut self) -> AuxiliaryStep {
        let Next::Send { after } = self.next else { return AuxiliaryStep::Done };
        self.next = Next::Await;
        self.attempt += 1;
        self.attempts.push(AttemptReport::default());
        AuxiliaryStep::Send { path: self.path.clone(), body: self.body.clone(), after }
    }

    /// Takes the upstream's response to the last request.
    pub fn answer(&mut self, status: StatusCode, headers: &HeaderMap, body: &[u8]) {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.status = Some(status.as_u16());
        }
        if !status.is_success() {
            let error = self.upstream.decode_error(status, headers, body, &mut self.received);
            return self.fail(error);
        }
        let fields = self.call.success_fields();
        if let Some(error) = failure_in_success(self.upstream, headers, body, fields, &mut self.received) {
            return self.fail(error);
        }
        let mut diagnostics = Diagnostics::default();
        match self.call.take_answer(self.items.clone(), body, &mut diagnostics) {
            Ok(()) => {
                self.collected += body.len();
                self.received.extend(&diagnostics);
                self.continue_with_rest();
            }
            Err(error) => self.fail(error),
        }
    }

    /// Takes a failure of the last request.
    pub fn fail(&mut self, error: UpstreamError) {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.error = Some(error.clone());
        }
        if self.adapt_to(&error) {
            self.next = Next::Send { after: Duration::ZERO };
            return;
        }
        self.next = match self.settings.retry.wait_before(self.attempt, &error) {
            Some(after) => {
                let reason = error.code().unwrap_or("upstream_error");
                self.received.record(DiagnosticCode::Retried, "", reason);
                Next::Send { after }
            }
            None => Next::Done(Err(Error::Upstream(self.call.explain(error)))),
        };
    }

    /// Returns the client's response, or the error, and the report. Before the end the exchange counts as cancelled.
    pub fn finish(self) -> (Result<EncodedBody, Error>, Report) {
        let mut report = Report::of_auxiliary(self.call.upstream_model(), &self.profile, self.diagnostics());
        report.upstream_status = self.attempts.last().and_then(|attempt| attempt.status);
        report.attempts = self.attempts;
        let result = match self.next {
            Next::Done(result) => result,
            Next::Send { .. } | Next::Await => Err(Error::Upstream(UpstreamError::Truncated)),
        };
        match &result {
            Ok(_) => {
                report.outcome = Outcome::Complete;
                report.adaptations = self.adaptations;
                report.usage = self.call.usage();
            }
            Err(error) => {
                let is_empty = matches!(error, Error::Upstream(UpstreamError::Empty));
                report.outcome = if is_empty { Outcome::Empty } else { Outcome::Errored };
                report.error = Some(error.clone());
            }
        }
        (result, report)
    }

    /// Returns how many bytes the answers have of which the client's response is made.
    pub fn collected_bytes(&self) -> usize {
        self.collected
    }

    /// Everything that was changed or found so far.
    pub fn diagnostics(&self) -> Diagnostics {
        let mut all = self.decoded.clone();
        all.extend(&self.encoded);
        for adaptation in &self.adaptations {
            let detail = format!("{}: {}", adaptation.describe(), adaptation);
            all.record(DiagnosticCode::Learned, "", &detail);
        }
        all.extend(&self.received);
        all
    }

    /// The upstream's rules, with all that was learned and some more.
    fn rules(&self, adaptations: &[Adaptation]) -> AuxiliaryRules {
        let mut profile = self.profile.clone();
        for known in self.known_adaptations.iter().chain(&self.adaptations).chain(adaptations) {
            known.apply(&mut profile);
        }
        profile.accepts(self.upstream.accepts()).auxiliary(self.call.api()).clone()
    }

    /// Prepares the request for the next items. Returns whether it differs from the last one.
    fn prepare(&mut self, adaptations: &[Adaptation]) -> Result<bool, Error> {
        let rules = self.rules(adaptations);
        let items = self.call.items().map(|all| {
            let most = rules.max_items.and_then(|max| usize::try_from(max).ok()).unwrap_or(all).max(1);
            self.position..all.min(self.position.saturating_add(most))
        });
        let mut diagnostics = Diagnostics::default();
        let request = self.call.encode_request(items.clone(), &rules, &mut diagnostics)?;
        if self.settings.loss_policy == LossPolicy::Strict {
            let mut losses = self.decoded.clone();
            losses.extend(&diagnostics);
            ensure_lossless(&self.profile.name, &losses)?;
        }
        let path = self.profile.paths.auxiliary_url(&request.path, self.call.upstream_model());
        let differs = self.path != path || self.body != request.body;
        // Each request of a list is changed in the same way: that is reported once.
        if self.position == 0 || !adaptations.is_empty() {
            self.encoded = diagnostics;
        }
        (self.items, self.path, self.body) = (items, path, Bytes::from(request.body));
        self.next = Next::Send { after: Duration::ZERO };
        Ok(differs)
    }

    fn continue_with_rest(&mut self) {
        if let (Some(items), Some(all)) = (&self.items, self.call.items())
            && items.end < all
        {
            self.position = items.end;
            self.attempt = 0;
            if let Err(error) = self.prepare(&[]) {
                self.next = Next::Done(Err(error));
            }
            return;
        }
        let response = self.call.response(&mut self.received).map_err(Error::Upstream);
        self.next = Next::Done(response);
    }

    /// Prepares the request again if the error tells what to change. Such a request counts as no attempt.
    fn adapt_to(&mut self, error: &UpstreamError) -> bool {
        let UpstreamError::Status(refusal) = error else { return false };
        if !self.settings.adapt || self.adapted_requests >= MAX_ADAPTED_REQUESTS {
            return false;
        }
        let Ok(body) = Object::parse(&self.body) else { return false };
        let items = self.items.as_ref().map(ExactSizeIterator::len);
        let adaptations = auxiliary_adaptations(self.call.api(), refusal, &body, items);
        if adaptations.is_empty() || !matches!(self.prepare(&adaptations), Ok(true)) {
            return false;
        }
        self.adapted_requests += 1;
        self.adaptations.extend(adaptations);
        self.attempt = self.attempt.saturating_sub(1);
        true
    }
}
