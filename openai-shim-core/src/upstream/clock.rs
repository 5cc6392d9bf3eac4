//! [`Clock`] and [`Entropy`]: the time and random numbers, which a program supplies.

use std::time::Duration;

/// The time; core has no clock. A closure will do.
///
/// ```
/// use openai_shim_core::upstream::Clock;
/// use std::time::{Duration, SystemTime, UNIX_EPOCH};
/// let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
/// assert!(clock.unix_time() > Duration::from_secs(1_700_000_000));
/// ```
pub trait Clock: Send + Sync {
    /// Returns the time since 1970.
    fn unix_time(&self) -> Duration;
}

impl<F: Fn() -> Duration + Send + Sync> Clock for F {
    fn unix_time(&self) -> Duration {
        self()
    }
}

/// Random numbers, of which ids are made; core has none. A closure will do.
///
/// ```
/// use openai_shim_core::upstream::Entropy;
/// use std::hash::{BuildHasher, RandomState};
/// let entropy = || RandomState::new().hash_one(0);
/// assert_ne!(entropy.seed(), entropy.seed());
/// ```
pub trait Entropy: Send + Sync {
    /// Returns a number that no other request and no other process has.
    fn seed(&self) -> u64;
}

impl<F: Fn() -> u64 + Send + Sync> Entropy for F {
    fn seed(&self) -> u64 {
        self()
    }
}
