//! Answers embeddings requests, translated between the client's and the upstream's API.

use crate::app_state::AppState;
use crate::handlers::auxiliary_exchange::{AuxiliaryPlan, AuxiliaryStart, answer};
use crate::handlers::auxiliary_request::OwnedAuxiliaryRequest;
use crate::http::responses::ErrorEnvelope;
use crate::request_meta::RequestMeta;
use crate::routing::targets::no_upstream;
use axum::response::Response;
use http::HeaderMap;
use openai_shim_core::dialect::auxiliary::EmbeddingsApi;
use openai_shim_core::dialect::route_lookup::upstream_embeddings_api;
use openai_shim_core::dialect::{Dialect, dialect as dialect_named};
use openai_shim_core::exchange::EmbeddingsCall;
use openai_shim_core::{Diagnostics, Error};
use std::sync::Arc;

/// Answers an embeddings request.
pub(crate) async fn embed(
    app: Arc<AppState>,
    meta: RequestMeta,
    dialect: Dialect,
    embedding: &'static dyn EmbeddingsApi,
    request: OwnedAuxiliaryRequest,
    headers: &HeaderMap,
) -> Response {
    let planned = plan(&app, embedding, request).await;
    answer(&app, meta, planned, ErrorEnvelope::Dialect(dialect), headers).await
}

/// The upstream of an embeddings request, and the exchange with it.
async fn plan<'a>(
    app: &'a Arc<AppState>,
    embedding: &'static dyn EmbeddingsApi,
    request: OwnedAuxiliaryRequest,
) -> Result<AuxiliaryPlan<'a>, Error> {
    let (length, source) = (request.body.len(), request.body.clone());
    let read = move || {
        let mut lost = Diagnostics::default();
        embedding.decode_request(&request.as_request(), &mut lost).map(|spec| (spec, lost))
    };
    let (spec, lost) = app.process.offload.run(length, read).await?;
    let route =
        if spec.model.is_empty() { app.route_without_model() } else { app.route(&spec.model, true).await? };
    let served = app.upstreams.get(route.upstream).ok_or_else(no_upstream)?;
    let upstream_dialect = dialect_named(&served.config.profile.dialect)?;
    let upstream_api = upstream_embeddings_api(upstream_dialect, embedding);
    // What only the client's format has is lost only in another one.
    let lost = if upstream_api.format() == embedding.format() { Diagnostics::default() } else { lost };
    let model = spec.model.clone();
    let start =
        AuxiliaryStart { served, upstream_model: route.model, health: route.health, model, lost, length };
    start.plan(app, move |name| EmbeddingsCall::new(embedding, upstream_api, spec, name, source)).await
}
