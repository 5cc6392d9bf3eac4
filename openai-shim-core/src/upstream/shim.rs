//! [`Shim`]: a client's HTTP request in, its HTTP response out.

use super::driver::{Driver, DriverPhase, OnFinish};
use super::event_tap::EventTap;
use super::observer::Observer;
use super::response_body::ResponseBody;
use super::responses::{error_response, json_response};
use super::shim_parts::ShimParts;
use super::stored_responses::{ResponseRecorder, StoredResponses, stores_responses};
use super::upstreams::{StateStores, Upstreams};
use crate::canonical::Diagnostics;
use crate::dialect::Dialect;
use crate::dialect::route_lookup::generation_route;
use crate::error::{ClientError, Error, ErrorKind, short_name};
use crate::exchange::{ClientRequest, Exchange, Report};
use crate::state::Owner;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use std::sync::{Arc, OnceLock};

/// The code of the error for a path that takes another method.
const WRONG_METHOD: &str = "method_not_allowed";

/// Serves clients of every dialect through one upstream or several.
///
/// It is a handle: clones share everything.
///
/// ```
/// use openai_shim_core::{profile, Shim, Upstream, UpstreamBody, UpstreamError};
/// struct Canned;
/// #[async_trait::async_trait]
/// impl Upstream for Canned {
///     async fn send(
///         &self,
///         _request: http::Request<bytes::Bytes>,
///     ) -> Result<http::Response<UpstreamBody>, UpstreamError> {
///         let body = r#"{"choices":[{"message":{"content":"hello"}}]}"#;
///         Ok(http::Response::new(UpstreamBody::Complete(body.into())))
///     }
/// }
/// let shim = Shim::builder(Canned, profile("compatible")?)
///     .clock(|| std::time::Duration::from_secs(1_700_000_000)) // the time since 1970
///     .entropy(|| 4) // a random number
///     .build()?;
/// let body = r#"{"model":"m","max_tokens":50,"messages":[{"role":"user","content":"hi"}]}"#;
/// let request = http::Request::post("/v1/messages").body(body.into())?;
/// let future = async move { shim.serve(request).await };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Shim(pub(super) Arc<ShimParts>);

impl std::fmt::Debug for Shim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shim").field("profile", &self.0.first.profile.name).finish_non_exhaustive()
    }
}

impl Shim {
    /// Reads a client's request for generation, which the caller may change before it is [run](Self::run). The hooks of the builder
    /// have not seen it, and what it continues from (`previous_response_id`) is not loaded yet.
    ///
    /// # Errors
    /// No dialect generates at its path, or not with this method; or the body is no request of the dialect.
    pub fn read(&self, request: http::Request<Bytes>) -> Result<ClientRequest, Error> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
        let (client, endpoint) =
            generation_route(parts.uri.path()).ok_or_else(|| unknown_path(parts.uri.path()))?;
        if parts.method.as_str() != endpoint.method {
            return Err(wrong_method(&parts.method, endpoint.method));
        }
        let owner = self.0.owner(&parts);
        let client_request = ClientRequest::read(client, path, body)?.with_id(self.0.new_id());
        let client_request = client_request.with_headers(parts.headers);
        Ok(match owner {
            Some(owner) => client_request.with_owner(owner),
            None => client_request,
        })
    }

    /// Runs a request that was read before, and returns the client's response once that begins.
    pub fn run(
        &self,
        client_request: ClientRequest,
    ) -> impl Future<Output = http::Response<ResponseBody>> + Send + use<> {
        let shim = self.clone();
        async move {
            let (client, id) = (client_request.client(), client_request.id().to_owned());
            match Box::pin(shim.run_request(client_request)).await {
                Ok(response) => response,
                Err(error) => shim.refuse_as(client, &error, id),
            }
        }
    }

    async fn run_request(
        &self,
        mut client_request: ClientRequest,
    ) -> Result<http::Response<ResponseBody>, Error> {
        let parts = &self.0;
        if client_request.id().is_empty() {
            client_request = client_request.with_id(parts.new_id());
        }
        let recorder = self.continue_stored(&mut client_request).await?;
        parts.edit(&mut client_request)?;
        let (client, context) = (client_request.client(), parts.context());
        if client_request.request().messages.is_empty()
            && let Some(document) = client.empty_request_response(client_request.body(), context.created())
        {
            let mut response = json_response(StatusCode::OK, format!("{document}\n"));
            if client_request.wants_stream() {
                let content_type = HeaderValue::from_static(client.stream_content_type());
                response.headers_mut().insert(CONTENT_TYPE, content_type);
            }
            let report =
                Report::answered(client_request.model(), &parts.first.profile, Diagnostics::default());
            return Ok(self.reported(response, report, client_request.id().to_owned()));
        }
        let mut events = (!parts.on_event.is_empty())
            .then(|| EventTap::new(&client_request, context.clone(), parts.settings.max_frame_bytes));
        let id = client_request.id().to_owned();
        let (upstreams, targets): (Vec<_>, Vec<_>) = parts
            .chosen(&client_request)?
            .into_iter()
            .map(|chosen| (chosen.served.upstream.clone(), chosen.target))
            .unzip();
        let exchange = Exchange::start(client_request, targets, parts.settings.clone(), context)?;
        let delivered: Arc<OnceLock<Report>> = Arc::default();
        let (on_report, slot) = (parts.clone(), delivered.clone());
        let on_finish = Box::new(move |mut report: Report| {
            report.request_id = id;
            on_report.report(&report);
            drop(slot.set(report));
        });
        let response = respond(exchange, upstreams.into(), parts.state.clone().into(), on_finish).await;
        let (head, body) = response.into_parts();
        if let Some(events) = &mut events {
            events.head(head.status, &head.headers);
        }
        let recorder = recorder.filter(|_| head.status.is_success());
        let events = events.map(|events| (parts.clone(), events));
        let observer = Observer { events, recorder, report: delivered, storing: None };
        Ok(http::Response::from_parts(head, body.observed(observer).await))
    }

    /// Puts the stored history that a request continues from into it, and returns the recorder of its response, for upstreams that
    /// store none. What is stored of the request is what the client sent: hooks change it again when it is continued.
    async fn continue_stored(
        &self,
        client_request: &mut ClientRequest,
    ) -> Result<Option<ResponseRecorder>, Error> {
        let client = client_request.client();
        let Some(stored) = self.stored_responses(client, client_request.owner()) else { return Ok(None) };
        // The upstream is chosen again when the hooks have changed the request.
        if stores_responses(
            &self.0.first_chosen(client_request)?.served.profile,
            client,
            client_request.model(),
        ) {
            return Ok(None);
        }
        let references = stored.references(client_request.body());
        if !references.is_empty() {
            let loaded = stored.load(references).await?;
            let body = stored.with_history(client_request.body(), &loaded)?;
            let path = client_request.path().to_owned();
            client_request.replace(&path, body)?;
        }
        Ok(stored.recorder(client_request.body()))
    }

    /// The stored responses of an owner, if there is a store.
    pub(super) fn stored_responses(&self, client: Dialect, owner: Option<&Owner>) -> Option<StoredResponses> {
        StoredResponses::new(client, self.0.state.clone()?, owner?.clone())
    }

    /// Returns an error as a response in the client's dialect, for a request that no upstream gets; it is reported.
    pub fn refuse(&self, client: Dialect, error: &Error) -> http::Response<ResponseBody> {
        self.refuse_as(client, error, self.0.new_id())
    }

    /// The same for a request with an id.
    pub(super) fn refuse_as(
        &self,
        client: Dialect,
        error: &Error,
        id: String,
    ) -> http::Response<ResponseBody> {
        let response = error_response(client.encode_error(error), error);
        self.reported(response, Report::refused(&self.0.first.profile, error.clone()), id)
    }

    /// Delivers the report of a response that is complete.
    pub(super) fn reported(
        &self,
        mut response: http::Response<ResponseBody>,
        mut report: Report,
        id: String,
    ) -> http::Response<ResponseBody> {
        report.request_id = id;
        self.0.report(&report);
        response.extensions_mut().insert(report.outcome);
        response.extensions_mut().insert(report.diagnostics.clone());
        response.body_mut().set_report(report);
        response
    }
}

/// Drives an exchange until its response has a head: sends, waits and retries until bytes may go out. [`Shim`] does this with each
/// request; a program with an exchange of its own calls it.
///
/// `upstreams`: one for each target of the exchange, or one for all of them; `state_stores` likewise.
///
/// The response's extensions hold the [`Diagnostics`] so far, the [`Outcome`](crate::Outcome), the
/// [`Attempts`](super::Attempts), and the [`Error`] if the body is one. `on_finish` is called once, when the body has ended or was
/// dropped.
pub fn respond(
    exchange: Exchange,
    upstreams: Upstreams,
    state_stores: StateStores,
    on_finish: OnFinish,
) -> impl Future<Output = http::Response<ResponseBody>> + Send + use<> {
    // An exchange is large: it moves to the heap before there is a future that would hold it.
    let driver = Box::new(Driver {
        exchange,
        upstreams,
        target: 0,
        told_attempts: 0,
        state_stores,
        on_finish,
        phase: DriverPhase::Idle,
    });
    ResponseBody::new(driver).respond()
}

/// The error for a path that no dialect has.
pub(super) fn unknown_path(path: &str) -> Error {
    let message =
        format!("There is no `{}` here. Chat clients send POST /v1/chat/completions.", short_name(path));
    Error::Client(ClientError::new(ErrorKind::NotFound, message).with_code("unknown_url"))
}

/// The error for a path that takes another method.
pub(super) fn wrong_method(method: &Method, allowed: &str) -> Error {
    let message = format!("This path takes {allowed}, not {method}.");
    Error::Client(ClientError::invalid(message).with_code(WRONG_METHOD))
}
