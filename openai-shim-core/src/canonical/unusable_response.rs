//! What is wrong with an upstream's whole answer that cannot be used, in words that help.

use crate::error::UpstreamError;
use serde::de::IgnoredAny;

/// Why a body is not what was due (`embeddings`, `a model list`): nothing came, it was cut, or it is something else.
///
/// ```
/// use openai_shim_core::canonical::explain_unusable;
/// let error = explain_unusable(b"<html><body>Sign in</body></html>", "embeddings");
/// assert!(error.to_string().contains("base_url"));
/// ```
pub fn explain_unusable(body: &[u8], due: &str) -> UpstreamError {
    let body = plain(body);
    if body.is_empty() {
        return UpstreamError::Empty;
    }
    if body.starts_with(b"<") {
        return UpstreamError::malformed(format!(
            "The upstream answered with an HTML page instead of {due}. Its base_url may be wrong, or lack a path such as /v1."
        ));
    }
    match serde_json::from_slice::<IgnoredAny>(body) {
        Ok(_) => {
            UpstreamError::malformed(format!("The upstream sent something that holds no {}.", bare(due)))
        }
        Err(error) if error.is_eof() => UpstreamError::Truncated,
        Err(_)
            if ["NaN", "Infinity"].iter().any(|no| memchr::memmem::find(body, no.as_bytes()).is_some()) =>
        {
            UpstreamError::malformed(format!(
                "The upstream answered with something that is no JSON instead of {due}: it holds NaN or Infinity."
            ))
        }
        Err(error) => UpstreamError::malformed(format!(
            "The upstream answered with something that is no JSON instead of {due}: {error}."
        )),
    }
}

/// Whether a body is one JSON document.
pub fn is_document(body: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(plain(body)).is_ok()
}

/// Whether a body, or the beginning of one, is a page for people.
pub fn is_html(body: &[u8]) -> bool {
    let body = plain(body);
    let begins =
        |with: &str| body.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()));
    ["<!doctype html", "<html", "<head", "<body"].iter().any(|with| begins(with))
}

/// A body without the white space and the byte order mark around it.
pub fn plain(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii()
}

fn bare(due: &str) -> &str {
    due.strip_prefix("a ").unwrap_or(due)
}
