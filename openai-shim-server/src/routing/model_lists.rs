//! Fetches the model lists of all upstreams at the same time, through the cache of each.

use super::model_list_cache::ModelList;
use crate::app_state::{AppState, UpstreamState};
use crate::http::body_resources::BodyResources;
use crate::http::responses;
use openai_shim_core::UpstreamError;
use openai_shim_core::canonical::ListedModel;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long an upstream may take to list its models; Open WebUI waits 10 s.
const FETCH_TIMEOUT: Duration = Duration::from_secs(8);
/// What to do about an upstream without a list.
const NAME_THEM: &str = "Its models can be named in the configuration: models = [\"…\"].";

/// The lists of all upstreams, in the order of the configuration.
pub(crate) async fn model_lists(app: &Arc<AppState>) -> Vec<ModelList> {
    let mut lists: Vec<Option<ModelList>> = app.upstreams.iter().map(configured_or_cached).collect();
    let mut fetches = JoinSet::new();
    for (index, _) in lists.iter().enumerate().filter(|(_, list)| list.is_none()) {
        let app = app.clone();
        fetches.spawn(async move {
            let list = match app.upstreams.get(index) {
                Some(upstream) => fetch_once(&app, upstream).await,
                None => Err(fetch_failed()),
            };
            (index, list)
        });
    }
    while let Some(fetched) = fetches.join_next().await {
        if let Ok((index, list)) = fetched
            && let Some(entry) = lists.get_mut(index)
        {
            *entry = Some(list);
        }
    }
    lists.into_iter().map(|list| list.unwrap_or_else(|| Err(fetch_failed()))).collect()
}

/// The models that the configuration names, apart from patterns; else the cached list.
fn configured_or_cached(upstream: &UpstreamState) -> Option<ModelList> {
    let owner = &upstream.config.name;
    let named = upstream.config.models.iter().filter(|model| !model.is_pattern());
    let named: Vec<_> = named.map(|model| ListedModel::new(&model.id, owner)).collect();
    if named.is_empty() { upstream.model_list.get() } else { Some(Ok(Arc::new(named))) }
}

/// Fetches a list for all requests that wait for it: the first one fetches, the others find the result in the cache.
async fn fetch_once(app: &AppState, upstream: &UpstreamState) -> ModelList {
    let _guard = upstream.model_list.fetch_lock.lock().await;
    if let Some(list) = upstream.model_list.get() {
        return list;
    }
    let fetched = tokio::time::timeout(FETCH_TIMEOUT, fetch(app, upstream)).await;
    let fetched = fetched
        .unwrap_or_else(|_| Err(UpstreamError::timeout("The upstream did not list its models in time.")));
    upstream.model_list.insert(fetched.map(Arc::new), &upstream.config.name)
}

/// The error when a fetch itself failed: its task panicked.
fn fetch_failed() -> UpstreamError {
    UpstreamError::transport("The upstream's models could not be asked for.")
}

async fn fetch(app: &AppState, upstream: &UpstreamState) -> Result<Vec<ListedModel>, UpstreamError> {
    let (profile, resources) = (&upstream.config.profile, BodyResources::new(app));
    let dialect =
        openai_shim_core::dialect(&profile.dialect).unwrap_or_else(|_| responses::default_dialect());
    let queries = resources.queries(&*upstream.transport);
    queries.models(profile, dialect, &upstream.config.name, NAME_THEM).await
}
