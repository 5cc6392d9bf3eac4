//! The body of an error response that is no JSON, to one sentence for the client.

use http::StatusCode;

/// Returns a sentence about an error's body that is no JSON; never HTML itself.
pub(super) fn describe_text_body(status: StatusCode, body: &[u8]) -> String {
    let reason = status.canonical_reason().unwrap_or("error");
    let code = status.as_u16();
    if body.is_empty() {
        return format!("The upstream answered {code} ({reason}) without a body.");
    }
    if body.starts_with(b"<") {
        return format!("The upstream answered {code} ({reason}) with an HTML page.");
    }
    let text = String::from_utf8_lossy(body.get(..200.min(body.len())).unwrap_or_default()).into_owned();
    let line = text.lines().next().unwrap_or_default();
    format!("The upstream answered {code} ({reason}): {line}")
}
