//! An upstream's text that is nearly JSON to JSON, with a diagnostic for each kind of fault.

use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::json::syntax::{SyntaxFault, repair_syntax};

/// Repairs text that could not be parsed, and records what was repaired; `None` if it stays unreadable.
pub(crate) fn repair_json(text: &[u8], diagnostics: &mut Diagnostics) -> Option<String> {
    let repaired = repair_syntax(text)?;
    for fault in repaired.faults {
        let (code, detail) = match fault {
            SyntaxFault::InvalidUtf8 => (DiagnosticCode::EncodingInvalid, ""),
            SyntaxFault::ControlCharacter => {
                (DiagnosticCode::JsonRepaired, "a control character in a string")
            }
            SyntaxFault::NotANumber => (DiagnosticCode::NotANumber, ""),
        };
        diagnostics.record(code, "", detail);
    }
    Some(repaired.json)
}

/// Repairs text whose faults were recorded already.
pub(crate) fn repair_json_again(text: &[u8]) -> Option<String> {
    repair_syntax(text).map(|repaired| repaired.json)
}
