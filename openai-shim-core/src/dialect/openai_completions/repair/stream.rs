//! A stream: frames in, mended chunks out.

use super::super::error;
use super::{CompletionIdentity, CompletionReader, RepairedChoice, RepairedCompletion};
use crate::canonical::{DiagnosticCode, Diagnostics, ResponseContext, ResponseSpec, StreamUsage, Usage};
use crate::error::UpstreamError;
use crate::framing::Frame;
use crate::json::Object;
use std::collections::BTreeMap;

/// Where mended chunks go.
pub(in super::super) trait ChunkSink {
    /// A chunk; `source` is its own text where nothing was changed.
    fn chunk(&mut self, answer: &RepairedCompletion, head: &CompletionIdentity, source: Option<&[u8]>);
    /// Token counts and their JSON, after all chunks; whether the client wants to see them.
    fn usage(&mut self, counts: &UsageSpan, head: &CompletionIdentity, shown: bool);
    /// The stream failed.
    fn error(&mut self, error: &UpstreamError);
    /// The stream is complete.
    fn done(&mut self);
}

/// Token counts, as they go out at the end.
pub(in super::super) struct UsageSpan {
    pub(in super::super) usage: Usage,
    /// Their JSON.
    pub(in super::super) written: String,
    /// The upstream's own chunk, where it needs no mending.
    pub(in super::super) source: Option<Vec<u8>>,
}

/// One stream.
pub(in super::super) struct StreamState {
    pub(in super::super) reader: CompletionReader,
    /// Which answers came, and whether each is finished.
    choices: Vec<(u32, bool)>,
    /// Where each of them stands.
    places: BTreeMap<u32, usize>,
    usage: Option<UsageSpan>,
    frames: u32,
    /// What is said may be complete without a word about it: it is one JSON document.
    document: bool,
    done_seen: bool,
    closed: bool,
    /// It was ended by us: what follows is of no interest.
    cut: bool,
    /// Something was said.
    said: bool,
    /// What the body is, if it is no stream at all.
    foreign: Option<&'static str>,
}

impl StreamState {
    pub(in super::super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        Self {
            reader: CompletionReader::new(spec, context),
            choices: Vec::new(),
            places: BTreeMap::new(),
            usage: None,
            frames: 0,
            document: false,
            done_seen: false,
            closed: false,
            cut: false,
            said: false,
            foreign: None,
        }
    }

    fn diagnostics(&mut self) -> &mut Diagnostics {
        &mut self.reader.diagnostics
    }

    /// Takes one frame.
    pub(in super::super) fn frame(&mut self, frame: Frame<'_>, sink: &mut dyn ChunkSink) {
        match frame {
            Frame::Event { event, data } => self.data(event, data, false, sink),
            Frame::Line(line) => self.data(None, line, true, sink),
            Frame::Body(body) if body.starts_with(b"<") => self.foreign = Some("HTML"),
            Frame::Body(body) => match Object::parse(body) {
                Ok(object) => self.object(None, &object, body, true, sink),
                Err(e) if e.is_eof() => self.fail(&UpstreamError::Truncated, sink),
                Err(_) => self.foreign = Some("text"),
            },
        }
    }

    fn data(&mut self, event: Option<&str>, data: &[u8], bare: bool, sink: &mut dyn ChunkSink) {
        let data = data.trim_ascii();
        if data.is_empty() {
            return;
        }
        if self.closed || self.done_seen {
            if data != b"[DONE]" && !self.cut {
                self.diagnostics().record(DiagnosticCode::DataAfterDone, "", "");
            }
        } else if data == b"[DONE]" {
            self.done_seen = true;
            self.close(sink);
        } else if let Ok(object) = Object::parse(data) {
            if self.foreign.take().is_some() && !bare {
                self.diagnostics().record(DiagnosticCode::FrameCorrupt, "", "not JSON");
            }
            self.object(event, &object, data, bare, sink);
        } else if data.contains(&b'\n') && starts_with_json_line(data) {
            // Several events under one blank line.
            data.split(|b| *b == b'\n').for_each(|line| self.data(event, line, bare, sink));
        } else if self.choices.is_empty() && !data.starts_with(b"{") {
            self.foreign = Some("text");
        } else {
            self.diagnostics().record(DiagnosticCode::FrameCorrupt, "", "not JSON");
        }
    }

    fn object(
        &mut self,
        event: Option<&str>,
        object: &Object<'_>,
        source: &[u8],
        bare: bool,
        sink: &mut dyn ChunkSink,
    ) {
        if self.closed {
            return;
        }
        let choices = object.array("choices").is_some_and(|list| !list.is_empty());
        if error::is_error(object) || (event == Some("error") && !choices) {
            let failure = error::in_body(object, self.diagnostics())
                .unwrap_or_else(|| UpstreamError::malformed("The upstream reported an error in its stream."));
            if choices && let Ok(mut beside) = self.reader.read(object) {
                // What was said beside it stays said; the error is its ending.
                beside.strict = false;
                beside.pieces.retain(|piece| !piece.text.is_empty());
                beside.pieces.iter_mut().for_each(|piece| piece.finish = None);
                self.chunk(beside, source, sink);
            }
            self.fail(&failure, sink);
            return;
        }
        match self.reader.read(object) {
            Ok(answer) => {
                self.frames = self.frames.saturating_add(1);
                self.document = bare && self.frames == 1 && !answer.pieces.iter().any(|piece| piece.goes_on);
                self.chunk(answer, source, sink);
                if !self.reader.spec.local_stops.is_empty()
                    && self.reader.all_stopped()
                    && !self.waits_for_usage()
                {
                    self.cut = true;
                    self.close(sink);
                }
            }
            Err(failure) => self.fail(&failure, sink),
        }
    }

    fn waits_for_usage(&self) -> bool {
        self.reader.spec.stream_usage != StreamUsage::None
    }

    fn chunk(&mut self, mut answer: RepairedCompletion, source: &[u8], sink: &mut dyn ChunkSink) {
        if let Some(usage) = answer.usage.take() {
            // It goes out by itself, at the end.
            if !answer.pieces.is_empty() && self.reader.spec.stream_usage == StreamUsage::Client {
                self.diagnostics().record(DiagnosticCode::UsageMoved, "usage", "");
            }
            let alone = answer.pieces.is_empty() && answer.strict;
            let (usage, written) = usage;
            self.usage = Some(UsageSpan { usage, written, source: alone.then(|| source.to_vec()) });
            answer.strict = false;
            if answer.pieces.is_empty() {
                return;
            }
        }
        let head = self.reader.head();
        let before = answer.pieces.len();
        for piece in &mut answer.pieces {
            let Some(at) = self.places.get(&piece.index).copied() else {
                self.places.insert(piece.index, self.choices.len());
                self.choices.push((piece.index, piece.finish.is_some()));
                piece.goes_on = true;
                continue;
            };
            let Some((_, finished)) = self.choices.get_mut(at) else { continue };
            if *finished {
                let (late, again) = (!piece.text.is_empty(), piece.finish.take().is_some());
                if again {
                    piece.strict = false;
                    self.reader.diagnostics.record(
                        DiagnosticCode::FinishReasonRepeated,
                        "choices[].finish_reason",
                        "",
                    );
                }
                if late {
                    self.reader.diagnostics.record(DiagnosticCode::ContentAfterFinish, "choices[].text", "");
                }
                // A chunk that says nothing more is left out.
                piece.goes_on = late || piece.logprobs.is_some() || piece.strict;
            } else {
                *finished = piece.finish.is_some();
                piece.goes_on = true;
            }
        }
        let known = self.choices.len();
        answer.pieces.retain(|piece| piece.goes_on || piece.finish.is_some() || !piece.text.is_empty());
        if answer.pieces.is_empty() && (before > 0 || !answer.strict) {
            if before == 0 && known == 0 && answer.extra.is_empty() {
                self.diagnostics().record(DiagnosticCode::FrameForeign, "", "");
            }
            return;
        }
        self.said |= answer.pieces.iter().any(|piece| !piece.text.is_empty());
        let strict = answer.is_strict() && answer.pieces.len() == before;
        sink.chunk(&answer, &head, strict.then_some(source));
    }

    /// The body has ended.
    pub(in super::super) fn finish(&mut self, sink: &mut dyn ChunkSink) {
        if self.closed {
            return;
        }
        if self.choices.is_empty() {
            let corrupt = self.diagnostics().has(DiagnosticCode::FrameCorrupt);
            let error = match self.foreign {
                Some("HTML") => UpstreamError::malformed("The upstream answered with an HTML page."),
                Some(_) => UpstreamError::malformed(
                    "The upstream answered with text that is neither JSON nor an event stream.",
                ),
                None if corrupt => UpstreamError::Truncated,
                None => UpstreamError::Empty,
            };
            self.fail(&error, sink);
        } else if !self.document && self.choices.iter().any(|(_, finished)| !finished) {
            self.fail(&UpstreamError::Truncated, sink);
        } else {
            if !self.document {
                self.diagnostics().record(DiagnosticCode::DoneMissing, "", "");
            }
            self.close(sink);
        }
    }

    /// The stream broke or reported an error.
    pub(in super::super) fn fail(&mut self, error: &UpstreamError, sink: &mut dyn ChunkSink) {
        let broken = matches!(error, UpstreamError::Truncated | UpstreamError::Transport { .. });
        if broken && !self.closed && !self.choices.is_empty() && self.choices.iter().all(|(_, f)| *f) {
            // Every answer has said that it is complete: what broke off held nothing of them.
            self.diagnostics().record(DiagnosticCode::DoneMissing, "", "");
            self.close(sink);
            return;
        }
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        self.release(sink);
        match error {
            UpstreamError::Truncated | UpstreamError::Transport { .. } => {
                self.diagnostics().record(DiagnosticCode::StreamTruncated, "", "");
            }
            // What was said stays said; the error follows it.
            _ if self.said => self.diagnostics().record(DiagnosticCode::ErrorInStream, "", ""),
            UpstreamError::Status(_) => {
                self.diagnostics().record(DiagnosticCode::StatusPromoted, "", "an error came as a success");
            }
            _ => {}
        }
        // A connection that broke in the middle of an answer is a cut answer.
        let error = match error {
            UpstreamError::Transport { .. } if self.said => &UpstreamError::Truncated,
            other => other,
        };
        sink.error(error);
    }

    /// Says what was held back.
    fn release(&mut self, sink: &mut dyn ChunkSink) {
        let pieces = self.reader.release();
        if !pieces.is_empty() {
            self.say(pieces, sink);
        }
    }

    fn say(&mut self, pieces: Vec<RepairedChoice>, sink: &mut dyn ChunkSink) {
        let head = self.reader.head();
        self.said |= pieces.iter().any(|piece| !piece.text.is_empty());
        sink.chunk(&RepairedCompletion { pieces, ..RepairedCompletion::default() }, &head, None);
    }

    /// Says what is still to be said, and ends the stream.
    fn close(&mut self, sink: &mut dyn ChunkSink) {
        if self.choices.is_empty() {
            self.fail(&UpstreamError::Empty, sink);
            return;
        }
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        self.release(sink);
        let open: Vec<u32> = self.choices.iter().filter(|(_, finished)| !finished).map(|(i, _)| *i).collect();
        for index in open {
            self.diagnostics().record(DiagnosticCode::FinishReasonDerived, "choices[].finish_reason", "");
            self.say(vec![RepairedChoice { index, finish: Some("stop"), ..RepairedChoice::default() }], sink);
        }
        let (head, spec) = (self.reader.head(), &self.reader.spec);
        let requested_by = spec.stream_usage;
        let shown = requested_by == StreamUsage::Client;
        if let Some(counts) = self.usage.take() {
            if requested_by == StreamUsage::None {
                self.diagnostics().record(DiagnosticCode::UsageUnasked, "usage", "");
            }
            sink.usage(&counts, &head, shown);
        } else if shown {
            self.diagnostics().record(DiagnosticCode::UsageMissing, "usage", "");
            let usage = Usage::default();
            let written = super::super::usage::write(usage);
            sink.usage(&UsageSpan { usage, written, source: None }, &head, true);
        }
        sink.done();
    }
}

fn starts_with_json_line(data: &[u8]) -> bool {
    let line = data.split(|b| *b == b'\n').next().unwrap_or_default().trim_ascii();
    line.starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}
