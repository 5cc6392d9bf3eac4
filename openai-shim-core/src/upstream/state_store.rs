//! Where a [`Shim`](super::Shim) keeps state between requests: an embedder's store.

use crate::state::{StateEntry, StateKey};
use async_trait::async_trait;
use bytes::Bytes;

/// A store of state: a map in this process, Redis, a table. It may forget, and has bounds.
///
/// Its errors are diagnostics of the exchange, and never fail a request; so an implementation with a network in it has a
/// deadline of milliseconds.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// What is kept under these keys: a value or `None` for each, in the same order.
    async fn load(&self, keys: &[StateKey]) -> Result<Vec<Option<Bytes>>, StateError>;

    /// Keeps these, in place of what is there.
    async fn store(&self, entries: Vec<StateEntry>) -> Result<(), StateError>;

    /// Keeps these no longer.
    async fn remove(&self, keys: &[StateKey]) -> Result<(), StateError>;
}

/// A store did not answer, or not in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct StateError {
    /// What happened, without what is stored.
    pub message: String,
}

impl StateError {
    /// An error in one sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}
