//! Auxiliary routes: the table entries and traits by which a dialect serves model lists, token counts, embeddings, stored
//! responses and the like.
//!
//! A dialect lists its [`AuxiliaryRoute`]s; each names an implementation of the trait for its [kind](AuxiliaryKind). The
//! server uses the kinds only and names no dialect. All trait methods are pure: bodies in, bodies out.

use super::media::MediaApi;
use super::shape::Shape;
use super::url::{match_pattern, percent_decode};
use crate::canonical::time::rfc3339;
use crate::canonical::{DiagnosticCode, Diagnostics, EmbedRequest, Embeddings, ListedModel};
use crate::error::{ClientError, UpstreamError};
use crate::json::{Object, encode_string};
use std::fmt::Debug;
use std::time::Duration;

/// The methods of a route for `GET`: `HEAD` gets the same response without its body.
pub const GET_AND_HEAD: &str = "GET, HEAD";

/// The methods of a route that is forwarded whatever its method.
pub const ANY_METHOD: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

/// An entry of a dialect's table of auxiliary routes.
#[derive(Debug, Clone, Copy)]
pub struct AuxiliaryRoute {
    /// The prefixes that the path may have.
    pub prefixes: &'static [&'static str],
    /// The path behind the prefix; `{…}` stands for any non-empty text, slashes included, and `{/rest}` at the end also for nothing.
    pub path: &'static str,
    /// The HTTP methods, separated by `, `.
    pub methods: &'static str,
    /// What the route serves.
    pub kind: AuxiliaryKind,
}

/// What an auxiliary route serves, with the dialect's implementation.
#[derive(Debug, Clone, Copy)]
pub enum AuxiliaryKind {
    /// The list of all models.
    ModelList(&'static dyn ModelListApi),
    /// One model.
    Model(&'static dyn ModelApi),
    /// The number of tokens of a request.
    TokenCount(&'static dyn TokenCountApi),
    /// Embeddings of texts.
    Embeddings(&'static dyn EmbeddingsApi),
    /// A ranking of documents, in the form that the request shows.
    Rerank,
    /// Speech, transcripts or pictures: forwarded unchanged, or translated for an upstream whose dialect has another form for them.
    Media(&'static dyn MediaApi),
    /// A stored response, or a part of one.
    StoredResponse(&'static dyn StoredResponsesApi, StoredResponsePart),
    /// A constant JSON document.
    Constant(&'static str),
    /// A constant text at the root, by which programs detect this kind of server.
    Greeting(&'static str),
    /// An operation that is not supported, with the message of the error.
    Unsupported(&'static str),
    /// A request that is forwarded unchanged to the upstream of its model.
    Forward,
    /// A request that is forwarded unchanged to an upstream whose profile says that it serves the path (`paths.forward`); without one
    /// an error. The text names what is requested (`files`).
    ForwardIfServed(&'static str),
    /// A forwarded request whose response has a known format and is checked.
    ForwardChecked(&'static dyn ResponseCheck),
}

/// A client's request to an auxiliary route.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuxiliaryRequest<'a> {
    /// The percent-decoded text of the path's `{…}`.
    pub name: &'a str,
    /// The path as the client sent it.
    pub path: &'a str,
    /// The query, without the question mark.
    pub query: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// A `POST` request with a JSON body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PostRequest {
    /// The path, with a query if there is one.
    pub path: String,
    /// The body.
    pub body: Vec<u8>,
}

impl PostRequest {
    /// Creates a request.
    pub fn new(path: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), body: body.into() }
    }
}

/// The model list of a dialect.
pub trait ModelListApi: Debug + Sync {
    /// Encodes the list for a client; `query` may select a page of it.
    ///
    /// # Errors
    /// The query is invalid.
    fn encode_list(&self, models: &[ListedModel], query: &str) -> Result<String, ClientError>;
}

/// The description of one model in a dialect.
pub trait ModelApi: Debug + Sync {
    /// Returns the ids that a client's request may mean, the likeliest first.
    ///
    /// # Errors
    /// The request names no model.
    fn requested_ids(&self, request: &AuxiliaryRequest<'_>) -> Result<Vec<String>, ClientError>;

    /// Encodes a model for a client.
    fn encode_model(&self, model: &ListedModel) -> String;

    /// Returns the error for an id that no model has.
    fn unknown_model(&self, id: &str) -> ClientError {
        ClientError::unknown_model(id)
    }
}

/// Token counting of a dialect: requested by clients, and requested from upstreams.
pub trait TokenCountApi: Debug + Sync {
    /// Turns a client's request for a count into the request for generation whose tokens are to be counted.
    ///
    /// # Errors
    /// The request is invalid.
    fn generation_request(&self, request: &AuxiliaryRequest<'_>) -> Result<PostRequest, ClientError>;

    /// Turns an upstream's request for generation into its request for a count; `None` if the path is not one of generation.
    fn encode_request(&self, path: &str, body: &[u8]) -> Option<PostRequest>;

    /// Decodes an upstream's count.
    fn decode_response(&self, body: &[u8]) -> Option<u64>;

    /// Encodes a count for a client.
    fn encode_response(&self, tokens: u64) -> String;
}

/// Embeddings in one wire format: requested by clients, and requested from upstreams.
pub trait EmbeddingsApi: Debug + Sync {
    /// Returns the name of the wire format (`ollama-embed`). Client and upstream use the same format exactly if their names
    /// are equal; the body of a request or response may then stay as it is.
    fn format(&self) -> &'static str;

    /// Returns the known fields of a request.
    fn request_shape(&self) -> &'static Shape;

    /// Decodes a client's request.
    ///
    /// # Errors
    /// The request is invalid.
    fn decode_request(
        &self,
        request: &AuxiliaryRequest<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Result<EmbedRequest, ClientError>;

    /// Encodes a request for an upstream. `source` is the client's own body if it has the same format: all of it stays but
    /// the name of the model.
    ///
    /// # Errors
    /// The format cannot express the request.
    fn encode_request(
        &self,
        request: &EmbedRequest,
        source: Option<&[u8]>,
        diagnostics: &mut Diagnostics,
    ) -> Result<PostRequest, ClientError>;

    /// Decodes an upstream's response.
    ///
    /// # Errors
    /// The response contains no embeddings.
    fn decode_response(
        &self,
        body: &[u8],
        request: &EmbedRequest,
        diagnostics: &mut Diagnostics,
    ) -> Result<Embeddings, UpstreamError>;

    /// Encodes a response for a client.
    ///
    /// # Errors
    /// There are no embeddings to encode.
    fn encode_response(
        &self,
        embeddings: &Embeddings,
        request: &EmbedRequest,
        diagnostics: &mut Diagnostics,
    ) -> Result<String, UpstreamError>;

    /// Repairs an upstream's response for a client of the same format; `None` if the response stays as it is.
    fn repair_response(
        &self,
        body: &[u8],
        request: &EmbedRequest,
        diagnostics: &mut Diagnostics,
    ) -> Option<Vec<u8>>;

    /// Checks that a response, which stays as it is, contains the requested embeddings; returns the length of each.
    ///
    /// # Errors
    /// It does not.
    fn check_response(&self, body: &[u8], request: &EmbedRequest) -> Result<usize, UpstreamError> {
        self.decode_response(body, request, &mut Diagnostics::default())?.check(request)
    }

    /// Returns the number of input tokens in an upstream's response.
    fn reported_tokens(&self, body: &[u8]) -> Option<u64>;

    /// Returns the field of a request with the list of inputs, which may be sent in several requests; `None`: a request has
    /// one input.
    fn list_field(&self) -> Option<&'static str>;

    /// Returns the format's name of a parameter by OpenAI's (`dimensions`, `input_type`); `None` if there is none.
    fn param(&self, name: &str) -> Option<&'static str>;
}

/// The part of a stored response that a route is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredResponsePart {
    /// The response itself; `DELETE` removes it.
    Response,
    /// The input that the response was generated from.
    Input,
    /// No part: the request cancels the response.
    Cancel,
}

/// The content of a stored response or of one of its items, and the id under which it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResponseEntry {
    /// The response's id, or one that is made of the item's.
    pub id: String,
    /// The conversation up to and with the response, and the response, in the dialect's own encoding; of an item the item.
    pub content: String,
}

/// Responses that later requests refer to, in a dialect's format. The caller stores them.
pub trait StoredResponsesApi: Debug + Sync {
    /// Returns the ids of the entries that a request refers to: of the response that it continues, and of single items.
    fn references(&self, body: &[u8]) -> Vec<String>;

    /// Replaces the reference to an earlier response by that response's conversation, and references to items by the items.
    /// `stored` has the content of each entry that the request refers to, if there is any. A reference to an item that is not
    /// stored stays.
    ///
    /// # Errors
    /// The response that the request continues is not stored, or the body is no request.
    fn with_history(&self, body: &[u8], stored: &[(String, Option<&str>)]) -> Result<Vec<u8>, ClientError>;

    /// Returns the items of a request's input; `None` if its response must not be stored.
    fn request_items(&self, body: &[u8]) -> Option<Vec<String>>;

    /// Returns the complete response in an event that ends a stream; `None` for every other event.
    fn final_response(&self, event: &[u8]) -> Option<Vec<u8>>;

    /// Makes the entries to store from a request's items and its response: the response first, then its items; none if the
    /// response is not complete.
    fn entries(&self, request_items: Vec<String>, response: &[u8]) -> Vec<StoredResponseEntry>;

    /// Returns the ids of all entries of a stored response, its own first.
    fn entry_ids(&self, id: &str, stored: &str) -> Vec<String>;

    /// Encodes a part of a stored response for a client; `query` may select a page of it.
    ///
    /// # Errors
    /// The query is invalid, the response cannot be cancelled, or the entry is no response.
    fn encode_part(&self, part: StoredResponsePart, stored: &str, query: &str)
    -> Result<String, ClientError>;

    /// Encodes a stored response as a stream of server-sent events; `None` if the query does not ask for one.
    ///
    /// # Errors
    /// The query is invalid.
    fn encode_events(&self, stored: &str, query: &str) -> Result<Option<String>, ClientError>;

    /// Encodes the confirmation that a response is deleted.
    fn encode_deleted(&self, id: &str) -> String;

    /// Returns the error for an id under which nothing is stored.
    fn unknown_response(&self, id: &str) -> ClientError;
}

/// A check of forwarded responses with a known format.
pub trait ResponseCheck: Debug + Sync {
    /// Checks a successful response against its request.
    ///
    /// # Errors
    /// The response does not have the format, or does not fit the request.
    fn check(&self, request: &[u8], response: &[u8]) -> Result<(), UpstreamError>;
}

/// The headers and query parameters with a meaning in a dialect.
#[derive(Debug, Clone, Copy, Default)]
pub struct DialectHeaders {
    /// Request headers that only clients of this dialect send: they identify it on any path.
    pub identifying: &'static [&'static str],
    /// Request headers that select features: they go to upstreams of this dialect.
    pub feature_headers: &'static [&'static str],
    /// The request header that states the version of the API.
    pub api_version: Option<&'static str>,
    /// The query parameter that may contain the API key.
    pub key_parameter: Option<&'static str>,
    /// The response header with the request's id.
    pub request_id: Option<&'static str>,
    /// The prefix of the response headers with rate limits.
    pub rate_limit_prefix: &'static str,
    /// The headers of the rate limits that all dialects have, in the order: limit of requests, remaining requests, limit of
    /// tokens, remaining tokens.
    pub common_rate_limits: &'static [&'static str],
    /// The headers that say when these limits are whole again: of requests, of tokens.
    pub rate_limit_resets: &'static [&'static str],
    /// How those headers state it.
    pub rate_limit_reset_form: ResetForm,
}

/// How a header states when a rate limit is whole again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ResetForm {
    /// As a duration from now: `6m0s`, `1.5s`, `20ms`.
    #[default]
    Duration,
    /// As a time in RFC 3339.
    Time,
}

impl ResetForm {
    /// The value of the header. `now`: seconds since 1970.
    ///
    /// ```
    /// use openai_shim_core::dialect::auxiliary::ResetForm;
    /// use std::time::Duration;
    /// let encode = |form: ResetForm, millis| form.encode(Duration::from_millis(millis), 1_700_000_000);
    /// assert_eq!(encode(ResetForm::Duration, 360_000), "6m0s");
    /// assert_eq!(encode(ResetForm::Duration, 1_500), "1.5s");
    /// assert_eq!(encode(ResetForm::Duration, 20), "20ms");
    /// assert_eq!(encode(ResetForm::Time, 1_500), "2023-11-14T22:13:22Z");
    /// ```
    pub fn encode(self, wait: Duration, now: u64) -> String {
        let millis = u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        match self {
            Self::Time => rfc3339(now.saturating_add(millis.div_ceil(1000))),
            Self::Duration if millis < 1000 => format!("{millis}ms"),
            Self::Duration => {
                let seconds = Duration::from_millis(millis % 60_000).as_secs_f64();
                match millis / 60_000 {
                    0 => format!("{seconds}s"),
                    minutes => format!("{minutes}m{seconds}s"),
                }
            }
        }
    }
}

/// The headers of a dialect without any.
pub(super) static NO_HEADERS: DialectHeaders = DialectHeaders {
    identifying: &[],
    feature_headers: &[],
    api_version: None,
    key_parameter: None,
    request_id: None,
    rate_limit_prefix: "",
    common_rate_limits: &[],
    rate_limit_resets: &[],
    rate_limit_reset_form: ResetForm::Duration,
};

impl AuxiliaryRoute {
    /// Matches a path: returns the path behind the prefix, and the decoded text of `{…}`. A text with a segment `.` or `..`
    /// never matches.
    pub fn matches<'p>(&self, path: &'p str) -> Option<(&'p str, String)> {
        let found = self.prefixes.iter().find_map(|prefix| {
            let rest = path.strip_prefix(prefix)?;
            (rest.is_empty() || rest.starts_with('/')).then_some((rest, match_pattern(self.path, rest)?))
        });
        let (rest, name) = found?;
        let name = percent_decode(name);
        // A colon may separate a segment from a method (`/models/m:countTokens`).
        let is_dots = |segment: &str| matches!(segment.split(':').next(), Some("." | ".."));
        let climbs = name.split(['/', '\\']).any(is_dots);
        (!climbs).then_some((rest, name))
    }

    /// Returns whether the route has this method.
    pub fn allows(&self, method: &str) -> bool {
        self.methods.split(", ").any(|allowed| allowed == method)
    }

    /// Returns how many bytes of the path are fixed, outside of `{…}`.
    pub(super) fn precision(&self) -> usize {
        let placeholder = self
            .path
            .split_once('{')
            .map_or(0, |(_, rest)| rest.split_once('}').map_or(rest.len(), |(name, _)| name.len() + 2));
        self.path.len() - placeholder
    }
}

/// Returns the client's own body with another model; its own bytes if the model is the same, `None` if it is no JSON object.
pub(super) fn with_model(source: &[u8], model: &str) -> Option<String> {
    let mut body = Object::parse(source).ok()?;
    if body.str("model").unwrap_or_default() != model {
        body.set("model", encode_string(model));
        return Some(body.to_json());
    }
    String::from_utf8(source.to_vec()).ok()
}

/// The error for a response without embeddings.
pub(super) fn no_embeddings() -> UpstreamError {
    UpstreamError::malformed("The upstream sent something that holds no embeddings.")
}

/// The field of a response that has the embeddings, in the formats with a route for one text and a route for a list.
#[derive(Debug, Clone, Copy)]
pub(super) enum EmbeddingsField {
    /// `embedding`, of one text.
    One,
    /// `embeddings`, of a list of texts.
    List,
}

/// Renames the field with the embeddings, for an upstream that responds in the format of the other route. `None` if the
/// response has the expected field, or neither.
pub(super) fn rename_embeddings(
    body: &[u8],
    expected: EmbeddingsField,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<u8>> {
    const ONE: &str = "embedding";
    const LIST: &str = "embeddings";
    let mut response = Object::parse(body).ok()?;
    let (key, other) = match expected {
        EmbeddingsField::One => (ONE, LIST),
        EmbeddingsField::List => (LIST, ONE),
    };
    if response.non_null(key).is_some() {
        return None;
    }
    let value = match expected {
        EmbeddingsField::One => (*response.array(LIST)?.first()?).to_owned(),
        EmbeddingsField::List => format!("[{}]", response.non_null(ONE)?),
    };
    response.remove(other);
    response.set(key, value);
    diagnostics.record(DiagnosticCode::FieldFilled, key, "");
    Some(response.to_json().into_bytes())
}
