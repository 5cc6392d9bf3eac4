//! The dialect `gemini`: Google's Gemini API, `generateContent` and `streamGenerateContent`.
//!
//! Reference: <https://ai.google.dev/api/generate-content> (read 2026-11).
//!
//! The path has the model and the method, and its query has `alt=sse`: without it a stream is a JSON array.

// Its files:
//
// | file | what goes in and what comes out |
// |---|---|
// | `mod` | `Gemini`, this dialect's implementation of `WireFormat` |
// | `wire` | the API's objects as public types, for building and reading payloads by hand |
// | `shape` | the JSON types that each field of a request may have |
// | `request` | path and JSON of a request to `Request`, and back |
// | `request_path` | the path and query of a request to model, method and framing, and back |
// | `contents` | `contents` and `systemInstruction` to messages, and back |
// | `parts` | one part of a content, in requests and responses, to `Block` and back |
// | `tools` | `tools` and `toolConfig` to tools and tool choice, and back |
// | `generation_config` | `generationConfig` to the parameters of `Request`, and back |
// | `response` | non-streaming responses: JSON to `Response` and back |
// | `response_object` | what a response or chunk is, and which of its fields our model has a place for |
// | `finish_reason` | `finishReason` to `FinishReason` and back |
// | `usage` | `usageMetadata` to `Usage` and back |
// | `citations` | `groundingMetadata` and `citationMetadata` to citations, and back |
// | `partial_args` | the `functionCall` objects of one tool call to the JSON of its arguments |
// | `decode` | an upstream's frames to events |
// | `encode` | events to a client's chunks |
// | `repair` | an upstream's chunks or response to the framing that the client of this dialect requested |
// | `repeated_calls` | a chunk without the calls that a chunk before it has told |
// | `argument_objects` | `args` that came as text to the objects in them |
// | `stream_framing` | chunks to server-sent events or to the items of a JSON array |
// | `error` | error responses and errors in streams to `UpstreamError`, and `Error` to both |
// | `json_keys` | objects with keys in snake case to objects in camel case |
// | `extra_fields` | fields without a place in our model, as `ExtraFields` |
// | `auxiliary`, `embeddings` | model lists, token counts, embeddings and other endpoints |
// | `media`, `media_answer` | requests for speech, transcripts and pictures; their answers |
// | `native_parts` | parts and tools that only this API has, to what other dialects can read of them |
// | `names` | the dialect's name, and names that the files share |

mod accepts;
mod argument_objects;
mod auxiliary;
mod citations;
mod contents;
mod decode;
mod embeddings;
mod emitted_fields;
mod encode;
mod error;
mod extra_fields;
mod finish_reason;
mod generation_config;
mod json_keys;
mod logprobs;
mod media;
mod media_answer;
mod names;
mod native_parts;
mod partial_args;
mod parts;
mod repair;
mod repeated_calls;
mod request;
mod request_path;
mod response;
mod response_object;
mod shape;
mod stream_framing;
mod tools;
mod usage;
#[cfg(feature = "wire")]
pub mod wire;

use super::media_upstream::MediaUpstreamApi;
use super::{
    AuxiliaryRoute, Decoder, Dialect, DialectHeaders, Encoded, Encoder, Endpoint, NativeContent, Params,
    Repaired, Shape, StreamRepairer, StreamedText, TextPlace, WireFormat,
};
use crate::accepts::AcceptsLayer;
use crate::canonical::{
    Block, CitedSources, Diagnostics, ExtraFieldList, ListedModel, Request, Response, ResponseContext,
    ResponseSpec, parse_models,
};
use crate::error::{ClientError, Error, Unsupported, UpstreamError};
use crate::framing::Deviation;
use crate::json::{RawJson, raw};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use json_keys::{camel_case_keys as camelized, parse_object as read};
use names::{NAME, SIGNATURE_FORMAT};
use stream_framing::StreamFraming;

/// The dialect `gemini`.
#[derive(Debug)]
struct Gemini;

/// The dialect.
pub const DIALECT: Dialect = Dialect::of(&Gemini);

impl WireFormat for Gemini {
    fn name(&self) -> &'static str {
        NAME
    }

    fn endpoints(&self) -> &'static [Endpoint] {
        &[
            Endpoint { method: "POST", path: "/v1beta/models/{model}:generateContent" },
            Endpoint { method: "POST", path: "/v1beta/models/{model}:streamGenerateContent" },
            Endpoint { method: "POST", path: "/v1/models/{model}:generateContent" },
            Endpoint { method: "POST", path: "/v1/models/{model}:streamGenerateContent" },
        ]
    }

    fn auxiliary_routes(&self) -> &'static [AuxiliaryRoute] {
        &auxiliary::ROUTES
    }

    fn media(&self) -> Option<&'static dyn MediaUpstreamApi> {
        Some(&media::GeminiMedia)
    }

    fn headers(&self) -> &'static DialectHeaders {
        &auxiliary::HEADERS
    }

    /// Google's list prefixes names with `models/`, which requests may omit.
    fn decode_models(&self, body: &[u8], owner: &str) -> Option<Vec<ListedModel>> {
        let without_prefix = |model: ListedModel| match model.id.strip_prefix("models/") {
            Some(id) => model.renamed(id),
            None => model,
        };
        Some(parse_models(body, owner)?.into_iter().map(without_prefix).collect())
    }

    fn signature_format(&self) -> Option<&'static str> {
        Some(SIGNATURE_FORMAT)
    }

    fn citations(&self, extra: &ExtraFieldList) -> CitedSources {
        super::read_citations(extra, citations::READERS)
    }

    fn media_in_field(&self, key: &str, json: &str) -> Vec<Block> {
        if key == extra_fields::NATIVE_PART { parts::read_response_media(json) } else { Vec::new() }
    }

    fn media_field(&self, block: &Block) -> Option<(String, RawJson)> {
        let part = parts::write_media(block, "", &mut Diagnostics::default())?;
        Some((extra_fields::NATIVE_PART.to_owned(), raw(part)))
    }

    fn describe_native(&self, json: &str) -> NativeContent {
        native_parts::describe(json)
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
        path: &str,
        body: &Bytes,
        diagnostics: &mut Diagnostics,
    ) -> Result<Request, ClientError> {
        request::decode(path, body, diagnostics)
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
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Result<Response, UpstreamError> {
        response::decode(body, context, diagnostics)?.without_failure(!spec.tools.is_empty(), diagnostics)
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

    fn decoder(&self, _spec: &ResponseSpec, context: &ResponseContext) -> Box<dyn Decoder> {
        Box::new(decode::GeminiDecoder::new(context.clone()))
    }

    fn encoder(&self, spec: &ResponseSpec, context: &ResponseContext) -> Box<dyn Encoder> {
        Box::new(encode::GeminiEncoder::new(spec.clone(), context.clone()))
    }

    fn streamed_text(&self) -> StreamedText {
        const PART: TextPlace = TextPlace::of(&["candidates[]", "content", "parts[]", "text"]);
        StreamedText { deltas: &[PART], wholes: &[], end: &["candidates[]", "finishReason"] }
    }

    fn stream_repairer(
        &self,
        spec: &ResponseSpec,
        context: &ResponseContext,
    ) -> Option<Box<dyn StreamRepairer>> {
        (!spec.restore_alias)
            .then(|| Box::new(repair::GeminiRepairer::new(spec, context)) as Box<dyn StreamRepairer>)
    }

    fn repair_response(
        &self,
        body: &[u8],
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Option<Result<Repaired, UpstreamError>> {
        (!spec.restore_alias).then(|| repair::repair_response(body, spec, context, diagnostics))
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
        StreamFraming::Events.write_error(&error::envelope(error), out);
    }

    fn write_end(&self, bytes: &[u8]) -> Option<usize> {
        StreamFraming::write_end(bytes)
    }

    fn accepts_framing(&self, deviation: Deviation) -> bool {
        // Google ends lines with CRLF, and streams arrays without `alt=sse`.
        matches!(deviation, Deviation::LineEnding | Deviation::Array)
    }

    /// White space: Google's own clients support no comments, and white space may also stand between the items of an array.
    fn keep_alive(&self) -> &'static [u8] {
        b"\n"
    }

    /// Google's own clients support no comments.
    fn comment(&self, _text: &str, _out: &mut Vec<u8>) {}

    fn stream_content_type_for(&self, spec: &ResponseSpec) -> &'static str {
        if stream_framing::is_array(spec) { "application/json" } else { self.stream_content_type() }
    }
}
