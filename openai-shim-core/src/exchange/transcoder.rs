//! [`Transcoder`]: upstream stream bytes to client stream bytes, by framing, then repairing frames or decoding and encoding.

use super::answer_media::MediaTranslator;
use super::call_arguments::CallArguments;
use super::closing_tags::ClosingTagFilter;
use super::frame_intake::FrameIntake;
use super::inline_reasoning::InlineReasoning;
use super::reasoning_probe::{ReasoningProbe, Verdict};
use super::tool_names::{ToolNames, restore_in_event, restore_in_output};
use crate::canonical::{
    DiagnosticCode, Diagnostics, Event, ResponseContext, ResponseSpec, ResponseSummary, call_id,
};
use crate::dialect::{Decoder, Dialect, Encoder, StreamRepairer};
use crate::error::UpstreamError;
use crate::framing::{Deviation, Frame, FrameTooLarge, Framer};
use std::time::Duration;

/// Converts one stream, whatever the boundaries of its chunks.
pub(super) struct Transcoder {
    framer: Framer,
    intake: FrameIntake,
    upstream: Dialect,
    pipeline: Pipeline,
    /// The client's stream has ended: nothing more is written.
    is_closed: bool,
}

enum Pipeline {
    /// Both sides have the same dialect: frames are repaired, or passed on as they are.
    Repair(RepairPipeline),
    /// Frames of one dialect are decoded to events, which are encoded to frames of the other.
    Translate(TranslationPipeline),
}

struct RepairPipeline {
    repairer: Box<dyn StreamRepairer>,
    tool_names: ToolNames,
    /// `None`: all text passes as it is, or the repairer takes reasoning out of it.
    probe: Option<ReasoningProbe>,
    /// `None` as for `probe`.
    closing_tags: Option<ClosingTagFilter>,
}

struct TranslationPipeline {
    decoder: Box<dyn Decoder>,
    encoder: Box<dyn Encoder>,
    events: Vec<Event>,
    summary: ResponseSummary,
    /// Signatures of tool calls are attached to their ids.
    signatures_in_ids: bool,
    reasoning: InlineReasoning,
    arguments: CallArguments,
    media: MediaTranslator,
    tool_names: ToolNames,
    diagnostics: Diagnostics,
}

impl std::fmt::Debug for Transcoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transcoder").field("framer", &self.framer).finish_non_exhaustive()
    }
}

impl Transcoder {
    pub(super) fn new(
        client: Dialect,
        upstream: Dialect,
        spec: &ResponseSpec,
        context: &ResponseContext,
        max_frame_bytes: usize,
    ) -> Self {
        // Arguments with other names are not repaired in place.
        let is_repaired = client.name() == upstream.name() && spec.property_names.is_empty();
        let repairer = if is_repaired { upstream.stream_repairer(spec, context) } else { None };
        let pipeline = match repairer {
            Some(repairer) => {
                let probe = ReasoningProbe::new(upstream, spec, context);
                let closing_tags = probe.as_ref().and_then(|_| ClosingTagFilter::new(upstream));
                let tool_names = spec.tool_names.clone();
                Pipeline::Repair(RepairPipeline { repairer, tool_names, probe, closing_tags })
            }
            None => Pipeline::Translate(TranslationPipeline::new(client, upstream, spec, context)),
        };
        Self {
            framer: Framer::new(max_frame_bytes),
            intake: FrameIntake::default(),
            upstream,
            pipeline,
            is_closed: false,
        }
    }

    pub(super) fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), FrameTooLarge> {
        if self.is_closed {
            return Ok(());
        }
        let (pipeline, intake) = (&mut self.pipeline, &mut self.intake);
        self.framer.push(chunk, &mut |frame| intake.frame(frame, &mut |frame| pipeline.frame(frame, out)))
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.is_closed, true) {
            return;
        }
        let (pipeline, intake) = (&mut self.pipeline, &mut self.intake);
        self.framer.finish(&mut |frame| intake.frame(frame, &mut |frame| pipeline.frame(frame, out)));
        intake.finish(&mut |frame| pipeline.frame(frame, out));
        pipeline.decide(Verdict::Plain, out);
        pipeline.finish(out);
    }

    pub(super) fn fail(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.is_closed, true) {
            let pipeline = &mut self.pipeline;
            self.intake.finish(&mut |frame| pipeline.frame(frame, out));
            pipeline.decide(Verdict::Plain, out);
            pipeline.fail(error, out);
        }
    }

    /// Sets how long ago the request was sent.
    pub(super) fn set_elapsed(&mut self, elapsed: Duration) {
        if let Pipeline::Translate(translation) = &mut self.pipeline {
            translation.encoder.set_elapsed(elapsed);
        }
    }

    /// What the stream has brought so far.
    pub(super) fn summary(&self) -> &ResponseSummary {
        match &self.pipeline {
            Pipeline::Repair(repair) => repair.repairer.summary(),
            Pipeline::Translate(translation) => &translation.summary,
        }
    }

    /// Whether the response is complete or has failed: further bytes do not matter.
    pub(super) fn is_over(&self) -> bool {
        let summary = self.summary();
        self.is_closed || summary.ended || summary.error.is_some()
    }

    /// The JSON document that came instead of a stream.
    pub(super) fn document(&self) -> Option<&[u8]> {
        self.intake.document()
    }

    pub(super) fn is_event_stream(&self) -> bool {
        self.framer.is_event_stream()
    }

    pub(super) fn diagnostics(&self) -> Diagnostics {
        let mut diagnostics = match &self.pipeline {
            Pipeline::Repair(repair) => {
                let mut diagnostics = repair.repairer.diagnostics().clone();
                repair.closing_tags.iter().for_each(|tags| diagnostics.extend(tags.diagnostics()));
                diagnostics
            }
            Pipeline::Translate(translation) => {
                let mut diagnostics = translation.decoder.diagnostics().clone();
                diagnostics.extend(translation.encoder.diagnostics());
                diagnostics.extend(&translation.diagnostics);
                diagnostics.extend(&translation.reasoning.diagnostics);
                diagnostics.extend(&translation.arguments.diagnostics);
                diagnostics.extend(&translation.media.diagnostics);
                diagnostics
            }
        };
        self.intake.report(&mut diagnostics);
        record_framing(&self.framer, self.upstream, &mut diagnostics);
        diagnostics
    }
}

impl Pipeline {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Repair(RepairPipeline { probe: Some(probe), .. }) => {
                let verdict = probe.frame(frame);
                self.decide(verdict, out);
            }
            Self::Repair(repair) => repair.frame(frame, out),
            Self::Translate(translation) => {
                translation.decoder.frame(frame, &mut translation.events);
                translation.encode_events(out);
            }
        }
    }

    /// Ends the probe: chooses how the stream is converted, and converts the frames that waited for that.
    fn decide(&mut self, verdict: Verdict, out: &mut Vec<u8>) {
        if verdict == Verdict::Unknown {
            return;
        }
        let Self::Repair(RepairPipeline { probe, .. }) = self else { return };
        let Some(probe) = probe.take() else { return };
        if verdict == Verdict::Tagged {
            let (dialect, spec, context) = probe.side();
            *self = Self::Translate(TranslationPipeline::new(dialect, dialect, spec, context));
        }
        for frame in probe.into_frames() {
            self.frame(frame.as_frame(), out);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Repair(repair) => repair.end(out, |repairer, out| repairer.finish(out)),
            Self::Translate(translation) => {
                translation.decoder.finish(&mut translation.events);
                translation.encode_events(out);
                translation.encoder.finish(out);
            }
        }
    }

    fn fail(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        match self {
            Self::Repair(repair) => repair.end(out, |repairer, out| repairer.fail(error, out)),
            Self::Translate(translation) => {
                translation.events.push(Event::Error(error.clone()));
                translation.encode_events(out);
                translation.encoder.finish(out);
            }
        }
    }
}

impl RepairPipeline {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        let Some(mut closing_tags) = self.closing_tags.take() else {
            return self.write(out, |repairer, out| repairer.frame(frame, out));
        };
        closing_tags.frame(frame, &mut |frame| self.write(out, |repairer, out| repairer.frame(frame, out)));
        self.closing_tags = Some(closing_tags);
    }

    /// Passes on the frames that wait, and ends the stream.
    fn end(&mut self, out: &mut Vec<u8>, end: impl FnOnce(&mut dyn StreamRepairer, &mut Vec<u8>)) {
        if let Some(mut closing_tags) = self.closing_tags.take() {
            closing_tags.release(&mut |frame| self.write(out, |repairer, out| repairer.frame(frame, out)));
            self.closing_tags = Some(closing_tags);
        }
        self.write(out, end);
    }

    /// Lets the repairer write, and restores the names of tools in what it wrote.
    fn write(&mut self, out: &mut Vec<u8>, write: impl FnOnce(&mut dyn StreamRepairer, &mut Vec<u8>)) {
        let start = out.len();
        write(&mut *self.repairer, out);
        restore_in_output(out, start, &self.tool_names);
    }
}

impl TranslationPipeline {
    fn new(client: Dialect, upstream: Dialect, spec: &ResponseSpec, context: &ResponseContext) -> Self {
        Self {
            decoder: upstream.decoder(spec, context),
            encoder: client.encoder(spec, context),
            events: Vec::new(),
            summary: ResponseSummary::for_spec(spec),
            signatures_in_ids: spec.signatures_in_ids,
            reasoning: InlineReasoning::new(upstream, spec),
            arguments: CallArguments::new(spec),
            media: MediaTranslator::new(upstream, client),
            tool_names: spec.tool_names.clone(),
            diagnostics: Diagnostics::default(),
        }
    }

    /// Encodes the decoded events and adds them to the summary.
    fn encode_events(&mut self, out: &mut Vec<u8>) {
        let Self {
            events,
            reasoning,
            arguments,
            media,
            signatures_in_ids,
            tool_names,
            diagnostics,
            summary,
            encoder,
            ..
        } = self;
        let mut events = events.drain(..).peekable();
        while let Some(event) = events.next() {
            reasoning.event(event, events.peek(), &mut |event| {
                media.event(event, &mut |event| {
                    arguments.event(event, &mut |mut event| {
                        if *signatures_in_ids && call_id::attach_to(&mut event) {
                            diagnostics.record(DiagnosticCode::SignatureCarried, "tool_calls[].id", "");
                        }
                        restore_in_event(&mut event, tool_names);
                        summary.event(&event);
                        encoder.event(&event, out);
                    });
                });
            });
        }
        summary.content |= media.has_media;
        summary.answer |= media.has_media;
    }
}

/// Records how a body's framing deviates from the dialect's.
pub(super) fn record_framing(framer: &Framer, dialect: Dialect, diagnostics: &mut Diagnostics) {
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
        Deviation::Nested => (DiagnosticCode::FramingRepaired, "an event stream inside an event stream"),
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
