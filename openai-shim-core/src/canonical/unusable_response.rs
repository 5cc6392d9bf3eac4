//! An unusable non-streaming body to an error that says what it is instead of the expected document.

use crate::error::{UpstreamError, short_name};
use crate::json::Object;
use serde::de::IgnoredAny;

/// Explains why a body is not the expected document (`embeddings`, `a model list`): it is empty, truncated, HTML, not JSON, or other
/// JSON.
///
/// ```
/// use openai_shim_core::canonical::explain_unusable;
/// let error = explain_unusable(b"<html><body>Sign in</body></html>", "embeddings");
/// assert!(error.to_string().contains("base_url"));
/// ```
pub fn explain_unusable(body: &[u8], expected: &str) -> UpstreamError {
    let body = trim_body(body);
    if body.is_empty() {
        return UpstreamError::Empty;
    }
    if body.starts_with(b"<") {
        return html_page(expected);
    }
    match serde_json::from_slice::<IgnoredAny>(body) {
        Ok(_) => UpstreamError::malformed(format!(
            "The upstream sent something that holds no {}.",
            without_article(expected)
        )),
        Err(error) if error.is_eof() => UpstreamError::Truncated,
        Err(_)
            if ["NaN", "Infinity"]
                .iter()
                .any(|name| memchr::memmem::find(body, name.as_bytes()).is_some()) =>
        {
            UpstreamError::malformed(format!(
                "The upstream answered with something that is no JSON instead of {expected}: it holds NaN or Infinity."
            ))
        }
        Err(error) => UpstreamError::malformed(format!(
            "The upstream answered with something that is no JSON instead of {expected}: {error}."
        )),
    }
}

/// The error for an HTML page in place of an answer (`an answer`, `a model list`).
pub fn html_page(expected: &str) -> UpstreamError {
    UpstreamError::malformed(format!(
        "The upstream answered with an HTML page instead of {expected}. Its base_url may be wrong, or lack a path such as /v1."
    ))
}

/// The error for a JSON document that is no answer of the API.
pub fn foreign_document() -> UpstreamError {
    UpstreamError::malformed(
        "The upstream answered with a JSON document that is no answer of its API. Its base_url may be wrong, or lack a path such as /v1.",
    )
}

/// The error for a JSON object that is no answer of the API: it names the object's first members.
pub fn foreign_object(object: &Object<'_>) -> UpstreamError {
    let names: Vec<_> = object.iter().take(5).map(|(key, _)| format!("\"{}\"", short_name(key))).collect();
    if names.is_empty() {
        return foreign_document();
    }
    UpstreamError::malformed(format!(
        "The upstream answered with a JSON document that is no answer of its API: an object with {}. Its base_url may be wrong, or lack a path such as /v1.",
        names.join(", ")
    ))
}

/// Whether a body is exactly one JSON document.
pub fn is_document(body: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(trim_body(body)).is_ok()
}

/// Whether a body, or the beginning of one, is an HTML page.
pub fn is_html(body: &[u8]) -> bool {
    let body = trim_body(body);
    let begins_with =
        |tag: &str| body.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes()));
    ["<!doctype html", "<html", "<head", "<body"].iter().any(|tag| begins_with(tag))
}

/// The body without its byte order mark and the white space around it.
pub fn trim_body(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii()
}

fn without_article(expected: &str) -> &str {
    expected.strip_prefix("a ").unwrap_or(expected)
}
