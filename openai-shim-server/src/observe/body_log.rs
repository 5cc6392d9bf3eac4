//! What was said, in the log: only for those who ask for it (`filter = "info,bodies=debug"`), and never a secret.

use crate::app_state::AppState;
use async_trait::async_trait;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_core::Stream;
use http::Request;
use openai_shim_core::upstream::{ByteStream, UpstreamBody};
use openai_shim_core::{Upstream, UpstreamError};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tracing::Level;

/// The target of the log lines.
pub(crate) const TARGET: &str = "bodies";
/// The most bytes of a body in one line.
const MAX: usize = 16 << 10;
/// What stands in the place of a secret.
const REDACTED: &str = "[redacted]";

/// Whether bodies were asked for.
pub(crate) fn wanted() -> bool {
    tracing::enabled!(target: TARGET, Level::DEBUG)
}

/// Writes one request's bodies.
#[derive(Clone)]
pub(crate) struct BodyLog {
    id: String,
    app: Arc<AppState>,
}

impl BodyLog {
    pub(crate) fn new(app: Arc<AppState>, id: &str) -> Self {
        Self { id: id.to_owned(), app }
    }

    /// Writes bytes that went somewhere (`client`, `to upstream`, …).
    pub(crate) fn line(&self, way: &'static str, bytes: &[u8]) {
        let shown = String::from_utf8_lossy(bytes.get(..MAX.min(bytes.len())).unwrap_or_default());
        let body = self.redacted(&shown);
        tracing::debug!(target: TARGET, id = self.id, way, length = bytes.len(), body, "body");
    }

    fn redacted(&self, text: &str) -> String {
        let config = &self.app.config;
        let keys =
            config.client_keys.iter().chain(config.upstreams.iter().filter_map(|u| u.api_key.as_ref()));
        keys.map(crate::config::Secret::expose)
            .filter(|secret| !secret.is_empty())
            .fold(without_keys(text), |text, secret| text.replace(secret, REDACTED))
    }

    /// The same upstream, with everything that it is told and says written down.
    pub(crate) fn log_traffic_of(self, inner: Arc<dyn Upstream>) -> Arc<dyn Upstream> {
        Arc::new(LoggedUpstream { inner, bodies: self })
    }

    /// The same reply, with its body written down as it leaves.
    pub(crate) fn leaving(self, response: Response) -> Response {
        response.map(|body| {
            Body::from_stream(Lines { source: body.into_data_stream(), bodies: self, way: "reply" })
        })
    }
}

/// Keys that look like keys, also when they are not ours.
fn without_keys(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("sk-") {
        let (before, from) = rest.split_at(at);
        let end = from.find(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        let inside = before.ends_with(|c: char| c.is_ascii_alphanumeric());
        out.push_str(before);
        out.push_str(if word.len() >= 16 && !inside { REDACTED } else { word });
        rest = after;
    }
    out.push_str(rest);
    out
}

struct LoggedUpstream {
    inner: Arc<dyn Upstream>,
    bodies: BodyLog,
}

#[async_trait]
impl Upstream for LoggedUpstream {
    async fn send(&self, request: Request<Bytes>) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        self.bodies.line("to upstream", request.body());
        let (head, body) = self.inner.send(request).await?.into_parts();
        let body = match body {
            UpstreamBody::Complete(bytes) => {
                self.bodies.line("from upstream", &bytes);
                UpstreamBody::Complete(bytes)
            }
            UpstreamBody::Stream(source) => UpstreamBody::Stream(self.listen(source)),
            other => other,
        };
        Ok(http::Response::from_parts(head, body))
    }

    async fn pause(&self, duration: Duration) {
        self.inner.pause(duration).await;
    }

    fn clock(&self) -> Option<Duration> {
        self.inner.clock()
    }
}

impl LoggedUpstream {
    fn listen(&self, source: ByteStream) -> ByteStream {
        Box::pin(Lines { source, bodies: self.bodies.clone(), way: "from upstream" })
    }
}

/// A stream with each of its chunks written down.
struct Lines<S> {
    source: S,
    bodies: BodyLog,
    way: &'static str,
}

impl<S: Stream<Item = Result<Bytes, E>> + Unpin, E> Stream for Lines<S> {
    type Item = Result<Bytes, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.source).poll_next(cx);
        if let Poll::Ready(Some(Ok(chunk))) = &polled {
            self.bodies.line(self.way, chunk);
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_key_is_redacted() {
        let text = r#"{"a":"sk-proj-0123456789abcdef","b":"task-force-0123456789","c":"sk-short"}"#;
        let expected = r#"{"a":"[redacted]","b":"task-force-0123456789","c":"sk-short"}"#;
        assert_eq!(without_keys(text), expected);
    }
}
