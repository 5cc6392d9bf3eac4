//! Stream body to frames: detects the format from the first bytes and passes the bytes to the reader of that format.

use super::deviation::Deviation;
use super::frame::{Frame, FrameTooLarge};
use super::json_array::ArrayReader;
use super::ndjson::LineReader;
use super::sse::SseReader;

/// Splits a stream body into frames. The format is detected from the body, never from its content type.
///
/// ```
/// use openai_shim_core::framing::{Frame, Framer};
/// let mut framer = Framer::new(1 << 20);
/// let mut payloads = Vec::new();
/// for chunk in [&b"data: {\"a\""[..], b":1}\r", b"\n\r\ndata:[DONE]"] {
///     framer.push(chunk, &mut |frame| if let Frame::Event { data, .. } = frame { payloads.push(data.to_vec()) }).unwrap();
/// }
/// framer.finish(&mut |frame| if let Frame::Event { data, .. } = frame { payloads.push(data.to_vec()) });
/// assert_eq!(payloads, [&b"{\"a\":1}"[..], b"[DONE]"]);
/// ```
#[derive(Debug)]
pub struct Framer {
    phase: FramerPhase,
    limit: usize,
    has_bom: bool,
}

#[derive(Debug)]
enum FramerPhase {
    /// No byte arrived, or the first bytes of a byte order mark.
    Start(Vec<u8>),
    /// White space before the body; a byte order mark is no longer recognized.
    LeadingSpace,
    /// An opening bracket and white space: the next byte decides between an array of objects and a document.
    Bracket(Vec<u8>),
    Sse(SseReader),
    Array(ArrayReader),
    Lines(LineReader),
    /// HTML or another document: collected up to a limit and emitted whole.
    Text(Vec<u8>),
}

const BOM: &[u8] = b"\xef\xbb\xbf";

/// How many bytes of a text body are kept: an error page is useful only for its beginning.
const MAX_TEXT_BYTES: usize = 1 << 16;

impl Framer {
    /// Creates a framer that rejects frames of more than `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { phase: FramerPhase::Start(Vec::new()), limit, has_bom: false }
    }

    /// Reads bytes and passes every complete frame to `sink`.
    pub fn push(&mut self, chunk: &[u8], sink: &mut dyn FnMut(Frame<'_>)) -> Result<(), FrameTooLarge> {
        match &mut self.phase {
            FramerPhase::Sse(reader) => reader.push(chunk, sink),
            FramerPhase::Array(reader) => reader.push(chunk, sink),
            FramerPhase::Lines(reader) => reader.push(chunk, sink),
            FramerPhase::Bracket(buffer) => {
                buffer.extend_from_slice(chunk);
                let body = std::mem::take(buffer);
                match body.get(1..).unwrap_or_default().trim_ascii_start() {
                    [] if body.len() > self.limit => return Err(FrameTooLarge { limit: self.limit }),
                    [] => {
                        *buffer = body;
                        return Ok(());
                    }
                    [b'{', ..] => self.phase = FramerPhase::Array(ArrayReader::new(self.limit)),
                    _ => {
                        self.phase = FramerPhase::Lines(LineReader::new(self.limit));
                        return self.push(&body, sink);
                    }
                }
                self.push(body.get(1..).unwrap_or_default(), sink)
            }
            FramerPhase::Text(text) => {
                let capacity = self.limit.min(MAX_TEXT_BYTES).saturating_sub(text.len());
                text.extend_from_slice(chunk.get(..capacity.min(chunk.len())).unwrap_or_default());
                Ok(())
            }
            FramerPhase::Start(buffer) => {
                buffer.extend_from_slice(chunk);
                if buffer.len() < BOM.len() && BOM.starts_with(buffer) {
                    return Ok(());
                }
                let body = std::mem::take(buffer);
                let without_bom = body.strip_prefix(BOM);
                self.has_bom = without_bom.is_some();
                self.phase = FramerPhase::LeadingSpace;
                self.push(without_bom.unwrap_or(&body), sink)
            }
            FramerPhase::LeadingSpace => {
                // White space before the body is a keep-alive and is discarded.
                let body = chunk.trim_ascii_start();
                let Some(first) = body.first() else { return Ok(()) };
                self.phase = match first {
                    b'[' => FramerPhase::Bracket(Vec::new()),
                    b'{' => FramerPhase::Lines(LineReader::new(self.limit)),
                    b'<' => FramerPhase::Text(Vec::new()),
                    _ => FramerPhase::Sse(SseReader::new(self.limit)),
                };
                self.push(body, sink)
            }
        }
    }

    /// The body has ended: passes the remaining frames to `sink`.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Frame<'_>)) {
        match &mut self.phase {
            FramerPhase::Start(_) | FramerPhase::LeadingSpace => {}
            FramerPhase::Sse(reader) => reader.finish(sink),
            FramerPhase::Array(reader) => reader.finish(sink),
            FramerPhase::Lines(reader) => reader.finish(sink),
            FramerPhase::Bracket(buffer) => {
                let body = std::mem::take(buffer);
                sink(Frame::Body(body.trim_ascii()));
            }
            FramerPhase::Text(text) => sink(Frame::Body(&std::mem::take(text))),
        }
    }

    /// Whether the body is an event stream, well-formed or not.
    pub fn is_event_stream(&self) -> bool {
        matches!(self.phase, FramerPhase::Sse(_))
    }

    /// The deviations found so far; complete after [`finish`](Self::finish).
    pub fn deviations(&self) -> Vec<Deviation> {
        let mut deviations = match &self.phase {
            FramerPhase::Sse(reader) => reader.deviations.clone(),
            FramerPhase::Array(reader) => reader.deviations.clone(),
            FramerPhase::Lines(reader) => reader.deviation.into_iter().collect(),
            FramerPhase::Bracket(_) => vec![Deviation::WholeBody],
            FramerPhase::Start(_) | FramerPhase::LeadingSpace | FramerPhase::Text(_) => Vec::new(),
        };
        if self.has_bom {
            deviations.push(Deviation::Bom);
        }
        deviations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(chunks: &[&[u8]]) -> (Vec<String>, Vec<Deviation>) {
        let mut framer = Framer::new(1 << 10);
        let mut frames = Vec::new();
        let mut sink = |frame: Frame<'_>| {
            frames.push(match frame {
                Frame::Line(line) => format!("line {}", String::from_utf8_lossy(line)),
                Frame::Body(body) => format!("body {}", String::from_utf8_lossy(body)),
                Frame::Event { data, .. } => format!("event {}", String::from_utf8_lossy(data)),
            });
        };
        for chunk in chunks {
            framer.push(chunk, &mut sink).unwrap();
        }
        framer.finish(&mut sink);
        (frames, framer.deviations())
    }

    #[test]
    fn array_items_are_emitted_one_by_one_at_any_split() {
        let bodies: [&[u8]; 8] = [
            b"[{\"a\":\"]}\\\"\"}\n,\r\n{\"b\":[{}]}]\n",
            b"[{\n \"error\": {\"code\": 400}\n}\n]",
            b" \n[ {\"a\":1},{\"b\":2",
            b"[{\"a\":1}",
            b"[]",
            b"[1,2]",
            b"[{\"a\":1},2,\"x\"]junk",
            b"[DONE]",
        ];
        let expected: [&[&str]; 8] = [
            &["line {\"a\":\"]}\\\"\"}", "line {\"b\":[{}]}"],
            &["line {\n \"error\": {\"code\": 400}\n}"],
            &["line {\"a\":1}", "line {\"b\":2"],
            &["line {\"a\":1}"],
            &["body []"],
            &["body [1,2]"],
            &["line {\"a\":1}", "line 2", "line \"x\"", "line junk"],
            &["body [DONE]"],
        ];
        for (body, expected) in bodies.iter().zip(expected) {
            let unsplit = frames(&[body]);
            assert_eq!(unsplit.0, expected, "{}", String::from_utf8_lossy(body));
            for at in 0..=body.len() {
                let (a, b) = body.split_at(at);
                assert_eq!(frames(&[a, b]), unsplit);
            }
            let bytes: Vec<&[u8]> = body.chunks(1).collect();
            assert_eq!(frames(&bytes), unsplit);
        }
    }

    #[test]
    fn array_item_without_end_exceeds_the_limit() {
        for chunk in [&b"\"xxxxxxxxxxxxxxxx"[..], b"{{{{{{{{", b"]]]]]]]}}}}}}}}"] {
            let mut framer = Framer::new(1 << 10);
            framer.push(b"[{\"a\":", &mut |_| {}).unwrap();
            let has_failed = (0..1000).any(|_| framer.push(chunk, &mut |_| {}).is_err());
            assert!(has_failed, "{}", String::from_utf8_lossy(chunk));
        }
    }
}
