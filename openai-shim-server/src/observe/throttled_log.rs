//! Things that may happen a thousand times a second and are said once in a while.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long the same thing is not said again.
const PERIOD: Duration = Duration::from_secs(10);

/// Whether something may be said again.
#[derive(Debug)]
pub(crate) struct Seldom(AtomicU64);

impl Seldom {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// True once in each period.
    pub(crate) fn now(&self) -> bool {
        // Zero means never.
        let now = u64::try_from(crate::upstream::clock().as_millis()).unwrap_or(u64::MAX).max(1);
        let last = self.0.load(Ordering::Relaxed);
        let due = last == 0 || u128::from(now.saturating_sub(last)) >= PERIOD.as_millis();
        due && self.0.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_time_once_in_a_period() {
        let seldom = Seldom::new();
        assert!(seldom.now());
        assert!(!seldom.now() && !seldom.now());
    }
}
