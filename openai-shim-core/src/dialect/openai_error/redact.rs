//! Removes stack traces, headers, keys, HTML pages, paths and addresses from upstream errors.

use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::error::StatusError;
use crate::json::raw;
use crate::redact::{redact, redact_json};

/// Fields that show the upstream's machine or a key. In lower case, without separators.
const PRIVATE_FIELDS: [&str; 15] = [
    "traceback",
    "stack",
    "trace",
    "stacktrace",
    "backtrace",
    "exception",
    "debug",
    "headers",
    "requestheaders",
    "request",
    "authorization",
    "apikey",
    "accesstoken",
    "cookie",
    "env",
];

/// Drops private fields, and pages and stack traces in the message.
pub(super) fn drop_private(error: &mut StatusError, diagnostics: &mut Diagnostics) {
    error.extra.retain(|(key, _)| {
        let name: String =
            key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        let is_private = PRIVATE_FIELDS.contains(&name.as_str());
        if is_private {
            diagnostics.record(DiagnosticCode::FieldDropped, &format!("error.{key}"), "");
        }
        !is_private
    });
    let message = error.message.trim_start();
    let replacement = if message.starts_with('<') && message.to_ascii_lowercase().contains("<html") {
        String::from("The upstream reported an error as an HTML page.")
    } else if let Some(untraced) = without_trace(&error.message) {
        untraced
    } else {
        return;
    };
    error.message = replacement;
    diagnostics.record(DiagnosticCode::ErrorReshaped, "error.message", "");
}

/// Returns a message without the lines of a stack trace; `None` if it has none.
fn without_trace(message: &str) -> Option<String> {
    let is_python = |line: &str| line.trim_start().starts_with("File \"") && line.contains(", line ");
    let is_javascript = |line: &str| line.trim_start().starts_with("at ") && line.trim_end().ends_with(')');
    let is_rust = |line: &str| line.trim_start().starts_with("stack backtrace:");
    let is_trace = |line: &str| is_python(line) || is_javascript(line) || is_rust(line);
    if let Some((before, trace)) = message.split_once("Traceback (most recent call last)") {
        // The text in front of it, or its last line, which states the error; the others state where.
        let before = before.trim().trim_end_matches(':');
        let last = trace.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
        return Some(if before.is_empty() { last.to_owned() } else { before.to_owned() });
    }
    let at = message.lines().position(is_trace)?;
    let before: Vec<&str> = message.lines().take(at).collect();
    let before = before.join("\n").trim().to_owned();
    // Of a message that is only a trace all lines stay.
    (!before.is_empty()).then_some(before)
}

/// Redacts keys, paths and addresses in everything that clients get.
pub(super) fn redact_texts(error: &mut StatusError, diagnostics: &mut Diagnostics) {
    let mut record = |field_path: &str| diagnostics.record(DiagnosticCode::SecretRedacted, field_path, "");
    if let Some(redacted) = redact(&error.message) {
        error.message = redacted;
        record("error.message");
    }
    for (field_path, field) in [
        ("error.param", &mut error.param),
        ("error.code", &mut error.code),
        ("error.type", &mut error.error_type),
    ] {
        if let Some(redacted) = field.as_deref().and_then(redact) {
            *field = Some(redacted);
            record(field_path);
        }
    }
    for (key, value) in &mut error.extra {
        // The model's output belongs to the client.
        if key == "failed_generation" {
            continue;
        }
        if let Some(redacted) = redact_json(value.as_str()) {
            *value = raw(redacted);
            record(&format!("error.{}", redact(key).as_deref().unwrap_or(key)));
        }
    }
}
