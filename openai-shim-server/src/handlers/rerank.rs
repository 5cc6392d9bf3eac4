//! Answers requests for rankings, translated between the client's form and the upstream's.

use crate::app_state::{AppState, UpstreamState};
use crate::handlers::auxiliary_exchange::{AuxiliaryAnswer, run};
use crate::handlers::auxiliary_request::OwnedAuxiliaryRequest;
use crate::http::responses::ErrorEnvelope;
use crate::http::routes::FORWARD_LABEL;
use crate::observe::access_log::AccessLogEntry;
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
use openai_shim_core::exchange::{AuxiliaryExchange, RerankCall};
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
    let (form, decoded) = app.offload.run(length, read).await;
    let errors = ErrorEnvelope::Rerank(form);
    let planned = match decoded {
        Ok((spec, lost)) => plan(&app, form, spec, lost, source).await,
        Err(error) => Err(Error::Client(error)),
    };
    match planned {
        Ok((served, exchange)) => {
            Box::pin(run(&app, meta, served, exchange, AuxiliaryAnswer { errors, headers, length })).await
        }
        Err(error) => {
            let response = errors.response(&error);
            AccessLogEntry::new(app.clone(), meta, FORWARD_LABEL, String::new())
                .finish_with_response(&response);
            response
        }
    }
}

/// Selects the upstream, and prepares the exchange with it.
async fn plan<'a>(
    app: &'a Arc<AppState>,
    form: &'static RerankForm,
    spec: RerankRequest,
    lost: Diagnostics,
    source: Bytes,
) -> Result<(&'a UpstreamState, Box<AuxiliaryExchange>), Error> {
    let route = if spec.model.is_empty() {
        app.route_without_model_to(ranking_upstream(app))
    } else {
        app.route(&spec.model).await?
    };
    let served = app.upstreams.get(route.upstream).ok_or_else(no_upstream)?;
    let upstream_dialect = dialect_named(&served.config.profile.dialect)?;
    let model = route.model.clone().unwrap_or_else(|| spec.model.clone());
    let upstream_form =
        rerank_form(format_of(served, &model)).ok_or_else(|| no_rankings(&served.config.name))?;
    // What only the client's form has is lost only in another one.
    let lost = if upstream_form.format == form.format { Diagnostics::default() } else { lost };
    let mut settings = app.settings(route.model.clone());
    settings.adaptations = app.adaptations.for_model(&served.config.name, &model);
    let (profile, length) = (served.config.profile.clone(), source.len());
    let start = move || {
        let call = RerankCall::new(form, upstream_form, spec, route.model, source);
        AuxiliaryExchange::start(Box::new(call), upstream_dialect, &profile, settings, lost).map(Box::new)
    };
    Ok((served, app.offload.run(length, start).await?))
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
