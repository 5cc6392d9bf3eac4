//! Throttles log lines whose cause may occur a thousand times a second: each is written once per period.

use crate::clock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long the same line is not repeated.
const PERIOD: Duration = Duration::from_secs(10);

/// When a line was last written, in milliseconds of [`clock::monotonic`]; 0: never.
#[derive(Debug)]
pub(crate) struct LogThrottle(AtomicU64);

impl LogThrottle {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Whether the line may be written now; true once per period.
    pub(crate) fn allow(&self) -> bool {
        let now = u64::try_from(clock::monotonic().as_millis()).unwrap_or(u64::MAX).max(1);
        let last = self.0.load(Ordering::Relaxed);
        let due = last == 0 || u128::from(now.saturating_sub(last)) >= PERIOD.as_millis();
        due && self.0.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_allowed_once_per_period() {
        let throttle = LogThrottle::new();
        assert!(throttle.allow());
        assert!(!throttle.allow() && !throttle.allow());
    }
}
