//! Stored responses for upstreams that store none: records responses, continues from them (`previous_response_id`,
//! `item_reference`), and answers requests for them.

use crate::app_state::AppState;
use crate::http::responses;
use crate::request_meta::RequestMeta;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use http_body::Body as _;
use openai_shim_core::dialect::Dialect;
use openai_shim_core::dialect::auxiliary::{
    AuxiliaryKind, StoredResponseEntry, StoredResponsePart, StoredResponsesApi,
};
use openai_shim_core::error::ClientError;
use openai_shim_core::exchange::ClientRequest;
use openai_shim_core::framing::{Frame, Framer};
use openai_shim_core::state::{Owner, StateEntry, StateKey, StateKind};
use openai_shim_core::{Error, ErrorKind, Profile};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The most bytes of a response, or of an event of its stream, that is stored.
const MAX_RESPONSE_BYTES: usize = 4 << 20;
/// How long a response is stored, the same as at OpenAI.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The entries that a request refers to, by id, `None` if there is none; or the error of the store.
pub(crate) type Loaded = Result<Vec<(String, Option<Bytes>)>, Error>;

/// Records a response on its way to the client, to store it when it is complete.
pub(crate) struct ResponseRecorder {
    app: Arc<AppState>,
    api: &'static dyn StoredResponsesApi,
    owner: Owner,
    /// The request's items; `None`: nothing is stored (any more).
    request_items: Option<Vec<String>>,
    body: RecordedResponse,
    /// The length of a non-streaming response, if it is known.
    length: Option<u64>,
}

/// What was recorded of a response so far.
enum RecordedResponse {
    /// No byte yet.
    Unknown,
    NonStreaming(Vec<u8>),
    Stream(Framer),
}

/// A dialect's stored responses API, if it has one.
fn stored_responses_api(dialect: Dialect) -> Option<&'static dyn StoredResponsesApi> {
    dialect.auxiliary_routes().iter().find_map(|route| match route.kind {
        AuxiliaryKind::StoredResponse(api, _) => Some(api),
        _ => None,
    })
}

/// The store key of a response. It contains the owner: a client cannot read another client's responses.
fn key(owner: Owner, id: &str) -> StateKey {
    StateKey::new(owner, StateKind::Response, 0, id)
}

/// The ids of the entries that a request refers to: of the response that it continues from, and of items.
pub(crate) fn references(dialect: Dialect, body: &[u8]) -> Vec<String> {
    stored_responses_api(dialect).map(|api| api.references(body)).unwrap_or_default()
}

/// Loads stored responses and items.
pub(crate) async fn load(app: &AppState, owner: Owner, ids: Vec<String>) -> Loaded {
    let keys: Vec<StateKey> = ids.iter().map(|id| key(owner.clone(), id)).collect();
    match app.store.load(&keys).await {
        Ok(values) => Ok(ids.into_iter().zip(values).collect()),
        Err(error) => {
            let text =
                format!("What is kept of earlier responses cannot be read: {}. Try again.", error.message);
            Err(Error::Client(ClientError::new(ErrorKind::Overloaded, text)))
        }
    }
}

fn as_text(stored: &Bytes) -> Option<&str> {
    std::str::from_utf8(stored).ok()
}

/// Inserts the history that a request continues from, and creates the recorder of its response. An upstream of the same
/// dialect stores responses itself.
pub(crate) fn resolve(
    app: &Arc<AppState>,
    dialect: Dialect,
    profile: &Profile,
    meta: &RequestMeta,
    path: &str,
    incoming: ClientRequest,
    (body, loaded): (&Bytes, Option<Loaded>),
) -> Result<(ClientRequest, Option<ResponseRecorder>), Error> {
    let Some(api) =
        stored_responses_api(dialect).filter(|_| !has_dialect(profile, dialect, incoming.model()))
    else {
        return Ok((incoming, None));
    };
    let (mut incoming, mut body) = (incoming, body.clone());
    if let Some(loaded) = loaded {
        let loaded = loaded?;
        let stored: Vec<(String, Option<&str>)> =
            loaded.iter().map(|(id, content)| (id.clone(), content.as_ref().and_then(as_text))).collect();
        body = Bytes::from(api.with_history(&body, &stored)?);
        incoming = ClientRequest::read(dialect, path, body.clone())?;
    }
    let recorder = api.request_items(&body).map(|items| ResponseRecorder {
        app: app.clone(),
        api,
        owner: meta.owner.clone(),
        request_items: Some(items),
        body: RecordedResponse::Unknown,
        length: None,
    });
    Ok((incoming, recorder))
}

/// Whether the upstream answers in this dialect for this model.
fn has_dialect(profile: &Profile, dialect: Dialect, model: &str) -> bool {
    let profile = profile.for_model(model);
    profile.dialect == dialect.name() || profile.extra_dialects.iter().any(|extra| extra == dialect.name())
}

/// Wraps a response so that it is stored when it is complete.
pub(crate) fn record(mut recorder: ResponseRecorder, response: Response) -> Response {
    if !response.status().is_success() {
        return response;
    }
    response.map(|body| {
        recorder.length = body.size_hint().exact();
        Body::from_stream(RecordedBody {
            source: body.into_data_stream(),
            recorder,
            phase: RecordPhase::Streaming,
        })
    })
}

/// Answers a request for a stored response: returns a part of it, or deletes it if `part` is `None`. The result is `None` if
/// the response is not stored here but may be stored at an upstream.
pub(crate) async fn answer(
    app: &AppState,
    dialect: Dialect,
    api: &dyn StoredResponsesApi,
    part: Option<StoredResponsePart>,
    meta: &RequestMeta,
    id: &str,
) -> Option<Result<Response, Error>> {
    let stored = match load(app, meta.owner.clone(), vec![id.to_owned()]).await {
        Ok(stored) => stored.into_iter().next().and_then(|(_, content)| content),
        Err(error) => return Some(Err(error)),
    };
    let Some(stored) = stored.as_ref().and_then(as_text) else {
        let is_unknown = id.contains('/') || storing_upstream(app, dialect).is_none();
        return is_unknown.then(|| Err(Error::Client(api.unknown_response(id))));
    };
    if part == Some(StoredResponsePart::Response) {
        match api.encode_events(stored, &meta.query) {
            Ok(Some(events)) => return Some(Ok(responses::event_stream(events))),
            Ok(None) => {}
            Err(error) => return Some(Err(Error::Client(error))),
        }
    }
    let body = match part {
        Some(part) => api.encode_part(part, stored, &meta.query),
        None => {
            let keys: Vec<StateKey> =
                api.entry_ids(id, stored).iter().map(|id| key(meta.owner.clone(), id)).collect();
            if let Err(error) = app.store.remove(&keys).await {
                let text = format!("The response could not be deleted: {}. Try again.", error.message);
                return Some(Err(Error::Client(ClientError::new(ErrorKind::Overloaded, text))));
            }
            Ok(api.encode_deleted(id))
        }
    };
    Some(body.map(|body| responses::json(StatusCode::OK, body)).map_err(Error::Client))
}

/// The index of the upstream that may have responses which are not stored here.
pub(crate) fn storing_upstream(app: &AppState, dialect: Dialect) -> Option<usize> {
    app.upstreams.iter().position(|served| has_dialect(&served.config.profile, dialect, ""))
}

impl ResponseRecorder {
    /// Records bytes; returns the entries to store as soon as the response is complete.
    fn push(&mut self, chunk: &[u8]) -> Option<Vec<StateEntry>> {
        self.request_items.as_ref()?;
        if matches!(self.body, RecordedResponse::Unknown) && !chunk.trim_ascii_start().is_empty() {
            let is_json = chunk.trim_ascii_start().starts_with(b"{");
            self.body = if is_json {
                RecordedResponse::NonStreaming(Vec::new())
            } else {
                RecordedResponse::Stream(Framer::new(MAX_RESPONSE_BYTES))
            };
        }
        match &mut self.body {
            RecordedResponse::Unknown => None,
            RecordedResponse::NonStreaming(body) => {
                body.extend_from_slice(chunk);
                if body.len() > MAX_RESPONSE_BYTES {
                    self.request_items = None;
                    self.body = RecordedResponse::Unknown;
                    return None;
                }
                let is_complete = self.length == Some(body.len() as u64);
                if is_complete { self.finish() } else { None }
            }
            RecordedResponse::Stream(framer) => {
                let (api, mut complete) = (self.api, None);
                let pushed = framer.push(chunk, &mut |frame: Frame<'_>| {
                    if let Frame::Event { data, .. } = frame {
                        complete = api.final_response(data).or(complete.take());
                    }
                });
                match (pushed, complete) {
                    (Ok(()), Some(response)) => self.entries(&response),
                    (Ok(()), None) => None,
                    (Err(_), _) => {
                        self.request_items = None;
                        None
                    }
                }
            }
        }
    }

    /// The entries of a non-streaming response that has ended.
    fn finish(&mut self) -> Option<Vec<StateEntry>> {
        match std::mem::replace(&mut self.body, RecordedResponse::Unknown) {
            RecordedResponse::NonStreaming(body) => self.entries(&body),
            _ => None,
        }
    }

    fn entries(&mut self, response: &[u8]) -> Option<Vec<StateEntry>> {
        let entries = self.api.entries(self.request_items.take()?, response);
        let stored = |entry: StoredResponseEntry| {
            StateEntry::new(key(self.owner.clone(), &entry.id), entry.content, LIFETIME)
        };
        (!entries.is_empty()).then(|| entries.into_iter().map(stored).collect())
    }
}

/// A body whose last bytes wait until the response is stored: the client may refer to it as soon as it has them.
struct RecordedBody<S> {
    source: S,
    recorder: ResponseRecorder,
    phase: RecordPhase,
}

enum RecordPhase {
    Streaming,
    /// The response is being stored; `chunk` waits for that, `None` at the end of the body.
    Storing {
        future: StoreFuture,
        chunk: Option<Bytes>,
    },
}

type StoreFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

fn store(app: Arc<AppState>, entries: Vec<StateEntry>) -> StoreFuture {
    Box::pin(async move {
        if let Err(error) = app.store.store(entries).await {
            tracing::warn!(error = error.message, "a response could not be kept");
        }
    })
}

impl<S: Stream<Item = Result<Bytes, E>> + Unpin, E> Stream for RecordedBody<S> {
    type Item = Result<Bytes, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let RecordPhase::Storing { future, chunk } = &mut self.phase {
                ready!(future.as_mut().poll(cx));
                let chunk = chunk.take();
                self.phase = RecordPhase::Streaming;
                return Poll::Ready(chunk.map(Ok));
            }
            let (entries, chunk) = match ready!(Pin::new(&mut self.source).poll_next(cx)) {
                Some(Ok(chunk)) => (self.recorder.push(&chunk), Some(chunk)),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => (self.recorder.finish(), None),
            };
            match entries {
                Some(entries) => {
                    let future = store(self.recorder.app.clone(), entries);
                    self.phase = RecordPhase::Storing { future, chunk };
                }
                None => return Poll::Ready(chunk.map(Ok)),
            }
        }
    }
}
