//! A connection's bytes, plain or through TLS.

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
        // One part is not worth a vector.
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

    /// Nothing has come, and the peer has not closed, as far as is known: what an idle connection must be. Costs no system
    /// call.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.poll_read(&mut Context::from_waker(Waker::noop()), &mut [0]).is_pending()
    }

    /// The same at this moment, as the system says: a request that meets a close on its way may have been received.
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

    /// What is written stands in records; a part of them may have been sent when writing fails.
    pub(super) fn has_records(&self) -> bool {
        matches!(self.0, SocketKind::Tls(_))
    }
}
