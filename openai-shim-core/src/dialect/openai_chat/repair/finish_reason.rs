//! Finish reasons: an upstream's name for why a choice ended in, OpenAI's name out.

use super::super::error;
use crate::canonical::{DiagnosticCode, Diagnostics, FinishReason};
use crate::error::UpstreamError;
use crate::json::{Object, ValueKind, value_kind};

/// OpenAI's names.
const OPENAI_NAMES: [&str; 5] = ["stop", "length", "tool_calls", "content_filter", "function_call"];

/// What an upstream's name for a finish reason is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ReasonClass {
    /// OpenAI's name for it.
    Named(&'static str),
    /// A name that is not known. OpenAI's types have no name for it but `length`, for an answer that is not complete.
    Unknown,
    /// A name for a failure of the upstream.
    Failed(UpstreamError),
    /// A name that stands for no reason.
    None,
}

/// Classifies an upstream's name for a finish reason, and records what is not OpenAI's.
pub(super) fn classify(upstream_name: &str, path: &str, diagnostics: &mut Diagnostics) -> ReasonClass {
    if let Some(name) = OPENAI_NAMES.iter().find(|name| **name == upstream_name) {
        return ReasonClass::Named(name);
    }
    match FinishReason::read(upstream_name) {
        None => ReasonClass::None,
        Some(FinishReason::Unknown(_)) => {
            diagnostics.record(DiagnosticCode::FinishReasonUnknown, path, upstream_name);
            ReasonClass::Unknown
        }
        Some(FinishReason::Failed { word, message }) => {
            diagnostics.record(DiagnosticCode::FinishReasonFailed, path, upstream_name);
            ReasonClass::Failed(UpstreamError::failed(&word, message.as_deref()))
        }
        Some(known) => {
            diagnostics.record(DiagnosticCode::FinishReasonMapped, path, upstream_name);
            ReasonClass::Named(super::super::finish_reason::name(&known))
        }
    }
}

/// Returns the error that OpenRouter states in a choice: <https://openrouter.ai/docs/api-reference/errors>.
pub(super) fn stated_error(choice: &Object<'_>, diagnostics: &mut Diagnostics) -> Option<UpstreamError> {
    choice.get("error").filter(|error| value_kind(error) == ValueKind::Object && !is_empty_object(error))?;
    error::in_any_form(choice, diagnostics)
}

fn is_empty_object(json: &str) -> bool {
    Object::parse(json.as_bytes()).is_ok_and(|object| object.is_empty())
}

/// Fits a finish reason to the choice's content: a choice with tool calls ends with `tool_calls`, one without them does not.
pub(super) fn reconcile(reason: &'static str, has_tool_calls: bool, named_tool: bool) -> &'static str {
    match (reason, has_tool_calls) {
        // Where the client's tool choice names a function OpenAI itself sends `stop`.
        ("stop", true) if !named_tool => "tool_calls",
        ("function_call", true) => "tool_calls",
        ("tool_calls" | "function_call", false) => "stop",
        _ => reason,
    }
}
