//! Shortens text for logs, headers and errors: a prefix of a text, and a one-line summary of diagnostics.

use openai_shim_core::Diagnostics;

/// The most bytes of a summary of diagnostics.
const MAX_SUMMARY_BYTES: usize = 1000;

/// The first `characters` characters of a text.
pub(crate) fn shorten(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or(text, |(end, _)| text.get(..end).unwrap_or_default())
}

/// Summarizes diagnostics as `3; role-filled, usage-moved x12`: how many, and which codes how often; at most 1 kB.
pub(crate) fn summarize(diagnostics: &Diagnostics) -> String {
    let mut text = diagnostics.len().to_string();
    for (i, (code, count)) in diagnostics.codes().into_iter().enumerate() {
        let times = if count > 1 { format!(" x{count}") } else { String::new() };
        let item = format!("{}{code}{times}", if i == 0 { "; " } else { ", " });
        if text.len() + item.len() > MAX_SUMMARY_BYTES {
            break;
        }
        text.push_str(&item);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use openai_shim_core::canonical::DiagnosticCode;

    #[test]
    fn summary_of_all_codes_stays_within_a_kilobyte() {
        let mut diagnostics = Diagnostics::default();
        for code in DiagnosticCode::ALL {
            for _ in 0..1000 {
                diagnostics.record(*code, "", "");
            }
        }
        assert!(summarize(&diagnostics).len() <= 1024);
        assert!(summarize(&diagnostics).starts_with(&format!("{}; ", DiagnosticCode::ALL.len())));
    }
}
