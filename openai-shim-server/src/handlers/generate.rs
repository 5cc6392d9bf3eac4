//! One request for an answer of a model.

use crate::app_state::AppState;
use crate::handlers::keep_alive::KeepAliveBody;
use crate::handlers::offload::LONG;
use crate::handlers::response_collector::{Awaited, CountedUpstream};
use crate::handlers::stored_responses;
use crate::http::body_budget::BodyReservation;
use crate::http::deadline::{RequestDeadline, ResponseFuture};
use crate::http::receive::ReceivedRequest;
use crate::http::responses;
use crate::observe::access_log::{AccessLogEntry, ResponseTiming};
use crate::observe::body_log::{self, BodyLog};
use crate::panics;
use crate::request_meta::RequestMeta;
use crate::routing::targets::SelectedUpstream;
use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use openai_shim_core::exchange::ClientRequest;
use openai_shim_core::{Diagnostics, Dialect, Error, Exchange, Outcome, Report, Shim};
use std::sync::Arc;
use std::time::Duration;

/// How many headers every reply gets here.
const HEADERS: usize = 5;

type Started = Result<PendingResponse, Box<Response>>;

/// Begins one request that came on a dialect's route; what comes back waits for its answer.
pub(crate) fn generate(
    app: &Arc<AppState>,
    dialect: &'static dyn Dialect,
    meta: RequestMeta,
    headers: HeaderMap,
    received: ReceivedRequest,
) -> ResponseFuture {
    let ReceivedRequest { body, .. } = &received;
    // Some dialects name model and form in the path and its query.
    let path =
        if meta.query.is_empty() { meta.path.clone() } else { format!("{}?{}", meta.path, meta.query) };
    let incoming = match ClientRequest::read(dialect, &path, body.clone()) {
        Ok(incoming) => incoming,
        Err(error) => return at_once(refused(app, dialect, meta, &error)),
    };
    if let Some(response) = empty_request_response(dialect, &incoming, body) {
        AccessLogEntry::new(app.clone(), meta, dialect.name(), String::new()).finish_with_response(&response);
        return at_once(response);
    }
    let previous = stored_responses::previous(dialect, body);
    let (length, owner) = (body.len(), meta.owner.clone());
    let go_on = move |app: &Arc<AppState>, incoming: ClientRequest, route, kept| match route {
        Ok(route) => start(app, dialect, meta, incoming, (headers, path, received, kept), route),
        Err(error) => Err(Box::new(refused(app, dialect, meta, &error))),
    };
    match (app.route_at_once(incoming.model()), previous) {
        (Some(route), None) => match go_on(app, incoming, route, None) {
            Ok(running) => Box::pin(running.answer(app.clone(), dialect)),
            Err(refusal) => at_once(*refusal),
        },
        // Here the upstreams are asked for their models first, or the store for what the request goes on from.
        (route, previous) => {
            let app = app.clone();
            Box::pin(async move {
                let route = match route {
                    Some(route) => route,
                    None => app.route(incoming.model()).await,
                };
                let kept = match previous {
                    Some(id) => Some(stored_responses::load(&app, owner, &id).await),
                    None => None,
                };
                let other = app.clone();
                match app.work.run(length, move || go_on(&other, incoming, route, kept)).await {
                    Ok(running) => running.answer(app, dialect).await,
                    Err(refusal) => *refusal,
                }
            })
        }
    }
}

fn at_once(response: Response) -> ResponseFuture {
    Box::pin(std::future::ready(response))
}

/// An exchange that was sent off.
struct PendingResponse {
    reply: Awaited,
    upstream: usize,
    stream: bool,
    content_type: &'static str,
    keep: Option<stored_responses::ResponseRecorder>,
    head: ResponseTiming,
    lifetime: RequestDeadline,
}

/// Begins the exchange. Apart from its waiting, so that nothing of this is held meanwhile: the client's headers are
/// pieces of its connection's buffer, which could not be used again.
fn start(
    app: &Arc<AppState>,
    dialect: &'static dyn Dialect,
    meta: RequestMeta,
    incoming: ClientRequest,
    (headers, path, received, kept): (HeaderMap, String, ReceivedRequest, Option<stored_responses::Loaded>),
    route: SelectedUpstream,
) -> Started {
    let ReceivedRequest { permit, reservation, body } = received;
    let stream = incoming.wants_stream();
    let Some(served) = app.upstreams.get(route.upstream) else {
        let error = Error::Client(crate::routing::targets::no_upstream());
        return Err(Box::new(refused(app, dialect, meta, &error)));
    };
    let profile = &served.config.profile;
    let (incoming, keep) =
        match stored_responses::resolve(app, dialect, profile, &meta, &path, incoming, (&body, kept)) {
            Ok(resolved) => resolved,
            Err(error) => return Err(Box::new(refused(app, dialect, meta, &error))),
        };
    let incoming = incoming.with_headers(headers).with_owner(meta.owner.clone());
    let mut settings = app.settings(route.model);
    settings.debug = meta.wants_debug_report;
    let model = settings.upstream_model.clone().unwrap_or_else(|| incoming.model().to_owned());
    settings.lessons = app.adaptations.for_model(&served.config.name, &model);
    let exchange = match Exchange::start(incoming, profile.clone(), settings, app.context()) {
        Ok(exchange) => exchange,
        Err(error) => return Err(Box::new(refused(app, dialect, meta, &error))),
    };
    let overheard = body_log::is_enabled().then(|| BodyLog::new(app.clone(), &meta.id));
    let lifetime = RequestDeadline::new(app.clone(), meta.connection.clone());
    let record = AccessLogEntry::new(app.clone(), meta, dialect.name(), served.config.name.clone());
    let head = record.timing();
    let (learner, upstream) = (app.clone(), route.upstream);
    let finished = Box::new(move |report: Report| {
        // Called while the body is dropped.
        let _ = panics::catch(|| {
            if let Some(served) = learner.upstreams.get(upstream) {
                learner.adaptations.store_adaptations(&served.config.name, &model, &report);
            }
        });
        record.finish_with_report(report);
        drop(permit);
    });
    let content_type = exchange.stream_content_type();
    let transport = served.transport.clone();
    let transport = match overheard {
        Some(bodies) => bodies.log_traffic_of(transport),
        None => transport,
    };
    let counted = CountedUpstream::new(app, transport);
    let shim =
        Shim::shared(counted.clone(), profile.clone()).with_state(counted.store(&served.store, body.len()));
    let reply = counted.awaited(app, Box::pin(shim.run(exchange, finished)), reservation);
    Ok(PendingResponse { reply, upstream, stream, content_type, keep, head, lifetime })
}

impl PendingResponse {
    /// Waits for the reply; a streaming client not longer than until its first keep-alive.
    async fn answer(self, app: Arc<AppState>, dialect: &'static dyn Dialect) -> Response {
        let Self { mut reply, upstream, stream, content_type, keep, head, lifetime } = self;
        let every = app.config.timeouts.keepalive;
        let label = || app.upstreams.get(upstream).and_then(|served| served.label.clone());
        let response = if stream {
            match tokio::time::timeout(every, &mut reply).await {
                Ok(begun) => respond(begun, reply.room(), dialect, true, label(), &head, (every, lifetime)),
                Err(_) => early_response(reply, (dialect, content_type), label(), head, (every, lifetime)),
            }
        } else {
            let begun = (&mut reply).await;
            respond(begun, reply.room(), dialect, false, label(), &head, (every, lifetime))
        };
        match keep {
            Some(keep) => stored_responses::record(keep, response),
            None => response,
        }
    }
}

/// What a request that asks nothing is answered, by those whose clients send such ones.
fn empty_request_response(dialect: &dyn Dialect, incoming: &ClientRequest, body: &[u8]) -> Option<Response> {
    if !incoming.request().messages.is_empty() {
        return None;
    }
    let answer = dialect.empty_request_response(body, crate::clock::unix_seconds())?;
    let mut response = responses::json(StatusCode::OK, format!("{answer}\n"));
    if incoming.wants_stream() {
        let form = HeaderValue::from_static(dialect.stream_content_type());
        response.headers_mut().insert(CONTENT_TYPE, form);
    }
    Some(response)
}

/// The client's response from core's reply.
fn respond(
    reply: http::Response<openai_shim_core::upstream::ResponseBody>,
    room: Option<BodyReservation>,
    dialect: &'static dyn Dialect,
    stream: bool,
    upstream: Option<HeaderValue>,
    head: &ResponseTiming,
    (every, lifetime): (Duration, RequestDeadline),
) -> Response {
    let (mut parts, body) = reply.into_parts();
    let failed = parts.extensions.get::<Error>().is_some();
    let outcome = parts.extensions.get::<Outcome>().copied().unwrap_or(Outcome::Cancelled);
    let diagnostics = parts.extensions.remove::<Diagnostics>().unwrap_or_default();
    head.record_head(parts.status);
    let (body, whole) = match body.into_complete() {
        Ok(bytes) => match room.filter(|_| bytes.len() >= LONG) {
            Some(room) => (Body::from(room.attach_to(bytes)), true),
            None => (Body::from(bytes), true),
        },
        Err(body) if stream && !failed => {
            (Body::from_stream(KeepAliveBody::streaming(body, dialect, every, lifetime)), false)
        }
        Err(body) => (Body::from_stream(body), false),
    };
    let mut response = Response::new(body);
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    response.headers_mut().reserve(HEADERS);
    let outcome = if whole { outcome.as_str() } else { "streaming" };
    decorate(response.headers_mut(), upstream, outcome);
    responses::add_diagnostics_header(response.headers_mut(), &diagnostics);
    response
}

/// A stream that begins before its reply: the client sees keep-alives, and then what comes.
fn early_response(
    reply: Awaited,
    (dialect, content_type): (&'static dyn Dialect, &'static str),
    upstream: Option<HeaderValue>,
    head: ResponseTiming,
    (every, lifetime): (Duration, RequestDeadline),
) -> Response {
    let mut response =
        Response::new(Body::from_stream(KeepAliveBody::waiting(reply, head, dialect, every, lifetime)));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    decorate(headers, upstream, "streaming");
    response
}

fn decorate(headers: &mut HeaderMap, upstream: Option<HeaderValue>, outcome: &'static str) {
    if let Some(upstream) = upstream {
        headers.insert(responses::UPSTREAM, upstream);
    }
    headers.insert(responses::OUTCOME, HeaderValue::from_static(outcome));
    // A proxy in between must not collect a stream before passing it on.
    headers.insert(responses::ACCEL_BUFFERING, HeaderValue::from_static("no"));
}

/// An error before any upstream was asked.
fn refused(app: &Arc<AppState>, dialect: &'static dyn Dialect, meta: RequestMeta, error: &Error) -> Response {
    let response = responses::error(dialect, error);
    AccessLogEntry::new(app.clone(), meta, dialect.name(), String::new()).finish_with_response(&response);
    response
}
