//! Whether a JSON text that arrives in pieces may be complete by now, in one pass over all of its pieces.

/// What is open in the part of a text that was looked at.
#[derive(Debug, Default)]
pub(crate) struct Balance {
    /// How many bytes were looked at.
    summary: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Balance {
    /// Whether neither a string nor a bracket is open; `text` begins with what was looked at before. A text for which this is
    /// false is no JSON yet; one for which it is true may be some.
    pub(crate) fn is_closed(&mut self, text: &str) -> bool {
        for byte in text.as_bytes().get(self.summary..).unwrap_or_default() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        self.summary = text.len();
        self.depth == 0 && !self.in_string
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_closed_where_its_brackets_and_strings_are_however_it_was_cut() {
        let text = r#"{"a":"}\"]","b":[{},"\\"]}"#;
        for cut in 0..text.len() {
            let mut balance = Balance::default();
            assert_eq!(balance.is_closed(&text[..cut]), cut == 0, "{cut}");
            assert!(balance.is_closed(text), "{cut}");
        }
    }
}
