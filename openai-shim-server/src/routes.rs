//! Which request goes where. The dialects say which paths are theirs; the rest is here.

use crate::app::App;
use crate::bodies::{self, Bodies};
use crate::extras::{self, Extra};
use crate::metrics::PAGE;
use crate::telemetry::Record;
use crate::{auth, body, cors, forward, generate, models, pages, panics, reply, stored};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::error::ClientError;
use openai_shim_core::{Error, ErrorKind};
use std::sync::Arc;
use std::time::Instant;

/// OpenAI's routes are served under both.
const PREFIXES: [&str; 2] = ["/v1", "/api/openai/v1"];

/// Routes that are forwarded as they are; a trailing slash stands for everything below.
const FORWARDED: [&str; 7] =
    ["/embeddings", "/audio/", "/images/", "/moderations", "/rerank", "/completions", "/responses"];

/// What is known of a request before it is read.
#[derive(Debug, Clone)]
pub(crate) struct Meta {
    /// Its id, the client's or ours.
    pub(crate) id: String,
    pub(crate) method: Method,
    /// Its path, without doubled and trailing slashes.
    pub(crate) path: String,
    /// What stands behind its question mark.
    pub(crate) query: String,
    pub(crate) started: Instant,
    /// The client asks for the full report.
    pub(crate) debug: bool,
}

/// What a path stands for.
enum Route {
    Generate(&'static dyn Dialect),
    Models,
    Model(String),
    Forward(String),
    Page(&'static str),
    Extra(&'static Extra),
    /// A response that may be kept here, and the path of it.
    Stored(String, String),
}

/// All routes, for a server of axum's.
pub(crate) fn router(app: Arc<App>) -> Router {
    let handle = |State(app): State<Arc<App>>, request: Request| answer(app, request);
    Router::new().fallback(handle).with_state(app)
}

/// Answers a request.
pub(crate) async fn answer(app: Arc<App>, request: Request) -> Response {
    let meta = Meta {
        id: request_id(&app, &request),
        method: request.method().clone(),
        path: tidy(request.uri().path()),
        query: request.uri().query().unwrap_or_default().to_owned(),
        started: Instant::now(),
        debug: app.config.debug && request.headers().get(reply::DEBUG).is_some_and(|v| v == "1"),
    };
    let origin = cors::allowed(&app, request.headers());
    let id = HeaderValue::from_str(&meta.id);
    let bodies = bodies::wanted().then(|| Bodies::new(app.clone(), &meta.id));
    let mut response = if meta.method == Method::OPTIONS && origin.is_some() {
        cors::preflight(request.headers())
    } else {
        dispatch(app, meta, request).await
    };
    if let Some(bodies) = bodies {
        response = bodies.leaving(response);
    }
    if let Ok(id) = id {
        response.headers_mut().insert(reply::REQUEST_ID, id);
    }
    if let Some(origin) = origin {
        cors::decorate(&mut response, origin);
    }
    response
}

async fn dispatch(app: Arc<App>, meta: Meta, request: Request) -> Response {
    let found = find(&meta.path);
    let dialect = match &found {
        Some((Route::Generate(dialect), _)) => *dialect,
        Some((Route::Forward(_) | Route::Stored(..) | Route::Page(_), _)) => reply::default_dialect(),
        _ => extras::dialect_of(&meta.path, request.headers()),
    };
    let id = meta.id.clone();
    let served = Box::pin(serve(app, found, dialect, meta, request));
    if let Some(response) = panics::caught(served).await {
        return response;
    }
    tracing::error!(id, "a fault of openai-shim ended this request");
    panics::reply(dialect)
}

async fn serve(
    app: Arc<App>,
    found: Option<(Route, &'static str)>,
    dialect: &'static dyn Dialect,
    meta: Meta,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let label = found.as_ref().map_or("unknown", |(route, _)| route.label());
    let answered = |meta: Meta, response: Response| {
        Record::new(app.clone(), meta, label, String::new()).answered(&response);
        response
    };
    let refusal = match &found {
        None => Some(unknown(dialect, &meta)),
        Some(_) if !auth::allows(&app, &meta.method, &meta.path, &parts.headers, key_in(dialect, &meta)) => {
            Some(no_key(dialect))
        }
        Some((_, allowed)) if !allowed.split(", ").any(|method| method == meta.method.as_str()) => {
            Some(wrong_method(dialect, &meta, allowed))
        }
        Some(_) => None,
    };
    if let Some(response) = refusal {
        Box::pin(body::discard(body)).await;
        return answered(meta, response);
    }
    let route = match found {
        Some((Route::Models, _)) if dialect.name() != reply::default_dialect().name() => {
            return answered(meta, Box::pin(extras::list(&app, dialect)).await);
        }
        Some((Route::Models, _)) => return answered(meta, Box::pin(models::list(&app)).await),
        Some((Route::Stored(id, path), allowed)) => match stored::answer(&app.responses, &meta.method, &id) {
            Some(response) => return answered(meta, response),
            None if stored::elsewhere(&app) => (Route::Forward(path), allowed).0,
            None => return answered(meta, reply::error(dialect, &stored::unknown(&id))),
        },
        Some((Route::Model(id), _)) => return answered(meta, Box::pin(models::one(&app, &id)).await),
        Some((Route::Page(page), _)) => return answered(meta, pages::page(&app, page, &parts.headers)),
        Some((route, _)) => route,
        None => return unknown(dialect, &meta),
    };
    let Ok(place) = app.places.clone().try_acquire_owned() else {
        Box::pin(body::discard(body)).await;
        return answered(meta, full(dialect));
    };
    let body = match body::read(body, app.config.limits.request_body).await {
        Ok(body) => body,
        Err(error) => return answered(meta, reply::error(dialect, &Error::Client(error))),
    };
    if bodies::wanted() {
        Bodies::new(app.clone(), &meta.id).line("request", &body);
    }
    match route {
        // What is rare is boxed: a future is as large as the largest of its branches.
        Route::Forward(path) => Box::pin(forward::forward(app, meta, path, parts, body, place)).await,
        Route::Extra(extra) => {
            let response = Box::pin(extras::answer(&app, extra.what, dialect, &parts.headers, body)).await;
            answered(meta, response)
        }
        _ => generate::generate(app, dialect, meta, body, place).await,
    }
}

impl Route {
    /// What stands for it in logs and metrics.
    fn label(&self) -> &'static str {
        match self {
            Self::Generate(dialect) => dialect.name(),
            Self::Models | Self::Model(_) => "models",
            Self::Forward(_) => "forward",
            Self::Extra(extra) => extra.path,
            Self::Stored(..) => "responses",
            Self::Page(_) => PAGE,
        }
    }
}

/// The route of a path, and its methods.
fn find(path: &str) -> Option<(Route, &'static str)> {
    for dialect in DIALECTS {
        if let Some(endpoint) = dialect.endpoints().iter().find(|endpoint| endpoint.matches(path)) {
            return Some((Route::Generate(*dialect), endpoint.method));
        }
    }
    if let Some(extra) = extras::find(path) {
        return Some((Route::Extra(extra), extra.methods));
    }
    if let Some(page) = pages::PAGES.iter().find(|page| **page == path) {
        return Some((Route::Page(page), "GET, HEAD"));
    }
    let rest = PREFIXES.iter().find_map(|prefix| path.strip_prefix(prefix))?;
    if rest == "/models" {
        return Some((Route::Models, "GET, HEAD"));
    }
    if let Some(id) = rest.strip_prefix("/models/") {
        return Some((Route::Model(decode(id)), "GET, HEAD"));
    }
    if let Some(id) = rest.strip_prefix("/responses/").filter(|id| !id.contains('/')) {
        let id = decode(id);
        let safe = !matches!(id.as_str(), "." | "..");
        return safe.then(|| (Route::Stored(id, rest.to_owned()), "GET, DELETE, HEAD"));
    }
    let forwarded = FORWARDED.iter().any(|known| match known.strip_suffix('/') {
        Some(_) => rest.starts_with(known),
        None => rest == *known || rest.strip_prefix(known).is_some_and(|below| below.starts_with('/')),
    });
    let safe = !rest.split('/').any(|segment| matches!(decode(segment).as_str(), "." | ".."));
    (forwarded && safe).then(|| (Route::Forward(rest.to_owned()), "POST, GET, DELETE"))
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

/// Percent-decodes a path segment; what is no UTF-8 stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *first == b'%').and_then(|h| std::str::from_utf8(h).ok());
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// The client's own id, if it is one that can be logged; else a new one.
fn request_id(app: &App, request: &Request) -> String {
    let given = request.headers().get(reply::REQUEST_ID).and_then(|id| id.to_str().ok());
    let fits = |id: &&str| {
        (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
    };
    given.filter(fits).map_or_else(|| format!("req_{:016x}", app.random()), str::to_owned)
}

/// The key that clients of one API may put into the address.
fn key_in<'m>(dialect: &dyn Dialect, meta: &'m Meta) -> Option<&'m str> {
    let mut pairs = meta.query.split('&').filter(|_| dialect.name() == "gemini");
    pairs.find_map(|pair| pair.strip_prefix("key="))
}

fn unknown(dialect: &dyn Dialect, meta: &Meta) -> Response {
    reply::error(dialect, &Error::Client(extras::unknown(&meta.method, &meta.path)))
}

fn wrong_method(dialect: &dyn Dialect, meta: &Meta, allowed: &'static str) -> Response {
    let text = format!("{} cannot be used on {}; use {allowed}.", meta.method, meta.path);
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let mut response = reply::refusal(dialect, status, ErrorKind::InvalidRequest, text, "method_not_allowed");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

fn no_key(dialect: &dyn Dialect) -> Response {
    let text = "A key is needed: send `Authorization: Bearer KEY` (or `x-api-key`) with one of this server's client keys.";
    let error = Error::Client(ClientError::new(ErrorKind::Authentication, text).with_code("invalid_api_key"));
    let mut response = reply::error(dialect, &error);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn full(dialect: &dyn Dialect) -> Response {
    let text = "This server is handling as many requests as it may. Try again in a moment.";
    let mut response = reply::error(dialect, &Error::Client(ClientError::new(ErrorKind::Overloaded, text)));
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
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
    fn model_ids_may_have_slashes_and_escapes() {
        for path in ["/v1/models/org/name:free", "/v1/models/org%2Fname%3Afree"] {
            assert!(matches!(find(path), Some((Route::Model(id), _)) if id == "org/name:free"));
        }
    }

    #[test]
    fn forwarded_paths_cannot_climb() {
        assert!(find("/v1/audio/../models").is_none());
        assert!(find("/v1/audio/%2e%2e/models").is_none());
        assert!(find("/v1/audio/speech").is_some());
    }
}
