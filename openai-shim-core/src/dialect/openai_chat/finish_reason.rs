//! Finish reasons: OpenAI's names to [`FinishReason`] and back.

use crate::canonical::FinishReason;
use crate::json::Object;

/// Returns the meaning of one of OpenAI's names.
pub(super) fn parse(name: &str) -> FinishReason {
    match name {
        "length" => FinishReason::Length,
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        "content_filter" => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

/// Returns the finish reason of a choice. Some servers state the matched stop sequence next to the reason.
pub(super) fn of_choice(name: &str, choice: &Object<'_>) -> FinishReason {
    let matched = ["stop_reason", "matched_stop"].iter().find_map(|key| choice.str(key));
    match (parse(name), matched.filter(|sequence| !sequence.is_empty())) {
        (FinishReason::Stop, Some(sequence)) => FinishReason::StopSequence(Some(sequence.into_owned())),
        (reason, _) => reason,
    }
}

/// Returns OpenAI's name for a reason.
pub(super) fn name(reason: &FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::StopSequence(_) => "stop",
        // OpenAI's types have no other word for an answer that is not complete.
        FinishReason::Length | FinishReason::Failed { .. } | FinishReason::Unknown(_) => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter | FinishReason::Refusal => "content_filter",
    }
}
