//! Limits how many requests run at the same time (`limits.concurrent`), under a limit that a reload may change.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How many requests run.
#[derive(Debug, Default)]
pub(crate) struct RequestPermits {
    running: AtomicUsize,
    closed: AtomicBool,
}

/// The right of one request to run; dropping this ends it.
#[derive(Debug)]
pub(crate) struct RequestPermit(Arc<RequestPermits>);

impl RequestPermits {
    /// A permit, unless `limit` requests run already or the server shuts down.
    pub(crate) fn try_acquire(self: &Arc<Self>, limit: usize) -> Option<RequestPermit> {
        if self.is_closed() {
            return None;
        }
        let next = |running| (running < limit).then_some(running + 1);
        let acquired = self.running.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        acquired.is_ok().then(|| RequestPermit(self.clone()))
    }

    /// Gives out no further permit.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Whether no further permit is given out.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}

impl Drop for RequestPermit {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_are_given_out_up_to_the_limit_of_the_moment() {
        let permits = Arc::<RequestPermits>::default();
        let (first, second) = (permits.try_acquire(2), permits.try_acquire(2));
        assert!(first.is_some() && second.is_some() && permits.try_acquire(2).is_none());
        assert!(permits.try_acquire(3).is_some(), "a higher limit has room");
        drop(first);
        assert!(permits.try_acquire(1).is_none(), "a lower limit waits for those that run");
        drop(second);
        assert!(permits.try_acquire(1).is_some());
        permits.close();
        assert!(permits.try_acquire(1).is_none());
    }
}
