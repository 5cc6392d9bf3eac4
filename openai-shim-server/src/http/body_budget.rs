//! The bodies of all requests together: how many bytes of them are held, and a limit on that.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many bytes of bodies may be held at one time (`limits.bodies`).
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    held: AtomicUsize,
}

/// There is no room for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

impl Budget {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, held: AtomicUsize::new(0) })
    }

    /// Room for a body of which nothing is there yet.
    pub(crate) fn open(self: &Arc<Self>) -> BudgetReservation {
        BudgetReservation { budget: self.clone(), bytes: 0 }
    }

    /// The bytes that are held, as a metric.
    pub(crate) fn render(&self) -> String {
        format!(
            "# HELP openai_shim_body_bytes Bytes of requests and whole answers that are held.\n\
             # TYPE openai_shim_body_bytes gauge\nopenai_shim_body_bytes {}\n",
            self.held.load(Ordering::Relaxed)
        )
    }

    fn take(&self, bytes: usize) -> Result<(), Full> {
        let fits = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= self.limit);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).map_or(Err(Full), |_| Ok(()))
    }
}

/// Room that one body takes, until this is dropped.
#[derive(Debug)]
pub(crate) struct BudgetReservation {
    budget: Arc<Budget>,
    bytes: usize,
}

impl BudgetReservation {
    /// Makes room for so many bytes in all; what there is stays.
    pub(crate) fn cover(&mut self, bytes: usize) -> Result<(), Full> {
        if bytes > self.bytes {
            self.budget.take(bytes - self.bytes)?;
            self.bytes = bytes;
        }
        Ok(())
    }

    /// How much room there is.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives back all but so many bytes.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        if bytes < self.bytes {
            self.budget.held.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
            self.bytes = bytes;
        }
    }

    /// The same bytes, whose room is given back when the last one who has them lets go.
    pub(crate) fn with(mut self, bytes: Bytes) -> Bytes {
        struct Owned(Bytes, #[allow(dead_code)] BudgetReservation); // held for its drop
        impl AsRef<[u8]> for Owned {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        self.shrink(bytes.len());
        Bytes::from_owner(Owned(bytes, self))
    }
}

impl Drop for BudgetReservation {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Budget {
        fn held(&self) -> usize {
            self.held.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn room_is_taken_up_to_the_limit_and_given_back() {
        let budget = Budget::new(100);
        let (mut a, mut b) = (budget.open(), budget.open());
        assert_eq!((a.cover(60), a.cover(50), b.cover(41)), (Ok(()), Ok(()), Err(Full)));
        assert_eq!((b.cover(40), budget.held()), (Ok(()), 100));
        a.shrink(10);
        assert_eq!((b.cover(usize::MAX), b.cover(90), budget.held()), (Err(Full), Ok(()), 100));
        drop(b);
        assert_eq!(budget.held(), 10);
        let bytes = a.with(Bytes::from_static(b"1234"));
        let copy = bytes.clone();
        drop(bytes);
        assert_eq!((&copy[..], budget.held()), (&b"1234"[..], 4));
        drop(copy);
        assert_eq!(budget.held(), 0);
    }
}
