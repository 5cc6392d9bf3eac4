//! The contract of a dialect: the traits [`WireFormat`], [`Decoder`], [`Encoder`] and [`StreamRepairer`], and what they return.

use super::auxiliary::{AuxiliaryRoute, DialectHeaders, NO_HEADERS};
use super::media_upstream::MediaUpstreamApi;
use super::native_content::NativeContent;
use super::params::Params;
use super::shape::{self, Shape};
use super::streamed_text::StreamedText;
use super::url;
use crate::accepts::AcceptsLayer;
use crate::canonical::{
    Addition, Block, CitedSources, Diagnostics, Event, ExtraFieldList, ListedModel, Request, Response,
    ResponseContext, ResponseSpec, ResponseSummary, parse_models,
};
use crate::error::{ClientError, Error, Unsupported, UpstreamError};
use crate::framing::{Deviation, Frame};
use crate::json::{Object, RawJson};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::sync::LazyLock;

/// A route on which clients of a dialect request generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// The HTTP method.
    pub method: &'static str,
    /// The path; `{model}` stands for any non-empty text, slashes included.
    pub path: &'static str,
}

impl Endpoint {
    /// Returns whether `path` belongs to this route.
    pub fn matches(&self, path: &str) -> bool {
        url::match_pattern(self.path, path).is_some()
    }
}

/// A request in the wire format of an upstream.
#[derive(Debug, Clone, Default)]
pub struct Encoded<'a> {
    /// The path, relative to the upstream's base URL (`/chat/completions`).
    pub path: String,
    /// The body. If it [is not changed](Object::is_changed), the client's own bytes are sent.
    pub body: Object<'a>,
    /// Headers besides `content-type` and credentials.
    pub headers: HeaderMap,
    /// What of all this the request did not ask for, and a server may refuse.
    pub additions: Vec<Addition>,
}

/// One wire format on both sides: decoded from clients and upstreams, encoded for upstreams and clients.
///
/// An implementation is a stateless value in [`DIALECTS`](super::DIALECTS); the state of a stream is in the [`Decoder`],
/// [`Encoder`] or [`StreamRepairer`] that it creates. All methods are pure: they read no clock, no randomness and no
/// environment, so that equal arguments give equal results. Time and ids come from [`ResponseContext`].
///
/// # Order of calls
/// For one exchange the client's dialect gets [`decode_request`](Self::decode_request) first and the upstream's dialect
/// [`encode_request`](Self::encode_request) once for each attempt. The response then takes one of four ways:
///
/// | | the same dialect on both sides | two dialects |
/// |-|-|-|
/// | stream | [`stream_repairer`](Self::stream_repairer) | [`decoder`](Self::decoder), then [`encoder`](Self::encoder) |
/// | one document | [`repair_response`](Self::repair_response) | [`decode_response`](Self::decode_response), then [`encode_response`](Self::encode_response) |
///
/// Where a repairing method returns `None`, the way for two dialects is taken.
///
/// # Contract
/// Decoding is tolerant: it accepts what real servers and clients send, and records each deviation as a diagnostic.
/// Encoding is strict: it writes only what the vendor's own SDK accepts. A field that is dropped, renamed or downgraded is
/// recorded too; nothing is lost without a diagnostic.
pub trait WireFormat: Send + Sync + std::fmt::Debug + 'static {
    /// Returns the name in configuration and on the command line; it is unique in the registry.
    fn name(&self) -> &'static str;

    /// Returns the routes on which clients request generation.
    fn endpoints(&self) -> &'static [Endpoint];

    /// Returns the routes for everything else: model lists, token counts, embeddings, stored responses, ….
    fn auxiliary_routes(&self) -> &'static [AuxiliaryRoute] {
        &[]
    }

    /// Returns how upstreams of this dialect are asked for speech, transcripts and pictures; `None`: such requests are forwarded
    /// to them as they come.
    fn media(&self) -> Option<&'static dyn MediaUpstreamApi> {
        None
    }

    /// Returns the headers and query parameters with a meaning in this dialect.
    fn headers(&self) -> &'static DialectHeaders {
        &NO_HEADERS
    }

    /// Decodes an upstream's model list; `None` if `body` is no list. `owner` fills in a missing `owned_by`.
    fn decode_models(&self, body: &[u8], owner: &str) -> Option<Vec<ListedModel>> {
        parse_models(body, owner)
    }

    /// Returns the response to a request that generates nothing, such as Ollama's request to load a model; `None` for every
    /// other request. The response is one JSON document, and as one line also a complete stream. `created` is in seconds
    /// since 1970.
    fn empty_request_response(&self, _body: &[u8], _created: u64) -> Option<String> {
        None
    }

    /// Returns the format, as a `format` of `reasoning_details`, in which this dialect's upstreams sign reasoning. `None`:
    /// there are no signatures, or each comes with its own format.
    fn signature_format(&self) -> Option<&'static str> {
        None
    }

    /// Extracts the sources with a URL that this dialect's own extra fields, of a text or of a response, cite.
    fn citations(&self, extra: &ExtraFieldList) -> CitedSources {
        CitedSources { list: Vec::new(), rest: extra.clone() }
    }

    /// Reads the media, and the transcript of sound, in one of this dialect's own extra fields of a text in a response; nothing if
    /// the field holds none.
    fn media_in_field(&self, _key: &str, _json: &str) -> Vec<Block> {
        Vec::new()
    }

    /// Returns the extra field of a text that holds media in a response of this dialect; `None` if there is no place for it.
    fn media_field(&self, _media: &Block) -> Option<(String, RawJson)> {
        None
    }

    /// Describes a block or a tool that only this dialect defines, for an upstream of another dialect.
    fn describe_native(&self, json: &str) -> NativeContent {
        NativeContent::by_type(json)
    }

    /// Returns what the API of this dialect's own vendor accepts; a profile's rules lie over it.
    fn accepts(&self) -> &'static AcceptsLayer {
        static NOTHING: LazyLock<AcceptsLayer> = LazyLock::new(AcceptsLayer::default);
        &NOTHING
    }

    /// Returns the parameters that requests of this dialect have, besides those that only this dialect has.
    fn params(&self) -> &'static Params {
        &Params(&[])
    }

    /// Returns whether its decoders and repairers end a response at the stop sequences in [`ResponseSpec::local_stops`].
    fn applies_stops(&self) -> bool {
        false
    }

    /// Returns whether its decoders take reasoning between tags out of the text.
    fn extracts_inline_reasoning(&self) -> bool {
        false
    }

    /// Returns whether its repairers take reasoning between tags out of the text, or must leave it there.
    fn repairs_inline_reasoning(&self) -> bool {
        false
    }

    /// Returns where the text of an answer stands in its streams; nowhere, where the repairers take reasoning between tags out.
    fn streamed_text(&self) -> StreamedText {
        StreamedText::default()
    }

    /// Returns whether its API documents that an answer may end its turn without any content.
    fn may_answer_nothing(&self) -> bool {
        false
    }

    /// Returns the name under which extra fields and tools of this dialect's own are held. Dialects of one API share it.
    fn extra_fields_name(&self) -> &'static str {
        self.name()
    }

    /// Returns the known fields of a request, their types, and what a wrong type leads to.
    fn request_shape(&self) -> &'static Shape {
        &shape::UNKNOWN
    }

    /// Decodes a client's request. `path` is the path as the client sent it: some dialects put the model there.
    ///
    /// # Errors
    /// The body is no request of this dialect; the error names the field.
    fn decode_request(
        &self,
        path: &str,
        body: &Bytes,
        diagnostics: &mut Diagnostics,
    ) -> Result<Request, ClientError>;

    /// Encodes a request for an upstream. `source` is the client's own body if the client uses this dialect too: what was
    /// not changed is then sent byte for byte. It may be called again with a changed request for another attempt.
    ///
    /// # Errors
    /// The request contains something without which it would mean something else, and which this dialect cannot express.
    fn encode_request<'a>(
        &self,
        request: &Request,
        source: Option<&'a [u8]>,
        diagnostics: &mut Diagnostics,
    ) -> Result<Encoded<'a>, Unsupported>;

    /// Decodes an upstream's non-streaming response. Ids that had to be generated are taken from `spec`.
    ///
    /// # Errors
    /// The body is no response, or it reports an error although its status is a success.
    fn decode_response(
        &self,
        body: &[u8],
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Result<Response, UpstreamError>;

    /// Encodes a non-streaming response for a client.
    fn encode_response(
        &self,
        response: &Response,
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Vec<u8>;

    /// Creates the decoder of one upstream stream.
    fn decoder(&self, spec: &ResponseSpec, context: &ResponseContext) -> Box<dyn Decoder>;

    /// Creates the encoder of one stream to a client.
    fn encoder(&self, spec: &ResponseSpec, context: &ResponseContext) -> Box<dyn Encoder>;

    /// Creates the repairer of one stream between a client and an upstream of this dialect. `None`: the stream is decoded
    /// and encoded like one between two dialects.
    fn stream_repairer(
        &self,
        _spec: &ResponseSpec,
        _context: &ResponseContext,
    ) -> Option<Box<dyn StreamRepairer>> {
        None
    }

    /// Repairs a non-streaming response between a client and an upstream of this dialect; `None` as for
    /// [`stream_repairer`](Self::stream_repairer).
    ///
    /// # Errors
    /// As for [`decode_response`](Self::decode_response).
    fn repair_response(
        &self,
        _body: &[u8],
        _spec: &ResponseSpec,
        _context: &mut ResponseContext,
        _diagnostics: &mut Diagnostics,
    ) -> Option<Result<Repaired, UpstreamError>> {
        None
    }

    /// Decodes an upstream's error response. Every body is accepted: an unreadable one gives an error made of the status.
    fn decode_error(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> UpstreamError;

    /// Encodes an error for a client: its status and its body.
    fn encode_error(&self, error: &Error) -> (StatusCode, Bytes);

    /// Appends an error to a stream of which bytes have already been sent, or whose status has.
    fn encode_stream_error(&self, error: &Error, out: &mut Vec<u8>);

    /// Returns where the first network write of these bytes of a stream must end, because clients look for what follows in a
    /// write of its own; `None`: nowhere.
    fn write_end(&self, _bytes: &[u8]) -> Option<usize> {
        None
    }

    /// Returns whether the connection of a failed stream must break behind the error, because clients overlook the error: the
    /// body then ends with an error, instead of its regular end.
    fn breaks_failed_streams(&self) -> bool {
        false
    }

    /// Returns whether it must break where the failed answer has tool calls, because clients make these calls: an error in the
    /// stream does not keep them from it.
    fn breaks_failed_calls(&self) -> bool {
        false
    }

    /// Returns whether a framing that counts as a deviation elsewhere is regular in this dialect.
    fn accepts_framing(&self, _deviation: Deviation) -> bool {
        false
    }

    /// Returns bytes that hold a silent stream open and that clients ignore.
    fn keep_alive(&self) -> &'static [u8] {
        b": keep-alive\n\n"
    }

    /// Appends a comment that clients ignore; nothing, where the stream format has no comments.
    fn comment(&self, text: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b": ");
        out.extend(text.bytes().map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { b }));
        out.extend_from_slice(b"\n\n");
    }

    /// Returns the content type of a stream.
    fn stream_content_type(&self) -> &'static str {
        "text/event-stream"
    }

    /// Returns the content type of a stream in the framing that this client requested.
    fn stream_content_type_for(&self, _spec: &ResponseSpec) -> &'static str {
        self.stream_content_type()
    }
}

/// A repaired non-streaming response.
#[derive(Debug, Clone)]
pub struct Repaired {
    /// The repaired body; `None` means that the upstream's own bytes are right as they are.
    pub body: Option<Vec<u8>>,
    /// What the response contains.
    pub summary: ResponseSummary,
}

/// Decodes one upstream stream: frames in, events out, in the order of [`grammar`](crate::canonical::grammar).
///
/// # Order of calls
/// [`frame`](Self::frame) any number of times, then [`finish`](Self::finish). The events end with exactly one
/// [`Event::End`] or [`Event::Error`]: either `frame` emits it, or `finish` does. After it, further frames emit nothing and
/// are recorded as [`DataAfterDone`](crate::canonical::DiagnosticCode::DataAfterDone).
pub trait Decoder: Send {
    /// Decodes one frame and appends its events to `out`, which may be none. The frame is not kept.
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>);

    /// Ends the stream: emits [`UpstreamError::Truncated`] or [`UpstreamError::Empty`] if the upstream sent no end, and never
    /// makes one up. A second call does nothing, like a call after `End` or `Error`.
    fn finish(&mut self, out: &mut Vec<Event>);

    /// Returns the deviations recorded so far; it may be called at any time.
    fn diagnostics(&self) -> &Diagnostics;
}

/// Encodes one stream for a client: events in the order of [`grammar`](crate::canonical::grammar) in, bytes out.
///
/// # Order of calls
/// [`event`](Self::event) any number of times, then [`finish`](Self::finish). Before an event,
/// [`set_elapsed`](Self::set_elapsed) may be called, and again before a later one: the last value counts.
pub trait Encoder: Send {
    /// Encodes one event and appends its bytes to `out`, which may be none: an event may have to wait for a later one. After
    /// [`Event::End`] or [`Event::Error`] it does nothing.
    fn event(&mut self, event: &Event, out: &mut Vec<u8>);

    /// Sets the time since the request was sent, for dialects that report durations. Core has no clock; where the caller
    /// has none either, it is never called.
    fn set_elapsed(&mut self, _since: std::time::Duration) {}

    /// Ends the stream: writes an error if it began and did not end. A second call does nothing, like a call after `End` or
    /// `Error`.
    fn finish(&mut self, out: &mut Vec<u8>);

    /// Returns what this dialect could not express so far; it may be called at any time.
    fn diagnostics(&self) -> &Diagnostics;
}

/// Repairs one stream between a client and an upstream of the same dialect: frames in, bytes of the same dialect out.
///
/// A frame without deviations goes out as the upstream's own bytes.
///
/// # Order of calls
/// [`frame`](Self::frame) any number of times, then either [`finish`](Self::finish), if the upstream ended the stream, or
/// [`fail`](Self::fail), if it broke off. After either, and after a frame that ended the stream or reported an error, all
/// three write nothing more.
pub trait StreamRepairer: Send {
    /// Repairs one frame and appends its bytes to `out`, which may be none: a frame may have to wait for a later one.
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>);

    /// Ends the stream as [`Decoder::finish`] does: writes what was held back, and an error if the upstream sent no end. A
    /// second call does nothing.
    fn finish(&mut self, out: &mut Vec<u8>);

    /// Ends the stream with an error from outside it, such as a lost connection. A second call does nothing, like a call
    /// after the end.
    fn fail(&mut self, error: &UpstreamError, out: &mut Vec<u8>);

    /// Returns what the stream contained so far; it may be called at any time.
    fn summary(&self) -> &ResponseSummary;

    /// Returns the deviations and repairs recorded so far; it may be called at any time.
    fn diagnostics(&self) -> &Diagnostics;
}
