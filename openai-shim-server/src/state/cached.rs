//! A store with a small cache in this process before it: a conversation that stays here costs no round trip.

use super::memory::MemoryStore;
use async_trait::async_trait;
use bytes::Bytes;
use openai_shim_core::state::{StateEntry, StateKey};
use openai_shim_core::upstream::{StateError, StateStore};
use std::sync::Arc;
use std::time::Duration;

/// How long an entry is cached. An entry that another replica removed is found here for so long.
const LIFETIME: Duration = Duration::from_secs(30);
const MAX_ENTRIES: usize = 5000;
const MAX_BYTES: usize = 32 << 20;

/// A store whose entries never change under their keys, and the entries of it that were used lately.
pub(crate) struct CachedStore {
    cache: MemoryStore,
    inner: Arc<dyn StateStore>,
}

impl CachedStore {
    pub(crate) fn new(inner: Arc<dyn StateStore>) -> Self {
        Self { cache: MemoryStore::bounded(MAX_ENTRIES, MAX_BYTES), inner }
    }

    fn remember(&self, entry: StateEntry) {
        // One that is too large is not cached.
        let _ = self.cache.insert(entry.key, entry.value, entry.lifetime.min(LIFETIME));
    }
}

#[async_trait]
impl StateStore for CachedStore {
    async fn load(&self, keys: &[StateKey]) -> Result<Vec<Option<Bytes>>, StateError> {
        let mut values = self.cache.load(keys).await?;
        let missing: Vec<StateKey> = keys
            .iter()
            .zip(&values)
            .filter(|(_, value)| value.is_none())
            .map(|(key, _)| key.clone())
            .collect();
        if missing.is_empty() {
            return Ok(values);
        }
        let mut loaded = self.inner.load(&missing).await?.into_iter();
        for (key, value) in keys.iter().zip(&mut values).filter(|(_, value)| value.is_none()) {
            *value = loaded.next().flatten();
            if let Some(value) = value {
                self.remember(StateEntry::new(key.clone(), value.clone(), LIFETIME));
            }
        }
        Ok(values)
    }

    async fn store(&self, entries: Vec<StateEntry>) -> Result<(), StateError> {
        // Also what the store then fails to keep: the conversation goes on here.
        entries.iter().cloned().for_each(|entry| self.remember(entry));
        self.inner.store(entries).await
    }

    async fn remove(&self, keys: &[StateKey]) -> Result<(), StateError> {
        self.cache.remove(keys).await?;
        self.inner.remove(keys).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openai_shim_core::state::{Owner, StateKind};

    fn entry(id: &str) -> StateEntry {
        let key = StateKey::new(Owner::single(), StateKind::Turn, 1, id);
        StateEntry::new(key, id.to_owned(), Duration::from_secs(3600))
    }

    #[tokio::test]
    async fn cached_entry_outlives_the_store_and_a_removed_one_is_gone_from_both() {
        let inner = Arc::new(MemoryStore::default());
        let store = CachedStore::new(inner.clone());
        let keys = ["a", "b", "c"].map(|id| entry(id).key);
        store.store(vec![entry("a")]).await.unwrap();
        inner.store(vec![entry("b")]).await.unwrap();
        let expected = [Some(Bytes::from("a")), Some(Bytes::from("b")), None];
        assert_eq!(store.load(&keys).await.unwrap(), expected);
        inner.remove(&keys).await.unwrap();
        assert_eq!(store.load(&keys).await.unwrap(), expected);
        store.remove(&keys[..1]).await.unwrap();
        assert_eq!(store.load(&keys).await.unwrap(), [None, Some(Bytes::from("b")), None]);
    }

    #[tokio::test]
    async fn entry_is_not_cached_for_longer_than_it_lives() {
        let store = CachedStore::new(Arc::new(MemoryStore::default()));
        store.remember(StateEntry::new(entry("a").key, "a", Duration::ZERO));
        assert_eq!(store.load(&[entry("a").key]).await.unwrap(), [None]);
    }
}
