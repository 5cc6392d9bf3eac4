//! Answers auxiliary routes (model lists, token counts, embeddings, rankings, stored responses, forwarded paths) by the kind of each.

use crate::app_state::AppState;
use crate::handlers::arriving_form::{Inbound, receive_form};
use crate::handlers::auxiliary_request::OwnedAuxiliaryRequest;
use crate::handlers::forward::ForwardTarget;
use crate::handlers::{
    count_tokens, embeddings, forward, key_check, media, models, rerank, stored_responses,
};
use crate::http::receive::{discard, receive};
use crate::http::responses::{self, ErrorEnvelope};
use crate::http::routes::auxiliary_label;
use crate::limits::{Admission, NamedKey};
use crate::observe::access_log::AccessLogEntry;
use crate::request_meta::RequestMeta;
use axum::body::Body;
use axum::response::Response;
use http::request::Parts;
use http::{Method, StatusCode};
use openai_shim_core::dialect::auxiliary::{
    AuxiliaryKind, AuxiliaryRequest, AuxiliaryRoute, StoredResponsePart,
};
use openai_shim_core::dialect::rerank::client_form;
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::error::{ClientError, ErrorKind};
use openai_shim_core::{Error, Profile};
use std::sync::Arc;

/// The text at `/` by which programs recognize the kind of server (Ollama's greeting).
pub(crate) fn greeting() -> &'static str {
    let mut all = DIALECTS.iter().flat_map(|dialect| dialect.auxiliary_routes());
    all.find_map(|route| if let AuxiliaryKind::Greeting(text) = route.kind { Some(text) } else { None })
        .unwrap_or("")
}

/// The first upstream whose profile says that it serves a path.
fn serving_upstream(app: &AppState, path: &str) -> Option<usize> {
    app.upstreams.iter().position(|upstream| upstream.config.profile.paths.forwards(path))
}

/// The error for a path that no upstream serves. `pattern`: of the route.
fn not_served(what: &str, pattern: &str) -> ClientError {
    let fixed = pattern.split('{').next().unwrap_or_default().trim_end_matches('/');
    let text = format!(
        "There are no {what} here: requests to {fixed} are not served. If an upstream has them, they are forwarded to it \
         with paths.forward = [\"{fixed}\"] in its [upstream.quirks]."
    );
    ClientError::new(ErrorKind::NotFound, text).with_code("unknown_url")
}

/// Answers an auxiliary route.
pub(crate) async fn answer(
    app: Arc<AppState>,
    meta: RequestMeta,
    dialect: Dialect,
    route: &'static AuxiliaryRoute,
    parts: Parts,
    body: Body,
) -> Response {
    let label = auxiliary_label(route);
    // Media are forwarded like everything else where no upstream has another form for them.
    let kind = match route.kind {
        AuxiliaryKind::Media(_) if meta.method != Method::POST || !media::is_translated(&app) => {
            AuxiliaryKind::Forward
        }
        kind => kind,
    };
    let (path, name) = route.matches(&meta.path).unwrap_or_default();
    let path = path.to_owned();
    let is_read = matches!(meta.method, Method::GET | Method::HEAD);
    let finish = |meta: RequestMeta, result: Result<Response, Error>| {
        let response = result.unwrap_or_else(|error| responses::error(dialect, &error));
        AccessLogEntry::new(app.clone(), meta, label, Arc::default()).finish_with_response(&response);
        response
    };
    // Routes that are answered without an upstream need no permit and no body.
    let request = AuxiliaryRequest { name: &name, path: &meta.path, query: &meta.query, body: b"" };
    let immediate = match kind {
        AuxiliaryKind::Constant(text) | AuxiliaryKind::Greeting(text) => {
            Some(Ok(responses::json(StatusCode::OK, text)))
        }
        AuxiliaryKind::Unsupported(reason) => {
            Some(Err(Error::Client(ClientError::new(ErrorKind::Unsupported, reason))))
        }
        AuxiliaryKind::ForwardIfServed(what) if serving_upstream(&app, &path).is_none() => {
            Some(Err(Error::Client(not_served(what, route.path))))
        }
        AuxiliaryKind::ModelList(list) => Some(
            models::all(&app, meta.key.as_deref())
                .await
                .and_then(|all| Ok(responses::json(StatusCode::OK, list.encode_list(&all, &meta.query)?))),
        ),
        AuxiliaryKind::Model(api) if is_read => {
            Some(models::one(&app, api, &request, meta.key.as_deref()).await)
        }
        AuxiliaryKind::StoredResponse(api, part) => {
            let part = if part == StoredResponsePart::Response && meta.method == Method::DELETE {
                None
            } else {
                Some(part)
            };
            stored_responses::answer(&app, dialect, api, part, &meta, &name).await
        }
        _ => None,
    };
    if let Some(result) = immediate {
        discard(&meta, body).await;
        return finish(meta, result);
    }
    let default_upstream = match kind {
        AuxiliaryKind::ForwardIfServed(_) => serving_upstream(&app, &path),
        AuxiliaryKind::StoredResponse(..) => stored_responses::storing_upstream(&app, dialect),
        _ => None,
    };
    let check = if let AuxiliaryKind::ForwardChecked(check) = kind { Some(check) } else { None };
    // Forms of routes whose responses are not checked against them are sent on while they arrive. All of it must be known where
    // only some models may be used.
    let is_restricted = meta.key.as_ref().is_some_and(|key| key.is_restricted());
    let inbound = match kind {
        AuxiliaryKind::Forward | AuxiliaryKind::ForwardIfServed(_) if !is_restricted => {
            let is_served =
                |profile: &Profile| matches!(kind, AuxiliaryKind::Forward) || profile.paths.forwards(&path);
            let only = forward::only_upstream(&app, &path, is_served);
            receive_form(&app, &meta, dialect, &parts.headers, body, only).await
        }
        _ => receive(&app, &meta, dialect, &parts.headers, body).await.map(Inbound::Whole),
    };
    let inbound = match inbound {
        Ok(inbound) => inbound,
        Err(response) => {
            AccessLogEntry::new(app.clone(), meta, label, Arc::default()).finish_with_response(&response);
            return response;
        }
    };
    let target = ForwardTarget { path, default_upstream, check };
    let request = CompleteRequest { dialect, route, kind, name, target, parts, inbound };
    match meta.key.clone() {
        Some(key) => Box::pin(answer_with_key(app, key, meta, request)).await,
        None => answer_complete(app, meta, request).await,
    }
}

/// A request to an auxiliary route, received as far as it must be.
struct CompleteRequest {
    dialect: Dialect,
    route: &'static AuxiliaryRoute,
    /// How the route is served here.
    kind: AuxiliaryKind,
    /// The variable part of the path.
    name: String,
    target: ForwardTarget,
    parts: Parts,
    inbound: Inbound,
}

/// Answers a request whose key has a name, if the key permits that.
async fn answer_with_key(
    app: Arc<AppState>,
    key: Arc<NamedKey>,
    mut meta: RequestMeta,
    request: CompleteRequest,
) -> Response {
    let CompleteRequest { dialect, route, name, parts, inbound, .. } = &request;
    let (dialect, source) = (*dialect, (&parts.headers, &*meta.query));
    let checked = key_check::check_auxiliary(&key, route, name, source, inbound);
    let is_counted = key_check::is_counted(route.kind, &meta.method);
    let demand = key_check::auxiliary_demand(route.kind, inbound);
    let mut standing = None;
    let admitted = match checked {
        Ok(()) if !is_counted => return answer_complete(app, meta, request).await,
        Ok(()) => Admission::of(key.clone(), demand).await.map_err(|refused| {
            standing = Some(refused.standing);
            key.refusal(&refused)
        }),
        Err(error) => Err(error),
    };
    let mut response = match admitted {
        Ok(admission) => {
            standing = Some(*admission.standing());
            meta.admission = Some(Arc::new(admission));
            answer_complete(app, meta, request).await
        }
        Err(error) => refuse(&app, meta, request, &error).await,
    };
    if let Some(standing) = standing {
        standing.add_headers(dialect, response.headers_mut());
    }
    response
}

/// Refuses a request before any upstream gets it.
async fn refuse(app: &Arc<AppState>, meta: RequestMeta, request: CompleteRequest, error: &Error) -> Response {
    let CompleteRequest { dialect, route, kind, inbound, .. } = request;
    let errors = match (kind, &inbound) {
        (AuxiliaryKind::Rerank, Inbound::Whole(received)) => {
            let body = &received.body;
            let request = AuxiliaryRequest { name: "", path: &meta.path, query: &meta.query, body };
            ErrorEnvelope::Rerank(client_form(&request))
        }
        _ => ErrorEnvelope::Dialect(dialect),
    };
    let response = errors.response(error);
    AccessLogEntry::new(app.clone(), meta, auxiliary_label(route), Arc::default())
        .finish_with_response(&response);
    if let Inbound::Form(form) = inbound {
        form.discard().await;
    }
    response
}

/// Answers a request that may be sent.
async fn answer_complete(app: Arc<AppState>, meta: RequestMeta, request: CompleteRequest) -> Response {
    let CompleteRequest { dialect, route, kind, name, target, parts, inbound } = request;
    let finish = |meta: RequestMeta, result: Result<Response, Error>| {
        let response = result.unwrap_or_else(|error| responses::error(dialect, &error));
        AccessLogEntry::new(app.clone(), meta, auxiliary_label(route), Arc::default())
            .finish_with_response(&response);
        response
    };
    let received = match inbound {
        Inbound::Whole(received) => received,
        form @ Inbound::Form(_) => return forward::forward(app, meta, dialect, target, parts, form).await,
    };
    let request = OwnedAuxiliaryRequest {
        name,
        path: meta.path.clone(),
        query: meta.query.to_string(),
        body: received.body.clone(),
    };
    match kind {
        AuxiliaryKind::Model(api) => {
            let key = meta.key.clone();
            return finish(meta, models::one(&app, api, &request.as_request(), key.as_deref()).await);
        }
        AuxiliaryKind::TokenCount(api) => {
            let owner = meta.owner.clone();
            let counted = Box::pin(count_tokens::count(&app, dialect, api, request, &parts.headers, owner));
            return finish(meta, counted.await);
        }
        AuxiliaryKind::Embeddings(api) => {
            return embeddings::embed(app, meta, dialect, api, request, &parts.headers).await;
        }
        AuxiliaryKind::Rerank => return rerank::rank(app, meta, request, &parts.headers).await,
        AuxiliaryKind::Media(api) => {
            let query = parts.uri.query().unwrap_or_default();
            let translating = media::translating_upstream(&app, &parts.headers, query, &received.body).await;
            if let Some(upstream) = translating {
                return media::answer(app, meta, dialect, api, upstream, &parts.headers, received).await;
            }
        }
        _ => {}
    }
    forward::forward(app, meta, dialect, target, parts, Inbound::Whole(received)).await
}
