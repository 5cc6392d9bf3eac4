//! The only place that knows reqwest: base URL, key, timeouts and connections of one upstream.

use crate::config::{Timeouts, UpstreamConfig};
use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use http::header::ACCEPT_ENCODING;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body::Body as _;
use openai_shim_core::error::StatusError;
use openai_shim_core::upstream::ReplyBody;
use openai_shim_core::{ErrorKind, Upstream, UpstreamError};
use reqwest::redirect::{self, Policy};
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep, timeout};

/// An upstream behind HTTP.
#[derive(Debug)]
pub struct HttpUpstream {
    client: reqwest::Client,
    base: String,
    key: Option<(HeaderName, HeaderValue)>,
    timeouts: Timeouts,
}

impl HttpUpstream {
    /// An upstream at `base` (without a trailing slash), with the key and profile of its configuration.
    ///
    /// # Errors
    /// One sentence, when the key cannot be sent or TLS cannot be set up.
    pub fn new(base: &str, config: &UpstreamConfig, timeouts: Timeouts) -> Result<Self, String> {
        provide_tls();
        // A system's own roots decide; where it has none (a container from scratch) those of Mozilla do.
        let client = builder(base, timeouts)
            .build()
            .or_else(|_| builder(base, timeouts).tls_certs_merge(bundled_roots()).build())
            .map_err(|e| format!("HTTP cannot be set up: {e}"))?;
        let key = match &config.api_key {
            Some(secret) => {
                let auth = &config.profile.auth;
                let name = HeaderName::try_from(auth.header.as_str())
                    .map_err(|_| "its auth header has no valid name")?;
                let value = format!("{}{}", auth.prefix, secret.expose());
                let mut value = HeaderValue::try_from(value)
                    .map_err(|_| "its key has characters that no header may have")?;
                value.set_sensitive(true);
                Some((name, value))
            }
            None => None,
        };
        Ok(Self { client, base: base.to_owned(), key, timeouts })
    }
}

/// Makes ring the process's TLS provider: reqwest, built without one, needs it before its first client.
pub fn provide_tls() {
    // A second installation is refused, and that is fine: it is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn builder(base: &str, timeouts: Timeouts) -> reqwest::ClientBuilder {
    // Compressed answers are not asked for: nothing here could read them.
    let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]);
    let builder = reqwest::Client::builder()
        .connect_timeout(timeouts.connect)
        .pool_idle_timeout(Duration::from_secs(50))
        .tcp_nodelay(true)
        .redirect(Policy::custom(follow))
        .referer(false)
        .default_headers(headers)
        .user_agent(concat!("openai-shim/", env!("CARGO_PKG_VERSION")));
    if is_local(base) { builder.no_proxy() } else { builder }
}

fn bundled_roots() -> impl Iterator<Item = reqwest::Certificate> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter_map(|der| reqwest::Certificate::from_der(der).ok())
}

/// Follows only to the same server, and only where the request stays what it is; the key goes nowhere else.
fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let keeps_method = matches!(attempt.status().as_u16(), 307 | 308);
    let to = attempt.url();
    let stays = attempt.previous().last().is_some_and(|from| {
        (from.scheme(), from.host_str(), from.port_or_known_default())
            == (to.scheme(), to.host_str(), to.port_or_known_default())
    });
    if keeps_method && stays && attempt.previous().len() <= 3 { attempt.follow() } else { attempt.stop() }
}

/// A redirection that was not followed, in words that help.
fn redirected(status: StatusCode) -> UpstreamError {
    let text = format!(
        "The upstream answered {} and wants to be asked at another address; correct its base_url (https instead of \
         http, or another path).",
        status.as_u16()
    );
    UpstreamError::Status(Box::new(StatusError::new(502, ErrorKind::Upstream, text)))
}

fn is_local(base: &str) -> bool {
    let host = base.split("://").nth(1).unwrap_or_default();
    ["127.", "localhost", "[::1]"].iter().any(|local| host.starts_with(local))
}

#[async_trait]
impl Upstream for HttpUpstream {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<ReplyBody>, UpstreamError> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let mut headers = parts.headers;
        if let Some((name, value)) = &self.key {
            headers.insert(name, value.clone());
        }
        let sending = self
            .client
            .request(parts.method, format!("{}{path}", self.base))
            .headers(headers)
            .body(body)
            .send();
        let response = match timeout(self.timeouts.first_byte, sending).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(failure(error)),
            Err(_) => {
                let seconds = self.timeouts.first_byte.as_secs_f64();
                return Err(UpstreamError::timeout(format!(
                    "The upstream did not begin to answer within {seconds} s."
                )));
            }
        };
        let response: Response<reqwest::Body> = response.into();
        let (head, body) = response.into_parts();
        if head.status.is_redirection() {
            return Err(redirected(head.status));
        }
        let body = Incoming::new(body, self.timeouts.idle);
        Ok(Response::from_parts(head, ReplyBody::Stream(Box::pin(body))))
    }

    async fn pause(&self, duration: Duration) {
        sleep(duration).await;
    }

    fn clock(&self) -> Option<Duration> {
        Some(super::clock())
    }
}

/// One sentence for a failure: no address, no key. The log has the rest.
fn failure(error: reqwest::Error) -> UpstreamError {
    let error = error.without_url();
    let mut chain: Vec<&(dyn Error + 'static)> = vec![&error];
    let mut next = error.source();
    while let Some(source) = next {
        chain.push(source);
        next = source.source();
    }
    let said: Vec<String> = chain.iter().map(ToString::to_string).collect();
    tracing::warn!("an upstream failed: {}", said.join(": "));
    if error.is_timeout() {
        return UpstreamError::timeout("The upstream could not be connected to in time.");
    }
    let what = if error.is_connect() { "could not be reached" } else { "broke off the connection" };
    UpstreamError::transport(format!("The upstream {what}: {}.", cause(&chain)))
}

/// The innermost cause in plain words; the libraries' own often name hosts and numbers.
fn cause(chain: &[&(dyn Error + 'static)]) -> String {
    let says = |word: &str| chain.iter().any(|e| e.to_string().contains(word));
    if says("dns error") {
        return String::from("its name cannot be resolved");
    }
    if says("certificate") {
        return String::from("its TLS certificate is not trusted");
    }
    let Some(last) = chain.last() else { return String::new() };
    match last.downcast_ref::<std::io::Error>() {
        Some(io) if io.raw_os_error().is_some() => io.kind().to_string(),
        _ => last.to_string(),
    }
}

/// An answer's body as it arrives, with a limit on silence. Only the time counts in which somebody waits: a client that is
/// slow to read does not make its upstream silent.
struct Incoming {
    body: reqwest::Body,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
    waiting: bool,
    over: bool,
}

impl Incoming {
    fn new(body: reqwest::Body, idle: Duration) -> Self {
        Self { body, idle, timer: Box::pin(sleep(idle)), waiting: false, over: false }
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<UpstreamError> {
        if !std::mem::replace(&mut self.waiting, true) {
            self.timer.as_mut().reset(Instant::now() + self.idle);
        }
        self.timer.as_mut().poll(cx).map(|()| {
            let seconds = self.idle.as_secs_f64();
            UpstreamError::timeout(format!("The upstream fell silent for {seconds} s."))
        })
    }
}

impl Stream for Incoming {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        let item = loop {
            break match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => Some(Ok(data)),
                    Err(_trailers) => continue,
                },
                Poll::Ready(Some(Err(error))) => Some(Err(failure(error))),
                Poll::Ready(None) => None,
                Poll::Pending => Some(Err(ready!(self.poll_silence(cx)))),
            };
        };
        self.waiting = false;
        self.over = !matches!(item, Some(Ok(_)));
        Poll::Ready(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    /// Every second poll has nothing yet, but wakes at once.
    struct Hesitant(u32);

    impl http_body::Body for Hesitant {
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
    async fn time_in_which_nobody_reads_is_no_silence_of_the_upstream() {
        let mut body = Incoming::new(reqwest::Body::wrap(Hesitant(0)), Duration::from_millis(20));
        for _ in 0..3 {
            let item = poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await;
            assert_eq!(item, Some(Ok(Bytes::from_static(b"x"))));
            sleep(Duration::from_millis(60)).await;
        }
    }

    #[test]
    fn causes_are_plain_words_without_hosts() {
        let refused = std::io::Error::from_raw_os_error(111);
        assert_eq!(cause(&[&refused]), "connection refused");
        let lookup = std::io::Error::other("dns error: failed to lookup secret.example");
        assert_eq!(cause(&[&lookup]), "its name cannot be resolved");
        let tls = std::io::Error::other("invalid peer certificate: not valid for name secret.example");
        assert_eq!(cause(&[&tls]), "its TLS certificate is not trusted");
    }
}
