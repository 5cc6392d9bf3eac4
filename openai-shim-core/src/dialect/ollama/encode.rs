//! Streams: events to lines of NDJSON, the last one with `done`.
//!
//! <https://docs.ollama.com/api/streaming>

use super::super::Encoder;
use super::error;
use super::names::{FAMILY, MESSAGE_PATH, OllamaApi};
use super::ndjson::write_line;
use super::written_line::{ResponseEnd, Timing, WrittenContent, WrittenToolCall, done_reason, new_line};
use crate::canonical::{
    BlockKind, Delta, DiagnosticCode, Diagnostics, Event, FinishReason, LOGPROBS, Logprobs, MemberIndex,
    ResponseSpec, Usage, call_id,
};
use crate::error::{Error, UpstreamError};
use crate::json::encode_string;
use std::collections::VecDeque;
use std::time::Duration;

/// The most bytes of arguments of tool calls that are not complete.
const MAX_ARGUMENT_BYTES: usize = 8 << 20;
const MAX_TOOL_CALLS: usize = 1024;

/// A tool call that is not written yet.
struct PendingToolCall {
    block: u32,
    id: String,
    name: String,
    arguments: String,
    extra: Vec<(String, String)>,
    is_complete: bool,
}

/// Pending tool calls, by ascending block number.
#[derive(Default)]
struct CallQueue {
    calls: VecDeque<PendingToolCall>,
    /// Bytes of all their arguments.
    argument_bytes: usize,
}

impl CallQueue {
    fn get_mut(&mut self, block: u32) -> Option<&mut PendingToolCall> {
        let position = self.calls.binary_search_by_key(&block, |call| call.block).ok()?;
        self.calls.get_mut(position)
    }

    /// Takes the first call out, if it is complete.
    fn pop_complete(&mut self) -> Option<PendingToolCall> {
        let call = if self.calls.front()?.is_complete { self.calls.pop_front()? } else { return None };
        self.argument_bytes = self.argument_bytes.saturating_sub(call.arguments.len());
        Some(call)
    }
}

/// Extra fields that wait for their line; a later value of a key replaces an earlier one.
#[derive(Default)]
struct WaitingFields {
    fields: Vec<(String, String)>,
    index: MemberIndex,
}

impl WaitingFields {
    fn put(&mut self, key: String, value: String) {
        self.index.put(&mut self.fields, key, value);
    }

    fn take(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.fields)
    }
}

/// How far the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// `Event::Start` did not arrive.
    AwaitingStart,
    InResponse,
    /// The last line was written, or nothing follows.
    Ended,
}

/// Encodes a stream.
pub(super) struct OllamaEncoder {
    api: OllamaApi,
    spec: ResponseSpec,
    diagnostics: Diagnostics,
    phase: Phase,
    model: String,
    created: u64,
    /// The JSON of a line of text up to its text; empty until the first such line.
    text_line_start: String,
    /// The open block of text, reasoning or refusal.
    open: Option<OpenBlock>,
    /// Tool calls in the order in which they started: a line has complete ones only, and they stay in order.
    pending_calls: CallQueue,
    written_calls: usize,
    finish_reason: Option<FinishReason>,
    usage: Option<Usage>,
    /// Extra fields of the last line.
    last_line_extra: WaitingFields,
    /// Extra fields of the next message.
    message_extra: WaitingFields,
    /// Log probabilities of the next message.
    logprobs: Logprobs,
    /// Since the request was sent.
    elapsed: Option<Duration>,
    /// `elapsed` when the first content was written.
    first_content: Option<Duration>,
}

/// A block of text, reasoning or refusal that is open.
struct OpenBlock {
    block: u32,
    kind: BlockKind,
}

impl OllamaEncoder {
    pub(super) fn new(api: OllamaApi, spec: ResponseSpec) -> Self {
        Self {
            api,
            model: spec.model.clone(),
            created: spec.created,
            text_line_start: String::new(),
            spec,
            diagnostics: Diagnostics::default(),
            phase: Phase::AwaitingStart,
            open: None,
            pending_calls: CallQueue::default(),
            written_calls: 0,
            finish_reason: None,
            usage: None,
            last_line_extra: WaitingFields::default(),
            message_extra: WaitingFields::default(),
            logprobs: Logprobs::default(),
            elapsed: None,
            first_content: None,
        }
    }

    /// Writes a line of text or thinking. A stream has hundreds of them, and in chat lines only the text differs.
    fn write_text(&mut self, is_thinking: bool, text: &str, out: &mut Vec<u8>) {
        let has_extra = !self.message_extra.fields.is_empty() || !self.logprobs.is_empty();
        if has_extra || is_thinking || self.api != OllamaApi::Chat {
            let mut content = WrittenContent::default();
            text.clone_into(if is_thinking { &mut content.thinking } else { &mut content.text });
            return self.write_content(content, out);
        }
        self.first_content = self.first_content.or(self.elapsed);
        if self.text_line_start.is_empty() {
            let line = new_line(&self.model, self.created).to_json();
            let fields = line.strip_suffix('}').unwrap_or_default();
            self.text_line_start = format!(r#"{fields},"message":{{"role":"assistant","content":"#);
        }
        out.extend_from_slice(self.text_line_start.as_bytes());
        out.extend_from_slice(encode_string(text).as_bytes());
        out.extend_from_slice(b"},\"done\":false}\n");
    }

    fn write_content(&mut self, mut content: WrittenContent, out: &mut Vec<u8>) {
        self.first_content = self.first_content.or(self.elapsed);
        content.extra = self.message_extra.take();
        content.logprobs = std::mem::take(&mut self.logprobs);
        let mut line = new_line(&self.model, self.created);
        content.write(self.api, &mut line);
        line.set("done", "false");
        write_line(out, |out| line.write(out));
    }

    fn open(&mut self, block: u32, kind: &BlockKind, out: &mut Vec<u8>) {
        if let BlockKind::ToolCall { id, name, signature } = kind {
            if signature.as_ref().is_some_and(|signature| !call_id::holds(id, signature)) {
                self.diagnostics.record(DiagnosticCode::FeatureUnsupported, MESSAGE_PATH, "an opaque part");
            }
            if self.written_calls + self.pending_calls.calls.len() >= MAX_TOOL_CALLS {
                return self.too_large("tools", MAX_TOOL_CALLS, out);
            }
            self.pending_calls.calls.push_back(PendingToolCall {
                block,
                id: id.clone(),
                name: name.clone(),
                arguments: String::new(),
                extra: Vec::new(),
                is_complete: false,
            });
            return;
        }
        if *kind == BlockKind::Refusal {
            self.diagnostics.record(DiagnosticCode::ContentRewritten, MESSAGE_PATH, "a refusal as text");
        }
        self.open = Some(OpenBlock { block, kind: kind.clone() });
    }

    fn delta(&mut self, block: u32, delta: &Delta, out: &mut Vec<u8>) {
        if let Some(call) = self.pending_calls.get_mut(block) {
            match delta {
                Delta::Text(text) => {
                    call.arguments.push_str(text);
                    self.pending_calls.argument_bytes += text.len();
                    if self.pending_calls.argument_bytes > MAX_ARGUMENT_BYTES {
                        self.too_large("bytes of arguments", MAX_ARGUMENT_BYTES, out);
                    }
                }
                Delta::Native { dialect: FAMILY, key, raw } => {
                    call.extra.push((key.clone(), raw.as_str().to_owned()));
                }
                _ => self.report_opaque(),
            }
            return;
        }
        let open = self.open.as_ref().filter(|open| open.block == block);
        match (delta, open.map(|open| open.kind == BlockKind::Reasoning)) {
            (Delta::Text(text), Some(is_thinking)) if !text.is_empty() => {
                self.write_text(is_thinking, text, out);
            }
            (Delta::Text(_), _) => {}
            _ => self.report_opaque(),
        }
    }

    fn report_opaque(&mut self) {
        self.diagnostics.record(DiagnosticCode::FeatureUnsupported, MESSAGE_PATH, "an opaque part");
    }

    fn too_large(&mut self, what: &str, limit: usize, out: &mut Vec<u8>) {
        let message = format!("The answer has more than {limit} {what}.");
        self.fail(UpstreamError::TooLarge { message }, out);
    }

    fn fail(&mut self, failure: UpstreamError, out: &mut Vec<u8>) {
        error::encode_in_stream(&Error::Upstream(failure), out);
        self.phase = Phase::Ended;
    }

    /// Writes the complete tool calls that no incomplete one precedes.
    fn write_complete_calls(&mut self, out: &mut Vec<u8>) {
        while let Some(PendingToolCall { id, name, arguments, extra, .. }) = self.pending_calls.pop_complete()
        {
            let call = WrittenToolCall { id: &id, name: &name, arguments: &arguments };
            let json = call.into_json(self.written_calls, extra.into_iter(), &mut self.diagnostics);
            self.written_calls += 1;
            self.write_content(WrittenContent { tool_calls: vec![json], ..Default::default() }, out);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        let mut line = new_line(&self.model, self.created);
        let content = WrittenContent {
            extra: self.message_extra.take(),
            logprobs: std::mem::take(&mut self.logprobs),
            ..Default::default()
        };
        content.write(self.api, &mut line);
        let end = ResponseEnd {
            done_reason: self.finish_reason.as_ref().map_or("stop", done_reason).to_owned(),
            usage: self.usage,
            timing: self.elapsed.map(|total| Timing { total, first_content: self.first_content }),
            extra: self.last_line_extra.take(),
        };
        end.write(&mut line, &mut self.diagnostics);
        write_line(out, |out| line.write(out));
        self.phase = Phase::Ended;
    }

    /// Whether an event belongs to a choice after the first, which this API cannot represent.
    fn is_other_choice(&mut self, event: &Event) -> bool {
        let is_other = match event {
            Event::Open { choice, .. }
            | Event::Delta { choice, .. }
            | Event::Close { choice, .. }
            | Event::Finish { choice, .. }
            | Event::Extra { choice: Some(choice), .. } => *choice > 0,
            _ => false,
        };
        if is_other && !matches!(event, Event::Delta { .. } | Event::Close { .. }) {
            self.diagnostics.record(DiagnosticCode::FeatureUnsupported, "choices", "more than one answer");
        }
        is_other
    }
}

impl Encoder for OllamaEncoder {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.phase == Phase::Ended || self.is_other_choice(event) {
            return;
        }
        match event {
            Event::Start { model, created, .. } => {
                self.phase = Phase::InResponse;
                if let (Some(model), false) = (model, self.spec.restore_alias) {
                    self.model.clone_from(model);
                }
                self.created = created.unwrap_or(self.created);
                self.text_line_start.clear();
            }
            Event::Open { block, kind, .. } => self.open(*block, kind, out),
            Event::Delta { block, delta, .. } => self.delta(*block, delta, out),
            Event::Close { block, .. } => {
                if let Some(call) = self.pending_calls.get_mut(*block) {
                    call.is_complete = true;
                    self.write_complete_calls(out);
                } else {
                    self.open = None;
                }
            }
            Event::Finish { reason, .. } => self.finish_reason = Some(reason.clone()),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Extra { extra, .. } if extra.dialect == LOGPROBS => self.logprobs.append(extra),
            Event::Extra { choice, extra } => {
                let waiting =
                    if choice.is_some() { &mut self.message_extra } else { &mut self.last_line_extra };
                for (key, value) in extra.of(FAMILY) {
                    waiting.put(key.clone(), value.as_str().to_owned());
                }
                extra.report(FAMILY, "", &mut self.diagnostics);
            }
            Event::Error(failure) => self.fail(failure.clone(), out),
            Event::End => self.end(out),
        }
    }

    fn set_elapsed(&mut self, since: Duration) {
        self.elapsed = Some(since);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.phase == Phase::InResponse {
            self.fail(UpstreamError::Truncated, out);
        }
        self.phase = Phase::Ended;
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}
