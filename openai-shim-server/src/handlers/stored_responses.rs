//! Answers that clients refer to, kept for upstreams that keep none.

use crate::app_state::AppState;
use crate::http::responses;
use crate::http::routes::RequestMeta;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use http_body::Body as _;
use openai_shim_core::dialect::Dialect;
use openai_shim_core::dialect::auxiliary::{AuxiliaryKind, StoredResponsePart, StoredResponsesApi};
use openai_shim_core::error::ClientError;
use openai_shim_core::exchange::ClientRequest;
use openai_shim_core::framing::{Frame, Framer};
use openai_shim_core::state::{Owner, StateEntry, StateKey, StateKind};
use openai_shim_core::{Error, ErrorKind, Profile};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The longest answer that is kept, with its stream.
const LONGEST: usize = 4 << 20;
/// For how long an answer is kept, as OpenAI does.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What is kept under a name, if anything; or why that is not known.
pub(crate) type Loaded = Result<Option<Bytes>, Error>;

/// What will be kept of an exchange once its answer is complete.
pub(crate) struct ResponseRecorder {
    app: Arc<AppState>,
    keeping: &'static dyn StoredResponsesApi,
    owner: Owner,
    /// What the request says itself; `None`: nothing is kept any more.
    said: Option<Vec<String>>,
    answer: Answer,
    /// How long a whole answer is, where that is known.
    length: Option<u64>,
}

/// An answer on its way to the client.
enum Answer {
    /// Nothing of it came yet.
    Unknown,
    Whole(Vec<u8>),
    Stream(Framer),
}

/// How a dialect's answers are kept, if its clients refer to them.
fn keeping_of(dialect: &dyn Dialect) -> Option<&'static dyn StoredResponsesApi> {
    dialect.auxiliary_routes().iter().find_map(|route| match route.kind {
        AuxiliaryKind::StoredResponse(keeping, _) => Some(keeping),
        _ => None,
    })
}

/// Where an answer is kept: nobody finds another client's.
fn key(owner: Owner, id: &str) -> StateKey {
    StateKey::new(owner, StateKind::Response, 0, id)
}

/// The answer that a request goes on from, if its dialect has such requests.
pub(crate) fn previous(dialect: &dyn Dialect, body: &[u8]) -> Option<String> {
    keeping_of(dialect)?.previous_id(body)
}

/// Looks an answer up.
pub(crate) async fn load(app: &AppState, owner: Owner, id: &str) -> Loaded {
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
    app: &Arc<AppState>,
    dialect: &'static dyn Dialect,
    profile: &Profile,
    meta: &RequestMeta,
    path: &str,
    incoming: ClientRequest,
    (body, loaded): (&Bytes, Option<Loaded>),
) -> Result<(ClientRequest, Option<ResponseRecorder>), Error> {
    let Some(keeping) = keeping_of(dialect).filter(|_| !speaks(profile, dialect, incoming.model())) else {
        return Ok((incoming, None));
    };
    let (mut incoming, mut body) = (incoming, body.clone());
    if let Some(loaded) = loaded {
        let kept = loaded?;
        body = Bytes::from(keeping.with_history(&body, kept.as_ref().and_then(text))?);
        incoming = ClientRequest::read(dialect, path, body.clone())?;
    }
    let keep = keeping.request_items(&body).map(|said| ResponseRecorder {
        app: app.clone(),
        keeping,
        owner: meta.owner.clone(),
        said: Some(said),
        answer: Answer::Unknown,
        length: None,
    });
    Ok((incoming, keep))
}

/// Whether answers of this model come in the dialect itself.
fn speaks(profile: &Profile, dialect: &dyn Dialect, model: &str) -> bool {
    let row = profile.for_model(model);
    row.dialect == dialect.name() || row.extra_dialects.iter().any(|also| also == dialect.name())
}

/// The response with its answer kept, when it is complete.
pub(crate) fn keeping(mut keep: ResponseRecorder, response: Response) -> Response {
    if !response.status().is_success() {
        return response;
    }
    response.map(|body| {
        keep.length = body.size_hint().exact();
        Body::from_stream(Recorded { source: body.into_data_stream(), keep, storing: None })
    })
}

/// A part of an answer that is kept here, or no part: it is forgotten. `None`: an upstream may have it.
pub(crate) async fn answer(
    app: &AppState,
    dialect: &dyn Dialect,
    keeping: &dyn StoredResponsesApi,
    part: Option<StoredResponsePart>,
    meta: &RequestMeta,
    id: &str,
) -> Option<Result<Response, Error>> {
    let kept = match load(app, meta.owner.clone(), id).await {
        Ok(kept) => kept,
        Err(error) => return Some(Err(error)),
    };
    let Some(kept) = kept.as_ref().and_then(text) else {
        let nowhere = id.contains('/') || elsewhere(app, dialect).is_none();
        return nowhere.then(|| Err(Error::Client(keeping.unknown_response(id))));
    };
    let body = match part {
        Some(part) => keeping.encode_part(part, kept, &meta.query),
        None => {
            if let Err(error) = app.store.remove(&[key(meta.owner.clone(), id)]).await {
                let text = format!("The response could not be deleted: {}. Try again.", error.message);
                return Some(Err(Error::Client(ClientError::new(ErrorKind::Overloaded, text))));
            }
            Ok(keeping.encode_deleted(id))
        }
    };
    Some(body.map(|body| responses::json(StatusCode::OK, body)).map_err(Error::Client))
}

/// The upstream that may know of answers which are not kept here.
pub(crate) fn elsewhere(app: &AppState, dialect: &dyn Dialect) -> Option<usize> {
    app.upstreams.iter().position(|served| speaks(&served.config.profile, dialect, ""))
}

impl ResponseRecorder {
    /// Takes a part of the answer; the entry to keep once it is complete.
    fn take(&mut self, chunk: &[u8]) -> Option<StateEntry> {
        self.said.as_ref()?;
        if matches!(self.answer, Answer::Unknown) && !chunk.trim_ascii_start().is_empty() {
            let whole = chunk.trim_ascii_start().starts_with(b"{");
            self.answer =
                if whole { Answer::Whole(Vec::new()) } else { Answer::Stream(Framer::new(LONGEST)) };
        }
        match &mut self.answer {
            Answer::Unknown => None,
            Answer::Whole(body) => {
                body.extend_from_slice(chunk);
                if body.len() > LONGEST {
                    self.said = None;
                    self.answer = Answer::Unknown;
                    return None;
                }
                let is_complete = self.length == Some(body.len() as u64);
                if is_complete { self.end() } else { None }
            }
            Answer::Stream(framer) => {
                let (keeping, mut last) = (self.keeping, None);
                let pushed = framer.push(chunk, &mut |frame: Frame<'_>| {
                    if let Frame::Event { data, .. } = frame {
                        last = keeping.final_response(data).or(last.take());
                    }
                });
                match (pushed, last) {
                    (Ok(()), Some(answer)) => self.entry(&answer),
                    (Ok(()), None) => None,
                    (Err(_), _) => {
                        self.said = None;
                        None
                    }
                }
            }
        }
    }

    /// The entry of a whole answer that has ended.
    fn end(&mut self) -> Option<StateEntry> {
        match std::mem::replace(&mut self.answer, Answer::Unknown) {
            Answer::Whole(body) => self.entry(&body),
            _ => None,
        }
    }

    fn entry(&mut self, answer: &[u8]) -> Option<StateEntry> {
        let entry = self.keeping.entry(self.said.take()?, answer)?;
        Some(StateEntry::new(key(self.owner.clone(), &entry.id), entry.content, LIFETIME))
    }
}

/// A body whose last bytes wait until the answer is kept: the client may refer to it at once.
struct Recorded<S> {
    source: S,
    keep: ResponseRecorder,
    /// What is being kept, and the bytes that wait for it; none at the end.
    storing: Option<(Storing, Option<Bytes>)>,
}

type Storing = Pin<Box<dyn Future<Output = ()> + Send>>;

fn store(app: Arc<AppState>, entry: StateEntry) -> Storing {
    Box::pin(async move {
        if let Err(error) = app.store.store(vec![entry]).await {
            tracing::warn!(error = error.message, "a response could not be kept");
        }
    })
}

impl<S: Stream<Item = Result<Bytes, E>> + Unpin, E> Stream for Recorded<S> {
    type Item = Result<Bytes, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some((storing, _)) = &mut self.storing {
                ready!(storing.as_mut().poll(cx));
                let chunk = self.storing.take().and_then(|(_, chunk)| chunk);
                return Poll::Ready(chunk.map(Ok));
            }
            let (entry, chunk) = match ready!(Pin::new(&mut self.source).poll_next(cx)) {
                Some(Ok(chunk)) => (self.keep.take(&chunk), Some(chunk)),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => (self.keep.end(), None),
            };
            match entry {
                Some(entry) => self.storing = Some((store(self.keep.app.clone(), entry), chunk)),
                None => return Poll::Ready(chunk.map(Ok)),
            }
        }
    }
}
