//! Replies of our own: errors in the client's dialect, and the headers that every reply carries.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use openai_shim_core::dialect::Dialect;
use openai_shim_core::error::ClientError;
use openai_shim_core::{Diagnostics, Error, ErrorKind};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(crate) const UPSTREAM: HeaderName = HeaderName::from_static("x-openai-shim-upstream");
pub(crate) const OUTCOME: HeaderName = HeaderName::from_static("x-openai-shim-outcome");
pub(crate) const DIAGNOSTICS: HeaderName = HeaderName::from_static("x-openai-shim-diagnostics");
/// Said by streams to proxies in between, that they must not collect them.
pub(crate) const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// `1` asks for the full report, where the configuration allows it.
pub(crate) const DEBUG: HeaderName = HeaderName::from_static("x-openai-shim-debug");

/// The most bytes of the diagnostics header.
const MAX_HEADER: usize = 1000;

/// The dialect of routes that no dialect claims: the first one.
pub(crate) fn default_dialect() -> &'static dyn Dialect {
    openai_shim_core::dialect::DEFAULT_DIALECT
}

/// An error in the client's dialect; the log finds it among the reply's extensions.
pub(crate) fn error(dialect: &dyn Dialect, error: &Error) -> Response {
    let (status, body) = dialect.encode_error(error);
    let mut response = json(status, body);
    if let Some(after) = error.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    response.extensions_mut().insert(error.clone());
    response
}

/// A client's error with a status of its own.
pub(crate) fn refusal(
    dialect: &dyn Dialect,
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

/// A JSON body.
pub(crate) fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Says which upstream was asked.
pub(crate) fn upstream_header(headers: &mut HeaderMap, upstream: &str) {
    if let Some(name) = label(upstream) {
        headers.insert(UPSTREAM, name);
    }
}

/// An upstream's name as a header.
pub(crate) fn label(upstream: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(upstream).ok().filter(|name| !name.is_empty())
}

/// Adds the diagnostics header, if there is anything to say.
pub(crate) fn diagnostics_header(headers: &mut HeaderMap, diagnostics: &Diagnostics) {
    if let Ok(value) = HeaderValue::from_str(&summary(diagnostics)) {
        headers.insert(DIAGNOSTICS, value);
    }
}

/// `3; role-filled, usage-moved x12`: how many different findings, and which codes; at most 1 kB.
pub(crate) fn summary(diagnostics: &Diagnostics) -> String {
    let mut text = diagnostics.len().to_string();
    for (i, (code, count)) in diagnostics.codes().into_iter().enumerate() {
        let times = if count > 1 { format!(" x{count}") } else { String::new() };
        let item = format!("{}{code}{times}", if i == 0 { "; " } else { ", " });
        if text.len() + item.len() > MAX_HEADER {
            break;
        }
        text.push_str(&item);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use openai_shim_core::canonical::DiagnosticCode;

    #[test]
    fn the_diagnostics_header_stays_within_a_kilobyte() {
        let mut diagnostics = Diagnostics::default();
        for code in DiagnosticCode::ALL {
            for _ in 0..1000 {
                diagnostics.record(*code, "", "");
            }
        }
        assert!(summary(&diagnostics).len() <= 1024);
        assert!(summary(&diagnostics).starts_with(&format!("{}; ", DiagnosticCode::ALL.len())));
    }
}
