//! Generation: a client's request on a dialect's route in, the model's response out.

use crate::app_state::{AppState, UpstreamState};
use crate::clock;
use crate::handlers::keep_alive::KeepAliveBody;
use crate::handlers::response_collector::{CountedUpstream, ResponseStart};
use crate::handlers::stored_responses::{self, Loaded};
use crate::http::body_budget::BodyReservation;
use crate::http::deadline::{RequestDeadline, ResponseFuture};
use crate::http::receive::ReceivedRequest;
use crate::http::responses;
use crate::observe::access_log::{AccessLogEntry, ResponseTiming};
use crate::observe::body_log::{self, BodyLog};
use crate::observe::recorder::{Recording, recorded_request};
use crate::offload::LARGE_BODY_BYTES;
use crate::panics;
use crate::request_meta::RequestMeta;
use crate::routing::targets::{SelectedUpstream, no_upstream};
use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use openai_shim_core::cassette::{Cassette, RecordedRequest};
use openai_shim_core::exchange::ClientRequest;
use openai_shim_core::upstream::{self, ResponseBody, ResponseRecorder};
use openai_shim_core::{Diagnostics, Dialect, Error, Exchange, Outcome, Report};
use std::sync::Arc;

/// How many headers each response gets here.
const ADDED_HEADERS: usize = 5;

/// Starts one request on a dialect's route. The returned future waits for its response.
pub(crate) fn generate(
    app: &Arc<AppState>,
    dialect: Dialect,
    meta: RequestMeta,
    headers: HeaderMap,
    received: ReceivedRequest,
) -> ResponseFuture {
    // Some dialects name the model and the stream's framing in the path and its query.
    let path =
        if meta.query.is_empty() { meta.path.clone() } else { format!("{}?{}", meta.path, meta.query) };
    let client_request = match ClientRequest::read(dialect, &path, received.body.clone()) {
        Ok(client_request) => client_request,
        Err(error) => return ready(refuse(app, dialect, meta, &error)),
    };
    if let Some(response) = empty_request_response(dialect, &client_request, &received.body) {
        AccessLogEntry::new(app.clone(), meta, dialect.name(), Arc::default())
            .finish_with_response(&response);
        return ready(response);
    }
    let stored = stored_responses::of_owner(app, dialect, &meta.owner);
    let references = stored.as_ref().map(|stored| stored.references(&received.body)).unwrap_or_default();
    let request = GenerateRequest { dialect, meta, headers, path, received };
    match (app.route_at_once(client_request.model()), references.is_empty()) {
        (Some(route), true) => match request.start(app, client_request, route, None) {
            Ok(pending) => Box::pin(pending.respond(app.clone())),
            Err(refusal) => ready(*refusal),
        },
        // The upstreams' model lists, or the stored responses that the request refers to, are loaded first.
        (route, has_no_references) => {
            let app = app.clone();
            Box::pin(async move {
                let route = match route {
                    Some(route) => route,
                    None => app.route(client_request.model()).await,
                };
                let stored = match stored.filter(|_| !has_no_references) {
                    Some(stored) => Some(stored.load(references).await),
                    None => None,
                };
                let (app_of_start, length) = (app.clone(), request.received.body.len());
                let start = move || request.start(&app_of_start, client_request, route, stored);
                match app.offload.run(length, start).await {
                    Ok(pending) => pending.respond(app).await,
                    Err(refusal) => *refusal,
                }
            })
        }
    }
}

fn ready(response: Response) -> ResponseFuture {
    Box::pin(std::future::ready(response))
}

/// A client's request before its exchange starts.
struct GenerateRequest {
    dialect: Dialect,
    meta: RequestMeta,
    headers: HeaderMap,
    /// Path and query.
    path: String,
    received: ReceivedRequest,
}

/// An exchange that is ready to be sent, with the upstream that it is sent to.
struct PreparedExchange<'a> {
    exchange: Exchange,
    upstream: usize,
    served: &'a UpstreamState,
    /// The upstream's name for the model.
    model: String,
    is_stream: bool,
    recorder: Option<ResponseRecorder>,
    /// The client's request for its cassette, if exchanges are recorded.
    recorded: Option<RecordedRequest>,
}

impl GenerateRequest {
    /// Starts the exchange, or refuses the request. No `async`: nothing of the request is held while its response is
    /// awaited. The client's headers are slices of its connection's buffer, which could not be used again.
    fn start(
        mut self,
        app: &Arc<AppState>,
        client_request: ClientRequest,
        route: Result<SelectedUpstream, Error>,
        stored: Option<Loaded>,
    ) -> Result<PendingResponse, Box<Response>> {
        match self.prepare(app, client_request, route, stored) {
            Ok(prepared) => Ok(self.send(app, prepared)),
            Err(error) => Err(Box::new(refuse(app, self.dialect, self.meta, &error))),
        }
    }

    fn prepare<'a>(
        &mut self,
        app: &'a Arc<AppState>,
        client_request: ClientRequest,
        route: Result<SelectedUpstream, Error>,
        stored: Option<Loaded>,
    ) -> Result<PreparedExchange<'a>, Error> {
        let route = route?;
        let is_stream = client_request.wants_stream();
        let served = app.upstreams.get(route.upstream).ok_or_else(|| Error::Client(no_upstream()))?;
        let profile = &served.config.profile;
        let (client_request, recorder) = stored_responses::resolve(
            app,
            self.dialect,
            profile,
            &self.meta,
            &self.path,
            client_request,
            (&self.received.body, stored),
        )?;
        let recorded = app
            .recorder
            .is_some()
            .then(|| recorded_request(&self.meta.method, &self.path, &self.headers, &self.received.body));
        let headers = std::mem::take(&mut self.headers);
        let client_request = client_request.with_headers(headers).with_owner(self.meta.owner.clone());
        let mut settings = app.settings();
        settings.debug = self.meta.wants_debug_report;
        let target = app.target(served, route.model, client_request.model());
        let model = target.model.clone().unwrap_or_else(|| client_request.model().to_owned());
        let exchange = Exchange::start(client_request, target, settings, app.context())?;
        Ok(PreparedExchange {
            exchange,
            upstream: route.upstream,
            served,
            model,
            is_stream,
            recorder,
            recorded,
        })
    }

    fn send(self, app: &Arc<AppState>, prepared: PreparedExchange<'_>) -> PendingResponse {
        let Self { dialect, meta, received, .. } = self;
        let ReceivedRequest { permit, reservation, body } = received;
        let PreparedExchange { exchange, upstream, served, model, is_stream, recorder, recorded } = prepared;
        let recording = recorded.and_then(|request| {
            let profile = &served.config.profile.name;
            let cassette = Cassette::new(dialect, request, exchange.upstream(), profile.as_str());
            Some(app.recorder.as_ref()?.begin(cassette, &model))
        });
        let body_log = body_log::is_enabled().then(|| BodyLog::new(app.clone(), &meta.id));
        let deadline = RequestDeadline::new(app.clone(), meta.connection.clone());
        let trace = meta.trace.clone();
        let log_entry = AccessLogEntry::new(app.clone(), meta, dialect.name(), served.name.clone());
        let timing = log_entry.timing();
        let traced = served.traced(trace.as_ref(), &model);
        let app_of_report = app.clone();
        let on_finish = Box::new(move |report: Report| {
            // This runs while the body is dropped, where a panic must not pass.
            let _ = panics::catch(|| {
                if let Some(served) = app_of_report.upstreams.get(upstream) {
                    app_of_report.adaptations.store_adaptations(&served.config.name, &model, &report);
                }
            });
            log_entry.finish_with_report(report);
            drop(permit);
        });
        let content_type = exchange.stream_content_type();
        let transport = match body_log {
            Some(body_log) => body_log.log_traffic_of(traced),
            None => traced,
        };
        let transport = match &recording {
            Some(recording) => recording.record_traffic_of(transport),
            None => transport,
        };
        let counted = CountedUpstream::new(app, transport);
        let store = counted.store(&served.store, body.len());
        let response = upstream::respond(exchange, counted.clone().into(), Some(store), on_finish);
        let start = counted.response_start(app, Box::pin(response), reservation);
        let client = ClientSide { dialect, upstream, is_stream, content_type, timing, deadline };
        PendingResponse { start, client, recorder, recording }
    }
}

/// An exchange that was sent, until its response begins.
struct PendingResponse {
    start: ResponseStart,
    client: ClientSide,
    recorder: Option<ResponseRecorder>,
    recording: Option<Recording>,
}

impl PendingResponse {
    /// Waits until the response begins; for a streaming client at most until its first keep-alive is due.
    async fn respond(self, app: Arc<AppState>) -> Response {
        let Self { mut start, client, recorder, recording } = self;
        let response = if client.is_stream {
            match tokio::time::timeout(app.config.timeouts.keepalive, &mut start).await {
                Ok(response) => client.respond(&app, response, start.take_reservation()),
                Err(_) => client.respond_early(&app, start),
            }
        } else {
            let response = (&mut start).await;
            client.respond(&app, response, start.take_reservation())
        };
        let response = match recorder {
            Some(recorder) => stored_responses::record(recorder, response),
            None => response,
        };
        match recording {
            Some(recording) => recording.record_response(response),
            None => response,
        }
    }
}

/// What the client's response needs besides core's.
struct ClientSide {
    dialect: Dialect,
    /// Index of the upstream.
    upstream: usize,
    is_stream: bool,
    /// The content type of its stream.
    content_type: &'static str,
    timing: ResponseTiming,
    deadline: RequestDeadline,
}

impl ClientSide {
    /// The client's response from core's. `reservation`: the room that a collected body takes.
    fn respond(
        self,
        app: &AppState,
        response: http::Response<ResponseBody>,
        reservation: Option<BodyReservation>,
    ) -> Response {
        let (mut parts, body) = response.into_parts();
        let has_failed = parts.extensions.get::<Error>().is_some();
        let outcome = parts.extensions.get::<Outcome>().copied().unwrap_or(Outcome::Cancelled);
        let diagnostics = parts.extensions.remove::<Diagnostics>().unwrap_or_default();
        self.timing.record_head(parts.status);
        let label = upstream_label(app, self.upstream);
        let (body, outcome) = match body.into_complete() {
            Ok(bytes) => {
                let body = match reservation.filter(|_| bytes.len() >= LARGE_BODY_BYTES) {
                    Some(reservation) => Body::from(reservation.attach_to(bytes)),
                    None => Body::from(bytes),
                };
                (body, outcome.as_str())
            }
            Err(body) if self.is_stream && !has_failed => {
                let every = app.config.timeouts.keepalive;
                let body = KeepAliveBody::streaming(body, self.dialect, every, self.deadline);
                (Body::from_stream(body), STREAMING)
            }
            Err(body) => (Body::from_stream(body), STREAMING),
        };
        let mut response = Response::new(body);
        *response.status_mut() = parts.status;
        *response.headers_mut() = parts.headers;
        response.headers_mut().reserve(ADDED_HEADERS);
        add_headers(response.headers_mut(), label, outcome);
        responses::add_diagnostics_header(response.headers_mut(), &diagnostics);
        response
    }

    /// Begins the client's stream before core's response: keep-alives come first, then the stream.
    fn respond_early(self, app: &AppState, start: ResponseStart) -> Response {
        let every = app.config.timeouts.keepalive;
        let body = KeepAliveBody::waiting(start, self.timing, self.dialect, every, self.deadline);
        let mut response = Response::new(Body::from_stream(body));
        *response.status_mut() = StatusCode::OK;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        add_headers(headers, upstream_label(app, self.upstream), STREAMING);
        response
    }
}

/// The outcome header of a response that has not ended.
const STREAMING: &str = "streaming";

fn upstream_label(app: &AppState, upstream: usize) -> Option<HeaderValue> {
    app.upstreams.get(upstream).and_then(|served| served.label.clone())
}

/// The response to a request without messages, in a dialect whose clients send such requests.
fn empty_request_response(dialect: Dialect, client_request: &ClientRequest, body: &[u8]) -> Option<Response> {
    if !client_request.request().messages.is_empty() {
        return None;
    }
    let document = dialect.empty_request_response(body, clock::unix_seconds())?;
    let mut response = responses::json(StatusCode::OK, format!("{document}\n"));
    if client_request.wants_stream() {
        let content_type = HeaderValue::from_static(dialect.stream_content_type());
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    Some(response)
}

fn add_headers(headers: &mut HeaderMap, upstream: Option<HeaderValue>, outcome: &'static str) {
    if let Some(upstream) = upstream {
        headers.insert(responses::UPSTREAM, upstream);
    }
    headers.insert(responses::OUTCOME, HeaderValue::from_static(outcome));
    // A proxy in between must not collect a stream before it passes it on.
    headers.insert(responses::ACCEL_BUFFERING, HeaderValue::from_static("no"));
}

/// Responds with an error before any upstream got a request.
fn refuse(app: &Arc<AppState>, dialect: Dialect, meta: RequestMeta, error: &Error) -> Response {
    let response = responses::error(dialect, error);
    AccessLogEntry::new(app.clone(), meta, dialect.name(), Arc::default()).finish_with_response(&response);
    response
}
