//! One request for an answer of a model.

use crate::app::App;
use crate::bodies::{self, Bodies};
use crate::reply;
use crate::routes::Meta;
use crate::stored;
use crate::stream::{Kept, Reply};
use crate::telemetry::{Head, Record};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use openai_shim_core::exchange::Incoming;
use openai_shim_core::{Diagnostics, Dialect, Error, Exchange, Outcome, Report, Shim};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// Handles one request that came on a dialect's route.
pub(crate) async fn generate(
    app: Arc<App>,
    dialect: &'static dyn Dialect,
    meta: Meta,
    headers: &HeaderMap,
    body: Bytes,
    place: OwnedSemaphorePermit,
) -> Response {
    // Some dialects name model and form in the path and its query.
    let path =
        if meta.query.is_empty() { meta.path.clone() } else { format!("{}?{}", meta.path, meta.query) };
    let incoming = match Incoming::read(dialect, &path, body.clone()) {
        Ok(incoming) => incoming,
        Err(error) => return refused(&app, dialect, meta, &error),
    };
    if let Some(response) = idle(dialect, &incoming, &body) {
        Record::new(app, meta, dialect.name(), String::new()).answered(&response);
        return response;
    }
    let stream = incoming.wants_stream();
    let route = match app.route(incoming.model()).await {
        Ok(route) => route,
        Err(error) => return refused(&app, dialect, meta, &error),
    };
    let Some(served) = app.upstreams.get(route.upstream) else {
        return refused(&app, dialect, meta, &Error::Client(crate::choose::no_upstream()));
    };
    let profile = &served.config.profile;
    let (incoming, keep) = match stored::resolve(&app, dialect, profile, &meta, &path, incoming, &body) {
        Ok(resolved) => resolved,
        Err(error) => return refused(&app, dialect, meta, &error),
    };
    let incoming = incoming.with_headers(headers);
    let kept = |response| match keep {
        Some(keep) => stored::keeping(keep, response),
        None => response,
    };
    let mut settings = app.settings(route.model);
    settings.debug = meta.debug;
    let model = settings.upstream_model.clone().unwrap_or_else(|| incoming.model().to_owned());
    settings.lessons = app.learned.of(&served.config.name, &model);
    let exchange = match Exchange::start(incoming, served.config.profile.clone(), settings, app.context()) {
        Ok(exchange) => exchange,
        Err(error) => return refused(&app, dialect, meta, &error),
    };
    let id = meta.id.clone();
    let record = Record::new(app.clone(), meta, dialect.name(), served.config.name.clone());
    let head = record.head();
    let shim = if bodies::wanted() {
        let overheard = Bodies::new(app.clone(), &id).over(served.transport.0.clone());
        Shim::shared(overheard, served.config.profile.clone())
    } else {
        served.shim.clone()
    };
    let (learner, name) = (app.clone(), served.config.name.clone());
    let finished = Box::new(move |report: Report| {
        learner.learned.remember(&name, &model, &report.lessons);
        record.finish(report);
        drop(place);
    });
    let content_type = exchange.stream_content_type();
    let mut reply: Reply = Box::pin(async move { shim.run(exchange, finished).await });
    let every = app.config.timeouts.keepalive;
    let name = served.config.name.as_str();
    if !stream {
        return kept(respond(reply.await, dialect, false, name, &head, every));
    }
    kept(match tokio::time::timeout(every, &mut reply).await {
        Ok(reply) => respond(reply, dialect, true, name, &head, every),
        Err(_) => promise(reply, (dialect, content_type), name, head, every),
    })
}

/// What a request that asks nothing is answered, by those whose clients send such ones.
fn idle(dialect: &dyn Dialect, incoming: &Incoming, body: &[u8]) -> Option<Response> {
    if !incoming.request().messages.is_empty() {
        return None;
    }
    let answer = dialect.answer_to_nothing(body, crate::app::now())?;
    let mut response = reply::json(StatusCode::OK, format!("{answer}\n"));
    if incoming.wants_stream() {
        let form = HeaderValue::from_static(dialect.stream_content_type());
        response.headers_mut().insert(CONTENT_TYPE, form);
    }
    Some(response)
}

/// The client's response from core's reply.
fn respond(
    reply: http::Response<openai_shim_core::upstream::Body>,
    dialect: &'static dyn Dialect,
    stream: bool,
    upstream: &str,
    head: &Head,
    every: Duration,
) -> Response {
    let (parts, body) = reply.into_parts();
    let failed = parts.extensions.get::<Error>().is_some();
    let outcome = parts.extensions.get::<Outcome>().copied().unwrap_or(Outcome::Cancelled);
    let diagnostics = parts.extensions.get::<Diagnostics>().cloned().unwrap_or_default();
    head.seen(parts.status);
    let (body, whole) = match body.into_complete() {
        Ok(bytes) => (Body::from(bytes), true),
        Err(body) if stream && !failed => (Body::from_stream(Kept::running(body, dialect, every)), false),
        Err(body) => (Body::from_stream(body), false),
    };
    let mut response = Response::new(body);
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    let outcome = if whole { outcome.as_str() } else { "streaming" };
    decorate(response.headers_mut(), upstream, outcome);
    reply::diagnostics_header(response.headers_mut(), &diagnostics);
    response
}

/// A stream that begins before its reply: the client sees keep-alives, and then what comes.
fn promise(
    reply: Reply,
    (dialect, content_type): (&'static dyn Dialect, &'static str),
    upstream: &str,
    head: Head,
    every: Duration,
) -> Response {
    let mut response = Response::new(Body::from_stream(Kept::waiting(reply, head, dialect, every)));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    decorate(headers, upstream, "streaming");
    response
}

fn decorate(headers: &mut HeaderMap, upstream: &str, outcome: &'static str) {
    reply::upstream_header(headers, upstream);
    headers.insert(reply::OUTCOME, HeaderValue::from_static(outcome));
    // A proxy in between must not collect a stream before passing it on.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
}

/// An error before any upstream was asked.
fn refused(app: &Arc<App>, dialect: &'static dyn Dialect, meta: Meta, error: &Error) -> Response {
    let response = reply::error(dialect, error);
    Record::new(app.clone(), meta, dialect.name(), String::new()).answered(&response);
    response
}
