//! Reading Rust as text, for the tests that look at the project's own source.

/// Returns the length of the string literal that `text` begins with, its quotes included.
pub(crate) fn closing_quote(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}
