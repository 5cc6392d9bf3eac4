//! Refusals that need no handler: each builds one error response in the client's dialect.

use crate::http::{body, content_coding, responses};
use crate::request_meta::RequestMeta;
use axum::response::Response;
use http::header::{
    ACCEPT_ENCODING, ALLOW, CONNECTION, CONTENT_LENGTH, RETRY_AFTER, UPGRADE, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::error::ClientError;
use openai_shim_core::{Error, ErrorKind};

/// 404 for an unknown path.
pub(crate) fn unknown_path(dialect: Dialect, meta: &RequestMeta) -> Response {
    let paths: Vec<_> =
        DIALECTS.iter().filter_map(|d| d.endpoints().first()).map(|endpoint| endpoint.path).collect();
    let text = format!(
        "There is no {} {}. Served are {}, /v1/models and more; point the client's base URL at /v1.",
        meta.method,
        meta.path,
        paths.join(", ")
    );
    responses::error(
        dialect,
        &Error::Client(ClientError::new(ErrorKind::NotFound, text).with_code("unknown_url")),
    )
}

/// 405 with `Allow`, unless the method is allowed.
pub(crate) fn wrong_method(dialect: Dialect, meta: &RequestMeta, allowed: &'static str) -> Option<Response> {
    let is_allowed = |method: &Method| allowed.split(", ").any(|allowed| allowed == method.as_str());
    // What answers `GET` answers `HEAD` without the body.
    if is_allowed(&meta.method) || (meta.method == Method::HEAD && is_allowed(&Method::GET)) {
        return None;
    }
    let text = format!("{} cannot be used on {}; use {allowed}.", meta.method, meta.path);
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let mut response =
        responses::refusal(dialect, status, ErrorKind::InvalidRequest, text, "method_not_allowed");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    Some(response)
}

/// Whether a request asks for an upgrade to WebSocket.
pub(crate) fn is_websocket(method: &Method, headers: &HeaderMap) -> bool {
    let names_websocket = |value: &HeaderValue| {
        let mut protocols = value.to_str().unwrap_or_default().split(',');
        protocols.any(|protocol| protocol.trim().eq_ignore_ascii_case("websocket"))
    };
    method == Method::GET && headers.get_all(UPGRADE).iter().any(names_websocket)
}

/// 426 for a WebSocket upgrade. Codex falls back to plain requests at once after a 426, and only after seconds of further
/// attempts after any other status.
pub(crate) fn websocket_unsupported(dialect: Dialect) -> Response {
    let text =
        "WebSockets are not served. Send the request with POST to the same path; its answer can be a stream.";
    let status = StatusCode::UPGRADE_REQUIRED;
    let code = "websocket_not_supported";
    let mut response = responses::refusal(dialect, status, ErrorKind::Unsupported, text, code);
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("HTTP/1.1"));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    response
}

/// 413 for a body whose client waits for an interim response (`Expect: 100-continue`), by its declared length.
pub(crate) fn declared_body_too_large(
    dialect: Dialect,
    meta: &RequestMeta,
    headers: &HeaderMap,
    limit: usize,
) -> Option<Response> {
    let length = headers.get(CONTENT_LENGTH).filter(|_| meta.expects_continue)?.to_str().ok()?;
    let fits = length.parse::<usize>().is_ok_and(|length| length <= limit);
    (!fits).then(|| responses::error(dialect, &Error::Client(body::too_large(limit))))
}

/// 401 for a missing or wrong client key.
pub(crate) fn missing_key(dialect: Dialect) -> Response {
    let text = "A key is needed: send `Authorization: Bearer KEY` (or `x-api-key`) with one of this server's client keys.";
    let error = Error::Client(ClientError::new(ErrorKind::Authentication, text).with_code("invalid_api_key"));
    let mut response = responses::error(dialect, &error);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// 503 with `Retry-After` when `limits.concurrent` requests are running.
pub(crate) fn too_many_requests(dialect: Dialect) -> Response {
    let text = "This server is handling as many requests as it may. Try again in a moment.";
    body_error(dialect, ClientError::new(ErrorKind::Overloaded, text))
}

/// The response for a body that could not be read; `Retry-After` when it may fit later.
pub(crate) fn body_error(dialect: Dialect, error: ClientError) -> Response {
    let overloaded = error.kind == ErrorKind::Overloaded;
    let mut response = responses::error(dialect, &Error::Client(error));
    if overloaded {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// 415 with `Accept-Encoding` for a coding that cannot be decoded.
pub(crate) fn unsupported_coding(dialect: Dialect, coding: &str) -> Response {
    let text = format!(
        "`content-encoding: {coding}` cannot be decoded here; send the body in one of {}, or without a coding.",
        content_coding::SUPPORTED
    );
    let (status, kind) = (StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorKind::InvalidRequest);
    let mut response = responses::refusal(dialect, status, kind, text, "unsupported_content_encoding");
    response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static(content_coding::SUPPORTED));
    response
}
