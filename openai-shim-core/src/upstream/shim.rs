//! [`Shim`]: a client's HTTP request in, its HTTP response out, through one upstream.

use super::driver::{Driver, DriverPhase, OnFinish};
use super::response_body::ResponseBody;
use super::state_store::StateStore;
use super::transport::{Upstream, UpstreamBody};
use crate::canonical::Context;
use crate::dialect::Dialect;
use crate::error::Error;
use crate::exchange::{ClientRequest, Exchange, Settings, SharedProfile};
use crate::state::Owner;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Translates between clients and one upstream.
///
/// ```
/// use openai_shim_core::{dialect, profile, Shim, Upstream, UpstreamBody, UpstreamError};
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
/// let shim = Shim::new(Canned, profile("compatible")?);
/// let request = http::Request::new(r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#.into());
/// let future = async move { shim.handle(dialect("openai-chat").unwrap(), request).await };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Shim {
    upstream: Arc<dyn Upstream>,
    profile: SharedProfile,
    settings: Settings,
    state: Option<Arc<dyn StateStore>>,
    seed: u64,
    request_count: Arc<AtomicU64>,
}

impl std::fmt::Debug for Shim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shim").field("profile", &self.profile.name).finish_non_exhaustive()
    }
}

impl Shim {
    /// Creates a shim for an upstream that behaves as `profile` describes, with default [`Settings`].
    pub fn new(upstream: impl Upstream + 'static, profile: impl Into<SharedProfile>) -> Self {
        Self::shared(Arc::new(upstream), profile)
    }

    /// The same, for a shared upstream.
    pub fn shared(upstream: Arc<dyn Upstream>, profile: impl Into<SharedProfile>) -> Self {
        Self {
            upstream,
            profile: profile.into(),
            settings: Settings::default(),
            state: None,
            seed: 0,
            request_count: Arc::default(),
        }
    }

    /// Replaces the settings.
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Adds a store for what clients drop and upstreams require again. Only requests with an owner use it.
    pub fn with_state(mut self, store: Arc<dyn StateStore>) -> Self {
        self.state = Some(store);
        self
    }

    /// Sets the seed of synthesized ids. Pass a random number: core has no randomness of its own.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Handles a client's request. Every failure becomes a response in the client's dialect. The time in synthesized
    /// responses comes from the request's extension of type [`Context`], and is 0 without one. The owner of stored state
    /// comes from its extension of type [`Owner`]; without one nothing is stored.
    pub async fn handle(
        &self,
        client: &'static dyn Dialect,
        request: http::Request<Bytes>,
    ) -> http::Response<UpstreamBody> {
        let (parts, body) = request.into_parts();
        let context = parts.extensions.get::<Context>().cloned().unwrap_or_else(|| {
            Context::new(0, self.seed.wrapping_add(self.request_count.fetch_add(1, Ordering::Relaxed)))
        });
        let started = ClientRequest::read(client, parts.uri.path(), body).and_then(|client_request| {
            let client_request = match parts.extensions.get::<Owner>() {
                Some(owner) => client_request.with_owner(owner.clone()),
                None => client_request,
            };
            Exchange::start(client_request, self.profile.clone(), self.settings.clone(), context)
        });
        match started {
            Ok(exchange) => {
                let (head, body) = self.run(exchange, Box::new(drop)).await.into_parts();
                let body = match body.into_complete() {
                    Ok(bytes) => UpstreamBody::Complete(bytes),
                    Err(body) => UpstreamBody::Stream(Box::pin(body)),
                };
                http::Response::from_parts(head, body)
            }
            Err(error) => error_response(client, &error),
        }
    }

    /// Drives an exchange until its response has a head: sends, waits and retries until bytes may go out.
    ///
    /// The response's extensions hold the [`Diagnostics`](crate::Diagnostics) so far, the [`Outcome`](crate::Outcome), the
    /// [`Attempts`](super::Attempts), and the [`Error`] if the body is one. `on_finish` is called once, when the body has
    /// ended or was dropped.
    pub fn run(
        &self,
        exchange: Exchange,
        on_finish: OnFinish,
    ) -> impl Future<Output = http::Response<ResponseBody>> + Send + use<> {
        // An exchange is large: it moves to the heap before there is a future that would hold it.
        let driver = Box::new(Driver {
            exchange,
            upstream: self.upstream.clone(),
            state_store: self.state.clone(),
            on_finish,
            phase: DriverPhase::Idle,
        });
        ResponseBody::new(driver).respond()
    }
}

/// An error as a response in the client's dialect.
fn error_response(client: &dyn Dialect, error: &Error) -> http::Response<UpstreamBody> {
    let (status, body) = client.encode_error(error);
    let mut response = http::Response::new(UpstreamBody::Complete(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
