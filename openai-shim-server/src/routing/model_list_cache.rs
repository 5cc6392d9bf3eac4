//! Caches one upstream's model list, or the failure to get it, for a while.

use openai_shim_core::UpstreamError;
use openai_shim_core::canonical::ListedModel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a list is valid.
const LIST_LIFETIME: Duration = Duration::from_secs(60);
/// How long a failure is valid: requests do not wait for an unreachable upstream again and again.
const FAILURE_LIFETIME: Duration = Duration::from_secs(5);

/// The models of one upstream, or why they are unknown.
pub(crate) type ModelList = Result<Arc<Vec<ListedModel>>, UpstreamError>;

/// One upstream's model list.
#[derive(Debug, Default)]
pub(crate) struct ModelListCache {
    /// The list, and until when it is valid.
    cached: Mutex<Option<(Instant, ModelList)>>,
    /// Held while the list is fetched: other requests wait and then find it in the cache.
    pub(super) fetch_lock: tokio::sync::Mutex<()>,
}

impl ModelListCache {
    /// The cached list, if it is still valid.
    pub(super) fn get(&self) -> Option<ModelList> {
        let cached = self.cached.lock().ok()?;
        cached.as_ref().filter(|(until, _)| Instant::now() < *until).map(|(_, list)| list.clone())
    }

    /// Caches a fetched list and returns what is valid now: after a failure the previous list, if there is one.
    pub(super) fn insert(&self, fetched: ModelList, upstream: &str) -> ModelList {
        let Ok(mut cached) = self.cached.lock() else { return fetched };
        let lifetime = if fetched.is_ok() { LIST_LIFETIME } else { FAILURE_LIFETIME };
        let list = match (fetched, cached.take()) {
            (Err(error), Some((_, Ok(previous)))) => {
                tracing::warn!(upstream, "the model list failed, an older one is shown: {error}");
                Ok(previous)
            }
            (fetched, _) => fetched,
        };
        *cached = Some((Instant::now() + lifetime, list.clone()));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unavailable() -> UpstreamError {
        UpstreamError::transport("The upstream's models could not be asked for.")
    }

    #[test]
    fn failure_keeps_the_old_list_and_a_new_list_replaces_it() {
        let cache = ModelListCache::default();
        let list = |id| Ok(Arc::new(vec![ListedModel::new(id, "me")]));
        assert_eq!(cache.get(), None);
        assert_eq!(cache.insert(list("old"), "up"), list("old"));
        assert_eq!(cache.insert(Err(unavailable()), "up"), list("old"));
        assert_eq!(cache.get(), Some(list("old")));
        assert_eq!(cache.insert(list("new"), "up"), list("new"));
        assert_eq!(cache.get(), Some(list("new")));
    }

    #[test]
    fn failure_is_cached_until_a_list_replaces_it() {
        let cache = ModelListCache::default();
        assert_eq!(cache.insert(Err(unavailable()), "up"), Err(unavailable()));
        assert_eq!(cache.get(), Some(Err(unavailable())));
        assert!(cache.insert(Ok(Arc::default()), "up").is_ok());
        assert_eq!(cache.get(), Some(Ok(Arc::default())));
    }
}
