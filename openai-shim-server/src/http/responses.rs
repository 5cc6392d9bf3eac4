//! Builds responses: errors in the client's dialect, JSON bodies, and the `x-openai-shim-…` headers.

use crate::observe::text::summarize;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use openai_shim_core::dialect::Dialect;
use openai_shim_core::dialect::rerank::RerankForm;
use openai_shim_core::error::ClientError;
use openai_shim_core::{Diagnostics, Error, ErrorKind};
use std::time::Duration;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(crate) const UPSTREAM: HeaderName = HeaderName::from_static("x-openai-shim-upstream");
pub(crate) const OUTCOME: HeaderName = HeaderName::from_static("x-openai-shim-outcome");
pub(crate) const DIAGNOSTICS: HeaderName = HeaderName::from_static("x-openai-shim-diagnostics");
/// `no` on streams: reverse proxies (nginx) must not buffer them.
pub(crate) const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// `1` in a request asks for the full report, where the configuration allows it.
pub(crate) const DEBUG: HeaderName = HeaderName::from_static("x-openai-shim-debug");

/// The dialect of errors on paths that belong to no dialect.
pub(crate) fn default_dialect() -> Dialect {
    openai_shim_core::dialect::DEFAULT_DIALECT
}

/// The envelope of errors for a client.
#[derive(Clone, Copy)]
pub(crate) enum ErrorEnvelope {
    /// A dialect's.
    Dialect(Dialect),
    /// That of an API for rankings.
    Rerank(&'static RerankForm),
}

impl ErrorEnvelope {
    /// An error response.
    pub(crate) fn response(self, error: &Error) -> Response {
        match self {
            Self::Dialect(dialect) => encoded_error(dialect.encode_error(error), error),
            Self::Rerank(form) => encoded_error(form.encode_error(error), error),
        }
    }
}

/// An error response in the client's dialect.
pub(crate) fn error(dialect: Dialect, error: &Error) -> Response {
    encoded_error(dialect.encode_error(error), error)
}

/// An error response; its extensions carry the error to the access log.
fn encoded_error((status, body): (StatusCode, Bytes), error: &Error) -> Response {
    let mut response = json(status, body);
    // What this server cannot do now, such as read its store, it may do soon.
    let overloaded = matches!(error, Error::Client(error) if error.kind == ErrorKind::Overloaded);
    if let Some(after) = error.retry_after().or(overloaded.then_some(Duration::ZERO)) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    response.extensions_mut().insert(error.clone());
    response
}

/// A client error with a given status instead of its kind's.
pub(crate) fn refusal(
    dialect: Dialect,
    status: StatusCode,
    kind: ErrorKind,
    message: impl Into<String>,
    code: &str,
) -> Response {
    let error = Error::Client(ClientError::new(kind, message).with_code(code));
    let (_, body) = dialect.encode_error(&error);
    let mut response = json(status, body);
    response.extensions_mut().insert(error);
    response
}

/// A response with a JSON body.
pub(crate) fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Server-sent events that are complete.
pub(crate) fn event_stream(events: String) -> Response {
    let mut response = json(StatusCode::OK, events);
    let event_stream = HeaderValue::from_static("text/event-stream; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, event_stream);
    response
}

/// Adds the header with the upstream's name.
pub(crate) fn add_upstream_header(headers: &mut HeaderMap, upstream: &str) {
    if let Some(name) = upstream_label(upstream) {
        headers.insert(UPSTREAM, name);
    }
}

/// An upstream's name as a header value; `None` if it cannot be one.
pub(crate) fn upstream_label(upstream: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(upstream).ok().filter(|name| !name.is_empty())
}

/// Adds the header that summarizes the diagnostics.
pub(crate) fn add_diagnostics_header(headers: &mut HeaderMap, diagnostics: &Diagnostics) {
    if let Ok(value) = HeaderValue::from_str(&summarize(diagnostics)) {
        headers.insert(DIAGNOSTICS, value);
    }
}
