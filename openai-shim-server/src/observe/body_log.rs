//! Logs request and response bodies with secrets redacted, only when configured (`filter = "info,bodies=debug"`).

use crate::app_state::AppState;
use async_trait::async_trait;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_core::Stream;
use http::Request;
use openai_shim_core::exchange::AttemptReport;
use openai_shim_core::upstream::{ByteStream, RequestStream, UpstreamBody};
use openai_shim_core::{Upstream, UpstreamError};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tracing::Level;

/// The `tracing` target of the log lines.
pub(crate) const TARGET: &str = "bodies";
/// The most bytes of a body in one line.
const MAX_LOGGED_BYTES: usize = 16 << 10;
/// Replaces a secret.
const REDACTED: &str = "[redacted]";

/// Whether the configuration enables the body log.
pub(crate) fn is_enabled() -> bool {
    tracing::enabled!(target: TARGET, Level::DEBUG)
}

/// Logs the bodies of one request.
#[derive(Clone)]
pub(crate) struct BodyLog {
    request_id: String,
    app: Arc<AppState>,
}

impl BodyLog {
    pub(crate) fn new(app: Arc<AppState>, id: &str) -> Self {
        Self { request_id: id.to_owned(), app }
    }

    /// Logs bytes with their direction (`request`, `to upstream`, `from upstream`, `reply`).
    pub(crate) fn log(&self, direction: &'static str, bytes: &[u8]) {
        let text =
            String::from_utf8_lossy(bytes.get(..MAX_LOGGED_BYTES.min(bytes.len())).unwrap_or_default());
        let body = self.redact(&text);
        tracing::debug!(target: TARGET, id = self.request_id, way = direction, length = bytes.len(), body, "body");
    }

    fn redact(&self, text: &str) -> String {
        let keys = self.app.config.keys().map(crate::config::Secret::expose);
        keys.filter(|secret| !secret.is_empty())
            .fold(redact_keys(text), |text, secret| text.replace(secret, REDACTED))
    }

    /// Wraps an upstream so that requests to it and responses from it are logged.
    pub(crate) fn log_traffic_of(self, inner: Arc<dyn Upstream>) -> Arc<dyn Upstream> {
        Arc::new(LoggedUpstream { inner, log: self })
    }

    /// Wraps a response so that its body is logged as it is sent.
    pub(crate) fn log_response(self, response: Response) -> Response {
        response.map(|body| {
            Body::from_stream(LoggedStream { source: body.into_data_stream(), log: self, direction: "reply" })
        })
    }
}

/// Redacts text that looks like an API key (`sk-…`), also if it is not a configured one.
fn redact_keys(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("sk-") {
        let (before, candidate) = rest.split_at(start);
        let end = candidate
            .find(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c))
            .unwrap_or(candidate.len());
        let (token, after) = candidate.split_at(end);
        let is_inside_word = before.ends_with(|c: char| c.is_ascii_alphanumeric());
        out.push_str(before);
        out.push_str(if token.len() >= 16 && !is_inside_word { REDACTED } else { token });
        rest = after;
    }
    out.push_str(rest);
    out
}

struct LoggedUpstream {
    inner: Arc<dyn Upstream>,
    log: BodyLog,
}

#[async_trait]
impl Upstream for LoggedUpstream {
    async fn send(&self, request: Request<Bytes>) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        self.log.log("to upstream", request.body());
        Ok(self.inner.send(request).await?.map(|body| self.log_body(body)))
    }

    async fn send_stream(
        &self,
        request: Request<()>,
        mut body: RequestStream,
    ) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        body.bytes = self.log_stream(body.bytes, "to upstream");
        Ok(self.inner.send_stream(request, body).await?.map(|body| self.log_body(body)))
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

impl LoggedUpstream {
    fn log_body(&self, body: UpstreamBody) -> UpstreamBody {
        match body {
            UpstreamBody::Complete(bytes) => {
                self.log.log("from upstream", &bytes);
                UpstreamBody::Complete(bytes)
            }
            UpstreamBody::Stream(source) => UpstreamBody::Stream(self.log_stream(source, "from upstream")),
            other => other,
        }
    }

    fn log_stream(&self, source: ByteStream, direction: &'static str) -> ByteStream {
        Box::pin(LoggedStream { source, log: self.log.clone(), direction })
    }
}

/// Logs each chunk of a stream.
struct LoggedStream<S> {
    source: S,
    log: BodyLog,
    direction: &'static str,
}

impl<S: Stream<Item = Result<Bytes, E>> + Unpin, E> Stream for LoggedStream<S> {
    type Item = Result<Bytes, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.source).poll_next(cx);
        if let Poll::Ready(Some(Ok(chunk))) = &polled {
            self.log.log(self.direction, chunk);
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_looks_like_a_key_is_redacted() {
        let text = r#"{"a":"sk-proj-0123456789abcdef","b":"task-force-0123456789","c":"sk-short"}"#;
        let expected = r#"{"a":"[redacted]","b":"task-force-0123456789","c":"sk-short"}"#;
        assert_eq!(redact_keys(text), expected);
    }
}
