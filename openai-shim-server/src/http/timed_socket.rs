//! A client's TCP socket as `AsyncRead` and `AsyncWrite` that cuts off clients that stop reading (`timeouts.write`).

use crate::client_connection::{ClientConnection, CutReason};
use socket2::SockRef;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

/// A client's socket. A timer is set only when a write must wait.
#[derive(Debug)]
pub(crate) struct TimedSocket {
    stream: TcpStream,
    connection: Arc<ClientConnection>,
    /// How long writes may make no progress (`timeouts.write`).
    write_timeout: Duration,
    /// When writes stopped making progress.
    stalled_since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl TimedSocket {
    pub(crate) fn new(stream: TcpStream, connection: Arc<ClientConnection>, write_timeout: Duration) -> Self {
        Self { stream, connection, write_timeout, stalled_since: None, timer: None }
    }

    /// The socket itself.
    pub(crate) fn tcp(&self) -> &TcpStream {
        &self.stream
    }

    /// Passes on the result of a write, and turns a write that waits for too long into an error.
    fn check_progress<T>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stalled_since = None;
            return polled;
        }
        let now = Instant::now();
        let write_limit = *self.stalled_since.get_or_insert(now) + self.write_timeout;
        // A client that reads slowly after its request's deadline gets the write timeout once more, and no longer.
        let (until, reason) = match self.connection.deadline().map(|deadline| deadline + self.write_timeout) {
            Some(deadline) if deadline < write_limit => (deadline, CutReason::TotalTimeout),
            _ => (write_limit, CutReason::WriteTimeout),
        };
        if now < until {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
            if timer.deadline() > until || timer.is_elapsed() {
                timer.as_mut().reset(until);
            }
            ready!(timer.as_mut().poll(cx));
            // The timer was set for an earlier wait.
            if timer.deadline() < until {
                timer.as_mut().reset(until);
                ready!(timer.as_mut().poll(cx));
            }
        }
        self.connection.set_cut_reason(reason);
        // Unsent bytes are dropped: the close sends a reset.
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        let what = match reason {
            CutReason::TotalTimeout => "a client that took its answer slowly was cut off (timeouts.total)",
            _ => "a client that took nothing was cut off (timeouts.write)",
        };
        tracing::warn!(client = self.stream.peer_addr().ok().map(tracing::field::display), "{what}");
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, what)))
    }
}

impl AsyncRead for TimedSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for TimedSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.check_progress(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.check_progress(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
