//! OpenAI's text completions, which came before chat: a prompt in, its continuation out.
//!
//! Reference: <https://platform.openai.com/docs/api-reference/completions> (read 2026-11).
//!
//! A prompt becomes one message of the user, and a conversation one prompt: by the template of the profile, if it names
//! one. Answers are read tolerantly in one place, `mend`, for clients of this dialect and of others.

mod decode;
mod encode;
mod logprobs;
mod repair;
mod request;
mod response;
mod shape;
mod usage;
pub mod wire;

use super::openai_error as error;
use super::openai_headers;
use super::{Decoder, Dialect, DialectHeaders, Encoded, Encoder, Endpoint, Repaired, Shape, StreamRepairer};
use crate::canonical::{Diagnostics, FinishReason, Request, Response, ResponseContext, ResponseSpec};
use crate::error::{ClientError, Error, Unsupported, UpstreamError};
use crate::json::decode_string;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

const NAME: &str = "openai-completions";

/// What `ResponseSpec::echo` holds for clients of this dialect: the prompt, where it is to stand before the answer, or only that
/// the client speaks this dialect.
const ECHO: &str = "prompt";
const OWN: &str = "own";

/// Says in a response or a stream that the upstream itself has put the prompt before the answer.
const ECHOED: &str = ".echoed";

/// The dialect `openai-completions`.
#[derive(Debug)]
pub struct OpenAiCompletions;

impl Dialect for OpenAiCompletions {
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
        Some(Box::new(repair::CompletionsMender::new(spec.clone(), context.clone())))
    }

    fn repair_response(
        &self,
        body: &[u8],
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Option<Result<Repaired, UpstreamError>> {
        Some(response::mend(body, spec, context, diagnostics))
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

/// Whether the client speaks this dialect, too: its text is then left as it is.
fn is_own(spec: &ResponseSpec) -> bool {
    !spec.echoed_params.of(NAME).is_empty()
}

/// The prompt that is to stand before the answer.
fn prompt(spec: &ResponseSpec) -> Option<String> {
    let prompt = spec.echoed_params.of(NAME).iter().find(|(key, _)| key == ECHO);
    prompt.and_then(|(_, value)| decode_string(value.get())).map(std::borrow::Cow::into_owned)
}

/// The meaning of one of this dialect's words.
fn reason(word: &str) -> FinishReason {
    match word {
        "length" => FinishReason::Length,
        "content_filter" => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

/// This dialect's word for a reason.
fn word(reason: &FinishReason) -> &'static str {
    match reason {
        FinishReason::Length => "length",
        FinishReason::ContentFilter | FinishReason::Refusal => "content_filter",
        FinishReason::Stop | FinishReason::StopSequence(_) | FinishReason::ToolCalls => "stop",
    }
}
