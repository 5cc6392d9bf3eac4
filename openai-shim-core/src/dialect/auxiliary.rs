//! Routes beside those that ask for answers: what else the clients of a dialect ask for, as data.
//!
//! A dialect lists its [`SideRoute`]s; whoever serves them knows the [`Side`]s only, and no dialect. Every function here is
//! pure: bodies in, bodies out.
#![allow(clippy::type_complexity)] // tables of functions

use super::DIALECTS;
use super::Dialect;
use super::shape::Shape;
use crate::canonical::{
    DiagnosticCode, Diagnostics, EmbedRequest, Embeddings, ListedModel, explain_unusable, trim_body,
};
use crate::error::{ClientError, UpstreamError};
use crate::json::{Object, encode_string};
use http::HeaderMap;
use std::cmp::Reverse;

/// `GET`, and what every server answers that answers it.
pub const GET: &str = "GET, HEAD";

/// One such route.
#[derive(Debug, Clone, Copy)]
pub struct AuxiliaryRoute {
    /// What may stand before the path.
    pub prefixes: &'static [&'static str],
    /// The path; `{…}` stands for any name, slashes included.
    pub path: &'static str,
    /// Its methods, with commas between.
    pub methods: &'static str,
    /// What it is for.
    pub side: AuxiliaryKind,
}

/// What a side route is for.
#[derive(Debug, Clone, Copy)]
pub enum AuxiliaryKind {
    /// Every model: written from the list, and as the query asks.
    Models(fn(&[ListedModel], &str) -> Result<String, ClientError>),
    /// One model.
    Model(&'static ModelApi),
    /// How many tokens a request has.
    Count(&'static TokenCountApi),
    /// Vectors for texts.
    Embed(&'static EmbeddingsApi),
    /// An answer that was given before, or a part of it.
    Kept(&'static StoredResponsesApi, StoredResponsePart),
    /// Something that never changes.
    Fixed(&'static str),
    /// What programs that look for this kind of server find at its root.
    Greeting(&'static str),
    /// What cannot be done here, and why.
    Refused(&'static str),
    /// Passed on as it is, to whoever serves the model.
    Forward,
    /// The same, for a whole answer in JSON whose form is known: the function checks it against the request.
    Checked(fn(&[u8], &[u8]) -> Result<(), UpstreamError>),
}

/// How a client asks for one model.
#[derive(Debug)]
pub struct ModelApi {
    /// The names that may mean it, the likeliest first.
    pub names: fn(&AuxiliaryRequest<'_>) -> Result<Vec<String>, ClientError>,
    /// The model, as this client reads it.
    pub write: fn(&ListedModel) -> String,
    /// There is none of that name.
    pub unknown: fn(&str) -> ClientError,
}

/// How tokens are counted: asked by clients, and asked from upstreams.
#[derive(Debug)]
pub struct TokenCountApi {
    /// A client's question: path and body of the request for an answer whose tokens shall be counted.
    pub counted: fn(&AuxiliaryRequest<'_>) -> Result<(String, Vec<u8>), ClientError>,
    /// The upstream is asked so, instead of for the answer itself: path and body. `None`: it cannot be.
    pub ask: fn(&str, &[u8]) -> Option<(String, String)>,
    /// Reads the upstream's count.
    pub read: fn(&[u8]) -> Option<u64>,
    /// Writes a count for the client.
    pub write: fn(u64) -> String,
}

/// How texts become vectors: asked by clients, and asked from upstreams.
#[derive(Debug)]
pub struct EmbeddingsApi {
    /// The known members of a request.
    pub shape: &'static Shape,
    /// Reads a client's request.
    pub read: fn(&AuxiliaryRequest<'_>, &mut Diagnostics) -> Result<EmbedRequest, ClientError>,
    /// The request for an upstream: path and body. With a source, which is the client's own body of the same route, all
    /// of it stays but the model's name.
    pub write: fn(&EmbedRequest, Option<&[u8]>, &mut Diagnostics) -> Result<(String, String), ClientError>,
    /// Reads an upstream's answer.
    pub read_answer: fn(&[u8], &EmbedRequest, &mut Diagnostics) -> Result<Embeddings, UpstreamError>,
    /// Writes the answer for a client.
    pub write_answer: fn(&Embeddings, &EmbedRequest, &mut Diagnostics) -> Result<String, UpstreamError>,
    /// Puts an answer right whose upstream was asked on the same route; `None`: it stays as it is.
    pub mend: fn(&[u8], &EmbedRequest, &mut Diagnostics) -> Option<Vec<u8>>,
    /// Checks an answer that stays as it is: whether it holds the vectors that were asked for.
    pub check: fn(&[u8], &EmbedRequest) -> Result<(), UpstreamError>,
}

impl EmbeddingsApi {
    /// The answer for a client that asked by the route `client`, from that of an upstream that was asked by this one.
    pub fn answer(
        &self,
        client: &Self,
        body: &[u8],
        request: &EmbedRequest,
        diagnostics: &mut Diagnostics,
    ) -> Result<Vec<u8>, UpstreamError> {
        let came = trim_body(body);
        if came.len() < body.len() {
            diagnostics.record(DiagnosticCode::BodyPadded, "", "");
        }
        if Object::parse(came).is_err() {
            return Err(explain_unusable(came, "embeddings"));
        }
        if std::ptr::eq(self, client) {
            let mended = (self.mend)(came, request, diagnostics);
            (self.check)(mended.as_deref().unwrap_or(came), request)?;
            return Ok(mended.unwrap_or_else(|| came.to_vec()));
        }
        let vectors = (self.read_answer)(came, request, diagnostics)?;
        vectors.check(request)?;
        Ok((client.write_answer)(&vectors, request, diagnostics)?.into_bytes())
    }
}

/// Whether a whole answer says that something failed, and nothing else: an error may come with status 200. `due` are the
/// members of which one would be there otherwise.
pub fn states_failure(body: &[u8], due: &[&str]) -> bool {
    Object::parse(trim_body(body)).is_ok_and(|answer| {
        due.iter().all(|member| answer.non_null(member).is_none()) && answer.non_null("error").is_some()
    })
}

/// Which part of a kept answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredResponsePart {
    /// The answer itself; with `DELETE` it is forgotten.
    Answer,
    /// What it is an answer to.
    Input,
    /// Nothing: it shall be stopped.
    Cancel,
}

/// How answers are kept to which later requests refer. Where they are kept is the caller's business.
#[derive(Debug)]
pub struct StoredResponsesApi {
    /// The answer that a request goes on from.
    pub previous: fn(&[u8]) -> Option<String>,
    /// A request with all that was said before in it, from what was kept under the name it goes on from.
    pub with_history: fn(&[u8], Option<&str>) -> Result<Vec<u8>, ClientError>,
    /// What a request says itself; `None`: its answer shall not be kept.
    pub request_items: fn(&[u8]) -> Option<Vec<String>>,
    /// The whole answer that an event of a stream ends it with.
    pub last: fn(&[u8]) -> Option<Vec<u8>>,
    /// What is kept of an exchange, and under which name.
    pub entry: fn(Vec<String>, &[u8]) -> Option<(String, String)>,
    /// A part of what is kept, as the query asks.
    pub part: fn(StoredResponsePart, &str, &str) -> Result<String, ClientError>,
    /// It is forgotten.
    pub deleted: fn(&str) -> String,
    /// There is none of that name.
    pub unknown: fn(&str) -> ClientError,
}

/// What a client's request to a side route says.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuxiliaryRequest<'a> {
    /// What stands in the place of `{…}`, decoded.
    pub name: &'a str,
    /// The path as it came.
    pub path: &'a str,
    /// What stands behind the question mark.
    pub query: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// Headers that mean something to a dialect.
#[derive(Debug, Clone, Copy, Default)]
pub struct DialectHeaders {
    /// Whoever sends one of these speaks the dialect, whatever the path.
    pub marks: &'static [&'static str],
    /// Those of a client's that say what it wants: they go to upstreams that know them.
    pub feature_headers: &'static [&'static str],
    /// The parameter of the address that may hold the key.
    pub key_parameter: Option<&'static str>,
    /// Where clients look for the request's id.
    pub request_id: Option<&'static str>,
    /// What the names of its rate limit headers begin with.
    pub limits: &'static str,
    /// The names of rate limits with the same meaning in every dialect: the requests there may be and those left, the
    /// tokens there may be and those left.
    pub common_limits: &'static [&'static str],
}

/// A dialect without headers of its own.
pub(super) static NO_HEADERS: DialectHeaders = DialectHeaders {
    marks: &[],
    feature_headers: &[],
    key_parameter: None,
    request_id: None,
    limits: "",
    common_limits: &[],
};

impl AuxiliaryRoute {
    /// The path behind its prefix, and what stands in the place of `{…}`, if a path is this route's. Names that climb are
    /// no names.
    pub fn matches<'p>(&self, path: &'p str) -> Option<(&'p str, String)> {
        let rest = self.prefixes.iter().find_map(|prefix| {
            let rest = path.strip_prefix(prefix)?;
            (rest.is_empty() || rest.starts_with('/')).then_some((rest, match_pattern(self.path, rest)?))
        });
        let (rest, name) = rest?;
        let name = decode(name);
        // What follows a colon is no part of a name, where there are methods behind colons.
        let climbs = |part: &str| matches!(part.split(':').next(), Some("." | ".."));
        let climbs = name.split(['/', '\\']).any(climbs);
        (!climbs).then_some((rest, name))
    }

    /// Whether this is one of its methods.
    pub fn allows(&self, method: &str) -> bool {
        self.methods.split(", ").any(|allowed| allowed == method)
    }

    /// How much of the path is not left open.
    fn precision(&self) -> usize {
        let open = self
            .path
            .split_once('{')
            .map_or(0, |(_, rest)| rest.split_once('}').map_or(rest.len(), |(name, _)| name.len() + 2));
        self.path.len() - open
    }
}

/// What stands in the place of `{…}` in a pattern that a path fits; nothing, where the pattern has no such place.
pub(super) fn match_pattern<'p>(pattern: &str, path: &'p str) -> Option<&'p str> {
    let Some((before, rest)) = pattern.split_once('{') else { return (pattern == path).then_some("") };
    let after = rest.split_once('}').map_or("", |(_, after)| after);
    path.strip_prefix(before)?.strip_suffix(after).filter(|name| !name.is_empty())
}

/// The side route of a path: the most precise one that has the method, and among several dialects' that of the one whose
/// headers the client sends, else the first.
pub fn side_route(
    method: &str,
    path: &str,
    headers: &HeaderMap,
) -> Option<(&'static dyn Dialect, &'static AuxiliaryRoute)> {
    let all = DIALECTS
        .iter()
        .flat_map(|dialect| dialect.auxiliary_routes().iter().map(move |side| (*dialect, side)));
    first_best(all.filter(|(_, side)| side.matches(path).is_some()), |(dialect, side)| {
        (side.precision(), side.allows(method), is_marked(*dialect, headers))
    })
}

/// Whose clients come to a path that is nobody's: the dialect with a route that begins most like it, and among several the
/// one whose headers the client sends, else the one with the shortest such route, else the first.
pub fn closest_dialect(path: &str, headers: &HeaderMap) -> Option<&'static dyn Dialect> {
    first_best(DIALECTS.iter().copied(), |dialect| {
        let endpoints = dialect.endpoints().iter().map(|endpoint| common(path, "", endpoint.path));
        let sides = dialect
            .auxiliary_routes()
            .iter()
            .flat_map(|side| side.prefixes.iter().map(move |prefix| common(path, prefix, side.path)));
        let (same, rest) = endpoints.chain(sides).max().unwrap_or((0, Reverse(0)));
        (same, is_marked(*dialect, headers), rest)
    })
}

/// The first of those with the highest rank.
fn first_best<T, R: Ord>(items: impl Iterator<Item = T>, rank: impl Fn(&T) -> R) -> Option<T> {
    let ranked = items.map(|item| (rank(&item), item));
    let best = ranked.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, item)| item)
}

fn is_marked(dialect: &dyn Dialect, headers: &HeaderMap) -> bool {
    dialect.headers().marks.iter().any(|mark| headers.contains_key(*mark))
}

/// How many segments two paths have in common from the beginning, and how long the second is, if there are any.
fn common(path: &str, prefix: &str, pattern: &str) -> (usize, Reverse<usize>) {
    let own = format!("{prefix}{pattern}");
    let both = path.split('/').zip(own.split('/')).skip(1);
    let same = both.take_while(|(a, b)| a == b && !a.is_empty()).count();
    (same, Reverse(if same > 0 { own.split('/').count() } else { 0 }))
}

/// Percent-decodes a part of a path; what is no UTF-8 stays as it is.
pub fn decode(text: &str) -> String {
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(text).collect();
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// The value of a parameter of a query.
pub fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| decode(value)).filter(|value| !value.is_empty())
}

/// The client's own body with another model in it; if it is the same, its own bytes.
pub(super) fn with_model(source: &[u8], model: &str) -> Option<String> {
    let mut own = Object::parse(source).ok()?;
    if own.str("model").unwrap_or_default() != model {
        own.set("model", encode_string(model));
        return Some(own.to_json());
    }
    String::from_utf8(source.to_vec()).ok()
}
