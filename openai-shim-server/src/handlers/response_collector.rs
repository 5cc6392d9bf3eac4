//! An upstream's response until the client's begins: its collected bytes are counted, and work on a large one is offloaded.

use crate::app_state::AppState;
use crate::http::body_budget::{BodyReservation, BudgetExceeded, response_over_budget};
use crate::offload::LARGE_BODY_BYTES;
use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Request, Response};
use openai_shim_core::exchange::AttemptReport;
use openai_shim_core::state::{StateEntry, StateKey};
use openai_shim_core::upstream::{ByteStream, ResponseBody, StateError, StateStore, UpstreamBody};
use openai_shim_core::{Upstream, UpstreamError};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Core's future of the client's response.
pub(crate) type ShimFuture = Pin<Box<dyn Future<Output = Response<ResponseBody>> + Send>>;
/// One poll of it on another thread; it gives the future back if that is not ready.
type OffloadedPoll = Pin<Box<dyn Future<Output = Result<Response<ResponseBody>, ShimFuture>> + Send>>;

/// What the reader of the upstream's response, the store and [`ResponseStart`] share.
struct CollectorState {
    /// The room that the collected bytes take.
    reservation: Mutex<BodyReservation>,
    /// The most bytes of a response; one that announces more is refused once they come.
    max_bytes: usize,
    /// How many bytes the next poll works on, if they are many; else 0.
    next_work_bytes: AtomicUsize,
    /// The client's response has begun: bytes are passed on at once, and no longer counted.
    has_begun: AtomicBool,
}

/// An upstream whose responses are counted while they are collected.
pub(crate) struct CountedUpstream {
    inner: Arc<dyn Upstream>,
    /// After a failure the request is prepared for another upstream.
    has_further_targets: bool,
    collector: Arc<CollectorState>,
}

impl CountedUpstream {
    pub(crate) fn new(app: &AppState, inner: Arc<dyn Upstream>, has_further_targets: bool) -> Arc<Self> {
        let collector = CollectorState {
            reservation: Mutex::new(app.process.body_budget.empty_reservation()),
            max_bytes: app.config.limits.response_body,
            next_work_bytes: AtomicUsize::new(0),
            has_begun: AtomicBool::new(false),
        };
        Arc::new(Self { inner, has_further_targets, collector: Arc::new(collector) })
    }

    /// Another upstream of the same request.
    pub(crate) fn for_target(&self, inner: Arc<dyn Upstream>) -> Arc<dyn Upstream> {
        Arc::new(Self { inner, collector: self.collector.clone(), ..*self })
    }

    /// The store for a request of so many bytes.
    pub(crate) fn store(&self, inner: &Arc<dyn StateStore>, request_bytes: usize) -> Arc<dyn StateStore> {
        if request_bytes < LARGE_BODY_BYTES {
            return inner.clone();
        }
        Arc::new(LargeRequestStore { inner: inner.clone(), collector: self.collector.clone(), request_bytes })
    }

    /// Waits until the response begins; then the request's reservation is released.
    pub(crate) fn response_start(
        &self,
        app: &Arc<AppState>,
        response: ShimFuture,
        request: BodyReservation,
    ) -> ResponseStart {
        let phase = StartPhase::Polling(response);
        ResponseStart { phase, app: app.clone(), collector: self.collector.clone(), request: Some(request) }
    }
}

/// A store for a large request: when its values come, that request is prepared, which is offloaded.
struct LargeRequestStore {
    inner: Arc<dyn StateStore>,
    collector: Arc<CollectorState>,
    request_bytes: usize,
}

#[async_trait]
impl StateStore for LargeRequestStore {
    async fn load(&self, keys: &[StateKey]) -> Result<Vec<Option<Bytes>>, StateError> {
        let loaded = self.inner.load(keys).await;
        self.collector.offload_next(self.request_bytes).await;
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
        let request_bytes = request.body().len();
        let response = self.inner.send(request).await;
        if response.is_err() && self.has_further_targets && request_bytes >= LARGE_BODY_BYTES {
            self.collector.offload_next(request_bytes).await;
        }
        let response = response?;
        // After a failure the request is prepared again, adapted or for another target: that is work on the whole request.
        let may_prepare = self.has_further_targets || !response.status().is_success();
        let adapted_bytes = if may_prepare { request_bytes } else { 0 };
        let announced_bytes = content_length(response.headers());
        let (head, body) = response.into_parts();
        let body = match body {
            UpstreamBody::Stream(source) => {
                self.collector.reserve(announced_bytes)?;
                UpstreamBody::Stream(Box::pin(CountedBody {
                    source,
                    collector: self.collector.clone(),
                    adapted_bytes,
                    received_bytes: 0,
                    has_ended: false,
                }))
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

    fn attempt_ended(&self, attempt: &AttemptReport) {
        self.inner.attempt_ended(attempt);
    }
}

fn content_length(headers: &HeaderMap) -> usize {
    headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok()).unwrap_or_default()
}

impl CollectorState {
    /// Has the next poll offloaded, which works on so many bytes.
    async fn offload_next(&self, bytes: usize) {
        self.next_work_bytes.store(bytes, Ordering::Relaxed);
        // Pending once: the poll after this one is offloaded.
        let mut is_offloaded = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut is_offloaded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Reserves room for so many collected bytes in all.
    fn reserve(&self, bytes: usize) -> Result<(), UpstreamError> {
        let Ok(mut reservation) = self.reservation.lock() else { return Ok(()) };
        reservation.grow_to(bytes.min(self.max_bytes)).map_err(|BudgetExceeded| response_over_budget())
    }
}

/// The body of an upstream's response, counted until the client's response begins.
struct CountedBody {
    source: ByteStream,
    collector: Arc<CollectorState>,
    /// The size of the request that may be prepared again at the end.
    adapted_bytes: usize,
    received_bytes: usize,
    has_ended: bool,
}

impl Stream for CountedBody {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let polled = ready!(self.source.as_mut().poll_next(cx));
        if self.collector.has_begun.load(Ordering::Relaxed) {
            return Poll::Ready(polled);
        }
        match polled {
            Some(Ok(chunk)) => {
                self.received_bytes += chunk.len();
                if let Err(error) = self.collector.reserve(self.received_bytes) {
                    self.has_ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(Some(Ok(chunk)))
            }
            None if self.received_bytes + self.adapted_bytes >= LARGE_BODY_BYTES => {
                // The whole body is read at its end: `ResponseStart` offloads the poll that sees it.
                self.has_ended = true;
                let bytes = self.received_bytes + self.adapted_bytes;
                self.collector.next_work_bytes.store(bytes, Ordering::Relaxed);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            other => Poll::Ready(other),
        }
    }
}

/// A future that waits until the client's response begins.
pub(crate) struct ResponseStart {
    phase: StartPhase,
    app: Arc<AppState>,
    collector: Arc<CollectorState>,
    /// The room that the request takes until then.
    request: Option<BodyReservation>,
}

enum StartPhase {
    /// Core's future is polled here.
    Polling(ShimFuture),
    /// Core's future is polled on another thread.
    Offloaded(OffloadedPoll),
    /// The response has begun.
    Begun,
}

impl ResponseStart {
    /// Polls core's future on another thread.
    fn offload(&self, mut response: ShimFuture, bytes: usize, cx: &Context<'_>) -> OffloadedPoll {
        let (app, waker) = (self.app.clone(), cx.waker().clone());
        Box::pin(async move {
            let poll = move || match response.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(response) => Ok(response),
                Poll::Pending => Err(response),
            };
            app.process.offload.run(bytes, poll).await
        })
    }

    fn begin(&mut self) {
        self.phase = StartPhase::Begun;
        self.request = None;
        self.collector.has_begun.store(true, Ordering::Relaxed);
    }

    /// Takes the reservation of a collected response, for as long as its client reads it. A stream needs none.
    pub(crate) fn take_reservation(&self) -> Option<BodyReservation> {
        let mut reservation = self.collector.reservation.lock().ok()?;
        Some(std::mem::replace(&mut *reservation, self.app.process.body_budget.empty_reservation()))
    }
}

impl Future for ResponseStart {
    type Output = Response<ResponseBody>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match std::mem::replace(&mut self.phase, StartPhase::Begun) {
                StartPhase::Polling(mut response) => {
                    let bytes = self.collector.next_work_bytes.swap(0, Ordering::Relaxed);
                    if bytes > 0 {
                        self.phase = StartPhase::Offloaded(self.offload(response, bytes, cx));
                        continue;
                    }
                    if let Poll::Ready(begun) = response.as_mut().poll(cx) {
                        self.begin();
                        return Poll::Ready(begun);
                    }
                    self.phase = StartPhase::Polling(response);
                    if self.collector.next_work_bytes.load(Ordering::Relaxed) == 0 {
                        return Poll::Pending;
                    }
                }
                StartPhase::Offloaded(mut polled) => match polled.as_mut().poll(cx) {
                    Poll::Ready(Ok(response)) => {
                        self.begin();
                        return Poll::Ready(response);
                    }
                    Poll::Ready(Err(response)) => self.phase = StartPhase::Polling(response),
                    Poll::Pending => {
                        self.phase = StartPhase::Offloaded(polled);
                        return Poll::Pending;
                    }
                },
                StartPhase::Begun => return Poll::Pending,
            }
        }
    }
}
