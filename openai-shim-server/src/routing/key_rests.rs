//! Which keys of an upstream rest, because it refused them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The shortest and the longest rest: what upstreams state is not always meant.
const REST_LIMITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3600)];

/// Until when each key of an upstream rests; `None`: it does not.
#[derive(Debug)]
pub(crate) struct KeyRests(Mutex<Vec<Option<Instant>>>);

impl KeyRests {
    pub(crate) fn new(keys: usize) -> Self {
        Self(Mutex::new(vec![None; keys]))
    }

    /// The first key that does not rest, else the one whose rest ends first.
    pub(crate) fn first_ready(&self, now: Instant) -> usize {
        let rests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = rests.iter().position(|rest| !is_resting(*rest, now));
        ready.or_else(|| (0..).zip(rests.iter()).min_by_key(|(_, rest)| **rest).map(|(i, _)| i)).unwrap_or(0)
    }

    /// Puts a key to rest; returns whether another one is ready.
    pub(crate) fn rest(&self, key: usize, wait: Duration, now: Instant) -> bool {
        let [shortest, longest] = REST_LIMITS;
        let mut rests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rest) = rests.get_mut(key) {
            *rest = Some(now + wait.clamp(shortest, longest));
        }
        rests.iter().any(|rest| !is_resting(*rest, now))
    }

    /// How many keys rest.
    pub(crate) fn resting(&self, now: Instant) -> usize {
        let rests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rests.iter().filter(|rest| is_resting(**rest, now)).count()
    }
}

fn is_resting(rest: Option<Instant>, now: Instant) -> bool {
    rest.is_some_and(|until| until > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_is_used_again_when_its_rest_is_over() {
        let (rests, start) = (KeyRests::new(2), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(rests.first_ready(start), 0);
        assert!(rests.rest(0, Duration::from_secs(20), start));
        assert_eq!((rests.first_ready(after(19)), rests.resting(after(19))), (1, 1));
        assert_eq!((rests.first_ready(after(20)), rests.resting(after(20))), (0, 0));
    }

    #[test]
    fn while_all_rest_the_one_is_used_that_rests_the_shortest() {
        let (rests, start) = (KeyRests::new(3), Instant::now());
        for (key, seconds) in [(0, 30), (1, 10)] {
            assert!(rests.rest(key, Duration::from_secs(seconds), start));
        }
        assert!(!rests.rest(2, Duration::from_secs(20), start));
        assert_eq!(rests.first_ready(start), 1);
    }

    #[test]
    fn a_rest_is_neither_nothing_nor_for_ever() {
        let (rests, start) = (KeyRests::new(2), Instant::now());
        rests.rest(0, Duration::ZERO, start);
        assert_eq!(rests.resting(start), 1);
        rests.rest(1, Duration::from_secs(1_000_000), start);
        assert_eq!(rests.resting(start + Duration::from_secs(3601)), 0);
    }
}
