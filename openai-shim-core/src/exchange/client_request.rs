//! A client's request, read but not yet addressed to an upstream.

use super::Settings;
use crate::canonical::{Diagnostics, Message, Request, Role};
use crate::dialect::Dialect;
use crate::error::Error;
use crate::state::Owner;
use bytes::Bytes;
use http::HeaderMap;

/// A client's request, read but not yet addressed: the caller looks at the model and picks the upstream.
#[derive(Debug, Clone)]
pub struct ClientRequest {
    pub(super) client: &'static dyn Dialect,
    pub(super) request: Request,
    pub(super) diagnostics: Diagnostics,
    pub(super) body: Bytes,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) owner: Option<Owner>,
}

impl ClientRequest {
    /// Reads a body that came on `path` (some dialects name the model there).
    ///
    /// # Errors
    /// [`Error::Client`] with the field at fault.
    pub fn read(client: &'static dyn Dialect, path: &str, body: Bytes) -> Result<Self, Error> {
        let mut diagnostics = Diagnostics::default();
        let request = client.decode_request(path, &body, &mut diagnostics)?;
        Ok(Self {
            client,
            request,
            diagnostics,
            body,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            owner: None,
        })
    }

    /// The same with the client's headers: those go on that the upstream knows.
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// The same with an owner: what clients drop and upstreams require again is kept for it, and found by nobody else.
    /// Without one nothing is loaded or kept.
    pub fn with_owner(mut self, owner: Owner) -> Self {
        self.owner = Some(owner);
        self
    }

    /// A plain request in the client's dialect, for answers that belong to none.
    pub(crate) fn plain(client: &'static dyn Dialect) -> Result<Self, Error> {
        let mut request = Request::default();
        request.model = String::from("model");
        request.messages.push(Message::text(Role::User, "hi"));
        let encoded = client.encode_request(&request, None, &mut Diagnostics::default())?;
        Self::read(client, &encoded.path, Bytes::from(encoded.body.to_json()))
    }

    /// The model by the client's name; may be empty.
    pub fn model(&self) -> &str {
        &self.request.model
    }

    /// The model by the upstream's name.
    pub(super) fn upstream_model<'a>(&'a self, settings: &'a Settings) -> &'a str {
        settings.upstream_model.as_deref().unwrap_or(&self.request.model)
    }

    /// Whether the client wants a stream.
    pub fn wants_stream(&self) -> bool {
        self.request.stream
    }

    /// Asks for a stream, or for a whole answer, whatever the client wrote.
    pub(crate) fn set_stream(&mut self, stream: bool) {
        self.request.stream = stream;
    }

    /// Names some model where none is, for an answer that is there already.
    pub(crate) fn name_model(&mut self) {
        if self.request.model.is_empty() {
            self.request.model = String::from("model");
        }
    }

    /// The request in the canonical form.
    pub fn request(&self) -> &Request {
        &self.request
    }
}
