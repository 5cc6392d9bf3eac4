//! Answers passed on as they came, in the form that the client wants, and followed by the decoder.

use super::decode::GeminiDecoder;
use super::encode::StreamFraming;
use super::{error, parts, read, response};
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, Event, ResponseContext, ResponseSpec, ResponseSummary, unfold,
};
use crate::dialect::{Decoder as _, Dialect as _, Repaired, StreamRepairer};
use crate::error::{Error, UpstreamError};
use crate::framing::Frame;
use crate::json::{Object, compact};

/// Passes a stream on.
pub(super) struct GeminiMender {
    decoder: GeminiDecoder,
    form: StreamFraming,
    /// A chunk that says why the answer ended: it is the last one, unless another says so again.
    held: Option<String>,
    diagnostics: Diagnostics,
    events: Vec<Event>,
    summary: ResponseSummary,
    over: bool,
}

impl GeminiMender {
    pub(super) fn new(spec: &ResponseSpec, context: &ResponseContext) -> Self {
        Self {
            decoder: GeminiDecoder::new(context.clone()),
            form: StreamFraming::of(spec),
            held: None,
            diagnostics: Diagnostics::default(),
            events: Vec::new(),
            summary: ResponseSummary::for_spec(spec),
            over: false,
        }
    }

    fn close(&mut self) {
        self.over = true;
        self.diagnostics.extend(self.decoder.diagnostics());
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        if let Some(held) = self.held.take() {
            self.form.write(&held, out);
        }
    }

    /// A candidate that goes on after its end has its end in its last chunk only.
    fn carry(&mut self, held: String, next: String) -> (String, String) {
        let (Some(before), Some(after)) = (read(&held), read(&next)) else { return (held, next) };
        let (mut first, mut second) = (candidates(&before), candidates(&after));
        let mut moved = false;
        for (index, ended) in &mut first {
            let Some((_, goes_on)) = second.iter_mut().find(|(other, _)| other == index) else { continue };
            if let Some(reason) = ended.remove("finishReason") {
                moved = true;
                if goes_on.non_null("finishReason").is_none() {
                    goes_on.set("finishReason", reason);
                }
            }
        }
        if !moved {
            return (held, next);
        }
        self.diagnostics.record(DiagnosticCode::FinishReasonRepeated, "candidates[].finishReason", "");
        (with_candidates(before, &first), with_candidates(after, &second))
    }

    /// Takes in what the decoder found; whether the stream failed, and the client was told.
    fn failed(&mut self, out: &mut Vec<u8>) -> bool {
        for event in self.events.drain(..) {
            self.summary.event(&event);
        }
        self.summary.content |= self.decoder.native;
        let Some(error) = self.summary.error.clone().filter(|_| !self.over) else { return self.over };
        self.flush(out);
        self.close();
        self.form.write(&error::envelope(&Error::Upstream(error)), out);
        self.form.end(out);
        true
    }
}

impl StreamRepairer for GeminiMender {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        let (Frame::Event { data, .. } | Frame::Line(data) | Frame::Body(data)) = frame;
        let taken = self.decoder.take(data, &mut self.events);
        if self.failed(out) || !taken {
            return;
        }
        let text = String::from_utf8_lossy(data);
        let mut chunk = compact(text.trim()).into_owned();
        if let Some(held) = self.held.take() {
            let (held, next) = self.carry(held, chunk);
            self.form.write(&held, out);
            chunk = next;
        }
        if has_ending(&chunk) {
            self.held = Some(chunk);
        } else {
            self.form.write(&chunk, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        self.flush(out);
        self.decoder.finish(&mut self.events);
        if !self.failed(out) {
            self.form.end(out);
            self.close();
        }
    }

    fn fail(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        if !self.over {
            self.events.push(Event::Error(error.clone()));
            self.failed(out);
        }
    }

    fn summary(&self) -> &ResponseSummary {
        &self.summary
    }

    fn diagnostics(&self) -> &Diagnostics {
        if self.over { &self.diagnostics } else { self.decoder.diagnostics() }
    }
}

/// Whether a chunk says why an answer ended.
fn has_ending(chunk: &str) -> bool {
    let spelled = chunk.contains("finishReason") || chunk.contains("finish_reason");
    spelled
        && read(chunk).is_some_and(|chunk| {
            candidates(&chunk).iter().any(|(_, candidate)| candidate.non_null("finishReason").is_some())
        })
}

/// The candidates of a chunk, by their index.
fn candidates(chunk: &Object<'_>) -> Vec<(u64, Object<'static>)> {
    let items = chunk.array("candidates").unwrap_or_default().into_iter().enumerate();
    items
        .filter_map(|(at, item)| {
            let candidate = read(item)?.into_owned();
            Some((candidate.u64("index").unwrap_or(at as u64), candidate))
        })
        .collect()
}

fn with_candidates(mut chunk: Object<'_>, candidates: &[(u64, Object<'static>)]) -> String {
    let candidates: Vec<_> = candidates.iter().map(|(_, candidate)| candidate.to_json()).collect();
    chunk.set("candidates", format!("[{}]", candidates.join(",")));
    chunk.to_json()
}

/// Passes a whole answer on; a stream that came as an array is written as one answer.
pub(super) fn whole(
    body: &[u8],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Repaired, UpstreamError> {
    let answer = response::decode(body, context, diagnostics)?;
    let mut summary = ResponseSummary::for_spec(spec);
    for event in unfold(&answer) {
        summary.event(&event);
    }
    let native =
        |block: &Block| matches!(block, Block::Text { extra, .. } if extra.get(parts::WHOLE).is_some());
    summary.content |= answer.choices.iter().flat_map(|choice| &choice.blocks).any(native);
    let array = body.trim_ascii_start().first() == Some(&b'[');
    let body = array.then(|| super::Gemini.encode_response(&answer, spec, context, diagnostics));
    Ok(Repaired { body, summary })
}
