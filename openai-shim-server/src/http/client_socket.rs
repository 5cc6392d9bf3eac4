//! A client's socket as `AsyncRead` and `AsyncWrite`: cuts off clients that stop reading (`timeouts.write`), and adds error
//! bodies to hyper's refusals.

use crate::client_connection::{ClientConnection, CutReason};
use crate::http::body::{DISCARD_PERIOD, MAX_DISCARDED_BYTES};
use crate::http::hyper_errors;
use crate::http::socket_errors::is_tls_record;
use crate::observe::throttled_log::LogThrottle;
use socket2::SockRef;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

static TLS_LOG: LogThrottle = LogThrottle::new();

/// A client's socket. A timer is set only when a write must wait.
#[derive(Debug)]
pub(crate) struct ClientSocket {
    stream: TcpStream,
    connection: Arc<ClientConnection>,
    /// How long writes may make no progress (`timeouts.write`).
    write_timeout: Duration,
    /// When writes stopped making progress.
    stalled_since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    /// hyper's refusal with its error body; nothing is written after it.
    refusal: Option<PendingRefusal>,
    /// Whether the first bytes are a TLS record; `None` until something was read.
    begins_with_tls: Option<bool>,
}

#[derive(Debug)]
struct PendingRefusal {
    bytes: Vec<u8>,
    sent: usize,
    /// How many bytes were read and dropped since the refusal was sent; 0: discarding has not begun.
    discarded: usize,
}

impl ClientSocket {
    pub(crate) fn new(stream: TcpStream, connection: Arc<ClientConnection>, write_timeout: Duration) -> Self {
        Self {
            stream,
            connection,
            write_timeout,
            stalled_since: None,
            timer: None,
            refusal: None,
            begins_with_tls: None,
        }
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

    /// If the bytes are hyper's refusal: replaces it by one with an error body, and returns true.
    fn intercept_refusal(&mut self, bytes: &[u8]) -> bool {
        let Some(bytes) = hyper_errors::with_error_body(bytes) else { return false };
        if self.begins_with_tls == Some(true) && TLS_LOG.allow() {
            tracing::warn!(
                "a client began with TLS, which this port has not: its base URL must begin with http://"
            );
        }
        self.refusal = Some(PendingRefusal { bytes, sent: 0, discarded: 0 });
        true
    }

    /// Sends the rest of the refusal.
    fn poll_refusal(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(refusal) = &mut self.refusal {
            let unsent = refusal.bytes.get(refusal.sent..).unwrap_or_default();
            if unsent.is_empty() {
                break;
            }
            let polled = Pin::new(&mut self.stream).poll_write(cx, unsent);
            match ready!(self.check_progress(cx, polled))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => {
                    if let Some(refusal) = &mut self.refusal {
                        refusal.sent += sent;
                    }
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads and drops what a client still sends after its refusal, for a while.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(refusal) = &mut self.refusal else { return Poll::Ready(()) };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + DISCARD_PERIOD)));
        if refusal.discarded == 0 {
            timer.as_mut().reset(Instant::now() + DISCARD_PERIOD);
            refusal.discarded = 1;
        }
        let mut buffer = [0; 4096];
        loop {
            if timer.as_mut().poll(cx).is_ready() || refusal.discarded > MAX_DISCARDED_BYTES {
                return Poll::Ready(());
            }
            let mut read = ReadBuf::new(&mut buffer);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read)) {
                Ok(()) if !read.filled().is_empty() => refusal.discarded += read.filled().len(),
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl AsyncRead for ClientSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if self.begins_with_tls.is_none() && polled.is_ready() {
            self.begins_with_tls = Some(buffer.filled().get(before..).is_some_and(is_tls_record));
        }
        polled
    }
}

impl AsyncWrite for ClientSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.refusal.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if self.intercept_refusal(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.check_progress(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [only] = parts {
            return self.poll_write(cx, only);
        }
        if self.refusal.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.check_progress(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_refusal(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_refusal(cx))?;
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        self.poll_discard(cx).map(Ok)
    }
}
