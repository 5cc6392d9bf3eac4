//! Server-sent events, read incrementally: LF, CRLF and CR, BOM, comments, several data lines, no space after the colon,
//! and a last event without its blank line.
//!
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html> is the format; what real servers send is more.

use super::{Frame, FrameTooLarge};

/// A way in which an event stream was not written as OpenAI writes it; each is harmless and reported once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deviation {
    /// Lines end with CRLF or CR.
    LineEnding,
    /// The body starts with a byte order mark.
    Bom,
    /// No space after `data:`.
    NoSpace,
    /// One event over several data lines.
    MultiLine,
    /// `event:`, `id:` or `retry:` lines.
    Fields,
    /// Events are not separated by a blank line.
    NoBlankLine,
    /// The last event has no blank line after it.
    Unterminated,
    /// A line that is no server-sent event field.
    StrayLine,
    /// JSON lines where an event stream was due.
    Ndjson,
    /// A JSON array of objects where an event stream was due.
    Array,
    /// One JSON document where an event stream was due.
    WholeBody,
}

/// An incremental reader of server-sent events.
#[derive(Debug)]
pub(super) struct SseReader {
    /// The start of a line whose end has not come yet.
    partial: Vec<u8>,
    /// Data lines of the event being read, joined by LF.
    data: Vec<u8>,
    has_data: bool,
    event: Option<String>,
    /// Data came: this is an event stream.
    any: bool,
    /// A CR ended the last line: an LF that follows belongs to it.
    after_cr: bool,
    limit: usize,
    pub(super) deviations: Vec<Deviation>,
}

impl SseReader {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            partial: Vec::new(),
            data: Vec::new(),
            has_data: false,
            event: None,
            any: false,
            after_cr: false,
            limit,
            deviations: Vec::new(),
        }
    }

    pub(super) fn push(
        &mut self,
        chunk: &[u8],
        sink: &mut dyn FnMut(Frame<'_>),
    ) -> Result<(), FrameTooLarge> {
        if self.partial.is_empty() {
            let used = self.lines(chunk, sink);
            self.partial.extend_from_slice(chunk.get(used..).unwrap_or_default());
        } else {
            // Finish the started line alone, then go on without copying.
            let Some(end) = memchr::memchr2(b'\n', b'\r', chunk) else {
                self.partial.extend_from_slice(chunk);
                return self.check();
            };
            let (head, rest) = chunk.split_at(end + 1);
            let mut line = std::mem::take(&mut self.partial);
            line.extend_from_slice(head);
            if line.len() + self.data.len() > self.limit {
                return Err(FrameTooLarge { limit: self.limit });
            }
            self.lines(&line, sink);
            line.clear();
            self.partial = line;
            let used = self.lines(rest, sink);
            self.partial.extend_from_slice(rest.get(used..).unwrap_or_default());
        }
        self.check()
    }

    pub(super) fn finish(&mut self, sink: &mut dyn FnMut(Frame<'_>)) {
        let line = std::mem::take(&mut self.partial);
        if !line.is_empty() {
            self.line(&line, false, sink);
        }
        if self.has_data {
            self.deviate(Deviation::Unterminated);
            self.dispatch(sink);
        }
    }

    fn check(&self) -> Result<(), FrameTooLarge> {
        if self.partial.len() + self.data.len() > self.limit {
            return Err(FrameTooLarge { limit: self.limit });
        }
        Ok(())
    }

    fn deviate(&mut self, deviation: Deviation) {
        if !self.deviations.contains(&deviation) {
            self.deviations.push(deviation);
        }
    }

    /// Handles all complete lines of `input`; how many bytes they took.
    fn lines(&mut self, input: &[u8], sink: &mut dyn FnMut(Frame<'_>)) -> usize {
        let mut at = 0;
        loop {
            if self.after_cr && at < input.len() {
                self.after_cr = false;
                at += usize::from(input.get(at) == Some(&b'\n'));
            }
            let rest = input.get(at..).unwrap_or_default();
            if rest.is_empty() {
                return at;
            }
            let Some(end) = memchr::memchr2(b'\n', b'\r', rest) else { return at };
            let line = rest.get(..end).unwrap_or_default();
            at += end + 1;
            if rest.get(end) == Some(&b'\r') {
                self.after_cr = true;
                self.deviate(Deviation::LineEnding);
            }
            // The common case, one data line and its blank line, needs no copy.
            let alone = !self.after_cr && input.get(at) == Some(&b'\n');
            if self.line(line, alone, sink) {
                at += 1;
            }
        }
    }

    /// Handles one line. `alone`: a blank line follows. True if that blank line was used up as well.
    fn line(&mut self, line: &[u8], alone: bool, sink: &mut dyn FnMut(Frame<'_>)) -> bool {
        if line.is_empty() {
            if self.has_data {
                self.dispatch(sink);
            }
            self.event = None;
            return false;
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(0) => return false,
            Some(colon) => {
                let (field, value) = line.split_at(colon);
                (field, value.get(1..).unwrap_or_default())
            }
            None => (line, &[][..]),
        };
        let trimmed = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                self.any = true;
                if trimmed.len() == value.len() && !value.is_empty() {
                    self.deviate(Deviation::NoSpace);
                }
                if self.has_data && self.data.last() == Some(&b'}') && starts_event(trimmed) {
                    // Inside one JSON text a line never ends with `}` while the next starts with `{`: two events.
                    self.deviate(Deviation::NoBlankLine);
                    self.dispatch(sink);
                }
                if alone && !self.has_data {
                    sink(Frame::Event { event: self.event.as_deref(), data: trimmed });
                    self.event = None;
                    return true;
                }
                if self.has_data {
                    self.deviate(Deviation::MultiLine);
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(trimmed);
                self.has_data = true;
            }
            b"event" => {
                self.deviate(Deviation::Fields);
                self.event = Some(String::from_utf8_lossy(trimmed).into_owned());
            }
            b"id" | b"retry" => self.deviate(Deviation::Fields),
            b"error" if trimmed.starts_with(b"{") => {
                self.deviate(Deviation::StrayLine);
                sink(Frame::Event { event: Some("error"), data: trimmed });
            }
            _ => {
                self.deviate(Deviation::StrayLine);
                // Before any data such a line may be all there is: a sentence instead of a stream.
                if line.starts_with(b"{") || !self.any {
                    sink(Frame::Line(line));
                }
            }
        }
        false
    }

    fn dispatch(&mut self, sink: &mut dyn FnMut(Frame<'_>)) {
        sink(Frame::Event { event: self.event.as_deref(), data: &self.data });
        self.data.clear();
        self.has_data = false;
    }
}

fn starts_event(data: &[u8]) -> bool {
    data.starts_with(b"{") || data.starts_with(b"[DONE]")
}
