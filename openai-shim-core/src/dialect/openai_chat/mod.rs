//! The dialect `openai-chat`: OpenAI's chat completions, and the APIs of other vendors that are nearly the same.
//!
//! Reference: <https://platform.openai.com/docs/api-reference/chat> (read 2026-11).

// Its files:
//
// | file | what goes in and what comes out |
// |---|---|
// | `mod` | the dialect's entry in the registry; calls the files below |
// | `wire` | OpenAI's objects as types, for callers of the library |
// | `shape` | the known fields of requests and their types |
// | `request/` | a client's request to the canonical one, and back for an upstream |
// | `response` | a non-streaming response to the canonical one, and back for a client |
// | `decode`, `chunk_events` | frames of an upstream's stream to canonical events; repaired chunks to events |
// | `encode` | canonical events to a stream for a client |
// | `repair/` | what an upstream sent to what OpenAI would have sent |
// | `stream_repairer`, `opaque_state_tap` | frames to repaired frames, where both sides use this dialect; opaque state in them |
// | `chunk_template/` | a cache in front of `repair/` that makes streams faster; it may be deleted |
// | `tool_call`, `reasoning_details`, `citations`, `usage`, `finish_reason` | one field or object: JSON to the canonical model and back |
// | `tag_writer` | reasoning and text to one text with `<think>` tags |
// | `extra_fields` | fields without a place in the canonical model |
// | `../openai_error/` | errors of upstreams, and errors for clients |
// | `auxiliary`, `embeddings` | model lists and other auxiliary endpoints; embeddings |
// | `audio`, `images`, `media_fields` | speech and transcripts; pictures; the fields of requests for them, in JSON and in forms |

mod accepts;
mod audio;
mod auxiliary;
mod chunk_events;
mod chunk_template;
mod citations;
mod decode;
mod embeddings;
mod encode;
mod extra_fields;
mod finish_reason;
mod images;
mod lm_studio;
mod media;
mod media_fields;
mod opaque_state_tap;
mod reasoning_details;
mod repair;
mod request;
mod response;
mod shape;
mod stream_repairer;
mod tag_writer;
mod tool_call;
mod usage;
#[cfg(feature = "wire")]
pub mod wire;

use super::openai_error as error;
use super::openai_headers;
use super::{
    AuxiliaryRoute, Decoder, Dialect, DialectHeaders, Encoded, Encoder, Endpoint, Params, Repaired, Shape,
    StreamRepairer, WireFormat,
};
use crate::accepts::AcceptsLayer;
use crate::canonical::{
    Block, CitedSources, Diagnostics, ExtraFieldList, Request, Response, ResponseContext, ResponseSpec,
};
use crate::error::{ClientError, Error, Unsupported, UpstreamError};
use crate::json::RawJson;
use bytes::Bytes;
use extra_fields::NAME;
use http::{HeaderMap, StatusCode};

/// The dialect `openai-chat`.
#[derive(Debug)]
struct OpenAiChat;

/// The dialect.
pub const DIALECT: Dialect = Dialect::of(&OpenAiChat);

impl WireFormat for OpenAiChat {
    fn name(&self) -> &'static str {
        NAME
    }

    fn endpoints(&self) -> &'static [Endpoint] {
        &[
            Endpoint { method: "POST", path: "/v1/chat/completions" },
            Endpoint { method: "POST", path: "/api/openai/v1/chat/completions" },
        ]
    }

    fn auxiliary_routes(&self) -> &'static [AuxiliaryRoute] {
        &auxiliary::ROUTES
    }

    fn headers(&self) -> &'static DialectHeaders {
        &openai_headers::HEADERS
    }

    fn citations(&self, extra: &ExtraFieldList) -> CitedSources {
        super::read_citations(extra, citations::READERS)
    }

    fn media_in_field(&self, key: &str, json: &str) -> Vec<Block> {
        media::read(key, json)
    }

    fn media_field(&self, block: &Block) -> Option<(String, RawJson)> {
        media::write(block)
    }

    fn accepts(&self) -> &'static AcceptsLayer {
        &accepts::ACCEPTS
    }

    fn applies_stops(&self) -> bool {
        true
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

    fn extracts_inline_reasoning(&self) -> bool {
        true
    }

    fn repairs_inline_reasoning(&self) -> bool {
        true
    }

    fn decode_response(
        &self,
        body: &[u8],
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Result<Response, UpstreamError> {
        response::decode(body, spec, context, diagnostics)
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

    fn decoder(&self, spec: &ResponseSpec, context: &ResponseContext) -> Box<dyn Decoder> {
        Box::new(decode::ChatDecoder::new(spec.clone(), context.clone()))
    }

    fn encoder(&self, spec: &ResponseSpec, context: &ResponseContext) -> Box<dyn Encoder> {
        Box::new(encode::ChatEncoder::new(spec.clone(), context.clone()))
    }

    fn stream_repairer(
        &self,
        spec: &ResponseSpec,
        context: &ResponseContext,
    ) -> Option<Box<dyn StreamRepairer>> {
        Some(Box::new(stream_repairer::ChatRepairer::new(spec.clone(), context.clone())))
    }

    fn repair_response(
        &self,
        body: &[u8],
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Option<Result<Repaired, UpstreamError>> {
        Some(response::repair(body, spec, context, diagnostics))
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

    fn breaks_failed_calls(&self) -> bool {
        // Open WebUI makes the calls of a failed answer, or complains to the model about half of one, and asks again.
        true
    }
}
