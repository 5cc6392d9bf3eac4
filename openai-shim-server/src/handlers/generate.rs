//! Generation: a client's request on a dialect's route in, the model's response out.

use crate::app_state::{AppState, UpstreamState};
use crate::clock;
use crate::handlers::keep_alive::KeepAliveBody;
use crate::handlers::key_check;
use crate::handlers::response_collector::{CountedUpstream, ResponseStart};
use crate::handlers::stored_responses::{self, Loaded};
use crate::http::body_budget::BodyReservation;
use crate::http::deadline::{RequestDeadline, ResponseFuture};
use crate::http::receive::ReceivedRequest;
use crate::http::responses;
use crate::limits::{Admission, NamedKey};
use crate::observe::access_log::{AccessLogEntry, ResponseTiming};
use crate::observe::body_log::{self, BodyLog};
use crate::observe::recorder::{Recording, recorded_request};
use crate::offload::LARGE_BODY_BYTES;
use crate::panics;
use crate::request_meta::RequestMeta;
use crate::routing::selection::Selection;
use crate::routing::targets::RoutedModel;
use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use openai_shim_core::cassette::{Cassette, RecordedRequest, RecordedUpstream};
use openai_shim_core::exchange::ClientRequest;
use openai_shim_core::upstream::{self, ResponseBody, ResponseRecorder, StateStore, StateStores, Upstreams};
use openai_shim_core::{Diagnostics, Dialect, Error, Exchange, Outcome, Report, Upstream};
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
    let request = GenerateRequest { dialect, meta, headers, path, received };
    match request.meta.key.clone() {
        Some(key) => generate_with_key(app, key, request, client_request),
        None => start_generation(app, request, client_request),
    }
}

/// Starts a request whose key has a name, if the key permits that. A separate future: others do not carry it.
fn generate_with_key(
    app: &Arc<AppState>,
    key: Arc<NamedKey>,
    mut request: GenerateRequest,
    client_request: ClientRequest,
) -> ResponseFuture {
    let dialect = request.dialect;
    if let Err(error) = key_check::check_model(&key, client_request.model()) {
        return ready(refuse(app, dialect, request.meta, &error));
    }
    // Large requests are counted here, on the thread that read them.
    let demand = key_check::demand_of_generation(app, &key, &client_request);
    let app = app.clone();
    Box::pin(async move {
        match Admission::of(key.clone(), demand).await {
            Ok(admission) => {
                let admission = Arc::new(admission);
                request.meta.admission = Some(admission.clone());
                let standing = *admission.standing();
                let (starting, length) = (app.clone(), request.received.body.len());
                let start = move || start_generation(&starting, request, client_request);
                let response = app.process.offload.run(length, start).await.await;
                let mut response = admission.count_response(response);
                standing.add_headers(dialect, response.headers_mut());
                response
            }
            Err(refused) => {
                let mut response = refuse(&app, dialect, request.meta, &key.refusal(&refused));
                refused.standing.add_headers(dialect, response.headers_mut());
                response
            }
        }
    })
}

/// Starts a request that may be sent.
fn start_generation(
    app: &Arc<AppState>,
    request: GenerateRequest,
    client_request: ClientRequest,
) -> ResponseFuture {
    let stored = stored_responses::of_owner(app, request.dialect, &request.meta.owner);
    let references =
        stored.as_ref().map(|stored| stored.references(&request.received.body)).unwrap_or_default();
    match (app.routed_at_once(client_request.model()), references.is_empty()) {
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
                    None => app.routed(client_request.model()).await,
                };
                let stored = match stored.filter(|_| !has_no_references) {
                    Some(stored) => Some(stored.load(references).await),
                    None => None,
                };
                let (app_of_start, length) = (app.clone(), request.received.body.len());
                let start = move || request.start(&app_of_start, client_request, route, stored);
                match app.process.offload.run(length, start).await {
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
    selection: Selection,
    /// The first upstream.
    served: &'a UpstreamState,
    is_stream: bool,
    recorder: Option<ResponseRecorder>,
    /// The client's request for its cassette, if exchanges are recorded.
    recorded: Option<RecordedRequest>,
    /// The dialect of each target, if exchanges are recorded.
    dialects: Vec<Dialect>,
}

impl GenerateRequest {
    /// Starts the exchange, or refuses the request. No `async`: nothing of the request is held while its response is
    /// awaited. The client's headers are slices of its connection's buffer, which could not be used again.
    fn start(
        mut self,
        app: &Arc<AppState>,
        client_request: ClientRequest,
        route: Result<RoutedModel, Error>,
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
        route: Result<RoutedModel, Error>,
        stored: Option<Loaded>,
    ) -> Result<PreparedExchange<'a>, Error> {
        let route = route?;
        let is_stream = client_request.wants_stream();
        let (client_request, recorder) = stored_responses::resolve(
            app,
            self.dialect,
            &route,
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
        let selection = Selection::new(app, route, &client_request);
        let served = selection.served(app, 0)?;
        let targets = selection.targets(app, client_request.model())?;
        let dialects = recorded.as_ref().map(|_| targets.dialects(&client_request)).unwrap_or_default();
        let exchange = Exchange::start(client_request, targets, settings, app.context())?;
        Ok(PreparedExchange { exchange, selection, served, is_stream, recorder, recorded, dialects })
    }

    fn send(self, app: &Arc<AppState>, prepared: PreparedExchange<'_>) -> PendingResponse {
        let Self { dialect, meta, received, .. } = self;
        let ReceivedRequest { permit, reservation, body } = received;
        let PreparedExchange { exchange, selection, served, is_stream, recorder, recorded, dialects } =
            prepared;
        let recording = recorded.and_then(|request| {
            let profile = &served.config.profile.name;
            let cassette = Cassette::new(dialect, request, exchange.upstream(), profile.as_str());
            let model = selection.model(0).unwrap_or(&exchange.report().model);
            Some(app.recorder.as_ref()?.begin(cassette, model))
        });
        let body_log = body_log::is_enabled().then(|| BodyLog::new(app.clone(), &meta.id));
        let deadline = RequestDeadline::new(app.clone(), meta.connection.clone());
        let trace = meta.trace.clone();
        let requested_model = trace.as_ref().map(|_| exchange.report().model.clone()).unwrap_or_default();
        let mut log_entry = AccessLogEntry::new(app.clone(), meta, dialect.name(), served.name.clone());
        let timing = log_entry.timing();
        let content_type = exchange.stream_content_type();
        let traced = |target: usize, mut transport: Arc<dyn Upstream>| {
            if let (Some(trace), Ok(served)) = (&trace, selection.served(app, target)) {
                transport =
                    served.traced(transport, trace, selection.model(target).unwrap_or(&requested_model));
            }
            let transport = match &body_log {
                Some(body_log) => body_log.clone().log_traffic_of(transport),
                None => transport,
            };
            match &recording {
                Some(recording) => {
                    let dialect = dialects.get(target).copied().unwrap_or(dialect);
                    let profile =
                        selection.served(app, target).map_or("", |s| s.config.profile.name.as_str());
                    recording.record_traffic_of(transport, RecordedUpstream::new(dialect, profile))
                }
                None => transport,
            }
        };
        let first = selection.transport(app, 0).unwrap_or_else(|| served.transport.clone());
        let counted = CountedUpstream::new(app, traced(0, first), selection.len() > 1);
        let store = counted.store(&served.store, body.len());
        let (upstreams, stores) = match selection.len() {
            1 => (counted.clone().into(), Some(store).into()),
            _ => further_targets(app, &selection, (&counted, store), body.len(), traced),
        };
        let selection = Arc::new(selection);
        let (app_of_report, selection_of_report) = (app.clone(), selection.clone());
        let on_finish = Box::new(move |report: Report| {
            // This runs while the body is dropped, where a panic must not pass.
            let _ =
                panics::catch(|| end_exchange(&app_of_report, &selection_of_report, &report, &mut log_entry));
            log_entry.finish_with_report(report);
            drop(permit);
        });
        let response = upstream::respond(exchange, upstreams, stores, on_finish);
        let start = counted.response_start(app, Box::pin(response), reservation);
        let client = ClientSide { dialect, selection, is_stream, content_type, timing, deadline };
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
    selection: Arc<Selection>,
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
        let label = upstream_label(app, &self.selection, body.target().unwrap_or_default());
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
        // Who will answer is not known yet: it is named who is asked first.
        add_headers(headers, upstream_label(app, &self.selection, 0), STREAMING);
        response
    }
}

/// The outcome header of a response that has not ended.
const STREAMING: &str = "streaming";

fn upstream_label(app: &AppState, selection: &Selection, target: usize) -> Option<HeaderValue> {
    selection.served(app, target).ok().and_then(|served| served.label.clone())
}

/// The transports and stores of several targets. `first`: the first transport and store.
fn further_targets(
    app: &Arc<AppState>,
    selection: &Selection,
    (counted, store): (&Arc<CountedUpstream>, Arc<dyn StateStore>),
    request_bytes: usize,
    traced: impl Fn(usize, Arc<dyn Upstream>) -> Arc<dyn Upstream>,
) -> (Upstreams, StateStores) {
    let mut upstreams: Vec<Arc<dyn Upstream>> = vec![counted.clone()];
    let mut stores = vec![store];
    for target in 1..selection.len() {
        if let (Some(transport), Some(store)) =
            (selection.transport(app, target), selection.store(app, target))
        {
            upstreams.push(counted.for_target(traced(target, transport)));
            stores.push(counted.store(&store, request_bytes));
        }
    }
    (upstreams.into(), StateStores::ByTarget(stores.into()))
}

/// Records what an exchange tells about its upstreams, and who answered.
fn end_exchange(app: &AppState, selection: &Selection, report: &Report, log_entry: &mut AccessLogEntry) {
    let target = Selection::last_target(report);
    if let Ok(served) = selection.served(app, target) {
        let model = selection.model(target).unwrap_or(&report.model);
        app.store_adaptations(served, model, report);
        log_entry.set_attempts(&served.name, selection.summarize(app, &report.attempts));
    }
    selection.record_end(report, log_entry.was_cut());
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
