//! The body that a streaming client gets: the reply as it comes, and keep-alives while there is none.

use crate::handlers::response_collector::ResponseStart;
use crate::http::client_connection::Cut;
use crate::http::deadline::Lifetime;
use crate::http::panics;
use crate::observe::access_log::ResponseTiming;
use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use openai_shim_core::upstream::ResponseBody;
use openai_shim_core::{Dialect, Error};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// A stream for a client, kept alive while the upstream is silent. A keep-alive never delays a deadline: those run at the
/// upstream's side.
pub(crate) struct KeepAliveBody {
    state: BodyPhase,
    every: Duration,
    /// When the next keep-alive leaves, if nothing else does.
    due: Instant,
    /// Set no later than that, and moved only when it has gone off: not for each event.
    timer: Pin<Box<Sleep>>,
    dialect: &'static dyn Dialect,
    lifetime: Lifetime,
}

enum BodyPhase {
    /// The reply has not begun; the client was promised a stream.
    Waiting(ResponseStart, ResponseTiming),
    Running(ResponseBody),
    Over,
}

impl KeepAliveBody {
    /// A reply that has begun.
    pub(crate) fn running(
        body: ResponseBody,
        dialect: &'static dyn Dialect,
        every: Duration,
        lifetime: Lifetime,
    ) -> Self {
        Self::new(BodyPhase::Running(body), dialect, (every, Instant::now() + every), lifetime)
    }

    /// A reply that is still awaited. The first keep-alive leaves at once.
    pub(crate) fn waiting(
        reply: ResponseStart,
        head: ResponseTiming,
        dialect: &'static dyn Dialect,
        every: Duration,
        lifetime: Lifetime,
    ) -> Self {
        Self::new(BodyPhase::Waiting(reply, head), dialect, (every, Instant::now()), lifetime)
    }

    fn new(
        state: BodyPhase,
        dialect: &'static dyn Dialect,
        (every, due): (Duration, Instant),
        lifetime: Lifetime,
    ) -> Self {
        Self { state, every, due, timer: Box::pin(sleep_until(due)), dialect, lifetime }
    }

    /// Waits until a keep-alive is due.
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.timer.as_mut().poll(cx));
        if self.timer.deadline() < self.due {
            self.timer.as_mut().reset(self.due);
            ready!(self.timer.as_mut().poll(cx));
        }
        Poll::Ready(())
    }

    /// Takes over a reply that has come: its stream, or its error as the stream's only event.
    fn begin(&mut self, reply: http::Response<ResponseBody>) -> Option<Bytes> {
        let (parts, body) = reply.into_parts();
        let Some(error) = parts.extensions.get::<Error>() else {
            self.state = BodyPhase::Running(body);
            return None;
        };
        Some(self.end(error))
    }

    /// Nothing follows but this error.
    fn end(&mut self, error: &Error) -> Bytes {
        self.state = BodyPhase::Over;
        let mut event = Vec::new();
        self.dialect.encode_stream_error(error, &mut event);
        Bytes::from(event)
    }

    /// Ends the reply from outside; what is said of that comes next.
    fn cut(&mut self, cut: Cut) -> Option<Bytes> {
        let error = self.lifetime.error(cut);
        if let BodyPhase::Running(body) = &mut self.state {
            // The exchange knows how its stream stands, and how its dialect ends that.
            body.fail(error);
            return None;
        }
        Some(self.end(&Error::Upstream(error)))
    }

    /// What comes next of the reply, until it is ended from outside.
    fn next_or_cut(&mut self, cx: &mut Context<'_>) -> Poll<Option<<Self as Stream>::Item>> {
        let polled = self.next(cx);
        match &polled {
            Poll::Pending => match self.lifetime.poll(cx) {
                Poll::Pending => polled,
                Poll::Ready(cut) => match self.cut(cut) {
                    Some(event) => Poll::Ready(Some(Ok(event))),
                    None => self.next(cx),
                },
            },
            Poll::Ready(Some(Ok(_))) if !matches!(self.state, BodyPhase::Over) => {
                if let Some(cut) = self.lifetime.has_passed() {
                    // What has come leaves first.
                    self.cut(cut);
                }
                polled
            }
            Poll::Ready(_) => polled,
        }
    }

    /// What comes next of the reply itself.
    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<<Self as Stream>::Item>> {
        loop {
            match &mut self.state {
                BodyPhase::Over => return Poll::Ready(None),
                BodyPhase::Waiting(awaited, head) => {
                    let reply = ready!(Pin::new(&mut *awaited).poll(cx));
                    drop(awaited.take_reservation());
                    // The client has had its status for long.
                    head.summary(StatusCode::OK);
                    if let Some(event) = self.begin(reply) {
                        return Poll::Ready(Some(Ok(event)));
                    }
                }
                BodyPhase::Running(body) => return Pin::new(body).poll_next(cx),
            }
        }
    }
}

impl Stream for KeepAliveBody {
    type Item = Result<Bytes, openai_shim_core::UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = panics::polled(|| self.next_or_cut(cx))
            .unwrap_or_else(|| Poll::Ready(Some(Ok(self.end(&panics::error())))));
        if polled.is_pending() && self.poll_due(cx).is_pending() {
            return Poll::Pending;
        }
        self.due = Instant::now() + self.every;
        if polled.is_pending() {
            return Poll::Ready(Some(Ok(Bytes::from_static(self.dialect.keep_alive()))));
        }
        polled
    }
}
