//! A stream as events.
//!
//! <https://docs.anthropic.com/en/docs/build-with-claude/streaming>

mod content_blocks;

use super::super::Decoder;
use super::usage::{self, UsageCounts};
use super::{NAME, error, response};
use crate::canonical::{
    BlockKind, DiagnosticCode, Diagnostics, Event, ExtraFieldList, ExtraFields, FinishReason, Usage, unfold,
};
use crate::error::UpstreamError;
use crate::framing::Frame;
use crate::json::{Object, ValueKind, value_kind};
use content_blocks::OpenBlock;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::VecDeque;

/// What is to be done with a frame where the client speaks this dialect too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum FrameAction {
    /// It may be passed on as it is.
    #[default]
    Pass,
    /// There is nothing in it.
    Drop,
    /// It is not what the API would have sent here.
    Mend,
}

/// Reads a stream.
#[derive(Default)]
pub(super) struct MessagesDecoder {
    pub(super) diagnostics: Diagnostics,
    pub(super) verdict: FrameAction,
    /// What the last frame calls itself.
    pub(super) kind: String,
    pub(super) over: bool,
    started: bool,
    /// How many blocks the upstream began.
    begun: u32,
    /// Blocks that are open; calls may be side by side.
    open: Vec<OpenBlock>,
    calls: bool,
    finish: Option<FinishReason>,
    /// The next block's number in events.
    next: u32,
    counts: UsageCounts,
    told: Option<Usage>,
    meaningful: bool,
    bytes: usize,
    /// The first bytes of a body that is no stream at all.
    foreign: Option<&'static str>,
}

/// Where a stream stands: for who goes on from there.
#[derive(Debug, Default)]
pub(super) struct ResumePoint {
    /// The block that is open; `None` in it for one that only this dialect knows.
    pub(super) open: Option<(u32, Option<BlockKind>)>,
    pub(super) calls: bool,
    pub(super) finish: Option<FinishReason>,
}

impl Decoder for MessagesDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) {
        self.verdict = FrameAction::Pass;
        match frame {
            Frame::Event { event, data } => self.data(event, data, out),
            Frame::Line(line) => {
                self.data(None, line, out);
                self.mark_deviant();
            }
            Frame::Body(body) => self.body(body, out),
        }
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        self.verdict = FrameAction::Mend;
        if self.over {
            return;
        }
        if self.finish.is_some() {
            self.diagnostics.record(DiagnosticCode::DoneMissing, "", "message_stop");
            return self.complete(out);
        }
        let error = match self.foreign {
            _ if self.started => UpstreamError::Truncated,
            Some("HTML") => UpstreamError::malformed("The upstream answered with an HTML page."),
            Some(_) => UpstreamError::malformed(
                "The upstream answered with text that is neither JSON nor an event stream.",
            ),
            None if self.diagnostics.has(DiagnosticCode::FrameCorrupt) => UpstreamError::Truncated,
            None => UpstreamError::Empty,
        };
        self.fail(error, out);
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}

impl MessagesDecoder {
    pub(super) fn standing(&self) -> ResumePoint {
        let open = self.open.last().map(|open| {
            let kind = match &open.kind {
                content_blocks::OpenKind::Text => Some(BlockKind::Text),
                content_blocks::OpenKind::Thinking | content_blocks::OpenKind::Redacted => {
                    Some(BlockKind::Reasoning)
                }
                content_blocks::OpenKind::Call(_) => {
                    Some(BlockKind::ToolCall { id: String::new(), name: String::new(), signature: None })
                }
                content_blocks::OpenKind::Native(..) => None,
            };
            (open.block, kind)
        });
        ResumePoint { open, calls: self.calls, finish: self.finish.clone() }
    }

    /// The beginning of a block was passed on. Whether it is one that only this dialect knows: then it is never told again.
    pub(super) fn native_passed(&mut self) -> bool {
        let Some(open) = self.open.last_mut() else { return false };
        let native = matches!(open.kind, content_blocks::OpenKind::Native(..));
        open.said |= native;
        native
    }

    /// The connection broke.
    pub(super) fn connection_lost(&mut self, error: &UpstreamError, out: &mut Vec<Event>) {
        let cut = self.meaningful && matches!(error, UpstreamError::Transport { .. });
        self.fail(if cut { UpstreamError::Truncated } else { error.clone() }, out);
    }

    /// The frame may not be passed on as it is.
    fn mark_deviant(&mut self) {
        if self.verdict == FrameAction::Pass {
            self.verdict = FrameAction::Mend;
        }
    }

    /// There is nothing in the frame.
    fn ignore(&mut self) {
        if self.verdict == FrameAction::Pass {
            self.verdict = FrameAction::Drop;
        }
    }

    fn data(&mut self, event: Option<&str>, data: &[u8], out: &mut Vec<Event>) {
        let data = data.trim_ascii();
        if data.is_empty() {
            self.verdict = FrameAction::Drop;
            return;
        }
        if data == b"[DONE]" {
            self.diagnostics.record(DiagnosticCode::FrameForeign, "", "[DONE]");
            self.verdict = FrameAction::Drop;
            return;
        }
        if self.over {
            self.diagnostics.record(DiagnosticCode::DataAfterDone, "", "");
            self.verdict = FrameAction::Drop;
            return;
        }
        match Object::parse(data) {
            Ok(object) => self.object(event, &object, out),
            Err(_) if data.contains(&b'\n') && data.starts_with(b"{") => {
                for line in data.split(|b| *b == b'\n') {
                    self.data(None, line, out);
                }
                self.verdict = FrameAction::Mend;
            }
            Err(_) => {
                self.verdict = FrameAction::Drop;
                if !self.started && !data.starts_with(b"{") {
                    self.foreign = Some("text");
                } else {
                    self.diagnostics.record(DiagnosticCode::FrameCorrupt, "", "not JSON");
                }
            }
        }
    }

    /// The whole body at once.
    fn body(&mut self, body: &[u8], out: &mut Vec<Event>) {
        self.verdict = FrameAction::Mend;
        if body.starts_with(b"<") {
            self.foreign = Some("HTML");
            return;
        }
        match Object::parse(body) {
            Ok(object) => self.object(None, &object, out),
            Err(e) if e.is_eof() => self.fail(UpstreamError::Truncated, out),
            Err(_) => self.foreign = Some("text"),
        }
    }

    fn object(&mut self, event: Option<&str>, object: &Object<'_>, out: &mut Vec<Event>) {
        let kind = object.str("type").map(Cow::into_owned);
        if kind.is_none() {
            self.mark_deviant();
        }
        let kind = kind.as_deref().or(event).unwrap_or_default();
        kind.clone_into(&mut self.kind);
        match kind {
            "message_start" => self.start(object, out),
            "content_block_start" => self.block_start(object, out),
            "content_block_delta" => self.block_delta(object, out),
            "content_block_stop" => self.block_stop(object, out),
            "message_delta" => self.message_delta(object, out),
            "message_stop" => {
                if self.finish.is_none() || !self.open.is_empty() {
                    self.mark_deviant();
                }
                self.complete(out);
            }
            "ping" => {}
            _ if error::is_error(object) => {
                let error = error::in_body(object, &mut self.diagnostics);
                self.fail(error, out);
            }
            "message" if !self.started => self.whole(object, out),
            "error" => {
                self.fail(UpstreamError::malformed("The upstream reported an error in its stream."), out);
            }
            _ => {
                self.diagnostics.record(DiagnosticCode::FrameForeign, "", kind);
                // A newer event of this API passes where it is one.
                if event != Some(kind) || kind.is_empty() {
                    self.ignore();
                }
            }
        }
    }

    /// A whole answer instead of a stream.
    fn whole(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        let response = response::read(object, &mut self.diagnostics);
        (self.started, self.over, self.verdict) = (true, true, FrameAction::Mend);
        out.extend(unfold(&response));
    }

    fn begin(&mut self, out: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.started, true) {
            self.mark_deviant();
            self.diagnostics.record(DiagnosticCode::FieldFilled, "message_start", "");
            out.push(Event::Start { id: None, model: None, created: None });
        }
    }

    fn start(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        if self.started {
            self.diagnostics.record(DiagnosticCode::FrameForeign, "", "a second message_start");
            self.verdict = FrameAction::Drop;
            return;
        }
        self.started = true;
        let message = object.object("message").unwrap_or_default();
        let of = |key: &str| message.str(key).map(Cow::into_owned).filter(|said| !said.is_empty());
        let (id, model) = (of("id"), of("model"));
        if !response::is_message(&message) {
            self.mark_deviant();
        }
        out.push(Event::Start { id, model, created: None });
        let extra = response::rest(&message, &response::SAID);
        self.emit_metadata(message.object("usage"), extra, out);
        self.already(&message, out);
    }

    /// What the beginning already holds: blocks, and why the answer ended. A call that a program of the upstream's own
    /// makes comes so.
    fn already(&mut self, message: &Object<'_>, out: &mut Vec<Event>) {
        let blocks = message.array("content").unwrap_or_default().len();
        if let Some(word) = message.str("stop_reason").filter(|word| !word.is_empty()) {
            let sequence = message.str("stop_sequence").map(Cow::into_owned);
            self.finish = Some(response::read_reason(&word, sequence, &mut self.diagnostics).0);
            self.mark_deviant();
        }
        if blocks == 0 {
            return;
        }
        self.mark_deviant();
        self.diagnostics.record(DiagnosticCode::ContentRewritten, "message.content", "told as events");
        let mut said = response::read(message, &mut self.diagnostics);
        said.extra = ExtraFields::default();
        for event in unfold(&said) {
            match &event {
                Event::Open { kind, .. } => {
                    self.calls |= matches!(kind, BlockKind::ToolCall { .. });
                    self.next += 1;
                }
                Event::Delta { .. } | Event::Close { .. } => {}
                _ => continue,
            }
            out.push(event);
        }
        self.meaningful = true;
        self.begun = u32::try_from(blocks).unwrap_or(u32::MAX);
    }

    /// Counts and members of the answer as a whole.
    fn emit_metadata(
        &mut self,
        usage: Option<Object<'_>>,
        mut extra: Vec<(String, Box<RawValue>)>,
        out: &mut Vec<Event>,
    ) {
        if let Some(usage) = usage {
            self.counts.read(&usage);
            extra.extend(usage::leftovers(&usage));
        }
        if !extra.is_empty() {
            out.push(Event::Extra { choice: None, extra: ExtraFieldList::new(NAME, extra) });
        }
        self.tell_usage(out);
    }

    fn tell_usage(&mut self, out: &mut Vec<Event>) {
        let usage = self.counts.usage();
        if let Some(usage) = usage.filter(|_| usage != self.told) {
            self.told = Some(usage);
            out.push(Event::Usage(usage));
        }
    }

    fn message_delta(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        self.begin(out);
        let delta = object.object("delta").unwrap_or_default();
        let mut extra = response::rest(&delta, &["stop_reason", "stop_sequence"]);
        extra.extend(response::rest(object, &["type", "delta", "usage"]));
        match delta.str("stop_reason").filter(|word| !word.is_empty()) {
            Some(_) if self.finish.is_some() => {
                self.diagnostics.record(DiagnosticCode::FinishReasonRepeated, "stop_reason", "");
                self.mark_deviant();
            }
            Some(word) => {
                let sequence = delta.str("stop_sequence").map(Cow::into_owned);
                let (reason, special) = response::read_reason(&word, sequence, &mut self.diagnostics);
                let stray = self.calls && reason == FinishReason::Stop && special.is_none();
                if response::foreign_reason(&word).is_some() {
                    self.mark_deviant();
                }
                if stray {
                    self.diagnostics.record(DiagnosticCode::FinishReasonDerived, "stop_reason", "tool_use");
                    self.mark_deviant();
                }
                self.finish = Some(if stray { FinishReason::ToolCalls } else { reason });
                extra.extend(special);
            }
            None => self.mark_deviant(),
        }
        let counted = object.object("usage").is_some_and(|usage| response::is_counted(&usage));
        let sequence = delta
            .get("stop_sequence")
            .is_none_or(|s| matches!(value_kind(s), ValueKind::String | ValueKind::Null));
        if !self.open.is_empty() || !counted || !sequence {
            self.mark_deviant();
        }
        self.emit_metadata(object.object("usage"), extra, out);
    }

    /// The answer is complete.
    fn complete(&mut self, out: &mut Vec<Event>) {
        self.begin(out);
        let mut rest = VecDeque::from(std::mem::take(&mut self.open));
        while let Some(open) = rest.pop_front() {
            // A block of its own kind closes what is open beside it.
            self.open.extend(rest.drain(..).filter(|_| open.is_native()));
            self.close(open, out);
        }
        let reason = self.finish.clone().unwrap_or_else(|| {
            self.diagnostics.record(DiagnosticCode::FinishReasonDerived, "stop_reason", "");
            if self.calls { FinishReason::ToolCalls } else { FinishReason::Stop }
        });
        out.push(Event::Finish { choice: 0, reason });
        self.tell_usage(out);
        out.push(Event::End);
        self.over = true;
    }

    fn too_large(&mut self, what: &str, out: &mut Vec<Event>) {
        let message = format!("The upstream's answer has more {what} than this service keeps.");
        self.fail(UpstreamError::TooLarge { message }, out);
    }

    /// The stream broke or reported an error.
    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        self.verdict = FrameAction::Mend;
        match &error {
            UpstreamError::Truncated => self.diagnostics.record(DiagnosticCode::StreamTruncated, "", ""),
            _ if self.meaningful => self.diagnostics.record(DiagnosticCode::ErrorInStream, "", ""),
            UpstreamError::Status(_) => {
                self.diagnostics.record(DiagnosticCode::StatusPromoted, "", "an error came as a success");
            }
            _ => {}
        }
        out.push(Event::Error(error));
    }
}
