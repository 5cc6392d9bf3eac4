//! Limits the memory of all request and response bodies together (`limits.bodies`): a budget, and reservations from it.

use bytes::Bytes;
use openai_shim_core::error::StatusError;
use openai_shim_core::{ErrorKind, UpstreamError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How many bytes of bodies are reserved, of at most `limits.bodies`.
#[derive(Debug)]
pub(crate) struct BodyBudget {
    limit: AtomicUsize,
    reserved: AtomicUsize,
}

/// A reservation does not fit into the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BudgetExceeded;

impl BodyBudget {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit: AtomicUsize::new(limit), reserved: AtomicUsize::new(0) })
    }

    /// Changes the limit. What is reserved beyond it stays so.
    pub(crate) fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// A reservation of 0 bytes, which grows with its body.
    pub(crate) fn empty_reservation(self: &Arc<Self>) -> BodyReservation {
        BodyReservation { budget: self.clone(), bytes: 0 }
    }

    /// How many bytes are reserved.
    pub(crate) fn reserved(&self) -> usize {
        self.reserved.load(Ordering::Relaxed)
    }

    fn reserve(&self, bytes: usize) -> Result<(), BudgetExceeded> {
        let limit = self.limit.load(Ordering::Relaxed);
        let fits = |reserved: usize| reserved.checked_add(bytes).filter(|sum| *sum <= limit);
        self.reserved
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits)
            .map_or(Err(BudgetExceeded), |_| Ok(()))
    }
}

/// The bytes that one body has reserved; dropping this releases them.
#[derive(Debug)]
pub(crate) struct BodyReservation {
    budget: Arc<BodyBudget>,
    bytes: usize,
}

impl BodyReservation {
    /// Grows the reservation to `bytes` in total. On failure it keeps its size.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), BudgetExceeded> {
        if bytes > self.bytes {
            self.budget.reserve(bytes - self.bytes)?;
            self.bytes = bytes;
        }
        Ok(())
    }

    /// Releases all but `bytes`.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        if bytes < self.bytes {
            self.budget.reserved.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
            self.bytes = bytes;
        }
    }

    /// Attaches the reservation to `bytes`: it is released when the last clone of the returned bytes is dropped.
    pub(crate) fn attach_to(mut self, bytes: Bytes) -> Bytes {
        struct ReservedBytes(Bytes, #[allow(dead_code)] BodyReservation); // releases on drop
        impl AsRef<[u8]> for ReservedBytes {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        self.shrink_to(bytes.len());
        Bytes::from_owner(ReservedBytes(bytes, self))
    }
}

/// The error of an upstream's response that does not fit into the budget beside the others.
pub(crate) fn response_over_budget() -> UpstreamError {
    let text = "The answer does not fit into this server beside those that are being collected (limits.bodies). Try again in \
                a moment.";
    let mut error = StatusError::new(503, ErrorKind::Overloaded, text);
    error.retry_after = Some(Duration::from_secs(1));
    UpstreamError::Status(Box::new(error))
}

impl Drop for BodyReservation {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_up_to_the_limit_succeed_and_are_released_on_drop() {
        let budget = BodyBudget::new(100);
        let (mut a, mut b) = (budget.empty_reservation(), budget.empty_reservation());
        assert_eq!((a.grow_to(60), a.grow_to(50), b.grow_to(41)), (Ok(()), Ok(()), Err(BudgetExceeded)));
        assert_eq!((b.grow_to(40), budget.reserved()), (Ok(()), 100));
        a.shrink_to(10);
        assert_eq!(
            (b.grow_to(usize::MAX), b.grow_to(90), budget.reserved()),
            (Err(BudgetExceeded), Ok(()), 100)
        );
        drop(b);
        assert_eq!(budget.reserved(), 10);
        let bytes = a.attach_to(Bytes::from_static(b"1234"));
        let copy = bytes.clone();
        drop(bytes);
        assert_eq!((&copy[..], budget.reserved()), (&b"1234"[..], 4));
        drop(copy);
        assert_eq!(budget.reserved(), 0);
    }
}
