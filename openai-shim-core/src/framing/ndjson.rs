//! Body that begins with `{` or `[` to frames: JSON lines, or one JSON document. The first line decides which.

use super::deviation::Deviation;
use super::frame::{Frame, FrameTooLarge};
use serde::de::IgnoredAny;

/// Splits JSON lines, or collects one document.
#[derive(Debug)]
pub(super) struct LineReader {
    buffer: Vec<u8>,
    phase: LinePhase,
    limit: usize,
    pub(super) deviation: Option<Deviation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LinePhase {
    /// No line is complete.
    FirstLine,
    /// The first line was JSON: every line is a frame.
    Lines,
    /// The first line was not JSON by itself: the body is one document.
    Document,
}

impl LineReader {
    pub(super) fn new(limit: usize) -> Self {
        Self { buffer: Vec::new(), phase: LinePhase::FirstLine, limit, deviation: None }
    }

    pub(super) fn push(
        &mut self,
        chunk: &[u8],
        sink: &mut dyn FnMut(Frame<'_>),
    ) -> Result<(), FrameTooLarge> {
        let searched = self.buffer.len();
        self.buffer.extend_from_slice(chunk);
        if self.phase != LinePhase::Document {
            self.emit_lines(searched, sink);
        }
        if self.buffer.len() > self.limit {
            return Err(FrameTooLarge { limit: self.limit });
        }
        Ok(())
    }

    /// Emits the complete lines of the buffer. There is no line break before `searched`.
    fn emit_lines(&mut self, searched: usize, sink: &mut dyn FnMut(Frame<'_>)) {
        let (mut start, mut search_from) = (0, searched);
        while let Some(end) =
            self.buffer.get(search_from..).and_then(|unsearched| memchr::memchr(b'\n', unsearched))
        {
            let line = self.buffer.get(start..search_from + end).unwrap_or_default().trim_ascii();
            let next = search_from + end + 1;
            if !line.is_empty() {
                match self.phase {
                    // Only the first line decides: an invalid later line is a broken line, not another format.
                    LinePhase::FirstLine if !is_json(line) => {
                        self.phase = LinePhase::Document;
                        break;
                    }
                    LinePhase::FirstLine => self.phase = LinePhase::Lines,
                    LinePhase::Lines | LinePhase::Document => self.deviation = Some(Deviation::Ndjson),
                }
                sink(Frame::Line(line));
            }
            (start, search_from) = (next, next);
        }
        self.buffer.drain(..start);
    }

    pub(super) fn finish(&mut self, sink: &mut dyn FnMut(Frame<'_>)) {
        let buffer = std::mem::take(&mut self.buffer);
        let remaining = buffer.trim_ascii();
        if self.phase == LinePhase::Lines {
            if !remaining.is_empty() {
                self.deviation = Some(Deviation::Ndjson);
                sink(Frame::Line(remaining));
            }
        } else {
            self.deviation = Some(Deviation::WholeBody);
            sink(Frame::Body(remaining));
        }
        // A body of a single line is a document.
        if self.deviation.is_none() {
            self.deviation = Some(Deviation::WholeBody);
        }
    }
}

/// Whether a line is JSON by itself, or would be without a fault that dialects repair.
fn is_json(line: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(line).is_ok() || (has_repairable_fault(line) && is_closed(line))
}

/// Whether a line has control characters, NaN, Infinity, or bytes that are no UTF-8.
fn has_repairable_fault(line: &[u8]) -> bool {
    line.iter().any(u8::is_ascii_control)
        || std::str::from_utf8(line).is_err()
        || [&b"NaN"[..], b"Infinity"].iter().any(|name| memchr::memmem::find(line, name).is_some())
}

/// Whether all brackets and strings that a line opens are closed in it.
fn is_closed(line: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_i64, false, false);
    for byte in line {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth -= 1,
            _ => {}
        }
    }
    depth == 0 && !in_string
}
