//! Speech, transcripts and pictures between a client's form and an upstream's. Several pictures are requested one after another
//! where the upstream makes one at a time.

use super::{AuxiliaryCall, apply_params};
use crate::accepts::{AuxiliaryApi, AuxiliaryRules};
use crate::canonical::{Diagnostics, MediaAnswer, MediaRequest, Usage};
use crate::dialect::auxiliary::PostRequest;
use crate::dialect::media::{EncodedBody, MediaApi};
use crate::dialect::media_upstream::MediaUpstreamApi;
use crate::error::{Error, ErrorKind, UpstreamError};
use crate::normalize::generated_media;
use std::ops::Range;

/// A request for speech, a transcript or pictures.
#[derive(Debug)]
pub struct MediaCall {
    client: &'static dyn MediaApi,
    upstream: &'static dyn MediaUpstreamApi,
    /// The client's request.
    request: MediaRequest,
    upstream_model: String,
    /// Seconds since 1970.
    created: u64,
    answer: MediaAnswer,
}

impl MediaCall {
    /// A request for an upstream that calls the model `upstream_model`. `created` is in seconds since 1970.
    pub fn new(
        client: &'static dyn MediaApi,
        upstream: &'static dyn MediaUpstreamApi,
        request: MediaRequest,
        upstream_model: Option<String>,
        created: u64,
    ) -> Self {
        let upstream_model = upstream_model.unwrap_or_else(|| request.model.clone());
        Self { client, upstream, request, upstream_model, created, answer: MediaAnswer::default() }
    }
}

impl AuxiliaryCall for MediaCall {
    fn api(&self) -> AuxiliaryApi {
        self.client.api()
    }

    fn upstream_model(&self) -> &str {
        &self.upstream_model
    }

    fn items(&self) -> Option<usize> {
        Some(self.request.count()).filter(|count| *count > 1)
    }

    fn encode_request(
        &self,
        items: Option<Range<usize>>,
        rules: &AuxiliaryRules,
        diagnostics: &mut Diagnostics,
    ) -> Result<PostRequest, Error> {
        let mut request = self.request.clone();
        request.model.clone_from(&self.upstream_model);
        generated_media(&mut request.task, rules, diagnostics)?;
        let count = items.map_or(1, |range| range.len());
        let mut encoded = self.upstream.encode_request(&request, count, rules)?;
        let has_rules = !(rules.drop.is_empty() && rules.rename.is_empty() && rules.set.is_empty());
        if has_rules {
            let client_name = |path: &str| self.upstream.client_name(path).to_owned();
            apply_params(&mut encoded, rules, true, &client_name, diagnostics);
        }
        Ok(encoded)
    }

    fn success_fields(&self) -> &'static [&'static str] {
        self.upstream.success_fields()
    }

    fn take_answer(
        &mut self,
        _items: Option<Range<usize>>,
        body: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> Result<(), UpstreamError> {
        let decoded = self.upstream.decode_response(body, &self.request, diagnostics);
        let answer = decoded.map_err(|mut error| {
            if let UpstreamError::Status(status) = &mut error
                && status.kind == ErrorKind::ContentFiltered
            {
                self.client.mark_filtered(status);
            }
            error
        })?;
        self.answer.append(answer);
        Ok(())
    }

    fn response(&mut self, diagnostics: &mut Diagnostics) -> Result<EncodedBody, UpstreamError> {
        self.client.encode_response(&self.answer, &self.request, self.created, diagnostics)
    }

    fn usage(&self) -> Option<Usage> {
        self.answer.usage.map(Usage::from)
    }
}
