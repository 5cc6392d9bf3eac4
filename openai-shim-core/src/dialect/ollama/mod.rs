//! Ollama's own API: `/api/chat` and `/api/generate`, two dialects that share everything but the form of what is said.
//!
//! Reference: <https://docs.ollama.com/api> and <https://github.com/ollama/ollama/blob/main/docs/api.md> (read 2026-11).
//!
//! What is particular: it streams unless told otherwise, and streams JSON lines; the arguments of a tool call are an
//! object; calls have ids only in newer versions, and a result may name no call but its tool; pictures are base64 beside
//! the text; an answer that calls tools ends with `stop`. Reading takes both forms; writing keeps to one.

mod auxiliary;
mod capabilities;
mod decode;
mod embeddings;
mod encode;
mod error;
mod model_list;
mod repair;
mod request;
mod response;
mod response_line;
mod shape;
mod text_extractor;
pub mod wire;

use super::{AuxiliaryRoute, Decoder, Dialect, Encoded, Encoder, Endpoint, Repaired, Shape, StreamRepairer};
use crate::canonical::{Diagnostics, Request, Response, ResponseContext, ResponseSpec};
use crate::error::{ClientError, Error, Unsupported, UpstreamError};
use crate::framing::Deviation;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// Under which name leftovers are kept: both dialects have the same ones.
const FAMILY: &str = "ollama";

/// What is left to say of an answer ends in this path.
const MESSAGE: &str = "message";

/// The two forms of asking and answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OllamaApi {
    /// `messages` in, `message` out.
    Chat,
    /// `prompt` in, `response` out.
    Generate,
}

/// One of Ollama's two dialects.
#[derive(Debug)]
pub struct Ollama {
    form: OllamaApi,
}

/// The dialect `ollama-chat`.
pub static CHAT: Ollama = Ollama { form: OllamaApi::Chat };

/// The dialect `ollama-generate`.
pub static GENERATE: Ollama = Ollama { form: OllamaApi::Generate };

/// Whether the text is passed on as the upstream wrote it.
fn as_it_comes(spec: &ResponseSpec) -> bool {
    spec.local_stops.is_empty() && spec.required_json_fields.is_none()
}

impl Dialect for Ollama {
    fn name(&self) -> &'static str {
        match self.form {
            OllamaApi::Chat => "ollama-chat",
            OllamaApi::Generate => "ollama-generate",
        }
    }

    fn endpoints(&self) -> &'static [Endpoint] {
        match self.form {
            OllamaApi::Chat => &[Endpoint { method: "POST", path: "/api/chat" }],
            OllamaApi::Generate => &[Endpoint { method: "POST", path: "/api/generate" }],
        }
    }

    fn auxiliary_routes(&self) -> &'static [AuxiliaryRoute] {
        &auxiliary::ROUTES
    }

    fn empty_request_response(&self, body: &[u8], created: u64) -> Option<String> {
        auxiliary::loaded(self.form, body, created)
    }

    fn request_shape(&self) -> &'static Shape {
        match self.form {
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
        request::decode(self.form, body, diagnostics)
    }

    fn encode_request<'a>(
        &self,
        request: &Request,
        source: Option<&'a [u8]>,
        diagnostics: &mut Diagnostics,
    ) -> Result<Encoded<'a>, Unsupported> {
        request::encode(self.form, request, source, diagnostics)
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
        response::encode(self.form, response, spec, context, diagnostics)
    }

    fn decoder(&self, spec: &ResponseSpec, context: &ResponseContext) -> Box<dyn Decoder> {
        Box::new(decode::OllamaDecoder::new(spec.clone(), context.clone()))
    }

    fn encoder(&self, spec: &ResponseSpec, _context: &ResponseContext) -> Box<dyn Encoder> {
        Box::new(encode::OllamaEncoder::new(self.form, spec.clone()))
    }

    fn stream_repairer(
        &self,
        spec: &ResponseSpec,
        context: &ResponseContext,
    ) -> Option<Box<dyn StreamRepairer>> {
        // Lines that repeat what was said before, or whose text we must end ourselves, are no lines to pass on.
        let plain = !spec.quirks.cumulative_deltas && as_it_comes(spec);
        plain.then(|| {
            Box::new(repair::OllamaMender::new(self.form, spec.clone(), context.clone()))
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
        as_it_comes(spec).then(|| repair::whole(self.form, body, spec, context, diagnostics))
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
        // A stream of one line is one JSON document.
        matches!(deviation, Deviation::Ndjson | Deviation::WholeBody)
    }

    /// White space before a line belongs to no line: clients parse each as one JSON document. An empty line would be a
    /// line, and the official client's parser fails on it.
    fn keep_alive(&self) -> &'static [u8] {
        b" "
    }

    /// There is no place for remarks: every line is a part of the answer.
    fn comment(&self, _text: &str, _out: &mut Vec<u8>) {}

    fn stream_content_type(&self) -> &'static str {
        "application/x-ndjson"
    }
}
