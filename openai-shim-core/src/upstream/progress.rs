//! How far an answer is, for transports that limit how long they wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How far an answer is. A [`Shim`](super::Shim) puts it among the extensions of each request that it sends: only the
/// translation can tell an event that means something from a comment or an empty delta.
#[derive(Debug, Clone)]
pub struct Progress(Arc<State>);

#[derive(Debug)]
struct State {
    streams: bool,
    begun: AtomicBool,
}

impl Progress {
    /// Nothing has come yet. `streams`: the answer is passed on event by event.
    pub fn new(streams: bool) -> Self {
        Self(Arc::new(State { streams, begun: AtomicBool::new(false) }))
    }

    /// Whether the answer is passed on event by event; else it counts when it is whole.
    pub fn is_stream(&self) -> bool {
        self.0.streams
    }

    /// Whether the first meaningful event has come.
    pub fn has_begun(&self) -> bool {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// The first meaningful event has come.
    pub fn begin(&self) {
        self.0.begun.store(true, Ordering::Relaxed);
    }
}
