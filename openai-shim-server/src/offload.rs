//! Work on large bodies, done on threads of its own instead of those that serve connections. It waits for its turn, and does
//! not begin when its caller has gone away.

use std::sync::Arc;
use tokio::sync::Semaphore;

/// Work on bodies from this size on is offloaded: smaller ones take a few milliseconds, and handing them over costs more
/// than it saves.
pub(crate) const LARGE_BODY_BYTES: usize = 256 << 10;
/// Work on bodies from this size on takes so long that it has turns of its own: smaller ones do not wait for it.
const HUGE_BODY_BYTES: usize = 4 << 20;

/// Limits how much offloaded work runs at one time.
#[derive(Debug)]
pub(crate) struct OffloadPool {
    large: Arc<Semaphore>,
    huge: Arc<Semaphore>,
}

impl OffloadPool {
    /// Huge bodies leave one core to everything else, where there are several.
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            large: Arc::new(Semaphore::new(cores)),
            huge: Arc::new(Semaphore::new(cores.saturating_sub(1).max(1))),
        }
    }

    /// Runs work on a body of so many bytes: at once if that is small, else on a blocking thread when a permit is free. Work
    /// that has begun runs to its end even when this future is dropped.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        if bytes < LARGE_BODY_BYTES {
            return work();
        }
        let permits = if bytes < HUGE_BODY_BYTES { &self.large } else { &self.huge };
        let permit = permits.clone().acquire_owned().await;
        let task = tokio::task::spawn_blocking(move || {
            let output = work();
            drop(permit);
            output
        });
        match task.await {
            Ok(output) => output,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is shutting down: no response is sent any more.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::thread;

    #[tokio::test]
    async fn small_bodies_are_worked_on_in_place_and_large_ones_on_another_thread() {
        let pool = OffloadPool::new();
        let current = thread::current().id();
        assert_eq!(pool.run(LARGE_BODY_BYTES - 1, || thread::current().id()).await, current);
        assert_ne!(pool.run(LARGE_BODY_BYTES, || thread::current().id()).await, current);
    }

    #[tokio::test]
    async fn abandoned_work_does_not_begin_and_huge_bodies_do_not_delay_large_ones() {
        let pool = Arc::new(OffloadPool::new());
        let started = Arc::new(AtomicUsize::new(0));
        let permits = pool.huge.available_permits();
        let mut end_signals = Vec::new();
        let mut waiting = Vec::new();
        for _ in 0..permits + 3 {
            let (end, wait_for_end) = mpsc::channel::<()>();
            let (pool, started) = (pool.clone(), started.clone());
            end_signals.push(end);
            waiting.push(tokio::spawn(async move {
                pool.run(HUGE_BODY_BYTES, move || {
                    started.fetch_add(1, Ordering::SeqCst);
                    let _ = wait_for_end.recv();
                })
                .await;
            }));
        }
        while started.load(Ordering::SeqCst) < permits {
            tokio::task::yield_now().await;
        }
        // Large bodies do not wait for huge ones.
        pool.run(LARGE_BODY_BYTES, || ()).await;
        for task in waiting.drain(permits..) {
            task.abort();
        }
        drop(end_signals);
        for task in waiting {
            task.await.unwrap();
        }
        pool.run(HUGE_BODY_BYTES, || ()).await;
        assert_eq!(started.load(Ordering::SeqCst), permits);
    }

    #[tokio::test]
    async fn a_panic_in_offloaded_work_is_a_panic_of_its_caller() {
        let pool = Arc::new(OffloadPool::new());
        let same_pool = pool.clone();
        let failed =
            tokio::spawn(async move { same_pool.run(HUGE_BODY_BYTES, || panic!("on purpose")).await });
        assert!(failed.await.unwrap_err().is_panic());
        // Its permit is free again.
        pool.run(HUGE_BODY_BYTES, || ()).await;
    }
}
