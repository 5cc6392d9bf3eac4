//! What is nobody's business but the upstream's: traces, headers, keys, pages as messages, paths and addresses.

use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::error::StatusError;
use crate::json::raw;
use crate::redact::{redact, redact_json};

/// Members that show the upstream's machine or somebody's key. In lower case, without separators.
const PRIVATE: [&str; 15] = [
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

/// Leaves out members that are private, and what of a message is a page or a trace.
pub(super) fn keep_private(error: &mut StatusError, diagnostics: &mut Diagnostics) {
    error.extra.retain(|(key, _)| {
        let word: String =
            key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        let private = PRIVATE.contains(&word.as_str());
        if private {
            diagnostics.record(DiagnosticCode::FieldDropped, &format!("error.{key}"), "");
        }
        !private
    });
    let message = error.message.trim_start();
    let said = if message.starts_with('<') && message.to_ascii_lowercase().contains("<html") {
        String::from("The upstream reported an error as an HTML page.")
    } else if let Some(said) = without_trace(&error.message) {
        said
    } else {
        return;
    };
    error.message = said;
    diagnostics.record(DiagnosticCode::ErrorReshaped, "error.message", "");
}

/// A message without the lines of a trace; `None` where it has none.
fn without_trace(message: &str) -> Option<String> {
    let python = |line: &str| line.trim_start().starts_with("File \"") && line.contains(", line ");
    let script = |line: &str| line.trim_start().starts_with("at ") && line.trim_end().ends_with(')');
    let rust = |line: &str| line.trim_start().starts_with("stack backtrace:");
    let is_trace = |line: &str| python(line) || script(line) || rust(line);
    if let Some((before, trace)) = message.split_once("Traceback (most recent call last)") {
        // What was said before it, or its last line: that says what went wrong, the others where.
        let before = before.trim().trim_end_matches(':');
        let last = trace.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
        return Some(if before.is_empty() { last.to_owned() } else { before.to_owned() });
    }
    let at = message.lines().position(is_trace)?;
    let before: Vec<&str> = message.lines().take(at).collect();
    let said = before.join("\n").trim().to_owned();
    // A trace alone: its first line must do.
    (!said.is_empty()).then_some(said)
}

/// Covers keys, paths and addresses in all that is passed on.
pub(super) fn cover(error: &mut StatusError, diagnostics: &mut Diagnostics) {
    let mut covered = |place: &str| diagnostics.record(DiagnosticCode::SecretRedacted, place, "");
    if let Some(said) = redact(&error.message) {
        error.message = said;
        covered("error.message");
    }
    for (name, member) in [
        ("error.param", &mut error.param),
        ("error.code", &mut error.code),
        ("error.type", &mut error.error_type),
    ] {
        if let Some(said) = member.as_deref().and_then(redact) {
            *member = Some(said);
            covered(name);
        }
    }
    for (key, value) in &mut error.extra {
        // What a model generated is the client's own.
        if key == "failed_generation" {
            continue;
        }
        if let Some(said) = redact_json(value.get()) {
            *value = raw(said);
            covered(&format!("error.{}", redact(key).as_deref().unwrap_or(key)));
        }
    }
}
