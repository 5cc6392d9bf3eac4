//! Stored responses for upstreams that store none: records responses, continues from them (`previous_response_id`,
//! `item_reference`), and answers requests for them.

use super::state_store::{StateError, StateStore};
use crate::dialect::Dialect;
use crate::dialect::auxiliary::{StoredResponseEntry, StoredResponsePart, StoredResponsesApi};
use crate::dialect::route_lookup::stored_responses_api;
use crate::error::{ClientError, Error, ErrorKind};
use crate::framing::{Frame, Framer};
use crate::profile::Profile;
use crate::state::{Owner, StateEntry, StateKey, StateKind};
use bytes::Bytes;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// The most bytes of a response, or of an event of its stream, that is stored.
const MAX_RESPONSE_BYTES: usize = 4 << 20;
/// How long a response is stored, the same as at OpenAI.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The entries that a request refers to, by id, `None` if there is none.
pub type LoadedResponses = Vec<(String, Option<Bytes>)>;

/// The work of storing a response.
pub type StoreFuture = Pin<Box<dyn Future<Output = Result<(), StateError>> + Send>>;

/// The stored responses of one owner, in the form of one dialect.
#[derive(Clone)]
pub struct StoredResponses {
    api: &'static dyn StoredResponsesApi,
    store: Arc<dyn StateStore>,
    owner: Owner,
}

/// A stored response, or a part of one, as the client gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredAnswer {
    /// A JSON document.
    Document(String),
    /// Server-sent events.
    Events(String),
}

/// Records a response on its way to the client, to store it when it is complete.
pub struct ResponseRecorder {
    api: &'static dyn StoredResponsesApi,
    store: Arc<dyn StateStore>,
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

impl std::fmt::Debug for StoredResponses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredResponses").field("api", &self.api).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ResponseRecorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseRecorder").field("api", &self.api).finish_non_exhaustive()
    }
}

/// Whether the upstream answers in this dialect for this model, and so stores responses itself.
pub fn stores_responses(profile: &Profile, dialect: Dialect, model: &str) -> bool {
    let profile = profile.for_model(model);
    profile.dialect == dialect.name() || profile.extra_dialects.iter().any(|extra| extra == dialect.name())
}

fn as_text(stored: &Bytes) -> Option<&str> {
    std::str::from_utf8(stored).ok()
}

fn unavailable(what: &str, error: &StateError) -> Error {
    let text = format!("{what}: {}. Try again.", error.message);
    Error::Client(ClientError::new(ErrorKind::Overloaded, text))
}

impl StoredResponses {
    /// Those of an owner; `None`: the dialect has none.
    pub fn new(dialect: Dialect, store: Arc<dyn StateStore>, owner: Owner) -> Option<Self> {
        Some(Self { api: stored_responses_api(dialect)?, store, owner })
    }

    /// The ids of the entries that a request refers to: of the response that it continues from, and of items.
    pub fn references(&self, body: &[u8]) -> Vec<String> {
        self.api.references(body)
    }

    /// The store key of a response. It contains the owner: a client cannot read another client's responses.
    fn key(&self, id: &str) -> StateKey {
        StateKey::new(self.owner.clone(), StateKind::Response, 0, id)
    }

    /// Loads stored responses and items.
    ///
    /// # Errors
    /// The store failed.
    pub async fn load(&self, ids: Vec<String>) -> Result<LoadedResponses, Error> {
        let keys: Vec<StateKey> = ids.iter().map(|id| self.key(id)).collect();
        match self.store.load(&keys).await {
            Ok(values) => Ok(ids.into_iter().zip(values).collect()),
            Err(error) => Err(unavailable("What is kept of earlier responses cannot be read", &error)),
        }
    }

    /// Puts the history that a request continues from into its body.
    ///
    /// # Errors
    /// The response that the request continues is not stored, or the body is no request.
    pub fn with_history(&self, body: &[u8], loaded: &LoadedResponses) -> Result<Bytes, Error> {
        let stored: Vec<(String, Option<&str>)> =
            loaded.iter().map(|(id, content)| (id.clone(), content.as_ref().and_then(as_text))).collect();
        Ok(Bytes::from(self.api.with_history(body, &stored)?))
    }

    /// The recorder of a request's response; `None`: it must not be stored.
    pub fn recorder(&self, body: &[u8]) -> Option<ResponseRecorder> {
        let items = self.api.request_items(body)?;
        Some(ResponseRecorder {
            api: self.api,
            store: self.store.clone(),
            owner: self.owner.clone(),
            request_items: Some(items),
            body: RecordedResponse::Unknown,
            length: None,
        })
    }

    /// Answers a request for a stored response: returns a part of it, or deletes it if `part` is `None`. `Ok(None)`: it is not stored.
    ///
    /// # Errors
    /// The query is invalid, or the store failed.
    pub async fn answer(
        &self,
        part: Option<StoredResponsePart>,
        id: &str,
        query: &str,
    ) -> Result<Option<StoredAnswer>, Error> {
        let stored =
            self.load(vec![id.to_owned()]).await?.into_iter().next().and_then(|(_, content)| content);
        let Some(stored) = stored.as_ref().and_then(as_text) else { return Ok(None) };
        if part == Some(StoredResponsePart::Response)
            && let Some(events) = self.api.encode_events(stored, query)?
        {
            return Ok(Some(StoredAnswer::Events(events)));
        }
        let document = match part {
            Some(part) => self.api.encode_part(part, stored, query)?,
            None => {
                let keys: Vec<StateKey> =
                    self.api.entry_ids(id, stored).iter().map(|id| self.key(id)).collect();
                let removed = self.store.remove(&keys).await;
                removed.map_err(|error| unavailable("The response could not be deleted", &error))?;
                self.api.encode_deleted(id)
            }
        };
        Ok(Some(StoredAnswer::Document(document)))
    }
}

impl ResponseRecorder {
    /// Sets how many bytes the response has, if it is no stream and that is known.
    pub fn set_length(&mut self, length: Option<u64>) {
        self.length = length;
    }

    /// Records bytes; returns the work of storing the response as soon as it is complete. The client may refer to it as soon as it has
    /// these bytes, which therefore wait for the work.
    pub fn push(&mut self, chunk: &[u8]) -> Option<StoreFuture> {
        self.record(chunk).map(|entries| self.store(entries))
    }

    /// Ends the response; returns the work of storing one that is no stream.
    pub fn finish(&mut self) -> Option<StoreFuture> {
        self.recorded_document().map(|entries| self.store(entries))
    }

    fn store(&self, entries: Vec<StateEntry>) -> StoreFuture {
        let store = self.store.clone();
        Box::pin(async move { store.store(entries).await })
    }

    fn record(&mut self, chunk: &[u8]) -> Option<Vec<StateEntry>> {
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
                if is_complete { self.recorded_document() } else { None }
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
    fn recorded_document(&mut self) -> Option<Vec<StateEntry>> {
        match std::mem::replace(&mut self.body, RecordedResponse::Unknown) {
            RecordedResponse::NonStreaming(body) => self.entries(&body),
            _ => None,
        }
    }

    fn entries(&mut self, response: &[u8]) -> Option<Vec<StateEntry>> {
        let entries = self.api.entries(self.request_items.take()?, response);
        let stored = |entry: StoredResponseEntry| {
            let key = StateKey::new(self.owner.clone(), StateKind::Response, 0, &*entry.id);
            StateEntry::new(key, entry.content, LIFETIME)
        };
        (!entries.is_empty()).then(|| entries.into_iter().map(stored).collect())
    }
}
