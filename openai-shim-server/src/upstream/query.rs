//! Small questions to an upstream, whose answers are read whole.

use crate::app_state::DynUpstream;
use crate::handlers::response_collector;
use crate::http::body_budget::BudgetReservation;
use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use openai_shim_core::dialect::Dialect;
use openai_shim_core::upstream::UpstreamBody;
use openai_shim_core::{Diagnostics, Error, UpstreamError};
use std::future::poll_fn;

/// Headers that come back, besides rate limits.
const RETURNED: [HeaderName; 4] = [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_DISPOSITION, RETRY_AFTER];

/// Asks for something small, whole.
pub(crate) async fn send_query(
    transport: &DynUpstream,
    path: &str,
    headers: HeaderMap,
    body: Bytes,
    (held, limit): (&mut BudgetReservation, usize),
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
    let (head, body) = transport.0.send(request).await?.into_parts();
    Ok((head, collect(body, limit, held).await?))
}

/// An answer that is an error, read in the upstream's dialect.
pub(crate) fn failure(dialect: &dyn Dialect, head: &Parts, body: &[u8]) -> Error {
    Error::Upstream(dialect.decode_error(head.status, &head.headers, body, &mut Diagnostics::default()))
}

/// Those of an upstream's headers that its client sees.
pub(crate) fn returned(headers: &HeaderMap) -> HeaderMap {
    let mut out = HeaderMap::new();
    for (name, value) in headers {
        if RETURNED.contains(name) || name.as_str().starts_with("x-ratelimit-") {
            out.append(name, value.clone());
        }
    }
    out
}

/// A body, up to a limit and as far as there is room for it.
pub(crate) async fn collect(
    body: UpstreamBody,
    limit: usize,
    held: &mut BudgetReservation,
) -> Result<Vec<u8>, UpstreamError> {
    match body {
        UpstreamBody::Complete(bytes) => Ok(bytes.to_vec()),
        UpstreamBody::Stream(mut source) => {
            let mut all = Vec::new();
            while let Some(chunk) = poll_fn(|cx| source.as_mut().poll_next(cx)).await {
                all.extend_from_slice(&chunk?);
                if held.cover(all.len()).is_err() {
                    return Err(response_collector::budget_full());
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
