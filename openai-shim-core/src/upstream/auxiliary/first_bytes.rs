//! The beginning of a forwarded response that is no JSON by its type → whether it is a page or an error after all.

use crate::canonical::{Diagnostics, explain_unusable, is_document, is_html, trim_body};
use crate::dialect::{Dialect, failure_in_success};
use crate::error::UpstreamError;
use crate::upstream::transport::ByteStream;
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http::HeaderMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

/// What errors call the expected response.
pub(super) const EXPECTED: &str = "an answer";

/// Fields of which a successful JSON response of a forwarded route has at least one.
pub(super) const SUCCESS_FIELDS: [&str; 5] = ["object", "data", "results", "output", "text"];

/// The most bytes that are read before the response begins, to see whether they are an error.
const MAX_FIRST_BYTES: usize = 64 << 10;

/// Reads a response until it is clear that it is no error; returns it whole.
pub(super) async fn check_beginning(
    mut source: ByteStream,
    dialect: Dialect,
    headers: &HeaderMap,
    has_html_type: bool,
) -> Result<ByteStream, UpstreamError> {
    let mut first = BytesMut::new();
    let mut is_end = false;
    while !is_end && may_become_error(&first) {
        match poll_fn(|cx| source.as_mut().poll_next(cx)).await {
            Some(chunk) => first.extend_from_slice(&chunk?),
            None => is_end = true,
        }
    }
    let first = first.freeze();
    if has_html_type {
        return Err(explain_unusable(b"<", EXPECTED));
    }
    if first.is_empty() || is_html(&first) {
        return Err(explain_unusable(&first, EXPECTED));
    }
    let document = event_data(&first).unwrap_or(&first);
    let diagnostics = &mut Diagnostics::default();
    match failure_in_success(dialect, headers, document, &SUCCESS_FIELDS, diagnostics) {
        Some(error) => Err(error),
        None => Ok(Box::pin(PrefixedStream { first: Some(first), rest: source })),
    }
}

/// Whether bytes may be the beginning of a JSON document or of an event whose end has not arrived yet.
fn may_become_error(first: &[u8]) -> bool {
    let start = trim_body(first);
    if start.is_empty() {
        return first.len() < MAX_FIRST_BYTES;
    }
    let is_event = start.starts_with(b"data:") || start.starts_with(b"event:");
    let is_complete = if is_event {
        // An event ends with a blank line.
        [&b"\n\n"[..], b"\r\n\r\n", b"\r\r"].iter().any(|end| memchr::memmem::find(first, end).is_some())
    } else {
        !start.starts_with(b"{") || is_document(start)
    };
    !is_complete && first.len() < MAX_FIRST_BYTES
}

/// Whether a body is a transcript with times: Whisper servers send `srt` and `vtt` with the type of JSON.
/// <https://github.com/morioka/tiny-openai-whisper-api/issues/7>
pub(super) fn has_subtitles(body: &[u8]) -> bool {
    let start = trim_body(body);
    let mut lines = start.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let has_number = lines.next().is_some_and(|line| !line.is_empty() && line.iter().all(u8::is_ascii_digit));
    start.starts_with(b"WEBVTT")
        || has_number && lines.next().is_some_and(|line| memchr::memmem::find(line, b"-->").is_some())
}

/// The data of the first event, if it is on one line.
fn event_data(first: &[u8]) -> Option<&[u8]> {
    let lines = trim_body(first).split(|byte| matches!(byte, b'\n' | b'\r'));
    lines.take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix(b"data:"))
}

/// A stream whose first bytes were already read.
struct PrefixedStream {
    first: Option<Bytes>,
    rest: ByteStream,
}

impl Stream for PrefixedStream {
    type Item = Result<Bytes, UpstreamError>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(first))),
            None => self.rest.as_mut().poll_next(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_be_an_error_is_waited_for() {
        for (first, waits) in [
            ("", true),
            ("\u{feff} ", true),
            ("RIFF", false),
            ("some words", false),
            ("{\"error\":", true),
            ("{\"error\":{}}", false),
            ("data: {\"a\":1}\n", true),
            ("event: error\r\ndata: {}\r\n\r\n", false),
        ] {
            assert_eq!(may_become_error(first.as_bytes()), waits, "{first}");
        }
        assert!(
            has_subtitles(b"WEBVTT\n\n") && has_subtitles(b"1\r\n00:00:00,000 --> 00:00:01,000\r\nhi\r\n")
        );
        assert!(
            !has_subtitles(b"1") && !has_subtitles(b"{\"text\":\"-->\"}") && !has_subtitles(b"no words\n-->")
        );
        assert_eq!(event_data(b"event: x\ndata: {}\n\n"), Some(&b" {}"[..]));
        assert!(!may_become_error(&[b"{".as_slice(), &vec![b' '; MAX_FIRST_BYTES]].concat()));
    }
}
