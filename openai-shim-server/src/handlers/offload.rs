//! Work that takes long (a large body to be read or written) is done away from the threads that serve. It waits for its
//! turn, and does not begin when nobody waits for it any more.

use std::sync::Arc;
use tokio::sync::Semaphore;

/// Bodies from this size on: smaller ones take a few milliseconds, and handing them over costs more than it saves.
pub(crate) const LONG: usize = 256 << 10;
/// From this size on a body takes so long that others of its kind wait for it, and smaller ones do not.
const GIANT: usize = 4 << 20;

/// Turns at long work.
#[derive(Debug)]
pub(crate) struct Work {
    long: Arc<Semaphore>,
    giant: Arc<Semaphore>,
}

impl Work {
    /// Giant bodies leave one core to everything else, where there are several.
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            long: Arc::new(Semaphore::new(cores)),
            giant: Arc::new(Semaphore::new(cores.saturating_sub(1).max(1))),
        }
    }

    /// Does work on so many bytes: at once if it is short, else on a thread of its own when its turn has come. Work that
    /// has begun goes on to its end also when this is dropped.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        if bytes < LONG {
            return work();
        }
        let turns = if bytes < GIANT { &self.long } else { &self.giant };
        let turn = turns.clone().acquire_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        match done.await {
            Ok(done) => done,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The server is stopping: nobody is answered any more.
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
    async fn short_work_is_done_where_it_is_and_long_work_elsewhere() {
        let work = Work::new();
        let here = thread::current().id();
        assert_eq!(work.run(LONG - 1, || thread::current().id()).await, here);
        assert_ne!(work.run(LONG, || thread::current().id()).await, here);
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_does_not_begin_and_giants_do_not_hold_up_the_rest() {
        let work = Arc::new(Work::new());
        let begun = Arc::new(AtomicUsize::new(0));
        let places = work.giant.available_permits();
        let mut ends = Vec::new();
        let mut waiting = Vec::new();
        for _ in 0..places + 3 {
            let (end, ended) = mpsc::channel::<()>();
            let (work, begun) = (work.clone(), begun.clone());
            ends.push(end);
            waiting.push(tokio::spawn(async move {
                work.run(GIANT, move || {
                    begun.fetch_add(1, Ordering::SeqCst);
                    let _ = ended.recv();
                })
                .await;
            }));
        }
        while begun.load(Ordering::SeqCst) < places {
            tokio::task::yield_now().await;
        }
        // Others are not held up.
        work.run(LONG, || ()).await;
        for waits in waiting.drain(places..) {
            waits.abort();
        }
        drop(ends);
        for done in waiting {
            done.await.unwrap();
        }
        work.run(GIANT, || ()).await;
        assert_eq!(begun.load(Ordering::SeqCst), places);
    }

    #[tokio::test]
    async fn a_fault_in_long_work_is_the_fault_of_whoever_waits() {
        let work = Arc::new(Work::new());
        let other = work.clone();
        let failed = tokio::spawn(async move { other.run(GIANT, || panic!("on purpose")).await });
        assert!(failed.await.unwrap_err().is_panic());
        // Its turn is over all the same.
        work.run(GIANT, || ()).await;
    }
}
