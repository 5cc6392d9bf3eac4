//! Adaptations that replicas share: what one of them learned is written into the store, from which the others load it.

use super::adaptations::Adaptations;
use openai_shim_core::Report;
use openai_shim_core::profile::Adaptation;
use openai_shim_core::state::{Owner, StateEntry, StateKey, StateKind};
use openai_shim_core::upstream::{StateError, StateStore};
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
    pub(crate) fn refresh(self: &Arc<Self>, upstream: &str, model: &str) {
        let id = id(upstream, model);
        if !self.is_due(&id) {
            return;
        }
        let (shared, upstream, model) = (self.clone(), upstream.to_owned(), model.to_owned());
        spawn(async move {
            let learned = shared.load(&id).await?;
            shared.local.add(&upstream, &model, &learned);
            Ok(())
        });
    }

    /// Remembers an exchange's adaptations, and begins to keep those that are new for the other replicas.
    pub(crate) fn store_adaptations(self: &Arc<Self>, upstream: &str, model: &str, report: &Report) {
        if !self.local.store_adaptations(upstream, model, report) {
            return;
        }
        let (shared, id) = (self.clone(), id(upstream, model));
        let learned = report.adaptations.clone();
        spawn(async move {
            let mut all = shared.load(&id).await?;
            all.extend(
                learned.into_iter().filter(|adaptation| !all.contains(adaptation)).collect::<Vec<_>>(),
            );
            let value = serde_json::to_vec(&all).unwrap_or_default();
            shared.store.store(vec![StateEntry::new(key(&id), value, LIFETIME)]).await
        });
    }

    fn is_due(&self, id: &str) -> bool {
        let mut loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        if loads.get(id).is_some_and(|last| last.elapsed() < PERIOD) {
            return false;
        }
        if loads.len() >= MAX_MODELS {
            loads.clear();
        }
        loads.insert(id.to_owned(), Instant::now());
        true
    }

    /// What is stored of a model. Another version of this program may have other adaptations, which are left out.
    async fn load(&self, id: &str) -> Result<Vec<Adaptation>, StateError> {
        let stored = self.store.load(&[key(id)]).await?.into_iter().next().flatten().unwrap_or_default();
        let list: Vec<serde_json::Value> = serde_json::from_slice(&stored).unwrap_or_default();
        Ok(list.into_iter().filter_map(|one| serde_json::from_value(one).ok()).collect())
    }
}

fn id(upstream: &str, model: &str) -> String {
    format!("{upstream}/{model}")
}

/// What upstreams refuse belongs to no client.
fn key(id: &str) -> StateKey {
    StateKey::new(Owner::single(), StateKind::Adaptations, 0, id)
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
        store.store(vec![StateEntry::new(key("up/m"), value, LIFETIME)]).await.unwrap();
        let loaded = shared.load("up/m").await.unwrap();
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
