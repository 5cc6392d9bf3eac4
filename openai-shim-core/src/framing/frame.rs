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

impl<'a> Frame<'a> {
    /// The payload.
    pub(crate) fn data(&self) -> &'a [u8] {
        match self {
            Frame::Event { data, .. } | Frame::Line(data) | Frame::Body(data) => data,
        }
    }

    /// The same frame with another payload.
    pub(crate) fn with_data<'d>(&self, data: &'d [u8]) -> Frame<'d>
    where
        'a: 'd,
    {
        match self {
            Frame::Event { event, .. } => Frame::Event { event: *event, data },
            Frame::Line(_) => Frame::Line(data),
            Frame::Body(_) => Frame::Body(data),
        }
    }
}

/// A frame exceeded the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a single event has more than {limit} bytes")]
pub struct FrameTooLarge {
    /// The limit in bytes.
    pub limit: usize,
}

impl FrameTooLarge {
    /// One sentence for the client.
    pub(crate) fn message(self) -> String {
        format!("The upstream sent a single event of more than {} bytes.", self.limit)
    }
}
