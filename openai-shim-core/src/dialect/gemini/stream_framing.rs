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

    /// Writes an error. Google's SDKs of the 1.x line see only a bare object; parsers of event streams skip it, and see the
    /// event behind it.
    pub(super) fn write_error(&mut self, json: &str, out: &mut Vec<u8>) {
        if *self == Self::Events {
            out.extend_from_slice(json.as_bytes());
            out.extend_from_slice(b"\n\n");
        }
        self.write(json, out);
    }

    /// Returns where a network write must end, because of a bare error in these bytes: SDKs see it in a write of its own only.
    pub(super) fn write_end(bytes: &[u8]) -> Option<usize> {
        const BARE_ERROR: &[u8] = br#"{"error":"#;
        if bytes.starts_with(BARE_ERROR) {
            let end = memchr::memmem::find(bytes, b"\n\n")? + 2;
            return (end < bytes.len()).then_some(end);
        }
        memchr::memmem::find(bytes, b"\n\n{\"error\":").map(|at| at + 2)
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
