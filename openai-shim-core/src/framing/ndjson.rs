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
                    LinePhase::FirstLine if serde_json::from_slice::<IgnoredAny>(line).is_err() => {
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
