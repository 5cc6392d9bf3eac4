//! The body of a streaming response: the exchange's bytes as they arrive, and keep-alives while the upstream is silent.

use crate::client_connection::CutReason;
use crate::handlers::response_collector::ResponseStart;
use crate::http::deadline::RequestDeadline;
use crate::observe::access_log::ResponseTiming;
use crate::panics;
use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use openai_shim_core::upstream::ResponseBody;
use openai_shim_core::{Dialect, Error, UpstreamError};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// A stream for a client, with keep-alives while the upstream is silent. Keep-alives do not extend any timeout: those are
/// measured at the upstream's connection.
pub(crate) struct KeepAliveBody {
    phase: BodyPhase,
    /// The time from the last bytes to a keep-alive.
    interval: Duration,
    /// When the next keep-alive is due.
    due: Instant,
    /// Set no later than `due`, and reset only after it fired: not for each event.
    timer: Pin<Box<Sleep>>,
    dialect: Dialect,
    deadline: RequestDeadline,
    next_write: Option<NextWrite>,
}

enum BodyPhase {
    /// An early response: the client has status 200 and keep-alives, the exchange has no response yet.
    Waiting {
        response: ResponseStart,
        timing: ResponseTiming,
    },
    Streaming(ResponseBody),
    /// The error was sent, and the connection breaks behind it: not before the bytes are written.
    Breaking {
        error: UpstreamError,
        pause: Pin<Box<Sleep>>,
    },
    Ended,
}

/// The time between two network writes that a client must see as two.
const WRITE_PAUSE: Duration = Duration::from_millis(20);

/// The time between an error and the break of the connection behind it. aiohttp, which Open WebUI uses, drops what its reader has
/// not taken when the connection breaks.
const BREAK_PAUSE: Duration = Duration::from_millis(250);

/// Bytes that wait until those before them are written.
struct NextWrite {
    bytes: Bytes,
    pause: Pin<Box<Sleep>>,
}

impl KeepAliveBody {
    /// The body of a response that has begun.
    pub(crate) fn streaming(
        body: ResponseBody,
        dialect: Dialect,
        interval: Duration,
        deadline: RequestDeadline,
    ) -> Self {
        Self::new(BodyPhase::Streaming(body), dialect, interval, Instant::now() + interval, deadline)
    }

    /// The body of an early response. The first keep-alive is sent at once.
    pub(crate) fn waiting(
        response: ResponseStart,
        timing: ResponseTiming,
        dialect: Dialect,
        interval: Duration,
        deadline: RequestDeadline,
    ) -> Self {
        Self::new(BodyPhase::Waiting { response, timing }, dialect, interval, Instant::now(), deadline)
    }

    fn new(
        phase: BodyPhase,
        dialect: Dialect,
        interval: Duration,
        due: Instant,
        deadline: RequestDeadline,
    ) -> Self {
        let timer = Box::pin(sleep_until(due));
        Self { phase, interval, due, timer, dialect, deadline, next_write: None }
    }

    /// Waits until a keep-alive is due.
    fn poll_keep_alive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.timer.as_mut().poll(cx));
        if self.timer.deadline() < self.due {
            self.timer.as_mut().reset(self.due);
            ready!(self.timer.as_mut().poll(cx));
        }
        Poll::Ready(())
    }

    /// Continues an early response with the exchange's response: its stream, or its error as the only event.
    fn begin(&mut self, response: http::Response<ResponseBody>) -> Option<Bytes> {
        let (parts, body) = response.into_parts();
        let Some(error) = parts.extensions.get::<Error>() else {
            self.phase = BodyPhase::Streaming(body);
            return None;
        };
        Some(self.end_with(error))
    }

    fn breaking(error: UpstreamError) -> BodyPhase {
        BodyPhase::Breaking { error, pause: Box::pin(tokio::time::sleep(BREAK_PAUSE)) }
    }

    /// Ends the stream with an error event.
    fn end_with(&mut self, error: &Error) -> Bytes {
        self.phase = match error {
            Error::Upstream(error) if self.dialect.breaks_failed_streams() => Self::breaking(error.clone()),
            _ => BodyPhase::Ended,
        };
        let mut event = Vec::new();
        self.dialect.encode_stream_error(error, &mut event);
        Bytes::from(event)
    }

    /// Cuts the response off. Returns the error event, or `None` if the exchange's stream yields it next.
    fn cut(&mut self, reason: CutReason) -> Option<Bytes> {
        let error = self.deadline.error(reason);
        if let BodyPhase::Streaming(body) = &mut self.phase {
            // The exchange closes what is open in the stream and ends it as its dialect requires.
            body.fail(error);
            return None;
        }
        Some(self.end_with(&Error::Upstream(error)))
    }

    /// Returns the bytes of the next network write, and keeps the rest for a later one.
    fn split_writes(&mut self, mut bytes: Bytes) -> Bytes {
        if let Some(end) = self.dialect.write_end(&bytes).filter(|end| *end < bytes.len()) {
            let rest = bytes.split_off(end);
            self.next_write =
                Some(NextWrite { bytes: rest, pause: Box::pin(tokio::time::sleep(WRITE_PAUSE)) });
        }
        bytes
    }

    /// Polls the response within the request's deadline.
    fn poll_within_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Option<<Self as Stream>::Item>> {
        if let Some(next) = &mut self.next_write {
            ready!(next.pause.as_mut().poll(cx));
            let bytes = std::mem::take(&mut next.bytes);
            self.next_write = None;
            return Poll::Ready(Some(Ok(self.split_writes(bytes))));
        }
        let polled = match self.poll_response(cx) {
            Poll::Ready(Some(Ok(bytes))) => Poll::Ready(Some(Ok(self.split_writes(bytes)))),
            polled => polled,
        };
        match &polled {
            Poll::Pending => match self.deadline.poll_cut(cx) {
                Poll::Pending => polled,
                Poll::Ready(reason) => match self.cut(reason) {
                    Some(event) => Poll::Ready(Some(Ok(event))),
                    None => self.poll_response(cx),
                },
            },
            Poll::Ready(Some(Ok(_))) if !matches!(self.phase, BodyPhase::Ended) => {
                if let Some(reason) = self.deadline.check() {
                    // These bytes are sent first; the error follows at the next poll.
                    self.cut(reason);
                }
                polled
            }
            Poll::Ready(_) => polled,
        }
    }

    /// Polls the response itself.
    fn poll_response(&mut self, cx: &mut Context<'_>) -> Poll<Option<<Self as Stream>::Item>> {
        loop {
            match &mut self.phase {
                BodyPhase::Ended => return Poll::Ready(None),
                BodyPhase::Breaking { error, pause } => {
                    ready!(pause.as_mut().poll(cx));
                    let error = error.clone();
                    self.phase = BodyPhase::Ended;
                    return Poll::Ready(Some(Err(error)));
                }
                BodyPhase::Waiting { response, timing } => {
                    let begun = ready!(Pin::new(&mut *response).poll(cx));
                    drop(response.take_reservation());
                    // The early response has sent this status already.
                    timing.record_head(StatusCode::OK);
                    if let Some(event) = self.begin(begun) {
                        return Poll::Ready(Some(Ok(event)));
                    }
                }
                BodyPhase::Streaming(body) => match ready!(Pin::new(body).poll_next(cx)) {
                    Some(Err(error)) => self.phase = Self::breaking(error),
                    next => return Poll::Ready(next),
                },
            }
        }
    }
}

impl Stream for KeepAliveBody {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = panics::catch(|| self.poll_within_deadline(cx))
            .unwrap_or_else(|| Poll::Ready(Some(Ok(self.end_with(&panics::error())))));
        if polled.is_pending() && self.poll_keep_alive(cx).is_pending() {
            return Poll::Pending;
        }
        self.due = Instant::now() + self.interval;
        if polled.is_pending() {
            return Poll::Ready(Some(Ok(Bytes::from_static(self.dialect.keep_alive()))));
        }
        polled
    }
}
