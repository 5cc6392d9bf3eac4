//! Non-streaming responses, which are a stream of one line, to `Response` and back.

use super::super::{Decoder, Encoder};
use super::decode::ToyDecoder;
use super::encode::ToyEncoder;
use super::wire::write_line;
use crate::canonical::{Diagnostics, Response, ResponseContext, ResponseSpec, fold, unfold};
use crate::error::UpstreamError;
use crate::framing::Frame;
use crate::json::{Object, encode_string};

/// Decodes a response.
pub(super) fn decode(
    body: &[u8],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Response, UpstreamError> {
    let (mut decoder, mut events) = (ToyDecoder::new(spec, context.clone()), Vec::new());
    decoder.frame(Frame::Body(body), &mut events);
    decoder.finish(&mut events);
    diagnostics.extend(decoder.diagnostics());
    *context = decoder.into_context();
    fold(&events)
}

/// Encodes a response: the lines of its stream in one.
pub(super) fn encode(response: &Response, spec: &ResponseSpec, diagnostics: &mut Diagnostics) -> Vec<u8> {
    let (mut encoder, mut lines) = (ToyEncoder::new(spec), Vec::new());
    for event in unfold(response) {
        encoder.event(&event, &mut lines);
    }
    encoder.finish(&mut lines);
    diagnostics.extend(encoder.diagnostics());
    let (mut line, mut says, mut calls) = (Object::new(), String::new(), Vec::new());
    for part in lines.split(|b| *b == b'\n').filter_map(|part| Object::parse(part).ok()) {
        says.push_str(&part.str("says").unwrap_or_default());
        calls.extend(part.array("calls").unwrap_or_default().into_iter().map(str::to_owned));
        for (key, value) in part.iter() {
            line.set(key.to_owned(), value.to_owned());
        }
    }
    if !says.is_empty() {
        line.set("says", encode_string(&says));
    }
    if !calls.is_empty() {
        line.set("calls", format!("[{}]", calls.join(",")));
    }
    let mut out = Vec::new();
    write_line(&mut out, &line.to_json());
    out
}
