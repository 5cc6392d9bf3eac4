//! [`StateStore`]: where an embedder keeps the state that a [`Shim`](crate::Shim) loads and stores between requests.

use crate::state::{StateEntry, StateKey};
use async_trait::async_trait;
use bytes::Bytes;

/// A store of state: a map in this process, Redis, a database table. It is bounded, and may drop entries.
///
/// Its errors become diagnostics of the exchange and never fail a request, so an implementation that uses a network has a
/// deadline of milliseconds.
///
/// ```
/// use bytes::Bytes;
/// use openai_shim_core::state::{StateEntry, StateKey};
/// use openai_shim_core::upstream::{StateError, StateStore};
/// use std::collections::HashMap;
/// use std::sync::Mutex;
///
/// /// A map in this process. One for production is bounded, and forgets what is older than its `lifetime`.
/// #[derive(Default)]
/// struct MemoryStore(Mutex<HashMap<StateKey, Bytes>>);
///
/// #[async_trait::async_trait]
/// impl StateStore for MemoryStore {
///     async fn load(&self, keys: &[StateKey]) -> Result<Vec<Option<Bytes>>, StateError> {
///         let map = self.0.lock().map_err(|_| StateError::new("The store is poisoned."))?;
///         Ok(keys.iter().map(|key| map.get(key).cloned()).collect())
///     }
///
///     async fn store(&self, entries: Vec<StateEntry>) -> Result<(), StateError> {
///         let mut map = self.0.lock().map_err(|_| StateError::new("The store is poisoned."))?;
///         map.extend(entries.into_iter().map(|entry| (entry.key, entry.value)));
///         Ok(())
///     }
///
///     async fn remove(&self, keys: &[StateKey]) -> Result<(), StateError> {
///         let mut map = self.0.lock().map_err(|_| StateError::new("The store is poisoned."))?;
///         keys.iter().for_each(|key| drop(map.remove(key)));
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait StateStore: Send + Sync {
    /// Returns a value or `None` for each key, in the same order.
    async fn load(&self, keys: &[StateKey]) -> Result<Vec<Option<Bytes>>, StateError>;

    /// Stores entries, and replaces those with the same keys.
    async fn store(&self, entries: Vec<StateEntry>) -> Result<(), StateError>;

    /// Removes the entries with these keys.
    async fn remove(&self, keys: &[StateKey]) -> Result<(), StateError>;
}

/// A store failed, or did not respond in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", crate::error::InLowerCase(message))]
#[non_exhaustive]
pub struct StateError {
    /// What happened, without the stored values.
    pub message: String,
}

impl StateError {
    /// An error with a message of one sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}
