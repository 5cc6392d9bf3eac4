//! [`Upstream`]: an HTTP request to an upstream in, the head and body of its response out.

use crate::error::UpstreamError;
use crate::exchange::AttemptReport;
use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Bytes that arrive over time.
///
/// ```
/// use openai_shim_core::upstream::{ByteStream, UpstreamBody};
/// let bytes: ByteStream = UpstreamBody::complete("hello").into_stream();
/// ```
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, UpstreamError>> + Send>>;

/// The body of a response.
#[non_exhaustive]
pub enum UpstreamBody {
    /// All of it.
    Complete(Bytes),
    /// Its bytes as they arrive.
    Stream(ByteStream),
}

impl UpstreamBody {
    /// A body that is there as a whole.
    ///
    /// ```
    /// use openai_shim_core::UpstreamBody;
    /// let response = http::Response::new(UpstreamBody::complete(r#"{"choices":[]}"#));
    /// ```
    pub fn complete(bytes: impl Into<Bytes>) -> Self {
        Self::Complete(bytes.into())
    }

    /// A body that arrives. An error of its source other than an [`UpstreamError`] is a connection that
    /// broke.
    ///
    /// ```
    /// use openai_shim_core::UpstreamBody;
    /// # fn example(chunks: impl futures_core::Stream<Item = std::io::Result<bytes::Bytes>> + Send + 'static) {
    /// let response = http::Response::new(UpstreamBody::stream(chunks)); // such as reqwest's `bytes_stream()`
    /// # }
    /// ```
    pub fn stream<S, E>(source: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        struct Arriving<S>(Pin<Box<S>>);
        impl<S, E> Stream for Arriving<S>
        where
            S: Stream<Item = Result<Bytes, E>>,
            E: Into<Box<dyn std::error::Error + Send + Sync>>,
        {
            type Item = Result<Bytes, UpstreamError>;
            fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
                let broken = |error: E| match error.into().downcast::<UpstreamError>() {
                    Ok(error) => *error,
                    Err(error) => UpstreamError::transport(error.to_string()).with_source(error),
                };
                self.0.as_mut().poll_next(cx).map(|next| next.map(|chunk| chunk.map_err(broken)))
            }
        }
        Self::Stream(Box::pin(Arriving(Box::pin(source))))
    }

    /// The body as a stream; one that is complete is one chunk.
    pub fn into_stream(self) -> ByteStream {
        struct SingleChunk(Option<Bytes>);
        impl Stream for SingleChunk {
            type Item = Result<Bytes, UpstreamError>;
            fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
                Poll::Ready(self.0.take().map(Ok))
            }
        }
        match self {
            Self::Complete(bytes) => Box::pin(SingleChunk(Some(bytes))),
            Self::Stream(source) => source,
        }
    }
}

impl std::fmt::Debug for UpstreamBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Complete(bytes) => f.debug_tuple("Complete").field(&bytes.len()).finish(),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// Among the extensions of a response: its upstream refused the key (401, 402, 403 or 429), and the transport has another one,
/// with which it sends the next request. The exchange sends the same request again at once.
///
/// ```
/// use openai_shim_core::upstream::{OtherKey, UpstreamBody};
/// fn refused(mut response: http::Response<UpstreamBody>) -> http::Response<UpstreamBody> {
///     response.extensions_mut().insert(OtherKey);
///     response
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherKey;

/// The body of a request that is sent while it arrives.
///
/// ```
/// use openai_shim_core::upstream::{RequestStream, UpstreamBody};
/// let body = RequestStream { length: Some(5), bytes: UpstreamBody::complete("hello").into_stream() };
/// assert_eq!(body.length, Some(5));
/// ```
pub struct RequestStream {
    /// How many bytes it has, if that is known before.
    pub length: Option<u64>,
    /// The bytes. An error ends the request: the upstream must not take what was sent for a whole body.
    pub bytes: ByteStream,
}

impl std::fmt::Debug for RequestStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RequestStream").field(&self.length).finish()
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

    /// Sends a request whose body is still arriving. It can be sent only once. Without an implementation the body is collected
    /// before.
    async fn send_stream(
        &self,
        request: http::Request<()>,
        mut body: RequestStream,
    ) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        let mut all = Vec::new();
        while let Some(bytes) = poll_fn(|cx| body.bytes.as_mut().poll_next(cx)).await {
            all.extend_from_slice(&bytes?);
        }
        self.send(request.map(|()| Bytes::from(all))).await
    }

    /// Tells what came of a request that was sent with [`send`](Self::send): it has failed, or the client's response begins with
    /// its response. For those that choose by it: without an implementation nothing happens.
    fn attempt_ended(&self, _attempt: &AttemptReport) {}

    /// Waits before a retry. Core has no clock: without an implementation retries follow at once.
    async fn pause(&self, _duration: Duration) {}

    /// Returns the time since some fixed moment. Core has no clock: without an implementation, dialects that state durations
    /// state none.
    fn clock(&self) -> Option<Duration> {
        None
    }
}
