//! Bracket depth and string state of a JSON text that arrives in parts: each byte is examined once.

/// The nesting after the bytes read so far.
#[derive(Debug, Default)]
pub(crate) struct Nesting {
    depth: usize,
    position: Position,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// Outside every string.
    #[default]
    Structure,
    /// Inside a string.
    String,
    /// Inside a string, after a backslash that escapes the next byte.
    Escape,
}

impl Nesting {
    /// Reads the next byte.
    pub(crate) fn advance(&mut self, byte: u8) {
        match (self.position, byte) {
            (Position::Escape, _) | (Position::Structure, b'"') => self.position = Position::String,
            (Position::String, b'\\') => self.position = Position::Escape,
            (Position::String, b'"') => self.position = Position::Structure,
            (Position::Structure, b'{' | b'[') => self.depth += 1,
            (Position::Structure, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
            (Position::String | Position::Structure, _) => {}
        }
    }

    /// How many brackets are open.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Whether neither a string nor a bracket is open.
    pub(crate) fn is_closed(&self) -> bool {
        self.depth == 0 && self.position == Position::Structure
    }
}

/// Determines whether a growing text may be complete JSON, without reading any part of it twice.
#[derive(Debug, Default)]
pub(crate) struct Balance {
    scanned: usize,
    nesting: Nesting,
}

impl Balance {
    /// Whether neither a string nor a bracket is open at the end of `text`, which must begin with the text of the previous
    /// call. If false, `text` is not JSON yet; if true, it may be.
    pub(crate) fn is_closed(&mut self, text: &str) -> bool {
        for byte in text.as_bytes().get(self.scanned..).unwrap_or_default() {
            self.nesting.advance(*byte);
        }
        self.scanned = text.len();
        self.nesting.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cut_anywhere_is_closed_only_when_complete() {
        let text = r#"{"a":"}\"]","b":[{},"\\"]}"#;
        for cut in 0..text.len() {
            let mut balance = Balance::default();
            assert_eq!(balance.is_closed(&text[..cut]), cut == 0, "{cut}");
            assert!(balance.is_closed(text), "{cut}");
        }
    }
}
