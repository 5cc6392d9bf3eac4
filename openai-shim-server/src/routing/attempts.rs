//! What the attempts of an exchange say about their targets: reports in, reasons and a line for the log out.

use crate::http::body_budget::response_over_budget;
use openai_shim_core::UpstreamError;
use openai_shim_core::error::ErrorKind;
use openai_shim_core::exchange::AttemptReport;
use std::fmt::Write as _;

/// The result of an attempt that has not failed.
pub(crate) const OK: &str = "ok";

/// Why an attempt failed, in one word, for labels.
pub(crate) fn reason(error: &UpstreamError) -> &'static str {
    match error {
        UpstreamError::Transport { .. } => "unreachable",
        UpstreamError::Malformed { .. } => "malformed",
        UpstreamError::Failed { .. } => "failed",
        other => other.kind().as_str(),
    }
}

/// Whether an error says something about the target: the next request may fail there as well. `has_fixed_model`: clients cannot invent
/// names of its model.
pub(crate) fn is_fault_of_target(error: &UpstreamError, has_fixed_model: bool) -> bool {
    match error.kind() {
        ErrorKind::NotFound => has_fixed_model,
        ErrorKind::InvalidRequest
        | ErrorKind::ContentFiltered
        | ErrorKind::ContextLength
        | ErrorKind::TooLarge
        | ErrorKind::Unsupported
        | ErrorKind::Internal => false,
        ErrorKind::Upstream => !matches!(error, UpstreamError::TooLarge { .. }),
        _ => true,
    }
}

/// Whether an attempt failed because this server has no room or no sockets left.
pub(crate) fn is_own_fault(attempt: &AttemptReport) -> bool {
    let Some(error) = attempt.error.as_ref().filter(|error| error.kind() == ErrorKind::Overloaded) else {
        return false;
    };
    // Without a response, no upstream can have said so.
    attempt.status.is_none() || *error == response_over_budget()
}

/// All attempts with the upstream and the status or the reason of each: `groq:429,openrouter:200`.
pub(crate) fn summarize<'n>(attempts: &[AttemptReport], upstream: impl Fn(usize) -> &'n str) -> String {
    let mut line = String::new();
    for attempt in attempts {
        let comma = if line.is_empty() { "" } else { "," };
        let name = upstream(attempt.target);
        // A success that failed is told by its reason.
        let _ = match (attempt.status, &attempt.error) {
            (Some(status @ 200..=299), Some(error)) => {
                write!(line, "{comma}{name}:{status}-{}", reason(error))
            }
            (Some(status), _) => write!(line, "{comma}{name}:{status}"),
            (None, Some(error)) => write!(line, "{comma}{name}:{}", reason(error)),
            (None, None) => write!(line, "{comma}{name}:cancelled"),
        };
    }
    line
}
