//! A JSON response with a successful status to the error that it reports all the same.

use super::handle::Dialect;
use super::openai_error;
use crate::canonical::{Diagnostics, trim_body};
use crate::error::UpstreamError;
use crate::json::Object;
use http::{HeaderMap, StatusCode};

/// Returns the error that a JSON response reports although its status is a success, with the status that it should have had: it
/// has an error in any of the known forms, and none of the fields of which a successful response has at least one.
pub fn failure_in_success(
    dialect: Dialect,
    headers: &HeaderMap,
    body: &[u8],
    success_fields: &[&str],
    diagnostics: &mut Diagnostics,
) -> Option<UpstreamError> {
    let response = Object::parse(trim_body(body)).ok()?;
    let is_success = |key: &str| {
        response.non_null(key).is_some_and(|value| key != "object" || value.trim() != "\"error\"")
    };
    if success_fields.iter().any(|key| is_success(key)) {
        return None;
    }
    // Cloudflare: `{"success":false,"errors":[{"code":7003,"message":"…"}],"result":null}`.
    let listed =
        response.array("errors").and_then(|errors| Some(format!(r#"{{"error":{}}}"#, errors.first()?)));
    let is_failure = openai_error::is_error(&response) || response.bool("success") == Some(false);
    if !is_failure && listed.is_none() {
        return None;
    }
    let body = listed.as_ref().map_or(trim_body(body), |listed| listed.as_bytes());
    let stated = Object::parse(body).ok().and_then(|error| openai_error::status_in_body(&error));
    let status =
        stated.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::BAD_GATEWAY);
    Some(dialect.decode_error(status, headers, body, diagnostics))
}
