//! Server-sent events: bytes to frames, incrementally, and one payload to an event.
//!
//! The format is <https://html.spec.whatwg.org/multipage/server-sent-events.html>, with LF, CRLF and CR, a byte order mark,
//! comments and several data lines. Servers deviate from it: the last event may lack its blank line, and events may follow each
//! other without one.

use super::deviation::Deviation;
use super::frame::{Frame, FrameTooLarge};

/// Reads server-sent events incrementally.
#[derive(Debug)]
pub(super) struct SseReader {
    /// The beginning of a line whose end has not arrived.
    partial_line: Vec<u8>,
    /// The data lines of the current event, joined by LF.
    data: Vec<u8>,
    event: Option<String>,
    phase: SsePhase,
    /// The last line ended with CR: an LF that follows belongs to its line ending.
    ended_with_cr: bool,
    limit: usize,
    pub(super) deviations: Vec<Deviation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SsePhase {
    /// No data line was read: the body may not be an event stream at all.
    BeforeData,
    /// The current event has no data line.
    BetweenEvents,
    /// The current event has a data line.
    InEvent,
}

impl SseReader {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            partial_line: Vec::new(),
            data: Vec::new(),
            event: None,
            phase: SsePhase::BeforeData,
            ended_with_cr: false,
            limit,
            deviations: Vec::new(),
        }
    }

    pub(super) fn push(
        &mut self,
        chunk: &[u8],
        sink: &mut dyn FnMut(Frame<'_>),
    ) -> Result<(), FrameTooLarge> {
        if self.partial_line.is_empty() {
            let consumed = self.read_lines(chunk, sink);
            self.partial_line.extend_from_slice(chunk.get(consumed..).unwrap_or_default());
        } else {
            // Only the line that was begun is copied; the lines after it are read from the chunk.
            let Some(end) = memchr::memchr2(b'\n', b'\r', chunk) else {
                self.partial_line.extend_from_slice(chunk);
                return self.check_limit();
            };
            let (line_end, following) = chunk.split_at(end + 1);
            let mut line = std::mem::take(&mut self.partial_line);
            line.extend_from_slice(line_end);
            if line.len() + self.data.len() > self.limit {
                return Err(FrameTooLarge { limit: self.limit });
            }
            self.read_lines(&line, sink);
            line.clear();
            self.partial_line = line;
            let consumed = self.read_lines(following, sink);
            self.partial_line.extend_from_slice(following.get(consumed..).unwrap_or_default());
        }
        self.check_limit()
    }

    pub(super) fn finish(&mut self, sink: &mut dyn FnMut(Frame<'_>)) {
        let line = std::mem::take(&mut self.partial_line);
        if !line.is_empty() {
            self.read_line(&line, false, sink);
        }
        if self.phase == SsePhase::InEvent {
            self.record(Deviation::Unterminated);
            self.dispatch(sink);
        }
    }

    fn check_limit(&self) -> Result<(), FrameTooLarge> {
        if self.partial_line.len() + self.data.len() > self.limit {
            return Err(FrameTooLarge { limit: self.limit });
        }
        Ok(())
    }

    fn record(&mut self, deviation: Deviation) {
        if !self.deviations.contains(&deviation) {
            self.deviations.push(deviation);
        }
    }

    /// Reads all complete lines of `input`; returns how many bytes they have.
    fn read_lines(&mut self, input: &[u8], sink: &mut dyn FnMut(Frame<'_>)) -> usize {
        let mut at = 0;
        loop {
            if self.ended_with_cr && at < input.len() {
                self.ended_with_cr = false;
                at += usize::from(input.get(at) == Some(&b'\n'));
            }
            let remaining = input.get(at..).unwrap_or_default();
            if remaining.is_empty() {
                return at;
            }
            let Some(end) = memchr::memchr2(b'\n', b'\r', remaining) else { return at };
            let line = remaining.get(..end).unwrap_or_default();
            at += end + 1;
            if remaining.get(end) == Some(&b'\r') {
                self.ended_with_cr = true;
                self.record(Deviation::LineEnding);
            }
            // The common case, one data line and its blank line, needs no copy.
            let is_before_blank = !self.ended_with_cr && input.get(at) == Some(&b'\n');
            if self.read_line(line, is_before_blank, sink) {
                at += 1;
            }
        }
    }

    /// Reads one line. `is_before_blank`: a blank line follows. Returns whether that blank line was consumed as well.
    fn read_line(&mut self, line: &[u8], is_before_blank: bool, sink: &mut dyn FnMut(Frame<'_>)) -> bool {
        if line.is_empty() {
            if self.phase == SsePhase::InEvent {
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
                if trimmed.len() == value.len() && !value.is_empty() {
                    self.record(Deviation::NoSpace);
                }
                let Some(trimmed) = self.unwrap(trimmed) else { return false };
                if self.phase == SsePhase::InEvent && self.data.last() == Some(&b'}') && starts_event(trimmed)
                {
                    // Inside one JSON text no line ends with `}` before a line that starts with `{`: these are two events.
                    self.record(Deviation::NoBlankLine);
                    self.dispatch(sink);
                }
                if self.phase == SsePhase::InEvent {
                    self.record(Deviation::MultiLine);
                    self.data.push(b'\n');
                } else if is_before_blank {
                    self.phase = SsePhase::BetweenEvents;
                    sink(Frame::Event { event: self.event.as_deref(), data: trimmed });
                    self.event = None;
                    return true;
                }
                self.data.extend_from_slice(trimmed);
                self.phase = SsePhase::InEvent;
            }
            b"event" => {
                self.record(Deviation::Fields);
                self.event = Some(String::from_utf8_lossy(trimmed).into_owned());
            }
            b"id" | b"retry" => self.record(Deviation::Fields),
            b"error" if trimmed.starts_with(b"{") => {
                self.record(Deviation::StrayLine);
                sink(Frame::Event { event: Some("error"), data: trimmed });
            }
            _ if self.phase == SsePhase::InEvent && is_open_object(&self.data) => {
                // The data have a line break, and the lines behind it no field name.
                self.record(Deviation::StrayLine);
                self.data.push(b'\n');
                self.data.extend_from_slice(line);
            }
            _ => {
                self.record(Deviation::StrayLine);
                // Before any data the line may be the whole response: a sentence instead of a stream.
                if line.starts_with(b"{") || self.phase == SsePhase::BeforeData {
                    sink(Frame::Line(line));
                }
            }
        }
        false
    }

    /// Returns the data of a line that is itself a data line of another event stream; `None` if it is another of its lines. JSON
    /// begins with none of these names.
    fn unwrap<'l>(&mut self, data: &'l [u8]) -> Option<&'l [u8]> {
        if !matches!(data.first(), Some(b'd' | b'e' | b'i' | b'r' | b':')) {
            return Some(data);
        }
        let mut inner = data;
        while let Some(nested) = inner.strip_prefix(b"data:") {
            inner = nested.strip_prefix(b" ").unwrap_or(nested);
        }
        if let Some(event) = inner.strip_prefix(b"event:") {
            self.event = Some(String::from_utf8_lossy(event.trim_ascii()).into_owned());
        }
        let is_other_line =
            [&b"event:"[..], b"id:", b"retry:", b":"].iter().any(|name| inner.starts_with(name));
        if is_other_line || inner.len() < data.len() {
            self.record(Deviation::Nested);
        }
        (!is_other_line).then_some(inner)
    }

    /// Emits the current event.
    fn dispatch(&mut self, sink: &mut dyn FnMut(Frame<'_>)) {
        sink(Frame::Event { event: self.event.as_deref(), data: &self.data });
        self.data.clear();
        self.phase = SsePhase::BetweenEvents;
    }
}

/// Whether data begin with an object that has no end yet.
fn is_open_object(data: &[u8]) -> bool {
    data.starts_with(b"{") && data.last() != Some(&b'}')
}

fn starts_event(data: &[u8]) -> bool {
    data.starts_with(b"{") || data.starts_with(b"[DONE]")
}

/// Writes one server-sent event. `write` appends the payload, which must be JSON; its line breaks become spaces.
pub fn write_event(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"data: ");
    let start = out.len();
    write(out);
    // A line break between JSON's tokens is equivalent to a space; strings contain none.
    let payload = out.get_mut(start..).unwrap_or_default();
    if memchr::memchr2(b'\n', b'\r', payload).is_some() {
        payload.iter_mut().filter(|b| matches!(b, b'\n' | b'\r')).for_each(|b| *b = b' ');
    }
    out.extend_from_slice(b"\n\n");
}
