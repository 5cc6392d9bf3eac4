//! An upstream's lines to events.

use super::super::Decoder;
use super::error;
use super::wire::{Call, extra_fields, read_call, read_end, read_tokens};
use crate::canonical::{
    BlockKind, Delta, DiagnosticCode, Diagnostics, Event, FinishReason, ResponseContext, ResponseSpec,
    foreign_document, html_page,
};
use crate::error::UpstreamError;
use crate::extract::StopMatcher;
use crate::framing::Frame;
use crate::json::Object;

/// The limit of the calls of one response: every buffer and every count has one.
const MAX_CALLS: u32 = 1024;

/// Decodes one stream.
pub(super) struct ToyDecoder {
    context: ResponseContext,
    diagnostics: Diagnostics,
    /// Matches the stop sequences that the upstream does not accept.
    stops: Option<StopMatcher>,
    stopped: bool,
    started: bool,
    over: bool,
    /// Whether a frame could not be decoded.
    foreign: bool,
    /// It was a web page.
    page: bool,
    /// The open block of text.
    open: Option<u32>,
    next: u32,
    calls: u32,
}

impl ToyDecoder {
    pub(super) fn new(spec: &ResponseSpec, context: ResponseContext) -> Self {
        Self {
            stops: (!spec.local_stops.is_empty()).then(|| StopMatcher::new(spec.local_stops.clone())),
            context,
            diagnostics: Diagnostics::default(),
            stopped: false,
            started: false,
            over: false,
            foreign: false,
            page: false,
            open: None,
            next: 0,
            calls: 0,
        }
    }

    /// The ids as far as they were used.
    pub(super) fn into_context(self) -> ResponseContext {
        self.context
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        self.over = true;
        out.push(Event::Error(error));
    }

    fn line(&mut self, line: &Object<'_>, out: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.started, true) {
            let id = line.str("id").map(Into::into);
            out.push(Event::Start { id, model: line.str("model").map(Into::into), created: line.u64("at") });
        }
        let extra = extra_fields(line, &["id", "model", "at", "says", "calls", "end", "tokens"]);
        if !extra.is_empty() {
            out.push(Event::Extra { choice: None, extra: extra.into() });
        }
        let end = line.str("end");
        self.says(&line.str("says").unwrap_or_default(), end.is_some(), out);
        for call in line.array("calls").unwrap_or_default() {
            let call = read_call(call, "calls[]", &mut self.diagnostics);
            self.call(call, out);
        }
        let (Some(end), false) = (end, self.over) else { return };
        self.close(out);
        let reason = if self.stopped {
            FinishReason::Stop
        } else {
            read_end(&end, self.calls > 0, &mut self.diagnostics)
        };
        out.push(Event::Finish { choice: 0, reason });
        out.extend(read_tokens(line).map(Event::Usage));
        out.push(Event::End);
        self.over = true;
    }

    /// Emits text up to a stop sequence. `last`: no text follows.
    fn says(&mut self, content: &str, last: bool, out: &mut Vec<Event>) {
        let mut text = String::new();
        match &mut self.stops {
            _ if self.stopped => {}
            Some(stops) => {
                self.stopped = stops.push(content, &mut text);
                if last && !self.stopped {
                    stops.finish(&mut text);
                }
            }
            None => text.push_str(content),
        }
        if text.is_empty() {
            return;
        }
        let block = self.open.unwrap_or_else(|| {
            let block = self.next;
            (self.open, self.next) = (Some(block), block + 1);
            out.push(Event::Open { choice: 0, block, kind: BlockKind::Text });
            block
        });
        out.push(Event::Delta { choice: 0, block, delta: Delta::Text(text) });
    }

    fn call(&mut self, call: Call, out: &mut Vec<Event>) {
        if self.over || self.stopped {
            return;
        }
        if self.calls == MAX_CALLS {
            let message = format!("The upstream's answer calls more than {MAX_CALLS} tools.");
            return self.fail(UpstreamError::TooLarge { message }, out);
        }
        self.close(out);
        let block = self.next;
        self.next += 1;
        self.calls += 1;
        let id = call.id.unwrap_or_else(|| {
            self.diagnostics.record(DiagnosticCode::ToolIdSynthesized, "calls[].id", "");
            self.context.new_id("call_")
        });
        let kind = BlockKind::ToolCall { id, name: call.name, signature: None };
        out.push(Event::Open { choice: 0, block, kind });
        out.push(Event::Delta { choice: 0, block, delta: Delta::Text(call.arguments) });
        out.push(Event::Close { choice: 0, block });
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        out.extend(self.open.take().map(|block| Event::Close { choice: 0, block }));
    }
}

impl Decoder for ToyDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) {
        let (Frame::Event { data, .. } | Frame::Line(data) | Frame::Body(data)) = frame;
        let data = data.trim_ascii();
        if data.is_empty() {
            return;
        }
        if self.over {
            self.diagnostics.record(DiagnosticCode::DataAfterDone, "", "");
            return;
        }
        let Ok(object) = Object::parse(data) else {
            self.foreign = true;
            self.page |= data.starts_with(b"<");
            self.diagnostics.record(DiagnosticCode::FrameCorrupt, "", "");
            return;
        };
        if let Some(fault) = object.object("fault") {
            let code =
                if self.started { DiagnosticCode::ErrorInStream } else { DiagnosticCode::StatusPromoted };
            self.diagnostics.record(code, "fault", "");
            self.fail(error::in_body(&fault), out);
        } else if ["says", "calls", "end"].iter().any(|key| object.non_null(key).is_some()) {
            self.line(&object, out);
        } else {
            self.foreign = true;
            self.diagnostics.record(DiagnosticCode::FrameForeign, "", "");
        }
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        if self.over {
            return;
        }
        let error = match (self.started, self.foreign) {
            (true, _) => {
                self.says("", true, out);
                self.diagnostics.record(DiagnosticCode::StreamTruncated, "", "");
                UpstreamError::Truncated
            }
            (false, true) if self.page => html_page("an answer"),
            (false, true) => foreign_document(),
            (false, false) => UpstreamError::Empty,
        };
        self.fail(error, out);
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}
