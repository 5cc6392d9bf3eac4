//! Sends one auxiliary request to an upstream and collects the whole response within limits.

use crate::http::body_budget::{BodyReservation, response_over_budget};
use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use openai_shim_core::dialect::Dialect;
use openai_shim_core::upstream::UpstreamBody;
use openai_shim_core::{Diagnostics, Error, Upstream, UpstreamError};
use std::future::poll_fn;

/// Headers of an upstream that the client gets, besides rate limits.
const RETURNED_HEADERS: [HeaderName; 4] = [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_DISPOSITION, RETRY_AFTER];

/// Sends a JSON request; returns the response's head and whole body, of at most `limit` bytes.
pub(crate) async fn send_query(
    transport: &dyn Upstream,
    path: &str,
    headers: HeaderMap,
    body: Bytes,
    reservation: &mut BodyReservation,
    limit: usize,
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
    let (head, body) = transport.send(request).await?.into_parts();
    Ok((head, collect(body, limit, reservation).await?))
}

/// Decodes an error response in the upstream's dialect.
pub(crate) fn decode_failure(dialect: Dialect, head: &Parts, body: &[u8]) -> Error {
    Error::Upstream(dialect.decode_error(head.status, &head.headers, body, &mut Diagnostics::default()))
}

/// The headers of an upstream's response that the client gets.
pub(crate) fn returned_headers(headers: &HeaderMap) -> HeaderMap {
    let mut out = HeaderMap::new();
    for (name, value) in headers {
        if RETURNED_HEADERS.contains(name) || name.as_str().starts_with("x-ratelimit-") {
            out.append(name, value.clone());
        }
    }
    out
}

/// Collects a body of at most `limit` bytes; `reservation` grows with it.
pub(crate) async fn collect(
    body: UpstreamBody,
    limit: usize,
    reservation: &mut BodyReservation,
) -> Result<Vec<u8>, UpstreamError> {
    match body {
        UpstreamBody::Complete(bytes) => Ok(bytes.to_vec()),
        UpstreamBody::Stream(mut source) => {
            let mut all = Vec::new();
            while let Some(chunk) = poll_fn(|cx| source.as_mut().poll_next(cx)).await {
                all.extend_from_slice(&chunk?);
                if reservation.grow_to(all.len()).is_err() {
                    return Err(response_over_budget());
                }
                if all.len() > limit {
                    let message =
                        format!("The upstream's answer is larger than {limit} bytes (limits.response_body).");
                    return Err(UpstreamError::TooLarge { message });
                }
            }
            Ok(all)
        }
        _ => Ok(Vec::new()),
    }
}
