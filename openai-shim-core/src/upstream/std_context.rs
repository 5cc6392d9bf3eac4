//! The time and random numbers of the standard library, for [`ShimBuilder::std_context`](super::ShimBuilder::std_context): the one place
//! of this crate that has them, behind the feature `std-context`.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use super::clock::Entropy;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time since 1970.
pub(super) fn unix_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A counter, hashed with random keys of this process.
#[derive(Debug, Default)]
pub(super) struct RandomSeeds {
    keys: RandomState,
    count: AtomicU64,
}

impl Entropy for RandomSeeds {
    fn seed(&self) -> u64 {
        let mut hasher = self.keys.build_hasher();
        hasher.write_u64(self.count.fetch_add(1, Ordering::Relaxed));
        hasher.finish()
    }
}
