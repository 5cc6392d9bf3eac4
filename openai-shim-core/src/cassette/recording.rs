//! [`RecordingUpstream`]: passes requests on, and hands out what went to the upstream and what came back.

use super::{RecordedAttempt, RecordedChunk, RecordedFailure, RecordedRequest, RecordedResponse};
use crate::error::UpstreamError;
use crate::exchange::AttemptReport;
use crate::upstream::{ByteStream, Upstream, UpstreamBody};
use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, DATE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// What takes the recorded attempts.
type Sink = Arc<dyn Fn(RecordedAttempt) + Send + Sync>;

/// The most bytes of a response that are recorded; a longer one is recorded as broken off there.
const MAX_RECORDED_BYTES: usize = 64 << 20;

/// An upstream whose traffic is recorded. Each attempt is handed out when its response has ended, or is dropped.
///
/// The bytes are those that the translation gets: behind TLS, chunked transfer and compression.
///
/// ```
/// use openai_shim_core::cassette::RecordingUpstream;
/// use openai_shim_core::Upstream;
/// use std::sync::Arc;
///
/// fn recorded(upstream: Arc<dyn Upstream>) -> RecordingUpstream {
///     RecordingUpstream::new(upstream, |attempt| println!("{} {:?}", attempt.request.path, attempt.response))
/// }
/// ```
pub struct RecordingUpstream {
    inner: Arc<dyn Upstream>,
    sink: Sink,
}

impl std::fmt::Debug for RecordingUpstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordingUpstream").finish_non_exhaustive()
    }
}

impl RecordingUpstream {
    /// Records the traffic of an upstream.
    pub fn new(inner: Arc<dyn Upstream>, sink: impl Fn(RecordedAttempt) + Send + Sync + 'static) -> Self {
        Self { inner, sink: Arc::new(sink) }
    }
}

#[async_trait]
impl Upstream for RecordingUpstream {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        let path = request.uri().path_and_query().map_or("", http::uri::PathAndQuery::as_str);
        let mut recorded = RecordedRequest::post(path, request.body().clone());
        request.method().as_str().clone_into(&mut recorded.method);
        recorded.headers = recorded_headers(request.headers());
        let attempt = RecordedAttempt { request: recorded, ..RecordedAttempt::default() };
        let mut recorder = AttemptRecorder {
            inner: self.inner.clone(),
            sink: self.sink.clone(),
            sent_at: self.inner.clock(),
            recorded_bytes: 0,
            attempt,
        };
        // If the client goes away while the upstream is silent, dropping the recorder hands out what there is.
        let response = match self.inner.send(request).await {
            Ok(response) => response,
            Err(error) => {
                recorder.attempt.failure = Some(RecordedFailure::new(&error));
                return Err(error);
            }
        };
        let (head, body) = response.into_parts();
        recorder.attempt.response =
            Some(RecordedResponse::new(head.status.as_u16(), recorded_headers(&head.headers)));
        let body = match body {
            UpstreamBody::Complete(bytes) => {
                recorder.record(&bytes);
                UpstreamBody::Complete(bytes)
            }
            UpstreamBody::Stream(source) => {
                UpstreamBody::Stream(Box::pin(RecordedStream { source, recorder }))
            }
        };
        Ok(http::Response::from_parts(head, body))
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

/// The headers of a message that a cassette keeps, those apart that belong to a connection or change each time.
pub fn recorded_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    const OF_CONNECTIONS: [HeaderName; 6] =
        [CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, DATE, HOST, TRANSFER_ENCODING];
    headers
        .iter()
        .filter(|(name, _)| !OF_CONNECTIONS.contains(name))
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

/// Collects one attempt, and hands it out when it is dropped.
struct AttemptRecorder {
    inner: Arc<dyn Upstream>,
    sink: Sink,
    sent_at: Option<Duration>,
    recorded_bytes: usize,
    attempt: RecordedAttempt,
}

impl AttemptRecorder {
    fn record(&mut self, bytes: &Bytes) {
        self.recorded_bytes = self.recorded_bytes.saturating_add(bytes.len());
        if self.recorded_bytes > MAX_RECORDED_BYTES {
            let message = format!("Only {MAX_RECORDED_BYTES} bytes were recorded.");
            self.attempt.failure.get_or_insert(RecordedFailure::Connection(message));
            return;
        }
        let at = self.sent_at.zip(self.inner.clock()).map(|(sent_at, now)| now.saturating_sub(sent_at));
        if let Some(response) = &mut self.attempt.response {
            response.chunks.push(RecordedChunk { at: at.unwrap_or_default(), bytes: bytes.clone() });
        }
    }
}

impl Drop for AttemptRecorder {
    fn drop(&mut self) {
        (self.sink)(std::mem::take(&mut self.attempt));
    }
}

/// A stream whose chunks are recorded as they pass.
struct RecordedStream {
    source: ByteStream,
    recorder: AttemptRecorder,
}

impl Stream for RecordedStream {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = ready!(self.source.as_mut().poll_next(cx));
        match &polled {
            Some(Ok(chunk)) => self.recorder.record(chunk),
            Some(Err(error)) => self.recorder.attempt.failure = Some(RecordedFailure::new(error)),
            None => {}
        }
        Poll::Ready(polled)
    }
}
