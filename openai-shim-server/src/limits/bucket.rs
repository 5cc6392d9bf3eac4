//! A bucket that holds what may be used in a minute, and refills evenly (GCRA): amounts and times in, waits and remainders out.
//!
//! All times are nanoseconds on one clock. The state is a time and no amount: another limit applies to it at once.

/// A minute, in which an empty bucket becomes full.
pub(super) const MINUTE: u64 = 60_000_000_000;

/// The state of a bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Bucket {
    /// When the bucket is full, if nothing more is taken.
    full_at: u64,
}

/// How long an amount takes to refill.
fn refill_time(amount: u64, limit: u64) -> u64 {
    let nanos = u128::from(amount) * u128::from(MINUTE) / u128::from(limit.max(1));
    u64::try_from(nanos).unwrap_or(u64::MAX)
}

impl Bucket {
    /// How long until the bucket is full. More than a minute: more was taken than it had.
    pub(super) fn until_full(self, now: u64) -> u64 {
        self.full_at.saturating_sub(now)
    }

    /// How long until this amount can be taken; 0: now.
    pub(super) fn wait(self, amount: u64, limit: u64, now: u64) -> u64 {
        self.until_full(now).saturating_add(refill_time(amount, limit)).saturating_sub(MINUTE)
    }

    /// Takes an amount, which may be more than there is.
    pub(super) fn take(&mut self, amount: u64, limit: u64, now: u64) {
        self.full_at = self.full_at.max(now).saturating_add(refill_time(amount, limit));
    }

    /// What can be taken now.
    pub(super) fn remaining(self, limit: u64, now: u64) -> u64 {
        let filled = MINUTE.saturating_sub(self.until_full(now));
        u64::try_from(u128::from(filled) * u128::from(limit) / u128::from(MINUTE)).unwrap_or(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_bucket_has_a_minutes_worth_and_refills_evenly() {
        for limit in [1, 7, 60, 999, 200_000, 1_000_000_000] {
            let (mut bucket, now) = (Bucket::default(), 5 * MINUTE);
            assert_eq!(bucket.remaining(limit, now), limit);
            bucket.take(limit, limit, now);
            assert_eq!(bucket.remaining(limit, now), 0, "{limit}");
            let wait = bucket.wait(1, limit, now);
            assert!((1..=MINUTE / limit).contains(&wait), "{limit}: {wait}");
            assert_eq!(bucket.wait(1, limit, now + wait), 0);
            assert_eq!(bucket.remaining(limit, now + MINUTE / 2), limit / 2);
            assert_eq!(bucket.until_full(now + MINUTE), 0);
        }
    }

    #[test]
    fn single_requests_take_exactly_the_limit() {
        for limit in [1, 7, 60, 999] {
            let (mut bucket, mut taken) = (Bucket::default(), 0);
            while bucket.wait(1, limit, 0) == 0 {
                bucket.take(1, limit, 0);
                taken += 1;
            }
            assert_eq!(taken, limit);
        }
    }

    #[test]
    fn debt_is_paid_before_more_is_taken() {
        let mut bucket = Bucket::default();
        bucket.take(3000, 1000, 0);
        assert_eq!((bucket.remaining(1000, 0), bucket.until_full(0)), (0, 3 * MINUTE));
        assert!(bucket.wait(1, 1000, 2 * MINUTE) > 0);
        assert_eq!(bucket.remaining(1000, 2 * MINUTE + MINUTE / 2), 500);
    }

    #[test]
    fn another_limit_applies_to_the_same_share_of_the_minute() {
        let mut bucket = Bucket::default();
        bucket.take(30, 60, 0);
        assert_eq!(bucket.remaining(600, 0), 300);
    }
}
