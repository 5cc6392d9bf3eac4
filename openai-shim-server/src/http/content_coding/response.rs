//! An upstream's answer that came compressed though nobody asked for that: its plain bytes, each as soon as it can be had,
//! and no header that says otherwise.

use super::{Coding, Corrupt, Decoder, codings};
use bytes::{Buf as _, Bytes};
use futures_core::Stream;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Response};
use openai_shim_core::error::StatusError;
use openai_shim_core::upstream::{ByteStream, UpstreamBody};
use openai_shim_core::{ErrorKind, UpstreamError};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The most that leaves in one piece: what is behind a bomb comes in pieces, and their reader stops at its limit.
const PIECE: usize = 64 << 10;
/// So many pieces of one read follow each other before others have their turn.
const IN_A_ROW: u32 = 4;

/// The same answer, decoded where it is coded.
pub(crate) fn decoded(mut response: Response<UpstreamBody>) -> Result<Response<UpstreamBody>, UpstreamError> {
    let headers = response.headers();
    if !headers.contains_key(CONTENT_ENCODING) && !headers.contains_key(TRANSFER_ENCODING) {
        return Ok(response);
    }
    let mut all = Vec::new();
    for header in [CONTENT_ENCODING, TRANSFER_ENCODING] {
        let found = codings(headers, &header).map_err(|given| {
            let text = format!(
                "The upstream answered in the {header} `{given}`, which cannot be decoded, although it was asked for none; \
                 those that can be are {}.",
                super::TAKEN
            );
            UpstreamError::Status(Box::new(StatusError::new(502, ErrorKind::Upstream, text)))
        })?;
        all.extend(found);
    }
    plain(response.headers_mut(), !all.is_empty());
    Ok(response.map(|body| all.into_iter().rev().fold(body, decoding)))
}

/// Takes out the headers that no longer hold.
fn plain(headers: &mut HeaderMap, decoded: bool) {
    headers.remove(CONTENT_ENCODING);
    headers.remove(TRANSFER_ENCODING);
    if decoded {
        headers.remove(CONTENT_LENGTH);
    }
}

fn decoding(body: UpstreamBody, coding: Coding) -> UpstreamBody {
    let (source, pending) = match body {
        UpstreamBody::Complete(bytes) => (None, bytes),
        UpstreamBody::Stream(source) => (Some(source), Bytes::new()),
        other => return other,
    };
    let decoder = As::Unknown(Decoder::new(coding));
    UpstreamBody::Stream(Box::pin(Decoded { source, coding, decoder, pending, more: false, row: 0 }))
}

struct Decoded {
    /// `None`: there is nothing after `pending`.
    source: Option<ByteStream>,
    coding: Coding,
    decoder: As,
    /// What came and was not decoded yet.
    pending: Bytes,
    /// The decoder may hold more.
    more: bool,
    row: u32,
}

enum As {
    /// Nothing came yet.
    Unknown(Decoder),
    Coded(Decoder),
    /// It is plain whatever its header says: a proxy decoded it and left the header.
    Plain,
}

impl Decoded {
    /// What comes out of the pending bytes.
    fn decode(&mut self) -> Result<Bytes, Corrupt> {
        if let As::Unknown(decoder) = &mut self.decoder
            && let Some(first) = self.pending.first()
        {
            let decoder = std::mem::replace(decoder, Decoder::new(self.coding));
            self.decoder = if self.coding.begins_with(*first) { As::Coded(decoder) } else { As::Plain };
        }
        let As::Coded(decoder) = &mut self.decoder else { return Ok(std::mem::take(&mut self.pending)) };
        let mut out = Vec::new();
        let used = decoder.decode(&self.pending, &mut out, PIECE)?;
        self.pending.advance(used.min(self.pending.len()));
        self.more = out.len() >= PIECE;
        Ok(Bytes::from(out))
    }

    fn fault(&self, what: &str) -> UpstreamError {
        let name = self.coding.name();
        UpstreamError::transport(format!(
            "The upstream's answer {what}: its `content-encoding: {name}` cannot be decoded."
        ))
    }

    fn end(&mut self, fault: Option<UpstreamError>) -> Poll<Option<<Self as Stream>::Item>> {
        (self.source, self.more, self.decoder) = (None, false, As::Plain);
        self.pending.clear();
        Poll::Ready(fault.map(Err))
    }
}

impl Stream for Decoded {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.more || !self.pending.is_empty() {
                if self.row >= IN_A_ROW {
                    self.row = 0;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                self.row += 1;
                match self.decode() {
                    Ok(bytes) if bytes.is_empty() => continue,
                    Ok(bytes) => return Poll::Ready(Some(Ok(bytes))),
                    Err(Corrupt) => {
                        let fault = self.fault("is not what its header says");
                        return self.end(Some(fault));
                    }
                }
            }
            self.row = 0;
            let next = match &mut self.source {
                Some(source) => ready!(source.as_mut().poll_next(cx)),
                None => None,
            };
            match next {
                Some(Ok(chunk)) => self.pending = chunk,
                Some(Err(error)) => return self.end(Some(error)),
                None => {
                    let cut = matches!(&self.decoder, As::Coded(decoder) if !decoder.is_complete());
                    let fault = cut.then(|| self.fault("was cut off"));
                    return self.end(fault);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::content_coding::tests::coded;
    use std::future::poll_fn;

    async fn read(body: UpstreamBody) -> Result<Vec<Bytes>, UpstreamError> {
        let UpstreamBody::Stream(mut source) = body else { panic!("a stream is due") };
        let mut all = Vec::new();
        while let Some(chunk) = poll_fn(|cx| source.as_mut().poll_next(cx)).await {
            all.push(chunk?);
        }
        Ok(all)
    }

    fn answer(coding: &'static str, body: &[u8]) -> Response<UpstreamBody> {
        let mut response = Response::new(UpstreamBody::Complete(Bytes::copy_from_slice(body)));
        let headers = response.headers_mut();
        headers.insert(CONTENT_ENCODING, http::HeaderValue::from_static(coding));
        headers.insert(CONTENT_LENGTH, body.len().into());
        response
    }

    #[tokio::test]
    async fn an_answer_comes_in_pieces_and_without_the_headers_that_no_longer_hold() {
        let text = vec![b'x'; 600_000];
        for (name, coding, bytes) in coded(&text) {
            let response = decoded(answer(coding.name(), &bytes)).unwrap();
            assert!(response.headers().is_empty(), "{name}");
            let pieces = read(response.into_body()).await.unwrap();
            assert!(pieces.iter().all(|piece| piece.len() <= PIECE + super::super::STEP), "{name}");
            assert!(pieces.concat() == text, "{name}");
        }
    }

    #[tokio::test]
    async fn a_header_that_a_proxy_left_over_is_no_coding() {
        for coding in ["gzip", "zstd"] {
            let response = decoded(answer(coding, b"{\"a\":1}")).unwrap();
            assert_eq!(read(response.into_body()).await.unwrap().concat(), b"{\"a\":1}");
        }
    }

    #[tokio::test]
    async fn what_is_cut_is_an_error_after_what_came_of_it() {
        for (name, coding, bytes) in coded(b"hello hello hello hello") {
            let cut = &bytes[..bytes.len() - 1];
            let error = read(decoded(answer(coding.name(), cut)).unwrap().into_body()).await.unwrap_err();
            assert!(error.to_string().contains("was cut off"), "{name}: {error}");
        }
        assert!(decoded(answer("compress", b"x")).unwrap_err().to_string().contains("`compress`"));
    }
}
