//! Responses that are complete.

use super::response_body::ResponseBody;
use crate::error::Error;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};

/// A response with a JSON body.
pub(super) fn json_response(status: StatusCode, body: impl Into<Vec<u8>>) -> http::Response<ResponseBody> {
    let mut response = http::Response::new(ResponseBody::complete(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An error response of a status and a body in some envelope; its extensions have the error.
pub(super) fn error_response(
    (status, body): (StatusCode, Bytes),
    error: &Error,
) -> http::Response<ResponseBody> {
    let mut response = json_response(status, body);
    if let Some(after) = error.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    response.extensions_mut().insert(error.clone());
    response
}
