//! The dialect `openai-completions`: OpenAI's text completions, where a prompt comes in and its continuation goes out.
//!
//! Reference: <https://platform.openai.com/docs/api-reference/completions> (read 2026-11).
//!
//! A prompt becomes one user message, and a conversation one prompt, by the profile's chat template if it has one.

// Its files:
//
// | file | what goes in and what comes out |
// |---|---|
// | `mod` | the dialect's entry in the registry; calls the files below |
// | `wire` | OpenAI's objects as types, for callers of the library |
// | `shape` | the known fields of requests and their types |
// | `request` | a client's request to the canonical one, and back for an upstream |
// | `response` | a non-streaming response to the canonical one, and back for a client |
// | `decode` | frames of an upstream's stream to canonical events |
// | `encode` | canonical events to a stream for a client |
// | `repair/` | what an upstream sent to what OpenAI would have sent |
// | `stream_repairer` | frames to repaired frames, where both sides use this dialect |
// | `text_extractor` | a choice's text to text, reasoning and tool calls |
// | `completion_writer` | the parts of a response or chunk to JSON |
// | `logprobs`, `usage`, `finish_reason` | one field, JSON to the canonical model and back |
// | `prompt_echo` | whether the prompt stands in front of the output |
// | `extra_fields` | fields without a place in the canonical model |
// | `../openai_error/` | errors of upstreams, and errors for clients |

mod accepts;
mod completion_writer;
mod decode;
mod encode;
mod extra_fields;
mod finish_reason;
mod logprobs;
mod prompt_echo;
mod repair;
mod request;
mod response;
mod shape;
mod stream_repairer;
mod text_extractor;
mod usage;
#[cfg(feature = "wire")]
pub mod wire;

use super::openai_error as error;
use super::openai_headers;
use super::{
    Decoder, Dialect, DialectHeaders, Encoded, Encoder, Endpoint, Params, Repaired, Shape, StreamRepairer,
    WireFormat,
};
use crate::accepts::AcceptsLayer;
use crate::canonical::{Diagnostics, Request, Response, ResponseContext, ResponseSpec};
use crate::error::{ClientError, Error, Unsupported, UpstreamError};
use bytes::Bytes;
use extra_fields::NAME;
use http::{HeaderMap, StatusCode};

/// The dialect `openai-completions`.
#[derive(Debug)]
struct OpenAiCompletions;

/// The dialect.
pub const DIALECT: Dialect = Dialect::of(&OpenAiCompletions);

impl WireFormat for OpenAiCompletions {
    fn name(&self) -> &'static str {
        NAME
    }

    fn endpoints(&self) -> &'static [Endpoint] {
        &[
            Endpoint { method: "POST", path: "/v1/completions" },
            Endpoint { method: "POST", path: "/api/openai/v1/completions" },
        ]
    }

    fn headers(&self) -> &'static DialectHeaders {
        &openai_headers::HEADERS
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
        Ok(request::encode(request, source, diagnostics))
    }

    fn extracts_inline_reasoning(&self) -> bool {
        true
    }

    fn repairs_inline_reasoning(&self) -> bool {
        // A client that writes its own prompt has a parser of its own.
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
        Box::new(decode::CompletionsDecoder::new(spec.clone(), context.clone()))
    }

    fn encoder(&self, spec: &ResponseSpec, context: &ResponseContext) -> Box<dyn Encoder> {
        Box::new(encode::CompletionsEncoder::new(spec.clone(), context.clone()))
    }

    fn stream_repairer(
        &self,
        spec: &ResponseSpec,
        context: &ResponseContext,
    ) -> Option<Box<dyn StreamRepairer>> {
        Some(Box::new(stream_repairer::CompletionsRepairer::new(spec.clone(), context.clone())))
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
}
