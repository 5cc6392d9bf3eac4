//! Google's Gemini API: `generateContent` and `streamGenerateContent`.
//!
//! Reference: <https://ai.google.dev/api/generate-content> (read 2026-11).
//!
//! Model and method stand in the path, and `alt=sse` in its query; without it a stream is a JSON array. A stream that both
//! sides speak is passed on as it came (`mend`); else it becomes events (`decode`) and is written from events (`encode`).

mod auxiliary;
mod citations;
mod contents;
mod decode;
mod embeddings;
mod encode;
mod error;
mod finish_reason;
mod generation_config;
mod partial_args;
mod parts;
mod repair;
mod request;
mod request_path;
mod response;
mod shape;
mod tools;
mod usage;
pub mod wire;

use super::{
    AuxiliaryRoute, Decoder, Dialect, DialectHeaders, Encoded, Encoder, Endpoint, Repaired, Shape,
    StreamRepairer,
};
use crate::canonical::{
    CitedSources, Diagnostics, ExtraFieldList, ExtraFields, ListedModel, Request, Response, ResponseContext,
    ResponseSpec, parse_models,
};
use crate::error::{ClientError, Error, Unsupported, UpstreamError};
use crate::framing::Deviation;
use crate::json::{Object, raw};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

const NAME: &str = "gemini";

/// The parameter that decides the form of a stream, kept among what answers depend on.
const ALT: &str = "alt";

/// What others call the form of this API's signatures.
const FORMAT: &str = "google-gemini-v1";

/// How ids begin that were made for calls without one; they are not sent back.
const MINTED: &str = "gemini-call-";

fn is_minted(id: &str) -> bool {
    id.starts_with(MINTED)
}

/// Whether the client gets its stream as a JSON array.
fn wants_array(spec: &ResponseSpec) -> bool {
    spec.echoed_params.of(NAME).iter().any(|(key, _)| key == ALT)
}

/// Reads an object whose keys may be written with underscores, as protocol buffers allow. Only for objects of the API: not
/// for arguments, results and schemas, whose keys are somebody else's.
fn read(json: &str) -> Option<Object<'_>> {
    Object::parse(json.as_bytes()).ok().map(camelized)
}

/// An object with its keys as Google's documentation writes them.
fn camelized(object: Object<'_>) -> Object<'_> {
    if !object.iter().any(|(key, _)| key.contains('_')) {
        return object;
    }
    let mut out = Object::new();
    for (key, value) in object.iter() {
        out.set(camel(key), value.to_owned());
    }
    out
}

fn camel(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    let mut upper = false;
    for c in key.chars() {
        if c == '_' && !out.is_empty() {
            upper = true;
        } else if upper {
            out.push(c.to_ascii_uppercase());
            upper = false;
        } else {
            out.push(c);
        }
    }
    out
}

/// Members without a place of their own; what says nothing is left out.
fn leftovers(object: &Object<'_>, known: &[&str]) -> ExtraFields {
    let silent = |key: &str, value: &str| value == "null" || key == "thought" && value == "false";
    let members: Vec<_> = object
        .iter()
        .filter(|(key, value)| !known.contains(key) && !silent(key, value.trim()))
        .map(|(key, value)| (key.to_owned(), raw(value)))
        .collect();
    if members.is_empty() { ExtraFields::default() } else { ExtraFields::new(NAME, members) }
}

/// A key without the dot that says: the canonical model has it, and this is how it was written.
fn plain(key: &str) -> &str {
    key.strip_prefix('.').unwrap_or(key)
}

/// The dialect `gemini`.
#[derive(Debug)]
pub struct Gemini;

impl Dialect for Gemini {
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

    fn headers(&self) -> &'static DialectHeaders {
        &auxiliary::HEADERS
    }

    /// In Google's own list a model's name begins with what it is; in requests it need not.
    fn decode_models(&self, body: &[u8], owner: &str) -> Option<Vec<ListedModel>> {
        let bare = |model: ListedModel| match model.id.strip_prefix("models/") {
            Some(id) => model.renamed(id),
            None => model,
        };
        Some(parse_models(body, owner)?.into_iter().map(bare).collect())
    }

    fn signature_format(&self) -> Option<&'static str> {
        Some(FORMAT)
    }

    fn citations(&self, extra: &ExtraFieldList) -> CitedSources {
        super::read_citations(extra, citations::READERS)
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
        _spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Result<Response, UpstreamError> {
        response::decode(body, context, diagnostics)
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

    fn stream_repairer(
        &self,
        spec: &ResponseSpec,
        context: &ResponseContext,
    ) -> Option<Box<dyn StreamRepairer>> {
        (!spec.restore_alias)
            .then(|| Box::new(repair::GeminiMender::new(spec, context)) as Box<dyn StreamRepairer>)
    }

    fn repair_response(
        &self,
        body: &[u8],
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Option<Result<Repaired, UpstreamError>> {
        (!spec.restore_alias).then(|| repair::whole(body, spec, context, diagnostics))
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
        encode::StreamFraming::Events.write(&error::envelope(error), out);
    }

    fn accepts_framing(&self, deviation: Deviation) -> bool {
        // Google ends lines with CRLF, and streams arrays where no events are asked for.
        matches!(deviation, Deviation::LineEnding | Deviation::Array)
    }

    /// White space: Google's own clients know no comments, and it fits between the items of an array as well.
    fn keep_alive(&self) -> &'static [u8] {
        b"\n"
    }

    /// Nothing: Google's own clients know no comments.
    fn comment(&self, _text: &str, _out: &mut Vec<u8>) {}

    fn stream_content_type_for(&self, spec: &ResponseSpec) -> &'static str {
        if wants_array(spec) { "application/json" } else { self.stream_content_type() }
    }
}
