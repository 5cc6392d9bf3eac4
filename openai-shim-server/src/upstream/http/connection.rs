//! One request and its response on one connection, driven by the task that awaits the response.

use super::body_framing::Framing;
use super::body_writer::{BodyError, BodyWriter};
use super::head::{self, Http1Head};
use super::idle_timeout::IdleTimeout;
use super::pool::Pool;
use super::socket::Socket;
use bytes::Bytes;
use futures_core::Stream;
use http::{Method, Response};
use openai_shim_core::UpstreamError;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// How many bytes are read at once: many events, and no more than the processor's cache holds.
const READ_BYTES: usize = 64 << 10;
/// A request body up to this size is sent in one buffer with its head.
pub(super) const MAX_INLINE_BODY_BYTES: usize = 16 << 10;

thread_local! {
    /// One pair of buffers per thread: a waiting connection holds none.
    static BUFFERS: RefCell<Buffers> = RefCell::new(Buffers { read: vec![0; READ_BYTES], decoded: Vec::new() });
}

/// The buffers of one thread.
struct Buffers {
    /// Bytes read from a socket.
    read: Vec<u8>,
    /// Body bytes without their framing.
    decoded: Vec<u8>,
}

/// Why a call has no response.
#[derive(Debug)]
pub(super) enum CallError {
    /// No response byte arrived. `is_unsent`: no request byte was sent either, so another connection may be used.
    Unanswered { error: io::Error, is_unsent: bool },
    /// The connection ended within the response's head.
    Truncated(io::Error),
    /// The response is not valid HTTP/1.1.
    Malformed(String),
    /// The request's body, which was still arriving, failed.
    Body(UpstreamError),
}

/// A response whose head was read.
pub(super) struct StartedResponse {
    head: Http1Head,
    socket: Socket,
    /// Body bytes that arrived with the head.
    first_chunk: Bytes,
    /// The whole request was sent, and no byte arrived that is not part of the response.
    is_reusable: bool,
    /// The part of the request's body that was not sent yet.
    unsent: Option<Box<BodyWriter>>,
}

/// Sends a request, and reads until the response's head is complete. `arriving`: the rest of a body that is not there yet.
pub(super) async fn call(
    mut socket: Socket,
    method: &Method,
    head: &[u8],
    body: &[u8],
    mut arriving: Option<Box<BodyWriter>>,
) -> Result<StartedResponse, CallError> {
    let total = head.len() + body.len();
    let (mut written, mut flushed) = (0, false);
    let mut write_error = None;
    let mut partial_head = Vec::new();
    let (head, first_chunk, is_reusable) = poll_fn(|cx| {
        // Writing often fails because of an early response; it is read in any case.
        while !flushed && write_error.is_none() {
            let wrote = if written < total {
                let parts = [
                    head.get(written..).unwrap_or_default(),
                    body.get(written.saturating_sub(head.len())..).unwrap_or_default(),
                ];
                socket.poll_write(cx, parts).map_ok(|n| written += n)
            } else if let Some(writer) = &mut arriving {
                match writer.poll_write(cx, &mut socket) {
                    Poll::Ready(Ok(())) => {
                        arriving = None;
                        continue;
                    }
                    Poll::Ready(Err(BodyError::Source(error))) => {
                        return Poll::Ready(Err(CallError::Body(error)));
                    }
                    Poll::Ready(Err(BodyError::Connection(error))) => Poll::Ready(Err(error)),
                    Poll::Pending => Poll::Pending,
                }
            } else {
                socket.poll_flush(cx).map_ok(|()| flushed = true)
            };
            match wrote {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => write_error = Some(error),
                Poll::Pending => break,
            }
        }
        BUFFERS.with_borrow_mut(|Buffers { read: buffer, decoded }| {
            loop {
                let read = match ready!(socket.poll_read(cx, buffer)) {
                    Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                    read => read,
                };
                let read = match read {
                    Ok(read) => buffer.get(..read).unwrap_or_default(),
                    Err(error) if partial_head.is_empty() => {
                        let error = write_error.take().unwrap_or(error);
                        let is_unsent = written == 0 && !socket.is_tls();
                        return Poll::Ready(Err(CallError::Unanswered { error, is_unsent }));
                    }
                    Err(error) => return Poll::Ready(Err(CallError::Truncated(error))),
                };
                let received = if partial_head.is_empty() {
                    read
                } else {
                    partial_head.extend_from_slice(read);
                    partial_head.as_slice()
                };
                let (mut head, length) = match head::parse(received, method).map_err(CallError::Malformed)? {
                    Some(parsed) => parsed,
                    None if partial_head.is_empty() => {
                        partial_head = read.to_vec();
                        continue;
                    }
                    None => continue,
                };
                let body = received.get(length..).unwrap_or_default();
                let decoded = decode(&mut head.framing, body, decoded).map_err(CallError::Malformed)?;
                return Poll::Ready(Ok((head, decoded.bytes, decoded.used_all && flushed)));
            }
        })
    })
    .await?;
    let unsent = arriving.filter(|_| head.response.status().is_success());
    Ok(StartedResponse { head, socket, first_chunk, is_reusable, unsent })
}

/// Body bytes, and whether all input bytes belonged to the body.
struct DecodedBytes {
    bytes: Bytes,
    used_all: bool,
}

/// Decodes the body's framing.
fn decode(framing: &mut Framing, bytes: &[u8], buffer: &mut Vec<u8>) -> Result<DecodedBytes, String> {
    if let Framing::Length(left) = framing
        && *left >= bytes.len() as u64
    {
        *left -= bytes.len() as u64;
        return Ok(DecodedBytes { bytes: Bytes::copy_from_slice(bytes), used_all: true });
    }
    buffer.clear();
    let used = framing.decode(bytes, buffer).map_err(|_| String::from("its chunks are not HTTP's"))?;
    Ok(DecodedBytes { bytes: Bytes::copy_from_slice(buffer), used_all: used == bytes.len() })
}

impl StartedResponse {
    pub(super) fn response(&self) -> &Response<()> {
        &self.head.response
    }

    /// The head, and the body as a stream. The connection returns to the pool with the body's last byte.
    pub(super) fn into_response(self, pool: &Arc<Pool>, idle_timeout: IdleTimeout) -> Response<CallBody> {
        let Self { head, socket, first_chunk, is_reusable, unsent } = self;
        let mut body = CallBody {
            socket: Some(socket),
            framing: head.framing,
            first_chunk,
            pool: (head.keeps_connection && is_reusable).then(|| pool.clone()),
            idle_timeout,
            unsent,
        };
        body.release_if_over();
        head.response.map(|()| body)
    }
}

/// A response's body. Dropping it before its end closes the connection.
pub(super) struct CallBody {
    socket: Option<Socket>,
    framing: Framing,
    /// Body bytes that arrived with the head.
    first_chunk: Bytes,
    /// The pool that gets the connection; `None`: it is not reused.
    pool: Option<Arc<Pool>>,
    idle_timeout: IdleTimeout,
    /// The rest of the request's body: some upstreams begin to answer before they have all of it.
    unsent: Option<Box<BodyWriter>>,
}

impl CallBody {
    /// Sends what has arrived of the request's body. Whether the upstream needed it shows in its response.
    fn poll_unsent(&mut self, cx: &mut Context<'_>) {
        if let (Some(unsent), Some(socket)) = (&mut self.unsent, &mut self.socket)
            && unsent.poll_write(cx, socket).is_ready()
        {
            self.unsent = None;
        }
    }

    /// Returns the connection to its pool if the body has ended.
    fn release_if_over(&mut self) {
        if self.framing.is_over()
            && let Some(socket) = self.socket.take()
            && let Some(pool) = self.pool.take()
        {
            pool.put(socket);
        }
    }

    /// The body bytes of one read: all events that have arrived, in one chunk.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        let Some(socket) = &mut self.socket else { return Poll::Ready(None) };
        BUFFERS.with_borrow_mut(|Buffers { read: buffer, decoded }| {
            loop {
                let read = match ready!(socket.poll_read(cx, buffer)) {
                    Ok(0) if self.framing == Framing::Close => return Poll::Ready(None),
                    Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                    read => read,
                };
                let read = match read {
                    Ok(read) => buffer.get(..read).unwrap_or_default(),
                    Err(error) => return Poll::Ready(Some(Err(self.idle_timeout.peer.broken(&error)))),
                };
                let DecodedBytes { bytes, used_all } = match decode(&mut self.framing, read, decoded) {
                    Ok(decoded) => decoded,
                    Err(reason) => return Poll::Ready(Some(Err(self.idle_timeout.peer.malformed(&reason)))),
                };
                if !used_all {
                    self.pool = None;
                }
                if !bytes.is_empty() {
                    return Poll::Ready(Some(Ok(bytes)));
                }
                if self.framing.is_over() {
                    return Poll::Ready(None);
                }
            }
        })
    }
}

impl Stream for CallBody {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.first_chunk.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.first_chunk))));
        }
        self.poll_unsent(cx);
        let polled = match self.poll_read(cx) {
            Poll::Pending => Some(Err(ready!(self.idle_timeout.poll(cx)))),
            Poll::Ready(Some(Ok(bytes))) => Some(self.idle_timeout.record_progress().map_or(Ok(bytes), Err)),
            Poll::Ready(item) => item,
        };
        self.release_if_over();
        if !matches!(polled, Some(Ok(_))) {
            self.socket = None;
        }
        Poll::Ready(polled)
    }
}
