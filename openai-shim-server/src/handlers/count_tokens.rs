//! Counts the tokens of a request: through the upstream's own count, in any dialect in which it has one, else by an estimate.

use crate::app_state::{AppState, UpstreamState};
use crate::handlers::auxiliary_request::OwnedAuxiliaryRequest;
use crate::http::responses;
use crate::offload::OffloadPool;
use crate::routing::targets::no_upstream;
use crate::upstream::query::{decode_failure, send_query};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use openai_shim_core::canonical::DiagnosticCode;
use openai_shim_core::dialect::auxiliary::{AuxiliaryKind, TokenCountApi};
use openai_shim_core::dialect::{Dialect, dialect as dialect_named};
use openai_shim_core::exchange::ClientRequest;
use openai_shim_core::fallback::token_estimate::estimate_tokens;
use openai_shim_core::state::Owner;
use openai_shim_core::upstream::StateStore;
use openai_shim_core::{Diagnostics, Error, ErrorKind, Exchange, Profile, Step, UpstreamError};
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
        let incoming = ClientRequest::read(dialect, &generation.path, Bytes::from(generation.body))?
            .with_headers(headers)
            .with_owner(owner);
        let estimate = estimate_tokens(incoming.request());
        Ok::<_, Error>((incoming, estimate))
    };
    let (incoming, estimate) = app.offload.run(length, read).await?;
    let route = app.route(incoming.model()).await?;
    let served = app.upstreams.get(route.upstream).ok_or_else(no_upstream)?;
    let UpstreamCount { answer, mut diagnostics } =
        count_at_upstream(app, served, incoming, length, dialect, route.model).await?;
    let mut response = match answer {
        Some((upstream_dialect, answer))
            if upstream_dialect.name() == dialect.name()
                && has_number(&answer, api.decode_response(&answer)) =>
        {
            responses::json(StatusCode::OK, answer)
        }
        Some((upstream_dialect, answer)) => {
            let tokens = token_count_api(upstream_dialect)
                .and_then(|upstream_api| upstream_api.decode_response(&answer));
            responses::json(StatusCode::OK, api.encode_response(tokens.unwrap_or(estimate)))
        }
        None => {
            diagnostics.record(DiagnosticCode::TokensEstimated, "", "");
            let mut response = responses::json(StatusCode::OK, api.encode_response(estimate));
            response.headers_mut().insert(responses::OUTCOME, HeaderValue::from_static("estimated"));
            response
        }
    };
    responses::add_upstream_header(response.headers_mut(), &served.config.name);
    responses::add_diagnostics_header(response.headers_mut(), &diagnostics);
    Ok(response)
}

/// Whether the count in a response is a whole number, which some servers write as text or with a fraction.
fn has_number(answer: &[u8], count: Option<u64>) -> bool {
    let members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(answer).unwrap_or_default();
    members.values().any(|value| value.is_u64() && value.as_u64() == count)
}

/// A dialect's token count API, if it has one.
fn token_count_api(dialect: Dialect) -> Option<&'static dyn TokenCountApi> {
    dialect.auxiliary_routes().iter().find_map(|route| match route.kind {
        AuxiliaryKind::TokenCount(api) => Some(api),
        _ => None,
    })
}

/// The result of asking an upstream for a count.
#[derive(Default)]
struct UpstreamCount {
    /// The response with its dialect; `None`: the upstream does not count.
    answer: Option<(Dialect, Vec<u8>)>,
    diagnostics: Diagnostics,
}

/// Sends the upstream a count request for what it would get as a generate request.
async fn count_at_upstream(
    app: &Arc<AppState>,
    served: &UpstreamState,
    incoming: ClientRequest,
    length: usize,
    client: Dialect,
    model: Option<String>,
) -> Result<UpstreamCount, Error> {
    let mut settings = app.settings(model);
    let model = settings.upstream_model.clone().unwrap_or_else(|| incoming.model().to_owned());
    settings.adaptations = app.adaptations.for_model(&served.config.name, &model);
    let Some((dialect, profile)) = counting_dialect(&served.config.profile, client, &model) else {
        return Ok(UpstreamCount::default());
    };
    let Some(api) = token_count_api(dialect) else { return Ok(UpstreamCount::default()) };
    // The exchange's first request is what would be sent, and so what must be counted.
    let context = app.context();
    let start = move || Exchange::start(incoming, profile, settings, context);
    let exchange = app.offload.run(length, start).await?;
    let (exchange, step) = first_step(&app.offload, length, exchange, &*served.store).await?;
    let Step::Send { request, .. } = step else { return Ok(UpstreamCount::default()) };
    let diagnostics = exchange.diagnostics();
    let headers = request.headers().clone();
    let build = move || {
        let path = request.uri().path_and_query().map_or("", http::uri::PathAndQuery::as_str);
        api.encode_request(path, request.body())
    };
    let Some(query) = app.offload.run(length, build).await else {
        return Ok(UpstreamCount::default());
    };
    let (mut reservation, limit) = (app.body_budget.empty_reservation(), app.config.limits.response_body);
    let (head, answer) = send_query(
        &*served.transport,
        &query.path,
        headers,
        Bytes::from(query.body),
        &mut reservation,
        limit,
    )
    .await?;
    if head.status.is_success() && api.decode_response(&answer).is_some() {
        return Ok(UpstreamCount { answer: Some((dialect, answer)), diagnostics });
    }
    match decode_failure(dialect, &head, &answer) {
        failure if !head.status.is_success() && !is_without_count(&failure) => Err(failure),
        _ => Ok(UpstreamCount { answer: None, diagnostics }),
    }
}

/// Whether an error says that the upstream cannot count, which many servers of a dialect cannot: in whatever way, but that the
/// key or the limit is at fault, or the request itself.
fn is_without_count(failure: &Error) -> bool {
    /// Words with which servers refuse a route or an operation.
    const CANNOT: [&str; 14] = [
        "support",
        "implement",
        "available",
        "enabled",
        "unknown",
        "not found",
        "no such",
        "does not exist",
        "unrecognized",
        "not allowed",
        "invalid url",
        "invalid path",
        "cannot count",
        "not permitted",
    ];
    /// No such method, no longer there, no such type, not implemented.
    const CANNOT_BY_STATUS: [u16; 4] = [405, 410, 415, 501];
    let Error::Upstream(UpstreamError::Status(error)) = failure else { return true };
    if CANNOT_BY_STATUS.contains(&error.status) {
        return true;
    }
    let message = error.message.to_ascii_lowercase();
    match error.kind {
        ErrorKind::Authentication | ErrorKind::RateLimited | ErrorKind::Quota | ErrorKind::ContextLength => {
            false
        }
        ErrorKind::InvalidRequest => CANNOT.iter().any(|word| message.contains(word)),
        _ => true,
    }
}

/// The exchange's first step that is not about state: loads the state it needs. `length`: bytes of the request.
async fn first_step(
    offload: &OffloadPool,
    length: usize,
    mut exchange: Exchange,
    store: &dyn StateStore,
) -> Result<(Exchange, Step), Error> {
    match exchange.next() {
        Step::Load(keys) => {
            let values = store.load(&keys).await.unwrap_or_else(|error| {
                exchange.note_state_error(&error.message);
                vec![None; keys.len()]
            });
            let provide = move || {
                exchange.provide(values)?;
                let step = exchange.next();
                Ok((exchange, step))
            };
            offload.run(length, provide).await
        }
        step => Ok((exchange, step)),
    }
}

/// The dialect in which the upstream counts for a model, the client's own dialect before others, and the profile with that
/// dialect as its first.
fn counting_dialect(profile: &Arc<Profile>, client: Dialect, model: &str) -> Option<(Dialect, Arc<Profile>)> {
    let model_profile = profile.for_model(model);
    let dialects: Vec<_> = std::iter::once(&model_profile.dialect)
        .chain(&model_profile.extra_dialects)
        .filter_map(|name| dialect_named(name).ok())
        .collect();
    let same = dialects.iter().find(|dialect| dialect.name() == client.name());
    let dialect = same.into_iter().chain(&dialects).find(|dialect| token_count_api(**dialect).is_some())?;
    if dialect.name() == profile.dialect || dialect.name() == client.name() {
        return Some((*dialect, profile.clone()));
    }
    let mut other = Profile::clone(profile);
    dialect.name().clone_into(&mut other.dialect);
    other.paths.generate.clear();
    Some((*dialect, Arc::new(other)))
}
