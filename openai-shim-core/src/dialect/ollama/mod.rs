//! The dialects `ollama-chat` and `ollama-generate`: Ollama's own `/api/chat` and `/api/generate`.
//!
//! Reference: <https://docs.ollama.com/api> and <https://github.com/ollama/ollama/blob/main/docs/api.md> (read 2026-11).
//!
//! The API streams by default, and streams lines of JSON. The arguments of a tool call are an object. Only newer versions
//! have ids of tool calls, and a tool result may name the tool instead of the call. Images are base64 in a field beside the
//! text. A response that calls tools ends with `stop`. Decoding accepts both dialects; encoding writes one.
//!
//! ```
//! use openai_shim_core::dialect::ollama;
//! assert_eq!((ollama::CHAT.name(), ollama::GENERATE.name()), ("ollama-chat", "ollama-generate"));
//! ```

// Its files:
//
// | file | what goes in and what comes out |
// |---|---|
// | `mod` | `Ollama`, the implementation of `WireFormat` for both dialects |
// | `wire` | the API's objects as public types, for building and reading payloads by hand |
// | `shape` | the JSON types that each field of a request may have |
// | `request` | request JSON to `Request` and back; `request/` has one file each for messages, prompt, images and options |
// | `response` | non-streaming responses: JSON to `Response` and back |
// | `response_line` | one line of an upstream's response, in either dialect, to `ResponseLine` |
// | `written_line` | the content and the end of a response to the fields of a line |
// | `tool_call` | tool calls of requests and responses, and the JSON object of their arguments |
// | `extra_fields` | fields without a place in our model, as `ExtraFields` |
// | `text_extractor` | a response's text to text, reasoning and tool calls |
// | `decode` | an upstream's frames to events |
// | `encode` | events to a client's lines of NDJSON |
// | `repeated_calls` | a line without the calls that a line before it has told |
// | `repair` | an upstream's lines or response to ones that strict clients of this dialect accept |
// | `ndjson` | JSON to one line |
// | `error` | error responses and error lines to `UpstreamError`, and `Error` to both |
// | `auxiliary`, `model_list`, `capabilities`, `embeddings` | model lists, embeddings and other endpoints |
// | `names` | the two dialects as an enum, and names that the files share |

mod accepts;
mod auxiliary;
mod capabilities;
mod decode;
mod embeddings;
mod encode;
mod error;
mod extra_fields;
mod model_list;
mod names;
mod ndjson;
mod repair;
mod repeated_calls;
mod request;
mod response;
mod response_line;
mod shape;
mod text_extractor;
mod tool_call;
#[cfg(feature = "wire")]
pub mod wire;
mod written_line;

use super::{
    AuxiliaryRoute, Decoder, Dialect, Encoded, Encoder, Endpoint, Params, Repaired, Shape, StreamRepairer,
    StreamedText, TextPlace, WireFormat,
};
use crate::accepts::AcceptsLayer;
use crate::canonical::{Diagnostics, Request, Response, ResponseContext, ResponseSpec};
use crate::error::{ClientError, Error, Unsupported, UpstreamError};
use crate::framing::Deviation;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use names::{FAMILY, OllamaApi};

/// One of Ollama's two dialects.
#[derive(Debug)]
struct Ollama {
    api: OllamaApi,
}

/// The dialect `ollama-chat`.
pub const CHAT: Dialect = Dialect::of(&Ollama { api: OllamaApi::Chat });

/// The dialect `ollama-generate`.
pub const GENERATE: Dialect = Dialect::of(&Ollama { api: OllamaApi::Generate });

/// Whether the text of a response stays as the upstream wrote it.
fn keeps_text(spec: &ResponseSpec) -> bool {
    spec.local_stops.is_empty() && spec.required_json_fields.is_none()
}

impl WireFormat for Ollama {
    fn name(&self) -> &'static str {
        match self.api {
            OllamaApi::Chat => "ollama-chat",
            OllamaApi::Generate => "ollama-generate",
        }
    }

    fn endpoints(&self) -> &'static [Endpoint] {
        match self.api {
            OllamaApi::Chat => &[Endpoint { method: "POST", path: "/api/chat" }],
            OllamaApi::Generate => &[Endpoint { method: "POST", path: "/api/generate" }],
        }
    }

    fn auxiliary_routes(&self) -> &'static [AuxiliaryRoute] {
        &auxiliary::ROUTES
    }

    fn empty_request_response(&self, body: &[u8], created: u64) -> Option<String> {
        auxiliary::load_response(self.api, body, created)
    }

    fn accepts(&self) -> &'static AcceptsLayer {
        match self.api {
            OllamaApi::Chat => &accepts::CHAT,
            OllamaApi::Generate => &accepts::GENERATE,
        }
    }

    fn applies_stops(&self) -> bool {
        true
    }

    fn params(&self) -> &'static Params {
        match self.api {
            OllamaApi::Chat => &accepts::CHAT_PARAMS,
            OllamaApi::Generate => &accepts::GENERATE_PARAMS,
        }
    }

    fn extra_fields_name(&self) -> &'static str {
        FAMILY
    }

    fn request_shape(&self) -> &'static Shape {
        match self.api {
            OllamaApi::Chat => &shape::CHAT,
            OllamaApi::Generate => &shape::GENERATE,
        }
    }

    fn decode_request(
        &self,
        _path: &str,
        body: &Bytes,
        diagnostics: &mut Diagnostics,
    ) -> Result<Request, ClientError> {
        request::decode(self.api, body, diagnostics)
    }

    fn encode_request<'a>(
        &self,
        request: &Request,
        source: Option<&'a [u8]>,
        diagnostics: &mut Diagnostics,
    ) -> Result<Encoded<'a>, Unsupported> {
        request::encode(self.api, request, source, diagnostics)
    }

    fn streamed_text(&self) -> StreamedText {
        const CHAT: TextPlace = TextPlace::of(&["message", "content"]);
        const GENERATE: TextPlace = TextPlace::of(&["response"]);
        let deltas: &[TextPlace] = match self.api {
            OllamaApi::Chat => &[CHAT],
            OllamaApi::Generate => &[GENERATE],
        };
        StreamedText { deltas, wholes: &[], end: &["done"] }
    }

    fn extracts_inline_reasoning(&self) -> bool {
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
        response::encode(self.api, response, spec, context, diagnostics)
    }

    fn decoder(&self, spec: &ResponseSpec, context: &ResponseContext) -> Box<dyn Decoder> {
        Box::new(decode::OllamaDecoder::new(spec.clone(), context.clone()))
    }

    fn encoder(&self, spec: &ResponseSpec, _context: &ResponseContext) -> Box<dyn Encoder> {
        Box::new(encode::OllamaEncoder::new(self.api, spec.clone()))
    }

    fn stream_repairer(
        &self,
        spec: &ResponseSpec,
        context: &ResponseContext,
    ) -> Option<Box<dyn StreamRepairer>> {
        // Lines with cumulative text, and text that ends at local stop sequences, cannot pass.
        let passes = !spec.quirks.cumulative_deltas && keeps_text(spec);
        passes.then(|| {
            Box::new(repair::OllamaRepairer::new(self.api, spec.clone(), context.clone()))
                as Box<dyn StreamRepairer>
        })
    }

    fn repair_response(
        &self,
        body: &[u8],
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Option<Result<Repaired, UpstreamError>> {
        keeps_text(spec).then(|| repair::repair_response(self.api, body, spec, context, diagnostics))
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

    fn breaks_failed_streams(&self) -> bool {
        // Open WebUI shows a line with an error as nothing, and the half answer before it as a whole one.
        true
    }

    fn accepts_framing(&self, deviation: Deviation) -> bool {
        // A stream with one line is one JSON document.
        matches!(deviation, Deviation::Ndjson | Deviation::WholeBody)
    }

    /// White space before a line: clients parse each line as one JSON document. An empty line would be a line of its own, and
    /// the official client's parser fails on it.
    fn keep_alive(&self) -> &'static [u8] {
        b" "
    }

    /// NDJSON has no comments.
    fn comment(&self, _text: &str, _out: &mut Vec<u8>) {}

    fn stream_content_type(&self) -> &'static str {
        "application/x-ndjson"
    }
}
