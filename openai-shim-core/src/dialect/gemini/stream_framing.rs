//! The JSON of chunks in, the bytes of a stream out: server-sent events, or the items of a JSON array.

use super::names::{ALT_PARAM, NAME};
use crate::canonical::ResponseSpec;
use crate::framing::write_event;

/// Whether the client gets its stream as a JSON array.
pub(super) fn is_array(spec: &ResponseSpec) -> bool {
    spec.echoed_params.of(NAME).iter().any(|(key, _)| key == ALT_PARAM)
}

/// The framing of a stream, and how far it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum StreamFraming {
    /// Server-sent events.
    Events,
    /// A JSON array of which no item was written.
    EmptyArray,
    /// A JSON array that has items.
    Array,
}

impl StreamFraming {
    pub(super) fn of(spec: &ResponseSpec) -> Self {
        if is_array(spec) { Self::EmptyArray } else { Self::Events }
    }

    /// Writes one chunk.
    pub(super) fn write(&mut self, json: &str, out: &mut Vec<u8>) {
        let separator: &[u8] = match self {
            Self::Events => return write_event(out, |out| out.extend_from_slice(json.as_bytes())),
            Self::EmptyArray => b"[",
            Self::Array => b",\r\n",
        };
        out.extend_from_slice(separator);
        out.extend_from_slice(json.as_bytes());
        out.push(b'\n');
        *self = Self::Array;
    }

    /// Writes the end of the stream.
    pub(super) fn end(self, out: &mut Vec<u8>) {
        out.extend_from_slice(match self {
            Self::Events => b"",
            Self::EmptyArray => b"[]\n",
            Self::Array => b"]\n",
        });
    }
}
