//! `stop_reason` and `stop_sequence` to `FinishReason` and back.
//!
//! <https://docs.anthropic.com/en/api/messages#response-stop-reason>

use super::names::NAME;
use crate::canonical::{DiagnosticCode, Diagnostics, ExtraFields, FinishReason};
use crate::json::{encode_string, raw};
use serde_json::value::RawValue;

/// A stop reason as it was read.
pub(super) struct ReadStopReason {
    pub(super) finish_reason: FinishReason,
    /// What `finish_reason` does not hold: the API's own word, or the stop sequence.
    pub(super) extra_field: Option<(String, Box<RawValue>)>,
}

/// Reads a stop reason and its stop sequence.
pub(super) fn read(
    stop_reason: &str,
    stop_sequence: Option<String>,
    diagnostics: &mut Diagnostics,
) -> ReadStopReason {
    let finish_reason = match stop_reason {
        "end_turn" => FinishReason::Stop,
        "max_tokens" => FinishReason::Length,
        "stop_sequence" => {
            // Not every event carries the sequence, so it goes into the extra fields too.
            let sequence = stop_sequence.as_deref();
            let extra_field = sequence.map(|s| (String::from("stop_sequence"), raw(encode_string(s))));
            return ReadStopReason { finish_reason: FinishReason::StopSequence(stop_sequence), extra_field };
        }
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::Refusal,
        _ => {
            let anthropic = read_anthropic_only(stop_reason);
            if anthropic.is_none() {
                diagnostics.record(DiagnosticCode::FinishReasonMapped, "stop_reason", stop_reason);
            }
            if let Some(finish_reason) = read_openai(stop_reason) {
                return ReadStopReason { finish_reason, extra_field: None };
            }
            let extra_field = Some((String::from("stop_reason"), raw(encode_string(stop_reason))));
            return ReadStopReason { finish_reason: anthropic.unwrap_or(FinishReason::Stop), extra_field };
        }
    };
    ReadStopReason { finish_reason, extra_field: None }
}

/// Reads OpenAI's finish reasons, which some gateways send in this dialect.
pub(super) fn read_openai(stop_reason: &str) -> Option<FinishReason> {
    match stop_reason {
        "stop" | "end" => Some(FinishReason::Stop),
        "length" => Some(FinishReason::Length),
        "tool_calls" | "function_call" => Some(FinishReason::ToolCalls),
        "content_filter" => Some(FinishReason::ContentFilter),
        _ => None,
    }
}

/// Reads the stop reasons of this API that our model has no variant for.
fn read_anthropic_only(stop_reason: &str) -> Option<FinishReason> {
    match stop_reason {
        "pause_turn" => Some(FinishReason::Stop),
        "model_context_window_exceeded" => Some(FinishReason::Length),
        _ => None,
    }
}

/// The content blocks that a stop reason depends on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ContentSummary {
    pub(super) has_tool_calls: bool,
    pub(super) has_refusal: bool,
}

/// The JSON of a stop reason and its stop sequence.
pub(super) struct WrittenStopReason {
    pub(super) stop_reason: String,
    pub(super) stop_sequence: String,
}

/// Writes a finish reason; where it is a plain end, the message's content decides.
pub(super) fn write(
    finish_reason: Option<&FinishReason>,
    content: ContentSummary,
    extra: &ExtraFields,
) -> WrittenStopReason {
    let finish_reason = finish_reason.unwrap_or(&FinishReason::Stop);
    let without_sequence =
        |stop_reason| WrittenStopReason { stop_reason, stop_sequence: String::from("null") };
    let original = (extra.dialect == NAME).then(|| extra.get("stop_reason")).flatten();
    if let Some(original) = original
        && read_anthropic_only(original.trim_matches('"')).as_ref() == Some(finish_reason)
    {
        return without_sequence(original.to_owned());
    }
    let stop_reason = match finish_reason {
        FinishReason::StopSequence(Some(sequence)) => {
            return WrittenStopReason {
                stop_reason: String::from("\"stop_sequence\""),
                stop_sequence: encode_string(sequence),
            };
        }
        FinishReason::Length => "max_tokens",
        FinishReason::ContentFilter | FinishReason::Refusal => "refusal",
        _ if content.has_tool_calls => "tool_use",
        _ if content.has_refusal => "refusal",
        FinishReason::Stop | FinishReason::StopSequence(None) | FinishReason::ToolCalls => "end_turn",
    };
    without_sequence(encode_string(stop_reason))
}
