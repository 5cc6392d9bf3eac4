//! Streams and responses for a client of this dialect: the upstream's chunks go out as they are, in the framing of the client's
//! request. A decoder observes them, and each candidate gets its finish reason in its last chunk only.

use super::argument_objects::with_argument_objects;
use super::decode::{GeminiDecoder, objects_in_chunk};
use super::json_keys::parse_object;
use super::repeated_calls::RepeatedCalls;
use super::stream_framing::StreamFraming;
use super::{error, extra_fields, response, usage};
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, Event, ResponseContext, ResponseSpec, ResponseSummary, unfold,
};
use crate::dialect::{Decoder as _, Repaired, StreamRepairer};
use crate::error::{Error, UpstreamError};
use crate::framing::Frame;
use crate::json::{Object, compact};
use std::borrow::Cow;

/// Repairs a stream.
pub(super) struct GeminiRepairer {
    decoder: GeminiDecoder,
    framing: StreamFraming,
    /// The last chunk, if it has a finish reason: a later chunk may move that reason to itself.
    held_chunk: Option<String>,
    /// The decoder's diagnostics and those of this repairer, once the stream has ended.
    diagnostics: Diagnostics,
    /// The events of the current frame.
    events: Vec<Event>,
    summary: ResponseSummary,
    is_ended: bool,
}

impl GeminiRepairer {
    pub(super) fn new(spec: &ResponseSpec, context: &ResponseContext) -> Self {
        Self {
            decoder: GeminiDecoder::observing(context.clone()),
            framing: StreamFraming::of(spec),
            held_chunk: None,
            diagnostics: Diagnostics::default(),
            events: Vec::new(),
            summary: ResponseSummary::for_spec(spec),
            is_ended: false,
        }
    }

    fn end(&mut self) {
        self.is_ended = true;
        self.diagnostics.extend(self.decoder.diagnostics());
    }

    fn write_held_chunk(&mut self, out: &mut Vec<u8>) {
        if let Some(chunk) = self.held_chunk.take() {
            self.framing.write(&chunk, out);
        }
    }

    /// Takes the finish reasons out of the held chunk: a part of the response is missing, and an error follows.
    fn drop_finish_reasons(&mut self) {
        let held = self.held_chunk.take();
        self.held_chunk = held.map(|chunk| match parse_object(&chunk) {
            Some(object) => {
                let mut candidates = candidates(&object);
                for candidate in &mut candidates {
                    candidate.object.remove("finishReason");
                }
                with_candidates(object, &candidates)
            }
            None => chunk.clone(),
        });
    }

    /// Moves the finish reasons of candidates that continue in the next chunk to that chunk.
    fn move_finish_reasons(&mut self, chunks: ChunkPair) -> ChunkPair {
        let (Some(first), Some(second)) = (parse_object(&chunks.first), parse_object(&chunks.second)) else {
            return chunks;
        };
        let (mut finished, mut continued) = (candidates(&first), candidates(&second));
        let mut has_moved = false;
        for candidate in &mut finished {
            let Some(later) = continued.iter_mut().find(|later| later.index == candidate.index) else {
                continue;
            };
            if let Some(reason) = candidate.object.remove("finishReason") {
                has_moved = true;
                if later.object.non_null("finishReason").is_none() {
                    later.object.set("finishReason", reason);
                }
            }
        }
        if !has_moved {
            return chunks;
        }
        self.diagnostics.record(DiagnosticCode::FinishReasonRepeated, "candidates[].finishReason", "");
        ChunkPair { first: with_candidates(first, &finished), second: with_candidates(second, &continued) }
    }

    /// Adds the frame's events to the summary, and writes a failure. Returns whether the stream has ended.
    fn take_events(&mut self, out: &mut Vec<u8>) -> bool {
        for event in self.events.drain(..) {
            self.summary.event(&event);
        }
        self.summary.content |= self.decoder.has_native_parts;
        self.summary.answer |= self.decoder.has_native_parts;
        let Some(error) = self.summary.error.clone().filter(|_| !self.is_ended) else {
            return self.is_ended;
        };
        self.write_held_chunk(out);
        self.end();
        self.framing.write_error(&error::envelope(&Error::Upstream(error)), out);
        self.framing.end(out);
        true
    }
}

/// Two chunks that follow one another.
struct ChunkPair {
    first: String,
    second: String,
}

impl StreamRepairer for GeminiRepairer {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        let (Frame::Event { data, .. } | Frame::Line(data) | Frame::Body(data)) = frame;
        if let Frame::Event { event, .. } = frame
            && self.decoder.error_event(event, data, &mut self.events)
        {
            self.take_events(out);
            return;
        }
        if let Some(objects) = objects_in_chunk(data) {
            self.diagnostics.record(DiagnosticCode::FramingRepaired, "", "several chunks in one");
            for object in objects {
                self.frame(Frame::Line(object), out);
            }
            return;
        }
        let is_response = self.decoder.push_chunk(data, &mut self.events);
        if self.take_events(out) || !is_response {
            return;
        }
        let repaired = self.decoder.repaired_chunk.take();
        let text = repaired.map_or_else(|| String::from_utf8_lossy(data), Cow::Owned);
        let mut chunk = compact(text.trim()).into_owned();
        if self.decoder.diagnostics().has(DiagnosticCode::UsageShaped) {
            chunk = usage::with_numbers(&chunk).unwrap_or(chunk);
        }
        if let Some(shaped) = with_argument_objects(&chunk, &mut self.diagnostics) {
            chunk = shaped;
        }
        if let Some(held) = self.held_chunk.take() {
            let chunks = self.move_finish_reasons(ChunkPair { first: held, second: chunk });
            self.framing.write(&chunks.first, out);
            chunk = chunks.second;
        }
        if has_finish_reason(&chunk) {
            self.held_chunk = Some(chunk);
        } else {
            self.framing.write(&chunk, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.is_ended {
            return;
        }
        if self.decoder.lacks_content() {
            self.drop_finish_reasons();
        }
        self.write_held_chunk(out);
        self.decoder.finish(&mut self.events);
        if !self.take_events(out) {
            self.framing.end(out);
            self.end();
        }
    }

    fn fail(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        if !self.is_ended {
            self.events.push(Event::Error(error.clone()));
            self.take_events(out);
        }
    }

    fn summary(&self) -> &ResponseSummary {
        &self.summary
    }

    fn diagnostics(&self) -> &Diagnostics {
        if self.is_ended { &self.diagnostics } else { self.decoder.diagnostics() }
    }
}

/// Whether any candidate of a chunk has a finish reason.
fn has_finish_reason(chunk: &str) -> bool {
    let has_key = chunk.contains("finishReason") || chunk.contains("finish_reason");
    has_key
        && parse_object(chunk).is_some_and(|chunk| {
            candidates(&chunk).iter().any(|candidate| candidate.object.non_null("finishReason").is_some())
        })
}

/// A candidate of a chunk.
struct Candidate {
    index: u64,
    object: Object<'static>,
}

fn candidates(chunk: &Object<'_>) -> Vec<Candidate> {
    let items = chunk.array("candidates").unwrap_or_default().into_iter().enumerate();
    items
        .filter_map(|(i, item)| {
            let object = parse_object(item)?.into_owned();
            Some(Candidate { index: object.u64("index").unwrap_or(i as u64), object })
        })
        .collect()
}

fn with_candidates(mut chunk: Object<'_>, candidates: &[Candidate]) -> String {
    let candidates: Vec<_> = candidates.iter().map(|candidate| candidate.object.to_json()).collect();
    chunk.set("candidates", format!("[{}]", candidates.join(",")));
    chunk.to_json()
}

/// Passes a non-streaming response on; a stream that arrived as an array is encoded as one response.
pub(super) fn repair_response(
    body: &[u8],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Repaired, UpstreamError> {
    let response = response::decode(body, context, diagnostics)?;
    let mut summary = ResponseSummary::for_spec(spec);
    for event in unfold(&response) {
        summary.event(&event);
    }
    let is_native = |block: &Block| matches!(block, Block::Text { extra, .. } if extra.get(extra_fields::NATIVE_PART).is_some());
    let has_native = response.choices.iter().flat_map(|choice| &choice.blocks).any(is_native);
    summary.content |= has_native;
    summary.answer |= has_native;
    let is_array = body.trim_ascii_start().first() == Some(&b'[');
    let body = if is_array {
        Some(response::encode(&response, spec, context, diagnostics))
    } else {
        let text = String::from_utf8_lossy(body);
        // Decoding has reported them.
        let shortened = RepeatedCalls::default().drop_from(&text, &mut Diagnostics::default());
        let text = shortened.as_deref().map_or(text, Cow::Borrowed);
        let shaped = with_argument_objects(&text, diagnostics);
        let is_usage_shaped = diagnostics.has(DiagnosticCode::UsageShaped);
        let counted = is_usage_shaped.then(|| usage::with_numbers(shaped.as_deref().unwrap_or(&text)));
        counted.flatten().or(shaped).or(shortened.clone()).map(String::into_bytes)
    };
    Ok(Repaired { body, summary })
}
