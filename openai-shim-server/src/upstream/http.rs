//! The only place that knows reqwest: base URL, key, timeouts and connections of one upstream.

use crate::config::{Timeouts, UpstreamConfig};
use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body::Body as _;
use openai_shim_core::upstream::ReplyBody;
use openai_shim_core::{Upstream, UpstreamError};
use std::pin::Pin;
use std::task::{Context, Poll};
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
        let mut builder = reqwest::Client::builder()
            .connect_timeout(timeouts.connect)
            .pool_idle_timeout(Duration::from_secs(50))
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .user_agent(concat!("openai-shim/", env!("CARGO_PKG_VERSION")));
        if is_local(base) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|e| format!("HTTP cannot be set up: {e}"))?;
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
            Ok(Err(error)) => return Err(failure(&error)),
            Err(_) => {
                let seconds = self.timeouts.first_byte.as_secs_f64();
                return Err(UpstreamError::timeout(format!(
                    "The upstream did not begin to answer within {seconds} s."
                )));
            }
        };
        let response: Response<reqwest::Body> = response.into();
        let (head, body) = response.into_parts();
        let body = Incoming {
            body,
            idle: self.timeouts.idle,
            timer: Box::pin(sleep(self.timeouts.idle)),
            over: false,
        };
        Ok(Response::from_parts(head, ReplyBody::Stream(Box::pin(body))))
    }

    async fn pause(&self, duration: Duration) {
        sleep(duration).await;
    }
}

/// One sentence for a failure: no address, no key.
fn failure(error: &reqwest::Error) -> UpstreamError {
    if error.is_timeout() {
        return UpstreamError::timeout("The upstream could not be connected to in time.");
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let what = if error.is_connect() { "could not be reached" } else { "broke off the connection" };
    UpstreamError::transport(format!("The upstream {what}: {cause}."))
}

/// An answer's body as it arrives, with a limit on silence.
struct Incoming {
    body: reqwest::Body,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
    over: bool,
}

impl Stream for Incoming {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        loop {
            let item = match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => Some(Ok(data)),
                    Err(_trailers) => continue,
                },
                Poll::Ready(Some(Err(error))) => Some(Err(failure(&error))),
                Poll::Ready(None) => None,
                Poll::Pending => {
                    if self.timer.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    let seconds = self.idle.as_secs_f64();
                    Some(Err(UpstreamError::timeout(format!("The upstream fell silent for {seconds} s."))))
                }
            };
            self.over = !matches!(item, Some(Ok(_)));
            let next = Instant::now() + self.idle;
            self.timer.as_mut().reset(next);
            return Poll::Ready(item);
        }
    }
}
