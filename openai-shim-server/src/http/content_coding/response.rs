//! Decodes an upstream's response that is compressed although no coding was requested: plain bytes as soon as they can be
//! decoded, without the headers that no longer apply.

use super::decoder::{Coding, Corrupt, Decoder, SUPPORTED, parse_codings};
use bytes::{Buf as _, Bytes};
use futures_core::Stream;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Response};
use openai_shim_core::error::StatusError;
use openai_shim_core::upstream::{ByteStream, UpstreamBody};
use openai_shim_core::{ErrorKind, UpstreamError};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The most bytes of one decoded chunk: a decompression bomb arrives in chunks, and its reader stops at its own limit.
const MAX_CHUNK_BYTES: usize = 64 << 10;
/// How many chunks follow each other before the task yields to others.
const CHUNKS_BEFORE_YIELD: u32 = 4;

/// Decodes a response's body, if `Content-Encoding` or `Transfer-Encoding` names codings.
pub(crate) fn decode_response(
    mut response: Response<UpstreamBody>,
) -> Result<Response<UpstreamBody>, UpstreamError> {
    let headers = response.headers();
    if !headers.contains_key(CONTENT_ENCODING) && !headers.contains_key(TRANSFER_ENCODING) {
        return Ok(response);
    }
    let mut all = Vec::new();
    for header in [CONTENT_ENCODING, TRANSFER_ENCODING] {
        let codings = parse_codings(headers, &header).map_err(|value| {
            let text = format!(
                "The upstream answered in the {header} `{value}`, which cannot be decoded, although it was asked for none; \
                 those that can be are {}.",
                SUPPORTED
            );
            UpstreamError::Status(Box::new(StatusError::new(502, ErrorKind::Upstream, text)))
        })?;
        all.extend(codings);
    }
    remove_coding_headers(response.headers_mut(), !all.is_empty());
    Ok(response.map(|body| all.into_iter().rev().fold(body, decode_body)))
}

/// Removes the headers that do not apply to the decoded body.
fn remove_coding_headers(headers: &mut HeaderMap, decoded: bool) {
    headers.remove(CONTENT_ENCODING);
    headers.remove(TRANSFER_ENCODING);
    if decoded {
        headers.remove(CONTENT_LENGTH);
    }
}

fn decode_body(body: UpstreamBody, coding: Coding) -> UpstreamBody {
    let (source, pending) = match body {
        UpstreamBody::Complete(bytes) => (None, bytes),
        UpstreamBody::Stream(source) => (Some(source), Bytes::new()),
        other => return other,
    };
    let phase = DecodePhase::Start(Decoder::new(coding));
    UpstreamBody::Stream(Box::pin(DecodedStream {
        source,
        coding,
        phase,
        pending,
        has_more: false,
        chunks_since_yield: 0,
    }))
}

struct DecodedStream {
    /// `None`: nothing follows `pending`.
    source: Option<ByteStream>,
    coding: Coding,
    phase: DecodePhase,
    /// Received bytes that are not decoded yet.
    pending: Bytes,
    /// The decoder may have more output.
    has_more: bool,
    chunks_since_yield: u32,
}

enum DecodePhase {
    /// No byte received yet.
    Start(Decoder),
    Coded(Decoder),
    /// The body is plain despite its header: a proxy decoded it and left the header.
    Plain,
}

impl DecodedStream {
    /// Decodes the pending bytes.
    fn decode(&mut self) -> Result<Bytes, Corrupt> {
        if let DecodePhase::Start(decoder) = &mut self.phase
            && let Some(first) = self.pending.first()
        {
            let decoder = std::mem::replace(decoder, Decoder::new(self.coding));
            self.phase = if self.coding.can_begin_with(*first) {
                DecodePhase::Coded(decoder)
            } else {
                DecodePhase::Plain
            };
        }
        let DecodePhase::Coded(decoder) = &mut self.phase else {
            return Ok(std::mem::take(&mut self.pending));
        };
        let mut out = Vec::new();
        let used = decoder.decode(&self.pending, &mut out, MAX_CHUNK_BYTES)?;
        self.pending.advance(used.min(self.pending.len()));
        self.has_more = out.len() >= MAX_CHUNK_BYTES;
        Ok(Bytes::from(out))
    }

    fn error(&self, what: &str) -> UpstreamError {
        let name = self.coding.name();
        UpstreamError::transport(format!(
            "The upstream's answer {what}: its `content-encoding: {name}` cannot be decoded."
        ))
    }

    fn end(&mut self, error: Option<UpstreamError>) -> Poll<Option<<Self as Stream>::Item>> {
        (self.source, self.has_more, self.phase) = (None, false, DecodePhase::Plain);
        self.pending.clear();
        Poll::Ready(error.map(Err))
    }
}

impl Stream for DecodedStream {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.has_more || !self.pending.is_empty() {
                if self.chunks_since_yield >= CHUNKS_BEFORE_YIELD {
                    self.chunks_since_yield = 0;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                self.chunks_since_yield += 1;
                match self.decode() {
                    Ok(bytes) if bytes.is_empty() => continue,
                    Ok(bytes) => return Poll::Ready(Some(Ok(bytes))),
                    Err(Corrupt) => {
                        let error = self.error("is not what its header says");
                        return self.end(Some(error));
                    }
                }
            }
            self.chunks_since_yield = 0;
            let next = match &mut self.source {
                Some(source) => ready!(source.as_mut().poll_next(cx)),
                None => None,
            };
            match next {
                Some(Ok(chunk)) => self.pending = chunk,
                Some(Err(error)) => return self.end(Some(error)),
                None => {
                    let is_truncated =
                        matches!(&self.phase, DecodePhase::Coded(decoder) if !decoder.is_complete());
                    let error = is_truncated.then(|| self.error("was cut off"));
                    return self.end(error);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::content_coding::decoder::STEP_BYTES;
    use crate::http::content_coding::decoder::tests::encode_all;
    use std::future::poll_fn;

    async fn read(body: UpstreamBody) -> Result<Vec<Bytes>, UpstreamError> {
        let UpstreamBody::Stream(mut source) = body else { panic!("the body must be a stream") };
        let mut all = Vec::new();
        while let Some(chunk) = poll_fn(|cx| source.as_mut().poll_next(cx)).await {
            all.push(chunk?);
        }
        Ok(all)
    }

    fn response(coding: &'static str, body: &[u8]) -> Response<UpstreamBody> {
        let mut response = Response::new(UpstreamBody::Complete(Bytes::copy_from_slice(body)));
        let headers = response.headers_mut();
        headers.insert(CONTENT_ENCODING, http::HeaderValue::from_static(coding));
        headers.insert(CONTENT_LENGTH, body.len().into());
        response
    }

    #[tokio::test]
    async fn large_response_is_decoded_in_bounded_chunks_without_coding_headers() {
        let text = vec![b'x'; 600_000];
        for (name, coding, bytes) in encode_all(&text) {
            let response = decode_response(response(coding.name(), &bytes)).unwrap();
            assert!(response.headers().is_empty(), "{name}");
            let chunks = read(response.into_body()).await.unwrap();
            assert!(chunks.iter().all(|chunk| chunk.len() <= MAX_CHUNK_BYTES + STEP_BYTES), "{name}");
            assert!(chunks.concat() == text, "{name}");
        }
    }

    #[tokio::test]
    async fn plain_body_with_a_stale_coding_header_passes_unchanged() {
        for coding in ["gzip", "zstd"] {
            let response = decode_response(response(coding, b"{\"a\":1}")).unwrap();
            assert_eq!(read(response.into_body()).await.unwrap().concat(), b"{\"a\":1}");
        }
    }

    #[tokio::test]
    async fn truncated_body_ends_with_an_error() {
        for (name, coding, bytes) in encode_all(b"hello hello hello hello") {
            let cut = &bytes[..bytes.len() - 1];
            let error =
                read(decode_response(response(coding.name(), cut)).unwrap().into_body()).await.unwrap_err();
            assert!(error.to_string().contains("was cut off"), "{name}: {error}");
        }
        assert!(decode_response(response("compress", b"x")).unwrap_err().to_string().contains("`compress`"));
    }
}
