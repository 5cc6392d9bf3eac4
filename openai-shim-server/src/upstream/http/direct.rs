//! Sends requests over pooled connections to the upstream itself: a request in, the started response out.

use super::body_writer::BodyWriter;
use super::connect::ConnectTarget;
use super::connection::{self, CallBody, CallError, StartedResponse};
use super::head;
use super::idle_timeout::IdleTimeout;
use super::peer::{Peer, WaitKind};
use super::pool::{IDLE_LIFETIME, Pool};
use super::redirect::{MAX_REDIRECTS, redirect_path};
use super::socket::Socket;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, Uri};
use openai_shim_core::UpstreamError;
use openai_shim_core::profile::join_path;
use openai_shim_core::upstream::RequestStream;
use std::sync::Arc;
use tokio::time::timeout;
use url::Url;

/// Connections to one upstream.
pub(super) struct DirectTransport {
    target: ConnectTarget,
    pool: Arc<Pool>,
    origin: Url,
    /// The path of the base URL.
    base_path: String,
    /// Headers that every request has unless it has its own.
    fixed_headers: Vec<(HeaderName, HeaderValue)>,
    peer: Arc<Peer>,
}

impl DirectTransport {
    pub(super) fn new(
        base: &str,
        uri: &Uri,
        fixed_headers: Vec<(HeaderName, HeaderValue)>,
        peer: Arc<Peer>,
    ) -> Result<Self, String> {
        Ok(Self {
            target: ConnectTarget::new(uri)?,
            pool: Pool::new(IDLE_LIFETIME),
            origin: base.parse().map_err(|_| "its base URL is none")?,
            base_path: uri.path().trim_end_matches('/').to_owned(),
            fixed_headers,
            peer,
        })
    }

    /// Sends a request and follows redirections on the same server that keep the method (307, 308).
    pub(super) async fn send(
        &self,
        request: &Request<Bytes>,
        idle_timeout: IdleTimeout,
    ) -> Result<Response<CallBody>, UpstreamError> {
        let mut path = join_path(&self.base_path, path_and_query(request.uri()));
        let mut redirects_left = MAX_REDIRECTS;
        loop {
            let started = self.send_to(request, &path).await?;
            let status = started.response().status().as_u16();
            let follows = matches!(status, 307 | 308) && redirects_left > 0;
            let target =
                follows.then(|| redirect_path(&self.origin, &path, started.response().headers())).flatten();
            let Some(target) = target else { return Ok(started.into_response(&self.pool, idle_timeout)) };
            path = target;
            redirects_left -= 1;
        }
    }

    /// Sends a request once. It is sent again on a new connection in two cases only: the pooled connection was closed before
    /// any byte was sent, or the method is safe. In all other cases the upstream may have received the request, and the
    /// exchange decides, which counts attempts.
    async fn send_to(&self, request: &Request<Bytes>, path: &str) -> Result<StartedResponse, UpstreamError> {
        let (method, body) = (request.method(), request.body());
        let inline = if body.len() <= connection::MAX_INLINE_BODY_BYTES { body.len() } else { 0 };
        let mut head = head::write(
            (method, path),
            &self.fixed_headers,
            request.headers(),
            Some(body.len() as u64),
            inline,
        );
        let (inline, body) = body.split_at(inline);
        head.extend_from_slice(inline);
        let mut pooled = self.pool.take();
        loop {
            let is_reused = pooled.is_some();
            let socket = match pooled.take() {
                Some(socket) => socket,
                // Boxed: connecting is rare, and its future is large.
                None => Box::pin(self.connect()).await?,
            };
            match connection::call(socket, method, &head, body, None).await {
                Ok(started) => return Ok(started),
                Err(CallError::Unanswered { is_unsent, .. })
                    if is_reused && (is_unsent || method.is_safe()) => {}
                Err(error) => return Err(self.explain(error)),
            }
        }
    }

    /// Sends a request whose body still arrives, on a new connection: a pooled one may be closing, and the body cannot be
    /// sent again, also not to where a redirection points.
    pub(super) async fn send_stream(
        &self,
        request: &Request<()>,
        body: RequestStream,
        idle_timeout: IdleTimeout,
    ) -> Result<Response<CallBody>, UpstreamError> {
        let path = join_path(&self.base_path, path_and_query(request.uri()));
        let (method, headers) = (request.method(), request.headers());
        let head = head::write((method, &path), &self.fixed_headers, headers, body.length, 0);
        let socket = self.connect().await?;
        let called = connection::call(socket, method, &head, &[], Some(Box::new(BodyWriter::new(body))));
        match called.await {
            Ok(started) => Ok(started.into_response(&self.pool, idle_timeout)),
            Err(error) => Err(self.explain(error)),
        }
    }

    fn explain(&self, error: CallError) -> UpstreamError {
        match error {
            CallError::Unanswered { error, .. } | CallError::Truncated(error) => self.peer.broken(&error),
            CallError::Malformed(reason) => self.peer.malformed(&reason),
            CallError::Body(error) => error,
        }
    }

    async fn connect(&self) -> Result<Socket, UpstreamError> {
        match timeout(self.peer.timeouts.connect, self.target.connect()).await {
            Ok(connected) => connected.map_err(|error| self.peer.unreachable(&error)),
            Err(_) => Err(self.peer.timed_out(WaitKind::Connect)),
        }
    }
}

/// A URI's path and query.
pub(super) fn path_and_query(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
}
