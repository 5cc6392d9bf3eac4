//! Responses that clients refer to, kept for upstreams that keep none.

use crate::app::App;
use crate::memory::Remembered;
use crate::reply;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_core::Stream;
use http::{Method, StatusCode};
use openai_shim_core::dialect::Dialect;
use openai_shim_core::error::{ClientError, ErrorKind};
use openai_shim_core::exchange::{Incoming, Memory};
use openai_shim_core::fallback::stored;
use openai_shim_core::framing::{Frame, Framer};
use openai_shim_core::json::Object;
use openai_shim_core::{Error, Profile};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The dialect whose clients refer to answers.
const DIALECT: &str = "openai-responses";

/// The longest answer that is kept, with its stream.
const LONGEST: usize = 4 << 20;

/// What will be kept of an exchange once its answer is complete.
#[derive(Debug)]
pub(crate) struct Keep {
    app: Arc<App>,
    said: Option<Vec<String>>,
    answer: Vec<u8>,
}

/// A request with what it refers to in it; and what to keep of its exchange. An upstream that speaks the dialect itself
/// keeps its own.
pub(crate) fn resolve(
    app: &Arc<App>,
    dialect: &'static dyn Dialect,
    profile: &Profile,
    path: &str,
    incoming: Incoming,
    body: &Bytes,
) -> Result<(Incoming, Option<Keep>), Error> {
    if dialect.name() != DIALECT || speaks(profile, incoming.model()) {
        return Ok((incoming, None));
    }
    let (mut incoming, mut body) = (incoming, body.clone());
    if let Some(id) = stored::previous(&body) {
        body = Bytes::from(stored::go_on(&body, app.responses.recall(&id).as_deref())?);
        incoming = Incoming::read(dialect, path, body.clone())?;
    }
    let keep =
        stored::items(&body).map(|said| Keep { app: app.clone(), said: Some(said), answer: Vec::new() });
    Ok((incoming, keep))
}

/// Whether answers of this model come in the dialect itself.
fn speaks(profile: &Profile, model: &str) -> bool {
    profile.dialect == DIALECT || profile.for_model(model).also.iter().any(|also| also == DIALECT)
}

/// The response with its answer kept, when it is complete.
pub(crate) fn keeping(keep: Keep, response: Response) -> Response {
    if !response.status().is_success() {
        return response;
    }
    response.map(|body| Body::from_stream(Kept { source: body.into_data_stream(), keep }))
}

/// `GET` and `DELETE /responses/{id}` of a response that is kept here; `None`: it is not.
pub(crate) fn answer(responses: &Remembered, method: &Method, id: &str) -> Option<Response> {
    let kept = responses.recall(id)?;
    if method == Method::DELETE {
        responses.forget(id);
        return Some(reply::json(StatusCode::OK, stored::deleted(id)));
    }
    Some(reply::json(StatusCode::OK, stored::response(&kept)?))
}

/// Whether an upstream may know of responses that are not kept here.
pub(crate) fn elsewhere(app: &App) -> bool {
    app.upstreams.iter().any(|served| speaks(&served.config.profile, ""))
}

/// There is no such response.
pub(crate) fn unknown(id: &str) -> Error {
    let short: String = id.chars().take(100).collect();
    let text = format!("Response with id '{short}' not found.");
    Error::Client(ClientError::new(ErrorKind::NotFound, text).with_code("not_found"))
}

impl Keep {
    fn take(&mut self, chunk: &[u8]) {
        if self.answer.len() + chunk.len() > LONGEST {
            self.said = None;
        }
        if self.said.is_some() {
            self.answer.extend_from_slice(chunk);
        }
    }
}

/// The client may hang up as soon as it has what it wants.
impl Drop for Keep {
    fn drop(&mut self) {
        let Some(said) = self.said.take() else { return };
        let whole = self.answer.trim_ascii_start().starts_with(b"{");
        let answer = if whole { Some(std::mem::take(&mut self.answer)) } else { completed(&self.answer) };
        if let Some((id, kept)) = answer.and_then(|answer| stored::entry(said, &answer)) {
            self.app.responses.keep(&id, &kept);
        }
    }
}

/// The response that a stream ended with.
fn completed(stream: &[u8]) -> Option<Vec<u8>> {
    let mut found = None;
    let mut framer = Framer::new(LONGEST);
    let mut look = |frame: Frame<'_>| {
        let Frame::Event { data, .. } = frame else { return };
        let Ok(event) = Object::parse(data) else { return };
        if matches!(event.str("type").as_deref(), Some("response.completed" | "response.incomplete")) {
            found = event.get("response").map(|response| response.as_bytes().to_vec());
        }
    };
    framer.push(stream, &mut look).ok()?;
    framer.finish(&mut look);
    found
}

struct Kept<S> {
    source: S,
    keep: Keep,
}

impl<S: Stream<Item = Result<Bytes, E>> + Unpin, E> Stream for Kept<S> {
    type Item = Result<Bytes, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.source).poll_next(cx);
        if let Poll::Ready(Some(Ok(chunk))) = &polled {
            self.keep.take(chunk);
        }
        polled
    }
}
