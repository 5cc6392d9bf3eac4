//! Answers requests for token counts: selects the upstream, of which core asks the count.

use crate::app_state::AppState;
use crate::handlers::auxiliary_request::OwnedAuxiliaryRequest;
use crate::http::body_resources::BodyResources;
use crate::http::responses;
use crate::routing::targets::no_upstream;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use openai_shim_core::Error;
use openai_shim_core::dialect::Dialect;
use openai_shim_core::dialect::auxiliary::TokenCountApi;
use openai_shim_core::exchange::ClientRequest;
use openai_shim_core::state::Owner;
use openai_shim_core::upstream::auxiliary::TokenCount;
use std::sync::Arc;

/// Answers a token count request.
pub(crate) async fn count(
    app: &Arc<AppState>,
    dialect: Dialect,
    api: &'static dyn TokenCountApi,
    request: OwnedAuxiliaryRequest,
    headers: &HeaderMap,
    owner: Owner,
) -> Result<Response, Error> {
    let (length, headers) = (request.body.len(), headers.clone());
    let read = move || {
        let generation = api.generation_request(&request.as_request())?;
        let read = ClientRequest::read(dialect, &generation.path, Bytes::from(generation.body))?;
        Ok::<_, Error>(read.with_headers(headers).with_owner(owner))
    };
    let client_request = app.process.offload.run(length, read).await?;
    let route = app.route(client_request.model(), false).await?;
    let served = app.upstreams.get(route.upstream).ok_or_else(no_upstream)?;
    let name = &served.config.name;
    let target = app.target(served, route.model, client_request.model());
    let settings = app.settings();
    let (resources, store) = (BodyResources::new(app), Some(&*served.store));
    let queries = resources.queries(&*served.transport);
    let counted = queries.count_tokens(api, client_request, target, settings, app.context(), store).await?;
    let TokenCount { body, is_estimate, diagnostics, .. } = counted;
    let mut response = responses::json(StatusCode::OK, body);
    if is_estimate {
        response.headers_mut().insert(responses::OUTCOME, HeaderValue::from_static("estimated"));
    }
    responses::add_upstream_header(response.headers_mut(), name);
    responses::add_diagnostics_header(response.headers_mut(), &diagnostics);
    Ok(response)
}
