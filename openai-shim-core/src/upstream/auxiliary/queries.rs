//! [`Queries`]: one JSON request to an upstream, and its whole response within a limit.

use super::resources::Resources;
use crate::canonical::Diagnostics;
use crate::dialect::Dialect;
use crate::error::{Error, UpstreamError};
use crate::upstream::transport::{Upstream, UpstreamBody};
use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::future::poll_fn;

/// Headers of an upstream that the client gets, besides rate limits.
const RETURNED_HEADERS: [HeaderName; 4] = [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_DISPOSITION, RETRY_AFTER];

/// What requests for anything but generation are sent with.
#[derive(Clone, Copy)]
pub struct Queries<'a, R> {
    /// The upstream.
    pub upstream: &'a dyn Upstream,
    /// What the program grants to bodies.
    pub resources: &'a R,
    /// The most bytes of a response, or of the responses of which the client's is made.
    pub max_body_bytes: usize,
    /// The option that sets this limit, for error messages.
    pub limit_name: &'static str,
}

impl<R> std::fmt::Debug for Queries<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queries").field("max_body_bytes", &self.max_body_bytes).finish_non_exhaustive()
    }
}

impl<R: Resources> Queries<'_, R> {
    /// Sends a JSON request; returns the response's head and whole body. `held`: bytes of earlier responses, which the limit includes.
    pub(super) async fn send(
        &self,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
        held: usize,
    ) -> Result<(Parts, Vec<u8>), UpstreamError> {
        let mut request = http::Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = path.parse().map_err(|_| {
            UpstreamError::malformed(
                "The path at the upstream is not valid: the model's name does not fit into it.",
            )
        })?;
        *request.headers_mut() = headers;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let (head, body) = self.upstream.send(request).await?.into_parts();
        let limit = self.max_body_bytes.saturating_sub(held);
        Ok((head, self.collect(body, held, limit).await?))
    }

    /// Collects a body of at most `limit` bytes. `held`: bytes of earlier responses.
    ///
    /// # Errors
    /// The body broke off, is too long, or there is no room for it.
    pub async fn collect(
        &self,
        body: UpstreamBody,
        held: usize,
        limit: usize,
    ) -> Result<Vec<u8>, UpstreamError> {
        let mut source = match body {
            UpstreamBody::Complete(bytes) => return Ok(bytes.to_vec()),
            UpstreamBody::Stream(source) => source,
        };
        let mut all = Vec::new();
        while let Some(chunk) = poll_fn(|cx| source.as_mut().poll_next(cx)).await {
            all.extend_from_slice(&chunk?);
            self.resources.reserve(held.saturating_add(all.len()))?;
            if all.len() > limit {
                let message =
                    format!("The upstream's answer is larger than {limit} bytes ({}).", self.limit_name);
                return Err(UpstreamError::TooLarge { message });
            }
        }
        Ok(all)
    }
}

/// Decodes an error response in the upstream's dialect.
pub fn decode_failure(dialect: Dialect, head: &Parts, body: &[u8]) -> Error {
    Error::Upstream(dialect.decode_error(head.status, &head.headers, body, &mut Diagnostics::default()))
}

/// The headers of an upstream's response that the client gets.
pub fn returned_headers(headers: &HeaderMap) -> HeaderMap {
    let mut out = HeaderMap::new();
    for (name, value) in headers {
        if RETURNED_HEADERS.contains(name) || name.as_str().starts_with("x-ratelimit-") {
            out.append(name, value.clone());
        }
    }
    out
}
