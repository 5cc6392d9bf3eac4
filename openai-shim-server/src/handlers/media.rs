//! Answers requests for speech, transcripts and pictures whose upstream has another form for them; the others are forwarded.

use crate::app_state::{AppState, UpstreamState};
use crate::clock;
use crate::handlers::auxiliary_exchange::{self, AuxiliaryPlan, AuxiliaryStart};
use crate::http::receive::ReceivedRequest;
use crate::http::responses::ErrorEnvelope;
use crate::request_meta::RequestMeta;
use crate::routing::configured_models::SelectedUpstream;
use crate::routing::targets::no_upstream;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use openai_shim_core::dialect::media::MediaApi;
use openai_shim_core::dialect::media_upstream::MediaUpstreamApi;
use openai_shim_core::dialect::named_model::NamedModel;
use openai_shim_core::dialect::{Dialect, dialect as dialect_named};
use openai_shim_core::exchange::MediaCall;
use openai_shim_core::{Diagnostics, Error};
use std::sync::Arc;

/// How an upstream is asked for media, if it has another form for that than its clients.
fn media_of(upstream: &UpstreamState) -> Option<&'static dyn MediaUpstreamApi> {
    dialect_named(&upstream.config.profile.dialect).ok()?.media()
}

/// Whether any upstream has another form: otherwise all requests are forwarded.
pub(crate) fn is_translated(app: &AppState) -> bool {
    app.upstreams.iter().any(|upstream| media_of(upstream).is_some())
}

/// The upstream of a request, if it has another form; `None`: the request is forwarded, which also answers for its errors.
pub(crate) async fn translating_upstream(
    app: &Arc<AppState>,
    headers: &HeaderMap,
    query: &str,
    body: &Bytes,
) -> Option<SelectedUpstream> {
    let (owned_headers, query, source) = (headers.clone(), query.to_owned(), body.clone());
    let find = move || NamedModel::find(&owned_headers, &query, &source);
    let route = match app.process.offload.run(body.len(), find).await {
        Some(model) => {
            let mut route = app.route(&model.name, false).await.ok()?;
            // The query may have named it.
            route.model.get_or_insert(model.name);
            route
        }
        None => app.route_without_model(),
    };
    app.upstreams.get(route.upstream).and_then(media_of).is_some().then_some(route)
}

/// Answers a request by way of an upstream that has another form.
pub(crate) async fn answer(
    app: Arc<AppState>,
    meta: RequestMeta,
    dialect: Dialect,
    api: &'static dyn MediaApi,
    route: SelectedUpstream,
    headers: &HeaderMap,
    received: ReceivedRequest,
) -> Response {
    // The permit and the reservation of the body last until the response is known.
    let ReceivedRequest { permit: _permit, reservation: _reservation, body } = received;
    let planned = plan(&app, api, route, headers, body).await;
    auxiliary_exchange::answer(&app, meta, planned, ErrorEnvelope::Dialect(dialect), headers).await
}

/// The upstream of a request, and the exchange with it.
async fn plan<'a>(
    app: &'a Arc<AppState>,
    api: &'static dyn MediaApi,
    route: SelectedUpstream,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<AuxiliaryPlan<'a>, Error> {
    let served = app.upstreams.get(route.upstream).ok_or_else(no_upstream)?;
    let upstream_api = media_of(served).ok_or_else(no_upstream)?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let (content_type, length) = (content_type.to_owned(), body.len());
    let decode = move || {
        let mut lost = Diagnostics::default();
        api.decode_request(&content_type, &body, &mut lost).map(|request| (request, lost))
    };
    let (request, lost) = app.process.offload.run(length, decode).await?;
    let (model, created) = (request.model.clone(), clock::unix_seconds());
    let start =
        AuxiliaryStart { served, upstream_model: route.model, health: route.health, model, lost, length };
    start.plan(app, move |name| MediaCall::new(api, upstream_api, request, name, created)).await
}
