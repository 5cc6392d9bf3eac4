//! How long an answer may keep somebody waiting.

use super::peer::{Peer, Wait};
use openai_shim_core::UpstreamError;
use openai_shim_core::upstream::Progress;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::time::{Instant, Sleep, sleep_until};

/// The limits of one call, from when its request was sent.
///
/// Until the first event that means something, and for a whole answer, one limit holds from the beginning of the call: no
/// comment prolongs it. After that each silence has a limit, and only while somebody waits: a client that is slow to read
/// does not make its upstream silent.
pub(super) struct IdleTimeout {
    pub(super) peer: Arc<Peer>,
    progress: Option<Progress>,
    began: Instant,
    /// When the silence that lasts is too long; `None` while nobody waits.
    until: Option<Instant>,
    /// Set no later than what it is for, and moved only when it has gone off: an answer of many events sets it twice.
    timer: Option<Pin<Box<Sleep>>>,
}

impl IdleTimeout {
    /// A call that begins now. What knows of no progress is passed on as it comes.
    pub(super) fn new(peer: Arc<Peer>, progress: Option<Progress>) -> Self {
        Self { peer, progress, began: Instant::now(), until: None, timer: None }
    }

    /// What holds from the beginning of the call, if it still does.
    fn fixed_limit(&self) -> Option<(Instant, Wait)> {
        let wait = match self.progress.as_ref()? {
            progress if !progress.is_stream() => Wait::Whole,
            progress if !progress.has_begun() => Wait::FirstByte,
            _ => return None,
        };
        Some((self.began + self.peer.limit(wait), wait))
    }

    /// Something has come; an error if that was too late.
    pub(super) fn broken(&mut self) -> Option<UpstreamError> {
        self.until = None;
        let (until, wait) = self.fixed_limit()?;
        (Instant::now() >= until).then(|| self.peer.late(wait))
    }

    /// Waits; ready when that took too long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<UpstreamError> {
        let now = Instant::now();
        let (until, wait) = self.fixed_limit().unwrap_or_else(|| {
            let until = self.until.get_or_insert_with(|| now + self.peer.limit(Wait::Idle));
            (*until, Wait::Idle)
        });
        // A timer alone might not be asked: a task that has done much is put off by it.
        if now < until {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
            if timer.deadline() > until {
                timer.as_mut().reset(until);
            }
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() < until {
                timer.as_mut().reset(until);
                ready!(timer.as_mut().poll(cx));
            }
        }
        Poll::Ready(self.peer.late(wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Overrides, Timeouts, read};
    use std::future::poll_fn;
    use std::time::Duration;
    use tokio::time::sleep;

    fn silence(progress: Option<&Progress>) -> IdleTimeout {
        let config = read(&Overrides { upstream: Some("http://h".into()), ..Overrides::default() }).unwrap();
        let peer = Peer::new("http://h", &config.upstreams[0], Timeouts::default());
        IdleTimeout::new(Arc::new(peer), progress.cloned())
    }

    /// After how many seconds an answer ends of which something comes every `every` seconds, and what is said then.
    async fn ended(progress: Option<&Progress>, every: u64) -> (u64, String) {
        let (mut silence, began) = (silence(progress), Instant::now());
        let error = loop {
            let waited = tokio::select! {
                biased;
                error = poll_fn(|cx| silence.poll(cx)) => break error,
                () = sleep(Duration::from_secs(every)) => silence.broken(),
            };
            if let Some(error) = waited {
                break error;
            }
        };
        (began.elapsed().as_secs(), error.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn until_the_first_event_the_whole_of_first_byte_is_left_and_comments_do_not_prolong_it() {
        for every in [7, 50, 1000] {
            let (after, said) = ended(Some(&Progress::new(true)), every).await;
            assert_eq!(after, 120, "with something every {every} s");
            assert!(said.contains("timeouts.first_byte"), "{said}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_first_event_each_silence_is_measured() {
        let progress = Progress::new(true);
        let mut silence = silence(Some(&progress));
        assert!(poll_fn(|cx| Poll::Ready(silence.poll(cx))).await.is_pending());
        sleep(Duration::from_secs(110)).await;
        progress.begin();
        assert!(silence.broken().is_none());
        for _ in 0..5 {
            let waited = tokio::time::timeout(Duration::from_secs(59), poll_fn(|cx| silence.poll(cx))).await;
            assert!(waited.is_err() && silence.broken().is_none());
        }
        let began = Instant::now();
        let said = poll_fn(|cx| silence.poll(cx)).await.to_string();
        assert_eq!(began.elapsed().as_secs(), 60);
        assert!(said.contains("timeouts.idle"), "{said}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_whole_answer_has_its_own_limit_however_it_comes() {
        for every in [7, 50, 1000] {
            let (after, said) = ended(Some(&Progress::new(false)), every).await;
            assert_eq!(after, 600, "with something every {every} s");
            assert!(said.contains("timeouts.whole"), "{said}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_passed_on_as_it_comes_must_not_fall_silent() {
        let (after, said) = ended(None, 1000).await;
        assert!(after == 60 && said.contains("timeouts.idle"), "{after}: {said}");
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_reads_is_no_silence_of_the_upstream() {
        let mut silence = silence(None);
        for _ in 0..3 {
            assert!(poll_fn(|cx| Poll::Ready(silence.poll(cx))).await.is_pending());
            assert!(silence.broken().is_none());
            sleep(Duration::from_secs(600)).await;
        }
    }
}
