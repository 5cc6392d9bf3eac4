//! OpenAI's chat completions, and everything that is nearly that.
//!
//! Reference: <https://platform.openai.com/docs/api-reference/chat> (read 2026-11).
//!
//! Reading is tolerant and happens in one place, `mend`: it turns whatever an upstream sent into what OpenAI would have
//! sent, and notes each change. Where the client speaks this dialect too, that is all; else the mended chunks become
//! events (`decode`).

mod auxiliary;
mod citations;
mod decode;
mod embeddings;
mod encode;
mod reasoning_details;
mod repair;
mod request;
mod response;
mod shape;
mod tool_call;
pub mod wire;

use super::openai_error as error;
use super::openai_headers;
use super::{
    AuxiliaryRoute, Decoder, Dialect, DialectHeaders, Encoded, Encoder, Endpoint, Repaired, Shape,
    StreamRepairer,
};
use crate::canonical::{
    CitedSources, Diagnostics, ExtraFieldList, Request, Response, ResponseContext, ResponseSpec,
};
use crate::error::{ClientError, Error, Unsupported, UpstreamError};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

const NAME: &str = "openai-chat";

/// The members of a message or delta that the canonical model has a place for.
const SAID: [&str; 5] = ["role", "content", "reasoning_content", "refusal", "tool_calls"];

/// Notes members that came from another dialect.
fn note_lost(extra: &crate::canonical::ExtraFieldList, at: &str, diagnostics: &mut Diagnostics) {
    extra
        .dropped_keys(NAME)
        .for_each(|key| diagnostics.record(crate::canonical::DiagnosticCode::ExtraDropped, at, key));
}

/// The dialect `openai-chat`.
#[derive(Debug)]
pub struct OpenAiChat;

impl Dialect for OpenAiChat {
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
        Some(Box::new(repair::ChatRepairer::new(spec.clone(), context.clone())))
    }

    fn repair_response(
        &self,
        body: &[u8],
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Option<Result<Repaired, UpstreamError>> {
        Some(repair::whole(body, spec, context, diagnostics).map(|(object, summary)| Repaired {
            summary: response::noting(&object, summary, spec),
            body: object.is_changed().then(|| {
                let mut out = Vec::with_capacity(body.len() + 64);
                object.write(&mut out);
                out
            }),
        }))
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
