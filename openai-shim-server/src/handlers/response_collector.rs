//! The answer to one request until it begins to leave: what is collected of it is counted, and work on a large one is done
//! away from the threads that serve.

use crate::app_state::AppState;
use crate::handlers::offload::LONG;
use crate::http::body_budget::{BodyReservation, BudgetExceeded, response_over_budget};
use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Request, Response};
use openai_shim_core::state::{StateEntry, StateKey};
use openai_shim_core::upstream::{ByteStream, ResponseBody, StateError, StateStore, UpstreamBody};
use openai_shim_core::{Upstream, UpstreamError};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Core's reply to a request.
pub(crate) type UpstreamFuture = Pin<Box<dyn Future<Output = Response<ResponseBody>> + Send>>;
type Working = Pin<Box<dyn Future<Output = Result<Response<ResponseBody>, UpstreamFuture>> + Send>>;

/// What the answer's reader and its awaiter share.
struct Shared {
    held: Mutex<BodyReservation>,
    /// The most bytes that an answer may have; who announces more is refused once they come.
    most: usize,
    /// The next step works on so many bytes; 0: on a few.
    ahead: AtomicUsize,
    /// The reply has begun: what comes now leaves at once.
    begun: AtomicBool,
}

/// An upstream whose answer is awaited.
pub(crate) struct CountedUpstream {
    inner: Arc<dyn Upstream>,
    shared: Arc<Shared>,
}

impl CountedUpstream {
    pub(crate) fn new(app: &AppState, inner: Arc<dyn Upstream>) -> Arc<Self> {
        let shared = Shared {
            held: Mutex::new(app.body_budget.empty_reservation()),
            most: app.config.limits.response_body,
            ahead: AtomicUsize::new(0),
            begun: AtomicBool::new(false),
        };
        Arc::new(Self { inner, shared: Arc::new(shared) })
    }

    /// The store for a request of so many bytes.
    pub(crate) fn store(&self, inner: &Arc<dyn StateStore>, length: usize) -> Arc<dyn StateStore> {
        if length < LONG {
            return inner.clone();
        }
        Arc::new(LargeStore { inner: inner.clone(), shared: self.shared.clone(), length })
    }

    /// Awaits the reply; the room that the request takes is given back when that begins.
    pub(crate) fn awaited(
        &self,
        app: &Arc<AppState>,
        reply: UpstreamFuture,
        request: BodyReservation,
    ) -> Awaited {
        let state = State::Polled(reply);
        Awaited { state, app: app.clone(), shared: self.shared.clone(), request: Some(request) }
    }
}

/// A store whose answer lets a large request be made, which is done away from the threads that serve.
struct LargeStore {
    inner: Arc<dyn StateStore>,
    shared: Arc<Shared>,
    length: usize,
}

#[async_trait]
impl StateStore for LargeStore {
    async fn load(&self, keys: &[StateKey]) -> Result<Vec<Option<Bytes>>, StateError> {
        let loaded = self.inner.load(keys).await;
        self.shared.ahead.store(self.length, Ordering::Relaxed);
        let mut is_elsewhere = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut is_elsewhere, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        loaded
    }

    async fn store(&self, entries: Vec<StateEntry>) -> Result<(), StateError> {
        self.inner.store(entries).await
    }

    async fn remove(&self, keys: &[StateKey]) -> Result<(), StateError> {
        self.inner.remove(keys).await
    }
}

#[async_trait]
impl Upstream for CountedUpstream {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<UpstreamBody>, UpstreamError> {
        let sent = request.body().len();
        let response = self.inner.send(request).await?;
        // What a refusal teaches is put into the request, which is as much work as the request is large.
        let ahead = if response.status().is_success() { 0 } else { sent };
        let announced = length(response.headers());
        let (head, body) = response.into_parts();
        let body = match body {
            UpstreamBody::Stream(source) => {
                self.shared.cover(announced)?;
                let shared = self.shared.clone();
                UpstreamBody::Stream(Box::pin(Collected { source, shared, ahead, came: 0, ended: false }))
            }
            other => other,
        };
        Ok(Response::from_parts(head, body))
    }

    async fn pause(&self, duration: Duration) {
        self.inner.pause(duration).await;
    }

    fn clock(&self) -> Option<Duration> {
        self.inner.clock()
    }
}

fn length(headers: &HeaderMap) -> usize {
    headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok()).unwrap_or_default()
}

impl Shared {
    fn cover(&self, bytes: usize) -> Result<(), UpstreamError> {
        let Ok(mut held) = self.held.lock() else { return Ok(()) };
        held.grow_to(bytes.min(self.most)).map_err(|BudgetExceeded| response_over_budget())
    }
}

/// An answer's body, counted until the reply begins.
struct Collected {
    source: ByteStream,
    shared: Arc<Shared>,
    ahead: usize,
    came: usize,
    ended: bool,
}

impl Stream for Collected {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let polled = ready!(self.source.as_mut().poll_next(cx));
        if self.shared.begun.load(Ordering::Relaxed) {
            return Poll::Ready(polled);
        }
        match polled {
            Some(Ok(chunk)) => {
                self.came += chunk.len();
                if let Err(error) = self.shared.cover(self.came) {
                    self.ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(Some(Ok(chunk)))
            }
            None if self.came + self.ahead >= LONG => {
                // The end is where all of it is read: whoever awaits the reply goes elsewhere with that.
                self.ended = true;
                self.shared.ahead.store(self.came + self.ahead, Ordering::Relaxed);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            other => Poll::Ready(other),
        }
    }
}

/// Waits for a reply to begin.
pub(crate) struct Awaited {
    state: State,
    app: Arc<AppState>,
    shared: Arc<Shared>,
    request: Option<BodyReservation>,
}

enum State {
    Polled(UpstreamFuture),
    /// Its next step is done elsewhere.
    Elsewhere(Working),
    Over,
}

impl Awaited {
    /// Takes the next step of a reply elsewhere.
    fn leave(&self, mut reply: UpstreamFuture, bytes: usize, cx: &Context<'_>) -> Working {
        let (app, waker) = (self.app.clone(), cx.waker().clone());
        Box::pin(async move {
            let step = move || match reply.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(response) => Ok(response),
                Poll::Pending => Err(reply),
            };
            app.work.run(bytes, step).await
        })
    }

    fn begin(&mut self) {
        self.state = State::Over;
        self.request = None;
        self.shared.begun.store(true, Ordering::Relaxed);
    }

    /// The room that was taken for a whole answer, for as long as its client takes it; of a stream there is none.
    pub(crate) fn room(&self) -> Option<BodyReservation> {
        self.shared
            .held
            .lock()
            .ok()
            .map(|mut held| std::mem::replace(&mut *held, self.app.body_budget.empty_reservation()))
    }
}

impl Future for Awaited {
    type Output = Response<ResponseBody>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Polled(mut reply) => {
                    let ahead = self.shared.ahead.swap(0, Ordering::Relaxed);
                    if ahead > 0 {
                        self.state = State::Elsewhere(self.leave(reply, ahead, cx));
                        continue;
                    }
                    if let Poll::Ready(response) = reply.as_mut().poll(cx) {
                        self.begin();
                        return Poll::Ready(response);
                    }
                    self.state = State::Polled(reply);
                    if self.shared.ahead.load(Ordering::Relaxed) == 0 {
                        return Poll::Pending;
                    }
                }
                State::Elsewhere(mut working) => match working.as_mut().poll(cx) {
                    Poll::Ready(Ok(response)) => {
                        self.begin();
                        return Poll::Ready(response);
                    }
                    Poll::Ready(Err(reply)) => self.state = State::Polled(reply),
                    Poll::Pending => {
                        self.state = State::Elsewhere(working);
                        return Poll::Pending;
                    }
                },
                State::Over => return Poll::Pending,
            }
        }
    }
}
