//! One request and its answer on one connection, driven by whoever waits for it: no task of its own.

use super::body_framing::Framing;
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

/// How much is read at once: many events, and no more than a cache holds.
const READ: usize = 64 << 10;
/// A request body up to this size travels in one buffer with its head.
pub(super) const JOINED: usize = 16 << 10;

thread_local! {
    /// One buffer a thread: a connection that waits holds none.
    static BUFFERS: RefCell<(Vec<u8>, Vec<u8>)> = RefCell::new((vec![0; READ], Vec::new()));
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum CallError {
    /// Not a byte of an answer came. `unsent`: nor was a byte of the request sent, and another connection may take it.
    Unanswered { error: io::Error, unsent: bool },
    /// It broke off in its head.
    Broken(io::Error),
    /// It is not HTTP as we know it.
    Malformed(String),
}

/// An answer that has begun.
pub(super) struct StartedResponse {
    head: Http1Head,
    socket: Socket,
    /// What of the body came with the head.
    first: Bytes,
    /// The request was sent to its end, and nothing came that is not part of the answer.
    clean: bool,
}

/// Sends a request, and reads until its answer's head is there.
pub(super) async fn call(
    mut socket: Socket,
    method: &Method,
    head: &[u8],
    body: &[u8],
) -> Result<StartedResponse, CallError> {
    let total = head.len() + body.len();
    let (mut written, mut flushed) = (0, false);
    let mut refused = None;
    let mut before = Vec::new();
    let (head, first, clean) = poll_fn(|cx| {
        // What stands in the way of writing is often an early answer: it is read in any case.
        while !flushed && refused.is_none() {
            let wrote = if written < total {
                let parts = [
                    head.get(written..).unwrap_or_default(),
                    body.get(written.saturating_sub(head.len())..).unwrap_or_default(),
                ];
                socket.poll_write(cx, parts).map_ok(|n| written += n)
            } else {
                socket.poll_flush(cx).map_ok(|()| flushed = true)
            };
            match wrote {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => refused = Some(error),
                Poll::Pending => break,
            }
        }
        BUFFERS.with_borrow_mut(|(buffer, decoded)| {
            loop {
                let read = match ready!(socket.poll_read(cx, buffer)) {
                    Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                    read => read,
                };
                let read = match read {
                    Ok(read) => buffer.get(..read).unwrap_or_default(),
                    Err(error) if before.is_empty() => {
                        let error = refused.take().unwrap_or(error);
                        let unsent = written == 0 && !socket.has_records();
                        return Poll::Ready(Err(CallError::Unanswered { error, unsent }));
                    }
                    Err(error) => return Poll::Ready(Err(CallError::Broken(error))),
                };
                let so_far = if before.is_empty() {
                    read
                } else {
                    before.extend_from_slice(read);
                    before.as_slice()
                };
                let (mut head, length) = match head::read(so_far, method).map_err(CallError::Malformed)? {
                    Some(whole) => whole,
                    None if before.is_empty() => {
                        before = read.to_vec();
                        continue;
                    }
                    None => continue,
                };
                let rest = so_far.get(length..).unwrap_or_default();
                let (first, exact) =
                    decode(&mut head.framing, rest, decoded).map_err(CallError::Malformed)?;
                return Poll::Ready(Ok((head, first, exact && flushed)));
            }
        })
    })
    .await?;
    Ok(StartedResponse { head, socket, first, clean })
}

/// The body among these bytes, and whether all of them belong to it.
fn decode(framing: &mut Framing, bytes: &[u8], buffer: &mut Vec<u8>) -> Result<(Bytes, bool), String> {
    if let Framing::Length(left) = framing
        && *left >= bytes.len() as u64
    {
        *left -= bytes.len() as u64;
        return Ok((Bytes::copy_from_slice(bytes), true));
    }
    buffer.clear();
    let taken = framing.take(bytes, buffer).map_err(|_| String::from("its chunks are not HTTP's"))?;
    Ok((Bytes::copy_from_slice(buffer), taken == bytes.len()))
}

impl StartedResponse {
    pub(super) fn response(&self) -> &Response<()> {
        &self.head.response
    }

    /// The head, and the body as it comes; the connection returns to its pool with the body's last byte.
    pub(super) fn into_response(self, pool: &Arc<Pool>, silence: IdleTimeout) -> Response<CallBody> {
        let Self { head, socket, first, clean } = self;
        let mut answer = CallBody {
            socket: Some(socket),
            framing: head.framing,
            first,
            pool: (head.keeps && clean).then(|| pool.clone()),
            silence,
        };
        answer.settle();
        head.response.map(|()| answer)
    }
}

/// An answer's body. Dropping it before its end closes the connection.
pub(super) struct CallBody {
    socket: Option<Socket>,
    framing: Framing,
    first: Bytes,
    /// Where the connection goes; `None`: it serves nobody else.
    pool: Option<Arc<Pool>>,
    silence: IdleTimeout,
}

impl CallBody {
    /// Gives the connection back when the body is over.
    fn settle(&mut self) {
        if self.framing.is_over()
            && let Some(socket) = self.socket.take()
            && let Some(pool) = self.pool.take()
        {
            pool.put(socket);
        }
    }

    /// What one read brings: all events that are there, in one piece.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        let Some(socket) = &mut self.socket else { return Poll::Ready(None) };
        BUFFERS.with_borrow_mut(|(buffer, decoded)| {
            loop {
                let read = match ready!(socket.poll_read(cx, buffer)) {
                    Ok(0) if self.framing == Framing::Close => return Poll::Ready(None),
                    Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                    read => read,
                };
                let read = match read {
                    Ok(read) => buffer.get(..read).unwrap_or_default(),
                    Err(error) => return Poll::Ready(Some(Err(self.silence.peer.broken(&error)))),
                };
                let (bytes, exact) = match decode(&mut self.framing, read, decoded) {
                    Ok(decoded) => decoded,
                    Err(reason) => return Poll::Ready(Some(Err(self.silence.peer.malformed(&reason)))),
                };
                if !exact {
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
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.first))));
        }
        let polled = match self.poll_read(cx) {
            Poll::Pending => Some(Err(ready!(self.silence.poll(cx)))),
            Poll::Ready(Some(Ok(bytes))) => Some(self.silence.broken().map_or(Ok(bytes), Err)),
            Poll::Ready(item) => item,
        };
        self.settle();
        if !matches!(polled, Some(Ok(_))) {
            self.socket = None;
        }
        Poll::Ready(polled)
    }
}
