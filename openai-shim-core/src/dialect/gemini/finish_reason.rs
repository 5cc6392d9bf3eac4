//! `finishReason` to `FinishReason` and back.
//!
//! <https://ai.google.dev/api/generate-content#FinishReason>

use crate::canonical::{DiagnosticCode, Diagnostics, FinishReason};
use crate::json::string_or_json;
use crate::redact::redact;

/// Some servers send the numbers of the enum. Google's two APIs number reasons after the sixth differently.
const NUMBERS: [(&str, FinishReason); 7] = [
    ("1", FinishReason::Stop),
    ("2", FinishReason::Length),
    ("3", FinishReason::ContentFilter),
    ("4", FinishReason::ContentFilter),
    ("6", FinishReason::ContentFilter),
    ("7", FinishReason::ContentFilter),
    ("8", FinishReason::ContentFilter),
];

/// Reads the JSON of a finish reason; `message` is the JSON of `finishMessage`, which explains it.
pub(super) fn read(json: &str, message: Option<&str>, diagnostics: &mut Diagnostics) -> FinishReason {
    const FIELD_PATH: &str = "candidates[].finishReason";
    let word = string_or_json(json);
    if let Some((_, reason)) = NUMBERS.iter().find(|(number, _)| *number == word) {
        return reason.clone();
    }
    match FinishReason::read(&word) {
        Some(FinishReason::Failed { word, .. }) => {
            diagnostics.record(DiagnosticCode::FinishReasonFailed, FIELD_PATH, &word);
            let message = message.map(string_or_json);
            let message = message.map(|text| redact(&text).unwrap_or_else(|| text.into_owned()));
            FinishReason::Failed { word, message }
        }
        None | Some(FinishReason::Unknown(_)) => {
            diagnostics.record(DiagnosticCode::FinishReasonUnknown, FIELD_PATH, &word);
            FinishReason::Unknown(word.into_owned())
        }
        Some(known) => known,
    }
}

/// Returns Google's finish reason for ours.
pub(super) fn write(reason: &FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::StopSequence(_) | FinishReason::ToolCalls => "STOP",
        FinishReason::Length => "MAX_TOKENS",
        FinishReason::ContentFilter | FinishReason::Refusal => "SAFETY",
        FinishReason::Failed { .. } | FinishReason::Unknown(_) => "OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_reason_is_read_as_the_same() {
        for reason in [FinishReason::Stop, FinishReason::Length, FinishReason::ContentFilter] {
            let mut diagnostics = Diagnostics::default();
            assert_eq!(read(&format!("\"{}\"", write(&reason)), None, &mut diagnostics), reason);
            assert!(diagnostics.is_empty());
        }
    }

    #[test]
    fn unknown_reason_is_reported_and_no_stop() {
        for word in ["NEW_WORD", "5", "99"] {
            let mut diagnostics = Diagnostics::default();
            let read = read(&format!("\"{word}\""), None, &mut diagnostics);
            assert_eq!(read, FinishReason::Unknown(word.to_owned()));
            assert!(diagnostics.has(DiagnosticCode::FinishReasonUnknown), "{word}");
        }
    }

    #[test]
    fn failure_keeps_its_explanation() {
        let mut diagnostics = Diagnostics::default();
        let read = read("\"MALFORMED_FUNCTION_CALL\"", Some("\"print(x)\""), &mut diagnostics);
        assert_eq!(read, FinishReason::failed("MALFORMED_FUNCTION_CALL", Some("print(x)")));
    }
}
