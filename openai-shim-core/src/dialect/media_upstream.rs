//! How upstreams of a dialect are asked for speech, transcripts and pictures.

use super::auxiliary::PostRequest;
use crate::accepts::AuxiliaryRules;
use crate::canonical::{Diagnostics, MediaAnswer, MediaRequest};
use crate::error::{Unsupported, UpstreamError};
use std::fmt::Debug;

/// Requests for speech, transcripts and pictures to an upstream, and its answers.
pub trait MediaUpstreamApi: Debug + Sync {
    /// Encodes a request that fits the rules, for so many of its pictures.
    ///
    /// # Errors
    /// The format cannot express the request.
    fn encode_request(
        &self,
        request: &MediaRequest,
        count: usize,
        rules: &AuxiliaryRules,
    ) -> Result<PostRequest, Unsupported>;

    /// Returns the fields of which a successful answer has at least one.
    fn success_fields(&self) -> &'static [&'static str];

    /// Decodes an answer.
    ///
    /// # Errors
    /// It has not what was requested: it is no answer, a filter withheld it, or it is not complete.
    fn decode_response(
        &self,
        body: &[u8],
        request: &MediaRequest,
        diagnostics: &mut Diagnostics,
    ) -> Result<MediaAnswer, UpstreamError>;

    /// Returns the field of the request that a parameter of the upstream's body was made of, by its path; the path itself if there
    /// is none.
    fn client_name<'p>(&self, path: &'p str) -> &'p str;
}
