//! A connected socket, plain or with TLS: polled reads and writes, and checks whether it is still open.

use socket2::SockRef;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A connected socket.
pub(super) struct Socket(SocketKind);

enum SocketKind {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Socket {
    pub(super) fn plain(stream: TcpStream) -> Self {
        Self(SocketKind::Plain(stream))
    }

    pub(super) fn tls(stream: TlsStream<TcpStream>) -> Self {
        Self(SocketKind::Tls(Box::new(stream)))
    }

    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        let polled = match &mut self.0 {
            SocketKind::Plain(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
            SocketKind::Tls(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
        };
        polled.map_ok(|()| buffer.filled().len())
    }

    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, parts: [&[u8]; 2]) -> Poll<io::Result<usize>> {
        let slices = parts.map(IoSlice::new);
        // A single part needs no vectored write.
        match (&mut self.0, parts) {
            (SocketKind::Plain(stream), [one, []] | [[], one]) => Pin::new(stream).poll_write(cx, one),
            (SocketKind::Plain(stream), _) => Pin::new(stream).poll_write_vectored(cx, &slices),
            (SocketKind::Tls(stream), [one, []] | [[], one]) => Pin::new(stream).poll_write(cx, one),
            (SocketKind::Tls(stream), _) => Pin::new(stream).poll_write_vectored(cx, &slices),
        }
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            SocketKind::Plain(stream) => Pin::new(stream).poll_flush(cx),
            SocketKind::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    /// Whether nothing is readable, not even a close, as far as the runtime knows: required of an idle connection. Makes no
    /// system call.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.poll_read(&mut Context::from_waker(Waker::noop()), &mut [0]).is_pending()
    }

    /// Like [`is_quiet`](Self::is_quiet), but asks the system: a request sent on a connection that the peer is closing may or
    /// may not have been received.
    pub(super) fn is_open(&mut self) -> bool {
        if !self.is_quiet() {
            return false;
        }
        let stream = match &self.0 {
            SocketKind::Plain(stream) => stream,
            SocketKind::Tls(stream) => stream.get_ref().0,
        };
        let peeked = SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]);
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Whether writes go through TLS records: part of a record may have been sent when a write fails.
    pub(super) fn is_tls(&self) -> bool {
        matches!(self.0, SocketKind::Tls(_))
    }
}
