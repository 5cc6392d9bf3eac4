//! Answers that clients refer to, kept for upstreams that keep none.

use crate::app::App;
use crate::panics;
use crate::reply;
use crate::routes::Meta;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use openai_shim_core::dialect::Dialect;
use openai_shim_core::dialect::side::{Keeping, KeptPart, Side};
use openai_shim_core::exchange::{Incoming, Memory};
use openai_shim_core::framing::{Frame, Framer};
use openai_shim_core::{Error, Profile};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The longest answer that is kept, with its stream.
const LONGEST: usize = 4 << 20;

/// What will be kept of an exchange once its answer is complete.
#[derive(Debug)]
pub(crate) struct Keep {
    app: Arc<App>,
    keeping: &'static Keeping,
    owner: u64,
    said: Option<Vec<String>>,
    answer: Vec<u8>,
}

/// How a dialect's answers are kept, if its clients refer to them.
fn keeping_of(dialect: &dyn Dialect) -> Option<&'static Keeping> {
    dialect.side_routes().iter().find_map(|route| match route.side {
        Side::Kept(keeping, _) => Some(keeping),
        _ => None,
    })
}

/// Under which name an answer is kept: nobody finds another client's.
fn place(owner: u64, id: &str) -> String {
    format!("{owner:016x} {id}")
}

/// A request with what it refers to in it; and what to keep of its exchange. An upstream that speaks the dialect itself
/// keeps its own.
pub(crate) fn resolve(
    app: &Arc<App>,
    dialect: &'static dyn Dialect,
    profile: &Profile,
    meta: &Meta,
    path: &str,
    incoming: Incoming,
    body: &Bytes,
) -> Result<(Incoming, Option<Keep>), Error> {
    let Some(keeping) = keeping_of(dialect).filter(|_| !speaks(profile, dialect, incoming.model())) else {
        return Ok((incoming, None));
    };
    let owner = meta.owner;
    let (mut incoming, mut body) = (incoming, body.clone());
    if let Some(id) = (keeping.previous)(&body) {
        let kept = app.responses.recall(&place(owner, &id));
        body = Bytes::from((keeping.go_on)(&body, kept.as_deref())?);
        incoming = Incoming::read(dialect, path, body.clone())?;
    }
    let keep = (keeping.said)(&body).map(|said| Keep {
        app: app.clone(),
        keeping,
        owner,
        said: Some(said),
        answer: Vec::new(),
    });
    Ok((incoming, keep))
}

/// Whether answers of this model come in the dialect itself.
fn speaks(profile: &Profile, dialect: &dyn Dialect, model: &str) -> bool {
    let row = profile.for_model(model);
    row.dialect == dialect.name() || row.also.iter().any(|also| also == dialect.name())
}

/// The response with its answer kept, when it is complete.
pub(crate) fn keeping(keep: Keep, response: Response) -> Response {
    if !response.status().is_success() {
        return response;
    }
    response.map(|body| Body::from_stream(Kept { source: body.into_data_stream(), keep }))
}

/// A part of an answer that is kept here, or no part: it is forgotten. `None`: an upstream may have it.
pub(crate) fn answer(
    app: &App,
    dialect: &dyn Dialect,
    keeping: &Keeping,
    part: Option<KeptPart>,
    meta: &Meta,
    id: &str,
) -> Option<Result<Response, Error>> {
    let place = place(meta.owner, id);
    let Some(kept) = app.responses.recall(&place) else {
        let nowhere = id.contains('/') || elsewhere(app, dialect).is_none();
        return nowhere.then(|| Err(Error::Client((keeping.unknown)(id))));
    };
    let body = match part {
        Some(part) => (keeping.part)(part, &kept, &meta.query),
        None => {
            app.responses.forget(&place);
            Ok((keeping.deleted)(id))
        }
    };
    Some(body.map(|body| reply::json(StatusCode::OK, body)).map_err(Error::Client))
}

/// The upstream that may know of answers which are not kept here.
pub(crate) fn elsewhere(app: &App, dialect: &dyn Dialect) -> Option<usize> {
    app.upstreams.iter().position(|served| speaks(&served.config.profile, dialect, ""))
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
        let _ = panics::polled(|| self.store());
    }
}

impl Keep {
    fn store(&mut self) {
        let Some(said) = self.said.take() else { return };
        let whole = self.answer.trim_ascii_start().starts_with(b"{");
        let answer = if whole {
            Some(std::mem::take(&mut self.answer))
        } else {
            completed(self.keeping, &self.answer)
        };
        if let Some((id, kept)) = answer.and_then(|answer| (self.keeping.entry)(said, &answer)) {
            self.app.responses.keep(&place(self.owner, &id), &kept);
        }
    }
}

/// The answer that a stream ended with.
fn completed(keeping: &Keeping, stream: &[u8]) -> Option<Vec<u8>> {
    let mut found = None;
    let mut framer = Framer::new(LONGEST);
    let mut look = |frame: Frame<'_>| {
        if let Frame::Event { data, .. } = frame
            && let Some(answer) = (keeping.last)(data)
        {
            found = Some(answer);
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
