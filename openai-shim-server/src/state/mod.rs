//! State between requests: the store, its owners, and adaptations to refusals.

pub(crate) mod adaptations;
mod cached;
mod memory;
mod owner;
pub(crate) mod recency;
pub(crate) mod redis;
mod sealed;
mod shared_adaptations;

pub(crate) use memory::MemoryStore;
pub(crate) use owner::{OwnerSecret, Owners};
pub(crate) use shared_adaptations::SharedAdaptations;

use crate::config::{Config, StoreConfig};
use async_trait::async_trait;
use bytes::Bytes;
use cached::CachedStore;
use openai_shim_core::state::{StateEntry, StateKey};
use openai_shim_core::upstream::{StateError, StateStore};
use redis::{Redis, RedisStore};
use sealed::Sealer;
use std::sync::Arc;

/// Where state is kept.
pub(crate) struct OpenStore {
    /// State of conversations, whose entries do not change under their keys.
    pub(crate) conversations: Arc<dyn StateStore>,
    /// What replicas share and change; `None`: there are no other replicas.
    pub(crate) shared: Option<Arc<dyn StateStore>>,
}

impl OpenStore {
    /// Opens the store: in the process's memory, or at a server that replicas share.
    pub(crate) fn new(
        config: &Config,
        owners: &Owners,
        redis: Option<&Redis>,
        memory: Arc<MemoryStore>,
    ) -> Self {
        let Some(redis) = redis else { return Self { conversations: memory, shared: None } };
        let StoreConfig { secret, old_secrets, .. } = &config.store;
        let sealer = Sealer::new(secret.as_ref(), old_secrets);
        let former = owners.former(config.keys_of_clients(), old_secrets);
        let shared: Arc<dyn StateStore> = Arc::new(RedisStore::new(redis.clone(), sealer, former));
        Self { conversations: Arc::new(CachedStore::new(shared.clone())), shared: Some(shared) }
    }
}

/// The part of a store that belongs to one upstream: other upstreams cannot read its entries.
pub(crate) struct ScopedStore {
    upstream: String,
    store: Arc<dyn StateStore>,
}

impl ScopedStore {
    pub(crate) fn new(upstream: &str, store: Arc<dyn StateStore>) -> Self {
        Self { upstream: upstream.to_owned(), store }
    }

    fn scoped_key(&self, key: &StateKey) -> StateKey {
        StateKey { id: format!("{}/{}", self.upstream, key.id), ..key.clone() }
    }

    fn scoped_keys(&self, keys: &[StateKey]) -> Vec<StateKey> {
        keys.iter().map(|key| self.scoped_key(key)).collect()
    }
}

#[async_trait]
impl StateStore for ScopedStore {
    async fn load(&self, keys: &[StateKey]) -> Result<Vec<Option<Bytes>>, StateError> {
        self.store.load(&self.scoped_keys(keys)).await
    }

    async fn store(&self, mut entries: Vec<StateEntry>) -> Result<(), StateError> {
        for entry in &mut entries {
            entry.key = self.scoped_key(&entry.key);
        }
        self.store.store(entries).await
    }

    async fn remove(&self, keys: &[StateKey]) -> Result<(), StateError> {
        self.store.remove(&self.scoped_keys(keys)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openai_shim_core::state::{Owner, StateKind};
    use std::time::Duration;

    #[tokio::test]
    async fn upstream_cannot_read_or_remove_entries_of_another() {
        let store: Arc<dyn StateStore> = Arc::new(MemoryStore::default());
        let [one, other] = ["one", "other"].map(|name| ScopedStore::new(name, store.clone()));
        let key = StateKey::new(Owner::single(), StateKind::Turn, 7, "id");
        let entry = StateEntry::new(key.clone(), "x", Duration::from_secs(60));
        one.store(vec![entry]).await.unwrap();
        let keys = [key];
        assert_eq!(one.load(&keys).await.unwrap(), [Some(Bytes::from("x"))]);
        assert_eq!(other.load(&keys).await.unwrap(), [None]);
        other.remove(&keys).await.unwrap();
        assert!(one.load(&keys).await.unwrap()[0].is_some());
        one.remove(&keys).await.unwrap();
        assert_eq!(one.load(&keys).await.unwrap(), [None]);
    }
}
