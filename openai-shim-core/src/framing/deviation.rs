//! How the form of a stream body differs from OpenAI's event streams.

/// A difference of a stream body from OpenAI's event streams. Each is harmless and reported once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deviation {
    /// Lines end with CRLF or CR.
    LineEnding,
    /// The body starts with a byte order mark.
    Bom,
    /// No space follows `data:`.
    NoSpace,
    /// The data of events are lines of another event stream.
    Nested,
    /// One event has several data lines.
    MultiLine,
    /// There are `event:`, `id:` or `retry:` lines.
    Fields,
    /// No blank line separates two events.
    NoBlankLine,
    /// No blank line follows the last event.
    Unterminated,
    /// A line is not a field of a server-sent event.
    StrayLine,
    /// The body is JSON lines.
    Ndjson,
    /// The body is a JSON array of objects.
    Array,
    /// The body is one JSON document.
    WholeBody,
}
