//! A stream: frames in, repaired chunks to a [`ChunkSink`].

use super::super::completion_writer::CompletionIdentity;
use super::super::{error, usage};
use super::choice::RepairedChoice;
use super::completion::{CompletionReader, RepairedCompletion, RepairedUsage};
use crate::canonical::{
    DiagnosticCode, Diagnostics, ResponseContext, ResponseSpec, StreamUsage, Usage, html_page,
};
use crate::dialect::json_syntax::repair_json;
use crate::error::UpstreamError;
use crate::framing::Frame;
use crate::json::{Object, is_json_fragment, objects_in};
use std::collections::BTreeMap;

/// Receives repaired chunks.
pub(in super::super) trait ChunkSink {
    /// Takes a chunk; `source` is the upstream's own text of it where nothing was changed.
    fn chunk(
        &mut self,
        completion: &RepairedCompletion,
        identity: &CompletionIdentity,
        source: Option<&[u8]>,
    );
    /// Takes the token counts, after all chunks. `is_shown`: the client requested them.
    fn usage(&mut self, usage: &StreamedUsage, identity: &CompletionIdentity, is_shown: bool);
    /// Takes the error with which the stream ends.
    fn error(&mut self, error: &UpstreamError);
    /// Takes the stream's regular end.
    fn done(&mut self);
}

/// The stream's token counts, which go out at its end.
pub(in super::super) struct StreamedUsage {
    pub(in super::super) counts: Usage,
    pub(in super::super) json: String,
    /// The upstream's own chunk with them, where it needs no repair.
    pub(in super::super) source: Option<Vec<u8>>,
}

/// The state of one stream.
pub(in super::super) struct StreamState {
    pub(in super::super) reader: CompletionReader,
    phase: Phase,
    choices: Vec<StreamedChoice>,
    /// The position of each choice in the list, by its index.
    positions: BTreeMap<u32, usize>,
    usage: Option<StreamedUsage>,
    objects: u32,
    /// The last frame was a whole JSON document, so that no `[DONE]` need follow.
    is_document: bool,
    has_text: bool,
    /// A frame with content could not be read.
    is_corrupt: bool,
    /// The error with which the stream will end: a choice failed, or lacks something.
    failure: Option<UpstreamError>,
}

/// How far a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Chunks are expected.
    Open,
    /// The body began with something that is no stream; a chunk that follows revises that.
    NotAStream(BodyKind),
    /// Stop sequences applied here ended every choice: later frames are ignored without a diagnostic.
    EndedLocally,
    /// The regular end went out.
    Finished,
    /// An error went out.
    Failed,
}

impl Phase {
    /// Whether nothing more is sent.
    fn has_ended(self) -> bool {
        matches!(self, Self::EndedLocally | Self::Finished | Self::Failed)
    }
}

/// What a body is that is no stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyKind {
    Html,
    Text,
}

struct StreamedChoice {
    index: u32,
    is_finished: bool,
}

/// What surrounds the JSON of a chunk.
#[derive(Debug, Clone, Copy)]
enum Envelope<'n> {
    /// A server-sent event and its name.
    Event(Option<&'n str>),
    /// Nothing: the JSON is a line or the whole body.
    Bare,
}

impl<'n> Envelope<'n> {
    fn event_name(self) -> Option<&'n str> {
        match self {
            Self::Event(name) => name,
            Self::Bare => None,
        }
    }
}

impl StreamState {
    pub(in super::super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        Self {
            reader: CompletionReader::new(spec, context),
            phase: Phase::Open,
            choices: Vec::new(),
            positions: BTreeMap::new(),
            usage: None,
            objects: 0,
            is_document: false,
            has_text: false,
            is_corrupt: false,
            failure: None,
        }
    }

    fn diagnostics(&mut self) -> &mut Diagnostics {
        &mut self.reader.diagnostics
    }

    /// Repairs one frame.
    pub(in super::super) fn frame(&mut self, frame: Frame<'_>, sink: &mut dyn ChunkSink) {
        match frame {
            Frame::Event { event, data } => self.data(Envelope::Event(event), data, sink),
            Frame::Line(line) => self.data(Envelope::Bare, line, sink),
            Frame::Body(_) if self.phase.has_ended() => {}
            Frame::Body(body) if body.starts_with(b"<") => self.phase = Phase::NotAStream(BodyKind::Html),
            Frame::Body(body) => match Object::parse(body) {
                Ok(object) => self.object(Envelope::Bare, &object, body, sink),
                Err(e) if e.is_eof() => self.fail(&UpstreamError::Truncated, sink),
                Err(_) => match repair_json(body, self.diagnostics()) {
                    Some(repaired) => self.frame(Frame::Body(repaired.as_bytes()), sink),
                    None => self.phase = Phase::NotAStream(BodyKind::Text),
                },
            },
        }
    }

    /// Repairs the data of an event, or a line.
    fn data(&mut self, envelope: Envelope<'_>, data: &[u8], sink: &mut dyn ChunkSink) {
        let data = data.trim_ascii();
        if data.is_empty() {
            return;
        }
        if self.phase.has_ended() {
            if data != b"[DONE]" && self.phase != Phase::EndedLocally {
                self.diagnostics().record(DiagnosticCode::DataAfterDone, "", "");
            }
        } else if data == b"[DONE]" {
            self.close(Phase::Finished, sink);
        } else if let Ok(object) = Object::parse(data) {
            if matches!(self.phase, Phase::NotAStream(_)) {
                self.phase = Phase::Open;
                if matches!(envelope, Envelope::Event(_)) {
                    self.diagnostics().record(DiagnosticCode::FrameCorrupt, "", "not JSON");
                }
            }
            self.object(envelope, &object, data, sink);
        } else if let Some(objects) = objects_in(data) {
            self.diagnostics().record(DiagnosticCode::FramingRepaired, "", "several events in one");
            for object in objects {
                self.data(envelope, object, sink);
            }
        } else if let Some(error) = error::of_error_event(envelope.event_name(), data) {
            self.fail(&error, sink);
        } else if let Some(repaired) = repair_json(data, self.diagnostics()) {
            self.data(envelope, repaired.as_bytes(), sink);
        } else if self.choices.is_empty() && !data.starts_with(b"{") {
            self.phase = Phase::NotAStream(BodyKind::Text);
        } else {
            self.is_corrupt |= is_json_fragment(data);
            self.diagnostics().record(DiagnosticCode::FrameCorrupt, "", "not JSON");
        }
    }

    /// Repairs a JSON object: an error or a chunk.
    fn object(
        &mut self,
        envelope: Envelope<'_>,
        object: &Object<'_>,
        source: &[u8],
        sink: &mut dyn ChunkSink,
    ) {
        if self.phase.has_ended() {
            return;
        }
        let has_choices = object.array("choices").is_some_and(|list| !list.is_empty());
        let failure = if object.get("choices").is_some() {
            let is_error = error::is_error(object);
            is_error.then(|| error::decode_in_body(object, self.diagnostics())).flatten()
        } else {
            error::in_any_form(object, self.diagnostics())
                .or_else(|| error::of_error_event(envelope.event_name(), source))
        };
        if let Some(failure) = failure {
            if has_choices && let Ok(mut content) = self.reader.read(object) {
                // The text beside the error goes out; the error takes the place of its finish reason.
                content.has_strict_fields = false;
                content.choices.retain(|choice| !choice.text.is_empty());
                content.choices.iter_mut().for_each(|choice| choice.finish_reason = None);
                self.chunk(content, source, sink);
            }
            self.fail(&failure, sink);
            return;
        }
        match self.reader.read(object) {
            Ok(completion) => {
                self.objects = self.objects.saturating_add(1);
                self.is_document = matches!(envelope, Envelope::Bare)
                    && self.objects == 1
                    && !completion.choices.iter().any(|choice| choice.is_unfinished);
                self.chunk(completion, source, sink);
                if !self.reader.spec.local_stops.is_empty()
                    && self.reader.all_stopped()
                    && !self.expects_usage()
                {
                    self.close(Phase::EndedLocally, sink);
                }
            }
            Err(failure) => self.fail(&failure, sink),
        }
    }

    fn expects_usage(&self) -> bool {
        self.reader.spec.stream_usage != StreamUsage::None
    }

    /// Sends a repaired chunk; its usage is kept for the end of the stream.
    fn chunk(&mut self, mut completion: RepairedCompletion, source: &[u8], sink: &mut dyn ChunkSink) {
        if let Some(RepairedUsage { counts, json }) = completion.usage.take() {
            if !completion.choices.is_empty() && self.reader.spec.stream_usage == StreamUsage::Client {
                self.diagnostics().record(DiagnosticCode::UsageMoved, "usage", "");
            }
            let is_usage_chunk = completion.choices.is_empty() && completion.has_strict_fields;
            let source = is_usage_chunk.then(|| source.to_vec());
            self.usage = Some(StreamedUsage { counts, json, source });
            completion.has_strict_fields = false;
            if completion.choices.is_empty() {
                return;
            }
        }
        let identity = self.reader.identity();
        let before = completion.choices.len();
        completion.choices.retain_mut(|choice| self.update_choice(choice));
        if completion.choices.is_empty() && (before > 0 || !completion.has_strict_fields) {
            if before == 0 && self.choices.is_empty() && completion.extra.is_empty() {
                self.diagnostics().record(DiagnosticCode::FrameForeign, "", "");
            }
            return;
        }
        self.has_text |= completion.choices.iter().any(|choice| !choice.text.is_empty());
        let is_strict = completion.is_strict() && completion.choices.len() == before;
        sink.chunk(&completion, &identity, is_strict.then_some(source));
    }

    /// Updates the state of a choice; returns whether the chunk's part of it goes out.
    fn update_choice(&mut self, choice: &mut RepairedChoice) -> bool {
        if let Some(failure) = choice.failure.take() {
            self.failure.get_or_insert(failure);
        }
        let known = self.positions.get(&choice.index).and_then(|at| self.choices.get(*at));
        if self.is_corrupt && choice.finish_reason.is_some() && known.is_none_or(|known| !known.is_finished) {
            // A part of the choice is missing: it did not end as the upstream says.
            self.failure.get_or_insert_with(UpstreamError::unreadable_part);
            (choice.finish_reason, choice.is_strict) = (None, false);
        }
        let Some(at) = self.positions.get(&choice.index).copied() else {
            self.positions.insert(choice.index, self.choices.len());
            let is_finished = choice.finish_reason.is_some();
            self.choices.push(StreamedChoice { index: choice.index, is_finished });
            return true;
        };
        let Some(state) = self.choices.get_mut(at) else { return true };
        if !state.is_finished {
            state.is_finished = choice.finish_reason.is_some();
            return true;
        }
        let diagnostics = &mut self.reader.diagnostics;
        if choice.finish_reason.take().is_some() {
            choice.is_strict = false;
            diagnostics.record(DiagnosticCode::FinishReasonRepeated, "choices[].finish_reason", "");
        }
        let has_text = !choice.text.is_empty();
        if has_text {
            diagnostics.record(DiagnosticCode::ContentAfterFinish, "choices[].text", "");
        }
        has_text || choice.logprobs.is_some() || choice.is_strict
    }

    /// Ends the stream at the end of the upstream's body.
    pub(in super::super) fn finish(&mut self, sink: &mut dyn ChunkSink) {
        if self.phase.has_ended() {
            return;
        }
        if self.choices.is_empty() {
            let is_corrupt = self.diagnostics().has(DiagnosticCode::FrameCorrupt);
            let error = match self.phase {
                Phase::NotAStream(BodyKind::Html) => html_page("an answer"),
                Phase::NotAStream(BodyKind::Text) => UpstreamError::malformed(
                    "The upstream answered with text that is neither JSON nor an event stream.",
                ),
                _ if is_corrupt => UpstreamError::Truncated,
                _ => UpstreamError::Empty,
            };
            self.fail(&error, sink);
        } else if self.failure.is_some()
            || (!self.is_document && self.choices.iter().any(|choice| !choice.is_finished))
        {
            self.fail(&UpstreamError::Truncated, sink);
        } else {
            if !self.is_document {
                self.diagnostics().record(DiagnosticCode::DoneMissing, "", "");
            }
            self.close(Phase::Finished, sink);
        }
    }

    /// Ends the stream with an error that the connection or the upstream reported.
    pub(in super::super) fn fail(&mut self, error: &UpstreamError, sink: &mut dyn ChunkSink) {
        let failure = self.failure.take();
        let error = match error {
            UpstreamError::Truncated | UpstreamError::Transport { .. } => failure.as_ref().unwrap_or(error),
            // The upstream's own error says more.
            _ => error,
        };
        let is_connection = matches!(error, UpstreamError::Truncated | UpstreamError::Transport { .. });
        if is_connection
            && !self.phase.has_ended()
            && !self.choices.is_empty()
            && self.choices.iter().all(|choice| choice.is_finished)
        {
            // Every choice has its finish reason: the connection broke after all content.
            self.diagnostics().record(DiagnosticCode::DoneMissing, "", "");
            self.close(Phase::Finished, sink);
            return;
        }
        if self.phase.has_ended() {
            return;
        }
        self.phase = Phase::Failed;
        self.send_withheld(sink);
        match error {
            UpstreamError::Truncated | UpstreamError::Transport { .. } => {
                self.diagnostics().record(DiagnosticCode::StreamTruncated, "", "");
            }
            // The text that went out stays; the error follows it.
            _ if self.has_text => self.diagnostics().record(DiagnosticCode::ErrorInStream, "", ""),
            UpstreamError::Status(_) => {
                self.diagnostics().record(DiagnosticCode::StatusPromoted, "", "an error came as a success");
            }
            _ => {}
        }
        // A connection that breaks after text leaves a truncated response.
        let error = match error {
            UpstreamError::Transport { .. } if self.has_text => &UpstreamError::Truncated,
            other => other,
        };
        sink.error(error);
    }

    /// Sends the text that was withheld because it might have been the beginning of a stop sequence.
    fn send_withheld(&mut self, sink: &mut dyn ChunkSink) {
        let choices = self.reader.take_withheld();
        if !choices.is_empty() {
            self.send_choices(choices, sink);
        }
    }

    /// Sends a chunk made here.
    fn send_choices(&mut self, choices: Vec<RepairedChoice>, sink: &mut dyn ChunkSink) {
        let identity = self.reader.identity();
        self.has_text |= choices.iter().any(|choice| !choice.text.is_empty());
        sink.chunk(&RepairedCompletion { choices, ..RepairedCompletion::default() }, &identity, None);
    }

    /// Sends what is withheld or missing and the regular end; `phase` is what the stream is in then.
    fn close(&mut self, phase: Phase, sink: &mut dyn ChunkSink) {
        if self.choices.is_empty() {
            self.fail(&UpstreamError::Empty, sink);
            return;
        }
        if self.phase.has_ended() {
            return;
        }
        if self.is_corrupt && self.choices.iter().any(|choice| !choice.is_finished) {
            self.failure.get_or_insert_with(UpstreamError::unreadable_part);
        }
        if let Some(failure) = self.failure.take() {
            self.fail(&failure, sink);
            return;
        }
        self.phase = phase;
        self.send_withheld(sink);
        let unfinished: Vec<u32> =
            self.choices.iter().filter(|choice| !choice.is_finished).map(|choice| choice.index).collect();
        for index in unfinished {
            self.diagnostics().record(DiagnosticCode::FinishReasonDerived, "choices[].finish_reason", "");
            let finish_reason = Some("stop");
            let choice = RepairedChoice { index, finish_reason, ..RepairedChoice::default() };
            self.send_choices(vec![choice], sink);
        }
        self.send_usage(sink);
        sink.done();
    }

    fn send_usage(&mut self, sink: &mut dyn ChunkSink) {
        let (identity, spec) = (self.reader.identity(), &self.reader.spec);
        let requested_by = spec.stream_usage;
        let is_shown = requested_by == StreamUsage::Client;
        if let Some(usage) = self.usage.take() {
            if requested_by == StreamUsage::None {
                self.diagnostics().record(DiagnosticCode::UsageNotRequested, "usage", "");
            }
            sink.usage(&usage, &identity, is_shown);
        } else if is_shown {
            self.diagnostics().record(DiagnosticCode::UsageMissing, "usage", "");
            let counts = Usage::default();
            let json = usage::write(counts);
            sink.usage(&StreamedUsage { counts, json, source: None }, &identity, true);
        }
    }
}
