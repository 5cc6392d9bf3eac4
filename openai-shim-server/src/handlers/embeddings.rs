//! Answers embeddings requests, translated between the client's and the upstream's API.

use crate::app_state::{AppState, UpstreamState};
use crate::handlers::auxiliary_request::OwnedAuxiliaryRequest;
use crate::http::responses;
use crate::http::routes::FORWARD_LABEL;
use crate::observe::access_log::AccessLogEntry;
use crate::observe::body_log::{self, BodyLog};
use crate::request_meta::RequestMeta;
use crate::routing::targets::no_upstream;
use crate::upstream::query::{decode_failure, returned_headers, send_query};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use openai_shim_core::canonical::{DiagnosticCode, EmbedRequest};
use openai_shim_core::dialect::auxiliary::{
    AuxiliaryKind, EmbeddingsApi, convert_embeddings, states_failure,
};
use openai_shim_core::dialect::{DIALECTS, Dialect, dialect as dialect_named};
use openai_shim_core::{Diagnostics, Error, Upstream, UpstreamError};
use std::sync::Arc;

/// Answers an embeddings request.
pub(crate) async fn embed(
    app: Arc<AppState>,
    meta: RequestMeta,
    dialect: &'static dyn Dialect,
    embedding: &'static dyn EmbeddingsApi,
    request: OwnedAuxiliaryRequest,
    headers: &HeaderMap,
) -> Response {
    let (id, mut diagnostics) = (meta.id.clone(), Diagnostics::default());
    let planned = plan(&app, embedding, request, &mut diagnostics).await;
    let name = planned.as_ref().map_or_else(|_| String::new(), |plan| plan.served.config.name.clone());
    // If the client disconnects from here on, dropping the entry logs that.
    let log_entry = AccessLogEntry::new(app.clone(), meta, FORWARD_LABEL, name.clone());
    let result = match planned {
        Ok(plan) => plan.run(&app, &id, embedding, headers, &mut diagnostics).await,
        Err(error) => Err(error),
    };
    let mut response = match result {
        Ok(EmbeddingsAnswer { headers, body }) => {
            let mut response = responses::json(StatusCode::OK, body);
            response.headers_mut().extend(headers);
            response
        }
        Err(error) => responses::error(dialect, &error),
    };
    responses::add_diagnostics_header(response.headers_mut(), &diagnostics);
    responses::add_upstream_header(response.headers_mut(), &name);
    log_entry.finish_with_response(&response);
    response
}

/// The embeddings APIs of a dialect.
fn embeddings_apis(dialect: &dyn Dialect) -> impl Iterator<Item = &'static dyn EmbeddingsApi> + use<> {
    dialect.auxiliary_routes().iter().filter_map(|route| match route.kind {
        AuxiliaryKind::Embeddings(api) => Some(api),
        _ => None,
    })
}

/// The upstream of an embeddings request, and the request for it.
struct EmbeddingPlan<'a> {
    served: &'a UpstreamState,
    upstream_dialect: &'static dyn Dialect,
    upstream_api: &'static dyn EmbeddingsApi,
    spec: Arc<EmbedRequest>,
    path: String,
    body: Bytes,
}

async fn plan<'a>(
    app: &'a Arc<AppState>,
    embedding: &'static dyn EmbeddingsApi,
    request: OwnedAuxiliaryRequest,
    diagnostics: &mut Diagnostics,
) -> Result<EmbeddingPlan<'a>, Error> {
    let (length, source) = (request.body.len(), request.body.clone());
    let read = move || {
        let mut lost = Diagnostics::default();
        embedding.decode_request(&request.as_request(), &mut lost).map(|spec| (spec, lost))
    };
    let (spec, lost) = app.offload.run(length, read).await?;
    let route =
        if spec.model.is_empty() { app.route_without_model() } else { app.route(&spec.model).await? };
    let served = app.upstreams.get(route.upstream).ok_or_else(no_upstream)?;
    let upstream_dialect = dialect_named(&served.config.profile.dialect)?;
    // Preferred is the client's own API, then the first API of the upstream's dialect, then the first of the registry.
    let same = embeddings_apis(upstream_dialect).find(|api| api.format() == embedding.format());
    let others = embeddings_apis(upstream_dialect)
        .chain(DIALECTS.iter().flat_map(|dialect| embeddings_apis(*dialect)));
    let upstream_api = same.into_iter().chain(others).next().unwrap_or(embedding);
    let is_same = upstream_api.format() == embedding.format();
    if !is_same {
        diagnostics.extend(&lost);
    }
    let mut sent = spec.clone();
    if let Some(model) = route.model {
        sent.model = model;
    }
    let write = move || {
        let mut diagnostics = Diagnostics::default();
        let written = upstream_api.encode_request(&sent, is_same.then_some(&source[..]), &mut diagnostics);
        (written, diagnostics)
    };
    let (written, found) = app.offload.run(length, write).await;
    diagnostics.extend(&found);
    let query = written?;
    let path = served.config.profile.paths.url(&query.path);
    Ok(EmbeddingPlan {
        served,
        upstream_dialect,
        upstream_api,
        spec: Arc::new(spec),
        path,
        body: Bytes::from(query.body),
    })
}

impl EmbeddingPlan<'_> {
    /// Sends the request, with retries, and translates the response.
    async fn run(
        self,
        app: &Arc<AppState>,
        id: &str,
        embedding: &'static dyn EmbeddingsApi,
        headers: &HeaderMap,
        diagnostics: &mut Diagnostics,
    ) -> Result<EmbeddingsAnswer, Error> {
        let EmbeddingPlan { served, upstream_dialect, upstream_api, spec, path, body } = self;
        let mut forwarded_headers = HeaderMap::new();
        served.config.profile.pass_headers(headers, &mut forwarded_headers);
        let transport = if body_log::is_enabled() {
            BodyLog::new(app.clone(), id).log_traffic_of(served.transport.clone())
        } else {
            served.transport.clone()
        };
        let retry = app.config.retry;
        let mut attempt = 1;
        loop {
            let spec = spec.clone();
            let call =
                EmbeddingCall { app, transport: &*transport, upstream_dialect, upstream_api, embedding };
            match call.send(&path, forwarded_headers.clone(), body.clone(), spec, diagnostics).await {
                Err(Error::Upstream(error))
                    if attempt < retry.attempts
                        && error.is_transient()
                        && !matches!(error, UpstreamError::Status(_)) =>
                {
                    diagnostics.record(DiagnosticCode::Retried, "", error.code().unwrap_or_default());
                    transport.pause(retry.wait_after(attempt)).await;
                    attempt += 1;
                }
                result => return result,
            }
        }
    }
}

/// The client's headers and body.
struct EmbeddingsAnswer {
    headers: HeaderMap,
    body: Vec<u8>,
}

/// One attempt: a request to the upstream, and the translation of its response.
struct EmbeddingCall<'a> {
    app: &'a Arc<AppState>,
    transport: &'a dyn Upstream,
    upstream_dialect: &'static dyn Dialect,
    upstream_api: &'static dyn EmbeddingsApi,
    embedding: &'static dyn EmbeddingsApi,
}

impl EmbeddingCall<'_> {
    async fn send(
        &self,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
        spec: Arc<EmbedRequest>,
        diagnostics: &mut Diagnostics,
    ) -> Result<EmbeddingsAnswer, Error> {
        let mut reservation = self.app.body_budget.empty_reservation();
        let limit = self.app.config.limits.response_body;
        let (head, answer) = send_query(self.transport, path, headers, body, &mut reservation, limit).await?;
        let (dialect, upstream_api, client_api) = (self.upstream_dialect, self.upstream_api, self.embedding);
        if !head.status.is_success() {
            return Err(decode_failure(dialect, &head, &answer));
        }
        let mut returned = returned_headers(&head.headers);
        returned.remove(CONTENT_LENGTH);
        returned.remove(CONTENT_TYPE);
        let translate = move || {
            let mut diagnostics = Diagnostics::default();
            let result = if states_failure(&answer, &["data", "embeddings", "embedding"]) {
                Err(dialect.decode_error(StatusCode::BAD_GATEWAY, &head.headers, &answer, &mut diagnostics))
            } else {
                convert_embeddings(upstream_api, client_api, &answer, &spec, &mut diagnostics)
            };
            (result, diagnostics)
        };
        let (result, found) = self.app.offload.run(reservation.bytes(), translate).await;
        diagnostics.extend(&found);
        Ok(EmbeddingsAnswer { headers: returned, body: result? })
    }
}
