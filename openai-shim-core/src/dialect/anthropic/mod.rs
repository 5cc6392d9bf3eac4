//! The dialect `anthropic-messages`: Anthropic's Messages API.
//!
//! Reference: <https://docs.anthropic.com/en/api/messages> (read 2026-11).
//!
//! Blocks of the API's own tools (`server_tool_use`, `web_search_tool_result`, …) have no meaning in other dialects: they
//! are held as raw JSON, written again for clients of this dialect, and reported as dropped for all others.

// Its files:
//
// | file | what goes in and what comes out |
// |---|---|
// | `mod` | `Anthropic`, this dialect's implementation of `WireFormat` |
// | `wire` | the API's objects as public types, for building and reading payloads by hand |
// | `shape` | the JSON types that each field of a request may have |
// | `request` | request JSON to `Request` and back; `request/` has one file each for messages, content, tools and parameters |
// | `response` | non-streaming responses: message JSON to `Response` and back |
// | `content_block` | one content block: JSON to `Block` and back, in requests and responses |
// | `client_tools` | tools that the client runs (`bash`, the text editor, toolsets, …) to functions and back |
// | `native_blocks` | blocks and tools that only this API has, to what other dialects can read of them |
// | `stop_reason` | `stop_reason` and `stop_sequence` to `FinishReason` and back |
// | `extra_fields` | fields without a place in our model: raw JSON to `ExtraFields` and back |
// | `usage` | `usage` objects to `Usage` and back |
// | `conformance` | whether a message, block or usage object has the fields that the API's types require |
// | `decode` | an upstream's frames to events; `decode/content_blocks` has the open blocks |
// | `encode` | events to a client's server-sent events |
// | `repair` | an upstream's stream or message to one that this API could have sent |
// | `stream_state` | the state types that `decode`, `encode` and `repair` share |
// | `sse` | an event's name and JSON to the bytes of a server-sent event |
// | `error` | error responses and error events to `UpstreamError`, and `Error` to both |
// | `auxiliary` | model lists, token counts and other endpoints |
// | `names` | the dialect's name, and that of its signature format |

mod accepts;
mod auxiliary;
mod client_tools;
mod conformance;
mod content_block;
mod decode;
mod encode;
mod error;
mod extra_fields;
mod names;
mod native_blocks;
mod repair;
mod request;
mod response;
mod shape;
mod sse;
mod stop_reason;
mod stream_state;
mod usage;
#[cfg(feature = "wire")]
pub mod wire;

use super::{
    AuxiliaryRoute, Decoder, Dialect, DialectHeaders, Encoded, Encoder, Endpoint, NativeContent, Params,
    Repaired, Shape, StreamRepairer, StreamedText, TextPlace, WireFormat,
};
use crate::accepts::AcceptsLayer;
use crate::canonical::{
    CitedSources, Diagnostics, ExtraFieldList, Request, Response, ResponseContext, ResponseSpec,
};
use crate::error::{ClientError, Error, Unsupported, UpstreamError};
use crate::framing::Deviation;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use names::{NAME, SIGNATURE_FORMAT};

/// The dialect `anthropic-messages`.
#[derive(Debug)]
struct Anthropic;

/// The dialect.
pub const DIALECT: Dialect = Dialect::of(&Anthropic);

impl WireFormat for Anthropic {
    fn name(&self) -> &'static str {
        NAME
    }

    fn endpoints(&self) -> &'static [Endpoint] {
        &[Endpoint { method: "POST", path: auxiliary::MESSAGES }]
    }

    fn auxiliary_routes(&self) -> &'static [AuxiliaryRoute] {
        &auxiliary::ROUTES
    }

    fn headers(&self) -> &'static DialectHeaders {
        &auxiliary::HEADERS
    }

    fn signature_format(&self) -> Option<&'static str> {
        Some(SIGNATURE_FORMAT)
    }

    fn citations(&self, extra: &ExtraFieldList) -> CitedSources {
        super::read_citations(extra, &[("citation", response::citations), ("citations", response::citations)])
    }

    fn describe_native(&self, json: &str) -> NativeContent {
        native_blocks::describe(json)
    }

    fn accepts(&self) -> &'static AcceptsLayer {
        &accepts::ACCEPTS
    }

    fn params(&self) -> &'static Params {
        &accepts::PARAMS
    }

    fn request_shape(&self) -> &'static Shape {
        &shape::REQUEST
    }

    fn streamed_text(&self) -> StreamedText {
        const DELTA: TextPlace = TextPlace::in_type(&["delta", "text"], "text_delta");
        StreamedText { deltas: &[DELTA], wholes: &[], end: &[] }
    }

    fn may_answer_nothing(&self) -> bool {
        // <https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons>: empty responses with `end_turn`
        true
    }

    fn decode_request(
        &self,
        _path: &str,
        body: &Bytes,
        diagnostics: &mut Diagnostics,
    ) -> Result<Request, ClientError> {
        request::decode(body, diagnostics)
    }

    fn encode_request<'a>(
        &self,
        request: &Request,
        source: Option<&'a [u8]>,
        diagnostics: &mut Diagnostics,
    ) -> Result<Encoded<'a>, Unsupported> {
        request::encode(request, source, diagnostics)
    }

    fn decode_response(
        &self,
        body: &[u8],
        spec: &ResponseSpec,
        _context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Result<Response, UpstreamError> {
        response::decode(body, spec, diagnostics)
    }

    fn encode_response(
        &self,
        response: &Response,
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Vec<u8> {
        response::encode(response, spec, context, diagnostics)
    }

    fn decoder(&self, spec: &ResponseSpec, _context: &ResponseContext) -> Box<dyn Decoder> {
        Box::new(decode::MessagesDecoder::new(spec))
    }

    fn encoder(&self, spec: &ResponseSpec, context: &ResponseContext) -> Box<dyn Encoder> {
        Box::new(encode::MessagesEncoder::new(spec.clone(), context.clone()))
    }

    fn stream_repairer(
        &self,
        spec: &ResponseSpec,
        context: &ResponseContext,
    ) -> Option<Box<dyn StreamRepairer>> {
        Some(Box::new(repair::MessagesRepairer::new(spec.clone(), context.clone())))
    }

    fn repair_response(
        &self,
        body: &[u8],
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Option<Result<Repaired, UpstreamError>> {
        Some(repair::repair_message(body, spec, context, diagnostics))
    }

    fn decode_error(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> UpstreamError {
        error::decode(status, headers, body, diagnostics)
    }

    fn encode_error(&self, error: &Error) -> (StatusCode, Bytes) {
        error::encode(error)
    }

    fn encode_stream_error(&self, error: &Error, out: &mut Vec<u8>) {
        error::encode_in_stream(error, out);
    }

    fn accepts_framing(&self, deviation: Deviation) -> bool {
        deviation == Deviation::Fields
    }

    fn keep_alive(&self) -> &'static [u8] {
        b"event: ping\ndata: {\"type\":\"ping\"}\n\n"
    }
}
