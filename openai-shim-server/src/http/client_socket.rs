//! What hyper reads from and writes to: a client's transport, with error bodies added to hyper's refusals.

use crate::http::body::{DISCARD_PERIOD, MAX_DISCARDED_BYTES};
use crate::http::client_transport::ClientTransport;
use crate::http::hyper_errors;
use crate::http::socket_errors::is_tls_record;
use crate::observe::throttled_log::LogThrottle;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

static TLS_LOG: LogThrottle = LogThrottle::new();

/// A client's socket.
#[derive(Debug)]
pub(crate) struct ClientSocket {
    transport: ClientTransport,
    /// A refusal with its error body; nothing is written after it.
    refusal: Option<PendingRefusal>,
    /// Whether the first bytes are a TLS record; `None` until something was read.
    begins_with_tls: Option<bool>,
}

#[derive(Debug)]
struct PendingRefusal {
    bytes: Vec<u8>,
    sent: usize,
    /// How many bytes were read and dropped since the refusal was sent.
    discarded: usize,
    /// Until when bytes are read and dropped; set when that begins.
    discard_timer: Option<Pin<Box<Sleep>>>,
}

impl PendingRefusal {
    fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, sent: 0, discarded: 0, discard_timer: None }
    }
}

impl ClientSocket {
    pub(crate) fn new(transport: ClientTransport) -> Self {
        Self { transport, refusal: None, begins_with_tls: None }
    }

    /// A socket that is sent these bytes when it is shut down, and nothing else.
    pub(crate) fn refused(transport: ClientTransport, bytes: Vec<u8>) -> Self {
        Self { refusal: Some(PendingRefusal::new(bytes)), ..Self::new(transport) }
    }

    /// If the bytes are hyper's refusal: replaces it by one with an error body, and returns true.
    fn intercept_refusal(&mut self, bytes: &[u8]) -> bool {
        let Some(bytes) = hyper_errors::with_error_body(bytes) else { return false };
        if self.begins_with_tls == Some(true) && TLS_LOG.allow() {
            tracing::warn!(
                "a client began with TLS on a port without it: its base URL must begin with http://"
            );
        }
        self.refusal = Some(PendingRefusal::new(bytes));
        true
    }

    /// Sends the rest of the refusal.
    fn poll_refusal(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(refusal) = &mut self.refusal {
            let unsent = refusal.bytes.get(refusal.sent..).unwrap_or_default();
            if unsent.is_empty() {
                break;
            }
            match ready!(Pin::new(&mut self.transport).poll_write(cx, unsent))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => refusal.sent += sent,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads and drops what a client still sends after its refusal, for a while.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(refusal) = &mut self.refusal else { return Poll::Ready(()) };
        let end = || Box::pin(sleep_until(Instant::now() + DISCARD_PERIOD));
        let timer = refusal.discard_timer.get_or_insert_with(end);
        let mut buffer = [0; 4096];
        loop {
            if timer.as_mut().poll(cx).is_ready() || refusal.discarded > MAX_DISCARDED_BYTES {
                return Poll::Ready(());
            }
            let mut read = ReadBuf::new(&mut buffer);
            match ready!(Pin::new(&mut self.transport).poll_read(cx, &mut read)) {
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
        let polled = Pin::new(&mut self.transport).poll_read(cx, buffer);
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
        Pin::new(&mut self.transport).poll_write(cx, bytes)
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
        Pin::new(&mut self.transport).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_refusal(cx))?;
        Pin::new(&mut self.transport).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_refusal(cx))?;
        ready!(Pin::new(&mut self.transport).poll_shutdown(cx))?;
        self.poll_discard(cx).map(Ok)
    }
}
