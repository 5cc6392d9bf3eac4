//! The body that a streaming client gets: the reply as it comes, and keep-alives while there is none.

use bytes::Bytes;
use futures_core::Stream;
use openai_shim_core::upstream::Body;
use openai_shim_core::{Dialect, Error};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// A reply that is still awaited.
pub(crate) type Reply = Pin<Box<dyn Future<Output = http::Response<Body>> + Send>>;

/// A stream for a client, kept alive while the upstream is silent. A keep-alive never delays a deadline: those run at the
/// upstream's side.
pub(crate) struct Kept {
    state: State,
    every: Duration,
    timer: Pin<Box<Sleep>>,
    dialect: &'static dyn Dialect,
}

enum State {
    /// The reply has not begun; the client was promised a stream.
    Waiting(Reply),
    Running(Body),
    Over,
}

impl Kept {
    /// A reply that has begun.
    pub(crate) fn running(body: Body, dialect: &'static dyn Dialect, every: Duration) -> Self {
        Self { state: State::Running(body), every, timer: Box::pin(sleep(every)), dialect }
    }

    /// A reply that is still awaited. The first keep-alive leaves at once.
    pub(crate) fn waiting(reply: Reply, dialect: &'static dyn Dialect, every: Duration) -> Self {
        Self { state: State::Waiting(reply), every, timer: Box::pin(sleep(Duration::ZERO)), dialect }
    }

    /// Takes over a reply that has come: its stream, or its error as the stream's only event.
    fn begin(&mut self, reply: http::Response<Body>) -> Option<Bytes> {
        let (head, body) = reply.into_parts();
        let Some(error) = head.extensions.get::<Error>() else {
            self.state = State::Running(body);
            return None;
        };
        let mut event = Vec::new();
        self.dialect.encode_stream_error(error, &mut event);
        self.state = State::Over;
        Some(Bytes::from(event))
    }
}

impl Stream for Kept {
    type Item = Result<Bytes, openai_shim_core::UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let polled = match &mut self.state {
                State::Over => return Poll::Ready(None),
                State::Waiting(reply) => match reply.as_mut().poll(cx) {
                    Poll::Ready(reply) => match self.begin(reply) {
                        Some(event) => Poll::Ready(Some(Ok(event))),
                        None => continue,
                    },
                    Poll::Pending => Poll::Pending,
                },
                State::Running(body) => Pin::new(body).poll_next(cx),
            };
            if let Poll::Ready(item) = polled {
                let next = Instant::now() + self.every;
                self.timer.as_mut().reset(next);
                return Poll::Ready(item);
            }
            if self.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let next = Instant::now() + self.every;
            self.timer.as_mut().reset(next);
            return Poll::Ready(Some(Ok(Bytes::from_static(self.dialect.keep_alive()))));
        }
    }
}
