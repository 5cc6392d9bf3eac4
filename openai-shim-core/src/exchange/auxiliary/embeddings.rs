//! Embeddings between a client's format and an upstream's: the request for some of the inputs, and the vectors of all answers.

use super::{AuxiliaryCall, apply_params, document};
use crate::accepts::{AuxiliaryApi, AuxiliaryRules};
use crate::canonical::{DiagnosticCode, Diagnostics, EmbedRequest, Embeddings, Usage, read_vectors};
use crate::dialect::auxiliary::{EmbeddingsApi, PostRequest};
use crate::dialect::media::EncodedBody;
use crate::error::{Error, UpstreamError};
use crate::json::{Object, items as list_items};
use bytes::Bytes;
use std::ops::Range;
use std::sync::OnceLock;

/// A request whose inputs are sent in several requests, taken apart once.
#[derive(Debug)]
struct Split {
    /// The request without inputs.
    request: EmbedRequest,
    inputs: Vec<String>,
    /// The client's own body without the items of its list.
    body: Option<String>,
    items: Vec<String>,
}

impl Split {
    fn new(request: &EmbedRequest, source: Option<&[u8]>, api: &dyn EmbeddingsApi) -> Self {
        let owned =
            |list: Option<Vec<&str>>| list.unwrap_or_default().into_iter().map(str::to_owned).collect();
        let mut split = Self {
            request: EmbedRequest { input: String::new(), ..request.clone() },
            inputs: owned(list_items(&request.input)),
            body: None,
            items: Vec::new(),
        };
        if let Some(mut body) = source.and_then(|source| Object::parse(source).ok())
            && let Some(field) = api.list_field()
        {
            split.items = owned(body.get(field).and_then(list_items));
            body.set(field, "[]");
            split.body = Some(body.to_json());
        }
        split
    }
}

/// What an answer has.
enum Answered {
    /// The whole response for a client of the same format; `None`: as it came.
    Whole(Option<Vec<u8>>),
    /// Vectors that are encoded for the client.
    Vectors(Embeddings),
}

/// A request for embeddings.
#[derive(Debug)]
pub struct EmbeddingsCall {
    client: &'static dyn EmbeddingsApi,
    upstream: &'static dyn EmbeddingsApi,
    /// The client's request.
    request: EmbedRequest,
    upstream_model: String,
    /// The client's own body, if the upstream takes the same format.
    source: Option<Bytes>,
    items: Option<usize>,
    split: OnceLock<Split>,
    /// The answer to the only request, in the client's format.
    whole: Option<Vec<u8>>,
    /// The vectors of several requests.
    joined: Embeddings,
    tokens: Option<u64>,
}

impl EmbeddingsCall {
    /// A request that was decoded from `source`, for an upstream that calls the model `upstream_model`.
    pub fn new(
        client: &'static dyn EmbeddingsApi,
        upstream: &'static dyn EmbeddingsApi,
        request: EmbedRequest,
        upstream_model: Option<String>,
        source: Bytes,
    ) -> Self {
        let is_same = client.format() == upstream.format();
        let upstream_model = upstream_model.unwrap_or_else(|| request.model.clone());
        let items = request.list().filter(|_| upstream.list_field().is_some()).map(|list| list.len());
        let source = is_same.then_some(source);
        Self {
            client,
            upstream,
            request,
            upstream_model,
            source,
            items,
            split: OnceLock::new(),
            whole: None,
            joined: Embeddings::default(),
            tokens: None,
        }
    }

    /// The request for some inputs, and the client's own body with only them.
    fn part(&self, range: &Range<usize>) -> (EmbedRequest, Option<Vec<u8>>) {
        let split =
            self.split.get_or_init(|| Split::new(&self.request, self.source.as_deref(), self.upstream));
        let of = |list: &[String]| format!("[{}]", list.get(range.clone()).unwrap_or_default().join(","));
        let mut part = split.request.clone();
        part.input = of(&split.inputs);
        let body = split.body.as_ref().and_then(|body| {
            let mut body = Object::parse(body.as_bytes()).ok()?;
            body.set(self.upstream.list_field()?, of(&split.items));
            Some(body.to_json().into_bytes())
        });
        (part, body)
    }

    fn is_whole(&self, range: Option<&Range<usize>>) -> bool {
        range.is_none_or(|range| range.start == 0 && Some(range.end) == self.items)
    }

    /// The request whose vectors an answer has.
    fn answered(&self, range: Option<&Range<usize>>) -> EmbedRequest {
        match range.filter(|range| !self.is_whole(Some(range))) {
            Some(range) => self.part(range).0,
            None => self.request.clone(),
        }
    }

    /// The client's name of a parameter that the upstream calls `path`.
    fn client_name(&self, path: &str) -> String {
        let last = path.rsplit('.').next().unwrap_or(path);
        let known =
            ["dimensions", "input_type"].into_iter().find(|name| self.upstream.param(name) == Some(last));
        known.and_then(|name| self.client.param(name)).unwrap_or(path).to_owned()
    }

    fn check_dimensions(&self, length: usize, diagnostics: &mut Diagnostics) {
        if let Some(requested) = self.request.dimensions
            && u64::try_from(length) != Ok(requested)
        {
            let name = self.client.param("dimensions").unwrap_or_default();
            let detail = format!("the vectors have {length} numbers, not {requested}");
            diagnostics.record(DiagnosticCode::ParamIgnored, name, &detail);
        }
    }
}

impl AuxiliaryCall for EmbeddingsCall {
    fn api(&self) -> AuxiliaryApi {
        AuxiliaryApi::Embeddings
    }

    fn upstream_model(&self) -> &str {
        &self.upstream_model
    }

    fn items(&self) -> Option<usize> {
        self.items
    }

    fn encode_request(
        &self,
        items: Option<Range<usize>>,
        rules: &AuxiliaryRules,
        diagnostics: &mut Diagnostics,
    ) -> Result<PostRequest, Error> {
        let (mut part, part_source) = match items.filter(|range| !self.is_whole(Some(range))) {
            Some(range) => self.part(&range),
            None => (self.request.clone(), self.source.as_ref().map(|source| source.to_vec())),
        };
        part.model.clone_from(&self.upstream_model);
        let mut request = self.upstream.encode_request(&part, part_source.as_deref(), diagnostics)?;
        let is_translated = self.source.is_none();
        if is_translated && part.input_type.is_some() && self.upstream.param("input_type").is_none() {
            let name = self.client.param("input_type").unwrap_or_default();
            diagnostics.record(DiagnosticCode::ParamDropped, name, "");
        }
        let client_name = |path: &str| self.client_name(path);
        apply_params(&mut request, rules, is_translated, &client_name, diagnostics);
        Ok(request)
    }

    fn success_fields(&self) -> &'static [&'static str] {
        &["data", "embeddings", "embedding"]
    }

    fn take_answer(
        &mut self,
        items: Option<Range<usize>>,
        body: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> Result<(), UpstreamError> {
        let document = document(body, "embeddings", diagnostics)?;
        let request = self.answered(items.as_ref());
        let mut noted = Diagnostics::default();
        let is_whole = self.is_whole(items.as_ref()) && self.source.is_some();
        let read = if is_whole {
            let repaired = self.upstream.repair_response(document, &request, &mut noted);
            let checked = self.upstream.check_response(repaired.as_deref().unwrap_or(document), &request);
            checked.map(|length| (length, Answered::Whole(repaired)))
        } else {
            let decoded = self.upstream.decode_response(document, &request, &mut noted);
            decoded.and_then(|vectors| Ok((vectors.check(&request)?, Answered::Vectors(vectors))))
        };
        let (length, answered) = match read {
            Ok(read) => {
                diagnostics.extend(&noted);
                read
            }
            Err(error) => {
                // Some upstreams answer in the form of another API.
                let vectors = read_vectors(document).ok_or_else(|| error.clone())?;
                let length = vectors.check(&request).map_err(|_| error)?;
                diagnostics.record(DiagnosticCode::FieldFilled, "embeddings", "another form");
                (length, Answered::Vectors(vectors))
            }
        };
        self.check_dimensions(length, diagnostics);
        let embeddings = match answered {
            Answered::Whole(repaired) => {
                self.tokens = self.upstream.reported_tokens(document);
                self.whole = Some(repaired.unwrap_or_else(|| document.to_vec()));
                return Ok(());
            }
            Answered::Vectors(embeddings) => embeddings,
        };
        let tokens = self.upstream.reported_tokens(document).or(embeddings.tokens);
        // A sum without a part of it would be no count.
        let is_first = items.is_none_or(|range| range.start == 0);
        self.tokens = if is_first { tokens } else { self.tokens.zip(tokens).map(|(sum, next)| sum + next) };
        self.joined.model = self.joined.model.take().or(embeddings.model);
        self.joined.vectors.extend(embeddings.vectors);
        Ok(())
    }

    fn response(&mut self, diagnostics: &mut Diagnostics) -> Result<EncodedBody, UpstreamError> {
        if let Some(whole) = self.whole.take() {
            return Ok(EncodedBody::json(whole));
        }
        let mut joined = std::mem::take(&mut self.joined);
        joined.check(&self.request)?;
        joined.tokens = self.tokens;
        Ok(EncodedBody::json(self.client.encode_response(&joined, &self.request, diagnostics)?))
    }

    fn usage(&self) -> Option<Usage> {
        self.tokens.map(|input| Usage { input: Some(input), ..Usage::default() })
    }
}
