//! State between requests: the store in this process, whose it is, and exchanges that want some.

pub(crate) mod adaptations;
mod memory;
mod owner;
pub(crate) mod recency;

pub(crate) use memory::MemoryStore;
pub(crate) use owner::Owners;

use crate::offload::OffloadPool;
use async_trait::async_trait;
use bytes::Bytes;
use openai_shim_core::state::{StateEntry, StateKey};
use openai_shim_core::upstream::{StateError, StateStore};
use openai_shim_core::{Error, Exchange, Step};
use std::sync::Arc;

/// A store, as far as it belongs to one upstream: no other one sees what is kept for it.
pub(crate) struct ScopedStore {
    upstream: String,
    store: Arc<dyn StateStore>,
}

impl ScopedStore {
    pub(crate) fn new(upstream: &str, store: Arc<dyn StateStore>) -> Self {
        Self { upstream: upstream.to_owned(), store }
    }

    fn key(&self, key: &StateKey) -> StateKey {
        StateKey { id: format!("{}/{}", self.upstream, key.id), ..key.clone() }
    }

    fn keys(&self, keys: &[StateKey]) -> Vec<StateKey> {
        keys.iter().map(|key| self.key(key)).collect()
    }
}

#[async_trait]
impl StateStore for ScopedStore {
    async fn load(&self, keys: &[StateKey]) -> Result<Vec<Option<Bytes>>, StateError> {
        self.store.load(&self.keys(keys)).await
    }

    async fn store(&self, mut entries: Vec<StateEntry>) -> Result<(), StateError> {
        for entry in &mut entries {
            entry.key = self.key(&entry.key);
        }
        self.store.store(entries).await
    }

    async fn remove(&self, keys: &[StateKey]) -> Result<(), StateError> {
        self.store.remove(&self.keys(keys)).await
    }
}

/// The first step of an exchange that is not about state, once what it wants was loaded. Its request has `length` bytes.
pub(crate) async fn loaded(
    work: &OffloadPool,
    length: usize,
    mut exchange: Exchange,
    store: &dyn StateStore,
) -> Result<(Exchange, Step), Error> {
    match exchange.next() {
        Step::Load(keys) => {
            let values = store.load(&keys).await.unwrap_or_else(|error| {
                exchange.note_state_error(&error.message);
                vec![None; keys.len()]
            });
            let provide = move || {
                exchange.provide(values)?;
                let step = exchange.next();
                Ok((exchange, step))
            };
            work.run(length, provide).await
        }
        step => Ok((exchange, step)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openai_shim_core::state::{Owner, StateKind};
    use std::time::Duration;

    #[tokio::test]
    async fn upstreams_do_not_see_each_others_state() {
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
