//! Incomplete text to tokens of tool-call markup: a step succeeds, does not match, or needs more text.

use crate::json::Nesting;
use memchr::memmem;

/// Why a step did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrMode {
    /// The text so far is a beginning of what the step expects: more text is needed.
    Incomplete,
    /// The text is not what the step expects.
    Backtrack,
}

pub(super) type ParseResult<T> = Result<T, ErrMode>;

/// The maximum length of a name, and of white space inside an item.
const MAX_NAME_BYTES: usize = 256;

/// A position in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// No text will follow.
    pub(super) is_final: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn remaining(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The error where the text ends too early.
    pub(super) fn end_error(&self) -> ErrMode {
        if self.is_final { ErrMode::Backtrack } else { ErrMode::Incomplete }
    }

    /// Skips any amount of white space. For callers that store the position afterwards, so that it is not read again.
    pub(super) fn skip_space(&mut self) {
        self.at = self.text.len() - self.remaining().trim_start().len();
    }

    /// Skips white space inside an item. Its length is limited, because it is read again with the item.
    pub(super) fn skip_short_space(&mut self) -> ParseResult<()> {
        let start = self.at;
        self.skip_space();
        if self.at - start > MAX_NAME_BYTES { Err(ErrMode::Backtrack) } else { Ok(()) }
    }

    /// Returns the next byte without consuming it.
    pub(super) fn peek_byte(&self) -> ParseResult<u8> {
        self.remaining().bytes().next().ok_or(self.end_error())
    }

    /// Consumes `literal` if it is next, and returns whether it was.
    pub(super) fn consume(&mut self, literal: &str) -> ParseResult<bool> {
        let remaining = self.remaining();
        if remaining.starts_with(literal) {
            self.at += literal.len();
            return Ok(true);
        }
        if !self.is_final && literal.starts_with(remaining) { Err(ErrMode::Incomplete) } else { Ok(false) }
    }

    /// Consumes `literal`, which must be next.
    pub(super) fn expect(&mut self, literal: &str) -> ParseResult<()> {
        if self.consume(literal)? { Ok(()) } else { Err(ErrMode::Backtrack) }
    }

    /// Consumes the first of `literals` that is next, and returns its index; `None` if none of them is.
    pub(super) fn consume_any(&mut self, literals: &[&str]) -> ParseResult<Option<usize>> {
        let mut is_incomplete = false;
        for (index, literal) in literals.iter().enumerate() {
            match self.consume(literal) {
                Ok(true) => return Ok(Some(index)),
                Ok(false) => {}
                Err(_) => is_incomplete = true,
            }
        }
        if is_incomplete { Err(ErrMode::Incomplete) } else { Ok(None) }
    }

    /// Consumes a name and the `terminator` after it; returns the name without white space around it. A name is short and on one
    /// line.
    pub(super) fn take_name(&mut self, terminator: &str) -> ParseResult<&'a str> {
        let remaining = self.remaining();
        let max_len = MAX_NAME_BYTES + terminator.len();
        let window = remaining.as_bytes().get(..max_len).unwrap_or(remaining.as_bytes());
        let end = memmem::find(window, terminator.as_bytes());
        let before = window.get(..end.unwrap_or(window.len())).unwrap_or_default();
        if before.trim_ascii_start().contains(&b'\n') || (end.is_none() && window.len() == max_len) {
            return Err(ErrMode::Backtrack);
        }
        let name = remaining.get(..end.ok_or(self.end_error())?).unwrap_or_default();
        self.at += name.len() + terminator.len();
        Ok(name.trim())
    }

    /// Consumes a tool's name without a terminator: it ends before the first character that is not part of a name.
    pub(super) fn take_bare_name(&mut self) -> ParseResult<&'a str> {
        let remaining = self.remaining();
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/');
        let end =
            remaining.char_indices().take(MAX_NAME_BYTES + 1).find(|(_, c)| !is_name(*c)).map(|(at, _)| at);
        match end {
            Some(0) => Err(ErrMode::Backtrack),
            Some(end) => {
                self.at += end;
                Ok(remaining.get(..end).unwrap_or_default())
            }
            None if remaining.len() > MAX_NAME_BYTES => Err(ErrMode::Backtrack),
            None => Err(self.end_error()),
        }
    }

    /// Consumes a JSON object or array of any length.
    pub(super) fn take_json(&mut self, scan: &mut ResumableScan) -> ParseResult<&'a str> {
        let end = scan.find_json_end(self.text.as_bytes(), self.at).map_err(|error| match error {
            ErrMode::Incomplete => self.end_error(),
            ErrMode::Backtrack => ErrMode::Backtrack,
        })?;
        let json = self.text.get(self.at..end).unwrap_or_default();
        self.at = end;
        Ok(json)
    }

    /// Consumes text of any length and the `terminator` after it; returns the text.
    pub(super) fn take_until(&mut self, terminator: &str, scan: &mut ResumableScan) -> ParseResult<&'a str> {
        let end = scan.find(self.text.as_bytes(), self.at, terminator.as_bytes()).ok_or(self.end_error())?;
        let value = self.text.get(self.at..end).unwrap_or_default();
        self.at = end + terminator.len();
        Ok(value)
    }
}

/// The progress of a step over text of any length, so that no byte is scanned twice when the step is repeated with more text.
#[derive(Debug, Default)]
pub(super) struct ResumableScan {
    start: usize,
    /// The end of the scanned text.
    pub(super) scanned: usize,
    nesting: Nesting,
    /// The outermost bracket, as long as only white space follows it.
    outer_bracket: Option<u8>,
}

impl ResumableScan {
    /// Continues the scan that began at `start`, or begins a new one there.
    fn resume(&mut self, start: usize) {
        if self.start != start || self.scanned < start {
            *self = Self { start, scanned: start, ..Self::default() };
        }
    }

    fn find(&mut self, text: &[u8], start: usize, terminator: &[u8]) -> Option<usize> {
        self.resume(start);
        let found = memmem::find(text.get(self.scanned..)?, terminator).map(|at| self.scanned + at);
        // The last bytes may be the beginning of the terminator.
        self.scanned =
            found.unwrap_or_else(|| (text.len() + 1).saturating_sub(terminator.len()).max(self.scanned));
        found
    }

    /// Returns the end of the JSON value at `start`. A parser validates the value later; here only a value that cannot be an
    /// object or a list of objects is rejected, so that prose in brackets is not withheld.
    fn find_json_end(&mut self, text: &[u8], start: usize) -> ParseResult<usize> {
        self.resume(start);
        if self.nesting.depth() == 0 && self.scanned > start {
            // The value was complete in an earlier step, but the text after it was not.
            return Ok(self.scanned);
        }
        while let Some(&byte) = text.get(self.scanned) {
            let is_space = byte.is_ascii_whitespace();
            let is_plausible = match (self.nesting.depth(), self.outer_bracket) {
                (0, _) => matches!(byte, b'{' | b'['),
                (1, Some(b'{')) => is_space || matches!(byte, b'"' | b'}'),
                (1, Some(b'[')) => is_space || matches!(byte, b'{' | b']'),
                _ => true,
            };
            if !is_plausible {
                return Err(ErrMode::Backtrack);
            }
            self.outer_bracket = match byte {
                b'{' | b'[' if self.scanned == self.start => Some(byte),
                _ if is_space => self.outer_bracket,
                _ => None,
            };
            self.scanned += 1;
            self.nesting.advance(byte);
            if self.nesting.depth() == 0 {
                return Ok(self.scanned);
            }
        }
        Err(ErrMode::Incomplete)
    }
}
