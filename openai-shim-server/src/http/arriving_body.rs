//! A client's body that is read while it arrives, within the limits of bodies that are read whole.

use crate::http::body::{BODY_TIMEOUT, arrived_too_late, broken_off, discard, too_large};
use axum::body::Body;
use bytes::Bytes;
use http_body::Body as _;
use openai_shim_core::error::ClientError;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// A body as it arrives. Only waits for the client count towards its time: an upstream may take the body slowly.
#[derive(Debug)]
pub(crate) struct ArrivingBody {
    body: Body,
    limit: usize,
    received: usize,
    time_left: Duration,
    waiting_since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    is_over: bool,
}

impl ArrivingBody {
    /// A body of at most `limit` bytes.
    pub(crate) fn new(body: Body, limit: usize) -> Self {
        Self {
            body,
            limit,
            received: 0,
            time_left: BODY_TIMEOUT,
            waiting_since: None,
            timer: None,
            is_over: false,
        }
    }

    /// The length of the whole body, if the client said it.
    pub(crate) fn length(&self) -> Option<u64> {
        Some(self.body.size_hint().exact()? + self.received as u64)
    }

    /// Whether the client said that the body is longer than its limit.
    pub(crate) fn exceeds_limit(&self) -> bool {
        self.length().is_some_and(|length| length > self.limit as u64)
    }

    /// The next bytes.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, ClientError>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next bytes; `None` at the end, and after an error.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ClientError>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let item = loop {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Pending if self.poll_timeout(cx).is_ready() => break Some(Err(arrived_too_late())),
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => break None,
                Poll::Ready(Some(Err(_))) => break Some(Err(broken_off())),
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers are skipped.
                    let Ok(bytes) = frame.into_data() else { continue };
                    self.received += bytes.len();
                    if self.received > self.limit {
                        break Some(Err(too_large(self.limit)));
                    }
                    if !bytes.is_empty() {
                        break Some(Ok(bytes));
                    }
                }
            }
        };
        if let Some(since) = self.waiting_since.take() {
            self.time_left = self.time_left.saturating_sub(since.elapsed());
        }
        self.is_over = !matches!(item, Some(Ok(_)));
        Poll::Ready(item)
    }

    fn poll_timeout(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let until = *self.waiting_since.get_or_insert_with(Instant::now) + self.time_left;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if timer.deadline() != until {
            timer.as_mut().reset(until);
        }
        timer.as_mut().poll(cx)
    }

    /// Reads and drops what the client still sends, so that it receives an early response.
    pub(crate) async fn discard(&mut self) {
        if !self.body.is_end_stream() {
            discard(std::mem::take(&mut self.body)).await;
        }
        self.is_over = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_core::Stream;
    use tokio::time::sleep;

    /// Two chunks, each after a time.
    struct Slow(u32, Pin<Box<Sleep>>);

    impl Stream for Slow {
        type Item = Result<Bytes, std::io::Error>;
        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            std::task::ready!(self.1.as_mut().poll(cx));
            self.0 += 1;
            self.1 = Box::pin(sleep(Duration::from_secs(50)));
            Poll::Ready((self.0 < 3).then(|| Ok(Bytes::from_static(b"x"))))
        }
    }

    fn body(first_after: u64) -> ArrivingBody {
        let first = Box::pin(sleep(Duration::from_secs(first_after)));
        ArrivingBody::new(Body::from_stream(Slow(0, first)), 10)
    }

    #[tokio::test(start_paused = true)]
    async fn waits_for_a_client_together_have_a_limit() {
        let mut body = body(71);
        assert!(body.next().await.is_some_and(|bytes| bytes.is_ok()));
        let started = Instant::now();
        assert!(body.next().await.is_some_and(|bytes| bytes.is_err()));
        assert_eq!(started.elapsed().as_secs(), 120 - 71);
        assert!(body.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_of_the_reader_do_not_count() {
        let mut body = body(60);
        for _ in 0..2 {
            assert!(body.next().await.is_some_and(|bytes| bytes.is_ok()));
            sleep(Duration::from_secs(1000)).await;
        }
        assert!(body.next().await.is_none());
    }
}
