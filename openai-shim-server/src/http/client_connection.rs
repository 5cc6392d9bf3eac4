//! One client's connection: until when its request may go on, and why this server ended it.

use crate::config::Timeouts;
use openai_shim_core::error::StatusError;
use openai_shim_core::{ErrorKind, UpstreamError};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// What the parts that serve one connection know of each other.
#[derive(Debug)]
pub(crate) struct Client {
    began: Instant,
    /// The number of a [`Cut`]; 0: none.
    cut: AtomicU8,
    /// When the request that is served must be over, in milliseconds since `began`; 0: never.
    deadline: AtomicU64,
}

/// Why this server ended a request before its answer was complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The client took nothing for `timeouts.write`.
    Write = 1,
    /// It was not over within `timeouts.total`.
    Total = 2,
    /// The server was told twice to stop.
    Stop = 3,
}

impl Client {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), cut: AtomicU8::new(0), deadline: AtomicU64::new(0) }
    }

    /// A request begins, which may take so long.
    pub(crate) fn begin(&self, total: Option<Duration>) {
        let deadline = total.map_or(0, |total| {
            u64::try_from((self.began.elapsed() + total).as_millis()).unwrap_or(u64::MAX).max(1)
        });
        self.deadline.store(deadline, Ordering::Relaxed);
        self.cut.store(0, Ordering::Relaxed);
    }

    /// When the request must be over.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let millis = Some(self.deadline.load(Ordering::Relaxed)).filter(|millis| *millis > 0)?;
        self.began.checked_add(Duration::from_millis(millis))
    }

    /// Says why what is served on this connection ends: before it is dropped, so that its log line knows.
    pub(crate) fn end(&self, cut: Cut) {
        self.cut.store(cut as u8, Ordering::Relaxed);
    }

    /// Why it was ended.
    pub(crate) fn cut(&self) -> Option<Cut> {
        let number = self.cut.load(Ordering::Relaxed);
        [Cut::Write, Cut::Total, Cut::Stop].into_iter().find(|cut| *cut as u8 == number)
    }
}

impl Cut {
    /// The status in logs and metrics of a request that was ended without an answer.
    pub(crate) fn status(self) -> u16 {
        match self {
            // As for a client that went away.
            Self::Write => 499,
            Self::Total => 504,
            Self::Stop => 503,
        }
    }

    /// One sentence, with the setting.
    pub(crate) fn message(self, timeouts: &Timeouts) -> String {
        let seconds = |limit: Option<Duration>| limit.unwrap_or_default().as_secs_f64();
        match self {
            Self::Write => {
                let limit = seconds(Some(timeouts.write));
                format!("The client took nothing of its answer for {limit} s (timeouts.write).")
            }
            Self::Total => {
                let limit = seconds(timeouts.total);
                format!(
                    "The answer was not complete within {limit} s (timeouts.total). Ask for less, or set \
                     timeouts.total higher."
                )
            }
            Self::Stop => String::from("This server is being stopped. Try again in a moment."),
        }
    }

    /// What the client is told.
    pub(crate) fn error(self, timeouts: &Timeouts) -> UpstreamError {
        let text = self.message(timeouts);
        match self {
            Self::Write | Self::Total => UpstreamError::timeout(text),
            Self::Stop => UpstreamError::Status(Box::new(StatusError::new(503, ErrorKind::Overloaded, text))),
        }
    }
}
