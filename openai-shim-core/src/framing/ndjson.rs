//! JSON lines, or one JSON document: which of the two is known at the end of the first line.

use super::{Deviation, Frame, FrameTooLarge};
use serde::de::IgnoredAny;

/// Reads a body that starts with `{` or `[`.
#[derive(Debug)]
pub(super) struct LineReader {
    buffer: Vec<u8>,
    /// The first line was no JSON by itself: the body is one document.
    whole: bool,
    any: bool,
    limit: usize,
    pub(super) deviation: Option<Deviation>,
}

impl LineReader {
    pub(super) fn new(limit: usize) -> Self {
        Self { buffer: Vec::new(), whole: false, any: false, limit, deviation: None }
    }

    pub(super) fn push(
        &mut self,
        chunk: &[u8],
        sink: &mut dyn FnMut(Frame<'_>),
    ) -> Result<(), FrameTooLarge> {
        let searched = self.buffer.len();
        self.buffer.extend_from_slice(chunk);
        if !self.whole {
            self.lines(searched, sink);
        }
        if self.buffer.len() > self.limit {
            return Err(FrameTooLarge { limit: self.limit });
        }
        Ok(())
    }

    fn lines(&mut self, searched: usize, sink: &mut dyn FnMut(Frame<'_>)) {
        let (mut start, mut from) = (0, searched);
        while let Some(end) = self.buffer.get(from..).and_then(|rest| memchr::memchr(b'\n', rest)) {
            let line = self.buffer.get(start..from + end).unwrap_or_default().trim_ascii();
            let next = from + end + 1;
            if !line.is_empty() {
                // Only the first line decides: a broken later line is a broken line, not another format.
                if !self.any && serde_json::from_slice::<IgnoredAny>(line).is_err() {
                    self.whole = true;
                    break;
                }
                if self.any {
                    self.deviation = Some(Deviation::Ndjson);
                }
                self.any = true;
                sink(Frame::Line(line));
            }
            (start, from) = (next, next);
        }
        self.buffer.drain(..start);
    }

    pub(super) fn finish(&mut self, sink: &mut dyn FnMut(Frame<'_>)) {
        let rest = std::mem::take(&mut self.buffer);
        let rest = rest.trim_ascii();
        if self.any {
            if !rest.is_empty() {
                self.deviation = Some(Deviation::Ndjson);
                sink(Frame::Line(rest));
            }
        } else {
            self.deviation = Some(Deviation::WholeBody);
            sink(Frame::Body(rest));
        }
        if self.deviation.is_none() {
            self.deviation = Some(Deviation::WholeBody);
        }
    }
}
