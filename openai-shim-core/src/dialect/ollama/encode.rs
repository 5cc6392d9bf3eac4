//! Events as a stream: one JSON object a line, the last one with `done`.
//!
//! <https://docs.ollama.com/api/streaming>

use super::super::Encoder;
use super::response_line::{arguments, write_line};
use super::{FAMILY, MESSAGE, OllamaApi, error};
use crate::canonical::{
    BlockKind, Delta, DiagnosticCode, Diagnostics, Event, ExtraFields, FinishReason, MemberIndex,
    ResponseSpec, Usage, call_id, time,
};
use crate::error::{Error, UpstreamError};
use crate::json::{Object, encode_string};
use std::collections::VecDeque;
use std::time::Duration;

/// How many bytes of arguments may wait until their calls are whole.
const MOST_ARGUMENTS: usize = 8 << 20;
const MOST_CALLS: usize = 1024;

/// What one line says, ready to be written.
#[derive(Default)]
pub(super) struct LineContent {
    pub(super) content: String,
    pub(super) thinking: String,
    pub(super) calls: Vec<String>,
    /// Further members of the message.
    pub(super) members: Vec<(String, String)>,
}

impl LineContent {
    /// Adds a call.
    pub(super) fn call(
        &mut self,
        id: &str,
        name: &str,
        json: &str,
        extra: &ExtraFields,
        diagnostics: &mut Diagnostics,
    ) {
        let index = self.calls.len();
        let native = extra.of(FAMILY).iter().map(|(k, v)| (k.clone(), v.get().to_owned()));
        self.calls.push(call(id, name, index, json, native, diagnostics));
    }

    /// Writes it in one of the two forms.
    pub(super) fn write(self, form: OllamaApi, line: &mut Object<'_>) {
        let mut message = Object::new();
        if form == OllamaApi::Chat {
            message.set("role", "\"assistant\"");
        }
        message
            .set(if form == OllamaApi::Chat { "content" } else { "response" }, encode_string(&self.content));
        if !self.thinking.is_empty() {
            message.set("thinking", encode_string(&self.thinking));
        }
        if !self.calls.is_empty() {
            message.set("tool_calls", format!("[{}]", self.calls.join(",")));
        }
        for (key, value) in self.members {
            message.set(key, value);
        }
        match form {
            OllamaApi::Chat => line.set("message", message.to_json()),
            OllamaApi::Generate => message.iter().for_each(|(k, v)| line.set(k.to_owned(), v.to_owned())),
        }
    }
}

fn call(
    id: &str,
    name: &str,
    index: usize,
    json: &str,
    native: impl Iterator<Item = (String, String)>,
    diagnostics: &mut Diagnostics,
) -> String {
    let mut call = Object::new();
    if !id.is_empty() {
        call.set("id", encode_string(id));
    }
    let json = arguments(json, "message.tool_calls[].function.arguments", diagnostics);
    call.set("function", format!(r#"{{"index":{index},"name":{},"arguments":{json}}}"#, encode_string(name)));
    for (key, value) in native {
        call.set(key, value);
    }
    call.to_json()
}

/// The beginning of a line.
pub(super) fn head(model: &str, created: u64) -> Object<'static> {
    let mut line = Object::new();
    line.set("model", encode_string(model));
    line.set("created_at", encode_string(&time::rfc3339(created)));
    line
}

/// The end of the last line. What is not known is left out: the official types allow that of all of it. Times are the
/// caller's clock's: `measured` is all of it, and how much passed before the first word.
pub(super) fn done(
    line: &mut Object<'_>,
    reason: &str,
    usage: Option<Usage>,
    measured: Option<(Duration, Option<Duration>)>,
    own: Vec<(String, String)>,
    diagnostics: &mut Diagnostics,
) {
    line.set("done", "true");
    line.set("done_reason", encode_string(reason));
    let mut number = |key: &'static str, value: Option<u64>| {
        if let Some(value) = value {
            line.set(key, value.to_string());
        }
    };
    let nanos = |d: Duration| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX);
    let usage = usage.unwrap_or_default();
    number("total_duration", measured.map(|(total, _)| nanos(total)));
    number("prompt_eval_count", usage.input);
    let first = measured.and_then(|(total, first)| Some((total, first?)));
    number("prompt_eval_duration", first.map(|(_, first)| nanos(first)));
    number("eval_count", usage.output);
    number("eval_duration", first.map(|(total, first)| nanos(total.saturating_sub(first))));
    if [usage.cached, usage.cache_written, usage.reasoning].iter().any(|n| n.is_some_and(|n| n > 0)) {
        diagnostics.record(DiagnosticCode::ExtraDropped, "usage", "details");
    }
    for (key, value) in own {
        line.set(key, value);
    }
}

/// The word for a reason. A filter has none in Ollama's own server, and must not look like an end in order.
pub(super) fn word(reason: &FinishReason) -> &'static str {
    match reason {
        FinishReason::Length => "length",
        FinishReason::ContentFilter | FinishReason::Refusal => "content_filter",
        _ => "stop",
    }
}

/// A call that is not written yet.
struct PendingToolCall {
    block: u32,
    id: String,
    name: String,
    json: String,
    native: Vec<(String, String)>,
    whole: bool,
}

/// The call of this number: they stand in the order of their numbers.
fn pending(calls: &mut VecDeque<PendingToolCall>, block: u32) -> Option<&mut PendingToolCall> {
    let at = calls.binary_search_by_key(&block, |call| call.block).ok()?;
    calls.get_mut(at)
}

/// Writes a stream.
pub(super) struct OllamaEncoder {
    form: OllamaApi,
    spec: ResponseSpec,
    diagnostics: Diagnostics,
    model: String,
    created: u64,
    /// A line of words up to these, once there was one.
    before: String,
    /// The open block of text, thinking or refusal.
    open: Option<(u32, BlockKind)>,
    /// Calls in the order in which they began: a line has whole ones only, and they keep their order.
    pending: VecDeque<PendingToolCall>,
    bytes: usize,
    calls: usize,
    reason: Option<FinishReason>,
    usage: Option<Usage>,
    /// Members for the last line, and for the next message.
    extra: Vec<(String, String)>,
    members: Vec<(String, String)>,
    /// Where those of the next message stand, and those of the last line.
    places: (MemberIndex, MemberIndex),
    /// Since the request was sent, and when the first word was written.
    elapsed: Option<Duration>,
    first: Option<Duration>,
    started: bool,
    over: bool,
}

impl OllamaEncoder {
    pub(super) fn new(form: OllamaApi, spec: ResponseSpec) -> Self {
        Self {
            form,
            model: spec.model.clone(),
            created: spec.created,
            before: String::new(),
            spec,
            diagnostics: Diagnostics::default(),
            open: None,
            pending: VecDeque::new(),
            bytes: 0,
            calls: 0,
            reason: None,
            usage: None,
            extra: Vec::new(),
            members: Vec::new(),
            places: Default::default(),
            elapsed: None,
            first: None,
            started: false,
            over: false,
        }
    }

    /// Writes a line of words, of which there are hundreds: what is before them is always the same.
    fn words(&mut self, thinking: bool, text: &str, out: &mut Vec<u8>) {
        if !self.members.is_empty() || thinking || self.form != OllamaApi::Chat {
            let (text, none) = (text.to_owned(), String::new());
            let (thinking, content) = if thinking { (text, none) } else { (none, text) };
            return self.write(LineContent { content, thinking, ..LineContent::default() }, out);
        }
        self.first = self.first.or(self.elapsed);
        if self.before.is_empty() {
            let head = head(&self.model, self.created).to_json();
            let head = head.strip_suffix('}').unwrap_or_default();
            self.before = format!(r#"{head},"message":{{"role":"assistant","content":"#);
        }
        out.extend_from_slice(self.before.as_bytes());
        out.extend_from_slice(encode_string(text).as_bytes());
        out.extend_from_slice(b"},\"done\":false}\n");
    }

    fn write(&mut self, mut said: LineContent, out: &mut Vec<u8>) {
        self.first = self.first.or(self.elapsed);
        said.members = std::mem::take(&mut self.members);
        let mut line = head(&self.model, self.created);
        said.write(self.form, &mut line);
        line.set("done", "false");
        write_line(out, |out| line.write(out));
    }

    fn open(&mut self, block: u32, kind: &BlockKind, out: &mut Vec<u8>) {
        if let BlockKind::ToolCall { id, name, signature } = kind {
            if signature.as_ref().is_some_and(|signature| !call_id::holds(id, signature)) {
                self.diagnostics.record(DiagnosticCode::FeatureUnsupported, MESSAGE, "an opaque part");
            }
            if self.calls + self.pending.len() >= MOST_CALLS {
                return self.too_much("tools", MOST_CALLS, out);
            }
            self.pending.push_back(PendingToolCall {
                block,
                id: id.clone(),
                name: name.clone(),
                json: String::new(),
                native: Vec::new(),
                whole: false,
            });
            return;
        }
        if *kind == BlockKind::Refusal {
            self.diagnostics.record(DiagnosticCode::ContentRewritten, MESSAGE, "a refusal as text");
        }
        self.open = Some((block, kind.clone()));
    }

    fn delta(&mut self, block: u32, delta: &Delta, out: &mut Vec<u8>) {
        let pending = pending(&mut self.pending, block);
        let thinking =
            self.open.as_ref().filter(|(b, _)| *b == block).map(|(_, kind)| *kind == BlockKind::Reasoning);
        match (delta, pending, thinking) {
            (Delta::Text(text), Some(call), _) => {
                call.json.push_str(text);
                self.bytes += text.len();
                if self.bytes > MOST_ARGUMENTS {
                    self.too_much("bytes of arguments", MOST_ARGUMENTS, out);
                }
            }
            (Delta::Native { dialect: FAMILY, key, raw }, Some(call), _) => {
                call.native.push((key.clone(), raw.get().to_owned()));
            }
            (Delta::Text(text), None, Some(true)) if !text.is_empty() => {
                self.words(true, text, out);
            }
            (Delta::Text(text), None, Some(false)) if !text.is_empty() => {
                self.words(false, text, out);
            }
            (Delta::Text(_), None, _) => {}
            _ => self.diagnostics.record(DiagnosticCode::FeatureUnsupported, MESSAGE, "an opaque part"),
        }
    }

    fn too_much(&mut self, what: &str, most: usize, out: &mut Vec<u8>) {
        let message = format!("The answer has more than {most} {what}.");
        self.fail(UpstreamError::TooLarge { message }, out);
    }

    fn fail(&mut self, failure: UpstreamError, out: &mut Vec<u8>) {
        error::encode_in_stream(&Error::Upstream(failure), out);
        self.over = true;
    }

    /// Writes the calls that are whole, as far as all before them are.
    fn flush(&mut self, out: &mut Vec<u8>) {
        while self.pending.front().is_some_and(|call| call.whole) {
            let Some(pending) = self.pending.pop_front() else { return };
            self.bytes = self.bytes.saturating_sub(pending.json.len());
            let native = pending.native.into_iter();
            let json =
                call(&pending.id, &pending.name, self.calls, &pending.json, native, &mut self.diagnostics);
            self.calls += 1;
            self.write(LineContent { calls: vec![json], ..LineContent::default() }, out);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        let mut line = head(&self.model, self.created);
        let members = std::mem::take(&mut self.members);
        LineContent { members, ..LineContent::default() }.write(self.form, &mut line);
        let reason = self.reason.as_ref().map_or("stop", word);
        let measured = self.elapsed.map(|total| (total, self.first));
        done(&mut line, reason, self.usage, measured, std::mem::take(&mut self.extra), &mut self.diagnostics);
        write_line(out, |out| line.write(out));
        self.over = true;
    }

    /// Events of a second answer: there is one answer here.
    fn is_other(&mut self, event: &Event) -> bool {
        let other = match event {
            Event::Open { choice, .. }
            | Event::Delta { choice, .. }
            | Event::Close { choice, .. }
            | Event::Finish { choice, .. }
            | Event::Extra { choice: Some(choice), .. } => *choice > 0,
            _ => false,
        };
        if other && !matches!(event, Event::Delta { .. } | Event::Close { .. }) {
            self.diagnostics.record(DiagnosticCode::FeatureUnsupported, "choices", "more than one answer");
        }
        other
    }
}

impl Encoder for OllamaEncoder {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.over || self.is_other(event) {
            return;
        }
        match event {
            Event::Start { model, created, .. } => {
                self.started = true;
                if let (Some(model), false) = (model, self.spec.restore_alias) {
                    self.model.clone_from(model);
                }
                self.created = created.unwrap_or(self.created);
                self.before.clear();
            }
            Event::Open { block, kind, .. } => self.open(*block, kind, out),
            Event::Delta { block, delta, .. } => self.delta(*block, delta, out),
            Event::Close { block, .. } => {
                if let Some(call) = pending(&mut self.pending, *block) {
                    call.whole = true;
                    self.flush(out);
                } else {
                    self.open = None;
                }
            }
            Event::Finish { reason, .. } => self.reason = Some(reason.clone()),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Extra { choice, extra } => {
                let members = extra.of(FAMILY).iter().map(|(k, v)| (k.clone(), v.get().to_owned()));
                let (slot, index) = match choice {
                    Some(_) => (&mut self.members, &mut self.places.0),
                    None => (&mut self.extra, &mut self.places.1),
                };
                for (key, value) in members {
                    index.put(slot, key, value);
                }
                if extra.of(FAMILY).is_empty() && !extra.is_empty() {
                    self.diagnostics.record(DiagnosticCode::ExtraDropped, "", extra.dialect);
                }
            }
            Event::Error(failure) => self.fail(failure.clone(), out),
            Event::End => self.end(out),
        }
    }

    fn set_elapsed(&mut self, since: Duration) {
        self.elapsed = Some(since);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.over, true) && self.started {
            self.fail(UpstreamError::Truncated, out);
        }
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}
