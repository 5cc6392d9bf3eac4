//! `stop_reason` and `stop_sequence` to `FinishReason` and back.
//!
//! <https://docs.anthropic.com/en/api/messages#response-stop-reason>

use super::names::NAME;
use crate::canonical::{DiagnosticCode, Diagnostics, ExtraFields, FinishReason};
use crate::json::{RawJson, encode_string, raw};

/// A stop reason as it was read.
pub(super) struct ReadStopReason {
    pub(super) finish_reason: FinishReason,
    /// What `finish_reason` does not hold: the API's own word, or the stop sequence.
    pub(super) extra_field: Option<(String, RawJson)>,
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
            let own = || Some((String::from("stop_reason"), raw(encode_string(stop_reason))));
            if let Some(finish_reason) = read_anthropic_only(stop_reason) {
                return ReadStopReason { finish_reason, extra_field: own() };
            }
            let unknown = || FinishReason::Unknown(stop_reason.to_owned());
            let finish_reason = FinishReason::read(stop_reason).unwrap_or_else(unknown);
            let (code, extra_field) = match finish_reason {
                FinishReason::Failed { .. } => (DiagnosticCode::FinishReasonFailed, own()),
                FinishReason::Unknown(_) => (DiagnosticCode::FinishReasonUnknown, own()),
                _ => (DiagnosticCode::FinishReasonMapped, None),
            };
            diagnostics.record(code, "stop_reason", stop_reason);
            return ReadStopReason { finish_reason, extra_field };
        }
    };
    ReadStopReason { finish_reason, extra_field: None }
}

/// Whether a stop reason is a known word of another API, which some gateways send in this dialect.
pub(super) fn is_foreign(stop_reason: &str) -> bool {
    let is_own = ["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"].contains(&stop_reason)
        || read_anthropic_only(stop_reason).is_some();
    !is_own && !matches!(FinishReason::read(stop_reason), None | Some(FinishReason::Unknown(_)))
}

/// Reads the stop reasons of this API that our model has no variant for.
fn read_anthropic_only(stop_reason: &str) -> Option<FinishReason> {
    match stop_reason {
        "pause_turn" | "compaction" => Some(FinishReason::Stop),
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
        && (read_anthropic_only(original.trim_matches('"')).as_ref() == Some(finish_reason)
            || matches!(finish_reason, FinishReason::Unknown(_)))
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
        // This API has no other word for an answer that is not complete.
        FinishReason::Length | FinishReason::Failed { .. } | FinishReason::Unknown(_) => "max_tokens",
        FinishReason::ContentFilter | FinishReason::Refusal => "refusal",
        _ if content.has_tool_calls => "tool_use",
        _ if content.has_refusal => "refusal",
        FinishReason::Stop | FinishReason::StopSequence(None) | FinishReason::ToolCalls => "end_turn",
    };
    without_sequence(encode_string(stop_reason))
}
