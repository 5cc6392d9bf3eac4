//! Answers that clients refer to, kept for upstreams that keep none.

use crate::app::App;
use crate::panics;
use crate::reply;
use crate::routes::Meta;
use crate::state::store_soon;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use openai_shim_core::dialect::Dialect;
use openai_shim_core::dialect::side::{Keeping, KeptPart, Side};
use openai_shim_core::error::ClientError;
use openai_shim_core::exchange::Incoming;
use openai_shim_core::framing::{Frame, Framer};
use openai_shim_core::state::{Owner, StateEntry, StateKey, StateKind};
use openai_shim_core::{Error, ErrorKind, Profile};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// The longest answer that is kept, with its stream.
const LONGEST: usize = 4 << 20;
/// For how long an answer is kept, as OpenAI does.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What is kept under a name, if anything; or why that is not known.
pub(crate) type Loaded = Result<Option<Bytes>, Error>;

/// What will be kept of an exchange once its answer is complete.
pub(crate) struct Keep {
    app: Arc<App>,
    keeping: &'static Keeping,
    owner: Owner,
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

/// Where an answer is kept: nobody finds another client's.
fn key(owner: Owner, id: &str) -> StateKey {
    StateKey::new(owner, StateKind::Response, 0, id)
}

/// The answer that a request goes on from, if its dialect has such requests.
pub(crate) fn previous(dialect: &dyn Dialect, body: &[u8]) -> Option<String> {
    (keeping_of(dialect)?.previous)(body)
}

/// Looks an answer up.
pub(crate) async fn load(app: &App, owner: Owner, id: &str) -> Loaded {
    match app.store.load(&[key(owner, id)]).await {
        Ok(values) => Ok(values.into_iter().next().flatten()),
        Err(error) => {
            let text =
                format!("What is kept of earlier responses cannot be read: {}. Try again.", error.message);
            Err(Error::Client(ClientError::new(ErrorKind::Overloaded, text)))
        }
    }
}

/// What is kept, as text.
fn text(kept: &Bytes) -> Option<&str> {
    std::str::from_utf8(kept).ok()
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
    (body, loaded): (&Bytes, Option<Loaded>),
) -> Result<(Incoming, Option<Keep>), Error> {
    let Some(keeping) = keeping_of(dialect).filter(|_| !speaks(profile, dialect, incoming.model())) else {
        return Ok((incoming, None));
    };
    let (mut incoming, mut body) = (incoming, body.clone());
    if let Some(loaded) = loaded {
        let kept = loaded?;
        body = Bytes::from((keeping.go_on)(&body, kept.as_ref().and_then(text))?);
        incoming = Incoming::read(dialect, path, body.clone())?;
    }
    let keep = (keeping.said)(&body).map(|said| Keep {
        app: app.clone(),
        keeping,
        owner: meta.owner.clone(),
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
pub(crate) async fn answer(
    app: &App,
    dialect: &dyn Dialect,
    keeping: &Keeping,
    part: Option<KeptPart>,
    meta: &Meta,
    id: &str,
) -> Option<Result<Response, Error>> {
    let kept = match load(app, meta.owner.clone(), id).await {
        Ok(kept) => kept,
        Err(error) => return Some(Err(error)),
    };
    let Some(kept) = kept.as_ref().and_then(text) else {
        let nowhere = id.contains('/') || elsewhere(app, dialect).is_none();
        return nowhere.then(|| Err(Error::Client((keeping.unknown)(id))));
    };
    let body = match part {
        Some(part) => (keeping.part)(part, kept, &meta.query),
        None => {
            if let Err(error) = app.store.remove(&[key(meta.owner.clone(), id)]).await {
                let text = format!("The response could not be deleted: {}. Try again.", error.message);
                return Some(Err(Error::Client(ClientError::new(ErrorKind::Overloaded, text))));
            }
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
            let entry = StateEntry::new(key(self.owner.clone(), &id), kept, LIFETIME);
            store_soon(self.app.store.clone(), entry);
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
