//! A connection's socket, which records that the server closed it, and refuses replies without an end.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most bytes between two replies: more than several requests load.
const MAX_REPLY_BYTES: usize = 128 << 20;

/// What is known of a socket that a task of its own reads.
#[derive(Debug, Default)]
pub(super) struct SocketState {
    closed: AtomicBool,
    /// The bytes since the last reply.
    received: AtomicUsize,
}

impl SocketState {
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    pub(super) fn set_closed(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// A reply came to its end.
    pub(super) fn reply_ended(&self) {
        self.received.store(0, Ordering::Relaxed);
    }
}

/// A plain or encrypted socket.
pub(super) trait ByteSocket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> ByteSocket for S {}

/// A socket with its state.
pub(super) struct WatchedSocket {
    inner: Box<dyn ByteSocket>,
    state: Arc<SocketState>,
}

impl WatchedSocket {
    pub(super) fn new(inner: Box<dyn ByteSocket>) -> (Self, Arc<SocketState>) {
        let state = Arc::<SocketState>::default();
        (Self { inner, state: state.clone() }, state)
    }
}

impl AsyncRead for WatchedSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = std::task::ready!(Pin::new(&mut *self.inner).poll_read(cx, buffer));
        let bytes = buffer.filled().len() - before;
        let received = self.state.received.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if read.is_err() || bytes == 0 {
            self.state.set_closed();
        } else if received > MAX_REPLY_BYTES {
            self.state.set_closed();
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "the reply has no end")));
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for WatchedSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.inner).poll_shutdown(cx)
    }
}
