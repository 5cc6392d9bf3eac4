//! The dialect `openai-responses`: OpenAI's Responses API.
//!
//! Reference: <https://platform.openai.com/docs/api-reference/responses> (read 2026-11).
//!
//! A conversation is a list of items: one turn of the assistant consists of reasoning, messages and calls as items of their
//! own. They become one message of our model, and items again when it is encoded.

// Its files:
//
// | file | what goes in and what comes out |
// |---|---|
// | `mod` | `OpenAiResponses`, this dialect's implementation of `WireFormat` |
// | `wire` | the API's objects as public types, for building and reading payloads by hand |
// | `shape` | the known fields of requests and their JSON types |
// | `request` | request JSON to `Request` and back; `request/` has the input in both directions, and the parameters |
// | `response` | non-streaming responses: response objects to `Response` and back |
// | `output_item` | an item of a response's `output` to blocks |
// | `reasoning_item` | a reasoning item to its text |
// | `content_part` | content parts of messages and tool outputs: JSON to `Block` and back |
// | `annotations` | annotations of a text to citations and back |
// | `tools` | tools of a request: functions, custom tools and namespaces to `Tool`s and back |
// | `tool_names` | the client's name and namespace of a tool to the one name that a model knows, and back |
// | `tool_call` | the kinds of tool calls; a custom tool's input to a function's arguments and back |
// | `client_tools` | tools that the client runs (`local_shell`, `apply_patch`, …) to functions, their calls to calls of functions, and back |
// | `native_items` | items and tools that only this API has, to what other dialects can read of them |
// | `encrypted_content` | encrypted reasoning to signatures and back |
// | `usage` | `usage` objects to `Usage` and back |
// | `decode` | an upstream's frames to events |
// | `decoded_items` | the items of a stream to the events of blocks; `decoded_items/` has their state |
// | `encode` | events to a client's stream, and to the response object at its end |
// | `text_joiner` | adjacent text blocks to one |
// | `encoded_items` | blocks to output items and their events; `encoded_items/` has an open item's state |
// | `response_object` | the state of a response and the echoed parameters to a response object |
// | `echoed_params` | the parameters of a request to what its response repeats of them |
// | `repair` | an upstream's stream or response to one that OpenAI could have sent |
// | `error` | error responses and events to `UpstreamError`, and `Error` to both |
// | `auxiliary` | the routes of stored responses and token counts |
// | `stored_responses` | requests that refer to an earlier response to requests with the whole conversation |
// | `extra_fields` | fields without a place in our model: raw JSON to `ExtraFields` and back |
// | `sse` | an event's type and JSON to the bytes of a server-sent event |
// | `names` | the dialect's name, and the internal keys of its extra fields |

mod accepts;
mod annotations;
mod auxiliary;
mod client_tools;
mod content_part;
mod decode;
mod decoded_items;
mod echoed_params;
mod encode;
mod encoded_items;
mod encrypted_content;
mod error;
mod extra_fields;
mod logprobs;
mod names;
mod native_items;
mod output_item;
mod reasoning_item;
mod repair;
mod replayed_events;
mod request;
mod response;
mod response_object;
mod shape;
mod sse;
mod stored_responses;
mod text_joiner;
mod tool_call;
mod tool_names;
mod tools;
mod usage;
#[cfg(feature = "wire")]
pub mod wire;

use super::openai_headers;
use super::{
    AuxiliaryRoute, Decoder, Dialect, DialectHeaders, Encoded, Encoder, Endpoint, NativeContent, Params,
    Repaired, Shape, StreamRepairer, StreamedText, TextPlace, WireFormat,
};
use crate::accepts::AcceptsLayer;
use crate::canonical::{
    Block, CitedSources, Diagnostics, ExtraFieldList, NATIVE, Request, Response, ResponseContext,
    ResponseSpec,
};
use crate::error::{ClientError, Error, Unsupported, UpstreamError};
use crate::framing::Deviation;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use names::{KEEP_ALIVE, NAME, SIGNATURE_FORMAT};

/// The dialect `openai-responses`.
#[derive(Debug)]
struct OpenAiResponses;

/// The dialect.
pub const DIALECT: Dialect = Dialect::of(&OpenAiResponses);

impl WireFormat for OpenAiResponses {
    fn name(&self) -> &'static str {
        NAME
    }

    fn endpoints(&self) -> &'static [Endpoint] {
        &[
            Endpoint { method: "POST", path: "/v1/responses" },
            Endpoint { method: "POST", path: "/api/openai/v1/responses" },
        ]
    }

    fn auxiliary_routes(&self) -> &'static [AuxiliaryRoute] {
        &auxiliary::ROUTES
    }

    fn headers(&self) -> &'static DialectHeaders {
        &openai_headers::HEADERS
    }

    fn signature_format(&self) -> Option<&'static str> {
        Some(SIGNATURE_FORMAT)
    }

    fn citations(&self, extra: &ExtraFieldList) -> CitedSources {
        super::read_citations(
            extra,
            &[("annotation", annotations::decode), ("annotations", annotations::decode)],
        )
    }

    fn media_in_field(&self, key: &str, json: &str) -> Vec<Block> {
        if key.starts_with(NATIVE) {
            native_items::generated_image(json).into_iter().collect()
        } else {
            Vec::new()
        }
    }

    fn describe_native(&self, json: &str) -> NativeContent {
        native_items::describe(json)
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
        _spec: &ResponseSpec,
        _context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Result<Response, UpstreamError> {
        response::decode(body, diagnostics)
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
        Box::new(decode::ResponsesDecoder::new(spec))
    }

    fn encoder(&self, spec: &ResponseSpec, context: &ResponseContext) -> Box<dyn Encoder> {
        Box::new(encode::ResponsesEncoder::new(spec.clone(), context.clone(), encode::EventOutput::Write))
    }

    fn streamed_text(&self) -> StreamedText {
        const DELTA: TextPlace = TextPlace::in_type(&["delta"], "response.output_text.delta");
        const WHOLES: [TextPlace; 4] = [
            TextPlace::in_type(&["text"], "response.output_text.done"),
            TextPlace::in_type(&["part", "text"], "output_text"),
            TextPlace::in_type(&["item", "content[]", "text"], "output_text"),
            TextPlace::in_type(&["response", "output[]", "content[]", "text"], "output_text"),
        ];
        StreamedText { deltas: &[DELTA], wholes: &WHOLES, end: &[] }
    }

    fn stream_repairer(
        &self,
        spec: &ResponseSpec,
        context: &ResponseContext,
    ) -> Option<Box<dyn StreamRepairer>> {
        Some(Box::new(repair::ResponsesRepairer::new(spec.clone(), context.clone())))
    }

    fn repair_response(
        &self,
        body: &[u8],
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Option<Result<Repaired, UpstreamError>> {
        Some(repair::repair(body, spec, context, diagnostics))
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
        sse::write_event("error", &error::encode_event(error, 0), out);
    }

    fn accepts_framing(&self, deviation: Deviation) -> bool {
        // Every event has an `event:` line.
        deviation == Deviation::Fields
    }

    fn keep_alive(&self) -> &'static [u8] {
        KEEP_ALIVE
    }
}
