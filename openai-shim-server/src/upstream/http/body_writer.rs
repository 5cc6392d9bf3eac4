//! Writes a request's body that still arrives: by its length, or in chunks (RFC 9112, section 7.1).

use super::socket::Socket;
use bytes::Bytes;
use openai_shim_core::UpstreamError;
use openai_shim_core::upstream::{ByteStream, RequestStream};
use std::io;
use std::task::{Context, Poll, ready};

/// A body that is being written. It holds one chunk at a time: the next is asked for when the upstream has taken it.
pub(super) struct BodyWriter {
    /// `None`: everything was taken from it.
    source: Option<ByteStream>,
    framing: RequestFraming,
    /// The framing in front of the chunk.
    prefix: Vec<u8>,
    chunk: Bytes,
    written: usize,
}

enum RequestFraming {
    /// How many bytes are left.
    Length(u64),
    /// `is_first`: no chunk was written yet.
    Chunks { is_first: bool },
}

/// Why a body was not written to its end.
#[derive(Debug)]
pub(super) enum BodyError {
    /// Its source failed.
    Source(UpstreamError),
    /// The connection failed.
    Connection(io::Error),
}

impl BodyWriter {
    pub(super) fn new(body: RequestStream) -> Self {
        Self {
            source: Some(body.bytes),
            framing: body.length.map_or(RequestFraming::Chunks { is_first: true }, RequestFraming::Length),
            prefix: Vec::new(),
            chunk: Bytes::new(),
            written: 0,
        }
    }

    /// Writes what has arrived; ready at the end of the body.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut Socket,
    ) -> Poll<Result<(), BodyError>> {
        loop {
            while self.written < self.prefix.len() + self.chunk.len() {
                let parts = [
                    self.prefix.get(self.written..).unwrap_or_default(),
                    self.chunk.get(self.written.saturating_sub(self.prefix.len())..).unwrap_or_default(),
                ];
                match ready!(socket.poll_write(cx, parts)) {
                    Ok(0) => {
                        return Poll::Ready(Err(BodyError::Connection(io::ErrorKind::WriteZero.into())));
                    }
                    Ok(written) => self.written += written,
                    Err(error) => return Poll::Ready(Err(BodyError::Connection(error))),
                }
            }
            let Some(source) = &mut self.source else { return Poll::Ready(Ok(())) };
            match source.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(chunk))) if chunk.is_empty() => {}
                Poll::Ready(Some(Ok(chunk))) => self.frame(chunk).map_err(BodyError::Source)?,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(BodyError::Source(error))),
                Poll::Ready(None) => self.end().map_err(BodyError::Source)?,
                Poll::Pending => {
                    // What TLS holds is sent while the body pauses.
                    let flushed = socket.poll_flush(cx);
                    if let Poll::Ready(Err(error)) = flushed {
                        return Poll::Ready(Err(BodyError::Connection(error)));
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// Makes a chunk the next one to be written.
    fn frame(&mut self, chunk: Bytes) -> Result<(), UpstreamError> {
        match &mut self.framing {
            RequestFraming::Length(left) => {
                *left = left.checked_sub(chunk.len() as u64).ok_or_else(wrong_length)?;
            }
            RequestFraming::Chunks { is_first } => {
                let line_break = if std::mem::take(is_first) { "" } else { "\r\n" };
                self.prefix = format!("{line_break}{:x}\r\n", chunk.len()).into_bytes();
            }
        }
        self.chunk = chunk;
        self.written = 0;
        Ok(())
    }

    /// The source has ended: only the end of the framing is left.
    fn end(&mut self) -> Result<(), UpstreamError> {
        self.source = None;
        self.chunk = Bytes::new();
        self.written = 0;
        self.prefix = match self.framing {
            RequestFraming::Length(0) => Vec::new(),
            RequestFraming::Length(_) => return Err(wrong_length()),
            RequestFraming::Chunks { is_first: true } => b"0\r\n\r\n".to_vec(),
            RequestFraming::Chunks { is_first: false } => b"\r\n0\r\n\r\n".to_vec(),
        };
        Ok(())
    }
}

fn wrong_length() -> UpstreamError {
    UpstreamError::transport("The request's body is not as long as its head says.")
}
