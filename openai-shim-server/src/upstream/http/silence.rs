//! A limit on silence.

use openai_shim_core::UpstreamError;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// How long an upstream may say nothing while somebody waits for it: a client that is slow to read does not make its
/// upstream silent.
pub(super) struct Silence {
    limit: Duration,
    /// When the wait ends; `None` while nobody waits.
    until: Option<Instant>,
    /// Set no later than `until`, and moved only when it has gone off: an answer of many events sets it once.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Silence {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, until: None, timer: None }
    }

    /// Something was said.
    pub(super) fn broken(&mut self) {
        self.until = None;
    }

    /// Waits; ready when it was silent for too long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<UpstreamError> {
        let until = *self.until.get_or_insert_with(|| Instant::now() + self.limit);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        ready!(timer.as_mut().poll(cx));
        if timer.deadline() < until {
            timer.as_mut().reset(until);
            ready!(timer.as_mut().poll(cx));
        }
        let seconds = self.limit.as_secs_f64();
        Poll::Ready(UpstreamError::timeout(format!("The upstream fell silent for {seconds} s.")))
    }
}
