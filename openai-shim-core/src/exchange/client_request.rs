//! [`ClientRequest`]: path and body of a client's request decoded to the canonical model, before an upstream is chosen.

use super::listed_texts::{ReadTexts, TextsForm};
use super::lone_surrogates::repair_body;
use super::request_kind::RequestKind;
use crate::canonical::{Diagnostics, Message, Request, Role};
use crate::dialect::Dialect;
use crate::error::{ClientError, Error};
use crate::fallback::token_estimate::estimate_tokens;
use crate::json::lone_surrogates::Refused;
use crate::state::Owner;
use bytes::Bytes;
use http::HeaderMap;

/// A client's request, decoded but not yet addressed: the caller looks at the model and chooses the upstream.
///
/// ```
/// use openai_shim_core::exchange::ClientRequest;
/// use openai_shim_core::dialect;
/// let body = r#"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
/// let request = ClientRequest::read(dialect("anthropic-messages")?, "/v1/messages", body.into())?;
/// assert_eq!(request.model(), "m");
/// assert!(request.wants_stream());
/// assert_eq!(request.request().messages[0].joined_text(), "hi");
///
/// let error = ClientRequest::read(dialect("openai-chat")?, "", r#"{"messages":7}"#.into()).unwrap_err();
/// assert_eq!(error.param(), Some("messages"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ClientRequest {
    pub(super) client: Dialect,
    pub(super) request: Request,
    pub(super) diagnostics: Diagnostics,
    pub(super) body: Bytes,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) owner: Option<Owner>,
    /// The id under which hooks and the report know it; empty: it has none.
    pub(super) id: String,
    /// It counts the tokens of a request for generation.
    is_count: bool,
    /// The form of a request without a conversation.
    pub(super) texts: Option<TextsForm>,
}

/// What a client sent, for further attempts: it is smaller than the request that was read from it.
#[derive(Debug)]
pub(super) struct RequestSource {
    client: Dialect,
    path: String,
    body: Bytes,
    wants_stream: bool,
}

impl RequestSource {
    /// The client's request, read again; without headers and owner.
    pub(super) fn read(&self) -> Result<ClientRequest, Error> {
        let mut client_request = ClientRequest::read(self.client, &self.path, self.body.clone())?;
        client_request.set_stream(self.wants_stream);
        Ok(client_request)
    }
}

impl ClientRequest {
    /// Decodes a body that was sent to `path` (some dialects name the model there).
    ///
    /// # Errors
    /// [`Error::Client`] with the field at fault.
    pub fn read(client: Dialect, path: &str, body: Bytes) -> Result<Self, Error> {
        let mut diagnostics = Diagnostics::default();
        let repaired = repair_body(&body, Refused::HalvesAndNul, &mut diagnostics);
        let body = repaired.map_or(body, Bytes::from);
        let request = client.decode_request(path, &body, &mut diagnostics)?;
        Ok(Self { diagnostics, ..Self::new(client, path, body, request) })
    }

    fn new(client: Dialect, path: &str, body: Bytes, request: Request) -> Self {
        Self {
            client,
            request,
            diagnostics: Diagnostics::default(),
            body,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            owner: None,
            id: String::new(),
            is_count: false,
            texts: None,
        }
    }

    /// What the client sent, to be read again for another attempt.
    pub(super) fn source(&self) -> RequestSource {
        let Self { client, path, body, .. } = self;
        RequestSource {
            client: *client,
            path: path.clone(),
            body: body.clone(),
            wants_stream: self.wants_stream(),
        }
    }

    /// Reads a request for embeddings or a ranking.
    pub(crate) fn read_texts(
        client: Dialect,
        path: &str,
        body: Bytes,
        form: TextsForm,
    ) -> Result<Self, ClientError> {
        // What is lost is known when the request is final.
        let request = form.read(path, &body, &mut Diagnostics::default())?.to_request();
        Ok(Self { texts: Some(form), ..Self::new(client, path, body, request) })
    }

    /// Reads a request for embeddings or a ranking as it is by now. `lost`: what only its own form can express.
    pub(crate) fn texts(&self, lost: &mut Diagnostics) -> Result<Option<ReadTexts>, ClientError> {
        let Some(form) = &self.texts else { return Ok(None) };
        let read = form.read(&self.path, &self.body, lost)?;
        Ok(Some(read.with_model(self.request.model.clone())))
    }

    /// What hooks changed in a way that the request cannot express.
    pub(crate) fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }

    /// The client's own bytes.
    pub(crate) fn body_bytes(&self) -> Bytes {
        self.body.clone()
    }

    /// The form of a request without a conversation.
    pub(crate) fn texts_form(&self) -> Option<&TextsForm> {
        self.texts.as_ref()
    }

    /// Sets the id under which hooks and the report know the request.
    pub(crate) fn with_id(mut self, id: String) -> Self {
        self.id = id;
        self
    }

    /// Marks the request as one whose tokens are counted.
    pub(crate) fn for_token_count(mut self) -> Self {
        self.is_count = true;
        self
    }

    /// Adds the client's headers: those that the upstream's profile lists are forwarded.
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// Adds an owner: what clients drop and upstreams require again is stored under the owner's keys, which no other owner
    /// has. Without an owner nothing is loaded or stored.
    pub fn with_owner(mut self, owner: Owner) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Whose state the request gets.
    pub(crate) fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref()
    }

    /// A minimal request in the client's dialect, for converting a response that belongs to no request.
    pub(crate) fn minimal(client: Dialect) -> Result<Self, Error> {
        let mut request = Request::default();
        request.model = String::from("model");
        request.messages.push(Message::text(Role::User, "hi"));
        let encoded = client.encode_request(&request, None, &mut Diagnostics::default())?;
        Self::read(client, &encoded.path, Bytes::from(encoded.body.to_json()))
    }

    /// The client's dialect.
    pub fn client(&self) -> Dialect {
        self.client
    }

    /// The id under which the report knows the request; empty for one that no [`Shim`](crate::Shim) has read.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the request is for.
    pub fn kind(&self) -> RequestKind {
        match &self.texts {
            Some(form) => form.kind(),
            None if self.is_count => RequestKind::TokenCount,
            None => RequestKind::Generation,
        }
    }

    /// The client's path and query. Where the tokens of a request are counted, it is the path of the request whose tokens they are.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The client's headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The client's name for the model; may be empty.
    pub fn model(&self) -> &str {
        &self.request.model
    }

    /// Whether the client wants a stream.
    pub fn wants_stream(&self) -> bool {
        self.request.stream
    }

    /// Sets whether the response is a stream, in place of the client's choice.
    pub(crate) fn set_stream(&mut self, stream: bool) {
        self.request.stream = stream;
    }

    /// Sets some model if there is none, for converting a response alone.
    pub(crate) fn set_default_model(&mut self) {
        if self.request.model.is_empty() {
            self.request.model = String::from("model");
        }
    }

    /// Estimates the prompt's tokens, with its tools: for limits. There is no tokenizer: real counts differ by a quarter and more.
    ///
    /// ```
    /// use openai_shim_core::exchange::ClientRequest;
    /// let body = r#"{"model":"m","messages":[{"role":"user","content":"What is the capital of France?"}]}"#;
    /// let request = ClientRequest::read("openai-chat".parse()?, "/v1/chat/completions", body.into())?;
    /// assert!((5..20).contains(&request.estimate_tokens()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn estimate_tokens(&self) -> u64 {
        estimate_tokens(&self.request)
    }

    /// The request in the canonical model. The texts of embeddings and rankings are messages of the user.
    pub fn request(&self) -> &Request {
        &self.request
    }
}
