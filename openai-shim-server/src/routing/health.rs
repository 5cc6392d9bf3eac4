//! Whether an upstream was lately reached: for `/readyz`, which asks nobody.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use openai_shim_core::upstream::UpstreamBody;
use openai_shim_core::{Upstream, UpstreamError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a failure counts. After that nothing is known: a server that is never asked again could never be ready again.
const REMEMBERED: Duration = Duration::from_secs(10);

/// When an upstream could last not be reached, if nothing has succeeded since.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<Option<Instant>>);

impl Health {
    /// Whether the upstream could lately not be reached.
    pub(crate) fn is_broken(&self) -> bool {
        self.0.lock().is_ok_and(|failed| failed.is_some_and(|at| at.elapsed() < REMEMBERED))
    }

    fn record(&self, reached: bool) {
        if let Ok(mut failed) = self.0.lock() {
            *failed = (!reached).then(Instant::now);
        }
    }
}

/// An upstream whose health is noted.
pub(crate) struct HealthTracked {
    pub(crate) inner: Arc<dyn Upstream>,
    pub(crate) health: Arc<Health>,
}

#[async_trait]
impl Upstream for HealthTracked {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<UpstreamBody>, UpstreamError> {
        let sent = self.inner.send(request).await;
        // Any answer, an error too, means that there is someone.
        self.health.record(!matches!(sent, Err(UpstreamError::Transport { .. })));
        sent
    }

    async fn pause(&self, duration: Duration) {
        self.inner.pause(duration).await;
    }

    fn clock(&self) -> Option<Duration> {
        self.inner.clock()
    }
}
