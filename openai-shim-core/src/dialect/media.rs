//! Speech, transcripts and pictures as clients request them: the trait of a dialect's routes for them.

use super::shape::Shape;
use crate::accepts::AuxiliaryApi;
use crate::canonical::{Diagnostics, MediaAnswer, MediaRequest};
use crate::error::{ClientError, StatusError, UpstreamError};
use std::fmt::Debug;

/// The body of a response, of any type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedBody {
    /// The media type.
    pub content_type: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl EncodedBody {
    /// A body of any type.
    pub fn new(content_type: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { content_type, bytes: bytes.into() }
    }

    /// A JSON document.
    pub fn json(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new("application/json", bytes)
    }

    /// Complete server-sent events.
    pub fn events(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new("text/event-stream; charset=utf-8", bytes)
    }
}

/// A route for speech, transcripts or pictures. Its requests are decoded only for an upstream whose dialect has another form for
/// them.
pub trait MediaApi: Debug + Sync {
    /// Returns the API, which decides the rules that apply.
    fn api(&self) -> AuxiliaryApi;

    /// Returns the known fields of a request in JSON.
    fn request_shape(&self) -> &'static Shape;

    /// Decodes a request: JSON, or a form by its content type.
    ///
    /// # Errors
    /// The request is invalid, or wants something that no other API has.
    fn decode_request(
        &self,
        content_type: &str,
        body: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> Result<MediaRequest, ClientError>;

    /// Encodes an answer. `created` is in seconds since 1970.
    ///
    /// # Errors
    /// The answer does not have what was requested.
    fn encode_response(
        &self,
        answer: &MediaAnswer,
        request: &MediaRequest,
        created: u64,
        diagnostics: &mut Diagnostics,
    ) -> Result<EncodedBody, UpstreamError>;

    /// Gives the error for an answer that a filter withheld the code and type that clients know.
    fn mark_filtered(&self, error: &mut StatusError);
}
