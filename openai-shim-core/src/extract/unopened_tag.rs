//! Text with a closing tag of reasoning that no tag opened: the same text without the tag.
//!
//! The opening tag stood in the prompt, and nothing says so before the closing one comes. What stands before it was reasoning,
//! and has been shown as text by then; the tag itself is left out.

use super::limits::MAX_LEADING_SPACE_BYTES;
use super::partial_match::{find_first, partial_match_start};

const FENCE_BACKTICKS: u32 = 3;

/// Whether a closing tag with this text behind it ends reasoning: a sentence that mentions the tag goes on behind a space, a
/// quotation mark or punctuation.
pub(super) fn ends_reasoning(after: &str) -> bool {
    after.starts_with(|c: char| c == '\n' || c == '\r' || c.is_alphanumeric())
}

/// Takes an unopened closing tag out of text.
#[derive(Debug)]
pub(crate) struct UnopenedTagRemover {
    /// The closing tags, then the opening ones: behind one of those a closing tag is ordinary text.
    tags: Vec<&'static str>,
    closers: usize,
    withheld: String,
    /// Backticks at the end of what was emitted.
    backticks: u32,
    is_in_code: bool,
    is_done: bool,
    has_removed: bool,
}

impl UnopenedTagRemover {
    pub(super) fn new(closers: &[&'static str], openers: impl Iterator<Item = &'static str>) -> Self {
        Self {
            tags: closers.iter().copied().chain(openers).collect(),
            closers: closers.len(),
            withheld: String::new(),
            backticks: 0,
            is_in_code: false,
            is_done: false,
            has_removed: false,
        }
    }

    /// Whether `push` would emit every text as it is that has no mark with which tags and code begin.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_done || (self.withheld.is_empty() && self.backticks == 0)
    }

    /// Whether `push` would emit this text and keep nothing of it.
    pub(crate) fn is_unchanged(&self, text: &str) -> bool {
        // Most texts are a word: a loop is quicker than a prepared search.
        let is_mark = |byte: u8| matches!(byte, b'<' | b'[' | b'`' | 0xe2);
        self.is_idle()
            && (self.is_done
                || !text.bytes().any(is_mark)
                || !text.contains('`')
                    && find_first(text, &self.tags).is_none()
                    && partial_match_start(text, &self.tags) == text.len())
    }

    /// Whether every further text is emitted as it is.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// Whether text waits for more text.
    pub(crate) fn is_withholding(&self) -> bool {
        !self.withheld.is_empty()
    }

    /// Whether a tag was taken out since the last call.
    pub(crate) fn take_removed(&mut self) -> bool {
        std::mem::take(&mut self.has_removed)
    }

    pub(crate) fn push(&mut self, text: &str, sink: &mut dyn FnMut(&str)) {
        if self.is_done {
            return sink(text);
        }
        self.withheld.push_str(text);
        let withheld = std::mem::take(&mut self.withheld);
        let mut rest = withheld.as_str();
        while !self.is_done {
            let Some(tag) = find_first(rest, &self.tags) else { break };
            let is_closer = self.tags.iter().take(self.closers).any(|t| rest.get(tag.clone()) == Some(t));
            let (before, after) = (rest.get(..tag.start), rest.get(tag.end..).unwrap_or_default());
            if !is_closer {
                self.is_done = true;
                break;
            }
            self.emit(before.unwrap_or_default(), sink);
            rest = rest.get(tag.start..).unwrap_or_default();
            if self.is_in_code || !(after.is_empty() || ends_reasoning(after)) {
                self.emit(rest.get(..tag.len()).unwrap_or_default(), sink);
                rest = after;
            } else if after.trim_start().is_empty() && after.len() <= MAX_LEADING_SPACE_BYTES {
                // Only text behind the tag shows that reasoning ended.
                rest.clone_into(&mut self.withheld);
                return;
            } else {
                (self.has_removed, self.is_done) = (true, true);
                rest = after;
            }
        }
        if self.is_done {
            return sink(rest);
        }
        let end = partial_match_start(rest, &self.tags);
        let (emitted, held_back) = rest.split_at_checked(end).unwrap_or((rest, ""));
        self.emit(emitted, sink);
        held_back.clone_into(&mut self.withheld);
    }

    /// Ends the text. A tag at its end stays: a sentence may end with it.
    pub(crate) fn finish(&mut self, sink: &mut dyn FnMut(&str)) {
        sink(&std::mem::take(&mut self.withheld));
        self.is_done = true;
    }

    fn emit(&mut self, text: &str, sink: &mut dyn FnMut(&str)) {
        if text.is_empty() {
            return;
        }
        if memchr::memchr(b'`', text.as_bytes()).is_none() {
            self.backticks = 0;
            return sink(text);
        }
        for byte in text.bytes() {
            self.backticks = if byte == b'`' { self.backticks + 1 } else { 0 };
            if self.backticks == FENCE_BACKTICKS {
                (self.backticks, self.is_in_code) = (0, !self.is_in_code);
            }
        }
        sink(text);
    }
}
