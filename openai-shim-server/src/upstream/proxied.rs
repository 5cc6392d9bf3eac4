//! Sends requests through the proxy that the environment names (`HTTPS_PROXY`, …), with reqwest, which is used only here.

use super::http::connect_error::{NAME_UNRESOLVED, NOT_TRUSTED};
use super::http::idle_timeout::IdleTimeout;
use super::http::peer::{Peer, WaitKind};
use super::http::pool::IDLE_LIFETIME;
use super::http::redirect::MAX_REDIRECTS;
use crate::config::Timeouts;
use crate::http::socket_errors::describe_no_descriptors;
use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use openai_shim_core::UpstreamError;
use openai_shim_core::upstream::{ByteStream, RequestStream};
use reqwest::redirect::{self, Policy};
use std::error::Error;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

/// Makes ring the process's TLS provider: reqwest, built without one, needs it before its first client.
pub fn provide_tls() {
    // A second installation is refused; it would be the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Builds a client with the same TLS roots as [`connect`](super::http::connect).
pub(super) fn client(fixed: HeaderMap, timeouts: Timeouts) -> Result<reqwest::Client, String> {
    provide_tls();
    let client = builder(fixed.clone(), timeouts).build();
    client
        .or_else(|_| builder(fixed, timeouts).tls_certs_merge(bundled_roots()).build())
        .map_err(|e| format!("HTTP cannot be set up: {e}"))
}

fn builder(fixed: HeaderMap, timeouts: Timeouts) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(timeouts.connect)
        .pool_idle_timeout(IDLE_LIFETIME)
        .tcp_nodelay(true)
        .redirect(Policy::custom(redirect_policy))
        .referer(false)
        // Retries are the exchange's task, which counts attempts.
        .retry(reqwest::retry::never())
        .default_headers(fixed)
}

fn bundled_roots() -> impl Iterator<Item = reqwest::Certificate> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter_map(|der| reqwest::Certificate::from_der(der).ok())
}

/// Follows redirections that keep the method (307, 308) and the server: the key must not reach another server.
fn redirect_policy(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let keeps_method = matches!(attempt.status().as_u16(), 307 | 308);
    let target = attempt.url();
    let same_server = attempt.previous().last().is_some_and(|from| from.origin() == target.origin());
    if keeps_method && same_server && attempt.previous().len() <= MAX_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// Sends a request with an absolute URI.
pub(super) async fn send(
    client: &reqwest::Client,
    request: Request<reqwest::Body>,
    idle_timeout: IdleTimeout,
) -> Result<Response<ProxiedBody>, UpstreamError> {
    let (parts, body) = request.into_parts();
    let sending =
        client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body).send();
    let response: Response<reqwest::Body> =
        sending.await.map_err(|error| upstream_error(&idle_timeout.peer, error))?.into();
    Ok(response.map(|body| ProxiedBody { body, idle_timeout, is_over: false }))
}

/// A request's body that still arrives.
pub(super) fn arriving_body(body: RequestStream) -> reqwest::Body {
    reqwest::Body::wrap(ArrivingRequest { length: body.length, bytes: Mutex::new(body.bytes) })
}

struct ArrivingRequest {
    length: Option<u64>,
    /// Behind a lock because reqwest shares bodies between threads; it is never waited for.
    bytes: Mutex<ByteStream>,
}

impl http_body::Body for ArrivingRequest {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        let bytes = self.bytes.get_mut().unwrap_or_else(PoisonError::into_inner);
        bytes.as_mut().poll_next(cx).map_ok(Frame::data)
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

/// Logs reqwest's error with its causes; the client gets one sentence without address and key.
fn upstream_error(peer: &Peer, error: reqwest::Error) -> UpstreamError {
    let error = error.without_url();
    let mut chain: Vec<&(dyn Error + 'static)> = vec![&error];
    let mut next = error.source();
    while let Some(source) = next {
        chain.push(source);
        next = source.source();
    }
    let causes: Vec<String> = chain.iter().map(ToString::to_string).collect();
    peer.warn(&format_args!("an upstream behind a proxy failed: {}", causes.join(": ")));
    if error.is_timeout() {
        return peer.timed_out(WaitKind::Connect);
    }
    let io = chain.iter().find_map(|error| error.downcast_ref::<std::io::Error>());
    match io.and_then(describe_no_descriptors) {
        Some(text) => peer.no_descriptors(text),
        None if error.is_connect() => peer.unreachable_through_proxy(&describe_cause(&chain)),
        None => peer.disconnected(&describe_cause(&chain)),
    }
}

/// Describes the innermost cause without hosts and numbers, which the libraries' texts often contain.
fn describe_cause(chain: &[&(dyn Error + 'static)]) -> String {
    let mentions = |text: &str| chain.iter().any(|e| e.to_string().contains(text));
    if mentions("dns error") {
        return String::from(NAME_UNRESOLVED);
    }
    if mentions("certificate") {
        return String::from(NOT_TRUSTED);
    }
    let Some(last) = chain.last() else { return String::new() };
    match last.downcast_ref::<std::io::Error>() {
        Some(io) if io.raw_os_error().is_some() => io.kind().to_string(),
        _ => last.to_string(),
    }
}

/// A response's body as it arrives, with its timeouts.
pub(super) struct ProxiedBody {
    body: reqwest::Body,
    idle_timeout: IdleTimeout,
    is_over: bool,
}

impl Stream for ProxiedBody {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let item = loop {
            break match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => Some(Ok(data)),
                    Err(_trailers) => continue,
                },
                Poll::Ready(Some(Err(error))) => Some(Err(upstream_error(&self.idle_timeout.peer, error))),
                Poll::Ready(None) => None,
                Poll::Pending => Some(Err(ready!(self.idle_timeout.poll(cx)))),
            };
        };
        let item = match item {
            Some(Ok(data)) => Some(self.idle_timeout.record_progress().map_or(Ok(data), Err)),
            item => item,
        };
        self.is_over = !matches!(item, Some(Ok(_)));
        Poll::Ready(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Overrides, read};
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::time::sleep;

    /// Every second poll is pending, and wakes at once.
    struct PendingEverySecondPoll(u32);

    impl http_body::Body for PendingEverySecondPoll {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
            self.0 += 1;
            if self.0.is_multiple_of(2) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b"x")))))
        }
    }

    #[tokio::test]
    async fn pause_of_the_reader_is_not_upstream_idle_time() {
        let config = read(&Overrides { upstream: Some("http://h".into()), ..Overrides::default() }).unwrap();
        let timeouts = Timeouts { idle: Duration::from_millis(20), ..Timeouts::default() };
        let idle_timeout =
            IdleTimeout::new(Arc::new(Peer::new("http://h", &config.upstreams[0], timeouts)), None);
        let mut body = ProxiedBody {
            body: reqwest::Body::wrap(PendingEverySecondPoll(0)),
            idle_timeout,
            is_over: false,
        };
        for _ in 0..3 {
            let item = poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await;
            assert_eq!(item, Some(Ok(Bytes::from_static(b"x"))));
            sleep(Duration::from_millis(60)).await;
        }
    }

    #[test]
    fn causes_are_described_without_hosts() {
        let refused = std::io::Error::from_raw_os_error(111);
        assert_eq!(describe_cause(&[&refused]), "connection refused");
        let lookup = std::io::Error::other("dns error: failed to lookup secret.example");
        assert_eq!(describe_cause(&[&lookup]), "its name cannot be resolved");
        let tls = std::io::Error::other("invalid peer certificate: not valid for name secret.example");
        assert_eq!(describe_cause(&[&tls]), "its TLS certificate is not trusted");
    }
}
