//! How long a request may be served: until its deadline (`timeouts.total`), or until the server is told twice to stop.

use crate::app_state::AppState;
use crate::http::client_connection::{Client, Cut};
use crate::http::panics;
use crate::http::routes::ResponseFuture;
use axum::response::Response;
use openai_shim_core::UpstreamError;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::{Instant, Sleep, sleep_until};

/// What ends a request from outside.
#[derive(Debug)]
pub(crate) struct Lifetime {
    pub(crate) app: Arc<AppState>,
    client: Arc<Client>,
    /// Set only where there is a deadline.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Lifetime {
    pub(crate) fn new(app: Arc<AppState>, client: Arc<Client>) -> Self {
        Self { app, client, timer: None }
    }

    /// Waits for the end; ready once. Who is woken to be ended is woken by the connection.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Cut> {
        if self.client.cut().is_some() {
            return Poll::Pending;
        }
        if self.app.stop.is_ended() {
            return Poll::Ready(self.end(Cut::Stop));
        }
        let Some(deadline) = self.client.deadline() else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        // The timer is there to be woken; whether it is time, the clock says.
        if Instant::now() < deadline && timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(self.end(Cut::Total))
    }

    /// Whether the deadline has passed, for what has something to say at all times; true once.
    pub(crate) fn has_passed(&self) -> Option<Cut> {
        let due = |deadline: Instant| Instant::now() >= deadline;
        let passed = self.client.deadline().is_some_and(due) && self.client.cut().is_none();
        passed.then(|| self.end(Cut::Total))
    }

    fn end(&self, cut: Cut) -> Cut {
        self.client.end(cut);
        cut
    }

    /// What the client is told.
    pub(crate) fn error(&self, cut: Cut) -> UpstreamError {
        cut.error(&self.app.config.timeouts)
    }

    /// Awaits a response; why there is none. Not `async`: that would hold everything twice.
    pub(crate) fn respond(
        mut self,
        mut response: ResponseFuture,
    ) -> impl Future<Output = Result<Response, Ended>> + Send {
        poll_fn(move |cx| match panics::polled(|| response.as_mut().poll(cx)) {
            Some(Poll::Ready(response)) => Poll::Ready(Ok(response)),
            Some(Poll::Pending) => self.poll(cx).map(|cut| Err(Ended::Cut(self.error(cut)))),
            None => Poll::Ready(Err(Ended::Panic)),
        })
    }
}

/// Why a request has no response of its own.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It took too long, or the server stops.
    Cut(UpstreamError),
    /// A fault of ours.
    Panic,
}
