//! [`Progress`]: whether the first meaningful event of a response came, for transports that limit how long they wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How far a response is. A [`Shim`](crate::Shim) puts it among the extensions of each request that it sends: only the
/// translation can tell a meaningful event from a comment or an empty delta.
///
/// ```
/// use openai_shim_core::upstream::Progress;
/// use std::time::Duration;
/// /// How long a transport waits for more bytes.
/// fn patience(request: &http::Request<bytes::Bytes>) -> Duration {
///     let has_begun = request.extensions().get::<Progress>().is_some_and(Progress::has_begun);
///     Duration::from_secs(if has_begun { 30 } else { 300 })
/// }
/// assert_eq!(patience(&http::Request::default()).as_secs(), 300);
/// ```
#[derive(Debug, Clone)]
pub struct Progress(Arc<ResponseProgress>);

#[derive(Debug)]
struct ResponseProgress {
    is_stream: bool,
    has_begun: AtomicBool,
}

impl Progress {
    /// The progress of a response of which nothing came yet. `is_stream`: it is passed on event by event.
    pub fn new(is_stream: bool) -> Self {
        Self(Arc::new(ResponseProgress { is_stream, has_begun: AtomicBool::new(false) }))
    }

    /// Whether the response is passed on event by event; else it counts when it is complete.
    pub fn is_stream(&self) -> bool {
        self.0.is_stream
    }

    /// Whether the first meaningful event came.
    pub fn has_begun(&self) -> bool {
        self.0.has_begun.load(Ordering::Relaxed)
    }

    /// Sets that the first meaningful event came.
    pub fn begin(&self) {
        self.0.has_begun.store(true, Ordering::Relaxed);
    }
}
