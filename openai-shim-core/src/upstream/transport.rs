//! [`Upstream`]: an HTTP request to an upstream in, the head and body of its response out.

use crate::error::UpstreamError;
use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Bytes that arrive over time.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, UpstreamError>> + Send>>;

/// The body of a response.
#[non_exhaustive]
pub enum UpstreamBody {
    /// All of it.
    Complete(Bytes),
    /// Its bytes as they arrive.
    Stream(ByteStream),
}

impl std::fmt::Debug for UpstreamBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Complete(bytes) => f.debug_tuple("Complete").field(&bytes.len()).finish(),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// Sends requests to an upstream.
///
/// The request's URI is relative to the upstream's base URL (`/chat/completions`) and carries no credentials: the
/// implementation adds base URL and keys, and has timeouts and connections. Dropping the future or the body's stream must
/// cancel the call. A [`Progress`](crate::upstream::Progress) among the request's extensions tells how far the response is.
#[async_trait]
pub trait Upstream: Send + Sync {
    /// Sends a request; returns the response's head, and its body as it arrives. A response with an error status is no
    /// `Err`.
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<UpstreamBody>, UpstreamError>;

    /// Waits before a retry. Core has no clock: without an implementation retries follow at once.
    async fn pause(&self, _duration: Duration) {}

    /// Returns the time since some fixed moment. Core has no clock: without an implementation, dialects that state durations
    /// state none.
    fn clock(&self) -> Option<Duration> {
        None
    }
}

#[async_trait]
impl<U: Upstream + ?Sized> Upstream for Arc<U> {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        (**self).send(request).await
    }

    async fn pause(&self, duration: Duration) {
        (**self).pause(duration).await;
    }

    fn clock(&self) -> Option<Duration> {
        (**self).clock()
    }
}
