//! Forwards requests unchanged except for the model's name: audio, images, and other routes that upstreams have. Checks the
//! response, then streams it.

use crate::app_state::{AppState, UpstreamState};
use crate::handlers::arriving_form::{Inbound, SentForm};
use crate::http::body_budget::BodyReservation;
use crate::http::body_resources::BodyResources;
use crate::http::deadline::RequestDeadline;
use crate::http::receive::ReceivedRequest;
use crate::http::request_permits::RequestPermit;
use crate::http::responses;
use crate::http::routes::FORWARD_LABEL;
use crate::observe::access_log::AccessLogEntry;
use crate::observe::body_log::{self, BodyLog};
use crate::offload::LARGE_BODY_BYTES;
use crate::request_meta::RequestMeta;
use crate::routing::configured_models::SelectedUpstream;
use crate::routing::targets::no_upstream;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use http::request::Parts;
use openai_shim_core::dialect::Dialect;
use openai_shim_core::dialect::auxiliary::ResponseCheck;
use openai_shim_core::dialect::named_model::NamedModel;
use openai_shim_core::upstream::auxiliary::{Expected, ForwardedRequest};
use openai_shim_core::upstream::{ByteStream, UpstreamBody};
use openai_shim_core::{Error, Profile, UpstreamError};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Where a request is forwarded to, and how its response is checked.
pub(crate) struct ForwardTarget {
    /// The path at the upstream.
    pub(crate) path: String,
    /// The index of the upstream for requests without a model; `None`: the first one.
    pub(crate) default_upstream: Option<usize>,
    pub(crate) check: Option<&'static dyn ResponseCheck>,
}

/// The only upstream that can serve a route, at an address that no model is part of.
pub(crate) fn only_upstream(app: &AppState, path: &str, serves: impl Fn(&Profile) -> bool) -> Option<usize> {
    let mut serving = (0..).zip(&app.upstreams).filter(|(_, served)| serves(&served.config.profile));
    let (upstream, served) = serving.next().filter(|_| serving.next().is_none())?;
    let paths = &served.config.profile.paths;
    (paths.auxiliary_url(path, "a") == paths.auxiliary_url(path, "b")).then_some(upstream)
}

/// Forwards a request.
pub(crate) async fn forward(
    app: Arc<AppState>,
    meta: RequestMeta,
    dialect: Dialect,
    ForwardTarget { path, default_upstream, check }: ForwardTarget,
    parts: Parts,
    inbound: Inbound,
) -> Response {
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let model = match &inbound {
        Inbound::Whole(received) => {
            let (headers, query, body) = (parts.headers.clone(), query.clone(), received.body.clone());
            let find = move || NamedModel::find(&headers, &query, &body);
            app.process.offload.run(received.body.len(), find).await
        }
        Inbound::Form(form) => form.model().or_else(|| NamedModel::in_query(&query)),
    };
    let route = match (&model, default_upstream) {
        (Some(model), _) => app.route(&model.name, false).await,
        (None, Some(upstream)) => Ok(SelectedUpstream::new(upstream, None)),
        (None, None) => Ok(app.route_without_model()),
    };
    let served = match &route {
        Ok(route) => app.upstreams.get(route.upstream).ok_or_else(|| Error::Client(no_upstream())),
        Err(error) => Err(error.clone()),
    };
    let (Ok(route), Ok(served)) = (&route, &served) else {
        let error = served.err().unwrap_or_else(|| Error::Client(no_upstream()));
        let response = responses::error(dialect, &error);
        AccessLogEntry::new(app.clone(), meta, FORWARD_LABEL, Arc::default()).finish_with_response(&response);
        if let Inbound::Form(form) = inbound {
            form.discard().await;
        }
        return response;
    };
    let transport = served.transport_in(meta.trace.as_ref());
    let transport = if body_log::is_enabled() {
        BodyLog::new(app.clone(), &meta.id).log_traffic_of(transport)
    } else {
        transport
    };
    let deadline = RequestDeadline::new(app.clone(), meta.connection.clone());
    let log_entry = AccessLogEntry::new(app.clone(), meta, FORWARD_LABEL, served.name.clone());
    let timing = log_entry.timing();
    let upstream_dialect = openai_shim_core::dialect(&served.config.profile.dialect).unwrap_or(dialect);
    let upstream_model = route.model.clone().or_else(|| model.as_ref().map(|model| model.name.clone()));
    let (query, outbound) = rename(&app, inbound, query, model, route).await;
    let fail = |log_entry: AccessLogEntry, error: Error| {
        let response = responses::error(dialect, &error);
        log_entry.finish_with_response(&response);
        response
    };
    let forwarded = ForwardedRequest {
        method: &parts.method,
        path: &path,
        query: &query,
        model: upstream_model.as_deref().unwrap_or_default(),
        headers: &parts.headers,
    };
    let request = match forwarded.to_upstream(&served.config.profile) {
        Ok(request) => request,
        Err(error) => return fail(log_entry, Error::Client(error)),
    };
    let Outbound { permit, reservation, original, body } = outbound;
    let (sent, form) = match body {
        OutboundBody::Whole(body) => (transport.send(request.map(|()| body)).await, None),
        OutboundBody::Form(SentForm { stream, source }) => {
            let is_chunked = stream.length.is_none();
            (transport.send_stream(request, stream).await, Some((source, is_chunked)))
        }
    };
    drop(reservation);
    // A form whose upstream answered with success is over, whatever the answer is.
    let has_answered = sent.as_ref().is_ok_and(|response| response.status().is_success());
    let resources = BodyResources::new(&app);
    let answered = match sent {
        Ok(response) => {
            timing.record_head(response.status());
            let expected = Expected { method: &parts.method, check };
            let queries = resources.queries(&*transport);
            queries.forwarded_response(upstream_dialect, response, expected, original).await
        }
        Err(error) => Err(Error::Upstream(error)),
    };
    let mut response = match answered {
        Ok(answer) => {
            let guard = ForwardGuard { log_entry: Some(log_entry), _permit: permit };
            let body = match answer.body {
                UpstreamBody::Complete(bytes) if bytes.len() >= LARGE_BODY_BYTES => {
                    UpstreamBody::Complete(resources.into_reservation().attach_to(bytes))
                }
                body => body,
            };
            let mut response = Response::new(ForwardedBody::new_body(body.into_stream(), guard, deadline));
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            response
        }
        Err(mut error) => {
            if let Some((source, is_chunked)) = form
                && !has_answered
            {
                let failure = source.finish().await;
                if is_chunked && failure.is_none() {
                    learn_length(served, &mut error);
                }
                error = failure.map_or(error, Error::Client);
            }
            fail(log_entry, error)
        }
    };
    responses::add_upstream_header(response.headers_mut(), &served.config.name);
    response
}

/// A request as the upstream gets it, and what it holds here.
struct Outbound {
    permit: RequestPermit,
    reservation: BodyReservation,
    /// The client's body, for the check of the response.
    original: Bytes,
    body: OutboundBody,
}

enum OutboundBody {
    Whole(Bytes),
    Form(SentForm),
}

/// Puts the upstream's name for the model in its place; returns the query as well.
async fn rename(
    app: &Arc<AppState>,
    inbound: Inbound,
    query: String,
    model: Option<NamedModel>,
    route: &SelectedUpstream,
) -> (String, Outbound) {
    let renamed = model.zip(route.model.clone());
    match inbound {
        Inbound::Whole(ReceivedRequest { permit, reservation, body: original }) => {
            let (mut query, body) = (query, original.clone());
            let replace = move || match renamed {
                Some((model, other)) => {
                    let body = model.replace(&other, &mut query, body);
                    (query, body)
                }
                None => (query, body),
            };
            let (query, body) = app.process.offload.run(original.len(), replace).await;
            (query, Outbound { permit, reservation, original, body: OutboundBody::Whole(body) })
        }
        Inbound::Form(form) => {
            let (mut query, original) = (query, Bytes::new());
            if let Some((model, other)) = &renamed {
                model.replace(other, &mut query, Bytes::new());
            }
            let other = renamed.as_ref().map(|(_, other)| other.as_str());
            let (permit, reservation, sent) = form.into_stream(app, route.upstream, other);
            (query, Outbound { permit, reservation, original, body: OutboundBody::Form(sent) })
        }
    }
}

/// Remembers that an upstream takes no body without a length, and says what follows from it.
fn learn_length(served: &UpstreamState, error: &mut Error) {
    if let Error::Upstream(UpstreamError::Status(error)) = error
        && error.status == StatusCode::LENGTH_REQUIRED.as_u16()
    {
        served.set_needs_length();
        error.message.push_str(
            " The form was sent while it arrived, and its length was not known because its model stands behind its file. From now \
             on forms are read whole for this upstream: send it again.",
        );
    }
}

/// Logs the request and releases its permit when the body ends or is dropped.
struct ForwardGuard {
    log_entry: Option<AccessLogEntry>,
    _permit: RequestPermit,
}

impl Drop for ForwardGuard {
    fn drop(&mut self) {
        if let Some(log_entry) = self.log_entry.take() {
            log_entry.finish_forwarded();
        }
    }
}

/// A forwarded body within the request's deadline.
struct ForwardedBody {
    source: ByteStream,
    #[allow(dead_code)] // logs on drop
    guard: ForwardGuard,
    /// An error that is returned at the next poll.
    pending_error: Option<UpstreamError>,
    deadline: RequestDeadline,
}

impl ForwardedBody {
    fn new_body(source: ByteStream, guard: ForwardGuard, deadline: RequestDeadline) -> Body {
        Body::from_stream(Self { source, guard, pending_error: None, deadline })
    }
}

impl Stream for ForwardedBody {
    type Item = Result<Bytes, UpstreamError>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(error) = self.pending_error.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let polled = self.source.as_mut().poll_next(cx);
        let cut = match &polled {
            Poll::Pending => Some(self.deadline.poll_cut(cx)).filter(Poll::is_ready),
            Poll::Ready(Some(_)) => self.deadline.check().map(Poll::Ready),
            Poll::Ready(None) => None,
        };
        if let Some(Poll::Ready(reason)) = cut {
            return Poll::Ready(Some(Err(self.deadline.error(reason))));
        }
        if let Poll::Ready(Some(Err(error))) = polled {
            // An error makes hyper close the connection at once; pending first lets it flush the bytes before the error.
            self.pending_error = Some(error);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        polled
    }
}
