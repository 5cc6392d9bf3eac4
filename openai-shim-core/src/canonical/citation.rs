//! Where an answer's words come from: sources by their address, which several dialects have a place for.

use super::ExtraFieldList;

/// One source of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citation {
    /// Its address.
    pub url: String,
    /// What it is called; its address, if it has no name.
    pub title: String,
    /// Which part of the answer it belongs to; `None`: the text beside which it stands.
    pub span: Option<CitedSpan>,
}

/// A part of an answer's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CitedSpan {
    /// Where it begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Counted in bytes, not in characters.
    pub bytes: bool,
}

/// What leftovers of a dialect cite.
#[derive(Debug, Clone, Default)]
pub struct CitedSources {
    /// The sources.
    pub list: Vec<Citation>,
    /// What of the leftovers is no source.
    pub rest: ExtraFieldList,
}

/// How long a text is by now, both ways.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TextLength {
    /// In characters.
    pub chars: usize,
    /// In bytes.
    pub bytes: usize,
}

impl TextLength {
    /// The length with this behind it.
    pub fn add(&mut self, text: &str) {
        self.chars += text.chars().count();
        self.bytes += text.len();
    }
}

impl Citation {
    /// A source; one without a name is called by its address.
    pub fn new(url: &str, title: Option<&str>, span: Option<CitedSpan>) -> Self {
        let title = title.filter(|title| !title.is_empty()).unwrap_or(url);
        Self { url: url.to_owned(), title: title.to_owned(), span }
    }

    /// Where its part begins and ends in characters, or in `bytes`, for a text that goes from here to there. What is
    /// counted the other way is known only where the two are the same.
    pub fn offsets(&self, from: TextLength, to: TextLength, bytes: bool) -> (usize, usize) {
        match self.span {
            Some(span) if span.bytes == bytes || to.chars == to.bytes => (span.start, span.end),
            _ if bytes => (from.bytes, to.bytes),
            _ => (from.chars, to.chars),
        }
    }
}
