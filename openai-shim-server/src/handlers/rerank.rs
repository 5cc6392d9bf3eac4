//! Answers requests for rankings, translated between the client's form and the upstream's.

use crate::app_state::{AppState, UpstreamState};
use crate::handlers::auxiliary_exchange::{AuxiliaryPlan, AuxiliaryStart, answer};
use crate::handlers::auxiliary_request::OwnedAuxiliaryRequest;
use crate::http::responses::ErrorEnvelope;
use crate::request_meta::RequestMeta;
use crate::routing::targets::no_upstream;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use openai_shim_core::accepts::RerankFormat;
use openai_shim_core::canonical::RerankRequest;
use openai_shim_core::dialect::dialect as dialect_named;
use openai_shim_core::dialect::rerank::{RerankForm, client_form, rerank_form};
use openai_shim_core::error::{ClientError, ErrorKind};
use openai_shim_core::exchange::RerankCall;
use openai_shim_core::{Diagnostics, Error};
use std::sync::Arc;

/// Answers a request for a ranking.
pub(crate) async fn rank(
    app: Arc<AppState>,
    meta: RequestMeta,
    request: OwnedAuxiliaryRequest,
    headers: &HeaderMap,
) -> Response {
    let (length, source) = (request.body.len(), request.body.clone());
    let read = move || {
        let (request, mut lost) = (request.as_request(), Diagnostics::default());
        let form = client_form(&request);
        (form, form.decode_request(&request, &mut lost).map(|spec| (spec, lost)))
    };
    let (form, decoded) = app.process.offload.run(length, read).await;
    let planned = match decoded {
        Ok((spec, lost)) => plan(&app, form, spec, lost, source).await,
        Err(error) => Err(Error::Client(error)),
    };
    answer(&app, meta, planned, ErrorEnvelope::Rerank(form), headers).await
}

/// Selects the upstream, and prepares the exchange with it.
async fn plan<'a>(
    app: &'a Arc<AppState>,
    form: &'static RerankForm,
    spec: RerankRequest,
    lost: Diagnostics,
    source: Bytes,
) -> Result<AuxiliaryPlan<'a>, Error> {
    let route = if spec.model.is_empty() {
        app.route_without_model_to(ranking_upstream(app))
    } else {
        app.route(&spec.model, true).await?
    };
    let served = app.upstreams.get(route.upstream).ok_or_else(no_upstream)?;
    let model = spec.model.clone();
    let upstream_form = rerank_form(format_of(served, route.model.as_deref().unwrap_or(&model)))
        .ok_or_else(|| no_rankings(&served.config.name))?;
    // What only the client's form has is lost only in another one.
    let lost = if upstream_form.format == form.format { Diagnostics::default() } else { lost };
    let length = source.len();
    let start =
        AuxiliaryStart { served, upstream_model: route.model, health: route.health, model, lost, length };
    start.plan(app, move |name| RerankCall::new(form, upstream_form, spec, name, source)).await
}

/// The form in which an upstream takes rankings.
fn format_of(served: &UpstreamState, model: &str) -> RerankFormat {
    let profile = served.config.profile.for_model(model);
    dialect_named(&profile.dialect)
        .map_or(RerankFormat::None, |dialect| profile.accepts(dialect.accepts()).rerank.format)
}

/// The upstream for requests that name no model: the first whose profile says how it ranks, then the first that may.
fn ranking_upstream(app: &AppState) -> usize {
    let ranks = |served: &UpstreamState| format_of(served, "") != RerankFormat::None;
    let is_known = |served: &UpstreamState| served.config.profile.rerank.format.is_some() && ranks(served);
    let known = app.upstreams.iter().position(is_known);
    known.or_else(|| app.upstreams.iter().position(ranks)).unwrap_or_default()
}

fn no_rankings(upstream: &str) -> ClientError {
    let text = format!(
        "The upstream `{upstream}` ranks no documents: send the model of another one. If it does, rerank.format in its \
         [upstream.quirks] says in which form."
    );
    ClientError::new(ErrorKind::Unsupported, text).at("model").with_code("unknown_url")
}
