//! A stream as events: one JSON object a line, in either form, also where it was wrapped into server-sent events.

use super::super::Decoder;
use super::response_line::{LineToolCall, ResponseLine, is_answer};
use super::text_extractor::OllamaTextExtractor;
use super::{FAMILY, error};
use crate::canonical::{
    BlockKind, Delta, DiagnosticCode, Diagnostics, Event, ExtraFieldList, ExtraFields, FinishReason,
    ResponseContext, ResponseSpec, time,
};
use crate::error::UpstreamError;
use crate::extract::Segment;
use crate::framing::Frame;
use crate::json::Object;
use serde_json::value::RawValue;
use std::borrow::Cow;

const MOST_CALLS: u32 = 1024;
/// How much of a text is remembered where lines repeat it.
const MOST_TEXT: usize = 8 << 20;
/// How many foreign members are remembered, so that they are said once.
const MOST_MEMBERS: usize = 64;

/// Reads a stream.
pub(super) struct OllamaDecoder {
    spec: ResponseSpec,
    context: ResponseContext,
    pub(super) diagnostics: Diagnostics,
    /// `Start` was said.
    started: bool,
    over: bool,
    /// Something came that could not be read, or is no line of an answer.
    foreign: bool,
    open: Option<(u32, BlockKind)>,
    next: u32,
    calls: u32,
    voice: OllamaTextExtractor,
    /// All text and all thinking so far, where lines repeat them.
    text: String,
    thinking: String,
    /// Members of lines without a place, as last said.
    said: Vec<(String, Box<RawValue>)>,
}

impl OllamaDecoder {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        Self {
            voice: OllamaTextExtractor::new(&spec),
            spec,
            context,
            diagnostics: Diagnostics::default(),
            started: false,
            over: false,
            foreign: false,
            open: None,
            next: 0,
            calls: 0,
            text: String::new(),
            thinking: String::new(),
            said: Vec::new(),
        }
    }

    /// The context, with the ids that were given out.
    pub(super) fn into_context(self) -> ResponseContext {
        self.context
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        self.over = true;
        out.push(Event::Error(error));
    }

    fn start(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        // The beginning of 1970 is no time at which an answer was made.
        let created = object.str("created_at").and_then(|t| time::seconds(&t)).filter(|n| *n > 0);
        out.push(Event::Start { id: None, model: object.str("model").map(Cow::into_owned), created });
    }

    fn line(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        let mut line = ResponseLine::read(object, &mut self.diagnostics);
        self.start(object, out);
        if self.spec.quirks.cumulative_deltas {
            let whole = cut(&mut self.text, &mut line.content, &mut self.diagnostics)
                && cut(&mut self.thinking, &mut line.thinking, &mut self.diagnostics);
            if !whole {
                let message = format!("The upstream's answer is larger than {MOST_TEXT} bytes.");
                return self.fail(UpstreamError::TooLarge { message }, out);
            }
        }
        self.extra(std::mem::take(&mut line.extra), out);
        if !line.message.is_empty() {
            let extra = ExtraFieldList::new(FAMILY, std::mem::take(&mut line.message));
            out.push(Event::Extra { choice: Some(0), extra });
        }
        if !line.thinking.is_empty() {
            self.voice.thinks_apart();
        }
        self.say(BlockKind::Reasoning, std::mem::take(&mut line.thinking), out);
        self.voice(std::mem::take(&mut line.content), line.done, out);
        for call in std::mem::take(&mut line.calls) {
            self.call(call, out);
        }
        if !line.done || self.over {
            return;
        }
        self.close(out);
        if let Some(member) = line.odd_reason() {
            out.push(Event::Extra { choice: None, extra: ExtraFieldList::new(FAMILY, vec![member]) });
        }
        let reason = if self.voice.stopped {
            FinishReason::Stop
        } else {
            line.finish(self.calls > 0, &mut self.diagnostics)
        };
        out.push(Event::Finish { choice: 0, reason });
        out.extend(line.usage.map(Event::Usage));
        out.push(Event::End);
        self.over = true;
    }

    /// Members without a place, where they are new.
    fn extra(&mut self, members: Vec<(String, Box<RawValue>)>, out: &mut Vec<Event>) {
        let mut fresh = Vec::new();
        for (key, value) in members {
            let full = self.said.len() == MOST_MEMBERS;
            match self.said.iter_mut().find(|(k, _)| *k == key) {
                Some((_, old)) if old.get() == value.get() => continue,
                Some((_, old)) => old.clone_from(&value),
                None if full => {
                    self.diagnostics.record(DiagnosticCode::ExtraDropped, "", "too many members");
                    continue;
                }
                None => self.said.push((key.clone(), value.clone())),
            }
            fresh.push((key, value));
        }
        if !fresh.is_empty() {
            out.push(Event::Extra { choice: None, extra: ExtraFieldList::new(FAMILY, fresh) });
        }
    }

    fn say(&mut self, kind: BlockKind, text: String, out: &mut Vec<Event>) {
        if text.is_empty() || self.over || kind != BlockKind::Text && self.voice.stopped {
            return;
        }
        let block = match &self.open {
            Some((block, open)) if *open == kind => *block,
            _ => {
                self.close(out);
                let block = self.next;
                self.next += 1;
                self.open = Some((block, kind.clone()));
                out.push(Event::Open { choice: 0, block, kind });
                block
            }
        };
        out.push(Event::Delta { choice: 0, block, delta: Delta::Text(text) });
    }

    /// Text, and what stands in it. `last`: nothing follows.
    fn voice(&mut self, text: String, last: bool, out: &mut Vec<Event>) {
        if text.is_empty() && !last {
            return;
        }
        for piece in self.voice.take(text, last, &mut self.diagnostics) {
            match piece {
                Segment::Text(text) => self.say(BlockKind::Text, text, out),
                Segment::Reasoning(text) => self.say(BlockKind::Reasoning, text, out),
                Segment::ToolCall { name, arguments } => {
                    self.call(LineToolCall { id: None, name, arguments, extra: ExtraFields::default() }, out);
                }
            }
        }
    }

    fn call(&mut self, call: LineToolCall, out: &mut Vec<Event>) {
        if self.over || self.voice.stopped {
            return;
        }
        if self.calls == MOST_CALLS {
            let message = format!("The upstream's answer calls more than {MOST_CALLS} tools.");
            return self.fail(UpstreamError::TooLarge { message }, out);
        }
        self.close(out);
        let block = self.next;
        self.next += 1;
        self.calls += 1;
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
        if let Some((block, _)) = self.open.take() {
            out.push(Event::Close { choice: 0, block });
        }
    }
}

/// Cuts what was said before off a text that repeats it; false if there is too much of it.
fn cut(before: &mut String, text: &mut String, diagnostics: &mut Diagnostics) -> bool {
    if text.is_empty() {
        return true;
    }
    match text.strip_prefix(before.as_str()) {
        Some(fresh) => {
            if !before.is_empty() {
                diagnostics.record(DiagnosticCode::DeltasCumulative, "", "");
            }
            let fresh = fresh.to_owned();
            before.push_str(&fresh);
            *text = fresh;
        }
        None => before.push_str(text),
    }
    before.len() <= MOST_TEXT
}

impl Decoder for OllamaDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) {
        let (data, whole) = match frame {
            Frame::Event { data, .. } | Frame::Line(data) => (data, false),
            Frame::Body(data) => (data, true),
        };
        let data = data.trim_ascii();
        if data.is_empty() || data == b"[DONE]" {
            return;
        }
        if self.over {
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
            self.foreign = true;
            if whole {
                self.fail(malformed(data), out);
            } else {
                self.diagnostics.record(DiagnosticCode::FrameCorrupt, "", "");
            }
            return;
        };
        if error::is_error(&object) {
            let code =
                if self.started { DiagnosticCode::ErrorInStream } else { DiagnosticCode::StatusPromoted };
            self.diagnostics.record(code, "error", "");
            self.fail(error::in_body(&object), out);
        } else if is_answer(&object) {
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
                self.voice(String::new(), true, out);
                self.diagnostics.record(DiagnosticCode::StreamTruncated, "", "");
                UpstreamError::Truncated
            }
            (false, true) => malformed(b""),
            (false, false) => UpstreamError::Empty,
        };
        self.fail(error, out);
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}

/// Something that is no answer.
pub(super) fn malformed(body: &[u8]) -> UpstreamError {
    UpstreamError::malformed(match body.first() {
        Some(b'<') => "The upstream sent an HTML page instead of an answer.",
        _ => "The upstream sent something that is no answer of Ollama's API.",
    })
}
