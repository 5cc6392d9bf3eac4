//! One stream on its way from upstream to client: framing, then mending in place or decoding and encoding.

use crate::canonical::{
    DiagnosticCode, Diagnostics, Event, ResponseContext, ResponseSpec, ResponseSummary, call_id,
};
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
    summary: ResponseSummary,
    /// Signatures of calls go into their ids.
    carry: bool,
    diagnostics: Diagnostics,
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
        spec: &ResponseSpec,
        context: &ResponseContext,
        max_frame: usize,
    ) -> Self {
        let stream_repairer =
            if client.name() == upstream.name() { upstream.stream_repairer(spec, context) } else { None };
        let path = match stream_repairer {
            Some(stream_repairer) => Pipeline::Mend(stream_repairer),
            None => Pipeline::Translate(TranslationPipeline {
                decoder: upstream.decoder(spec, context),
                encoder: client.encoder(spec, context),
                events: Vec::new(),
                summary: ResponseSummary::for_spec(spec),
                carry: spec.signatures_in_ids,
                diagnostics: Diagnostics::default(),
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
    pub(super) fn set_elapsed(&mut self, since: Duration) {
        if let Pipeline::Translate(translation) = &mut self.path {
            translation.encoder.set_elapsed(since);
        }
    }

    pub(super) fn summary(&self) -> &ResponseSummary {
        match &self.path {
            Pipeline::Mend(stream_repairer) => stream_repairer.summary(),
            Pipeline::Translate(t) => &t.summary,
        }
    }

    /// The answer is complete or failed; what else comes does not matter.
    pub(super) fn is_over(&self) -> bool {
        let summary = self.summary();
        self.closed || summary.ended || summary.error.is_some()
    }

    pub(super) fn is_event_stream(&self) -> bool {
        self.framer.is_event_stream()
    }

    pub(super) fn diagnostics(&self) -> Diagnostics {
        let mut diagnostics = match &self.path {
            Pipeline::Mend(stream_repairer) => stream_repairer.diagnostics().clone(),
            Pipeline::Translate(t) => {
                let mut diagnostics = t.decoder.diagnostics().clone();
                diagnostics.extend(t.encoder.diagnostics());
                diagnostics.extend(&t.diagnostics);
                diagnostics
            }
        };
        note_framing(&self.framer, self.upstream, &mut diagnostics);
        diagnostics
    }
}

impl Pipeline {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Mend(stream_repairer) => stream_repairer.frame(frame, out),
            Self::Translate(t) => {
                t.decoder.frame(frame, &mut t.events);
                t.drain(out);
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Mend(stream_repairer) => stream_repairer.finish(out),
            Self::Translate(t) => {
                t.decoder.finish(&mut t.events);
                t.drain(out);
                t.encoder.finish(out);
            }
        }
    }

    fn fail(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        match self {
            Self::Mend(stream_repairer) => stream_repairer.fail(error, out),
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
            if self.carry && call_id::attach_to(&mut event) {
                self.diagnostics.record(DiagnosticCode::SignatureCarried, "tool_calls[].id", "");
            }
            self.summary.event(&event);
            self.encoder.event(&event, out);
        }
    }
}

/// Notes how a body was not framed as OpenAI frames it.
pub(super) fn note_framing(framer: &Framer, dialect: &dyn Dialect, diagnostics: &mut Diagnostics) {
    for deviation in framer.deviations().into_iter().filter(|d| !dialect.accepts_framing(*d)) {
        let (code, detail) = describe(deviation);
        diagnostics.record(code, "", detail);
    }
}

fn describe(deviation: Deviation) -> (DiagnosticCode, &'static str) {
    match deviation {
        Deviation::LineEnding => (DiagnosticCode::FramingRepaired, "line endings other than LF"),
        Deviation::Bom => (DiagnosticCode::FramingRepaired, "byte order mark"),
        Deviation::NoSpace => (DiagnosticCode::FramingRepaired, "no space after data:"),
        Deviation::MultiLine => (DiagnosticCode::FramingRepaired, "several data lines for one event"),
        Deviation::Fields => (DiagnosticCode::FramingRepaired, "event, id or retry lines"),
        Deviation::NoBlankLine => (DiagnosticCode::FramingRepaired, "no blank line between events"),
        Deviation::Unterminated => (DiagnosticCode::FramingRepaired, "no blank line after the last event"),
        Deviation::StrayLine => {
            (DiagnosticCode::FramingRepaired, "a line that is no server-sent event field")
        }
        Deviation::Ndjson => (DiagnosticCode::FramingRepaired, "JSON lines instead of an event stream"),
        Deviation::Array => (DiagnosticCode::FramingRepaired, "a JSON array instead of an event stream"),
        Deviation::WholeBody => {
            (DiagnosticCode::StreamSimulated, "one JSON document instead of an event stream")
        }
    }
}
