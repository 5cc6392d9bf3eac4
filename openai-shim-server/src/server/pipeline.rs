//! What happens to every request before and after its handler: id, CORS, panics and deadline, origin and key checks, route.

use crate::app_state::AppState;
use crate::client_connection::ClientConnection;
use crate::handlers::{auxiliary, generate, pages};
use crate::http::auth::Caller;
use crate::http::deadline::{NoResponse, RequestDeadline, ResponseFuture};
use crate::http::receive::{ReceivedRequest, discard, receive};
use crate::http::routes::{MatchedRoute, find_route, find_usual_route, normalize_path};
use crate::http::{auth, cors, early_errors, origin, responses};
use crate::observe::access_log::AccessLogEntry;
use crate::observe::body_log::{self, BodyLog};
use crate::observe::otel::RequestTrace;
use crate::offload::LARGE_BODY_BYTES;
use crate::panics;
use crate::request_meta::RequestMeta;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::EXPECT;
use http::{HeaderMap, HeaderValue, Method};
use openai_shim_core::Error;
use openai_shim_core::dialect::Dialect;
use openai_shim_core::dialect::route_lookup::closest_dialect;
use openai_shim_core::dialect::url::query_param;
use openai_shim_core::state::Owner;
use std::sync::Arc;
use std::time::Instant;

/// The most bytes of a client's request id.
const MAX_ID_BYTES: usize = 128;

/// All routes as an axum router.
pub(crate) fn router(app: Arc<AppState>) -> Router {
    let handle = |State(app): State<Arc<AppState>>, request: Request| {
        respond(app, Arc::new(ClientConnection::new()), request)
    };
    Router::new().fallback(handle).with_state(app)
}

/// Answers a request: adds the request id and CORS headers to what [`dispatch`] returns. Everything that needs no waiting is
/// done before the future is created: hyper moves and holds the future, so it must be small.
pub(crate) fn respond(
    app: Arc<AppState>,
    connection: Arc<ClientConnection>,
    request: Request,
) -> impl Future<Output = Response> + Send {
    connection.start_request(app.config.timeouts.total);
    let expect = request.headers().get(EXPECT);
    let meta = RequestMeta {
        id: request_id(&app, &request),
        method: request.method().clone(),
        path: normalize_path(request.uri().path()),
        query: request.uri().query().unwrap_or_default().into(),
        started: Instant::now(),
        owner: Owner::single(),
        key: None,
        admission: None,
        wants_debug_report: app.config.debug
            && request.headers().get(responses::DEBUG).is_some_and(|value| value == "1"),
        expects_continue: expect.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue")),
        trace: app.process.otel.as_ref().map(|otel| RequestTrace::begin(otel, request.headers())),
        connection,
    };
    let origin = cors::allowed_origin(&app, request.headers());
    // `request_id` accepts only ids that are valid header values.
    let id = HeaderValue::from_str(&meta.id).unwrap_or_else(|_| HeaderValue::from_static(""));
    let body_log = body_log::is_enabled().then(|| BodyLog::new(app.clone(), &meta.id));
    let result = if meta.method == Method::OPTIONS && origin.is_some() {
        Err(cors::preflight(request.headers()))
    } else {
        Ok(dispatch(app, meta, id.clone(), request))
    };
    async move {
        let mut response = match result {
            Ok(response) => response.await,
            Err(preflight) => preflight,
        };
        if let Some(body_log) = body_log {
            response = body_log.log_response(response);
        }
        response.headers_mut().insert(responses::REQUEST_ID, id);
        if let Some(origin) = origin {
            cors::add_headers(&mut response, origin);
        }
        response
    }
}

/// Finds route and dialect, and awaits the handler within the request's deadline. A panic or a cut becomes an error response.
fn dispatch(
    app: Arc<AppState>,
    mut meta: RequestMeta,
    id: HeaderValue,
    request: Request,
) -> impl Future<Output = Response> + Send {
    let mut route = find_route(&meta.method, &meta.path, request.headers());
    if route.is_none()
        && let Some((path, usual)) = find_usual_route(&meta.method, &meta.path, request.headers())
    {
        (meta.path, route) = (path, Some(usual));
    }
    let dialect = match route {
        Some(MatchedRoute::Generate { dialect, .. } | MatchedRoute::Auxiliary { dialect, .. }) => dialect,
        Some(MatchedRoute::Page(_)) => responses::default_dialect(),
        None => closest_dialect(&meta.path, request.headers()).unwrap_or_else(responses::default_dialect),
    };
    let deadline = RequestDeadline::new(app.clone(), meta.connection.clone());
    let handled = panics::catch(|| check_and_handle(app, route, dialect, meta, request));
    async move {
        let result = match handled {
            Some(response) => deadline.run(response).await,
            None => Err(NoResponse::Panic),
        };
        let mut response = result.unwrap_or_else(|reason| {
            let id = id.to_str().unwrap_or_default();
            match reason {
                NoResponse::Cut(error) => {
                    tracing::warn!(id, "this request was ended: {error}");
                    responses::error(dialect, &Error::Upstream(error))
                }
                NoResponse::Panic => {
                    // The panic may have been in logging itself; the client gets its response in any case.
                    let _ =
                        panics::catch(|| tracing::error!(id, "a fault of openai-shim ended this request"));
                    responses::error(dialect, &panics::error())
                }
            }
        });
        // A handler sets the upstream's id where the upstream sent one.
        if let Some(name) = dialect.headers().request_id {
            response.headers_mut().entry(name).or_insert(id);
        }
        response
    }
}

/// Checks origin, key, method and declared length, then calls the handler of the route.
fn check_and_handle(
    app: Arc<AppState>,
    route: Option<MatchedRoute>,
    dialect: Dialect,
    mut meta: RequestMeta,
    request: Request,
) -> ResponseFuture {
    let (parts, body) = request.into_parts();
    let label = route.map_or("unknown", MatchedRoute::label);
    let query_key = key_in_query(dialect, &meta);
    let caller = auth::find_caller(&app, &meta.method, &meta.path, &parts.headers, query_key.as_deref());
    let refusal = match origin::check(&app.config, &meta.method, &meta.path, &parts.uri, &parts.headers) {
        Err(error) => Some(responses::error(dialect, &Error::Client(error))),
        Ok(()) if early_errors::is_websocket(&meta.method, &parts.headers) => {
            Some(early_errors::websocket_unsupported(dialect))
        }
        Ok(()) => match route {
            None => Some(early_errors::unknown_path(dialect, &meta)),
            Some(_) if caller.is_none() => Some(early_errors::missing_key(dialect)),
            Some(route) => early_errors::wrong_method(dialect, &meta, route.methods()).or_else(|| {
                let limit = app.config.limits.request_body;
                early_errors::declared_body_too_large(dialect, &meta, &parts.headers, limit)
            }),
        },
    };
    Caller { owner: meta.owner, key: meta.key } = caller.unwrap_or_else(Caller::single);
    let refusal = match (refusal, route) {
        (None, Some(MatchedRoute::Generate { dialect, .. })) => {
            // The rest of `parts` borrows the connection's read buffer, which must become free again soon.
            let headers = parts.headers;
            return receive_and_generate(app, dialect, meta, label, headers, body);
        }
        (None, Some(MatchedRoute::Auxiliary { dialect, route })) => {
            return Box::pin(auxiliary::answer(app, meta, dialect, route, parts, body));
        }
        (None, Some(MatchedRoute::Page(page))) => {
            let response = pages::page(&app, page, &parts.headers);
            return Box::pin(std::future::ready(log_response(app, meta, label, response)));
        }
        (None, None) => early_errors::unknown_path(dialect, &meta),
        (Some(refusal), _) => refusal,
    };
    Box::pin(async move {
        discard(&meta, body).await;
        log_response(app, meta, label, refusal)
    })
}

/// Receives the body, then generates. An `async` block instead of an `async fn`, whose future would hold the arguments twice.
fn receive_and_generate(
    app: Arc<AppState>,
    dialect: Dialect,
    meta: RequestMeta,
    label: &'static str,
    headers: HeaderMap,
    body: Body,
) -> ResponseFuture {
    Box::pin(async move {
        match receive(&app, &meta, dialect, &headers, body).await {
            Ok(received) if received.body.len() < LARGE_BODY_BYTES => {
                generate::generate(&app, dialect, meta, headers, received).await
            }
            // Boxed: large requests are rare, and their future is large.
            Ok(received) => Box::pin(generate_offloaded(&app, dialect, meta, headers, received)).await.await,
            Err(response) => log_response(app, meta, label, response),
        }
    })
}

/// Starts a large request on another thread than those that serve connections.
async fn generate_offloaded(
    app: &Arc<AppState>,
    dialect: Dialect,
    meta: RequestMeta,
    headers: HeaderMap,
    received: ReceivedRequest,
) -> ResponseFuture {
    let (generating, length) = (app.clone(), received.body.len());
    app.process
        .offload
        .run(length, move || generate::generate(&generating, dialect, meta, headers, received))
        .await
}

/// Logs and counts a response that involved no upstream.
fn log_response(app: Arc<AppState>, meta: RequestMeta, label: &'static str, response: Response) -> Response {
    AccessLogEntry::new(app, meta, label, Arc::default()).finish_with_response(&response);
    response
}

/// The client's own id if it can be logged, else a generated one.
fn request_id(app: &AppState, request: &Request) -> String {
    let sent = request.headers().get(responses::REQUEST_ID).and_then(|id| id.to_str().ok());
    let is_loggable = |id: &&str| {
        (1..=MAX_ID_BYTES).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
    };
    sent.filter(is_loggable).map_or_else(|| format!("req_{:016x}", app.process.random()), str::to_owned)
}

/// The client key in the query, for dialects whose clients send it there.
fn key_in_query(dialect: Dialect, meta: &RequestMeta) -> Option<String> {
    query_param(&meta.query, dialect.headers().key_parameter?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn futures_of_a_waiting_request_are_small() {
        let overrides = crate::config::Overrides { upstream: Some("echo".into()), ..Default::default() };
        let config = crate::config::read(&overrides).unwrap();
        let app = Arc::new(AppState::new(config, |_| {
            Arc::new(crate::upstream::echo::Echo) as Arc<dyn openai_shim_core::Upstream>
        }));
        // Allocators serve blocks of up to a kilobyte from their fast path.
        let request = || Request::builder().method(Method::POST).uri("/v1/chat/completions");
        let connection = || Arc::new(ClientConnection::new());
        let waiting = respond(app.clone(), connection(), request().body(Body::empty()).unwrap());
        assert!(size_of_val(&waiting) < 512, "{}", size_of_val(&waiting));
        let meta = RequestMeta {
            id: String::new(),
            method: Method::POST,
            path: String::from("/v1/chat/completions"),
            query: Box::default(),
            started: Instant::now(),
            owner: Owner::single(),
            key: None,
            admission: None,
            wants_debug_report: false,
            expects_continue: false,
            trace: None,
            connection: connection(),
        };
        let request = request().body(Body::empty()).unwrap();
        let route = find_route(&meta.method, &meta.path, request.headers());
        let handling = check_and_handle(app, route, responses::default_dialect(), meta, request);
        assert!(size_of_val(&*handling) < 1024, "{}", size_of_val(&*handling));
    }
}
