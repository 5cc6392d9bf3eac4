//! An upstream behind HTTP/1.1: base URL, key, deadlines, redirections.
//!
//! Connections are our own (`call`): whoever waits for an answer reads it from the socket, without a task in between.
//! Only where the environment names a proxy for the upstream's host does `proxied` take over.

mod body_framing;
mod connect;
mod connect_error;
mod connection;
mod head;
mod idle_timeout;
mod peer;
mod pool;
mod proxied;
mod socket;

use crate::config::{Timeouts, UpstreamConfig};
use async_trait::async_trait;
use bytes::Bytes;
use connect::ConnectTarget;
use connection::{CallError, StartedResponse};
use http::header::{ACCEPT, ACCEPT_ENCODING, HOST, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use idle_timeout::IdleTimeout;
use openai_shim_core::upstream::{Progress, UpstreamBody};
use openai_shim_core::{Upstream, UpstreamError};
use peer::{Peer, Wait};
use pool::Pool;
use socket::Socket;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use url::Url;

pub(crate) use connect_error::{is_tls_record, no_descriptors};

/// How long an idle connection is kept: less than the minute after which most servers close theirs.
const KEEP: Duration = Duration::from_secs(50);
/// How many redirections of one request are followed.
const MAX_REDIRECTS: usize = 3;

/// An upstream behind HTTP.
pub struct HttpUpstream {
    base: String,
    way: HttpTransport,
    key: Option<(HeaderName, HeaderValue)>,
    peer: Arc<Peer>,
}

/// How its bytes travel.
enum HttpTransport {
    Direct(Direct),
    Proxied(reqwest::Client),
}

/// Our own connections.
struct Direct {
    target: ConnectTarget,
    pool: Arc<Pool>,
    origin: Url,
    /// The path of the base URL.
    path: String,
    /// Headers that every request carries.
    fixed: Vec<(HeaderName, HeaderValue)>,
    peer: Arc<Peer>,
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
        let mut fixed = vec![
            (HOST, HeaderValue::from_str(host).map_err(|_| "its host has no valid name")?),
            (USER_AGENT, HeaderValue::from_static(concat!("openai-shim/", env!("CARGO_PKG_VERSION")))),
            (ACCEPT, HeaderValue::from_static("*/*")),
            // Compressed answers are not asked for: they cost time here, and come all the same from some.
            (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        ];
        let way = if !is_local(base) && Matcher::from_system().intercept(&uri).is_some() {
            let fixed = fixed.drain(1..).collect();
            HttpTransport::Proxied(proxied::client(fixed, timeouts)?)
        } else {
            let path = uri.path().trim_end_matches('/').to_owned();
            let (target, pool, peer) = (ConnectTarget::new(&uri)?, Pool::new(KEEP), peer.clone());
            let origin = base.parse().map_err(|_| "its base URL is none")?;
            HttpTransport::Direct(Direct { target, pool, origin, path, fixed, peer })
        };
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
        Ok(Self { base: base.to_owned(), way, key, peer })
    }

    async fn begin(
        &self,
        request: &mut Request<Bytes>,
        silence: IdleTimeout,
    ) -> Result<Response<UpstreamBody>, UpstreamError> {
        if let Some((name, value)) = &self.key {
            request.headers_mut().insert(name, value.clone());
        }
        let response = match &self.way {
            HttpTransport::Direct(direct) => {
                let answer = direct.follow(request).await?.into_response(&direct.pool, silence);
                answer.map(|answer| UpstreamBody::Stream(Box::pin(answer)))
            }
            HttpTransport::Proxied(client) => {
                let whole = format!("{}{}", self.base, path_of(request.uri())).parse();
                *request.uri_mut() = whole.map_err(|_| self.peer.malformed("its address is none"))?;
                let answer = Box::pin(proxied::send(client, std::mem::take(request), silence)).await?;
                answer.map(|answer| UpstreamBody::Stream(Box::pin(answer)))
            }
        };
        if response.status().is_redirection() {
            return Err(self.peer.redirected(response.status()));
        }
        crate::http::content_coding::response::decoded(response)
    }
}

impl Direct {
    /// Sends a request, also to where the same server wants it instead.
    async fn follow(&self, request: &Request<Bytes>) -> Result<StartedResponse, UpstreamError> {
        let mut path = format!("{}{}", self.path, path_of(request.uri()));
        let mut left = MAX_REDIRECTS;
        loop {
            let begun = self.send(request, &path).await?;
            let wants = matches!(begun.response().status().as_u16(), 307 | 308) && left > 0;
            let to = wants.then(|| self.elsewhere(&path, begun.response().headers())).flatten();
            let Some(to) = to else { return Ok(begun) };
            path = to;
            left -= 1;
        }
    }

    /// Sends a request. One that no byte was sent of, because its connection was closed while it was idle, is sent on a new
    /// one; so is one that changes nothing however often it comes. All others may have been received: whether they are sent
    /// again is for the exchange to say, which counts attempts.
    async fn send(&self, request: &Request<Bytes>, path: &str) -> Result<StartedResponse, UpstreamError> {
        let (method, body) = (request.method(), request.body());
        let joined = if body.len() <= connection::JOINED { body.len() } else { 0 };
        let mut head = head::write((method, path), &self.fixed, request.headers(), body.len(), joined);
        let (joined, body) = body.split_at(joined);
        head.extend_from_slice(joined);
        let mut idle = self.pool.take();
        loop {
            let reused = idle.is_some();
            let socket = match idle.take() {
                Some(socket) => socket,
                // Rare, and large: it takes room only while it lasts.
                None => Box::pin(self.dial()).await?,
            };
            match connection::call(socket, method, &head, body).await {
                Ok(begun) => return Ok(begun),
                Err(CallError::Unanswered { unsent, .. }) if reused && (unsent || method.is_safe()) => {}
                Err(CallError::Unanswered { error, .. } | CallError::Broken(error)) => {
                    return Err(self.peer.broken(&error));
                }
                Err(CallError::Malformed(reason)) => return Err(self.peer.malformed(&reason)),
            }
        }
    }

    async fn dial(&self) -> Result<Socket, UpstreamError> {
        match timeout(self.peer.timeouts.connect, self.target.dial()).await {
            Ok(dialled) => dialled.map_err(|error| self.peer.unreachable(&error)),
            Err(_) => Err(self.peer.late(Wait::Connect)),
        }
    }

    /// The path that an answer redirects to, if it is on the same server: the key goes nowhere else.
    fn elsewhere(&self, path: &str, headers: &HeaderMap) -> Option<String> {
        let here = self.origin.join(path).ok()?;
        let there = here.join(headers.get(LOCATION)?.to_str().ok()?).ok()?;
        let query = there.query().map(|query| format!("?{query}")).unwrap_or_default();
        (there.origin() == here.origin()).then(|| format!("{}{query}", there.path()))
    }
}

fn path_of(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
}

/// Makes ring the process's TLS provider: reqwest, built without one, needs it before its first client.
pub fn provide_tls() {
    // A second installation is refused, and that is fine: it is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Whether a proxy would have nothing to do with it.
fn is_local(base: &str) -> bool {
    let host = base.split("://").nth(1).unwrap_or_default();
    ["127.", "localhost", "[::1]"].iter().any(|local| host.starts_with(local))
}

#[async_trait]
impl Upstream for HttpUpstream {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<UpstreamBody>, UpstreamError> {
        let progress = request.extensions_mut().remove::<Progress>();
        let wait = match &progress {
            Some(progress) if progress.is_stream() => Wait::FirstByte,
            // What is made on demand (a picture, a recording) is often sent when all of it is there.
            None if *request.method() == Method::GET => Wait::FirstByte,
            _ => Wait::Whole,
        };
        let silence = IdleTimeout::new(self.peer.clone(), progress);
        let begun = timeout(self.peer.limit(wait), self.begin(&mut request, silence)).await;
        begun.unwrap_or_else(|_| Err(self.peer.late(wait)))
    }

    async fn pause(&self, duration: Duration) {
        sleep(duration).await;
    }

    fn clock(&self) -> Option<Duration> {
        Some(super::clock())
    }
}
