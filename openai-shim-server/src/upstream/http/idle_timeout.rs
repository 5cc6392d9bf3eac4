//! Limits how long a response may take: until its first event, between two reads, and as a whole.

use super::peer::{Peer, WaitKind};
use openai_shim_core::UpstreamError;
use openai_shim_core::upstream::Progress;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::time::{Instant, Sleep, sleep_until};

/// The time limits of one call, from when its request was sent.
///
/// Until the first meaningful event of a stream (`timeouts.first_byte`), and for a non-streaming response
/// (`timeouts.whole`), one limit runs from the beginning of the call; comments do not extend it. After that each wait for
/// the next bytes has a limit (`timeouts.idle`), which runs only while the body is polled: a client that reads slowly does
/// not count against the upstream.
pub(crate) struct IdleTimeout {
    pub(crate) peer: Arc<Peer>,
    progress: Option<Progress>,
    started: Instant,
    /// The end of the current wait for bytes; `None` while nothing waits.
    idle_deadline: Option<Instant>,
    /// Set no later than the deadline, and reset only after it fired: a response of many events sets it twice.
    timer: Option<Pin<Box<Sleep>>>,
}

impl IdleTimeout {
    /// A call that begins now. Without `progress` only the idle limit applies: the body is forwarded as it arrives.
    pub(crate) fn new(peer: Arc<Peer>, progress: Option<Progress>) -> Self {
        Self { peer, progress, started: Instant::now(), idle_deadline: None, timer: None }
    }

    /// The deadline that runs from the beginning of the call, if one still applies.
    fn call_deadline(&self) -> Option<(Instant, WaitKind)> {
        let wait = match self.progress.as_ref()? {
            progress if !progress.is_stream() => WaitKind::Whole,
            progress if !progress.has_begun() => WaitKind::FirstByte,
            _ => return None,
        };
        Some((self.started + self.peer.limit(wait), wait))
    }

    /// Records that bytes arrived; returns the error if they arrived too late.
    pub(crate) fn record_progress(&mut self) -> Option<UpstreamError> {
        self.idle_deadline = None;
        let (deadline, wait) = self.call_deadline()?;
        (Instant::now() >= deadline).then(|| self.peer.timed_out(wait))
    }

    /// Waits for the deadline; ready when it has passed.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<UpstreamError> {
        let now = Instant::now();
        let (deadline, wait) = self.call_deadline().unwrap_or_else(|| {
            let deadline = self.idle_deadline.get_or_insert_with(|| now + self.peer.limit(WaitKind::Idle));
            (*deadline, WaitKind::Idle)
        });
        // The clock is checked besides the timer: tokio returns pending from timers of a task that used up its budget.
        if now < deadline {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            if timer.deadline() > deadline {
                timer.as_mut().reset(deadline);
            }
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() < deadline {
                timer.as_mut().reset(deadline);
                ready!(timer.as_mut().poll(cx));
            }
        }
        Poll::Ready(self.peer.timed_out(wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Overrides, Timeouts, read};
    use std::future::poll_fn;
    use std::time::Duration;
    use tokio::time::sleep;

    fn idle_timeout(progress: Option<&Progress>) -> IdleTimeout {
        let config = read(&Overrides { upstream: Some("http://h".into()), ..Overrides::default() }).unwrap();
        let peer = Peer::new("http://h", &config.upstreams[0], Timeouts::default());
        IdleTimeout::new(Arc::new(peer), progress.cloned())
    }

    /// The seconds until a response times out that sends bytes every `every` seconds, and the error's text.
    async fn time_out(progress: Option<&Progress>, every: u64) -> (u64, String) {
        let (mut limits, started) = (idle_timeout(progress), Instant::now());
        let error = loop {
            let waited = tokio::select! {
                biased;
                error = poll_fn(|cx| limits.poll(cx)) => break error,
                () = sleep(Duration::from_secs(every)) => limits.record_progress(),
            };
            if let Some(error) = waited {
                break error;
            }
        };
        (started.elapsed().as_secs(), error.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn comments_do_not_extend_the_first_byte_limit() {
        for every in [7, 50, 1000] {
            let (after, message) = time_out(Some(&Progress::new(true)), every).await;
            assert_eq!(after, 120, "with something every {every} s");
            assert!(message.contains("timeouts.first_byte"), "{message}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_first_event_the_idle_limit_applies_to_each_wait() {
        let progress = Progress::new(true);
        let mut limits = idle_timeout(Some(&progress));
        assert!(poll_fn(|cx| Poll::Ready(limits.poll(cx))).await.is_pending());
        sleep(Duration::from_secs(110)).await;
        progress.begin();
        assert!(limits.record_progress().is_none());
        for _ in 0..5 {
            let waited = tokio::time::timeout(Duration::from_secs(59), poll_fn(|cx| limits.poll(cx))).await;
            assert!(waited.is_err() && limits.record_progress().is_none());
        }
        let started = Instant::now();
        let message = poll_fn(|cx| limits.poll(cx)).await.to_string();
        assert_eq!(started.elapsed().as_secs(), 60);
        assert!(message.contains("timeouts.idle"), "{message}");
    }

    #[tokio::test(start_paused = true)]
    async fn non_streaming_response_has_its_own_limit() {
        for every in [7, 50, 1000] {
            let (after, message) = time_out(Some(&Progress::new(false)), every).await;
            assert_eq!(after, 600, "with something every {every} s");
            assert!(message.contains("timeouts.whole"), "{message}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn forwarded_response_has_the_idle_limit_only() {
        let (after, message) = time_out(None, 1000).await;
        assert!(after == 60 && message.contains("timeouts.idle"), "{after}: {message}");
    }

    #[tokio::test(start_paused = true)]
    async fn pause_of_the_reader_is_not_upstream_idle_time() {
        let mut limits = idle_timeout(None);
        for _ in 0..3 {
            assert!(poll_fn(|cx| Poll::Ready(limits.poll(cx))).await.is_pending());
            assert!(limits.record_progress().is_none());
            sleep(Duration::from_secs(600)).await;
        }
    }
}
