//! Floor 0: bytes to frames, without looking at what a frame means.
//!
//! A stream body is whatever the upstream really sent: an event stream (well-formed or not), JSON lines, a JSON array of
//! objects, or one JSON document. [`Framer`] finds out by the first byte and cuts it into [`Frame`]s. Where the chunks of the transport end
//! never matters.

mod framer;
mod json_array;
mod ndjson;
mod sse;

pub use framer::Framer;
pub use sse::Deviation;

/// One unit of a stream body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame<'a> {
    /// The payload of one server-sent event: its `data` lines joined by LF.
    Event {
        /// The `event` field, if there was one.
        event: Option<&'a str>,
        /// The joined data.
        data: &'a [u8],
    },
    /// One text that is JSON by itself: a line of NDJSON, an item of an array, or a bare line between server-sent events.
    Line(&'a [u8]),
    /// The whole body: one JSON document over several lines, HTML, or plain text.
    Body(&'a [u8]),
}

/// A frame passed the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The upstream sent a single event of more than {limit} bytes.")]
pub struct FrameTooLarge {
    /// The limit in bytes.
    pub limit: usize,
}

/// Writes one server-sent event whose payload `write` appends; the payload is JSON, and stays on one line.
pub fn write_event(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"data: ");
    let start = out.len();
    write(out);
    // Between JSON's tokens a line break is a space; inside its strings there is none.
    let payload = out.get_mut(start..).unwrap_or_default();
    if memchr::memchr2(b'\n', b'\r', payload).is_some() {
        payload.iter_mut().filter(|b| matches!(b, b'\n' | b'\r')).for_each(|b| *b = b' ');
    }
    out.extend_from_slice(b"\n\n");
}
