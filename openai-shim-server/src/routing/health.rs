//! Records whether an upstream could be reached, for `/readyz`, which itself sends no request.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use openai_shim_core::exchange::AttemptReport;
use openai_shim_core::upstream::{RequestStream, UpstreamBody};
use openai_shim_core::{Upstream, UpstreamError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a failure counts. Without an end, a server that gets no requests could never become ready again.
const FAILURE_LIFETIME: Duration = Duration::from_secs(10);

/// The time of the last failed connection, if no call has succeeded since.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<Option<Instant>>);

impl Health {
    /// Whether the last call failed to reach the upstream, and did so recently.
    pub(crate) fn is_unreachable(&self) -> bool {
        self.0.lock().is_ok_and(|last_failure| {
            last_failure.is_some_and(|failure| failure.elapsed() < FAILURE_LIFETIME)
        })
    }

    fn record(&self, reached: bool) {
        if let Ok(mut last_failure) = self.0.lock() {
            *last_failure = (!reached).then(Instant::now);
        }
    }
}

/// Records the health of the upstream that it wraps.
pub(crate) struct HealthTracked {
    pub(crate) inner: Arc<dyn Upstream>,
    pub(crate) health: Arc<Health>,
}

impl HealthTracked {
    /// Any response, also an error, means that the upstream is reachable.
    fn record(&self, result: &Result<Response<UpstreamBody>, UpstreamError>) {
        self.health.record(!matches!(result, Err(UpstreamError::Transport { .. })));
    }
}

#[async_trait]
impl Upstream for HealthTracked {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<UpstreamBody>, UpstreamError> {
        let result = self.inner.send(request).await;
        self.record(&result);
        result
    }

    async fn send_stream(
        &self,
        request: Request<()>,
        body: RequestStream,
    ) -> Result<Response<UpstreamBody>, UpstreamError> {
        let result = self.inner.send_stream(request, body).await;
        self.record(&result);
        result
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
