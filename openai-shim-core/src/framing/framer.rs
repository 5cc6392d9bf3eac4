//! Finds out what a stream body is, and cuts it into frames.

use super::json_array::ArrayReader;
use super::ndjson::LineReader;
use super::sse::SseReader;
use super::{Deviation, Frame, FrameTooLarge};

/// Cuts a stream body into frames; decides by the body itself, never by its content type.
///
/// ```
/// use openai_shim_core::framing::{Frame, Framer};
/// let mut framer = Framer::new(1 << 20);
/// let mut seen = Vec::new();
/// for piece in [&b"data: {\"a\""[..], b":1}\r", b"\n\r\ndata:[DONE]"] {
///     framer.push(piece, &mut |frame| if let Frame::Event { data, .. } = frame { seen.push(data.to_vec()) }).unwrap();
/// }
/// framer.finish(&mut |frame| if let Frame::Event { data, .. } = frame { seen.push(data.to_vec()) });
/// assert_eq!(seen, [&b"{\"a\":1}"[..], b"[DONE]"]);
/// ```
#[derive(Debug)]
pub struct Framer {
    state: FramerPhase,
    limit: usize,
    bom: bool,
}

#[derive(Debug)]
enum FramerPhase {
    /// Nothing yet, or the first bytes of a BOM.
    Start(Vec<u8>),
    /// White space: a BOM that comes now is none.
    Blank,
    /// An opening bracket, and white space: what comes next tells an array of objects from a document.
    Bracket(Vec<u8>),
    Sse(SseReader),
    Array(ArrayReader),
    Lines(LineReader),
    /// HTML or another document: kept up to a limit, handed out whole.
    Text(Vec<u8>),
}

const BOM: &[u8] = b"\xef\xbb\xbf";

impl Framer {
    /// A framer that refuses frames of more than `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { state: FramerPhase::Start(Vec::new()), limit, bom: false }
    }

    /// Takes bytes and hands every frame that is complete to `sink`.
    pub fn push(&mut self, chunk: &[u8], sink: &mut dyn FnMut(Frame<'_>)) -> Result<(), FrameTooLarge> {
        match &mut self.state {
            FramerPhase::Sse(reader) => reader.push(chunk, sink),
            FramerPhase::Array(reader) => reader.push(chunk, sink),
            FramerPhase::Lines(reader) => reader.push(chunk, sink),
            FramerPhase::Bracket(summary) => {
                summary.extend_from_slice(chunk);
                let body = std::mem::take(summary);
                match body.get(1..).unwrap_or_default().trim_ascii_start() {
                    [] if body.len() > self.limit => return Err(FrameTooLarge { limit: self.limit }),
                    [] => {
                        *summary = body;
                        return Ok(());
                    }
                    [b'{', ..] => self.state = FramerPhase::Array(ArrayReader::new(self.limit)),
                    _ => {
                        self.state = FramerPhase::Lines(LineReader::new(self.limit));
                        return self.push(&body, sink);
                    }
                }
                self.push(body.get(1..).unwrap_or_default(), sink)
            }
            FramerPhase::Text(text) => {
                // An error page is worth its first bytes only.
                let room = self.limit.min(1 << 16).saturating_sub(text.len());
                text.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
                Ok(())
            }
            FramerPhase::Start(summary) => {
                summary.extend_from_slice(chunk);
                if summary.len() < BOM.len() && BOM.starts_with(summary) {
                    return Ok(());
                }
                let body = std::mem::take(summary);
                let rest = body.strip_prefix(BOM);
                self.bom = rest.is_some();
                self.state = FramerPhase::Blank;
                self.push(rest.unwrap_or(&body), sink)
            }
            FramerPhase::Blank => {
                // White space before the body is a heartbeat: nothing of it is kept.
                let body = chunk.trim_ascii_start();
                let Some(first) = body.first() else { return Ok(()) };
                self.state = match first {
                    b'[' => FramerPhase::Bracket(Vec::new()),
                    b'{' => FramerPhase::Lines(LineReader::new(self.limit)),
                    b'<' => FramerPhase::Text(Vec::new()),
                    _ => FramerPhase::Sse(SseReader::new(self.limit)),
                };
                self.push(body, sink)
            }
        }
    }

    /// The body has ended: hands out what is left.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Frame<'_>)) {
        match &mut self.state {
            FramerPhase::Start(_) | FramerPhase::Blank => {}
            FramerPhase::Sse(reader) => reader.finish(sink),
            FramerPhase::Array(reader) => reader.finish(sink),
            FramerPhase::Lines(reader) => reader.finish(sink),
            FramerPhase::Bracket(summary) => {
                let summary = std::mem::take(summary);
                sink(Frame::Body(summary.trim_ascii()));
            }
            FramerPhase::Text(text) => sink(Frame::Body(&std::mem::take(text))),
        }
    }

    /// Whether the body is an event stream, well-formed or not.
    pub fn is_event_stream(&self) -> bool {
        matches!(self.state, FramerPhase::Sse(_))
    }

    /// How the body was not written as it should have been; complete after [`finish`](Self::finish).
    pub fn deviations(&self) -> Vec<Deviation> {
        let mut found = match &self.state {
            FramerPhase::Sse(reader) => reader.deviations.clone(),
            FramerPhase::Array(reader) => reader.deviations.clone(),
            FramerPhase::Lines(reader) => reader.deviation.into_iter().collect(),
            FramerPhase::Bracket(_) => vec![Deviation::WholeBody],
            FramerPhase::Start(_) | FramerPhase::Blank | FramerPhase::Text(_) => Vec::new(),
        };
        if self.bom {
            found.push(Deviation::Bom);
        }
        found
    }
}
