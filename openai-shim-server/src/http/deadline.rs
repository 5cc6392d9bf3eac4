//! Limits how long a request is served: until its deadline (`timeouts.total`), or until a second signal to stop.

use crate::app_state::AppState;
use crate::client_connection::{ClientConnection, CutReason};
use crate::panics;
use axum::response::Response;
use openai_shim_core::UpstreamError;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::{Instant, Sleep, sleep_until};

/// A handler's response, on its way.
pub(crate) type ResponseFuture = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Watches the deadline and the shutdown signal for one request.
#[derive(Debug)]
pub(crate) struct RequestDeadline {
    app: Arc<AppState>,
    connection: Arc<ClientConnection>,
    /// Exists only where there is a deadline.
    timer: Option<Pin<Box<Sleep>>>,
}

/// Why a request has no response from its handler.
#[derive(Debug)]
pub(crate) enum NoResponse {
    /// The deadline passed, or the server shuts down.
    Cut(UpstreamError),
    /// The handler panicked.
    Panic,
}

impl RequestDeadline {
    pub(crate) fn new(app: Arc<AppState>, connection: Arc<ClientConnection>) -> Self {
        Self { app, connection, timer: None }
    }

    /// Waits until the request must be cut off; ready once. On shutdown the connection's task is woken and polls this again.
    pub(crate) fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<CutReason> {
        if self.connection.cut_reason().is_some() {
            return Poll::Pending;
        }
        if self.app.process.shutdown.ends_requests() {
            return Poll::Ready(self.cut(CutReason::Shutdown));
        }
        let Some(deadline) = self.connection.deadline() else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        // The timer only wakes the task; the clock decides, because tokio may delay a timer of a busy task.
        if Instant::now() < deadline && timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(self.cut(CutReason::TotalTimeout))
    }

    /// Cuts the request off if its deadline has passed; `Some` once. For streams that are always ready, which never poll
    /// [`poll_cut`](Self::poll_cut).
    pub(crate) fn check(&self) -> Option<CutReason> {
        let passed = self.connection.deadline().is_some_and(|deadline| Instant::now() >= deadline);
        (passed && self.connection.cut_reason().is_none()).then(|| self.cut(CutReason::TotalTimeout))
    }

    fn cut(&self, reason: CutReason) -> CutReason {
        self.connection.set_cut_reason(reason);
        reason
    }

    /// The error that the client gets.
    pub(crate) fn error(&self, reason: CutReason) -> UpstreamError {
        reason.error(&self.app.config.timeouts)
    }

    /// Awaits a response within the deadline. Not an `async fn`: its future would hold the arguments twice.
    pub(crate) fn run(
        mut self,
        mut response: ResponseFuture,
    ) -> impl Future<Output = Result<Response, NoResponse>> + Send {
        poll_fn(move |cx| match panics::catch(|| response.as_mut().poll(cx)) {
            Some(Poll::Ready(response)) => Poll::Ready(Ok(response)),
            Some(Poll::Pending) => self.poll_cut(cx).map(|reason| Err(NoResponse::Cut(self.error(reason)))),
            None => Poll::Ready(Err(NoResponse::Panic)),
        })
    }
}
