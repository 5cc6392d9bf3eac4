//! `finishReason` to `FinishReason` and back.
//!
//! <https://ai.google.dev/api/generate-content#FinishReason>

use crate::canonical::{DiagnosticCode, Diagnostics, FinishReason};
use crate::json::string_or_json;

/// Google's finish reasons: each with ours, and whether ours means the same, so that it is no loss.
const FINISH_REASONS: &[(&str, FinishReason, bool)] = &[
    ("STOP", FinishReason::Stop, true),
    ("MAX_TOKENS", FinishReason::Length, true),
    ("SAFETY", FinishReason::ContentFilter, true),
    ("RECITATION", FinishReason::ContentFilter, true),
    ("LANGUAGE", FinishReason::ContentFilter, true),
    ("BLOCKLIST", FinishReason::ContentFilter, true),
    ("PROHIBITED_CONTENT", FinishReason::ContentFilter, true),
    ("SPII", FinishReason::ContentFilter, true),
    ("MODEL_ARMOR", FinishReason::ContentFilter, true),
    ("IMAGE_SAFETY", FinishReason::ContentFilter, true),
    ("IMAGE_PROHIBITED_CONTENT", FinishReason::ContentFilter, true),
    ("IMAGE_RECITATION", FinishReason::ContentFilter, true),
    ("ESCALATION", FinishReason::ContentFilter, true),
    ("MALFORMED_FUNCTION_CALL", FinishReason::Stop, false),
    ("MALFORMED_RESPONSE", FinishReason::Stop, false),
    ("UNEXPECTED_TOOL_CALL", FinishReason::Stop, false),
    ("TOO_MANY_TOOL_CALLS", FinishReason::Stop, false),
    ("MISSING_THOUGHT_SIGNATURE", FinishReason::Stop, false),
    ("NO_IMAGE", FinishReason::Stop, false),
    ("IMAGE_OTHER", FinishReason::Stop, false),
    ("OTHER", FinishReason::Stop, false),
    ("FINISH_REASON_UNSPECIFIED", FinishReason::Stop, false),
    // Some servers send the numbers of the enum. Google's two APIs number reasons after the sixth differently.
    ("1", FinishReason::Stop, true),
    ("2", FinishReason::Length, true),
    ("3", FinishReason::ContentFilter, true),
    ("4", FinishReason::ContentFilter, true),
    ("6", FinishReason::ContentFilter, true),
    ("7", FinishReason::ContentFilter, true),
    ("8", FinishReason::ContentFilter, true),
];

/// Reads the JSON of a finish reason.
pub(super) fn read(json: &str, diagnostics: &mut Diagnostics) -> FinishReason {
    let reason = string_or_json(json);
    match FINISH_REASONS.iter().find(|(known, ..)| *known == reason) {
        Some((_, same, true)) => same.clone(),
        _ => {
            diagnostics.record(
                DiagnosticCode::FinishReasonMapped,
                "candidates[].finishReason",
                &format!("{reason} to stop"),
            );
            FinishReason::Stop
        }
    }
}

/// Returns Google's finish reason for ours.
pub(super) fn write(reason: &FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::StopSequence(_) | FinishReason::ToolCalls => "STOP",
        FinishReason::Length => "MAX_TOKENS",
        FinishReason::ContentFilter | FinishReason::Refusal => "SAFETY",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_reason_is_read_as_the_same() {
        for reason in [FinishReason::Stop, FinishReason::Length, FinishReason::ContentFilter] {
            let mut diagnostics = Diagnostics::default();
            assert_eq!(read(&format!("\"{}\"", write(&reason)), &mut diagnostics), reason);
            assert!(diagnostics.is_empty());
        }
    }

    #[test]
    fn unknown_reason_is_a_stop_and_is_reported() {
        for reason in ["\"OTHER\"", "\"NEW_WORD\"", "5", "99"] {
            let mut diagnostics = Diagnostics::default();
            assert_eq!(read(reason, &mut diagnostics), FinishReason::Stop);
            assert!(diagnostics.has(DiagnosticCode::FinishReasonMapped), "{reason}");
        }
    }
}
