//! Routes that are forwarded as they are: embeddings, audio, images, and whatever else an upstream has.

use crate::app::App;
use crate::bodies::{self, Bodies};
use crate::reply;
use crate::routes::Meta;
use crate::telemetry::Record;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_core::Stream;
use http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use openai_shim_core::fallback::embeddings::{Wish, mend};
use openai_shim_core::fallback::ollama_embed;
use openai_shim_core::json::{Object, quote};
use openai_shim_core::upstream::{ByteStream, ReplyBody};
use openai_shim_core::{Diagnostics, Error, UpstreamError};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::OwnedSemaphorePermit;

/// Headers that go to the upstream.
const SENT: [HeaderName; 3] = [CONTENT_TYPE, ACCEPT, HeaderName::from_static("openai-beta")];
/// Headers that come back, besides rate limits.
const RETURNED: [HeaderName; 4] = [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_DISPOSITION, RETRY_AFTER];

/// Forwards a request: only the model's name may change.
pub(crate) async fn forward(
    app: Arc<App>,
    meta: Meta,
    path: String,
    parts: Parts,
    body: Bytes,
    place: OwnedSemaphorePermit,
) -> Response {
    let dialect = reply::default_dialect();
    let model = model_of(&parts.headers, &body);
    let route = match &model {
        Some(model) => app.route(model).await,
        None => Ok(app.route_without_model()),
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
    let record = Record::new(app.clone(), meta, "forward", served.config.name.clone());
    let head = record.head();
    let wish = Wish::read(if is_json(&parts.headers) { &body } else { b"" });
    let path_is_embeddings = path == "/embeddings";
    let own = openai_shim_core::dialect(&served.config.profile.dialect).unwrap_or(dialect);
    let mut notes = Diagnostics::default();
    let mut body = with_model(&parts.headers, body, route.model.as_deref());
    // Ollama's own API has embeddings of its own form.
    let ollamas = path_is_embeddings && own.name().starts_with("ollama-");
    let path = if ollamas { String::from("/embed") } else { path };
    if ollamas {
        match ollama_embed::to_ollama(&body, &mut notes) {
            Ok(theirs) => body = Bytes::from(theirs),
            Err(error) => return refused(record, Error::Client(error)),
        }
    }
    let mut request = http::Request::new(body);
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
    let mut response = match transport.send(request).await {
        Ok(response) => {
            let (upstream, body) = response.into_parts();
            head.seen(upstream.status);
            if upstream.status.is_success() && path_is_embeddings {
                let body = collect(body, app.config.limits.response_body).await;
                let body = match body {
                    Ok(body) if ollamas => ollama_embed::from_ollama(&body, &wish, &mut notes),
                    body => body,
                };
                let response = embedded(upstream.status, &upstream.headers, body, &wish, notes);
                record.answered(&response);
                response
            } else if upstream.status.is_success() {
                let guard = Guard { record: Some(record), _place: place };
                let body = match body {
                    ReplyBody::Complete(bytes) => Guarded::body(one(bytes), guard),
                    ReplyBody::Stream(source) => Guarded::body(source, guard),
                    _ => Body::empty(),
                };
                let mut response = Response::new(body);
                *response.status_mut() = upstream.status;
                *response.headers_mut() = returned(&upstream.headers);
                response
            } else {
                let body = collect(body, 1 << 20).await.unwrap_or_default();
                let error = own.decode_error(upstream.status, &upstream.headers, &body, &mut notes);
                refused(record, Error::Upstream(error))
            }
        }
        Err(error) => refused(record, Error::Upstream(error)),
    };
    if let Ok(name) = HeaderValue::from_str(&served.config.name) {
        response.headers_mut().insert(reply::UPSTREAM, name);
    }
    response
}

fn refused(record: Record, error: Error) -> Response {
    let response = reply::error(reply::default_dialect(), &error);
    record.answered(&response);
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

fn returned(headers: &HeaderMap) -> HeaderMap {
    let mut out = HeaderMap::new();
    for (name, value) in headers {
        if RETURNED.contains(name) || name.as_str().starts_with("x-ratelimit-") {
            out.append(name, value.clone());
        }
    }
    out
}

/// Embeddings in OpenAI's shape, and in the encoding that the client asked for.
fn embedded(
    status: http::StatusCode,
    headers: &HeaderMap,
    body: Result<Vec<u8>, UpstreamError>,
    wish: &Wish,
    mut notes: Diagnostics,
) -> Response {
    let dialect = reply::default_dialect();
    let body = match body {
        Ok(body) => body,
        Err(error) => return reply::error(dialect, &Error::Upstream(error)),
    };
    if Object::parse(&body)
        .is_ok_and(|answer| answer.get("data").is_none() && answer.non_null("error").is_some())
    {
        let bad = http::StatusCode::BAD_GATEWAY;
        return reply::error(
            dialect,
            &Error::Upstream(dialect.decode_error(bad, headers, &body, &mut notes)),
        );
    }
    let mended = mend(&body, wish, &mut notes).unwrap_or(body);
    let mut response = reply::json(status, mended);
    for (name, value) in returned(headers) {
        if let Some(name) = name.filter(|name| ![CONTENT_LENGTH, CONTENT_TYPE].contains(name)) {
            response.headers_mut().append(name, value);
        }
    }
    reply::diagnostics_header(response.headers_mut(), &notes);
    response
}

/// A body, up to a limit.
async fn collect(body: ReplyBody, limit: usize) -> Result<Vec<u8>, UpstreamError> {
    match body {
        ReplyBody::Complete(bytes) => Ok(bytes.to_vec()),
        ReplyBody::Stream(mut source) => {
            let mut all = Vec::new();
            while let Some(chunk) = std::future::poll_fn(|cx| source.as_mut().poll_next(cx)).await {
                all.extend_from_slice(&chunk?);
                if all.len() > limit {
                    let message = format!("The upstream's answer is larger than {limit} bytes.");
                    return Err(UpstreamError::TooLarge { message });
                }
            }
            Ok(all)
        }
        _ => Ok(Vec::new()),
    }
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
}

impl Guarded {
    fn body(source: ByteStream, guard: Guard) -> Body {
        Body::from_stream(Self { source, guard, broken: None })
    }
}

impl Stream for Guarded {
    type Item = Result<Bytes, UpstreamError>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let polled = self.source.as_mut().poll_next(cx);
        if let Poll::Ready(Some(Err(error))) = polled {
            // An error closes the client's connection at once. What came before it leaves first.
            self.broken = Some(error);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        polled
    }
}
