//! Floor 4: one request's session, without any input or output of its own.
//!
//! ```text
//!            next() = Send ──────► you send it
//!                ▲                     │
//!   retry wanted │                     ▼ next() = Await
//!                │        head(status, headers)     or fail(error)
//!                │        push(chunk, out) …        or fail(error)
//!                └─────── finish(out)
//!                              │
//!                              ▼ next() = Done, report()
//! ```
//!
//! A request with an owner has state: `next()` may be `Load` first, which [`provide`](Exchange::provide) answers, and `Store`
//! before the bytes that are there by then go out.
//!
//! Nothing is handed out before the first meaningful event, so that an empty, broken or failed answer can still be asked
//! for again or get its true status: [`reply`](Exchange::reply) is `None` until then.

mod adapt;
mod attempt_result;
mod carry_over;
mod client_request;
mod debug_report;
mod headers;
mod non_streaming;
mod report;
mod sequential_choices;
mod settings;
mod transcoder;
mod upstream_request;

pub use client_request::ClientRequest;
pub use report::Report;
pub use settings::{Fallback, FallbackPolicy, LossPolicy, Retry, Settings};

use crate::canonical::{
    Context, DiagnosticCode, Diagnostics, Response, ResponseContext, ResponseSpec, StreamUsage,
};
use crate::dialect::Dialect;
use crate::error::{Error, UpstreamError};
use crate::profile::Profile;
use crate::state::{StateEntry, StateKey};
use adapt::AdaptationState;
use bytes::Bytes;
use carry_over::{CarryOver, Loading, upstream_row};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use std::sync::Arc;
use std::time::Duration;
use transcoder::Transcoder;
use upstream_request::{UpstreamRequest, prepare};

/// What to do next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// Look these keys up, all at once, and [`provide`](Exchange::provide) what is kept there. Only where the request has an
    /// owner ([`Incoming::with_owner`]) and a history.
    Load(Vec<StateKey>),
    /// Keep these, before the last bytes that are there by now go out. Only where the request has an owner.
    Store(Vec<StateEntry>),
    /// Send this to the upstream, after waiting so long (zero for a first attempt). The URI is relative to the upstream's
    /// base URL, and there are no credentials in it.
    Send {
        /// The request.
        request: http::Request<Bytes>,
        /// How long to wait first.
        after: Duration,
    },
    /// Give the answer: [`head`](Exchange::head), [`push`](Exchange::push), [`finish`](Exchange::finish), or
    /// [`fail`](Exchange::fail).
    Await,
    /// The exchange is over; see [`report`](Exchange::report).
    Done,
}

/// The head of what the client gets.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ResponseHead {
    /// The status.
    pub status: StatusCode,
    /// The headers: content type, `Retry-After`, and the upstream's own rate limit headers.
    pub headers: HeaderMap,
    /// The error that the body holds, if it holds one.
    pub error: Option<Error>,
    /// The body is a stream.
    pub streams: bool,
}

/// One request's session: bytes in, bytes out.
#[derive(Debug)]
pub struct Exchange {
    client: &'static dyn Dialect,
    upstream: &'static dyn Dialect,
    settings: Settings,
    spec: ResponseSpec,
    context: ResponseContext,
    send: http::Request<Bytes>,
    /// The upstream is asked for a stream.
    upstream_streams: bool,
    state: ExchangePhase,
    attempt: u32,
    /// Answers that came one by one.
    collected: Vec<Response>,
    /// Bytes for the client that wait for the first meaningful event.
    pending_output: Vec<u8>,
    reply: Option<ResponseHead>,
    /// Headers of the upstream that a client may see.
    upstream_headers: HeaderMap,
    /// What the upstream calls its answer's form, in lower case.
    content_type: Option<String>,
    /// What is needed to learn from a refusal; `None`: nothing shall be learnt.
    lessons: Option<AdaptationState>,
    /// State, where the request has an owner.
    carry_over: Option<CarryOver>,
    report: Report,
}

#[derive(Debug)]
enum ExchangePhase {
    /// State is to be looked up.
    Loading(Box<Loading>),
    /// A request is to be sent.
    Ready(Duration),
    /// Its answer has not begun.
    Waiting,
    /// The answer is an error, by its status.
    Error(StatusCode, HeaderMap, Vec<u8>),
    /// The client wants the answer whole.
    Whole(Vec<u8>),
    /// The client wants a stream.
    Stream(Box<Transcoder>),
    /// All is said.
    Over,
}

/// Refuses what refers to state of an upstream that speaks another dialect.
fn refuse_foreign_references(incoming: &ClientRequest, upstream: &dyn Dialect) -> Result<(), Error> {
    let refusal =
        incoming.request.same_dialect_only.clone().filter(|_| incoming.client.name() != upstream.name());
    refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
}

impl Exchange {
    /// An exchange with default settings: reads the client's body, and prepares the upstream's request.
    ///
    /// # Errors
    /// The client's fault ([`Error::Client`]), to be written with [`Dialect::encode_error`].
    pub fn new(
        client: &'static dyn Dialect,
        profile: Profile,
        context: Context,
        body: &[u8],
    ) -> Result<Self, Error> {
        let incoming = ClientRequest::read(client, "", Bytes::copy_from_slice(body))?;
        Self::start(incoming, profile, Settings::default(), context)
    }

    /// An exchange for a request that was read before, with settings.
    ///
    /// # Errors
    /// [`Error::Client`], or in strict mode [`Error::Unsupported`].
    pub fn start(
        incoming: ClientRequest,
        profile: impl Into<Arc<Profile>>,
        settings: Settings,
        context: Context,
    ) -> Result<Self, Error> {
        let profile: Arc<Profile> = profile.into();
        let client = incoming.client;
        let (row, upstream) = upstream_row(&incoming, &profile, &settings)?;
        let lessons = settings.learn.then(|| AdaptationState::new(&incoming, profile.clone()));
        let mut carry_over = None;
        let mut wanted = None;
        if let Some(owner) = incoming.owner.clone() {
            refuse_foreign_references(&incoming, upstream)?;
            let (carried, lookup) = CarryOver::new(owner, &incoming, upstream, &row);
            carry_over = Some(carried);
            wanted = Some(lookup).filter(|lookup| !lookup.keys.is_empty());
        }
        let (prepared, state) = match wanted {
            None => {
                let prepared = prepare(incoming, upstream, &row, &settings, context, carry_over.as_ref())?;
                (prepared, ExchangePhase::Ready(Duration::ZERO))
            }
            Some(lookup) => {
                let prepared = UpstreamRequest {
                    spec: ResponseSpec::new(&incoming.request, &context),
                    context: ResponseContext::new(&incoming.request, context.clone()),
                    streams: false,
                    send: http::Request::default(),
                    diagnostics: Diagnostics::default(),
                };
                let loading = Loading::new(incoming, profile.clone(), context, lookup);
                (prepared, ExchangePhase::Loading(Box::new(loading)))
            }
        };
        let UpstreamRequest { spec, context, streams, send, diagnostics } = prepared;
        let report = Report::new(&spec, &profile, diagnostics);
        Ok(Self {
            client,
            upstream,
            settings,
            spec,
            context,
            send,
            upstream_streams: streams,
            state,
            attempt: 0,
            collected: Vec::new(),
            pending_output: Vec::new(),
            reply: None,
            upstream_headers: HeaderMap::new(),
            content_type: None,
            lessons,
            carry_over,
            report,
        })
    }

    /// What to do next. After [`Step::Send`] the exchange waits for [`head`](Self::head) or [`fail`](Self::fail); ask
    /// again after [`finish`](Self::finish) and [`fail`](Self::fail).
    #[allow(clippy::should_implement_trait)] // `next` is the word for it, and this is no iterator
    pub fn next(&mut self) -> Step {
        if let Some(entries) = self.take_entries() {
            return Step::Store(entries);
        }
        let after = match &self.state {
            ExchangePhase::Ready(after) => *after,
            ExchangePhase::Loading(loading) => return loading.step(),
            ExchangePhase::Over => return Step::Done,
            _ => return Step::Await,
        };
        self.state = ExchangePhase::Waiting;
        self.attempt += 1;
        self.report.attempts += 1;
        Step::Send { request: self.send.clone(), after }
    }

    /// The upstream's answer begins.
    pub fn head(&mut self, status: StatusCode, headers: &HeaderMap) {
        if !matches!(self.state, ExchangePhase::Waiting) {
            return;
        }
        self.report.upstream_status = Some(status.as_u16());
        let content_type = headers.get(CONTENT_TYPE).and_then(|t| t.to_str().ok());
        self.content_type = content_type.map(str::to_ascii_lowercase);
        self.upstream_headers = headers::kept(headers, self.client, self.upstream);
        if status.is_success() {
            self.confirm();
        }
        self.state = if !status.is_success() {
            ExchangePhase::Error(status, headers.clone(), Vec::new())
        } else if self.spec.stream && self.spec.sequential_choices == 0 {
            ExchangePhase::Stream(Box::new(Transcoder::new(
                self.client,
                self.upstream,
                &self.spec,
                &self.context,
                self.settings.max_frame,
            )))
        } else {
            ExchangePhase::Whole(Vec::new())
        };
    }

    /// Takes bytes of the answer; what the client may have by now is appended to `out`.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        match &mut self.state {
            ExchangePhase::Error(_, _, body) => {
                // An error's first bytes say it; the rest is not worth keeping.
                let room = (1usize << 20).saturating_sub(body.len());
                body.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
            }
            ExchangePhase::Whole(body) => {
                if body.len() + chunk.len() > self.settings.max_body {
                    let message =
                        format!("The upstream's answer is larger than {} bytes.", self.settings.max_body);
                    self.end_attempt(Err(UpstreamError::TooLarge { message }), out);
                } else {
                    body.extend_from_slice(chunk);
                }
            }
            ExchangePhase::Stream(transcoder) => {
                let started = self.reply.is_some();
                let pushed = transcoder.push(chunk, if started { out } else { &mut self.pending_output });
                if let Err(limit) = pushed {
                    self.fail(UpstreamError::TooLarge { message: limit.to_string() }, out);
                } else if !started {
                    let summary = transcoder.summary();
                    if summary.is_meaningful() || self.pending_output.len() > self.settings.max_frame {
                        self.begin_stream();
                        self.release(out);
                    }
                }
                if self.carry_over.is_some() && self.reply.is_some() {
                    self.keep_streamed();
                }
            }
            ExchangePhase::Loading(_)
            | ExchangePhase::Ready(_)
            | ExchangePhase::Waiting
            | ExchangePhase::Over => {}
        }
    }

    /// The answer has ended. Ask [`next`](Self::next) whether it shall be asked for again.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let (start, over) = (out.len(), matches!(self.state, ExchangePhase::Over));
        self.end(out);
        if !over {
            self.trailer(start, out);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        match std::mem::replace(&mut self.state, ExchangePhase::Over) {
            ExchangePhase::Error(status, headers, body) => {
                let error = self.upstream.decode_error(status, &headers, &body, &mut self.report.diagnostics);
                self.end_attempt(Err(error), out);
            }
            ExchangePhase::Whole(body) => {
                let result = self.whole(&body, out);
                self.end_attempt(result, out);
            }
            ExchangePhase::Stream(mut transcoder) => {
                let started = self.reply.is_some();
                transcoder.finish(if started { out } else { &mut self.pending_output });
                self.end_stream(&transcoder, out);
            }
            state @ (ExchangePhase::Loading(_)
            | ExchangePhase::Ready(_)
            | ExchangePhase::Waiting
            | ExchangePhase::Over) => {
                self.state = state;
            }
        }
    }

    /// The upstream could not be reached, or its answer broke off.
    pub fn fail(&mut self, error: UpstreamError, out: &mut Vec<u8>) {
        let (start, over) = (out.len(), matches!(self.state, ExchangePhase::Over));
        self.abort(error, out);
        if !over {
            self.trailer(start, out);
        }
    }

    fn abort(&mut self, error: UpstreamError, out: &mut Vec<u8>) {
        match std::mem::replace(&mut self.state, ExchangePhase::Over) {
            ExchangePhase::Stream(mut transcoder) => {
                // What came complete before the break stays complete.
                let started = self.reply.is_some();
                if transcoder.is_over() {
                    transcoder.finish(if started { out } else { &mut self.pending_output });
                } else {
                    transcoder.fail(&error, if started { out } else { &mut self.pending_output });
                }
                self.end_stream(&transcoder, out);
            }
            ExchangePhase::Over => {}
            _ => self.end_attempt(Err(error), out),
        }
    }

    /// The head of what the client gets, once that is certain.
    pub fn reply(&self) -> Option<&ResponseHead> {
        self.reply.as_ref()
    }

    /// The same, for whoever writes it now: the headers move out.
    pub(crate) fn take_reply(&mut self) -> Option<ResponseHead> {
        let reply = self.reply.as_mut()?;
        let headers = std::mem::take(&mut reply.headers);
        Some(ResponseHead {
            status: reply.status,
            headers,
            error: reply.error.clone(),
            streams: reply.streams,
        })
    }

    /// What waited goes out, and its room goes too.
    fn release(&mut self, out: &mut Vec<u8>) {
        out.append(&mut std::mem::take(&mut self.pending_output));
    }

    /// Nothing that the upstream may still send is of interest: stop reading and call [`finish`](Self::finish).
    pub fn is_over(&self) -> bool {
        match &self.state {
            ExchangePhase::Stream(transcoder) => transcoder.is_over(),
            ExchangePhase::Over => true,
            _ => false,
        }
    }

    /// The upstream reported an error in its stream: reading on is pointless.
    pub fn has_failed(&self) -> bool {
        matches!(&self.state, ExchangePhase::Stream(transcoder) if transcoder.summary().error.is_some())
            || matches!(self.state, ExchangePhase::Over | ExchangePhase::Ready(_))
    }

    /// Whether the answer is awaited as a stream and passed on event by event; else it counts when it is whole.
    pub(crate) fn awaits_stream(&self) -> bool {
        self.upstream_streams && self.spec.stream && self.spec.sequential_choices == 0
    }

    /// The client's dialect.
    pub fn client(&self) -> &'static dyn Dialect {
        self.client
    }

    /// The dialect in which the upstream is asked.
    pub fn upstream(&self) -> &'static dyn Dialect {
        self.upstream
    }

    /// Outcome, usage and every diagnostic; complete when [`next`](Self::next) says [`Step::Done`].
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// How long ago the request was sent, by the caller's clock, which core does not have. Dialects that state durations
    /// take them from here; told before bytes are handed in.
    pub fn set_elapsed(&mut self, since: Duration) {
        self.context.set_elapsed(since);
        if let ExchangePhase::Stream(transcoder) = &mut self.state {
            transcoder.set_elapsed(since);
        }
    }

    /// The report, without the rest. An exchange that was not over counts as cancelled; one whose client left with the last
    /// event in its hands was over.
    pub fn into_report(mut self) -> Report {
        let mut rest = Vec::new();
        if self.is_over() {
            self.end(&mut rest);
        }
        if let ExchangePhase::Stream(transcoder) = &self.state {
            self.report.diagnostics.extend(&transcoder.diagnostics());
            self.report.usage = transcoder.summary().usage;
        }
        if !matches!(self.state, ExchangePhase::Over) || !rest.is_empty() {
            self.report.outcome = crate::canonical::Outcome::Cancelled;
        }
        self.report
    }

    /// Forgets the request that was prepared: for conversions of answers that belong to another one. Without one that was
    /// `given` something was asked.
    pub(crate) fn forget_request(&mut self, given: bool) {
        self.spec.is_empty_request &= given;
        if self.spec.stream_usage == StreamUsage::Injected {
            self.spec.stream_usage = StreamUsage::None;
        }
        self.report.diagnostics = crate::canonical::Diagnostics::default();
    }

    /// The diagnostics so far, those of the running stream included.
    pub fn diagnostics(&self) -> crate::canonical::Diagnostics {
        let mut all = self.report.diagnostics.clone();
        if let ExchangePhase::Stream(transcoder) = &self.state {
            all.extend(&transcoder.diagnostics());
        }
        all
    }

    /// The content type of the client's stream, for a caller that must begin it before its reply.
    pub fn stream_content_type(&self) -> &'static str {
        self.client.stream_content_type_for(&self.spec)
    }

    fn begin_stream(&mut self) {
        let content_type = self.stream_content_type();
        let mut headers = std::mem::take(&mut self.upstream_headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        self.reply = Some(ResponseHead { status: StatusCode::OK, headers, error: None, streams: true });
        // From now on nothing can be asked for again: a long stream need not hold its request.
        self.send = http::Request::default();
        self.lessons = None;
    }

    /// The body decides what it is; a content type that says otherwise is noted.
    fn check_content_type(&mut self, expected: &str) {
        if let Some(given) = self.content_type.take().filter(|given| !given.contains(expected)) {
            let given: String = given.chars().take(60).collect();
            self.report.diagnostics.record(DiagnosticCode::ContentTypeWrong, "content-type", &given);
        }
    }
}
