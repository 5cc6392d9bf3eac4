//! A client's socket: one that takes nothing for too long is given up, and what is no request is told so.

use crate::http::body::{LEFTOVER, LINGER};
use crate::http::client_connection::{Client, Cut};
use crate::http::hyper_errors;
use crate::observe::throttled_log::Seldom;
use socket2::SockRef;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

static TLS_SAID: Seldom = Seldom::new();

/// A client's socket. A timer is set only when a write finds no room.
#[derive(Debug)]
pub(crate) struct ClientSocket {
    stream: TcpStream,
    client: Arc<Client>,
    /// How long it may take nothing.
    limit: Duration,
    /// Since when it takes nothing.
    stalled: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    /// The last words of this connection, as far as they are not sent.
    refusal: Option<Refusal>,
    /// Something was read.
    heard: bool,
    /// What was read first begins as TLS does.
    tls: bool,
}

#[derive(Debug)]
struct Refusal {
    bytes: Vec<u8>,
    sent: usize,
    /// What was thrown away since.
    discarded: usize,
}

impl ClientSocket {
    pub(crate) fn new(stream: TcpStream, client: Arc<Client>, limit: Duration) -> Self {
        let (stalled, timer, refusal) = (None, None, None);
        Self { stream, client, limit, stalled, timer, refusal, heard: false, tls: false }
    }

    /// What came of writing: no room is an error when it lasts.
    fn written<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stalled = None;
            return polled;
        }
        let now = Instant::now();
        let stalled = *self.stalled.get_or_insert(now) + self.limit;
        // Who takes a little of an answer that must be over is not waited for much longer.
        let (until, cut) = match self.client.deadline().map(|deadline| deadline + self.limit) {
            Some(deadline) if deadline < stalled => (deadline, Cut::Total),
            _ => (stalled, Cut::Write),
        };
        if now < until {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
            if timer.deadline() > until || timer.is_elapsed() {
                timer.as_mut().reset(until);
            }
            ready!(timer.as_mut().poll(cx));
            // It was set for an earlier wait.
            if timer.deadline() < until {
                timer.as_mut().reset(until);
                ready!(timer.as_mut().poll(cx));
            }
        }
        self.client.end(cut);
        // What it did not take is not kept for it.
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        let what = match cut {
            Cut::Total => "a client that took its answer slowly was cut off (timeouts.total)",
            _ => "a client that took nothing was cut off (timeouts.write)",
        };
        tracing::warn!(client = self.stream.peer_addr().ok().map(tracing::field::display), "{what}");
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, what)))
    }

    /// Takes over hyper's refusal; true if this is one.
    fn refuses(&mut self, bytes: &[u8]) -> bool {
        let Some(bytes) = hyper_errors::with_body(bytes) else { return false };
        if self.tls && TLS_SAID.now() {
            tracing::warn!(
                "a client began with TLS, which this port has not: its base URL must begin with http://"
            );
        }
        self.refusal = Some(Refusal { bytes, sent: 0, discarded: 0 });
        true
    }

    /// Sends what is left of the refusal.
    fn poll_refusal(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(refusal) = &mut self.refusal {
            let left = refusal.bytes.get(refusal.sent..).unwrap_or_default();
            if left.is_empty() {
                break;
            }
            let polled = Pin::new(&mut self.stream).poll_write(cx, left);
            match ready!(self.written(cx, polled))? {
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

    /// Reads what a client still sends after its refusal, for a while.
    fn poll_leftover(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(refusal) = &mut self.refusal else { return Poll::Ready(()) };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + LINGER)));
        if refusal.discarded == 0 {
            timer.as_mut().reset(Instant::now() + LINGER);
            refusal.discarded = 1;
        }
        let mut buffer = [0; 4096];
        loop {
            if timer.as_mut().poll(cx).is_ready() || refusal.discarded > LEFTOVER {
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
        if !self.heard && polled.is_ready() {
            self.heard = true;
            self.tls = buffer.filled().get(before..).is_some_and(crate::upstream::http::is_tls_record);
        }
        polled
    }
}

impl AsyncWrite for ClientSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.refusal.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if self.refuses(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, polled)
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
        self.written(cx, polled)
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
        self.poll_leftover(cx).map(Ok)
    }
}
