//! Answers requests for speech, transcripts and pictures whose upstream has another form for them; the others are forwarded.

use crate::app_state::{AppState, UpstreamState};
use crate::handlers::auxiliary_exchange::{AuxiliaryAnswer, run};
use crate::handlers::named_model::NamedModel;
use crate::http::receive::ReceivedRequest;
use crate::http::responses::{self, ErrorEnvelope};
use crate::http::routes::FORWARD_LABEL;
use crate::observe::access_log::AccessLogEntry;
use crate::request_meta::RequestMeta;
use crate::routing::targets::{SelectedUpstream, no_upstream};
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use openai_shim_core::dialect::media::MediaApi;
use openai_shim_core::dialect::media_upstream::MediaUpstreamApi;
use openai_shim_core::dialect::{Dialect, dialect as dialect_named};
use openai_shim_core::exchange::{AuxiliaryExchange, MediaCall};
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
    let route = match app.offload.run(body.len(), find).await {
        Some(model) => {
            let mut route = app.route(&model.name).await.ok()?;
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
    dialect: &'static dyn Dialect,
    api: &'static dyn MediaApi,
    route: SelectedUpstream,
    headers: &HeaderMap,
    received: ReceivedRequest,
) -> Response {
    // The permit and the reservation of the body last until the response is known.
    let ReceivedRequest { permit: _permit, reservation: _reservation, body } = received;
    let length = body.len();
    match plan(&app, api, route, headers, body).await {
        Ok((served, exchange)) => {
            let answer = AuxiliaryAnswer { errors: ErrorEnvelope::Dialect(dialect), headers, length };
            Box::pin(run(&app, meta, served, exchange, answer)).await
        }
        Err(error) => {
            let response = responses::error(dialect, &error);
            AccessLogEntry::new(app.clone(), meta, FORWARD_LABEL, String::new())
                .finish_with_response(&response);
            response
        }
    }
}

/// The upstream of a request, and the exchange with it.
async fn plan<'a>(
    app: &'a Arc<AppState>,
    api: &'static dyn MediaApi,
    route: SelectedUpstream,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<(&'a UpstreamState, Box<AuxiliaryExchange>), Error> {
    let served = app.upstreams.get(route.upstream).ok_or_else(no_upstream)?;
    let upstream_dialect = dialect_named(&served.config.profile.dialect)?;
    let upstream_api = upstream_dialect.media().ok_or_else(no_upstream)?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let (content_type, length) = (content_type.to_owned(), body.len());
    let decode = move || {
        let mut lost = Diagnostics::default();
        api.decode_request(&content_type, &body, &mut lost).map(|request| (request, lost))
    };
    let (request, lost) = app.offload.run(length, decode).await?;
    let model = route.model.clone().unwrap_or_else(|| request.model.clone());
    let mut settings = app.settings(route.model.clone());
    settings.adaptations = app.adaptations.for_model(&served.config.name, &model);
    let (profile, created) = (served.config.profile.clone(), crate::clock::unix_seconds());
    let start = move || {
        let call = MediaCall::new(api, upstream_api, request, route.model, created);
        AuxiliaryExchange::start(Box::new(call), upstream_dialect, &profile, settings, lost).map(Box::new)
    };
    Ok((served, app.offload.run(length, start).await?))
}
