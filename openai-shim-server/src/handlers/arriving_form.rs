//! Receives a form for a forwarded route. A large one is sent on while it arrives: its beginning is held, in which its model is
//! looked for; a model that comes later is replaced as it passes.

use crate::app_state::AppState;
use crate::http::arriving_body::ArrivingBody;
use crate::http::body::{budget_exceeded, too_large};
use crate::http::body_budget::BodyReservation;
use crate::http::early_errors;
use crate::http::receive::{ReceivedRequest, receive};
use crate::http::request_permits::RequestPermit;
use crate::observe::body_log::{self, BodyLog};
use crate::request_meta::RequestMeta;
use axum::body::Body;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use openai_shim_core::UpstreamError;
use openai_shim_core::dialect::Dialect;
use openai_shim_core::dialect::named_model::{FIELD, NamedModel};
use openai_shim_core::error::ClientError;
use openai_shim_core::framing::{FormField, FormScanner};
use openai_shim_core::upstream::RequestStream;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

/// What was received of a forwarded request before it is sent.
pub(crate) enum Inbound {
    Whole(ReceivedRequest),
    Form(ArrivingForm),
}

/// A form of which a part was received.
pub(crate) struct ArrivingForm {
    permit: RequestPermit,
    reservation: BodyReservation,
    held: BytesMut,
    scanner: FormScanner,
    body: ArrivingBody,
}

/// Receives a request. A form longer than `limits.form_prefix` is received as far as its model is known, or no further than that
/// limit if only this upstream can serve it (`only_upstream`). The error is the response that the client gets.
pub(crate) async fn receive_form(
    app: &Arc<AppState>,
    meta: &RequestMeta,
    dialect: Dialect,
    headers: &HeaderMap,
    body: Body,
    only_upstream: Option<usize>,
) -> Result<Inbound, Response> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let scanner = FormScanner::new(kind, FIELD).filter(|_| !headers.contains_key(CONTENT_ENCODING));
    let Some(scanner) = scanner else {
        return receive(app, meta, dialect, headers, body).await.map(Inbound::Whole);
    };
    let Some(permit) = app.process.request_permits.try_acquire(app.config.limits.concurrent) else {
        crate::http::receive::discard(meta, body).await;
        return Err(early_errors::too_many_requests(dialect));
    };
    let limits = app.config.limits;
    let mut form = ArrivingForm {
        permit,
        reservation: app.process.body_budget.empty_reservation(),
        held: BytesMut::new(),
        scanner,
        body: ArrivingBody::new(body, limits.request_body),
    };
    let streams = only_upstream
        .and_then(|upstream| app.upstreams.get(upstream))
        .is_some_and(|served| !served.needs_length());
    let is_whole = loop {
        let is_known = streams || form.scanner.is_done();
        if is_known && form.held.len() > limits.form_prefix {
            break false;
        }
        let failure = match form.body.next().await {
            _ if form.body.exceeds_limit() => Some(too_large(limits.request_body)),
            None => break true,
            Some(Err(error)) => Some(error),
            Some(Ok(bytes)) => form.hold(&bytes).err(),
        };
        if let Some(error) = failure {
            form.held = BytesMut::new();
            form.body.discard().await;
            return Err(early_errors::body_error(dialect, error));
        }
    };
    if body_log::is_enabled() {
        BodyLog::new(app.clone(), &meta.id).log("request", &form.held);
    }
    if !is_whole {
        return Ok(Inbound::Form(form));
    }
    let ArrivingForm { permit, reservation, held, .. } = form;
    Ok(Inbound::Whole(ReceivedRequest { permit, reservation, body: held.freeze() }))
}

impl ArrivingForm {
    fn hold(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        self.reservation.grow_to(self.held.len() + bytes.len()).map_err(|_| budget_exceeded())?;
        self.held.extend_from_slice(bytes);
        self.scanner.push(bytes);
        Ok(())
    }

    /// The model that the received part names.
    pub(crate) fn model(&self) -> Option<NamedModel> {
        let field = self.scanner.found()?;
        let name = field.coding.decode(self.held.get(field.indexes()?)?)?;
        Some(NamedModel::in_form(name, field.clone()))
    }

    /// The form as the upstream gets it, under this name for its model; a model that comes later gets the upstream's name for
    /// it.
    pub(crate) fn into_stream(
        self,
        app: &Arc<AppState>,
        upstream: usize,
        model: Option<&str>,
    ) -> (RequestPermit, BodyReservation, SentForm) {
        let Self { permit, reservation, mut held, scanner, body } = self;
        let received = held.len() as u64;
        let renamed = scanner.found().zip(model).and_then(|(field, model)| field.replace(&held, model));
        if let Some(renamed) = renamed {
            held = renamed.as_slice().into();
        }
        let is_known = scanner.is_done();
        let length = body.length().filter(|_| is_known).map(|length| length - received + held.len() as u64);
        let source = Arc::new(FormSource(Mutex::new(SourceState { body, failure: None })));
        let bytes = FormStream {
            app: app.clone(),
            upstream,
            source: source.clone(),
            held,
            start: 0,
            scanner: (!is_known).then_some(scanner),
            lookup: None,
            is_over: false,
        };
        let stream = RequestStream { length, bytes: Box::pin(bytes) };
        (permit, reservation, SentForm { stream, source })
    }

    /// Reads and drops the rest.
    pub(crate) async fn discard(mut self) {
        self.body.discard().await;
    }
}

/// A form that is being sent.
pub(crate) struct SentForm {
    pub(crate) stream: RequestStream,
    /// Where its bytes come from.
    pub(crate) source: Arc<FormSource>,
}

/// A client's body that two sides share: the transport reads it, the handler looks at how that ended.
pub(crate) struct FormSource(Mutex<SourceState>);

struct SourceState {
    body: ArrivingBody,
    failure: Option<ClientError>,
}

impl FormSource {
    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let item = ready!(state.body.poll_next(cx));
        Poll::Ready(item.map(|bytes| {
            bytes.map_err(|error| {
                let message = error.message.clone();
                state.failure = Some(error);
                // The client gets its own error; the upstream must not be blamed.
                UpstreamError::malformed(message)
            })
        }))
    }

    /// The client's failure that ended the request, if one did. What the client still sends is read and dropped.
    pub(crate) async fn finish(&self) -> Option<ClientError> {
        let (failure, mut body) = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let ended = ArrivingBody::new(Body::empty(), 0);
            (state.failure.take(), std::mem::replace(&mut state.body, ended))
        };
        body.discard().await;
        failure
    }
}

/// The upstream's name for a model, while its upstream is looked up.
type Lookup = Pin<Box<dyn Future<Output = Option<String>> + Send>>;

/// A form's bytes on their way to the upstream.
struct FormStream {
    app: Arc<AppState>,
    upstream: usize,
    source: Arc<FormSource>,
    /// Bytes that were received and not sent.
    held: BytesMut,
    /// Where they begin in the form.
    start: u64,
    /// `None`: nothing more is looked for.
    scanner: Option<FormScanner>,
    lookup: Option<(FormField, Lookup)>,
    is_over: bool,
}

impl FormStream {
    /// Takes the held bytes that cannot be part of the model's name.
    fn take_ready(&mut self) -> Option<Bytes> {
        let value_start = self.scanner.as_ref().and_then(FormScanner::value_start);
        let length = value_start.and_then(|start| usize::try_from(start - self.start).ok());
        let ready = self.held.split_to(length.unwrap_or(self.held.len()).min(self.held.len()));
        self.start += ready.len() as u64;
        (!ready.is_empty()).then(|| ready.freeze())
    }

    /// Looks the model up once it was read.
    fn look_up(&mut self) {
        let Some(scanner) = self.scanner.take_if(|scanner| scanner.is_done()) else { return };
        let Some(field) = scanner.found().cloned() else { return };
        let value = field.indexes_from(self.start).and_then(|indexes| self.held.get(indexes));
        let Some(name) = value.and_then(|value| field.coding.decode(value)) else { return };
        let (app, upstream) = (self.app.clone(), self.upstream);
        let lookup = async move {
            let route = app.route(&name, false).await.ok()?;
            route.model.filter(|_| route.upstream == upstream)
        };
        self.lookup = Some((field, Box::pin(lookup)));
    }
}

impl Stream for FormStream {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some((field, lookup)) = &mut this.lookup {
                let model = ready!(lookup.as_mut().poll(cx));
                let renamed = model.and_then(|model| field.replace_from(this.start, &this.held, &model));
                if let Some(renamed) = renamed {
                    this.held = renamed.as_slice().into();
                }
                this.lookup = None;
            }
            if let Some(ready) = this.take_ready() {
                return Poll::Ready(Some(Ok(ready)));
            }
            if this.is_over {
                return Poll::Ready(None);
            }
            let item = ready!(this.source.poll_next(cx));
            match (item, &mut this.scanner) {
                (Some(Ok(bytes)), Some(scanner)) => {
                    scanner.push(&bytes);
                    this.held.extend_from_slice(&bytes);
                    this.look_up();
                }
                (Some(bytes), _) => return Poll::Ready(Some(bytes)),
                (None, scanner) => {
                    this.is_over = true;
                    if let Some(scanner) = scanner {
                        scanner.finish();
                    }
                    this.look_up();
                }
            }
        }
    }
}
