//! Routes that are forwarded as they are: audio, images, and whatever else an upstream has.

use crate::app_state::AppState;
use crate::http::deadline::Lifetime;
use crate::http::responses;
use crate::http::routes::{Received, RequestMeta};
use crate::observe::access_log::AccessLogEntry;
use crate::observe::body_log::{self, BodyLog};
use crate::offload::LARGE_BODY_BYTES;
use crate::routing::targets::SelectedUpstream;
use crate::upstream::query::{collect, failure, returned};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_core::Stream;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use memchr::memmem;
use openai_shim_core::canonical::{explain_unusable, is_document, is_html, trim_body};
use openai_shim_core::dialect::Dialect;
use openai_shim_core::dialect::auxiliary::{ResponseCheck, states_failure};
use openai_shim_core::json::{Object, encode_string};
use openai_shim_core::upstream::{ByteStream, UpstreamBody};
use openai_shim_core::{Diagnostics, Error, UpstreamError};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::OwnedSemaphorePermit;

/// Headers that go to every upstream.
const SENT: [HeaderName; 2] = [CONTENT_TYPE, ACCEPT];

/// Forwards a request on `path`: only the model's name may change. Without a model it goes to the upstream that is named,
/// else to the first.
pub(crate) async fn forward(
    app: Arc<AppState>,
    meta: RequestMeta,
    dialect: &'static dyn Dialect,
    (path, upstream, check): (String, Option<usize>, Option<&'static dyn ResponseCheck>),
    parts: Parts,
    received: Received,
) -> Response {
    let Received { place, held, body } = received;
    let (json, length, sent) = (is_json(&parts.headers), body.len(), body.clone());
    let model = app.work.run(length, move || model_of(json, &sent)).await;
    let route = match (&model, upstream) {
        (Some(model), _) => app.route(model).await,
        (None, Some(upstream)) => Ok(SelectedUpstream { upstream, model: None }),
        (None, None) => Ok(app.route_without_model()),
    };
    let route = match route {
        Ok(route) => route,
        Err(error) => {
            let response = responses::error(dialect, &error);
            AccessLogEntry::new(app.clone(), meta, "forward", String::new()).answered(&response);
            return response;
        }
    };
    let Some(served) = app.upstreams.get(route.upstream) else {
        return responses::error(dialect, &Error::Client(crate::routing::targets::no_upstream()));
    };
    let transport = if body_log::wanted() {
        BodyLog::new(app.clone(), &meta.id).log_traffic_of(served.transport.0.clone())
    } else {
        served.transport.0.clone()
    };
    let lifetime = Lifetime::new(app.clone(), meta.client.clone());
    let record = AccessLogEntry::new(app.clone(), meta, "forward", served.config.name.clone());
    let head = record.head();
    let own = openai_shim_core::dialect(&served.config.profile.dialect).unwrap_or(dialect);
    let sent = body.clone();
    let written = app.work.run(length, move || with_model(json, sent, route.model.as_deref())).await;
    let mut request = http::Request::new(written);
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
    let refused = |record: AccessLogEntry, error: Error| {
        let response = responses::error(dialect, &error);
        record.answered(&response);
        response
    };
    let mut response = match transport.send(request).await {
        Ok(response) => {
            drop(held);
            let (upstream, answer) = response.into_parts();
            head.summary(upstream.status);
            if upstream.status.is_success() {
                match judged(&app, own, &upstream, answer, check.map(|check| (check, body))).await {
                    Ok(answer) => {
                        let guard = Guard { record: Some(record), _place: place };
                        let mut response = Response::new(Guarded::body(answer, guard, lifetime));
                        *response.status_mut() = upstream.status;
                        *response.headers_mut() = returned(&upstream.headers);
                        if check.is_some() && !is_json(&upstream.headers) {
                            let json = HeaderValue::from_static("application/json");
                            response.headers_mut().insert(CONTENT_TYPE, json);
                        }
                        response
                    }
                    Err(error) => refused(record, error),
                }
            } else {
                let answer = collect(answer, 1 << 20, &mut app.bodies.open()).await.unwrap_or_default();
                refused(record, failure(own, &upstream, &answer))
            }
        }
        Err(error) => refused(record, Error::Upstream(error)),
    };
    responses::upstream_header(response.headers_mut(), &served.config.name);
    response
}

/// The answer, if it is one: JSON is read to its end, of anything else its beginning.
async fn judged(
    app: &Arc<AppState>,
    own: &'static dyn Dialect,
    head: &http::response::Parts,
    answer: UpstreamBody,
    check: Option<(&'static dyn ResponseCheck, Bytes)>,
) -> Result<ByteStream, Error> {
    if matches!(head.status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT) {
        return Ok(one(Bytes::new()));
    }
    let mut held = app.bodies.open();
    let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if check.is_none() && kind != "application/json" {
        let mut source = match answer {
            UpstreamBody::Complete(bytes) => one(bytes),
            UpstreamBody::Stream(source) => source,
            _ => one(Bytes::new()),
        };
        let first = match poll_fn(|cx| source.as_mut().poll_next(cx)).await {
            Some(first) => first?,
            None => Bytes::new(),
        };
        return match first.is_empty() || kind == "text/html" || is_html(&first) {
            true if kind == "text/html" => Err(Error::Upstream(explain_unusable(b"<", ANSWER))),
            true => Err(Error::Upstream(explain_unusable(&first, ANSWER))),
            false => Ok(Box::pin(After { first: Some(first), rest: source })),
        };
    }
    let body = collect(answer, app.config.limits.response_body, &mut held).await?;
    let (headers, length) = (head.headers.clone(), body.len());
    let judge = move || {
        if !is_document(&body) {
            return Err(explain_unusable(&body, ANSWER));
        }
        if states_failure(&body, &["id", "object", "data", "results", "output", "text"]) {
            let diagnostics = &mut Diagnostics::default();
            return Err(own.decode_error(StatusCode::BAD_GATEWAY, &headers, &body, diagnostics));
        }
        if let Some((check, request)) = check {
            check.check(&request, trim_body(&body))?;
        }
        Ok(Bytes::from(body))
    };
    let body = app.work.run(length, judge).await?;
    Ok(one(if length >= LARGE_BODY_BYTES { held.with(body) } else { body }))
}

/// What is due on these routes, in an error.
const ANSWER: &str = "an answer";

/// A stream whose beginning was looked at.
struct After {
    first: Option<Bytes>,
    rest: ByteStream,
}

impl Stream for After {
    type Item = Result<Bytes, UpstreamError>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(first))),
            None => self.rest.as_mut().poll_next(cx),
        }
    }
}

/// The model that a body names: a JSON member, or a part of a form.
fn model_of(json: bool, body: &[u8]) -> Option<String> {
    if json {
        return Some(Object::parse(body).ok()?.str("model")?.into_owned());
    }
    // A form's text parts are plain: name, blank line, value.
    let rest = body.get(memmem::find(body, b"name=\"model\"")?..)?;
    let value = rest.get(memmem::find(rest, b"\r\n\r\n")? + 4..)?;
    let end = memmem::find(value, b"\r\n")?;
    String::from_utf8(value.get(..end)?.to_vec()).ok()
}

fn with_model(json: bool, body: Bytes, model: Option<&str>) -> Bytes {
    let Some(model) = model.filter(|_| json) else { return body };
    let Ok(mut object) = Object::parse(&body) else { return body.clone() };
    object.set("model", encode_string(model));
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
    record: Option<AccessLogEntry>,
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
