//! The transport of a target: that of its upstream, with its open requests and its attempts recorded.

use super::target_health::{OpenRequest, TargetHealth};
use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use http::{Request, Response};
use openai_shim_core::exchange::AttemptReport;
use openai_shim_core::upstream::{ByteStream, RequestStream, UpstreamBody};
use openai_shim_core::{Upstream, UpstreamError};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// Records what becomes of the requests to one target.
pub(crate) struct TrackedTarget {
    pub(crate) inner: Arc<dyn Upstream>,
    pub(crate) health: Arc<TargetHealth>,
}

#[async_trait]
impl Upstream for TrackedTarget {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<UpstreamBody>, UpstreamError> {
        let open = self.health.open_request();
        Ok(self.inner.send(request).await?.map(|body| keep_open(body, open)))
    }

    async fn send_stream(
        &self,
        request: Request<()>,
        body: RequestStream,
    ) -> Result<Response<UpstreamBody>, UpstreamError> {
        let open = self.health.open_request();
        Ok(self.inner.send_stream(request, body).await?.map(|body| keep_open(body, open)))
    }

    async fn pause(&self, duration: Duration) {
        self.inner.pause(duration).await;
    }

    fn clock(&self) -> Option<Duration> {
        self.inner.clock()
    }

    fn attempt_ended(&self, attempt: &AttemptReport) {
        self.health.record_attempt(attempt);
    }
}

/// The request is open as long as its response is read.
fn keep_open(body: UpstreamBody, open: OpenRequest) -> UpstreamBody {
    match body {
        UpstreamBody::Stream(source) => UpstreamBody::Stream(Box::pin(OpenBody { source, _open: open })),
        complete => complete,
    }
}

struct OpenBody {
    source: ByteStream,
    _open: OpenRequest,
}

impl Stream for OpenBody {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.source.as_mut().poll_next(cx)
    }
}
