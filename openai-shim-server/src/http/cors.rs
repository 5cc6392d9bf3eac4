//! CORS: the request's origin in, headers and preflight responses out. Off unless configured; Open WebUI's *direct
//! connections* call from the browser and need it.

use crate::app_state::AppState;
use crate::config::Config;
use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use openai_shim_core::profile::matches_pattern;

const EXPOSED_HEADERS: &str =
    "x-request-id, x-openai-shim-upstream, x-openai-shim-outcome, x-openai-shim-diagnostics, retry-after";

const REQUEST_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// The value of `Access-Control-Allow-Origin`, if the request's origin is allowed.
pub(crate) fn allowed_origin(app: &AppState, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    if allows_all(&app.config) {
        return Some(HeaderValue::from_static("*"));
    }
    is_allowed(&app.config, origin).then(|| origin.clone())
}

/// Whether an origin is allowed.
pub(crate) fn is_allowed(config: &Config, origin: &HeaderValue) -> bool {
    let is_allowed =
        |origin: &str| config.cors_origins.iter().any(|allowed| matches_pattern(allowed, origin));
    allows_all(config) || origin.to_str().is_ok_and(is_allowed)
}

/// Whether every origin is allowed.
pub(crate) fn allows_all(config: &Config) -> bool {
    config.cors_origins.iter().any(|allowed| allowed == "*")
}

/// Adds the headers that let a browser pass a response on to its page.
pub(crate) fn add_headers(response: &mut Response, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
    headers.append(VARY, HeaderValue::from_static("origin"));
}

/// Answers a preflight.
pub(crate) fn preflight(request: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE, OPTIONS"));
    let requested = request.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        requested.unwrap_or_else(|| HeaderValue::from_static("authorization, content-type")),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    // Browsers ask before a public page may call a server in the local network.
    if request.contains_key(&REQUEST_PRIVATE_NETWORK) {
        headers.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
    }
    response
}
