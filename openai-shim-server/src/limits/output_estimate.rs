//! Estimates the tokens of a response whose upstream counted none: bytes for the client in, a number of tokens out.

use std::sync::atomic::{AtomicU64, Ordering};

/// The bytes of an event of a stream that are not text: most dialects repeat about as much in each.
const EVENT_OVERHEAD_BYTES: u64 = 200;
/// The bytes of a token of text, on average.
pub(crate) const BYTES_PER_TOKEN: u64 = 4;

/// What was sent of a response.
#[derive(Debug, Default)]
pub(super) struct SentBytes {
    bytes: AtomicU64,
    /// Lines that are not empty: at least one for each event.
    lines: AtomicU64,
}

impl SentBytes {
    /// Adds bytes of a stream.
    pub(super) fn add_chunk(&self, chunk: &[u8]) {
        // The empty line behind an event of server-sent events is no event.
        let ends = memchr::memchr_iter(b'\n', chunk);
        let is_empty =
            |end: &usize| end.checked_sub(1).is_none_or(|before| chunk.get(before) == Some(&b'\n'));
        let events = ends.filter(|end| !is_empty(end)).count() as u64;
        self.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        self.lines.fetch_add(events, Ordering::Relaxed);
    }

    /// Adds a body that is no stream.
    pub(super) fn add_document(&self, bytes: u64) {
        self.bytes.fetch_add(bytes.saturating_sub(EVENT_OVERHEAD_BYTES), Ordering::Relaxed);
    }

    /// An estimate of the tokens: one for each event, or more where events are long.
    pub(super) fn tokens(&self) -> u64 {
        let (bytes, lines) = (self.bytes.load(Ordering::Relaxed), self.lines.load(Ordering::Relaxed));
        (bytes.saturating_sub(lines * EVENT_OVERHEAD_BYTES) / BYTES_PER_TOKEN).max(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_counts_as_a_token_and_a_long_one_as_its_text() {
        let sent = SentBytes::default();
        for _ in 0..50 {
            sent.add_chunk(b"data: {\"choices\":[{\"delta\":{\"content\":\"word\"}}]}\n\n");
        }
        assert_eq!(sent.tokens(), 50);
        sent.add_chunk(format!("data: {}\n\n", "x".repeat(60_000)).as_bytes());
        assert!((10_000..15_000).contains(&sent.tokens()), "{}", sent.tokens());
    }

    #[test]
    fn document_counts_as_its_bytes() {
        let sent = SentBytes::default();
        sent.add_document(4200);
        assert_eq!(sent.tokens(), 1000);
    }
}
