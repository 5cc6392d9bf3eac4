//! OpenAI's Responses.
//!
//! Reference: <https://platform.openai.com/docs/api-reference/responses> (read 2026-11).
//!
//! A conversation is a list of items here, and what the assistant does in one go is several of them: reasoning, messages,
//! calls. They become one message of the canonical model and are taken apart again. Where client and upstream both speak
//! this dialect, items pass as they are (`mend`).

mod auxiliary;
mod content_part;
mod decode;
mod decoded_items;
mod encode;
mod encoded_items;
mod encrypted_content;
mod error;
mod inline_reasoning;
mod repair;
mod request;
mod response;
mod response_object;
mod shape;
mod stored_responses;
mod tools;
mod usage;
pub mod wire;

use super::openai_headers;
use super::{
    AuxiliaryRoute, Decoder, Dialect, DialectHeaders, Encoded, Encoder, Endpoint, Repaired, Shape,
    StreamRepairer,
};
use crate::canonical::{
    CitedSources, Diagnostics, ExtraFieldList, Request, Response, ResponseContext, ResponseSpec,
};
use crate::error::{ClientError, Error, Unsupported, UpstreamError};
use crate::framing::Deviation;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

const NAME: &str = "openai-responses";

const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// The dialect `openai-responses`.
#[derive(Debug)]
pub struct OpenAiResponses;

impl Dialect for OpenAiResponses {
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
        Some(encrypted_content::FORMAT)
    }

    fn citations(&self, extra: &ExtraFieldList) -> CitedSources {
        super::read_citations(
            extra,
            &[("annotation", content_part::citations), ("annotations", content_part::citations)],
        )
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
        _context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Result<Response, UpstreamError> {
        let mut response = response::decode(body, diagnostics)?;
        inline_reasoning::whole(&mut response, spec, diagnostics);
        Ok(response)
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
        Box::new(inline_reasoning::InlineReasoningDecoder::new(spec))
    }

    fn encoder(&self, spec: &ResponseSpec, context: &ResponseContext) -> Box<dyn Encoder> {
        Box::new(encode::ResponsesEncoder::new(spec.clone(), context.clone(), false))
    }

    fn stream_repairer(
        &self,
        spec: &ResponseSpec,
        context: &ResponseContext,
    ) -> Option<Box<dyn StreamRepairer>> {
        Some(Box::new(repair::ResponsesMender::new(spec.clone(), context.clone())))
    }

    fn repair_response(
        &self,
        body: &[u8],
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Option<Result<Repaired, UpstreamError>> {
        Some(repair::whole(body, spec, context, diagnostics))
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
        encoded_items::write_event("error", &error::event(error, 0), out);
    }

    fn accepts_framing(&self, deviation: Deviation) -> bool {
        // Every event has its name before it.
        deviation == Deviation::Fields
    }

    fn keep_alive(&self) -> &'static [u8] {
        KEEP_ALIVE
    }
}
