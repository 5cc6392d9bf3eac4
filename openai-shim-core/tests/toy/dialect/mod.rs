//! A wire format of our own invention: the worked example of a new dialect, and the proof that one is a folder and a line.
//! `.ci/toy.sh` puts this folder at `src/dialect/toy/` of a copy, and `toy: Toy;` into the registry.
//!
//! `POST /toy/talk` asks, with turns of `rules`, `person`, `machine` and `tool`:
//!
//! ```json
//! {"model":"m","stream":true,"talk":[{"who":"person","says":"hi"}],
//!  "tools":[{"name":"weather","about":"of a city","takes":{"type":"object"}}],"must":"weather","longest":100}
//! ```
//!
//! A stream is JSON lines, and a whole answer is a stream of one line:
//!
//! ```json
//! {"model":"m","says":"Let me look. "}
//! {"calls":[{"id":"c1","tool":"weather","with":{"city":"Oslo"}}]}
//! {"end":"calls","tokens":{"read":3,"written":2}}
//! ```
//!
//! A failure is `{"fault":{"kind":"no-key","text":"…"}}`, with its status or as the last line of a stream.
//!
//! There are no pictures, no thoughts, and one answer: whatever else a client or an upstream says is reported as lost.

mod decode;
mod encode;
mod error;
mod request;
mod response;
mod wire;

use super::{Decoder, Dialect, Encoded, Encoder, Endpoint, Repaired, StreamRepairer, Passthrough, pass};
use crate::canonical::{ResponseContext, ResponseSpec, Diagnostics, Request, Response};
use crate::error::{ClientError, Error, Unsupported, UpstreamError};
use crate::framing::Deviation;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// The name, and that under which leftovers are kept.
const NAME: &str = "toy";

/// The dialect `toy`.
#[derive(Debug)]
pub struct Toy;

/// Whether lines may pass as the upstream wrote them.
fn as_it_comes(spec: &ResponseSpec) -> bool {
    spec.local_stops.is_empty() && !spec.restore_alias
}

impl Dialect for Toy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn endpoints(&self) -> &'static [Endpoint] {
        &[Endpoint { method: "POST", path: "/toy/talk" }]
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
        _context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Vec<u8> {
        response::encode(response, spec, diagnostics)
    }

    fn decoder(&self, spec: &ResponseSpec, context: &ResponseContext) -> Box<dyn Decoder> {
        Box::new(decode::ToyDecoder::new(spec.clone(), context.clone()))
    }

    fn encoder(&self, spec: &ResponseSpec, _context: &ResponseContext) -> Box<dyn Encoder> {
        Box::new(encode::ToyEncoder::new(spec))
    }

    fn stream_repairer(&self, spec: &ResponseSpec, context: &ResponseContext) -> Option<Box<dyn StreamRepairer>> {
        as_it_comes(spec).then(|| Box::new(Passthrough::new(&Toy, spec, context)) as Box<dyn StreamRepairer>)
    }

    fn repair_response(
        &self,
        body: &[u8],
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Option<Result<Repaired, UpstreamError>> {
        as_it_comes(spec).then(|| pass(self, body, spec, context, diagnostics))
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
        matches!(deviation, Deviation::Ndjson | Deviation::WholeBody)
    }

    /// A blank line says nothing.
    fn keep_alive(&self) -> &'static [u8] {
        b"\n"
    }

    /// There is no place for remarks: every line is a part of the answer.
    fn comment(&self, _text: &str, _out: &mut Vec<u8>) {}

    fn stream_content_type(&self) -> &'static str {
        "application/x-ndjson"
    }
}
