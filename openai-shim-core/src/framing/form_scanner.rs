//! Finds a text field of a multipart form while the form arrives, cut anywhere.
//!
//! <https://www.rfc-editor.org/rfc/rfc7578>, <https://www.rfc-editor.org/rfc/rfc2046#section-5.1>

use super::part_head::{PartHead, TransferCoding, header_parameter};
use memchr::memchr;
use std::ops::Range;

/// The most bytes of the head of a part that are read, and of one line.
const MAX_HEAD_BYTES: usize = 4 << 10;
/// The most bytes of a field's value: longer ones are no names.
const MAX_VALUE_BYTES: u64 = 4 << 10;
/// The most bytes that may be a value with the line behind it.
const MAX_HELD_BYTES: u64 = MAX_VALUE_BYTES + MAX_HEAD_BYTES as u64 + 2;

/// Reads a form and finds the first text field of a name.
#[derive(Debug)]
pub struct FormScanner {
    delimiter: Vec<u8>,
    name: &'static str,
    section: Section,
    /// How many bytes were read.
    position: u64,
    line: Line,
    /// Lines end in CRLF, as the first delimiter does: a lone LF then begins no line.
    needs_crlf: bool,
}

/// Where a form's field is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormField {
    /// The bytes of its value.
    pub range: Range<u64>,
    /// How the value is written.
    pub coding: TransferCoding,
}

impl FormField {
    /// Where its value is in a whole form.
    pub fn indexes(&self) -> Option<Range<usize>> {
        self.indexes_from(0)
    }

    /// Where its value is among bytes that begin at `start`.
    pub fn indexes_from(&self, start: u64) -> Option<Range<usize>> {
        let index = |position: u64| usize::try_from(position.checked_sub(start)?).ok();
        Some(index(self.range.start)?..index(self.range.end)?)
    }

    /// The bytes of a form from `start` on with another value.
    pub fn replace_from(&self, start: u64, bytes: &[u8], value: &str) -> Option<Vec<u8>> {
        let Range { start, end } = self.indexes_from(start)?;
        let value = self.coding.encode(value);
        Some([bytes.get(..start)?, value.as_bytes(), bytes.get(end..)?].concat())
    }

    /// A whole form with another value.
    pub fn replace(&self, form: &[u8], value: &str) -> Option<Vec<u8>> {
        self.replace_from(0, form, value)
    }
}

#[derive(Debug)]
enum Section {
    /// Bytes without meaning here: the preamble, another part.
    Other,
    /// The head of a part.
    Head(Vec<u8>),
    /// The value of the field.
    Value {
        start: u64,
        coding: TransferCoding,
    },
    Found(FormField),
    /// The form ended, and the field was not in it.
    Ended,
}

/// The line that is being read.
#[derive(Debug, Default)]
struct Line {
    start: u64,
    /// Its first bytes, with its line break.
    bytes: Vec<u8>,
    last: u8,
    /// The bytes of the line break before it.
    break_before: u64,
}

impl FormScanner {
    /// A scanner for a body of this content type; `None`: it is no form.
    pub fn new(content_type: &str, name: &'static str) -> Option<Self> {
        let content_type = content_type.trim_start();
        if !content_type.get(..10)?.eq_ignore_ascii_case("multipart/") {
            return None;
        }
        let boundary = header_parameter(content_type, "boundary").filter(|boundary| !boundary.is_empty())?;
        Some(Self {
            delimiter: format!("--{boundary}").into_bytes(),
            name,
            section: Section::Other,
            position: 0,
            line: Line::default(),
            needs_crlf: false,
        })
    }

    /// Reads the next bytes.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.is_done() {
            let line_end = memchr(b'\n', bytes).map(|at| at + 1);
            let (chunk, rest) = bytes.split_at(line_end.unwrap_or(bytes.len()));
            bytes = rest;
            let room = MAX_HEAD_BYTES.saturating_sub(self.line.bytes.len());
            self.line.bytes.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
            self.position += chunk.len() as u64;
            let before_last = match chunk {
                [.., before, _] => *before,
                _ => self.line.last,
            };
            self.line.last = chunk.last().copied().unwrap_or_default();
            if line_end.is_some() {
                self.end_line(if before_last == b'\r' { 2 } else { 1 });
            }
            if let Section::Value { start, .. } = self.section
                && self.position - start > MAX_HELD_BYTES
            {
                self.section = Section::Other;
            }
        }
    }

    /// The body ended.
    pub fn finish(&mut self) {
        if !self.is_done() {
            self.end_line(0);
        }
        if !matches!(self.section, Section::Found(_)) {
            self.section = Section::Ended;
        }
    }

    /// The field, once its end was read.
    pub fn found(&self) -> Option<&FormField> {
        if let Section::Found(field) = &self.section { Some(field) } else { None }
    }

    /// Whether the rest of the form does not matter.
    pub fn is_done(&self) -> bool {
        matches!(self.section, Section::Found(_) | Section::Ended)
    }

    /// Where the bytes begin that may be the field's value.
    pub fn value_start(&self) -> Option<u64> {
        if let Section::Value { start, .. } = self.section { Some(start) } else { None }
    }

    /// Ends a line, whose line break has this many bytes.
    fn end_line(&mut self, line_break: u64) {
        let line = std::mem::take(&mut self.line);
        let next = Line { start: self.position, break_before: line_break, ..Line::default() };
        self.line = Line { bytes: line.bytes, ..next };
        let is_whole = self.position - line.start == self.line.bytes.len() as u64;
        let content_length = self.line.bytes.len().saturating_sub(usize::try_from(line_break).unwrap_or(2));
        let content = self.line.bytes.get(..content_length).unwrap_or_default();
        let begins_line = line.start == 0 || line.break_before == 2 || !self.needs_crlf;
        let delimiter = if is_whole && begins_line { self.delimiter_of(content, line_break) } else { None };
        if let Some(is_last) = delimiter {
            // The line break in front of a delimiter belongs to it.
            let value_end = line.start - line.break_before;
            self.section = match &self.section {
                Section::Value { start, coding } if value_end.saturating_sub(*start) <= MAX_VALUE_BYTES => {
                    Section::Found(FormField { range: *start..value_end.max(*start), coding: *coding })
                }
                _ if is_last => Section::Ended,
                _ => Section::Head(Vec::new()),
            };
            self.needs_crlf |= line_break == 2;
        } else if let Section::Head(head) = &mut self.section {
            if content.is_empty() {
                let head = PartHead::parse(head);
                self.section = match head.coding.filter(|_| head.is_text_field(self.name)) {
                    Some(coding) => Section::Value { start: self.position, coding },
                    None => Section::Other,
                };
            } else if is_whole && head.len() + self.line.bytes.len() <= MAX_HEAD_BYTES {
                head.extend_from_slice(&self.line.bytes);
            } else {
                self.section = Section::Other;
            }
        }
        self.line.bytes.clear();
    }

    /// Whether a line is a delimiter; `Some(true)`: the last one.
    fn delimiter_of(&self, content: &[u8], line_break: u64) -> Option<bool> {
        let rest = content.strip_prefix(self.delimiter.as_slice())?;
        let is_blank = |bytes: &[u8]| bytes.iter().all(|byte| matches!(byte, b' ' | b'\t'));
        if rest.strip_prefix(b"--").is_some_and(is_blank) {
            return Some(true);
        }
        let ends_line = if self.needs_crlf { line_break == 2 } else { line_break > 0 };
        (is_blank(rest) && ends_line).then_some(false)
    }
}

/// Where the field is in a whole body.
pub fn text_field(content_type: &str, body: &[u8], name: &'static str) -> Option<FormField> {
    let mut scanner = FormScanner::new(content_type, name)?;
    scanner.push(body);
    scanner.finish();
    scanner.found().cloned()
}

#[cfg(test)]
mod tests;
