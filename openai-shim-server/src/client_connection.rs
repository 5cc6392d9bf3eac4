//! The state of one client's connection: the deadline of its current request, and why this server cut it off.

use crate::config::Timeouts;
use openai_shim_core::error::StatusError;
use openai_shim_core::{ErrorKind, UpstreamError};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// State that socket, deadline and access log of one connection share.
#[derive(Debug)]
pub(crate) struct ClientConnection {
    opened: Instant,
    /// The number of a [`CutReason`]; 0: none.
    cut_reason: AtomicU8,
    /// The deadline of the current request, in milliseconds since `opened`; 0: none.
    deadline: AtomicU64,
}

/// Why this server ended a request before its response was complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CutReason {
    /// The client read nothing for `timeouts.write`.
    WriteTimeout = 1,
    /// The request was not complete within `timeouts.total`.
    TotalTimeout = 2,
    /// The server received a second signal to stop.
    Shutdown = 3,
}

impl ClientConnection {
    pub(crate) fn new() -> Self {
        Self { opened: Instant::now(), cut_reason: AtomicU8::new(0), deadline: AtomicU64::new(0) }
    }

    /// Starts a request: sets its deadline and clears the previous request's cut reason.
    pub(crate) fn start_request(&self, total: Option<Duration>) {
        let deadline = total.map_or(0, |total| {
            u64::try_from((self.opened.elapsed() + total).as_millis()).unwrap_or(u64::MAX).max(1)
        });
        self.deadline.store(deadline, Ordering::Relaxed);
        self.cut_reason.store(0, Ordering::Relaxed);
    }

    /// The deadline of the current request.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let millis = Some(self.deadline.load(Ordering::Relaxed)).filter(|millis| *millis > 0)?;
        self.opened.checked_add(Duration::from_millis(millis))
    }

    /// Records why the request is cut off. Must be called before the response is dropped: dropping it writes the log line.
    pub(crate) fn set_cut_reason(&self, reason: CutReason) {
        self.cut_reason.store(reason as u8, Ordering::Relaxed);
    }

    /// Why the current request was cut off; `None` if it was not.
    pub(crate) fn cut_reason(&self) -> Option<CutReason> {
        let number = self.cut_reason.load(Ordering::Relaxed);
        [CutReason::WriteTimeout, CutReason::TotalTimeout, CutReason::Shutdown]
            .into_iter()
            .find(|reason| *reason as u8 == number)
    }
}

impl CutReason {
    /// The status that logs and metrics show for a request that was cut off before it had a response.
    pub(crate) fn status(self) -> u16 {
        match self {
            // The same as for a client that disconnected.
            Self::WriteTimeout => 499,
            Self::TotalTimeout => 504,
            Self::Shutdown => 503,
        }
    }

    /// One sentence that names the setting.
    pub(crate) fn message(self, timeouts: &Timeouts) -> String {
        let seconds = |limit: Option<Duration>| limit.unwrap_or_default().as_secs_f64();
        match self {
            Self::WriteTimeout => {
                let limit = seconds(Some(timeouts.write));
                format!("The client took nothing of its answer for {limit} s (timeouts.write).")
            }
            Self::TotalTimeout => {
                let limit = seconds(timeouts.total);
                format!(
                    "The answer was not complete within {limit} s (timeouts.total). Ask for less, or set \
                     timeouts.total higher."
                )
            }
            Self::Shutdown => String::from("This server is being stopped. Try again in a moment."),
        }
    }

    /// The error that the client gets.
    pub(crate) fn error(self, timeouts: &Timeouts) -> UpstreamError {
        let text = self.message(timeouts);
        match self {
            Self::WriteTimeout | Self::TotalTimeout => UpstreamError::timeout(text),
            Self::Shutdown => {
                UpstreamError::Status(Box::new(StatusError::new(503, ErrorKind::Overloaded, text)))
            }
        }
    }
}
