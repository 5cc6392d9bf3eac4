//! Citations: sources of a response's text by URL, and their offsets in characters or bytes.

use super::ExtraFieldList;

/// A source of a span of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citation {
    /// The URL of the source.
    pub url: String,
    /// The title of the source; the URL, if it has none.
    pub title: String,
    /// The span of the response's text; `None`: the text block that holds the citation.
    pub span: Option<CitedSpan>,
}

/// A span of a response's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CitedSpan {
    /// The first offset.
    pub start: usize,
    /// The offset behind the last.
    pub end: usize,
    /// The offsets count bytes, not characters.
    pub bytes: bool,
}

/// The citations among the extra fields of a dialect.
#[derive(Debug, Clone, Default)]
pub struct CitedSources {
    /// The citations.
    pub list: Vec<Citation>,
    /// The other extra fields.
    pub rest: ExtraFieldList,
}

/// The length of a text so far, in both units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TextLength {
    /// In characters.
    pub chars: usize,
    /// In bytes.
    pub bytes: usize,
}

impl TextLength {
    /// Adds the length of `text`.
    pub fn add(&mut self, text: &str) {
        self.chars += text.chars().count();
        self.bytes += text.len();
    }
}

impl Citation {
    /// A citation; without a title, the URL is the title.
    pub fn new(url: &str, title: Option<&str>, span: Option<CitedSpan>) -> Self {
        let title = title.filter(|title| !title.is_empty()).unwrap_or(url);
        Self { url: url.to_owned(), title: title.to_owned(), span }
    }

    /// The offsets of the cited span, in `bytes` or in characters. `from` and `to` are the lengths before and after the text
    /// block: they are the offsets if there is no span, or if it counts in the other unit and the two units differ.
    pub fn offsets(&self, from: TextLength, to: TextLength, bytes: bool) -> (usize, usize) {
        match self.span {
            Some(span) if span.bytes == bytes || to.chars == to.bytes => (span.start, span.end),
            _ if bytes => (from.bytes, to.bytes),
            _ => (from.chars, to.chars),
        }
    }
}
