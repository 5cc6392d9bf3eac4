//! Routes that are forwarded as they are: audio, images, and whatever else an upstream has.

use crate::app::App;
use crate::bodies::{self, Bodies};
use crate::choose::Route;
use crate::lifetime::Lifetime;
use crate::reply;
use crate::routes::Meta;
use crate::small::{collect, failure, returned};
use crate::telemetry::Record;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_core::Stream;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use openai_shim_core::dialect::Dialect;
use openai_shim_core::json::{Object, quote};
use openai_shim_core::upstream::{ByteStream, ReplyBody};
use openai_shim_core::{Error, UpstreamError};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::OwnedSemaphorePermit;

/// Headers that go to every upstream.
const SENT: [HeaderName; 2] = [CONTENT_TYPE, ACCEPT];

/// Forwards a request on `path`: only the model's name may change. Without a model it goes to the upstream that is named,
/// else to the first.
pub(crate) async fn forward(
    app: Arc<App>,
    meta: Meta,
    dialect: &'static dyn Dialect,
    (path, upstream): (String, Option<usize>),
    parts: Parts,
    body: Bytes,
    place: OwnedSemaphorePermit,
) -> Response {
    let model = model_of(&parts.headers, &body);
    let route = match (&model, upstream) {
        (Some(model), _) => app.route(model).await,
        (None, Some(upstream)) => Ok(Route { upstream, model: None }),
        (None, None) => Ok(app.route_without_model()),
    };
    let route = match route {
        Ok(route) => route,
        Err(error) => {
            let response = reply::error(dialect, &error);
            Record::new(app.clone(), meta, "forward", String::new()).answered(&response);
            return response;
        }
    };
    let Some(served) = app.upstreams.get(route.upstream) else {
        return reply::error(dialect, &Error::Client(crate::choose::no_upstream()));
    };
    let transport = if bodies::wanted() {
        Bodies::new(app.clone(), &meta.id).over(served.transport.0.clone())
    } else {
        served.transport.0.clone()
    };
    let lifetime = Lifetime::new(app.clone(), meta.client.clone());
    let record = Record::new(app.clone(), meta, "forward", served.config.name.clone());
    let head = record.head();
    let own = openai_shim_core::dialect(&served.config.profile.dialect).unwrap_or(dialect);
    let mut request = http::Request::new(with_model(&parts.headers, body, route.model.as_deref()));
    *request.method_mut() = parts.method.clone();
    let target = match parts.uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    *request.uri_mut() = target.parse().unwrap_or_default();
    for name in SENT {
        if let Some(value) = parts.headers.get(&name) {
            request.headers_mut().insert(name, value.clone());
        }
    }
    served.config.profile.pass_headers(&parts.headers, request.headers_mut());
    let refused = |record: Record, error: Error| {
        let response = reply::error(dialect, &error);
        record.answered(&response);
        response
    };
    let mut response = match transport.send(request).await {
        Ok(response) => {
            let (upstream, body) = response.into_parts();
            head.seen(upstream.status);
            if upstream.status.is_success() {
                let guard = Guard { record: Some(record), _place: place };
                let body = match body {
                    ReplyBody::Complete(bytes) => Guarded::body(one(bytes), guard, lifetime),
                    ReplyBody::Stream(source) => Guarded::body(source, guard, lifetime),
                    _ => Body::empty(),
                };
                let mut response = Response::new(body);
                *response.status_mut() = upstream.status;
                *response.headers_mut() = returned(&upstream.headers);
                response
            } else {
                let body = collect(body, 1 << 20).await.unwrap_or_default();
                refused(record, failure(own, &upstream, &body))
            }
        }
        Err(error) => refused(record, Error::Upstream(error)),
    };
    reply::upstream_header(response.headers_mut(), &served.config.name);
    response
}

/// The model that a body names: a JSON member, or a part of a form.
fn model_of(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    if is_json(headers) {
        return Some(Object::parse(body).ok()?.str("model")?.into_owned());
    }
    // A form's text parts are plain: name, blank line, value.
    let marker = b"name=\"model\"";
    let at = body.windows(marker.len()).position(|window| window == marker)?;
    let rest = body.get(at..)?;
    let start = rest.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let value = rest.get(start..)?;
    let end = value.windows(2).position(|window| window == b"\r\n")?;
    String::from_utf8(value.get(..end)?.to_vec()).ok()
}

fn with_model(headers: &HeaderMap, body: Bytes, model: Option<&str>) -> Bytes {
    let Some(model) = model.filter(|_| is_json(headers)) else { return body };
    let Ok(mut object) = Object::parse(&body) else { return body.clone() };
    object.set("model", quote(model));
    let mut out = Vec::with_capacity(body.len());
    object.write(&mut out);
    Bytes::from(out)
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).is_none_or(|v| v.contains("json"))
}

fn one(bytes: Bytes) -> ByteStream {
    struct One(Option<Bytes>);
    impl Stream for One {
        type Item = Result<Bytes, UpstreamError>;
        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(self.0.take().map(Ok))
        }
    }
    Box::pin(One(Some(bytes)))
}

/// Logs the request when its body is done or dropped.
struct Guard {
    record: Option<Record>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(record) = self.record.take() {
            record.forwarded();
        }
    }
}

struct Guarded {
    source: ByteStream,
    #[allow(dead_code)] // held for its drop
    guard: Guard,
    broken: Option<UpstreamError>,
    lifetime: Lifetime,
}

impl Guarded {
    fn body(source: ByteStream, guard: Guard, lifetime: Lifetime) -> Body {
        Body::from_stream(Self { source, guard, broken: None, lifetime })
    }
}

impl Stream for Guarded {
    type Item = Result<Bytes, UpstreamError>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let polled = self.source.as_mut().poll_next(cx);
        let cut = match &polled {
            Poll::Pending => Some(self.lifetime.poll(cx)).filter(Poll::is_ready),
            Poll::Ready(Some(_)) => self.lifetime.has_passed().map(Poll::Ready),
            Poll::Ready(None) => None,
        };
        if let Some(Poll::Ready(cut)) = cut {
            return Poll::Ready(Some(Err(self.lifetime.error(cut))));
        }
        if let Poll::Ready(Some(Err(error))) = polled {
            // An error closes the client's connection at once. What came before it leaves first.
            self.broken = Some(error);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        polled
    }
}
