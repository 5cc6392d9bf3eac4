//! Finish reasons: an upstream's name to OpenAI's; OpenAI's name to [`FinishReason`] and back.

use crate::canonical::FinishReason;

/// The names of upstreams, in lower case, and OpenAI's for each.
const UPSTREAM_NAMES: &[(&str, &str)] = &[
    ("stop", "stop"),
    ("eos", "stop"),
    ("eos_token", "stop"),
    ("end", "stop"),
    ("end_turn", "stop"),
    ("complete", "stop"),
    ("completed", "stop"),
    ("done", "stop"),
    ("stop_sequence", "stop"),
    ("stop_token", "stop"),
    ("tool_calls", "stop"),
    ("length", "length"),
    ("max_tokens", "length"),
    ("max_output_tokens", "length"),
    ("max_length", "length"),
    ("model_length", "length"),
    ("content_filter", "content_filter"),
    ("sensitive", "content_filter"),
    ("safety", "content_filter"),
    ("content_filtered", "content_filter"),
    ("refusal", "content_filter"),
];

/// Returns OpenAI's name for an upstream's; `None` if it is a name for a failure. An unknown name becomes `stop`.
pub(super) fn map(upstream_name: &str) -> Option<&'static str> {
    let lower = upstream_name.to_ascii_lowercase();
    if matches!(lower.as_str(), "error" | "network_error" | "abort") {
        return None;
    }
    Some(UPSTREAM_NAMES.iter().find(|(name, _)| *name == lower).map_or("stop", |(_, openai)| *openai))
}

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
        FinishReason::Length => "length",
        FinishReason::ContentFilter | FinishReason::Refusal => "content_filter",
        FinishReason::Stop | FinishReason::StopSequence(_) | FinishReason::ToolCalls => "stop",
    }
}
