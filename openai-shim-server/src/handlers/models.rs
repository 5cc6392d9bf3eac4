//! Answers model list requests: the lists of all upstreams merged, and single models from the merged list.

use crate::app_state::AppState;
use crate::http::responses;
use crate::limits::NamedKey;
use crate::routing::configured_models::other_spelling;
use crate::routing::model_list_cache::ModelList;
use crate::routing::model_lists::model_lists;
use crate::routing::targets::no_upstream;
use axum::response::Response;
use http::StatusCode;
use openai_shim_core::canonical::ListedModel;
use openai_shim_core::dialect::auxiliary::{AuxiliaryRequest, ModelApi};
use openai_shim_core::{Error, UpstreamError};
use std::collections::HashMap;
use std::sync::Arc;

/// Who owns a model that several upstreams serve.
const MODEL_OWNER: &str = "openai-shim";

/// The merged list, and the lists it was merged from, in the order of the upstreams.
struct MergedModels {
    models: Vec<ListedModel>,
    lists: Vec<ModelList>,
}

/// Answers a request for one model, also where the upstream has no such route. One that the key may not use does not exist for it.
pub(crate) async fn one(
    app: &Arc<AppState>,
    api: &dyn ModelApi,
    request: &AuxiliaryRequest<'_>,
    key: Option<&NamedKey>,
) -> Result<Response, Error> {
    let names = api.requested_ids(request)?;
    let MergedModels { models, lists } = merged_models(app).await?;
    let spellings = names.iter().cloned().chain(names.iter().filter_map(|name| other_spelling(name)));
    let found = spellings.collect::<Vec<_>>().iter().find_map(|id| {
        models.iter().find(|m| m.id == *id).cloned().or_else(|| {
            let (upstream, model) = app.split_upstream(id)?;
            let list = lists.get(upstream)?.as_ref().ok()?;
            Some(list.iter().find(|m| m.id == model)?.renamed(id))
        })
    });
    match found.filter(|model| key.is_none_or(|key| key.permits(&model.id))) {
        Some(model) => Ok(responses::json(StatusCode::OK, api.encode_model(&model))),
        None => Err(Error::Client(api.unknown_model(names.first().map_or("", String::as_str)))),
    }
}

/// The models of all upstreams that a key may use.
pub(crate) async fn all(app: &Arc<AppState>, key: Option<&NamedKey>) -> Result<Vec<ListedModel>, Error> {
    let mut models = merged_models(app).await?.models;
    if let Some(key) = key {
        models.retain(|model| key.permits(&model.id));
    }
    Ok(models)
}

/// Merges the lists in the order of the upstreams. Of two models with one id the first keeps it; the other is `name/id`.
async fn merged_models(app: &Arc<AppState>) -> Result<MergedModels, Error> {
    let lists = model_lists(app).await;
    let mut models: Vec<ListedModel> = Vec::new();
    let mut upstream_of: HashMap<String, usize> = HashMap::new();
    for name in app.config.models.iter().map(|model| &model.name).filter(|name| !name.contains('*')) {
        upstream_of.insert(name.clone(), usize::MAX);
        models.push(ListedModel::new(name, MODEL_OWNER));
    }
    let mut failure = None;
    for (index, (upstream, list)) in app.upstreams.iter().zip(&lists).enumerate() {
        match list {
            Ok(list) => {
                for model in list.iter() {
                    match upstream_of.get(&model.id) {
                        None => {
                            upstream_of.insert(model.id.clone(), index);
                            models.push(model.clone());
                        }
                        // The same upstream lists the model twice.
                        Some(first) if *first == index => {}
                        Some(_) => {
                            let id = format!("{}/{}", upstream.config.name, model.id);
                            if upstream_of.insert(id.clone(), index).is_none() {
                                models.push(model.renamed(&id));
                            }
                        }
                    }
                }
            }
            Err(error) => {
                tracing::warn!(upstream = upstream.config.name, "the model list failed: {error}");
                failure.get_or_insert(error);
            }
        }
    }
    match (models.is_empty(), failure) {
        (true, Some(error)) => Err(Error::Upstream(error.clone())),
        (true, None) if app.upstreams.is_empty() => Err(Error::Client(no_upstream())),
        (true, None) => Err(Error::Upstream(UpstreamError::malformed(
            "The upstream lists no models. Name some in the configuration: models = [\"…\"].",
        ))),
        (false, _) => Ok(MergedModels { models, lists }),
    }
}
