//! Rankings between a client's form and an upstream's: the request for some of the documents, and the results of all answers.

use super::{AuxiliaryCall, apply_params, document};
use crate::accepts::{AuxiliaryApi, AuxiliaryRules};
use crate::canonical::{Diagnostics, Ranking, RerankRequest, Usage};
use crate::dialect::auxiliary::PostRequest;
use crate::dialect::media::EncodedBody;
use crate::dialect::rerank::{RerankForm, decode_ranking};
use crate::error::{Error, StatusError, UpstreamError};
use crate::json::{Object, encode_array};
use bytes::Bytes;
use std::ops::Range;
use std::sync::OnceLock;

/// A request to rank documents.
#[derive(Debug)]
pub struct RerankCall {
    client: &'static RerankForm,
    upstream: &'static RerankForm,
    /// The client's request.
    request: RerankRequest,
    /// The same without the documents, for requests with some of them.
    bare_request: RerankRequest,
    upstream_model: String,
    /// The client's own body, if the upstream takes the same form.
    source: Option<Bytes>,
    /// The same without the documents.
    bare_source: OnceLock<Option<String>>,
    /// The answer to the only request, in the client's form.
    whole: Option<Vec<u8>>,
    /// The results of several requests.
    joined: Ranking,
    tokens: Option<u64>,
}

impl RerankCall {
    /// A request that was decoded from `source`, for an upstream that calls the model `upstream_model`.
    pub fn new(
        client: &'static RerankForm,
        upstream: &'static RerankForm,
        mut request: RerankRequest,
        upstream_model: Option<String>,
        source: Bytes,
    ) -> Self {
        let documents = request.documents.take();
        let bare_request = request.clone();
        request.documents = documents;
        let upstream_model = upstream_model.unwrap_or_else(|| request.model.clone());
        let source = (client.format == upstream.format).then_some(source);
        Self {
            client,
            upstream,
            request,
            bare_request,
            upstream_model,
            source,
            bare_source: OnceLock::new(),
            whole: None,
            joined: Ranking::default(),
            tokens: None,
        }
    }

    /// The request for some documents, of which no more can be returned.
    fn part(&self, range: &Range<usize>) -> RerankRequest {
        let documents = self.request.documents.as_ref().and_then(|all| all.get(range.clone()));
        let mut part = self.bare_request.clone();
        part.top_n = part.top_n.map(|top| top.min(range.len()));
        part.documents = documents.map(<[String]>::to_vec);
        part
    }

    /// The client's own body with only some of the documents.
    fn part_of_source(&self, part: &RerankRequest) -> Option<Vec<u8>> {
        let bare = || {
            let mut body = Object::parse(self.source.as_ref()?).ok()?;
            body.set(self.upstream.list_field(), "[]");
            Some(body.to_json())
        };
        let bare = self.bare_source.get_or_init(bare).as_ref()?;
        let mut body = Object::parse(bare.as_bytes()).ok()?;
        body.set(self.upstream.list_field(), encode_array(part.documents.as_ref()?));
        if let (Some(name), Some(top)) = (self.upstream.top_field(), part.top_n) {
            body.set(name, top.to_string());
        }
        Some(body.to_json().into_bytes())
    }

    fn is_whole(&self, range: Option<&Range<usize>>) -> bool {
        range.is_none_or(|range| range.start == 0 && Some(range.end) == self.items())
    }
}

impl AuxiliaryCall for RerankCall {
    fn api(&self) -> AuxiliaryApi {
        AuxiliaryApi::Rerank
    }

    fn upstream_model(&self) -> &str {
        &self.upstream_model
    }

    fn items(&self) -> Option<usize> {
        self.request.documents.as_ref().map(Vec::len)
    }

    fn encode_request(
        &self,
        items: Option<Range<usize>>,
        rules: &AuxiliaryRules,
        diagnostics: &mut Diagnostics,
    ) -> Result<PostRequest, Error> {
        let part = items.filter(|range| !self.is_whole(Some(range))).map(|range| self.part(&range));
        let source = match &part {
            Some(part) => self.part_of_source(part),
            None => self.source.as_ref().map(|source| source.to_vec()),
        };
        let mut part = part.unwrap_or_else(|| self.request.clone());
        part.model.clone_from(&self.upstream_model);
        let mut request = self.upstream.encode_request(self.client, &part, source.as_deref(), diagnostics)?;
        if !rules.path.is_empty() {
            request.path.clone_from(&rules.path);
        }
        let client_name = |name: &str| self.client.param_of(self.upstream, name).unwrap_or(name).to_owned();
        apply_params(&mut request, rules, self.source.is_none(), &client_name, diagnostics);
        Ok(request)
    }

    fn success_fields(&self) -> &'static [&'static str] {
        &["results", "data"]
    }

    fn take_answer(
        &mut self,
        items: Option<Range<usize>>,
        body: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> Result<(), UpstreamError> {
        let document = document(body, "a ranking", diagnostics)?;
        let is_whole = self.is_whole(items.as_ref());
        if is_whole && self.source.is_some() {
            let (repaired, tokens) = self.upstream.repair_response(document, &self.request, diagnostics)?;
            self.tokens = tokens;
            self.whole = Some(repaired.unwrap_or_else(|| document.to_vec()));
            return Ok(());
        }
        let start = items.as_ref().map_or(0, |range| range.start);
        let part = items.filter(|_| !is_whole).map(|range| self.part(&range));
        let ranking = decode_ranking(document, part.as_ref().unwrap_or(&self.request), diagnostics)?;
        // A sum without a part of it would be no count.
        let sum = |sum: Option<u64>, next: Option<u64>| match start {
            0 => next,
            _ => sum.zip(next).map(|(sum, next)| sum + next),
        };
        self.joined.tokens = sum(self.joined.tokens, ranking.tokens);
        self.joined.search_units = sum(self.joined.search_units, ranking.search_units);
        self.tokens = self.joined.tokens;
        self.joined.id = self.joined.id.take().or(ranking.id);
        self.joined.model = self.joined.model.take().or(ranking.model);
        self.joined.results.extend(ranking.results.into_iter().map(|mut result| {
            result.index += start;
            result
        }));
        Ok(())
    }

    fn response(&mut self, diagnostics: &mut Diagnostics) -> Result<EncodedBody, UpstreamError> {
        if let Some(whole) = self.whole.take() {
            return Ok(EncodedBody::json(whole));
        }
        let joined = std::mem::take(&mut self.joined);
        Ok(EncodedBody::json(self.client.encode_response(joined, &self.request, diagnostics)))
    }

    fn usage(&self) -> Option<Usage> {
        let tokens = self.tokens?;
        Some(Usage { input: Some(tokens), ..Usage::default() })
    }

    fn explain(&self, error: UpstreamError) -> UpstreamError {
        match error {
            UpstreamError::Status(error) => UpstreamError::Status(explain_refusal(error)),
            other => other,
        }
    }
}

/// Adds to the error of a server that does not know the path, or takes another form, what to do about it.
fn explain_refusal(mut error: Box<StatusError>) -> Box<StatusError> {
    let names_model = error.code.as_deref().is_some_and(|code| code.contains("model"))
        || error.message.to_ascii_lowercase().contains("model");
    if matches!(error.status, 404 | 405 | 501) && !names_model {
        error.message = format!(
            "The upstream has no rankings at this path ({}). If it has them elsewhere, rerank.path and rerank.format in its \
             [upstream.quirks] say where and in which form.",
            error.message.trim_end_matches('.')
        );
    } else if error.message.contains("missing field `texts`") {
        error.message.push_str(
            ". The upstream ranks as TEI does: rerank.format = \"tei\" in its [upstream.quirks] says so.",
        );
    }
    error
}
