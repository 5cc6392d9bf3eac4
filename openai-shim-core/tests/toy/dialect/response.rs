//! Whole answers: a stream of one line.

use super::super::{Decoder, Encoder};
use super::decode::ToyDecoder;
use super::encode::ToyEncoder;
use super::wire::write_line;
use crate::canonical::{ResponseContext, ResponseSpec, Diagnostics, Response, fold, unfold};
use crate::error::UpstreamError;
use crate::framing::Frame;
use crate::json::{Object, encode_string};

/// Reads an answer.
pub(super) fn decode(
    body: &[u8],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Response, UpstreamError> {
    let (mut decoder, mut events) = (ToyDecoder::new(spec.clone(), context.clone()), Vec::new());
    decoder.frame(Frame::Body(body), &mut events);
    decoder.finish(&mut events);
    diagnostics.extend(decoder.diagnostics());
    *context = decoder.into_context();
    fold(&events)
}

/// Writes an answer: the lines of its stream in one.
pub(super) fn encode(response: &Response, spec: &ResponseSpec, diagnostics: &mut Diagnostics) -> Vec<u8> {
    let (mut encoder, mut lines) = (ToyEncoder::new(spec), Vec::new());
    for event in unfold(response) {
        encoder.event(&event, &mut lines);
    }
    encoder.finish(&mut lines);
    diagnostics.extend(encoder.diagnostics());
    let (mut whole, mut says, mut calls) = (Object::new(), String::new(), Vec::new());
    for line in lines.split(|b| *b == b'\n').filter_map(|line| Object::parse(line).ok()) {
        says.push_str(&line.str("says").unwrap_or_default());
        calls.extend(line.array("calls").unwrap_or_default().into_iter().map(str::to_owned));
        for (key, value) in line.iter() {
            whole.set(key.to_owned(), value.to_owned());
        }
    }
    if !says.is_empty() {
        whole.set("says", encode_string(&says));
    }
    if !calls.is_empty() {
        whole.set("calls", format!("[{}]", calls.join(",")));
    }
    let mut out = Vec::new();
    write_line(&mut out, &whole.to_json());
    out
}
