//! [`Shim`]: a client's HTTP request in, its HTTP response out, through one upstream.

use super::clock::{Clock, Entropy};
use super::driver::{Driver, DriverPhase, OnFinish};
use super::response_body::ResponseBody;
use super::state_store::StateStore;
use super::transport::Upstream;
use super::upstreams::Upstreams;
use crate::canonical::Context;
use crate::dialect::route_lookup::{closest_dialect, generation_route};
use crate::dialect::{DEFAULT_DIALECT, Dialect, Endpoint};
use crate::error::{ClientError, Error, ErrorKind, short_name};
use crate::exchange::{ClientRequest, Exchange, Report, Settings, SharedProfile};
use crate::state::Owner;
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use std::sync::Arc;

/// The code of the error for a path that takes another method.
const WRONG_METHOD: &str = "method_not_allowed";

/// Reads or changes a request before it is sent, or refuses it.
pub(super) type RequestHook = Box<dyn Fn(&mut ClientRequest) -> Result<(), Error> + Send + Sync>;
/// Reads a report.
pub(super) type ReportHook = Box<dyn Fn(&Report) + Send + Sync>;
/// Finds the owner of a request's state.
pub(super) type OwnerOf = Box<dyn Fn(&Parts) -> Option<Owner> + Send + Sync>;

/// What all clones of a [`Shim`] share.
pub(super) struct ShimParts {
    pub(super) upstream: Arc<dyn Upstream>,
    pub(super) profile: SharedProfile,
    pub(super) settings: Settings,
    pub(super) state: Option<Arc<dyn StateStore>>,
    pub(super) owner_of: Option<OwnerOf>,
    pub(super) clock: Box<dyn Clock>,
    pub(super) entropy: Box<dyn Entropy>,
    pub(super) on_request: Vec<RequestHook>,
    pub(super) on_report: Vec<ReportHook>,
}

impl ShimParts {
    /// Hands a report to all hooks.
    fn report(&self, report: &Report) {
        self.on_report.iter().for_each(|hook| hook(report));
    }
}

/// Serves clients of every dialect through one upstream.
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
        f.debug_struct("Shim").field("profile", &self.0.profile.name).finish_non_exhaustive()
    }
}

impl Shim {
    /// Serves a client's request. Its dialect is that of its path, such as `/v1/messages`; every failure becomes a response in that
    /// dialect.
    pub async fn serve(&self, request: http::Request<Bytes>) -> http::Response<ResponseBody> {
        let client = dialect_of(&request);
        match self.read(request) {
            Ok(client_request) => self.run(client_request).await,
            Err(error) => self.refuse(client, &error),
        }
    }

    /// Reads a client's request, which the caller may change before it is [run](Self::run). The hooks of the builder have not seen
    /// it.
    ///
    /// # Errors
    /// No dialect has its path, or not with this method; or the body is no request of the dialect.
    pub fn read(&self, request: http::Request<Bytes>) -> Result<ClientRequest, Error> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
        let (client, endpoint) =
            generation_route(parts.uri.path()).ok_or_else(|| unknown_path(parts.uri.path()))?;
        if parts.method.as_str() != endpoint.method {
            return Err(wrong_method(&parts.method, endpoint));
        }
        let owner = self.0.owner_of.as_ref().and_then(|owner_of| owner_of(&parts));
        let client_request = ClientRequest::read(client, path, body)?.with_headers(parts.headers);
        Ok(match owner {
            Some(owner) => client_request.with_owner(owner),
            None => client_request,
        })
    }

    /// Runs a request that was read before, and returns the client's response once that begins.
    pub async fn run(&self, client_request: ClientRequest) -> http::Response<ResponseBody> {
        let client = client_request.client();
        match self.start(client_request) {
            Ok(exchange) => {
                let parts = self.0.clone();
                let on_finish = Box::new(move |report: Report| parts.report(&report));
                respond(exchange, self.0.upstream.clone().into(), self.0.state.clone(), on_finish).await
            }
            Err(error) => self.refuse(client, &error),
        }
    }

    fn start(&self, mut client_request: ClientRequest) -> Result<Exchange, Error> {
        for hook in &self.0.on_request {
            hook(&mut client_request)?;
        }
        let context = Context::new(self.0.clock.unix_time().as_secs(), self.0.entropy.seed());
        Exchange::start(client_request, self.0.profile.clone(), self.0.settings.clone(), context)
    }

    /// Returns an error as a response in the client's dialect, for a request that no upstream gets; it is reported.
    pub fn refuse(&self, client: Dialect, error: &Error) -> http::Response<ResponseBody> {
        self.0.report(&Report::refused(&self.0.profile, error.clone()));
        let (status, body) = client.encode_error(error);
        let mut response = http::Response::new(ResponseBody::complete(body.to_vec()));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if error.code() == Some(WRONG_METHOD) {
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        }
        response.extensions_mut().insert(error.clone());
        response
    }
}

/// Drives an exchange until its response has a head: sends, waits and retries until bytes may go out. [`Shim`] does this with each
/// request; a program with an exchange of its own calls it.
///
/// `upstreams`: one for each target of the exchange, or one for all of them.
///
/// The response's extensions hold the [`Diagnostics`](crate::Diagnostics) so far, the [`Outcome`](crate::Outcome), the
/// [`Attempts`](super::Attempts), and the [`Error`] if the body is one. `on_finish` is called once, when the body has ended or was
/// dropped.
pub fn respond(
    exchange: Exchange,
    upstreams: Upstreams,
    state_store: Option<Arc<dyn StateStore>>,
    on_finish: OnFinish,
) -> impl Future<Output = http::Response<ResponseBody>> + Send + use<> {
    // An exchange is large: it moves to the heap before there is a future that would hold it.
    let driver = Box::new(Driver {
        exchange,
        upstreams,
        upstream: None,
        state_store,
        on_finish,
        phase: DriverPhase::Idle,
    });
    ResponseBody::new(driver).respond()
}

/// The dialect of a request's path; for a path that belongs to none, the one with the most similar paths.
fn dialect_of(request: &http::Request<Bytes>) -> Dialect {
    let path = request.uri().path();
    let own = generation_route(path).map(|(dialect, _)| dialect);
    own.or_else(|| closest_dialect(path, request.headers())).unwrap_or(DEFAULT_DIALECT)
}

fn unknown_path(path: &str) -> Error {
    let message =
        format!("There is no `{}` here. Chat clients send POST /v1/chat/completions.", short_name(path));
    Error::Client(ClientError::new(ErrorKind::NotFound, message).with_code("unknown_url"))
}

fn wrong_method(method: &http::Method, endpoint: &Endpoint) -> Error {
    let message = format!("This path takes {}, not {method}.", endpoint.method);
    Error::Client(ClientError::invalid(message).with_code(WRONG_METHOD))
}
