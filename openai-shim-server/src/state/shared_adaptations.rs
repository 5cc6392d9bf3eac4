//! Adaptations that replicas share: what one of them learned is written into the store, from which the others load it.

use super::adaptations::Adaptations;
use crate::config::UpstreamConfig;
use openai_shim_core::Report;
use openai_shim_core::profile::Adaptation;
use openai_shim_core::state::{Owner, StateEntry, StateKey, StateKind};
use openai_shim_core::upstream::{StateError, StateStore};
use ring::digest;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long what was learned is stored. An upstream that accepts more by then gets it again.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// How often what others learned of a model is loaded.
const PERIOD: Duration = Duration::from_secs(60);
/// The most models of which the time of the last load is remembered.
const MAX_MODELS: usize = 1024;

/// This replica's adaptations, and the store that it shares with others. No request waits for the store.
pub(crate) struct SharedAdaptations {
    local: Arc<Adaptations>,
    store: Arc<dyn StateStore>,
    loads: Mutex<HashMap<String, Instant>>,
}

impl SharedAdaptations {
    pub(crate) fn new(local: Arc<Adaptations>, store: Arc<dyn StateStore>) -> Arc<Self> {
        Arc::new(Self { local, store, loads: Mutex::default() })
    }

    /// Begins to load what others learned of a model, if that was not done lately. Later requests benefit from it.
    pub(crate) fn refresh(self: &Arc<Self>, upstream: &UpstreamConfig, model: &str) {
        if !self.is_due(&format!("{}/{model}", upstream.name)) {
            return;
        }
        let (shared, key) = (self.clone(), key(upstream, model));
        let (upstream, model) = (upstream.name.clone(), model.to_owned());
        spawn(async move {
            let learned = shared.load(&key).await?;
            shared.local.add(&upstream, &model, &learned);
            Ok(())
        });
    }

    /// Remembers an exchange's adaptations, and begins to keep those that are new for the other replicas.
    pub(crate) fn store_adaptations(
        self: &Arc<Self>,
        upstream: &UpstreamConfig,
        model: &str,
        report: &Report,
    ) {
        if !self.local.store_adaptations(&upstream.name, model, report) {
            return;
        }
        let (shared, key) = (self.clone(), key(upstream, model));
        let learned = report.adaptations.clone();
        spawn(async move {
            let mut all = shared.load(&key).await?;
            all.extend(
                learned.into_iter().filter(|adaptation| !all.contains(adaptation)).collect::<Vec<_>>(),
            );
            let value = serde_json::to_vec(&all).unwrap_or_default();
            shared.store.store(vec![StateEntry::new(key, value, LIFETIME)]).await
        });
    }

    fn is_due(&self, name: &str) -> bool {
        let mut loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        if loads.get(name).is_some_and(|last| last.elapsed() < PERIOD) {
            return false;
        }
        if loads.len() >= MAX_MODELS {
            loads.clear();
        }
        loads.insert(name.to_owned(), Instant::now());
        true
    }

    /// What is stored of a model. Another version of this program may have other adaptations, which are left out.
    async fn load(&self, key: &StateKey) -> Result<Vec<Adaptation>, StateError> {
        let stored = self
            .store
            .load(std::slice::from_ref(key))
            .await?
            .into_iter()
            .next()
            .flatten()
            .unwrap_or_default();
        let list: Vec<serde_json::Value> = serde_json::from_slice(&stored).unwrap_or_default();
        Ok(list.into_iter().filter_map(|one| serde_json::from_value(one).ok()).collect())
    }
}

/// What upstreams refuse belongs to no client. Where a reload has put another upstream under the same name, the key is another.
fn key(upstream: &UpstreamConfig, model: &str) -> StateKey {
    let what = format!("{}\n{}", upstream.target, upstream.profile.name);
    let digest = digest::digest(&digest::SHA256, what.as_bytes());
    let digest = digest.as_ref().first_chunk().map_or(0, |bytes| u128::from_be_bytes(*bytes));
    let id = format!("{}/{model}", upstream.name);
    StateKey::new(Owner::single(), StateKind::Adaptations, digest, id)
}

/// Runs work without waiting for it. The store logs its own outages.
fn spawn(work: impl Future<Output = Result<(), StateError>> + Send + 'static) {
    // A response may be dropped outside of the runtime.
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async { work.await.unwrap_or_default() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::MemoryStore;

    #[tokio::test]
    async fn unknown_adaptations_of_another_version_are_left_out() {
        let store = Arc::new(MemoryStore::default());
        let shared = SharedAdaptations::new(Arc::default(), store.clone());
        let value = r#"["merge_system",{"drop_param":"logit_bias"},"from_the_future",7]"#;
        let key = StateKey::new(Owner::single(), StateKind::Adaptations, 0, "up/m");
        store.store(vec![StateEntry::new(key.clone(), value, LIFETIME)]).await.unwrap();
        let loaded = shared.load(&key).await.unwrap();
        assert_eq!(loaded, [Adaptation::MergeSystem, Adaptation::DropParam("logit_bias".into())]);
    }

    #[tokio::test]
    async fn model_is_loaded_once_a_minute_and_the_times_are_bounded() {
        let shared = SharedAdaptations::new(Arc::default(), Arc::new(MemoryStore::default()));
        assert!(shared.is_due("up/m") && !shared.is_due("up/m"));
        for n in 0..3 * MAX_MODELS {
            shared.is_due(&format!("up/{n}"));
        }
        assert!(shared.loads.lock().unwrap().len() <= MAX_MODELS);
    }
}
