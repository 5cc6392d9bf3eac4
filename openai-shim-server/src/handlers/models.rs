//! Which models there are.

use crate::app_state::{AppState, UpstreamState};
use crate::http::responses;
use crate::routing::targets::no_upstream;
use crate::upstream::query::collect;
use axum::response::Response;
use http::{Method, StatusCode};
use openai_shim_core::canonical::{ListedModel, explain_unusable, trim_body};
use openai_shim_core::dialect::auxiliary::{AuxiliaryRequest, ModelApi, states_failure};
use openai_shim_core::{Diagnostics, Error, UpstreamError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long an upstream's list holds.
const FRESH: Duration = Duration::from_secs(60);
/// How long a failure holds: whoever waits for a dead upstream shall not wait for it again and again.
const FAILED: Duration = Duration::from_secs(5);
/// How long an upstream may take to list its models; Open WebUI waits 10 s.
const PATIENCE: Duration = Duration::from_secs(8);
/// The most bytes of a list.
const MAX_LIST: usize = 16 << 20;

type List = Result<Arc<Vec<ListedModel>>, UpstreamError>;

/// An upstream's list, asked once for all who wait, and kept for a while.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    known: Mutex<Option<(Instant, List)>>,
    asking: tokio::sync::Mutex<()>,
}

impl Cache {
    /// The list, if it need not be asked for.
    fn fresh(&self) -> Option<List> {
        let known = self.known.lock().ok()?;
        known.as_ref().filter(|(until, _)| Instant::now() < *until).map(|(_, list)| list.clone())
    }

    /// Keeps what an upstream said. An old list is better than none.
    fn keep(&self, said: List, upstream: &str) -> List {
        let Ok(mut known) = self.known.lock() else { return said };
        let hold = if said.is_ok() { FRESH } else { FAILED };
        let list = match (said, known.take()) {
            (Err(error), Some((_, Ok(old)))) => {
                tracing::warn!(upstream, "the model list failed, an older one is shown: {error}");
                Ok(old)
            }
            (said, _) => said,
        };
        *known = Some((Instant::now() + hold, list.clone()));
        list
    }
}

/// Answers a client that asks for one model, also where the upstream has no such route.
pub(crate) async fn one(
    app: &Arc<AppState>,
    one: &dyn ModelApi,
    asking: &AuxiliaryRequest<'_>,
) -> Result<Response, Error> {
    let names = one.requested_ids(asking)?;
    let (models, lists) = all_of(app).await?;
    let found = names.iter().find_map(|id| {
        models.iter().find(|m| m.id == *id).cloned().or_else(|| {
            let (upstream, rest) = app.split(id)?;
            let list = lists.get(upstream)?.as_ref().ok()?;
            Some(list.iter().find(|m| m.id == rest)?.renamed(id))
        })
    });
    match found {
        Some(model) => Ok(responses::json(StatusCode::OK, one.encode_model(&model))),
        None => Err(Error::Client(one.unknown_model(names.first().map_or("", String::as_str)))),
    }
}

pub(crate) async fn all(app: &Arc<AppState>) -> Result<Vec<ListedModel>, Error> {
    all_of(app).await.map(|(models, _)| models)
}

/// All models, in the order of the upstreams; of two with one id the first keeps it, and the other is `name/id`.
async fn all_of(app: &Arc<AppState>) -> Result<(Vec<ListedModel>, Vec<List>), Error> {
    let lists = lists(app).await;
    let mut all: Vec<ListedModel> = Vec::new();
    let mut summary: HashMap<String, usize> = HashMap::new();
    let mut failure = None;
    for (upstream, (served, list)) in app.upstreams.iter().zip(&lists).enumerate() {
        match list {
            Ok(list) => {
                for model in list.iter() {
                    match summary.get(&model.id) {
                        None => {
                            summary.insert(model.id.clone(), upstream);
                            all.push(model.clone());
                        }
                        // Listed twice by the same upstream.
                        Some(first) if *first == upstream => {}
                        Some(_) => {
                            let id = format!("{}/{}", served.config.name, model.id);
                            if summary.insert(id.clone(), upstream).is_none() {
                                all.push(model.renamed(&id));
                            }
                        }
                    }
                }
            }
            Err(error) => {
                tracing::warn!(upstream = served.config.name, "the model list failed: {error}");
                failure.get_or_insert(error);
            }
        }
    }
    match (all.is_empty(), failure) {
        (true, Some(error)) => Err(Error::Upstream(error.clone())),
        (true, None) if app.upstreams.is_empty() => Err(Error::Client(no_upstream())),
        (true, None) => Err(Error::Upstream(UpstreamError::malformed(
            "The upstream lists no models. Name some in the configuration: models = [\"…\"].",
        ))),
        (false, _) => Ok((all, lists)),
    }
}

/// The lists of all upstreams, asked for at the same time.
pub(crate) async fn lists(app: &Arc<AppState>) -> Vec<List> {
    let mut lists: Vec<Option<List>> = app.upstreams.iter().map(known).collect();
    let mut asking = JoinSet::new();
    for (upstream, _) in lists.iter().enumerate().filter(|(_, list)| list.is_none()) {
        let app = app.clone();
        asking.spawn(async move {
            let list = match app.upstreams.get(upstream) {
                Some(served) => of(&app, served).await,
                None => Err(failed()),
            };
            (upstream, list)
        });
    }
    while let Some(answer) = asking.join_next().await {
        if let Ok((upstream, list)) = answer
            && let Some(place) = lists.get_mut(upstream)
        {
            *place = Some(list);
        }
    }
    lists.into_iter().map(|list| list.unwrap_or_else(|| Err(failed()))).collect()
}

/// The models of one upstream that need not be asked for: those configured, else those it listed lately.
fn known(served: &UpstreamState) -> Option<List> {
    if served.config.models.is_empty() {
        return served.list.fresh();
    }
    let owner = &served.config.name;
    Some(Ok(Arc::new(served.config.models.iter().map(|m| ListedModel::new(&m.id, owner)).collect())))
}

/// The models of one upstream. Whoever comes first asks; the others wait, and find the answer.
async fn of(app: &AppState, served: &UpstreamState) -> List {
    let _asking = served.list.asking.lock().await;
    if let Some(list) = served.list.fresh() {
        return list;
    }
    let spec = tokio::time::timeout(PATIENCE, ask(app, served)).await;
    let spec =
        spec.unwrap_or_else(|_| Err(UpstreamError::timeout("The upstream did not list its models in time.")));
    served.list.keep(spec.map(Arc::new), &served.config.name)
}

/// What is said where nothing is known because asking itself went wrong.
fn failed() -> UpstreamError {
    UpstreamError::transport("The upstream's models could not be asked for.")
}

async fn ask(app: &AppState, served: &UpstreamState) -> Result<Vec<ListedModel>, UpstreamError> {
    if !served.config.profile.has_model_list {
        let text = "The upstream has no model list. Name its models in the configuration: models = [\"…\"].";
        return Err(UpstreamError::malformed(text));
    }
    let mut request = http::Request::new(bytes::Bytes::new());
    *request.method_mut() = Method::GET;
    let paths = &served.config.profile.paths;
    *request.uri_mut() = paths.url(&paths.models).parse().map_err(|_| {
        UpstreamError::malformed(
            "The upstream has no valid path of models: correct paths.models of its profile.",
        )
    })?;
    let (head, body) = served.transport.0.send(request).await?.into_parts();
    let most = MAX_LIST.min(app.config.limits.response_body);
    let body = collect(body, most, &mut app.bodies.open()).await?;
    let dialect = openai_shim_core::dialect(&served.config.profile.dialect)
        .unwrap_or_else(|_| responses::default_dialect());
    let length = body.len();
    if !head.status.is_success() {
        return Err(dialect.decode_error(head.status, &head.headers, &body, &mut Diagnostics::default()));
    }
    let name = served.config.name.clone();
    let read = move || match dialect.decode_models(trim_body(&body), &name) {
        Some(models) => Ok(models),
        None if states_failure(&body, &["data", "models"]) => {
            let status = StatusCode::BAD_GATEWAY;
            Err(dialect.decode_error(status, &head.headers, &body, &mut Diagnostics::default()))
        }
        None => {
            let fault = explain_unusable(&body, "a model list");
            let text = format!("{fault} Its models can be named in the configuration: models = [\"…\"].");
            Err(UpstreamError::malformed(text))
        }
    };
    app.work.run(length, read).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_list_is_shown_when_asking_again_fails_and_a_new_one_replaces_it() {
        let cache = Cache::default();
        let list = |id| Ok(Arc::new(vec![ListedModel::new(id, "me")]));
        assert_eq!(cache.fresh(), None);
        assert_eq!(cache.keep(list("old"), "up"), list("old"));
        assert_eq!(cache.keep(Err(failed()), "up"), list("old"));
        assert_eq!(cache.fresh(), Some(list("old")));
        assert_eq!(cache.keep(list("new"), "up"), list("new"));
        assert_eq!(cache.fresh(), Some(list("new")));
    }

    #[test]
    fn a_failure_is_remembered_until_it_passes() {
        let cache = Cache::default();
        assert_eq!(cache.keep(Err(failed()), "up"), Err(failed()));
        assert_eq!(cache.fresh(), Some(Err(failed())));
        assert!(cache.keep(Ok(Arc::default()), "up").is_ok());
        assert_eq!(cache.fresh(), Some(Ok(Arc::default())));
    }
}
