//! Why an answer ended: Google's words and ours.
//!
//! <https://ai.google.dev/api/generate-content#FinishReason>

use crate::canonical::{DiagnosticCode, Diagnostics, FinishReason};
use crate::json::string_or_json;

/// Every word that is known, with its meaning, and whether that says all of it.
const TABLE: &[(&str, FinishReason, bool)] = &[
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
    // Some servers send the numbers of the enum; after the sixth, Google's two APIs count differently.
    ("1", FinishReason::Stop, true),
    ("2", FinishReason::Length, true),
    ("3", FinishReason::ContentFilter, true),
    ("4", FinishReason::ContentFilter, true),
    ("6", FinishReason::ContentFilter, true),
    ("7", FinishReason::ContentFilter, true),
    ("8", FinishReason::ContentFilter, true),
];

/// The meaning of a reason's JSON.
pub(super) fn read(json: &str, diagnostics: &mut Diagnostics) -> FinishReason {
    let word = string_or_json(json);
    let known = TABLE.iter().find(|(known, ..)| *known == word);
    match known {
        Some((_, reason, true)) => reason.clone(),
        _ => {
            diagnostics.record(
                DiagnosticCode::FinishReasonMapped,
                "candidates[].finishReason",
                &format!("{word} to stop"),
            );
            FinishReason::Stop
        }
    }
}

/// Google's word for a reason.
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
    fn what_we_write_reads_as_the_same() {
        for reason in [FinishReason::Stop, FinishReason::Length, FinishReason::ContentFilter] {
            let mut diagnostics = Diagnostics::default();
            assert_eq!(read(&format!("\"{}\"", write(&reason)), &mut diagnostics), reason);
            assert!(diagnostics.is_empty());
        }
    }

    #[test]
    fn what_is_not_known_is_a_stop_and_reported() {
        for word in ["\"OTHER\"", "\"NEW_WORD\"", "5", "99"] {
            let mut diagnostics = Diagnostics::default();
            assert_eq!(read(word, &mut diagnostics), FinishReason::Stop);
            assert!(diagnostics.has(DiagnosticCode::FinishReasonMapped), "{word}");
        }
    }
}
