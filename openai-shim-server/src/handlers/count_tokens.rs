//! How many tokens a request has: by its upstream's own count, in whichever dialect it has one, else by an estimate that
//! says so.

use crate::app_state::{AppState, UpstreamState};
use crate::handlers::auxiliary::Question;
use crate::http::responses;
use crate::state;
use crate::upstream::query::{failure, send_query};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use openai_shim_core::canonical::DiagnosticCode;
use openai_shim_core::dialect::auxiliary::{AuxiliaryKind, TokenCountApi};
use openai_shim_core::dialect::{Dialect, dialect as named};
use openai_shim_core::exchange::ClientRequest;
use openai_shim_core::fallback::token_estimate::estimate_tokens;
use openai_shim_core::state::Owner;
use openai_shim_core::{Diagnostics, Error, Exchange, Profile, Step};
use std::sync::Arc;

/// Answers a client that asks for a count.
pub(crate) async fn count(
    app: &Arc<AppState>,
    dialect: &'static dyn Dialect,
    counting: &'static dyn TokenCountApi,
    question: Question,
    (headers, owner): (&HeaderMap, Owner),
) -> Result<Response, Error> {
    let (length, headers) = (question.body.len(), headers.clone());
    let read = move || {
        let counted = counting.generation_request(&question.asking())?;
        let incoming = ClientRequest::read(dialect, &counted.path, Bytes::from(counted.body))?
            .with_headers(headers)
            .with_owner(owner);
        let estimate = estimate_tokens(incoming.request());
        Ok::<_, Error>((incoming, estimate))
    };
    let (incoming, estimate) = app.work.run(length, read).await?;
    let route = app.route(incoming.model()).await?;
    let served = app.upstreams.get(route.upstream).ok_or_else(crate::routing::targets::no_upstream)?;
    let (counted, mut diagnostics) = counted(app, served, incoming, length, dialect, route.model).await?;
    let mut response = match counted {
        Some((own, answer)) if own.name() == dialect.name() => responses::json(StatusCode::OK, answer),
        Some((own, answer)) => {
            let tokens = counting_of(own).and_then(|theirs| theirs.decode_response(&answer));
            responses::json(StatusCode::OK, counting.encode_response(tokens.unwrap_or(estimate)))
        }
        None => {
            diagnostics.record(DiagnosticCode::TokensEstimated, "", "");
            let mut response = responses::json(StatusCode::OK, counting.encode_response(estimate));
            response.headers_mut().insert(responses::OUTCOME, HeaderValue::from_static("estimated"));
            response
        }
    };
    responses::upstream_header(response.headers_mut(), &served.config.name);
    responses::diagnostics_header(response.headers_mut(), &diagnostics);
    Ok(response)
}

fn counting_of(dialect: &dyn Dialect) -> Option<&'static dyn TokenCountApi> {
    dialect.auxiliary_routes().iter().find_map(|route| match route.kind {
        AuxiliaryKind::TokenCount(counting) => Some(counting),
        _ => None,
    })
}

/// What an upstream answers, with the dialect that it was asked in; nothing, where it does not count.
async fn counted(
    app: &Arc<AppState>,
    served: &UpstreamState,
    incoming: ClientRequest,
    length: usize,
    client: &'static dyn Dialect,
    model: Option<String>,
) -> Result<(Option<(&'static dyn Dialect, Vec<u8>)>, Diagnostics), Error> {
    let mut settings = app.settings(model);
    let model = settings.upstream_model.clone().unwrap_or_else(|| incoming.model().to_owned());
    settings.adaptations = app.learned.of(&served.config.name, &model);
    let none = (None, Diagnostics::default());
    let Some((own, profile)) = speaker(&served.config.profile, client, &model) else { return Ok(none) };
    let Some(counting) = counting_of(own) else { return Ok(none) };
    // The request for the answer itself says what would be sent, and so what is to be counted.
    let context = app.context();
    let start = move || Exchange::start(incoming, profile, settings, context);
    let exchange = app.work.run(length, start).await?;
    let (exchange, step) = state::loaded(&app.work, length, exchange, &*served.store).await?;
    let Step::Send { request, .. } = step else { return Ok(none) };
    let diagnostics = exchange.diagnostics();
    let headers = request.headers().clone();
    let question = move || {
        let path = request.uri().path_and_query().map_or("", http::uri::PathAndQuery::as_str);
        counting.encode_request(path, request.body())
    };
    let Some(query) = app.work.run(length, question).await else { return Ok(none) };
    let (mut held, most) = (app.bodies.open(), app.config.limits.response_body);
    let (head, answer) =
        send_query(&served.transport, &query.path, headers, Bytes::from(query.body), (&mut held, most))
            .await?;
    if head.status.is_success() && counting.decode_response(&answer).is_some() {
        return Ok((Some((own, answer)), diagnostics));
    }
    // Not everyone who speaks a dialect counts.
    if head.status.is_success() || matches!(head.status.as_u16(), 404 | 405 | 501) {
        return Ok(none);
    }
    Err(failure(own, &head, &answer))
}

/// The dialect in which an upstream can be asked for a count of this model's, the client's own before others; with the row
/// that speaks it first.
fn speaker(
    profile: &Arc<Profile>,
    client: &'static dyn Dialect,
    model: &str,
) -> Option<(&'static dyn Dialect, Arc<Profile>)> {
    let row = profile.for_model(model);
    let spoken: Vec<_> = std::iter::once(&row.dialect)
        .chain(&row.extra_dialects)
        .filter_map(|name| named(name).ok())
        .collect();
    let own = spoken.iter().find(|one| one.name() == client.name());
    let one = own.into_iter().chain(&spoken).find(|one| counting_of(**one).is_some())?;
    if one.name() == profile.dialect || one.name() == client.name() {
        return Some((*one, profile.clone()));
    }
    let mut other = Profile::clone(profile);
    one.name().clone_into(&mut other.dialect);
    other.paths.generate.clear();
    Some((*one, Arc::new(other)))
}
