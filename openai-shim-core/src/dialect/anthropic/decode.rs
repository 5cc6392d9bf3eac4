//! Streams: an upstream's frames to events.
//!
//! <https://docs.anthropic.com/en/docs/build-with-claude/streaming>

mod content_blocks;

use super::super::Decoder;
use super::names::NAME;
use super::stream_state::{FrameAction, FrameState, ResumePoint};
use super::usage::{self, UsageCounts};
use super::{conformance, error, extra_fields, response, stop_reason};
use crate::canonical::{
    DiagnosticCode, Diagnostics, Event, ExtraFieldList, ExtraFields, FinishReason, ResponseSpec, Usage,
    html_page, unfold,
};
use crate::dialect::json_syntax::repair_json;
use crate::dialect::openai_error::of_error_event;
use crate::error::UpstreamError;
use crate::framing::Frame;
use crate::json::{Object, RawJson, ValueKind, is_json_fragment, objects_in, value_kind};
use content_blocks::{LimitExceeded, OpenBlocks};
use std::borrow::Cow;

/// Decodes a stream.
#[derive(Default)]
pub(super) struct MessagesDecoder {
    pub(super) frame: FrameState,
    /// The `type` of the last frame.
    pub(super) frame_type: String,
    phase: Phase,
    blocks: OpenBlocks,
    finish_reason: Option<FinishReason>,
    counts: UsageCounts,
    /// A frame with content could not be read.
    is_corrupt: bool,
    /// The client offers tools: a stop reason that promises a call, with none, is a failure.
    has_tools: bool,
    /// The stop reason promised a call, and there is none.
    lacks_promised_calls: bool,
    /// The counts of the last `Event::Usage`.
    emitted_usage: Option<Usage>,
}

/// How far the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No `message_start` arrived. `foreign_body` is what arrived instead, if it is no stream at all.
    AwaitingStart { foreign_body: Option<ForeignBody> },
    /// The message has started.
    InMessage,
    /// `Event::End` or `Event::Error` went out.
    Ended,
}

impl Default for Phase {
    fn default() -> Self {
        Self::AwaitingStart { foreign_body: None }
    }
}

/// A body that is no event stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ForeignBody {
    Html,
    Text,
}

impl Decoder for MessagesDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) {
        self.frame.action = FrameAction::Pass;
        match frame {
            Frame::Event { event, data } => self.data(event, data, out),
            Frame::Line(line) => {
                self.data(None, line, out);
                self.frame.mark_deviant();
            }
            Frame::Body(body) => self.body(body, out),
        }
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        self.frame.action = FrameAction::Rewrite;
        if self.is_ended() {
            return;
        }
        if self.finish_reason.is_some() {
            self.frame.diagnostics.record(DiagnosticCode::DoneMissing, "", "message_stop");
            return self.complete(out);
        }
        let error = match self.phase {
            Phase::InMessage | Phase::Ended => UpstreamError::Truncated,
            Phase::AwaitingStart { foreign_body: Some(ForeignBody::Html) } => html_page("an answer"),
            Phase::AwaitingStart { foreign_body: Some(ForeignBody::Text) } => UpstreamError::malformed(
                "The upstream answered with text that is neither JSON nor an event stream.",
            ),
            Phase::AwaitingStart { foreign_body: None }
                if self.frame.diagnostics.has(DiagnosticCode::FrameCorrupt) =>
            {
                UpstreamError::Truncated
            }
            Phase::AwaitingStart { foreign_body: None } => UpstreamError::Empty,
        };
        self.fail(error, out);
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.frame.diagnostics
    }
}

impl MessagesDecoder {
    pub(super) fn new(spec: &ResponseSpec) -> Self {
        Self { has_tools: !spec.tools.is_empty(), ..Self::default() }
    }

    /// Returns where the stream stands, for an encoder that continues it.
    pub(super) fn resume_point(&self) -> ResumePoint {
        ResumePoint {
            open_block: self.blocks.resumed_block(),
            has_tool_calls: self.blocks.has_tool_calls,
            finish_reason: self.finish_reason.clone(),
        }
    }

    /// Records that the start of the newest block was passed on. Returns whether only this dialect has such blocks: then
    /// no event repeats it.
    pub(super) fn mark_start_passed(&mut self) -> bool {
        self.blocks.mark_start_passed()
    }

    /// Whether the stream has completed or failed.
    pub(super) fn is_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Ends the stream because its connection failed.
    pub(super) fn connection_lost(&mut self, error: &UpstreamError, out: &mut Vec<Event>) {
        let is_truncated = self.blocks.has_content && matches!(error, UpstreamError::Transport { .. });
        self.fail(if is_truncated { UpstreamError::Truncated } else { error.clone() }, out);
    }

    fn data(&mut self, event: Option<&str>, data: &[u8], out: &mut Vec<Event>) {
        let data = data.trim_ascii();
        if data.is_empty() {
            self.frame.action = FrameAction::Drop;
            return;
        }
        if data == b"[DONE]" {
            self.frame.diagnostics.record(DiagnosticCode::FrameForeign, "", "[DONE]");
            self.frame.action = FrameAction::Drop;
            return;
        }
        if self.is_ended() {
            self.frame.diagnostics.record(DiagnosticCode::DataAfterDone, "", "");
            self.frame.action = FrameAction::Drop;
            return;
        }
        match Object::parse(data) {
            Ok(object) => self.object(event, &object, out),
            Err(_) if self.several_objects(data, out) => self.frame.action = FrameAction::Rewrite,
            Err(_) if self.error_event(event, data, out) => {}
            Err(_) if self.repaired_object(event, data, out) => self.frame.action = FrameAction::Rewrite,
            Err(_) => {
                self.frame.action = FrameAction::Drop;
                match &mut self.phase {
                    Phase::AwaitingStart { foreign_body } if !data.starts_with(b"{") => {
                        *foreign_body = Some(ForeignBody::Text);
                    }
                    _ => {
                        self.is_corrupt |= self.finish_reason.is_none() && is_json_fragment(data);
                        self.frame.diagnostics.record(DiagnosticCode::FrameCorrupt, "", "not JSON");
                    }
                }
            }
        }
    }

    /// Decodes several events without a blank line between them. Returns false if there are not several.
    fn several_objects(&mut self, data: &[u8], out: &mut Vec<Event>) -> bool {
        let Some(objects) = objects_in(data) else { return false };
        self.frame.diagnostics.record(DiagnosticCode::FramingRepaired, "", "several events in one");
        for object in objects {
            self.data(None, object, out);
        }
        true
    }

    /// Ends the stream with an error that is a text. Returns false if it is none.
    fn error_event(&mut self, event: Option<&str>, data: &[u8], out: &mut Vec<Event>) -> bool {
        let Some(error) = of_error_event(event, data) else { return false };
        self.fail(error, out);
        true
    }

    /// Decodes data that is JSON but for what can be repaired; returns whether it was.
    fn repaired_object(&mut self, event: Option<&str>, data: &[u8], out: &mut Vec<Event>) -> bool {
        let Some(repaired) = repair_json(data, &mut self.frame.diagnostics) else { return false };
        self.data(event, repaired.as_bytes(), out);
        true
    }

    /// Decodes a body that is not split into frames.
    fn body(&mut self, body: &[u8], out: &mut Vec<Event>) {
        self.frame.action = FrameAction::Rewrite;
        if body.starts_with(b"<") {
            return self.set_foreign_body(ForeignBody::Html);
        }
        match Object::parse(body) {
            Ok(object) => self.object(None, &object, out),
            Err(e) if e.is_eof() => self.fail(UpstreamError::Truncated, out),
            Err(_) => match repair_json(body, &mut self.frame.diagnostics) {
                Some(repaired) => self.body(repaired.as_bytes(), out),
                None => self.set_foreign_body(ForeignBody::Text),
            },
        }
    }

    fn set_foreign_body(&mut self, body: ForeignBody) {
        if let Phase::AwaitingStart { foreign_body } = &mut self.phase {
            *foreign_body = Some(body);
        }
    }

    fn object(&mut self, event: Option<&str>, object: &Object<'_>, out: &mut Vec<Event>) {
        let frame_type = object.str("type").map(Cow::into_owned);
        if frame_type.is_none() {
            self.frame.mark_deviant();
        }
        let frame_type = frame_type.as_deref().or(event).unwrap_or_default();
        frame_type.clone_into(&mut self.frame_type);
        match frame_type {
            "message_start" => self.message_start(object, out),
            "content_block_start" => {
                self.ensure_started(out);
                let is_after_finish = self.finish_reason.is_some();
                let started = self.blocks.start(object, is_after_finish, &mut self.frame, out);
                self.check_limit(started, out);
            }
            "content_block_delta" => {
                self.ensure_started(out);
                let added = self.blocks.add_delta(object, &mut self.frame, out);
                self.check_limit(added, out);
            }
            "content_block_stop" => self.blocks.stop(object, &mut self.frame, out),
            "message_delta" => self.message_delta(object, out),
            "message_stop" => {
                if self.finish_reason.is_none() || !self.blocks.is_empty() {
                    self.frame.mark_deviant();
                }
                self.complete(out);
            }
            "ping" => {}
            "message" if matches!(self.phase, Phase::AwaitingStart { .. }) => self.whole_message(object, out),
            _ => {
                let failure = error::in_body(object, &mut self.frame.diagnostics);
                if let Some(failure) = failure.or_else(|| of_error_event(event, object.to_json().as_bytes()))
                {
                    return self.fail(failure, out);
                }
                self.frame.diagnostics.record(DiagnosticCode::FrameForeign, "", frame_type);
                // A frame whose two types agree is an event newer than this code, and passes.
                if event != Some(frame_type) || frame_type.is_empty() {
                    self.frame.mark_empty();
                }
            }
        }
    }

    /// Decodes a non-streaming response that arrives in place of a stream.
    fn whole_message(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        let response = response::read(object, &mut self.frame.diagnostics)
            .without_failure(self.has_tools, &mut self.frame.diagnostics);
        match response {
            Ok(response) => {
                self.phase = Phase::Ended;
                self.frame.action = FrameAction::Rewrite;
                out.extend(unfold(&response));
            }
            Err(failure) => self.fail(failure, out),
        }
    }

    /// Starts the message if no `message_start` did.
    fn ensure_started(&mut self, out: &mut Vec<Event>) {
        if matches!(self.phase, Phase::AwaitingStart { .. }) {
            self.phase = Phase::InMessage;
            self.frame.mark_deviant();
            self.frame.diagnostics.record(DiagnosticCode::FieldFilled, "message_start", "");
            out.push(Event::Start { id: None, model: None, created: None });
        }
    }

    fn message_start(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        if !matches!(self.phase, Phase::AwaitingStart { .. }) {
            self.frame.diagnostics.record(DiagnosticCode::FrameForeign, "", "a second message_start");
            self.frame.action = FrameAction::Drop;
            return;
        }
        self.phase = Phase::InMessage;
        let message = object.object("message").unwrap_or_default();
        let non_empty = |key: &str| message.str(key).map(Cow::into_owned).filter(|text| !text.is_empty());
        let (id, model) = (non_empty("id"), non_empty("model"));
        if !conformance::is_message(&message) {
            self.frame.mark_deviant();
        }
        out.push(Event::Start { id, model, created: None });
        let extra = extra_fields::read_non_null(&message, &response::MAPPED_FIELDS);
        self.emit_metadata(message.object("usage"), extra, out);
        self.start_content(&message, out);
    }

    /// Reads content and stop reason that stand in a `message_start` already: calls of programmatic tool calling do.
    fn start_content(&mut self, message: &Object<'_>, out: &mut Vec<Event>) {
        let blocks = message.array("content").unwrap_or_default().len();
        if let Some(reason) = message.str("stop_reason").filter(|reason| !reason.is_empty()) {
            let sequence = message.str("stop_sequence").map(Cow::into_owned);
            let read = stop_reason::read(&reason, sequence, &mut self.frame.diagnostics);
            self.finish_reason = Some(read.finish_reason);
            self.frame.mark_deviant();
        }
        if blocks == 0 {
            return;
        }
        self.frame.mark_deviant();
        self.frame.diagnostics.record(DiagnosticCode::ContentRewritten, "message.content", "told as events");
        let mut response = response::read(message, &mut self.frame.diagnostics);
        response.extra = ExtraFields::default();
        self.blocks.add_complete_blocks(&response, u32::try_from(blocks).unwrap_or(u32::MAX), out);
    }

    /// Emits usage, and the extra fields of the message as a whole.
    fn emit_metadata(
        &mut self,
        usage: Option<Object<'_>>,
        mut extra: Vec<(String, RawJson)>,
        out: &mut Vec<Event>,
    ) {
        if let Some(usage) = usage {
            self.counts.read(&usage);
            extra.extend(usage::extra_fields(&usage));
        }
        if !extra.is_empty() {
            out.push(Event::Extra { choice: None, extra: ExtraFieldList::new(NAME, extra) });
        }
        self.emit_changed_usage(out);
    }

    fn emit_changed_usage(&mut self, out: &mut Vec<Event>) {
        let usage = self.counts.usage();
        if let Some(usage) = usage.filter(|_| usage != self.emitted_usage) {
            self.emitted_usage = Some(usage);
            out.push(Event::Usage(usage));
        }
    }

    fn message_delta(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        self.ensure_started(out);
        let delta = object.object("delta").unwrap_or_default();
        let mut extra = extra_fields::read_non_null(&delta, &["stop_reason", "stop_sequence"]);
        extra.extend(extra_fields::read_non_null(object, &["type", "delta", "usage"]));
        match delta.str("stop_reason").filter(|reason| !reason.is_empty()) {
            Some(_) if self.finish_reason.is_some() => {
                self.frame.diagnostics.record(DiagnosticCode::FinishReasonRepeated, "stop_reason", "");
                self.frame.mark_deviant();
            }
            Some(reason) => {
                let sequence = delta.str("stop_sequence").map(Cow::into_owned);
                let read = stop_reason::read(&reason, sequence, &mut self.frame.diagnostics);
                if read.finish_reason == FinishReason::ToolCalls && !self.blocks.has_tool_calls {
                    self.frame.diagnostics.record(DiagnosticCode::ToolCallsMissing, "stop_reason", &reason);
                    self.lacks_promised_calls = self.has_tools;
                    self.frame.mark_deviant();
                }
                let is_contradiction = self.blocks.has_tool_calls
                    && read.finish_reason == FinishReason::Stop
                    && read.extra_field.is_none();
                if stop_reason::is_foreign(&reason) {
                    self.frame.mark_deviant();
                }
                if is_contradiction {
                    self.frame.diagnostics.record(
                        DiagnosticCode::FinishReasonDerived,
                        "stop_reason",
                        "tool_use",
                    );
                    self.frame.mark_deviant();
                }
                self.finish_reason =
                    Some(if is_contradiction { FinishReason::ToolCalls } else { read.finish_reason });
                extra.extend(read.extra_field);
            }
            None => self.frame.mark_deviant(),
        }
        if let Some(failure) = self.failure() {
            return self.fail(failure, out);
        }
        let has_usage = object.object("usage").is_some_and(|usage| conformance::is_delta_usage(&usage));
        let is_sequence_valid = delta
            .get("stop_sequence")
            .is_none_or(|s| matches!(value_kind(s), ValueKind::String | ValueKind::Null));
        if !self.blocks.is_empty() || !has_usage || !is_sequence_valid {
            self.frame.mark_deviant();
        }
        self.emit_metadata(object.object("usage"), extra, out);
    }

    /// Returns the failure that the stop reason states, or that takes its place.
    fn failure(&self) -> Option<UpstreamError> {
        match &self.finish_reason {
            Some(FinishReason::Failed { word, message }) => {
                Some(UpstreamError::failed(word, message.as_deref()))
            }
            _ if self.is_corrupt => Some(UpstreamError::unreadable_part()),
            Some(FinishReason::ToolCalls) if self.lacks_promised_calls => {
                Some(UpstreamError::calls_missing("tool_use"))
            }
            _ => None,
        }
    }

    /// Ends a message that is complete.
    fn complete(&mut self, out: &mut Vec<Event>) {
        if let Some(failure) = self.failure() {
            return self.fail(failure, out);
        }
        self.ensure_started(out);
        self.blocks.close_all(out);
        let reason = self.finish_reason.clone().unwrap_or_else(|| {
            self.frame.diagnostics.record(DiagnosticCode::FinishReasonDerived, "stop_reason", "");
            if self.blocks.has_tool_calls { FinishReason::ToolCalls } else { FinishReason::Stop }
        });
        out.push(Event::Finish { choice: 0, reason });
        self.emit_changed_usage(out);
        out.push(Event::End);
        self.phase = Phase::Ended;
    }

    fn check_limit(&mut self, result: Result<(), LimitExceeded>, out: &mut Vec<Event>) {
        if let Err(LimitExceeded { what }) = result {
            let message = format!("The upstream's answer has more {what} than this service keeps.");
            self.fail(UpstreamError::TooLarge { message }, out);
        }
    }

    /// Ends the stream with an error.
    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        if self.is_ended() {
            return;
        }
        self.phase = Phase::Ended;
        self.frame.action = FrameAction::Rewrite;
        let diagnostics = &mut self.frame.diagnostics;
        match &error {
            UpstreamError::Truncated => diagnostics.record(DiagnosticCode::StreamTruncated, "", ""),
            _ if self.blocks.has_content => diagnostics.record(DiagnosticCode::ErrorInStream, "", ""),
            UpstreamError::Status(_) => {
                diagnostics.record(DiagnosticCode::StatusPromoted, "", "an error came as a success");
            }
            _ => {}
        }
        out.push(Event::Error(error));
    }
}
