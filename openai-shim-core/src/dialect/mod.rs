//! Floor 2: one folder per wire format, and the registry.
//!
//! A dialect is a [`Dialect`] in [`DIALECTS`]; adding one is its folder and its line in the registry. Nothing outside a
//! dialect's folder names it, and no dialect names another.

pub mod anthropic;
pub mod auxiliary;
mod citations;
pub mod gemini;
pub mod ollama;
pub mod openai_chat;
pub mod openai_completions;
mod openai_error;
mod openai_headers;
pub mod openai_responses;
mod passthrough;
pub mod shape;

pub use auxiliary::{AuxiliaryRoute, DialectHeaders};
use citations::{cited, read_citations};
pub use passthrough::{Passthrough, pass};
pub use shape::Shape;

use crate::canonical::{
    CitedSources, Diagnostics, Event, ExtraFieldList, ListedModel, Request, Response, ResponseContext,
    ResponseSpec, ResponseSummary, parse_models,
};
use crate::error::{ClientError, Error, Unsupported, UpstreamError};
use crate::framing::{Deviation, Frame};
use crate::json::Object;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// The registry: every dialect, in the order in which they are listed. This is the only list of them.
pub static DIALECTS: &[&dyn Dialect] = &[
    &openai_chat::OpenAiChat,
    &openai_completions::OpenAiCompletions,
    &openai_responses::OpenAiResponses,
    &anthropic::Anthropic,
    &ollama::CHAT,
    &ollama::GENERATE,
    &gemini::Gemini,
];

/// The registry's first dialect, which is that of whatever belongs to none.
pub static DEFAULT_DIALECT: &dyn Dialect = match DIALECTS {
    [first, ..] => *first,
    [] => panic!("the registry is empty"),
};

/// The dialect of that name (`openai-chat`, …).
///
/// ```
/// assert!(openai_shim_core::dialect("openai-chat").is_ok());
/// ```
pub fn dialect(name: &str) -> Result<&'static dyn Dialect, ClientError> {
    DIALECTS.iter().copied().find(|d| d.name() == name).ok_or_else(|| {
        let known: Vec<_> = DIALECTS.iter().map(|d| d.name()).collect();
        ClientError::invalid(format!("There is no dialect {name:?}; there are: {}.", known.join(", ")))
    })
}

/// A route that a dialect serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// The HTTP method.
    pub method: &'static str,
    /// The path under which clients find it; `{model}` stands for any name, slashes included.
    pub path: &'static str,
}

impl Endpoint {
    /// Whether a path is this route's.
    pub fn matches(&self, path: &str) -> bool {
        auxiliary::match_pattern(self.path, path).is_some()
    }
}

/// A request as the upstream gets it.
#[derive(Debug, Clone, Default)]
pub struct Encoded<'a> {
    /// The path, relative to the upstream's base URL (`/chat/completions`).
    pub path: String,
    /// The body; if it [is not changed](Object::is_changed) the client's own bytes are sent.
    pub body: Object<'a>,
    /// Headers besides `content-type` and credentials.
    pub headers: HeaderMap,
}

/// A wire format, on both sides: read from clients and written to them, written to upstreams and read from them.
pub trait Dialect: Send + Sync + std::fmt::Debug + 'static {
    /// The name in configuration and on the command line.
    fn name(&self) -> &'static str;

    /// The routes on which clients speak it.
    fn endpoints(&self) -> &'static [Endpoint];

    /// What else its clients ask for.
    fn auxiliary_routes(&self) -> &'static [AuxiliaryRoute] {
        &[]
    }

    /// Headers that mean something to it.
    fn headers(&self) -> &'static DialectHeaders {
        &auxiliary::NO_HEADERS
    }

    /// Reads an upstream's list of models; `None` if it is none.
    fn decode_models(&self, body: &[u8], owner: &str) -> Option<Vec<ListedModel>> {
        parse_models(body, owner)
    }

    /// What a request is answered that asks the model nothing, by who knows such requests: a whole answer, which as a line
    /// is a whole stream as well.
    fn empty_request_response(&self, _body: &[u8], _created: u64) -> Option<String> {
        None
    }

    /// The format in which this dialect's own upstreams sign reasoning, as `reasoning_details` call it. `None`: nobody signs in it, or who did is said beside each signature.
    fn signature_format(&self) -> Option<&'static str> {
        None
    }

    /// What this dialect's own leftovers, of a text or of an answer, cite by its address.
    fn citations(&self, extra: &ExtraFieldList) -> CitedSources {
        CitedSources { list: Vec::new(), rest: extra.clone() }
    }

    /// The known members of its requests, and what happens where one has a wrong type.
    fn request_shape(&self) -> &'static Shape {
        &shape::UNKNOWN
    }

    /// Reads a client's request.
    fn decode_request(
        &self,
        path: &str,
        body: &Bytes,
        diagnostics: &mut Diagnostics,
    ) -> Result<Request, ClientError>;

    /// Writes a request for an upstream. `source` is the client's own body if it spoke this dialect too: what was not
    /// changed is then sent byte for byte.
    fn encode_request<'a>(
        &self,
        request: &Request,
        source: Option<&'a [u8]>,
        diagnostics: &mut Diagnostics,
    ) -> Result<Encoded<'a>, Unsupported>;

    /// Reads an upstream's whole answer.
    fn decode_response(
        &self,
        body: &[u8],
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Result<Response, UpstreamError>;

    /// Writes a whole answer for a client.
    fn encode_response(
        &self,
        response: &Response,
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Vec<u8>;

    /// A reader for one stream of an upstream.
    fn decoder(&self, spec: &ResponseSpec, context: &ResponseContext) -> Box<dyn Decoder>;

    /// A writer for one stream to a client.
    fn encoder(&self, spec: &ResponseSpec, context: &ResponseContext) -> Box<dyn Encoder>;

    /// Mends one stream in place where client and upstream both speak this dialect: what is well-formed passes as its
    /// own bytes. `None`: streams go through [`decoder`](Self::decoder) and [`encoder`](Self::encoder) all the same.
    fn stream_repairer(
        &self,
        _spec: &ResponseSpec,
        _context: &ResponseContext,
    ) -> Option<Box<dyn StreamRepairer>> {
        None
    }

    /// Mends a whole answer in place; `None` as for [`stream_repairer`](Self::mender).
    fn repair_response(
        &self,
        _body: &[u8],
        _spec: &ResponseSpec,
        _context: &mut ResponseContext,
        _notes: &mut Diagnostics,
    ) -> Option<Result<Repaired, UpstreamError>> {
        None
    }

    /// Reads an upstream's error answer.
    fn decode_error(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> UpstreamError;

    /// Writes an error for a client: its status and its body.
    fn encode_error(&self, error: &Error) -> (StatusCode, Bytes);

    /// Writes an error into a stream that has begun.
    fn encode_stream_error(&self, error: &Error, out: &mut Vec<u8>);

    /// Whether a way of framing that is a deviation elsewhere is this dialect's own.
    fn accepts_framing(&self, _deviation: Deviation) -> bool {
        false
    }

    /// What keeps a silent stream open; ignored by clients.
    fn keep_alive(&self) -> &'static [u8] {
        b": keep-alive\n\n"
    }

    /// A remark in a stream that clients ignore; nothing, where a dialect has no such thing.
    fn comment(&self, text: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b": ");
        out.extend(text.bytes().map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { b }));
        out.extend_from_slice(b"\n\n");
    }

    /// The content type of a stream.
    fn stream_content_type(&self) -> &'static str {
        "text/event-stream"
    }

    /// The content type of a stream in the form that this client asked for.
    fn stream_content_type_for(&self, _spec: &ResponseSpec) -> &'static str {
        self.stream_content_type()
    }
}

/// A whole answer that was mended in place.
#[derive(Debug, Clone)]
pub struct Repaired {
    /// The body; `None` means the upstream's own bytes, unchanged.
    pub body: Option<Vec<u8>>,
    /// What was seen in it.
    pub summary: ResponseSummary,
}

/// Reads one stream of an upstream: frames in, events out, in the order of [`grammar`](crate::canonical::grammar).
pub trait Decoder: Send {
    /// Takes one frame.
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>);

    /// The stream has ended: closes it, or says [`Truncated`](UpstreamError::Truncated). Never invents an ending.
    /// A second call does nothing.
    fn finish(&mut self, out: &mut Vec<Event>);

    /// What was mended and found so far.
    fn diagnostics(&self) -> &Diagnostics;
}

/// Writes one stream for a client: events in, bytes out.
pub trait Encoder: Send {
    /// Takes one event.
    fn event(&mut self, event: &Event, out: &mut Vec<u8>);

    /// How long ago the request was sent, by the caller's clock, which core does not have; told before
    /// [`event`](Self::event)s, and only where it is known.
    fn set_elapsed(&mut self, _since: std::time::Duration) {}

    /// Nothing follows. A second call does nothing; so does the first after `End` or `Error`.
    fn finish(&mut self, out: &mut Vec<u8>);

    /// What the dialect could not say.
    fn diagnostics(&self) -> &Diagnostics;
}

/// Mends one stream in place: frames in, the same dialect's bytes out.
pub trait StreamRepairer: Send {
    /// Takes one frame.
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>);

    /// The stream has ended, as for [`Decoder::finish`].
    fn finish(&mut self, out: &mut Vec<u8>);

    /// The stream broke: says so to the client.
    fn fail(&mut self, error: &UpstreamError, out: &mut Vec<u8>);

    /// What was seen so far.
    fn summary(&self) -> &ResponseSummary;

    /// What was mended and found so far.
    fn diagnostics(&self) -> &Diagnostics;
}
