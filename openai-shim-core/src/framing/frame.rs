//! One unit of a stream body, and the error for a unit that exceeds the limit.

/// One unit of a stream body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame<'a> {
    /// The payload of one server-sent event: its `data` lines joined by LF.
    Event {
        /// The `event` field, if present.
        event: Option<&'a str>,
        /// The joined data.
        data: &'a [u8],
    },
    /// Text that is JSON by itself: an NDJSON line, an item of an array, or a bare line between server-sent events.
    Line(&'a [u8]),
    /// The whole body: one JSON document over several lines, HTML, or plain text.
    Body(&'a [u8]),
}

/// A frame exceeded the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The upstream sent a single event of more than {limit} bytes.")]
pub struct FrameTooLarge {
    /// The limit in bytes.
    pub limit: usize,
}
