//! Drives an exchange over an upstream.

use super::{ByteStream, Progress, StateError, StateStore, Upstream, UpstreamBody};
use crate::canonical::{Context, Diagnostics};
use crate::dialect::Dialect;
use crate::error::{Error, UpstreamError};
use crate::exchange::{ClientRequest, Exchange, Report, Settings, Step};
use crate::profile::Profile;
use crate::state::{Owner, StateEntry};
use bytes::Bytes;
use futures_core::Stream;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, ready};
use std::time::Duration;

/// How long a finished answer waits for its upstream to close, so that the connection can serve again.
const GRACE: Duration = Duration::from_millis(100);

/// Called once with the report, when the exchange is over or its client went away.
pub type OnFinish = Box<dyn FnOnce(Report) + Send>;

/// Translates between clients and one upstream.
///
/// ```
/// use openai_shim_core::{dialect, profile, ReplyBody, Shim, Upstream, UpstreamError};
/// struct Canned;
/// #[async_trait::async_trait]
/// impl Upstream for Canned {
///     async fn send(
///         &self,
///         _request: http::Request<bytes::Bytes>,
///     ) -> Result<http::Response<ReplyBody>, UpstreamError> {
///         let body = r#"{"choices":[{"message":{"content":"hello"}}]}"#;
///         Ok(http::Response::new(ReplyBody::Complete(body.into())))
///     }
/// }
/// let shim = Shim::new(Canned, profile("compatible")?);
/// let request = http::Request::new(r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#.into());
/// let future = async move { shim.handle(dialect("openai-chat").unwrap(), request).await };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Shim {
    upstream: Arc<dyn Upstream>,
    profile: Arc<Profile>,
    settings: Settings,
    state: Option<Arc<dyn StateStore>>,
    seed: u64,
    count: Arc<AtomicU64>,
}

impl std::fmt::Debug for Shim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shim").field("profile", &self.profile.name).finish_non_exhaustive()
    }
}

impl Shim {
    /// A shim in front of an upstream that behaves as `profile` says, with default [`Settings`].
    pub fn new(upstream: impl Upstream + 'static, profile: impl Into<Arc<Profile>>) -> Self {
        Self::shared(Arc::new(upstream), profile)
    }

    /// The same, for an upstream that is shared.
    pub fn shared(upstream: Arc<dyn Upstream>, profile: impl Into<Arc<Profile>>) -> Self {
        Self {
            upstream,
            profile: profile.into(),
            settings: Settings::default(),
            state: None,
            seed: 0,
            count: Arc::default(),
        }
    }

    /// Other settings.
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// A store of what clients drop and upstreams require again, for the requests that have an owner.
    pub fn with_state(mut self, store: Arc<dyn StateStore>) -> Self {
        self.state = Some(store);
        self
    }

    /// A seed for synthesized ids. Hand in something random: core has no randomness of its own.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Handles a client's request. Every failure becomes a reply in the client's dialect. The time in synthesized
    /// answers comes from the request's extension of type [`Context`], if there is one, else it is 0; the owner of what is
    /// kept from its extension of type [`Owner`], without which nothing is kept.
    pub async fn handle(
        &self,
        client: &'static dyn Dialect,
        request: http::Request<Bytes>,
    ) -> http::Response<UpstreamBody> {
        let (parts, body) = request.into_parts();
        let context = parts.extensions.get::<Context>().cloned().unwrap_or_else(|| {
            Context::new(0, self.seed.wrapping_add(self.count.fetch_add(1, Ordering::Relaxed)))
        });
        let started = ClientRequest::read(client, parts.uri.path(), body).and_then(|incoming| {
            let incoming = match parts.extensions.get::<Owner>() {
                Some(owner) => incoming.with_owner(owner.clone()),
                None => incoming,
            };
            Exchange::start(incoming, self.profile.clone(), self.settings.clone(), context)
        });
        match started {
            Ok(exchange) => {
                let (head, body) = self.run(exchange, Box::new(drop)).await.into_parts();
                let body = match body.into_complete() {
                    Ok(bytes) => UpstreamBody::Complete(bytes),
                    Err(body) => UpstreamBody::Stream(Box::pin(body)),
                };
                http::Response::from_parts(head, body)
            }
            Err(error) => error_reply(client, &error),
        }
    }

    /// Drives an exchange to its reply: sends, waits and retries until something may go out.
    ///
    /// The reply's extensions hold the [`Diagnostics`] so far, and the [`Error`] if the body is one. `finished` is
    /// called once, when the body has ended or was dropped.
    pub fn run(
        &self,
        exchange: Exchange,
        finished: OnFinish,
    ) -> impl Future<Output = http::Response<ResponseBody>> + Send + use<> {
        // An exchange is large: it moves to its place before there is a future that would hold it.
        drive(ResponseBody {
            exchange: Some(Box::new(Driven { exchange, state: self.state.clone(), storing: None })),
            finished: Some(finished),
            source: None,
            out: Vec::new(),
            grace: None,
            sent: None,
            progress: None,
            upstream: self.upstream.clone(),
        })
    }
}

/// An error as a reply in the client's dialect.
fn error_reply(client: &dyn Dialect, error: &Error) -> http::Response<UpstreamBody> {
    let (status, body) = client.encode_error(error);
    let mut reply = http::Response::new(UpstreamBody::Complete(body));
    *reply.status_mut() = status;
    reply
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    reply
}

async fn drive(mut body: ResponseBody) -> http::Response<ResponseBody> {
    loop {
        let Some(exchange) = body.exchange.as_mut() else { return http::Response::new(body) };
        match exchange.next() {
            Step::Load(keys) => {
                let loaded = match exchange.state.clone() {
                    Some(state) => state.load(&keys).await,
                    None => Err(no_store()),
                };
                let values = loaded.and_then(|values| {
                    let other =
                        StateError::new("the store gave another number of values than it was asked for");
                    if values.len() == keys.len() { Ok(values) } else { Err(other) }
                });
                let values = values.unwrap_or_else(|error| {
                    exchange.note_state_error(&error.message);
                    vec![None; keys.len()]
                });
                if let Err(error) = exchange.provide(values) {
                    exchange.refuse(error, &mut body.out);
                }
            }
            Step::Store(entries) => body.store(entries).await,
            Step::Send { mut request, after } => {
                let progress = Progress::new(exchange.awaits_stream());
                request.extensions_mut().insert(progress.clone());
                body.progress = Some(progress);
                if !after.is_zero() {
                    body.upstream.pause(after).await;
                }
                let upstream = body.upstream.clone();
                body.sent = upstream.clock();
                let sent = upstream.send(request).await;
                body.begin(sent);
            }
            Step::Await => {
                // Until something may go out, or the attempt is over.
                std::future::poll_fn(|cx| body.poll_source(cx)).await;
                if let Some(entries) = body.exchange.as_mut().and_then(|exchange| exchange.take_entries()) {
                    body.store(entries).await;
                }
                if let Some(reply) = body.exchange.as_mut().and_then(|exchange| exchange.take_reply()) {
                    return body.into_response(reply);
                }
            }
            Step::Done => {
                return match exchange.take_reply() {
                    Some(reply) => body.into_response(reply),
                    None => http::Response::new(body),
                };
            }
        }
    }
}

/// The body of a reply: complete, or translated while the upstream sends.
///
/// Dropping it cancels the upstream's call, and calls `finished` with the outcome `cancelled` if there was more to come.
pub struct ResponseBody {
    exchange: Option<Box<Driven>>,
    finished: Option<OnFinish>,
    source: Option<ByteStream>,
    out: Vec<u8>,
    grace: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// When the request was sent, by the upstream's clock.
    sent: Option<Duration>,
    /// What the transport is told, until the first meaningful event.
    progress: Option<Progress>,
    upstream: Arc<dyn Upstream>,
}

/// An exchange with the store of its state, in one place: what holds it stays small.
struct Driven {
    exchange: Exchange,
    state: Option<Arc<dyn StateStore>>,
    /// What is being kept; the bytes wait for it.
    storing: Option<Storing>,
}

impl Deref for Driven {
    type Target = Exchange;
    fn deref(&self) -> &Exchange {
        &self.exchange
    }
}

impl DerefMut for Driven {
    fn deref_mut(&mut self) -> &mut Exchange {
        &mut self.exchange
    }
}

/// A store's work on the entries of one exchange.
type Storing = Pin<Box<dyn Future<Output = Result<(), StateError>> + Send>>;

fn no_store() -> StateError {
    StateError::new("the request has an owner, and no store was given: `Shim::with_state`")
}

impl std::fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body")
            .field("exchange", &self.exchange.as_deref().map(Deref::deref))
            .finish_non_exhaustive()
    }
}

impl ResponseBody {
    /// The bytes, if all of them are there; else the body itself.
    pub fn into_complete(mut self) -> Result<Bytes, Self> {
        if self.source.is_some() {
            return Err(self);
        }
        let out = std::mem::take(&mut self.out);
        self.report();
        Ok(Bytes::from(out))
    }

    /// Ends the answer as if the upstream had failed: the client's dialect says so in its own way, and nothing follows.
    pub fn fail(&mut self, error: UpstreamError) {
        self.source = None;
        if let Some(exchange) = self.exchange.as_mut() {
            exchange.fail(error, &mut self.out);
        }
    }

    /// The diagnostics so far.
    pub fn diagnostics(&self) -> Diagnostics {
        self.exchange.as_deref().map(|exchange| exchange.diagnostics()).unwrap_or_default()
    }

    fn into_response(self, reply: crate::exchange::ResponseHead) -> http::Response<Self> {
        let mut response = http::Response::new(self);
        *response.status_mut() = reply.status;
        *response.headers_mut() = reply.headers;
        let diagnostics = response.body().diagnostics();
        response.extensions_mut().insert(diagnostics);
        if let Some(error) = reply.error {
            response.extensions_mut().insert(error);
        }
        if let Some(exchange) = &response.body().exchange {
            let outcome = exchange.report().outcome;
            let attempts = exchange.report().attempts;
            response.extensions_mut().insert(outcome);
            response.extensions_mut().insert(Attempts(attempts));
        }
        response
    }

    fn begin(&mut self, sent: Result<http::Response<UpstreamBody>, UpstreamError>) {
        let Some(exchange) = self.exchange.as_mut() else { return };
        self.source = None;
        match sent {
            Ok(response) => {
                let (head, body) = response.into_parts();
                exchange.head(head.status, &head.headers);
                tell_time(exchange, self.sent, &*self.upstream);
                match body {
                    UpstreamBody::Complete(bytes) => {
                        exchange.push(&bytes, &mut self.out);
                        exchange.finish(&mut self.out);
                    }
                    UpstreamBody::Stream(stream) => self.source = Some(stream),
                }
            }
            Err(error) => exchange.fail(error, &mut self.out),
        }
    }

    /// Takes one chunk from the upstream, or the end of this attempt.
    fn poll_source(&mut self, cx: &mut std::task::Context<'_>) -> Poll<()> {
        let (Some(exchange), Some(source)) = (self.exchange.as_mut(), self.source.as_mut()) else {
            return Poll::Ready(());
        };
        let over = exchange.is_over();
        let polled = source.as_mut().poll_next(cx);
        if polled.is_ready() {
            tell_time(exchange, self.sent, &*self.upstream);
        }
        if polled.is_pending() && over {
            // All is said. Wait a little for the upstream to close, so that its connection can serve again.
            let upstream = self.upstream.clone();
            let grace =
                self.grace.get_or_insert_with(|| Box::pin(async move { upstream.pause(GRACE).await }));
            ready!(grace.as_mut().poll(cx));
        } else {
            match ready!(polled) {
                Some(Ok(chunk)) => {
                    // Most of what comes leaves at about its own length: one allocation for all of its events.
                    self.out.reserve(chunk.len() + chunk.len() / 8);
                    exchange.push(&chunk, &mut self.out);
                    if exchange.reply().is_some()
                        && let Some(progress) = self.progress.take()
                    {
                        progress.begin();
                    }
                    if !exchange.has_failed() {
                        return Poll::Ready(());
                    }
                }
                Some(Err(_)) if over => {}
                Some(Err(error)) => {
                    self.source = None;
                    exchange.fail(error, &mut self.out);
                    return Poll::Ready(());
                }
                None => {}
            }
        }
        self.source = None;
        exchange.finish(&mut self.out);
        Poll::Ready(())
    }

    /// Keeps what the exchange hands out.
    async fn store(&mut self, entries: Vec<StateEntry>) {
        self.begin_store(entries);
        std::future::poll_fn(|cx| self.poll_storing(cx)).await;
    }

    fn begin_store(&mut self, entries: Vec<StateEntry>) {
        let Some(exchange) = &mut self.exchange else { return };
        let state = exchange.state.clone();
        exchange.storing = Some(Box::pin(async move {
            match state {
                Some(state) => state.store(entries).await,
                None => Err(no_store()),
            }
        }));
    }

    fn poll_storing(&mut self, cx: &mut std::task::Context<'_>) -> Poll<()> {
        let Some(exchange) = &mut self.exchange else { return Poll::Ready(()) };
        let Some(storing) = &mut exchange.storing else { return Poll::Ready(()) };
        let stored = ready!(storing.as_mut().poll(cx));
        exchange.storing = None;
        if let Err(error) = stored {
            exchange.note_state_error(&error.message);
        }
        Poll::Ready(())
    }

    fn report(&mut self) {
        if let (Some(exchange), Some(finished)) = (self.exchange.take(), self.finished.take()) {
            finished(exchange.exchange.into_report());
        }
    }
}

/// Tells an exchange how long ago its request was sent.
fn tell_time(exchange: &mut Exchange, sent: Option<Duration>, upstream: &dyn Upstream) {
    if let (Some(sent), Some(now)) = (sent, upstream.clock()) {
        exchange.set_elapsed(now.saturating_sub(sent));
    }
}

/// How many attempts a reply took; among the reply's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts(pub u32);

impl Stream for ResponseBody {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            ready!(self.poll_storing(cx));
            if !self.out.is_empty() {
                return Poll::Ready(Some(Ok(Bytes::from(std::mem::take(&mut self.out)))));
            }
            if self.source.is_none() {
                self.report();
                return Poll::Ready(None);
            }
            ready!(self.poll_source(cx));
            if let Some(entries) = self.exchange.as_mut().and_then(|exchange| exchange.take_entries()) {
                self.begin_store(entries);
            }
        }
    }
}

/// This happens while a panic unwinds, too: a second one would end the process.
impl Drop for ResponseBody {
    fn drop(&mut self) {
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            self.source = None;
            self.report();
        }));
    }
}
