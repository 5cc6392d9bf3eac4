//! Finish reasons: OpenAI's name to [`FinishReason`] and back.

use crate::canonical::FinishReason;

/// Returns the meaning of one of OpenAI's names.
pub(super) fn parse(name: &str) -> FinishReason {
    match name {
        "length" => FinishReason::Length,
        "content_filter" => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

/// Returns OpenAI's name for a reason.
pub(super) fn name(reason: &FinishReason) -> &'static str {
    match reason {
        // OpenAI's types have no other word for an answer that is not complete.
        FinishReason::Length | FinishReason::Failed { .. } | FinishReason::Unknown(_) => "length",
        FinishReason::ContentFilter | FinishReason::Refusal => "content_filter",
        FinishReason::Stop | FinishReason::StopSequence(_) | FinishReason::ToolCalls => "stop",
    }
}
