//! Anthropic's Messages API.
//!
//! Reference: <https://docs.anthropic.com/en/api/messages> (read 2026-11).
//!
//! Blocks that the API's own tools make (`server_tool_use`, `web_search_tool_result`, …) mean nothing elsewhere: they are
//! kept whole, come back where this dialect is spoken on both sides, and are reported where it is not.

mod auxiliary;
mod content_block;
mod decode;
mod encode;
mod error;
mod repair;
mod request;
mod response;
mod shape;
mod usage;
pub mod wire;

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

const NAME: &str = "anthropic-messages";

/// What others call the form of this API's signatures.
const FORMAT: &str = "anthropic-claude-v1";

/// The dialect `anthropic-messages`.
#[derive(Debug)]
pub struct Anthropic;

impl Dialect for Anthropic {
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
        Some(FORMAT)
    }

    fn citations(&self, extra: &ExtraFieldList) -> CitedSources {
        super::read_citations(extra, &[("citation", response::citations), ("citations", response::citations)])
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

    fn decoder(&self, _spec: &ResponseSpec, _context: &ResponseContext) -> Box<dyn Decoder> {
        Box::new(decode::MessagesDecoder::default())
    }

    fn encoder(&self, spec: &ResponseSpec, context: &ResponseContext) -> Box<dyn Encoder> {
        Box::new(encode::MessagesEncoder::new(spec.clone(), context.clone()))
    }

    fn stream_repairer(
        &self,
        spec: &ResponseSpec,
        context: &ResponseContext,
    ) -> Option<Box<dyn StreamRepairer>> {
        Some(Box::new(repair::MessagesMender::new(spec.clone(), context.clone())))
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
        error::encode_in_stream(error, out);
    }

    fn accepts_framing(&self, deviation: Deviation) -> bool {
        deviation == Deviation::Fields
    }

    fn keep_alive(&self) -> &'static [u8] {
        b"event: ping\ndata: {\"type\":\"ping\"}\n\n"
    }
}

/// Writes one event of a stream.
fn write_event(out: &mut Vec<u8>, name: &str, json: &str) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.push(b'\n');
    crate::framing::write_event(out, |out| out.extend_from_slice(json.as_bytes()));
}
