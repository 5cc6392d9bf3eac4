//! An upstream behind HTTP/1.1: adds base URL, key and fixed headers to a request, follows redirections, limits every wait.
//!
//! Connections are this crate's own (`connection`): the task that awaits a response reads it from the socket, without a task
//! in between. `proxied` takes over where the environment names a proxy for the upstream's host.

mod api_keys;
mod body_framing;
mod body_writer;
pub(crate) mod connect;
pub(crate) mod connect_error;
mod connection;
mod direct;
mod head;
pub(super) mod idle_timeout;
pub(super) mod peer;
pub(super) mod pool;
pub(super) mod redirect;
mod socket;

use super::proxied;
use crate::clock;
use crate::config::{Timeouts, UpstreamConfig};
use crate::routing::key_rests::KeyRests;
use api_keys::ApiKeys;
use async_trait::async_trait;
use bytes::Bytes;
use direct::{DirectTransport, path_and_query};
use futures_core::Stream;
use http::header::{ACCEPT, ACCEPT_ENCODING, HOST, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use idle_timeout::IdleTimeout;
use openai_shim_core::profile::join_path;
use openai_shim_core::upstream::{ByteStream, OtherKey, Progress, RequestStream, UpstreamBody};
use openai_shim_core::{Upstream, UpstreamError};
use peer::{Peer, WaitKind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout, timeout_at};

pub use super::proxied::provide_tls;

/// An upstream behind HTTP.
pub struct HttpUpstream {
    base: String,
    transport: HttpTransport,
    keys: ApiKeys,
    peer: Arc<Peer>,
}

enum HttpTransport {
    Direct(DirectTransport),
    Proxied(reqwest::Client),
}

impl std::fmt::Debug for HttpUpstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpUpstream").field("base", &self.base).finish_non_exhaustive()
    }
}

impl HttpUpstream {
    /// An upstream at `base` (without a trailing slash), with the key and profile of its configuration.
    ///
    /// # Errors
    /// One sentence, when the key cannot be sent or TLS cannot be set up.
    pub fn new(base: &str, config: &UpstreamConfig, timeouts: Timeouts) -> Result<Self, String> {
        let uri: Uri = base.parse().map_err(|_| "its base URL is none")?;
        let host = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
        let peer = Arc::new(Peer::new(base, config, timeouts));
        let mut fixed_headers = vec![
            (HOST, HeaderValue::from_str(host).map_err(|_| "its host has no valid name")?),
            (USER_AGENT, HeaderValue::from_static(concat!("openai-shim/", env!("CARGO_PKG_VERSION")))),
            (ACCEPT, HeaderValue::from_static("*/*")),
            // Compression is not requested: decoding costs time. Some upstreams compress nevertheless.
            (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        ];
        let transport = if !is_local(base) && Matcher::from_system().intercept(&uri).is_some() {
            // reqwest sets `Host`.
            let fixed_headers = fixed_headers.drain(1..).collect();
            HttpTransport::Proxied(proxied::client(fixed_headers, timeouts)?)
        } else {
            HttpTransport::Direct(DirectTransport::new(base, &uri, fixed_headers, peer.clone())?)
        };
        Ok(Self { base: base.to_owned(), transport, keys: ApiKeys::new(config)?, peer })
    }

    /// Which of its keys rest, if it has several.
    pub(crate) fn key_rests(&self) -> Option<&Arc<KeyRests>> {
        self.keys.rests()
    }

    /// Sends the request; returns the response as soon as its head is there.
    async fn start(
        &self,
        request: &mut Request<Bytes>,
        idle_timeout: IdleTimeout,
    ) -> Result<Response<UpstreamBody>, UpstreamError> {
        let key = self.keys.add_to(request.headers_mut());
        let response = match &self.transport {
            HttpTransport::Direct(direct) => {
                let response = direct.send(request, idle_timeout).await?;
                response.map(|body| UpstreamBody::Stream(Box::pin(body)))
            }
            HttpTransport::Proxied(client) => {
                *request.uri_mut() = self.absolute(request.uri())?;
                let request = std::mem::take(request).map(reqwest::Body::from);
                let response = Box::pin(proxied::send(client, request, idle_timeout)).await?;
                response.map(|body| UpstreamBody::Stream(Box::pin(body)))
            }
        };
        self.check(response, key)
    }

    /// The same for a request whose body still arrives.
    async fn start_stream(
        &self,
        mut request: Request<()>,
        body: RequestStream,
        idle_timeout: IdleTimeout,
    ) -> Result<Response<UpstreamBody>, UpstreamError> {
        let key = self.keys.add_to(request.headers_mut());
        let response = match &self.transport {
            HttpTransport::Direct(direct) => {
                let response = direct.send_stream(&request, body, idle_timeout).await?;
                response.map(|body| UpstreamBody::Stream(Box::pin(body)))
            }
            HttpTransport::Proxied(client) => {
                *request.uri_mut() = self.absolute(request.uri())?;
                let request = request.map(|()| proxied::arriving_body(body));
                let response = proxied::send(client, request, idle_timeout).await?;
                response.map(|body| UpstreamBody::Stream(Box::pin(body)))
            }
        };
        self.check(response, key)
    }

    fn absolute(&self, uri: &Uri) -> Result<Uri, UpstreamError> {
        let absolute = join_path(&self.base, path_and_query(uri)).parse();
        absolute.map_err(|_| self.peer.malformed("its address is none"))
    }

    /// Refuses redirections that were not followed, and decodes the body.
    /// `key`: the one that the request had.
    fn check(
        &self,
        mut response: Response<UpstreamBody>,
        key: usize,
    ) -> Result<Response<UpstreamBody>, UpstreamError> {
        if self.keys.rest_if_refused(key, response.status(), response.headers()) {
            let refused =
                format!("key number {} was refused with {}, and rests", key + 1, response.status().as_u16());
            self.peer.warn(&refused);
            response.extensions_mut().insert(OtherKey);
        }
        if response.status().is_redirection() {
            return Err(self.peer.redirected(response.status()));
        }
        crate::http::content_coding::response::decode_response(response)
    }
}

/// Whether the base URL is on this machine, which a proxy cannot reach.
fn is_local(base: &str) -> bool {
    let host = base.split("://").nth(1).unwrap_or_default();
    ["127.", "localhost", "[::1]"].iter().any(|local| host.starts_with(local))
}

/// A request's body, and when its last chunk was taken.
struct TimedChunks {
    chunks: ByteStream,
    last_chunk: Arc<Mutex<Instant>>,
}

impl Stream for TimedChunks {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = ready!(self.chunks.as_mut().poll_next(cx));
        *self.last_chunk.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        Poll::Ready(chunk)
    }
}

#[async_trait]
impl Upstream for HttpUpstream {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<UpstreamBody>, UpstreamError> {
        let progress = request.extensions_mut().remove::<Progress>();
        let wait = match &progress {
            Some(progress) if progress.is_stream() => WaitKind::FirstByte,
            None if *request.method() == Method::GET => WaitKind::FirstByte,
            // Generated media (images, speech) is often sent only when it is complete.
            _ => WaitKind::Whole,
        };
        let idle_timeout = IdleTimeout::new(self.peer.clone(), progress);
        let started = timeout(self.peer.limit(wait), self.start(&mut request, idle_timeout)).await;
        started.unwrap_or_else(|_| Err(self.peer.timed_out(wait)))
    }

    async fn send_stream(
        &self,
        request: Request<()>,
        mut body: RequestStream,
    ) -> Result<Response<UpstreamBody>, UpstreamError> {
        let wait = WaitKind::Whole;
        // The limit begins again with each chunk of the body: a slow client is not the upstream's fault.
        let last_chunk = Arc::new(Mutex::new(Instant::now()));
        body.bytes = Box::pin(TimedChunks { chunks: body.bytes, last_chunk: last_chunk.clone() });
        let mut started =
            Box::pin(self.start_stream(request, body, IdleTimeout::new(self.peer.clone(), None)));
        loop {
            let deadline = *last_chunk.lock().unwrap_or_else(PoisonError::into_inner) + self.peer.limit(wait);
            if Instant::now() >= deadline {
                return Err(self.peer.timed_out(wait));
            }
            if let Ok(started) = timeout_at(deadline, &mut started).await {
                return started;
            }
        }
    }

    async fn pause(&self, duration: Duration) {
        sleep(duration).await;
    }

    fn clock(&self) -> Option<Duration> {
        Some(clock::monotonic())
    }
}
