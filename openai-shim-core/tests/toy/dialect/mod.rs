//! The dialect `toy`: an invented wire format, the worked example of a new dialect.
//!
//! | file | what goes in and what comes out |
//! |---|---|
//! | `mod` | [`Toy`], this dialect's implementation of [`WireFormat`] |
//! | `request` | request JSON to `Request` and back |
//! | `response` | non-streaming responses: a stream of one line to `Response` and back |
//! | `decode` | an upstream's lines to events |
//! | `encode` | events to a client's lines |
//! | `error` | errors to `{"fault":…}` and back |
//! | `wire` | what requests and responses share: calls, finish reasons, token counts, extra fields, lines |
//!
//! It shows that a dialect is a folder and two lines: `.ci/toy.sh` copies this folder to `src/dialect/toy/` of a copy of the
//! tree, and adds `pub mod toy;` and `&toy::Toy,` in [`DIALECTS`](super::DIALECTS) to `src/dialect/mod.rs`.
//!
//! `POST /toy/talk` is the request, with turns of `rules`, `person`, `machine` and `tool`:
//!
//! ```json
//! {"model":"m","stream":true,"talk":[{"who":"person","says":"hi"}],
//!  "tools":[{"name":"weather","about":"of a city","takes":{"type":"object"}}],"must":"weather","longest":100}
//! ```
//!
//! A stream is JSON lines, and a non-streaming response is a stream of one line:
//!
//! ```json
//! {"model":"m","says":"Let me look. "}
//! {"calls":[{"id":"c1","tool":"weather","with":{"city":"Oslo"}}]}
//! {"end":"calls","tokens":{"read":3,"written":2}}
//! ```
//!
//! An error is `{"fault":{"kind":"no-key","text":"…"}}`, with its status or as the last line of a stream.
//!
//! There is no media, no reasoning, and one choice: everything else is dropped and recorded.

mod decode;
mod encode;
mod error;
mod request;
mod response;
mod wire;

use super::params::{Params, param};
use super::{
    Decoder, Dialect, Encoded, Encoder, Endpoint, Passthrough, Repaired, StreamRepairer, WireFormat, pass,
};
use crate::canonical::{Diagnostics, Request, Response, ResponseContext, ResponseSpec};
use crate::error::{ClientError, Error, Unsupported, UpstreamError};
use crate::framing::Deviation;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use wire::NAME;

/// The dialect `toy`.
#[derive(Debug)]
pub struct Toy;

/// Returns whether lines may go out as the upstream sent them.
fn as_it_comes(spec: &ResponseSpec) -> bool {
    spec.local_stops.is_empty() && !spec.restore_alias
}

/// The parameters that this dialect has.
static PARAMS: Params =
    Params(&[param("max_tokens", "longest"), param("temperature", "heat"), param("stop", "until")]);

/// The dialect.
pub const DIALECT: Dialect = Dialect::of(&Toy);

impl WireFormat for Toy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn params(&self) -> &'static Params {
        &PARAMS
    }

    fn applies_stops(&self) -> bool {
        true
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
        Box::new(decode::ToyDecoder::new(spec, context.clone()))
    }

    fn encoder(&self, spec: &ResponseSpec, _context: &ResponseContext) -> Box<dyn Encoder> {
        Box::new(encode::ToyEncoder::new(spec))
    }

    fn stream_repairer(
        &self,
        spec: &ResponseSpec,
        context: &ResponseContext,
    ) -> Option<Box<dyn StreamRepairer>> {
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

    /// Clients skip blank lines.
    fn keep_alive(&self) -> &'static [u8] {
        b"\n"
    }

    /// The format has no comments: every line is part of the response.
    fn comment(&self, _text: &str, _out: &mut Vec<u8>) {}

    fn stream_content_type(&self) -> &'static str {
        "application/x-ndjson"
    }
}
