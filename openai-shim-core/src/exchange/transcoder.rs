//! One stream on its way from upstream to client: framing, then mending in place or decoding and encoding.

use crate::canonical::{Code, Diagnostics, Event, ResponseSpec, ResponseSummary, carry};
use crate::dialect::{Decoder, Dialect, Encoder, StreamRepairer};
use crate::error::UpstreamError;
use crate::framing::{Deviation, Frame, FrameTooLarge, Framer};
use std::time::Duration;

/// One stream on its way through.
pub(super) struct Transcoder {
    framer: Framer,
    upstream: &'static dyn Dialect,
    path: Pipeline,
    /// Nothing may be written any more.
    closed: bool,
}

enum Pipeline {
    /// Both sides speak the same dialect: frames are mended in place.
    Mend(Box<dyn StreamRepairer>),
    /// Frames become events, and events the other dialect's frames.
    Translate(TranslationPipeline),
}

struct TranslationPipeline {
    decoder: Box<dyn Decoder>,
    encoder: Box<dyn Encoder>,
    events: Vec<Event>,
    seen: ResponseSummary,
    /// Signatures of calls go into their ids.
    carry: bool,
    notes: Diagnostics,
}

impl std::fmt::Debug for Transcoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transcoder").field("framer", &self.framer).finish_non_exhaustive()
    }
}

impl Transcoder {
    pub(super) fn new(
        client: &dyn Dialect,
        upstream: &'static dyn Dialect,
        asked: &ResponseSpec,
        max_frame: usize,
    ) -> Self {
        let mender = if client.name() == upstream.name() { upstream.mender(asked) } else { None };
        let path = match mender {
            Some(mender) => Pipeline::Mend(mender),
            None => Pipeline::Translate(TranslationPipeline {
                decoder: upstream.decoder(asked),
                encoder: client.encoder(asked),
                events: Vec::new(),
                seen: ResponseSummary::keeping(asked),
                carry: asked.carry_signatures,
                notes: Diagnostics::default(),
            }),
        };
        Self { framer: Framer::new(max_frame), upstream, path, closed: false }
    }

    pub(super) fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), FrameTooLarge> {
        if self.closed {
            return Ok(());
        }
        let path = &mut self.path;
        self.framer.push(chunk, &mut |frame| path.frame(frame, out))
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        let path = &mut self.path;
        self.framer.finish(&mut |frame| path.frame(frame, out));
        path.finish(out);
    }

    pub(super) fn fail(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.closed, true) {
            self.path.fail(error, out);
        }
    }

    /// How long ago the request was sent.
    pub(super) fn elapsed(&mut self, since: Duration) {
        if let Pipeline::Translate(translation) = &mut self.path {
            translation.encoder.elapsed(since);
        }
    }

    pub(super) fn seen(&self) -> &ResponseSummary {
        match &self.path {
            Pipeline::Mend(mender) => mender.seen(),
            Pipeline::Translate(t) => &t.seen,
        }
    }

    /// The answer is complete or failed; what else comes does not matter.
    pub(super) fn is_over(&self) -> bool {
        let seen = self.seen();
        self.closed || seen.ended || seen.error.is_some()
    }

    pub(super) fn is_event_stream(&self) -> bool {
        self.framer.is_event_stream()
    }

    pub(super) fn notes(&self) -> Diagnostics {
        let mut notes = match &self.path {
            Pipeline::Mend(mender) => mender.notes().clone(),
            Pipeline::Translate(t) => {
                let mut notes = t.decoder.notes().clone();
                notes.extend(t.encoder.notes());
                notes.extend(&t.notes);
                notes
            }
        };
        note_framing(&self.framer, self.upstream, &mut notes);
        notes
    }
}

impl Pipeline {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Mend(mender) => mender.frame(frame, out),
            Self::Translate(t) => {
                t.decoder.frame(frame, &mut t.events);
                t.drain(out);
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Mend(mender) => mender.finish(out),
            Self::Translate(t) => {
                t.decoder.finish(&mut t.events);
                t.drain(out);
                t.encoder.finish(out);
            }
        }
    }

    fn fail(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        match self {
            Self::Mend(mender) => mender.fail(error, out),
            Self::Translate(t) => {
                t.events.push(Event::Error(error.clone()));
                t.drain(out);
                t.encoder.finish(out);
            }
        }
    }
}

impl TranslationPipeline {
    fn drain(&mut self, out: &mut Vec<u8>) {
        for mut event in self.events.drain(..) {
            if self.carry && carry::pack_into(&mut event) {
                self.notes.note(Code::SignatureCarried, "tool_calls[].id", "");
            }
            self.seen.event(&event);
            self.encoder.event(&event, out);
        }
    }
}

/// Notes how a body was not framed as OpenAI frames it.
pub(super) fn note_framing(framer: &Framer, dialect: &dyn Dialect, notes: &mut Diagnostics) {
    for deviation in framer.deviations().into_iter().filter(|d| !dialect.frames_so(*d)) {
        let (code, detail) = describe(deviation);
        notes.note(code, "", detail);
    }
}

fn describe(deviation: Deviation) -> (Code, &'static str) {
    match deviation {
        Deviation::LineEnding => (Code::FramingRepaired, "line endings other than LF"),
        Deviation::Bom => (Code::FramingRepaired, "byte order mark"),
        Deviation::NoSpace => (Code::FramingRepaired, "no space after data:"),
        Deviation::MultiLine => (Code::FramingRepaired, "several data lines for one event"),
        Deviation::Fields => (Code::FramingRepaired, "event, id or retry lines"),
        Deviation::NoBlankLine => (Code::FramingRepaired, "no blank line between events"),
        Deviation::Unterminated => (Code::FramingRepaired, "no blank line after the last event"),
        Deviation::StrayLine => (Code::FramingRepaired, "a line that is no server-sent event field"),
        Deviation::Ndjson => (Code::FramingRepaired, "JSON lines instead of an event stream"),
        Deviation::Array => (Code::FramingRepaired, "a JSON array instead of an event stream"),
        Deviation::WholeBody => (Code::StreamSimulated, "one JSON document instead of an event stream"),
    }
}
