//! Streams: an upstream's frames to events. A frame is one line with a JSON object of either dialect, or a server-sent event
//! that contains one.

use super::super::Decoder;
use super::error;
use super::names::FAMILY;
use super::repeated_calls::drop_repeated;
use super::response_line::{ResponseLine, is_response};
use super::text_extractor::OllamaTextExtractor;
use super::tool_call::LineToolCall;
use crate::canonical::{
    BlockKind, Delta, DiagnosticCode, Diagnostics, Event, ExtraFieldList, ExtraFields, FinishReason,
    ReportedCalls, ResponseContext, ResponseSpec, foreign_document, html_page, time,
};
use crate::dialect::json_syntax::repair_json;
use crate::dialect::openai_error::of_error_event;
use crate::error::UpstreamError;
use crate::extract::{Segment, TextEnd};
use crate::framing::Frame;
use crate::json::{Object, RawJson, is_json_fragment, objects_in};
use std::borrow::Cow;

const MAX_TOOL_CALLS: u32 = 1024;
/// The most bytes of text that are held to compare cumulative lines with.
const MAX_CUMULATIVE_BYTES: usize = 8 << 20;
/// The most extra fields that are held, so that each is emitted once.
const MAX_EXTRA_FIELDS: usize = 64;

/// Decodes a stream.
pub(super) struct OllamaDecoder {
    spec: ResponseSpec,
    context: ResponseContext,
    pub(super) diagnostics: Diagnostics,
    phase: Phase,
    /// The open block of text or reasoning.
    open: Option<OpenBlock>,
    next_block: u32,
    tool_calls: u32,
    reported_calls: ReportedCalls,
    extractor: OllamaTextExtractor,
    /// All text and all thinking so far, if lines are cumulative.
    cumulative_text: String,
    cumulative_thinking: String,
    /// A line with content could not be read.
    is_corrupt: bool,
    /// The extra fields of lines, as last emitted.
    emitted_extra: Vec<(String, RawJson)>,
}

/// How far the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No line of a response arrived. `has_foreign_data`: something else did.
    AwaitingStart { has_foreign_data: bool },
    /// The response has started.
    InResponse,
    /// `Event::End` or `Event::Error` went out.
    Ended,
}

/// A block of text or reasoning that is open.
struct OpenBlock {
    block: u32,
    kind: BlockKind,
}

impl OllamaDecoder {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        Self {
            extractor: OllamaTextExtractor::new(&spec),
            spec,
            context,
            diagnostics: Diagnostics::default(),
            phase: Phase::AwaitingStart { has_foreign_data: false },
            open: None,
            next_block: 0,
            tool_calls: 0,
            reported_calls: ReportedCalls::default(),
            cumulative_text: String::new(),
            cumulative_thinking: String::new(),
            is_corrupt: false,
            emitted_extra: Vec::new(),
        }
    }

    /// Returns the context with the ids that were generated.
    pub(super) fn into_context(self) -> ResponseContext {
        self.context
    }

    fn is_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        self.phase = Phase::Ended;
        out.push(Event::Error(error));
    }

    /// Ends the stream with an error that the upstream reports.
    fn error(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        let code = match self.phase {
            Phase::AwaitingStart { .. } => DiagnosticCode::StatusPromoted,
            Phase::InResponse | Phase::Ended => DiagnosticCode::ErrorInStream,
        };
        self.diagnostics.record(code, "error", "");
        self.fail(error, out);
    }

    fn start(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        if !matches!(self.phase, Phase::AwaitingStart { .. }) {
            return;
        }
        self.phase = Phase::InResponse;
        // Time 0 means that the upstream set none.
        let created = object.get("created_at").and_then(time::read_seconds).filter(|n| *n > 0);
        out.push(Event::Start { id: None, model: object.str("model").map(Cow::into_owned), created });
    }

    fn line(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        let shortened = drop_repeated(object, &mut self.reported_calls, &mut self.diagnostics);
        let mut line = ResponseLine::read(shortened.as_ref().unwrap_or(object), &mut self.diagnostics);
        self.start(object, out);
        if self.spec.quirks.cumulative_deltas {
            let (text, thinking) = (&mut self.cumulative_text, &mut self.cumulative_thinking);
            let fits = strip_repeated(text, &mut line.text, &mut self.diagnostics)
                && strip_repeated(thinking, &mut line.thinking, &mut self.diagnostics);
            if !fits {
                let message = format!("The upstream's answer is larger than {MAX_CUMULATIVE_BYTES} bytes.");
                return self.fail(UpstreamError::TooLarge { message }, out);
            }
        }
        self.emit_new_extra(std::mem::take(&mut line.extra), out);
        if !line.message_extra.is_empty() {
            let extra = ExtraFieldList::new(FAMILY, std::mem::take(&mut line.message_extra));
            out.push(Event::Extra { choice: Some(0), extra });
        }
        if !line.logprobs.is_empty() {
            out.push(Event::Extra { choice: Some(0), extra: line.logprobs.to_extra() });
        }
        if !line.thinking.is_empty() {
            self.extractor.reasoning_is_separate();
        }
        self.emit_text(BlockKind::Reasoning, std::mem::take(&mut line.thinking), out);
        self.extract(std::mem::take(&mut line.text), line.text_end(), out);
        for call in std::mem::take(&mut line.tool_calls) {
            self.emit_tool_call(call, out);
        }
        if !line.is_done || self.is_ended() {
            return;
        }
        self.close(out);
        if let Some(field) = line.unmapped_reason() {
            out.push(Event::Extra { choice: None, extra: ExtraFieldList::new(FAMILY, vec![field]) });
        }
        let reason = if self.extractor.has_stopped() {
            FinishReason::Stop
        } else {
            line.finish_reason(self.tool_calls > 0, &mut self.diagnostics)
        };
        if let Some(failure) = self.failure(&reason) {
            return self.fail(failure, out);
        }
        out.push(Event::Finish { choice: 0, reason });
        out.extend(line.usage.map(Event::Usage));
        out.push(Event::End);
        self.phase = Phase::Ended;
    }

    /// Returns the failure that a finish reason states, or that takes its place.
    fn failure(&self, reason: &FinishReason) -> Option<UpstreamError> {
        match reason {
            FinishReason::Failed { word, message } => Some(UpstreamError::failed(word, message.as_deref())),
            _ if self.is_corrupt => Some(UpstreamError::unreadable_part()),
            FinishReason::ToolCalls if self.tool_calls == 0 && !self.spec.tools.is_empty() => {
                Some(UpstreamError::calls_missing("tool_calls"))
            }
            _ => None,
        }
    }

    /// Emits the extra fields that are new or have changed.
    fn emit_new_extra(&mut self, fields: Vec<(String, RawJson)>, out: &mut Vec<Event>) {
        let mut changed = Vec::new();
        for (key, value) in fields {
            let is_full = self.emitted_extra.len() == MAX_EXTRA_FIELDS;
            match self.emitted_extra.iter_mut().find(|(k, _)| *k == key) {
                Some((_, old)) if old.as_str() == value.as_str() => continue,
                Some((_, old)) => old.clone_from(&value),
                None if is_full => {
                    self.diagnostics.record(DiagnosticCode::ExtraDropped, "", "too many members");
                    continue;
                }
                None => self.emitted_extra.push((key.clone(), value.clone())),
            }
            changed.push((key, value));
        }
        if !changed.is_empty() {
            out.push(Event::Extra { choice: None, extra: ExtraFieldList::new(FAMILY, changed) });
        }
    }

    fn emit_text(&mut self, kind: BlockKind, text: String, out: &mut Vec<Event>) {
        let is_after_stop = kind != BlockKind::Text && self.extractor.has_stopped();
        if text.is_empty() || self.is_ended() || is_after_stop {
            return;
        }
        let block = match &self.open {
            Some(open) if open.kind == kind => open.block,
            _ => {
                self.close(out);
                let block = self.next_block;
                self.next_block += 1;
                self.open = Some(OpenBlock { block, kind: kind.clone() });
                out.push(Event::Open { choice: 0, block, kind });
                block
            }
        };
        out.push(Event::Delta { choice: 0, block, delta: Delta::Text(text) });
    }

    /// Emits text, and what it contains. `end`: what ends the text behind it.
    fn extract(&mut self, text: String, end: TextEnd, out: &mut Vec<Event>) {
        if text.is_empty() && end == TextEnd::Open {
            return;
        }
        for segment in self.extractor.extract(text, end, &mut self.diagnostics) {
            match segment {
                Segment::Text(text) => self.emit_text(BlockKind::Text, text, out),
                Segment::Reasoning(text) => self.emit_text(BlockKind::Reasoning, text, out),
                Segment::ToolCall { name, arguments } => {
                    let extra = ExtraFields::default();
                    self.emit_tool_call(LineToolCall { id: None, name, arguments, extra }, out);
                }
            }
        }
    }

    fn emit_tool_call(&mut self, call: LineToolCall, out: &mut Vec<Event>) {
        if self.is_ended() || self.extractor.has_stopped() {
            return;
        }
        if self.tool_calls == MAX_TOOL_CALLS {
            let message = format!("The upstream's answer calls more than {MAX_TOOL_CALLS} tools.");
            return self.fail(UpstreamError::TooLarge { message }, out);
        }
        self.close(out);
        let block = self.next_block;
        self.next_block += 1;
        self.tool_calls += 1;
        let id = call.id.unwrap_or_else(|| self.context.new_id("call_"));
        let kind = BlockKind::ToolCall { id, name: call.name, signature: None };
        out.push(Event::Open { choice: 0, block, kind });
        out.push(Event::Delta { choice: 0, block, delta: Delta::Text(call.arguments) });
        for (key, raw) in call.extra.into_members() {
            out.push(Event::Delta { choice: 0, block, delta: Delta::Native { dialect: FAMILY, key, raw } });
        }
        out.push(Event::Close { choice: 0, block });
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        if let Some(OpenBlock { block, .. }) = self.open.take() {
            out.push(Event::Close { choice: 0, block });
        }
    }

    fn mark_foreign_data(&mut self) {
        if let Phase::AwaitingStart { has_foreign_data } = &mut self.phase {
            *has_foreign_data = true;
        }
    }
}

/// Removes earlier text that a cumulative line repeats; returns false if there is too much text.
fn strip_repeated(earlier: &mut String, text: &mut String, diagnostics: &mut Diagnostics) -> bool {
    if text.is_empty() {
        return true;
    }
    match text.strip_prefix(earlier.as_str()) {
        Some(new) => {
            if !earlier.is_empty() {
                diagnostics.record(DiagnosticCode::DeltasCumulative, "", "");
            }
            let new = new.to_owned();
            earlier.push_str(&new);
            *text = new;
        }
        None => earlier.push_str(text),
    }
    earlier.len() <= MAX_CUMULATIVE_BYTES
}

impl Decoder for OllamaDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) {
        let (event, data, is_body) = match frame {
            Frame::Event { event, data } => (event, data, false),
            Frame::Line(data) => (None, data, false),
            Frame::Body(data) => (None, data, true),
        };
        let data = data.trim_ascii();
        // A gateway that reports an error in the form of an event.
        let data = data.strip_prefix(b"data:").map_or(data, <[u8]>::trim_ascii);
        if data.is_empty() || data == b"[DONE]" {
            return;
        }
        if self.is_ended() {
            self.diagnostics.record(DiagnosticCode::DataAfterDone, "", "");
            return;
        }
        if matches!(frame, Frame::Event { .. }) {
            self.diagnostics.record(
                DiagnosticCode::FramingRepaired,
                "",
                "server-sent events instead of JSON lines",
            );
        }
        let Ok(object) = Object::parse(data) else {
            if let Some(objects) = objects_in(data) {
                self.diagnostics.record(DiagnosticCode::FramingRepaired, "", "several lines in one");
                for object in objects {
                    self.frame(Frame::Line(object), out);
                }
                return;
            }
            if let Some(error) = of_error_event(event, data) {
                return self.error(error, out);
            }
            if let Some(repaired) = repair_json(data, &mut self.diagnostics) {
                let data = repaired.as_bytes();
                return self.frame(if is_body { Frame::Body(data) } else { Frame::Line(data) }, out);
            }
            self.mark_foreign_data();
            if is_body {
                self.fail(malformed(data), out);
            } else {
                self.is_corrupt |= is_json_fragment(data);
                self.diagnostics.record(DiagnosticCode::FrameCorrupt, "", "");
            }
            return;
        };
        let is_stated = |error: &str| !matches!(error.trim(), "false" | "\"\"" | "{}");
        let is_line = is_response(&object) && !object.non_null("error").is_some_and(is_stated);
        let error = if is_line { None } else { error::in_body(&object, &mut self.diagnostics) };
        match error.or_else(|| if is_line { None } else { of_error_event(event, data) }) {
            Some(error) => self.error(error, out),
            None if is_line => self.line(&object, out),
            None => {
                self.mark_foreign_data();
                self.diagnostics.record(DiagnosticCode::FrameForeign, "", "");
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        let error = match self.phase {
            Phase::Ended => return,
            Phase::InResponse => {
                self.extract(String::new(), TextEnd::Cut, out);
                self.diagnostics.record(DiagnosticCode::StreamTruncated, "", "");
                UpstreamError::Truncated
            }
            Phase::AwaitingStart { has_foreign_data: true } => malformed(b""),
            Phase::AwaitingStart { has_foreign_data: false } => UpstreamError::Empty,
        };
        self.fail(error, out);
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}

/// Returns the error for a body that is no response of this API.
pub(super) fn malformed(body: &[u8]) -> UpstreamError {
    match body.first() {
        Some(b'<') => html_page("an answer"),
        _ => foreign_document(),
    }
}
