//! [`Driver`]: one exchange with its upstream and its store of state; takes its steps, and reads the upstream's response.

use super::progress::Progress;
use super::state_store::{StateError, StateStore};
use super::transport::{ByteStream, OtherKey, Upstream, UpstreamBody};
use super::upstreams::{StateStores, Upstreams};
use crate::error::{Misuse, UpstreamError};
use crate::exchange::{Exchange, Report};
use crate::state::{StateEntry, StateKey};
use bytes::Bytes;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// How long a complete response waits for its upstream to close, so that the connection can be used again.
const CLOSE_GRACE: Duration = Duration::from_millis(100);

/// Called once with the report, when the exchange is over or its client went away.
pub type OnFinish = Box<dyn FnOnce(Report) + Send>;

/// An exchange, and everything that it needs from outside.
pub(super) struct Driver {
    pub(super) exchange: Exchange,
    pub(super) upstreams: Upstreams,
    /// The target that was asked last.
    pub(super) target: usize,
    /// How many attempts their upstreams know the end of.
    pub(super) told_attempts: usize,
    pub(super) state_stores: StateStores,
    pub(super) on_finish: OnFinish,
    pub(super) phase: DriverPhase,
}

/// What a driver waits for while it has a response.
#[derive(Default)]
pub(super) enum DriverPhase {
    /// Nothing: the next step of the exchange is due, or it is over.
    #[default]
    Idle,
    /// Bytes of the upstream's response.
    Streaming(UpstreamResponse),
    /// The upstream's end of a response that is complete.
    Draining { response: UpstreamResponse, grace: Pin<Box<dyn Future<Output = ()> + Send>> },
    /// The store; the client's bytes wait until the entries are stored. Then the response is read on.
    Storing { stored: StoreFuture, then: Option<UpstreamResponse> },
}

/// A store's work on the entries of one exchange.
type StoreFuture = Pin<Box<dyn Future<Output = Result<(), StateError>> + Send>>;

/// An upstream's response whose body is being read.
pub(super) struct UpstreamResponse {
    body: ByteStream,
    sent: SentRequest,
}

/// What is known of a request that was sent.
pub(super) struct SentRequest {
    /// When it was sent, by the upstream's clock.
    pub(super) sent_at: Option<Duration>,
    /// What the transport sees; `None` once the first meaningful event came.
    pub(super) progress: Option<Progress>,
}

impl DriverPhase {
    /// The response that is being read.
    fn response(&mut self) -> Option<&mut UpstreamResponse> {
        match self {
            Self::Streaming(response) | Self::Draining { response, .. } => Some(response),
            Self::Idle | Self::Storing { .. } => None,
        }
    }
}

impl Driver {
    /// Looks the keys up; a store that fails is a diagnostic, and gives no values.
    pub(super) async fn load(&mut self, keys: &[StateKey]) -> Vec<Option<Bytes>> {
        let loaded = match self.state_store().cloned() {
            Some(store) => store.load(keys).await,
            None => Err(missing_store()),
        };
        let failure = match loaded {
            Ok(values) if values.len() == keys.len() => return values,
            Ok(_) => StateError::new("the store gave another number of values than it was asked for"),
            Err(error) => error,
        };
        self.exchange.note_state_error(&failure.message);
        vec![None; keys.len()]
    }

    /// Stores the entries.
    pub(super) async fn store(&mut self, entries: Vec<StateEntry>) {
        self.begin_store(entries);
        std::future::poll_fn(|cx| self.poll_store(cx)).await;
    }

    /// Begins to store what the exchange has handed out by now, if anything.
    pub(super) fn begin_pending_store(&mut self) {
        if let Some(entries) = self.exchange.take_entries() {
            self.begin_store(entries);
        }
    }

    fn begin_store(&mut self, entries: Vec<StateEntry>) {
        let store = self.state_store().cloned();
        let stored = Box::pin(async move {
            match store {
                Some(store) => store.store(entries).await,
                None => Err(missing_store()),
            }
        });
        let then = match std::mem::take(&mut self.phase) {
            DriverPhase::Streaming(response) | DriverPhase::Draining { response, .. } => Some(response),
            DriverPhase::Storing { then, .. } => then,
            DriverPhase::Idle => None,
        };
        self.phase = DriverPhase::Storing { stored, then };
    }

    /// Waits until everything is stored; a store that fails is a diagnostic.
    pub(super) fn poll_store(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let DriverPhase::Storing { stored, then } = &mut self.phase else { return Poll::Ready(()) };
        let stored = ready!(stored.as_mut().poll(cx));
        self.phase = then.take().map_or(DriverPhase::Idle, DriverPhase::Streaming);
        if let Err(error) = stored {
            self.exchange.note_state_error(&error.message);
        }
        Poll::Ready(())
    }

    /// Hands the upstream's response to the exchange: its head, and its body if that is complete.
    pub(super) fn begin_response(
        &mut self,
        sent: SentRequest,
        response: Result<http::Response<UpstreamBody>, UpstreamError>,
        out: &mut Vec<u8>,
    ) -> Result<(), Misuse> {
        self.phase = DriverPhase::Idle;
        let (head, body) = match response {
            Ok(response) => response.into_parts(),
            Err(error) => return self.exchange.fail(error, out),
        };
        if head.extensions.get::<OtherKey>().is_some() {
            self.exchange.set_has_other_key();
        }
        self.exchange.head(head.status, &head.headers)?;
        self.set_elapsed(sent.sent_at);
        match body {
            UpstreamBody::Complete(bytes) => {
                self.exchange.push(&bytes, out)?;
                self.exchange.finish(out)
            }
            UpstreamBody::Stream(body) => {
                self.phase = DriverPhase::Streaming(UpstreamResponse { body, sent });
                Ok(())
            }
        }
    }

    /// Takes one chunk of the upstream's response, or its end.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<Result<(), Misuse>> {
        let Some(response) = self.phase.response() else { return Poll::Ready(Ok(())) };
        let is_over = self.exchange.is_over();
        let polled = response.body.as_mut().poll_next(cx);
        if polled.is_ready() {
            let sent_at = response.sent.sent_at;
            self.set_elapsed(sent_at);
        }
        match polled {
            Poll::Pending if is_over => ready!(self.poll_grace(cx)),
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Ok(chunk))) => {
                if let Err(misuse) = self.push(&chunk, out) {
                    self.phase = DriverPhase::Idle;
                    return Poll::Ready(Err(misuse));
                }
                if !self.exchange.has_failed() {
                    return Poll::Ready(Ok(()));
                }
            }
            Poll::Ready(Some(Err(error))) if !is_over => {
                self.phase = DriverPhase::Idle;
                return Poll::Ready(self.exchange.fail(error, out));
            }
            Poll::Ready(Some(Err(_)) | None) => {}
        }
        self.phase = DriverPhase::Idle;
        Poll::Ready(self.exchange.finish(out))
    }

    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), Misuse> {
        // Most chunks leave at about their own length: one allocation serves all of their events.
        out.reserve(chunk.len() + chunk.len() / 8);
        self.exchange.push(chunk, out)?;
        if self.exchange.response_head().is_some()
            && let Some(response) = self.phase.response()
            && let Some(progress) = response.sent.progress.take()
        {
            progress.begin();
        }
        Ok(())
    }

    /// Waits a little for the upstream to close, so that its connection can be used again.
    fn poll_grace(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.phase = match std::mem::take(&mut self.phase) {
            DriverPhase::Streaming(response) => {
                let upstream = self.upstream().cloned();
                let grace = Box::pin(async move {
                    if let Some(upstream) = upstream {
                        upstream.pause(CLOSE_GRACE).await;
                    }
                });
                DriverPhase::Draining { response, grace }
            }
            other => other,
        };
        match &mut self.phase {
            DriverPhase::Draining { grace, .. } => grace.as_mut().poll(cx),
            _ => Poll::Ready(()),
        }
    }

    /// Tells the upstreams what came of the attempts that have ended. `sent`: how many of the last ones have not.
    pub(super) fn tell_attempts(&mut self, sent: usize) {
        let attempts = &self.exchange.report().attempts;
        let ended = attempts.len().saturating_sub(sent);
        for attempt in attempts.iter().take(ended).skip(self.told_attempts) {
            if let Some(upstream) = self.upstreams.of(attempt.target) {
                upstream.attempt_ended(attempt);
            }
        }
        self.told_attempts = ended;
    }

    /// The store of the target that is asked.
    fn state_store(&self) -> Option<&Arc<dyn StateStore>> {
        self.state_stores.of(self.exchange.target_index())
    }

    /// The upstream that was asked last.
    pub(super) fn upstream(&self) -> Option<&Arc<dyn Upstream>> {
        self.upstreams.of(self.target)
    }

    /// Whether there is nothing to wait for.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.phase, DriverPhase::Idle)
    }

    /// Sets how long ago the request was sent.
    fn set_elapsed(&mut self, sent_at: Option<Duration>) {
        let now = self.upstream().and_then(Upstream::clock);
        if let (Some(sent_at), Some(now)) = (sent_at, now) {
            self.exchange.set_elapsed(now.saturating_sub(sent_at));
        }
    }

    /// Ends everything: cancels the upstream's call first, then delivers the report.
    pub(super) fn finish(self) {
        let Self { exchange, on_finish, phase, .. } = self;
        drop(phase);
        on_finish(exchange.into_report());
    }
}

fn missing_store() -> StateError {
    StateError::new("the request has an owner, and no store was given")
}
