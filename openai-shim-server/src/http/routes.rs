//! Which request goes where. The dialects say which paths are theirs; the rest is here.

use crate::app_state::AppState;
use crate::handlers::{generate, pages};
use crate::http::body_budget::{BudgetReservation, Full};
use crate::http::client_connection::Client;
use crate::http::deadline::{Ended, Lifetime};
use crate::http::{auth, body, content_coding, cors, origin, panics, responses};
use crate::observe::access_log::AccessLogEntry;
use crate::observe::body_log::{self, BodyLog};
use crate::observe::metrics::PAGE;
use crate::offload::LARGE_BODY_BYTES;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ALLOW, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, RETRY_AFTER, UPGRADE,
    WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use openai_shim_core::dialect::auxiliary::{AuxiliaryRoute, GET_AND_HEAD};
use openai_shim_core::dialect::route_lookup::{auxiliary_route, closest_dialect};
use openai_shim_core::dialect::url::query_param;
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::error::ClientError;
use openai_shim_core::state::Owner;
use openai_shim_core::{Error, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;

/// What is known of a request before it is read.
#[derive(Debug, Clone)]
pub(crate) struct RequestMeta {
    /// Its id, the client's or ours.
    pub(crate) id: String,
    pub(crate) method: Method,
    /// Its path, without doubled and trailing slashes.
    pub(crate) path: String,
    /// What stands behind its question mark.
    pub(crate) query: String,
    pub(crate) started: Instant,
    /// Whose request it is: what is kept for it belongs to that owner.
    pub(crate) owner: Owner,
    /// The client asks for the full report.
    pub(crate) debug: bool,
    /// The client sends its body only when it is told to (`Expect: 100-continue`).
    pub(crate) expects: bool,
    /// The connection that it came on.
    pub(crate) client: Arc<Client>,
}

/// What a path stands for.
#[derive(Clone, Copy)]
enum MatchedRoute {
    Generate(&'static dyn Dialect, &'static str),
    Side(&'static dyn Dialect, &'static AuxiliaryRoute),
    Page(&'static str),
}

/// All routes, for a server of axum's.
pub(crate) fn router(app: Arc<AppState>) -> Router {
    let handle =
        |State(app): State<Arc<AppState>>, request: Request| answer(app, Arc::new(Client::new()), request);
    Router::new().fallback(handle).with_state(app)
}

/// Answers a request. What is known of it at once is done at once: what waits shall be small, for it is moved and held.
pub(crate) fn answer(
    app: Arc<AppState>,
    client: Arc<Client>,
    request: Request,
) -> impl Future<Output = Response> + Send {
    client.begin(app.config.timeouts.total);
    let expects = request.headers().get(EXPECT);
    let meta = RequestMeta {
        id: request_id(&app, &request),
        method: request.method().clone(),
        path: tidy(request.uri().path()),
        query: request.uri().query().unwrap_or_default().to_owned(),
        started: Instant::now(),
        owner: Owner::single(),
        debug: app.config.debug && request.headers().get(responses::DEBUG).is_some_and(|v| v == "1"),
        expects: expects.is_some_and(|expects| expects.as_bytes().eq_ignore_ascii_case(b"100-continue")),
        client,
    };
    let origin = cors::allowed(&app, request.headers());
    // One that cannot be a header is not let in.
    let id = HeaderValue::from_str(&meta.id).unwrap_or_else(|_| HeaderValue::from_static(""));
    let bodies = body_log::wanted().then(|| BodyLog::new(app.clone(), &meta.id));
    let answered = if meta.method == Method::OPTIONS && origin.is_some() {
        Err(cors::preflight(request.headers()))
    } else {
        Ok(dispatch(app, meta, id.clone(), request))
    };
    async move {
        let mut response = match answered {
            Ok(served) => served.await,
            Err(preflight) => preflight,
        };
        if let Some(bodies) = bodies {
            response = bodies.leaving(response);
        }
        response.headers_mut().insert(responses::REQUEST_ID, id);
        if let Some(origin) = origin {
            cors::decorate(&mut response, origin);
        }
        response
    }
}

/// Whoever answers.
pub(crate) type ResponseFuture = Pin<Box<dyn Future<Output = Response> + Send>>;

fn dispatch(
    app: Arc<AppState>,
    meta: RequestMeta,
    id: HeaderValue,
    request: Request,
) -> impl Future<Output = Response> + Send {
    let found = find(&meta.method, &meta.path, request.headers());
    let dialect = match found {
        Some(MatchedRoute::Generate(dialect, _) | MatchedRoute::Side(dialect, _)) => dialect,
        Some(MatchedRoute::Page(_)) => responses::default_dialect(),
        None => closest_dialect(&meta.path, request.headers()).unwrap_or_else(responses::default_dialect),
    };
    let lifetime = Lifetime::new(app.clone(), meta.client.clone());
    let served = panics::polled(|| serve(app, found, dialect, meta, request));
    async move {
        let answered = match served {
            Some(served) => lifetime.respond(served).await,
            None => Err(Ended::Panic),
        };
        let mut response = answered.unwrap_or_else(|ended| {
            let id = id.to_str().unwrap_or_default();
            match ended {
                Ended::Cut(error) => {
                    tracing::warn!(id, "this request was ended: {error}");
                    responses::error(dialect, &Error::Upstream(error))
                }
                Ended::Panic => {
                    // Where the log itself is at fault the client is answered all the same.
                    let _ =
                        panics::polled(|| tracing::error!(id, "a fault of openai-shim ended this request"));
                    panics::reply(dialect)
                }
            }
        });
        // The upstream's own id, where it is known; else ours.
        if let Some(name) = dialect.headers().request_id {
            response.headers_mut().entry(name).or_insert(id);
        }
        response
    }
}

fn serve(
    app: Arc<AppState>,
    found: Option<MatchedRoute>,
    dialect: &'static dyn Dialect,
    mut meta: RequestMeta,
    request: Request,
) -> ResponseFuture {
    let (parts, body) = request.into_parts();
    let label = found.map_or("unknown", MatchedRoute::label);
    let owner =
        auth::owner(&app, &meta.method, &meta.path, &parts.headers, key_in(dialect, &meta).as_deref());
    let foreign = origin::check(&app.config, &meta.method, &meta.path, &parts.uri, &parts.headers).err();
    let refusal = match &found {
        _ if foreign.is_some() => foreign.map(|error| responses::error(dialect, &Error::Client(error))),
        _ if is_websocket(&meta.method, &parts.headers) => Some(no_websocket(dialect)),
        None => Some(unknown(dialect, &meta)),
        Some(_) if owner.is_none() => Some(no_key(dialect)),
        Some(route) => wrong_method(dialect, &meta, route.methods())
            .or_else(|| too_large(dialect, &meta, &parts.headers, app.config.limits.request_body)),
    };
    meta.owner = owner.unwrap_or(Owner::single());
    let refusal = match (refusal, found) {
        (None, Some(MatchedRoute::Generate(dialect, _))) => {
            // The rest of the head is a piece of the connection's buffer, which shall be free again soon.
            let headers = parts.headers;
            return Box::pin(async move {
                match read(&app, &meta, dialect, &headers, body).await {
                    Ok(received) if received.body.len() < LARGE_BODY_BYTES => {
                        generate::generate(&app, dialect, meta, headers, received).await
                    }
                    // Rare, and large: it takes room only while it lasts.
                    Ok(received) => Box::pin(elsewhere(&app, dialect, meta, headers, received)).await.await,
                    Err(response) => answered(app, meta, label, response),
                }
            });
        }
        (None, Some(MatchedRoute::Side(dialect, route))) => {
            return Box::pin(crate::handlers::auxiliary::answer(app, meta, dialect, route, parts, body));
        }
        (None, Some(MatchedRoute::Page(page))) => {
            let response = pages::page(&app, page, &parts.headers);
            return Box::pin(std::future::ready(answered(app, meta, label, response)));
        }
        (None, None) => unknown(dialect, &meta),
        (Some(refusal), _) => refusal,
    };
    Box::pin(async move {
        discard(&meta, body).await;
        answered(app, meta, label, refusal)
    })
}

/// Reads what a client sends and nobody wants, so that its refusal arrives; a client that asked first need not send it.
pub(crate) async fn discard(meta: &RequestMeta, body: Body) {
    if !meta.expects {
        body::discard(body).await;
    }
}

/// Begins a large request away from the threads that serve.
async fn elsewhere(
    app: &Arc<AppState>,
    dialect: &'static dyn Dialect,
    meta: RequestMeta,
    headers: HeaderMap,
    received: Received,
) -> ResponseFuture {
    let (other, length) = (app.clone(), received.body.len());
    app.work.run(length, move || generate::generate(&other, dialect, meta, headers, received)).await
}

/// A response that no upstream had a part in, counted and logged.
fn answered(app: Arc<AppState>, meta: RequestMeta, label: &'static str, response: Response) -> Response {
    AccessLogEntry::new(app, meta, label, String::new()).answered(&response);
    response
}

/// A request that has come, with what it takes here until it is answered.
pub(crate) struct Received {
    /// A place among the requests that may wait for an upstream.
    pub(crate) place: OwnedSemaphorePermit,
    /// The room that its body takes.
    pub(crate) held: BudgetReservation,
    pub(crate) body: Bytes,
}

/// Reads a request for which there is a place and room; else says why there is none.
pub(crate) async fn read(
    app: &Arc<AppState>,
    meta: &RequestMeta,
    dialect: &dyn Dialect,
    headers: &HeaderMap,
    body: Body,
) -> Result<Received, Response> {
    let codings = match content_coding::codings(headers, &CONTENT_ENCODING) {
        Ok(codings) => codings,
        Err(given) => {
            Box::pin(discard(meta, body)).await;
            return Err(unknown_coding(dialect, &given));
        }
    };
    let Ok(place) = app.places.clone().try_acquire_owned() else {
        Box::pin(discard(meta, body)).await;
        return Err(full(dialect));
    };
    let (limit, mut held) = (app.config.limits.request_body, app.bodies.open());
    let body = match body::read(body, limit, &mut held).await {
        Ok(body) if codings.is_empty() => Ok(body),
        Ok(body) => Box::pin(decoded(app, codings, body, &mut held)).await,
        Err(error) => Err(error),
    };
    let body = body.map_err(|error| refused(dialect, error))?;
    if body_log::wanted() {
        BodyLog::new(app.clone(), &meta.id).line("request", &body);
    }
    Ok(Received { place, held, body })
}

/// The plain bytes of a body; away from here, if they are many.
async fn decoded(
    app: &AppState,
    codings: Vec<content_coding::Coding>,
    body: Bytes,
    held: &mut BudgetReservation,
) -> Result<Bytes, ClientError> {
    let limit = app.config.limits.request_body;
    let mut plain = Err(ClientError::new(ErrorKind::TooLarge, ""));
    if body.len() < LARGE_BODY_BYTES {
        plain = content_coding::request::decode(&codings, body.clone(), limit.min(LARGE_BODY_BYTES));
    }
    // How much it is shows only then.
    if limit > LARGE_BODY_BYTES && plain.as_ref().is_err_and(|error| error.kind == ErrorKind::TooLarge) {
        let likely = body.len().saturating_mul(8).clamp(LARGE_BODY_BYTES, limit);
        let decode = move || content_coding::request::decode(&codings, body, limit);
        plain = app.work.run(likely, decode).await;
    }
    let plain = plain?;
    held.cover(plain.len()).map_err(|Full| body::no_room())?;
    held.shrink(plain.len());
    Ok(plain)
}

/// An error of a body that could not be read.
fn refused(dialect: &dyn Dialect, error: ClientError) -> Response {
    let overloaded = error.kind == ErrorKind::Overloaded;
    let mut response = responses::error(dialect, &Error::Client(error));
    if overloaded {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

impl MatchedRoute {
    /// What stands for it in logs and metrics.
    fn label(self) -> &'static str {
        match self {
            Self::Generate(dialect, _) => dialect.name(),
            Self::Side(_, route) => crate::handlers::auxiliary::label(route),
            Self::Page(_) => PAGE,
        }
    }

    fn methods(self) -> &'static str {
        match self {
            Self::Generate(_, methods) => methods,
            Self::Side(_, route) => route.methods,
            Self::Page(_) => GET_AND_HEAD,
        }
    }
}

/// The route of a path.
fn find(method: &Method, path: &str, headers: &HeaderMap) -> Option<MatchedRoute> {
    for dialect in DIALECTS {
        if let Some(endpoint) = dialect.endpoints().iter().find(|endpoint| endpoint.matches(path)) {
            return Some(MatchedRoute::Generate(*dialect, endpoint.method));
        }
    }
    if let Some(page) = pages::PAGES.iter().find(|page| **page == path) {
        return Some(MatchedRoute::Page(page));
    }
    let (dialect, route) = auxiliary_route(method.as_str(), path, headers)?;
    Some(MatchedRoute::Side(dialect, route))
}

/// One slash where several stand, and none at the end.
fn tidy(path: &str) -> String {
    let mut tidy = String::with_capacity(path.len());
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        tidy.push('/');
        tidy.push_str(segment);
    }
    if tidy.is_empty() { String::from("/") } else { tidy }
}

/// The client's own id, if it is one that can be logged; else a new one.
fn request_id(app: &AppState, request: &Request) -> String {
    let given = request.headers().get(responses::REQUEST_ID).and_then(|id| id.to_str().ok());
    let fits = |id: &&str| {
        (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
    };
    given.filter(fits).map_or_else(|| format!("req_{:016x}", app.random()), str::to_owned)
}

/// The key that a dialect's clients may put into the address.
fn key_in(dialect: &dyn Dialect, meta: &RequestMeta) -> Option<String> {
    query_param(&meta.query, dialect.headers().key_parameter?)
}

fn unknown(dialect: &dyn Dialect, meta: &RequestMeta) -> Response {
    let served: Vec<_> =
        DIALECTS.iter().filter_map(|d| d.endpoints().first()).map(|endpoint| endpoint.path).collect();
    let text = format!(
        "There is no {} {}. Served are {}, /v1/models and more; point the client's base URL at /v1.",
        meta.method,
        meta.path,
        served.join(", ")
    );
    responses::error(
        dialect,
        &Error::Client(ClientError::new(ErrorKind::NotFound, text).with_code("unknown_url")),
    )
}

fn wrong_method(dialect: &dyn Dialect, meta: &RequestMeta, allowed: &'static str) -> Option<Response> {
    if allowed.split(", ").any(|method| method == meta.method.as_str()) {
        return None;
    }
    let text = format!("{} cannot be used on {}; use {allowed}.", meta.method, meta.path);
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let mut response =
        responses::refusal(dialect, status, ErrorKind::InvalidRequest, text, "method_not_allowed");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    Some(response)
}

fn is_websocket(method: &Method, headers: &HeaderMap) -> bool {
    let is_named = |value: &HeaderValue| {
        let mut protocols = value.to_str().unwrap_or_default().split(',');
        protocols.any(|protocol| protocol.trim().eq_ignore_ascii_case("websocket"))
    };
    method == Method::GET && headers.get_all(UPGRADE).iter().any(is_named)
}

/// Codex falls back to plain requests at once after a 426, and after seconds of further tries after any other status.
fn no_websocket(dialect: &dyn Dialect) -> Response {
    let text =
        "WebSockets are not served. Send the request with POST to the same path; its answer can be a stream.";
    let status = StatusCode::UPGRADE_REQUIRED;
    let code = "websocket_not_supported";
    let mut response = responses::refusal(dialect, status, ErrorKind::Unsupported, text, code);
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("HTTP/1.1"));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    response
}

/// Refuses a body that a client asks to send, by the length that it says it has.
fn too_large(
    dialect: &dyn Dialect,
    meta: &RequestMeta,
    headers: &HeaderMap,
    limit: usize,
) -> Option<Response> {
    let length = headers.get(CONTENT_LENGTH).filter(|_| meta.expects)?.to_str().ok()?;
    let fits = length.parse::<usize>().is_ok_and(|length| length <= limit);
    (!fits).then(|| responses::error(dialect, &Error::Client(body::too_large(limit))))
}

fn no_key(dialect: &dyn Dialect) -> Response {
    let text = "A key is needed: send `Authorization: Bearer KEY` (or `x-api-key`) with one of this server's client keys.";
    let error = Error::Client(ClientError::new(ErrorKind::Authentication, text).with_code("invalid_api_key"));
    let mut response = responses::error(dialect, &error);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn full(dialect: &dyn Dialect) -> Response {
    let text = "This server is handling as many requests as it may. Try again in a moment.";
    refused(dialect, ClientError::new(ErrorKind::Overloaded, text))
}

fn unknown_coding(dialect: &dyn Dialect, given: &str) -> Response {
    let text = format!(
        "`content-encoding: {given}` cannot be decoded here; send the body in one of {}, or without a coding.",
        content_coding::TAKEN
    );
    let (status, kind) = (StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorKind::InvalidRequest);
    let mut response = responses::refusal(dialect, status, kind, text, "unsupported_content_encoding");
    response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static(content_coding::TAKEN));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubled_and_trailing_slashes_do_not_matter() {
        assert_eq!(tidy("/v1//models/"), "/v1/models");
        assert_eq!(tidy("//"), "/");
    }

    #[test]
    fn what_waits_for_a_request_is_small() {
        let overrides = crate::config::Overrides { upstream: Some("echo".into()), ..Default::default() };
        let config = crate::config::read(&overrides).unwrap();
        let app = Arc::new(AppState::new(config, |_| Arc::new(crate::upstream::echo::Echo)));
        // More than a kilobyte is not among what an allocator has at hand.
        let request = || Request::builder().method(Method::POST).uri("/v1/chat/completions");
        let client = || Arc::new(Client::new());
        let waiting = answer(app.clone(), client(), request().body(Body::empty()).unwrap());
        assert!(size_of_val(&waiting) < 512, "{}", size_of_val(&waiting));
        let meta = RequestMeta {
            id: String::new(),
            method: Method::POST,
            path: String::from("/v1/chat/completions"),
            query: String::new(),
            started: Instant::now(),
            owner: Owner::single(),
            debug: false,
            expects: false,
            client: client(),
        };
        let request = request().body(Body::empty()).unwrap();
        let found = find(&meta.method, &meta.path, request.headers());
        let serving = serve(app, found, responses::default_dialect(), meta, request);
        assert!(size_of_val(&*serving) < 1024, "{}", size_of_val(&*serving));
    }

    fn found(method: Method, path: &str) -> Option<(&'static str, &'static str, String)> {
        match find(&method, path, &HeaderMap::new())? {
            MatchedRoute::Side(dialect, route) => Some((dialect.name(), route.path, route.matches(path)?.1)),
            _ => None,
        }
    }

    #[test]
    fn model_ids_may_have_slashes_and_escapes() {
        for path in ["/v1/models/org/name:free", "/v1/models/org%2Fname%3Afree"] {
            let id = String::from("org/name:free");
            assert_eq!(found(Method::GET, path), Some(("openai-chat", "/models/{model}", id)), "{path}");
        }
    }

    #[test]
    fn no_name_in_a_path_climbs() {
        for path in [
            "/v1/audio/../models",
            "/v1/audio/%2e%2e/models",
            "/v1/audio/x%2f..%2fmodels",
            "/v1/responses/..",
            "/v1beta/models/%2e%2e:countTokens",
            "/v1beta/models/a%5c..%5cb:embedContent",
        ] {
            assert_eq!(found(Method::POST, path), None, "{path}");
        }
        assert!(found(Method::POST, "/v1/audio/speech").is_some());
    }

    #[test]
    fn of_several_routes_the_most_precise_one_with_the_method_is_meant() {
        let route = |method, path| found(method, path).map(|(dialect, route, _)| (dialect, route));
        for (method, path, expected) in [
            (Method::POST, "/v1/models/m:countTokens", ("gemini", "/models/{model}:countTokens")),
            (Method::POST, "/v1/responses/input_tokens", ("openai-responses", "/responses/input_tokens")),
            (Method::GET, "/v1/responses/r", ("openai-responses", "/responses/{id}")),
            (Method::GET, "/v1/responses/r/input_items", ("openai-responses", "/responses/{id}/input_items")),
            (Method::POST, "/v1/responses/compact", ("openai-responses", "/responses/{rest}")),
            (Method::DELETE, "/v1beta/models/m", ("gemini", "/models/{model}")),
        ] {
            assert_eq!(route(method, path), Some(expected), "{path}");
        }
    }

    #[test]
    fn a_path_that_is_nobodys_belongs_to_whose_paths_begin_like_it() {
        let mut marked = HeaderMap::new();
        marked.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
        for (path, plain, with_mark) in [
            ("/v1/messages/batches", "anthropic-messages", "anthropic-messages"),
            ("/v1/nowhere", "openai-chat", "anthropic-messages"),
            ("/nowhere", "openai-chat", "anthropic-messages"),
            ("/api/nowhere", "ollama-chat", "ollama-chat"),
            ("/api/openai/v1/nowhere", "openai-chat", "openai-chat"),
            ("/v1beta/nowhere", "gemini", "gemini"),
            ("/v1beta", "gemini", "gemini"),
        ] {
            let name = |headers: &HeaderMap| closest_dialect(path, headers).map(Dialect::name);
            assert_eq!((name(&HeaderMap::new()), name(&marked)), (Some(plain), Some(with_mark)), "{path}");
        }
    }
}
