//! Streams: events to server-sent events, exactly as Anthropic sends them.
//!
//! Blocks follow one another here, and start with their first content. Tool calls that a model streams in parallel wait
//! until the one before them is complete.
//!
//! <https://docs.anthropic.com/en/docs/build-with-claude/streaming>

use super::super::Encoder;
use super::client_tools::ToolsetCalls;
use super::names::{NAME, SIGNATURE_FORMAT};
use super::sse::write_event;
use super::stop_reason::{self, ContentSummary};
use super::stream_state::{ResumePoint, ResumedBlock, SentProgress, SentState};
use super::{content_block, error, usage};
use crate::canonical::{
    BlockKind, Delta, DiagnosticCode, Diagnostics, Event, ExtraFields, FinishReason, MemberIndex,
    REASONING_DETAILS, ResponseContext, ResponseSpec, Usage, WHOLE_BLOCK, code_of_loss, issuer,
};
use crate::error::{Error, UpstreamError};
use crate::framing;
use crate::json::{Object, encode_string};
use serde_json::value::RawValue;
use std::collections::VecDeque;

/// The most bytes of tool calls that wait for the one before them.
const MAX_WAITING_BYTES: usize = 16 << 20;

/// Encodes a stream.
pub(super) struct MessagesEncoder {
    spec: ResponseSpec,
    context: ResponseContext,
    diagnostics: Diagnostics,
    phase: Phase,
    id: String,
    model: String,
    /// Blocks that are open or wait, by ascending number; the first one is being written.
    blocks: VecDeque<PendingBlock>,
    /// The next block's index.
    next_index: u32,
    waiting_bytes: usize,
    content: ContentSummary,
    finish_reason: Option<FinishReason>,
    usage: Option<Usage>,
    /// Fields of the message as a whole that only this dialect has.
    extra: ExtraFields,
    extra_index: MemberIndex,
    toolset_calls: ToolsetCalls,
}

/// How far the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No event arrived.
    AwaitingStart,
    /// `Event::Start` arrived, and `message_start` waits for the first content.
    StartPending,
    /// `message_start` was written.
    InMessage,
    /// `message_delta` was written.
    DeltaWritten,
    /// `message_stop` or an error was written, or nothing follows.
    Ended,
}

/// A block that is open or waits.
struct PendingBlock {
    /// Its number in events.
    block: u32,
    kind: BlockKind,
    /// Its index in the stream, once its start was written.
    index: Option<u32>,
    extra: ExtraFields,
    /// The `reasoning_details` fields of its signature.
    signature_details: ExtraFields,
    /// Encrypted reasoning, or a signature of another issuer, which is written when the block closes.
    buffered_signature: String,
    /// Arguments of a tool call that waits.
    waiting_input: String,
    is_closed: bool,
}

impl MessagesEncoder {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        Self {
            id: String::new(),
            model: spec.model.clone(),
            toolset_calls: ToolsetCalls::new(&spec.echoed_params),
            spec,
            context,
            diagnostics: Diagnostics::default(),
            phase: Phase::AwaitingStart,
            blocks: VecDeque::new(),
            next_index: 0,
            waiting_bytes: 0,
            content: ContentSummary::default(),
            finish_reason: None,
            usage: None,
            extra: ExtraFields::default(),
            extra_index: MemberIndex::default(),
        }
    }

    /// Continues a stream whose frames were passed on up to here.
    pub(super) fn resume(
        &mut self,
        resume_point: ResumePoint,
        sent: SentState,
        usage: Option<Usage>,
        out: &mut Vec<u8>,
    ) {
        self.usage = usage;
        self.phase = match sent.progress {
            SentProgress::Nothing => Phase::AwaitingStart,
            SentProgress::MessageStart => Phase::InMessage,
            SentProgress::MessageDelta => Phase::DeltaWritten,
        };
        self.next_index = sent.next_index;
        self.content.has_tool_calls = resume_point.has_tool_calls;
        self.finish_reason = resume_point.finish_reason;
        match (sent.open_index, resume_point.open_block) {
            (Some(index), Some(ResumedBlock { block, kind: Some(kind) })) => {
                let mut pending = PendingBlock::new(block, kind);
                pending.index = Some(index);
                self.blocks.push_back(pending);
            }
            (Some(index), _) => Self::write_block_stop(index, out),
            (None, _) => {}
        }
    }

    /// Writes `message_start` unless it was written.
    fn ensure_started(&mut self, out: &mut Vec<u8>) {
        if !matches!(self.phase, Phase::AwaitingStart | Phase::StartPending) {
            return;
        }
        self.phase = Phase::InMessage;
        if self.id.is_empty() {
            self.id = self.context.new_id("msg_");
        }
        let mut message = Object::new();
        message.set("id", encode_string(&self.id));
        message.set("type", "\"message\"");
        message.set("role", "\"assistant\"");
        message.set("model", encode_string(&self.model));
        message.set("content", "[]");
        message.set("stop_reason", "null");
        message.set("stop_sequence", "null");
        message.set("usage", usage::write(self.usage.unwrap_or_default(), &self.extra));
        for (key, value) in std::mem::take(&mut self.extra.members) {
            if message.get(&key).is_none() {
                message.set(key, value.as_str().to_owned());
            }
        }
        write_event(
            out,
            "message_start",
            &format!(r#"{{"type":"message_start","message":{}}}"#, message.to_json()),
        );
    }

    /// Writes the start of the next block; returns its index.
    fn write_block_start(&mut self, content: &str, out: &mut Vec<u8>) -> u32 {
        self.ensure_started(out);
        let index = self.next_index;
        self.next_index += 1;
        let event = format!(r#"{{"type":"content_block_start","index":{index},"content_block":{content}}}"#);
        write_event(out, "content_block_start", &event);
        index
    }

    /// Starts the block that is being written unless it has started; returns its index.
    fn ensure_block_started(&mut self, out: &mut Vec<u8>) -> u32 {
        let Some(pending) = self.blocks.front() else { return 0 };
        if let Some(index) = pending.index {
            return index;
        }
        let content = match &pending.kind {
            BlockKind::Text | BlockKind::Refusal => String::from(r#"{"type":"text","text":""}"#),
            BlockKind::Reasoning => String::from(r#"{"type":"thinking","thinking":"","signature":""}"#),
            BlockKind::ToolCall { id, name, signature } => {
                let id = if id.is_empty() { self.context.new_id("toolu_") } else { id.clone() };
                let signature = signature.as_deref();
                let id = content_block::id_with_signature(&id, signature, "content[]", &mut self.diagnostics);
                self.toolset_calls.restore(content_block::tool_use(&id, name, "{}", &pending.extra))
            }
        };
        let index = self.write_block_start(&content, out);
        if let Some(pending) = self.blocks.front_mut() {
            pending.index = Some(index);
        }
        index
    }

    /// Writes a delta of the block that is being written; `value` is JSON.
    fn write_delta(&mut self, delta_type: &str, key: &str, value: &str, out: &mut Vec<u8>) {
        let index = self.ensure_block_started(out).to_string();
        // A stream has hundreds of deltas: their parts are appended without a string in between.
        out.extend_from_slice(b"event: content_block_delta\n");
        let start =
            [r#"{"type":"content_block_delta","index":"#, &index, r#","delta":{"type":""#, delta_type];
        let field = [r#"",""#, key, r#"":"#, value, "}}"];
        framing::write_event(out, |out| {
            start.iter().chain(&field).for_each(|part| out.extend_from_slice(part.as_bytes()));
        });
    }

    fn write_block_stop(index: u32, out: &mut Vec<u8>) {
        write_event(
            out,
            "content_block_stop",
            &format!(r#"{{"type":"content_block_stop","index":{index}}}"#),
        );
    }

    fn delta(&mut self, block: u32, delta: &Delta, out: &mut Vec<u8>) {
        let Some(position) = self.position(block) else { return };
        let Some(pending) = self.blocks.get_mut(position) else { return };
        match delta {
            Delta::Text(text) if text.is_empty() => {}
            Delta::Text(text) if position > 0 => {
                self.waiting_bytes += text.len();
                pending.waiting_input.push_str(text);
                if self.waiting_bytes > MAX_WAITING_BYTES {
                    let message = String::from("Calls side by side are larger than this service keeps.");
                    self.fail(&UpstreamError::TooLarge { message }, out);
                }
            }
            Delta::Text(text) => {
                let (delta_type, key) = match pending.kind {
                    BlockKind::Text | BlockKind::Refusal => ("text_delta", "text"),
                    BlockKind::Reasoning => ("thinking_delta", "thinking"),
                    BlockKind::ToolCall { .. } => ("input_json_delta", "partial_json"),
                };
                self.write_delta(delta_type, key, &encode_string(text), out);
            }
            Delta::Signature(more) if pending.kind != BlockKind::Reasoning => match &mut pending.kind {
                // The signature goes into the tool call's id, as long as the id is not written.
                BlockKind::ToolCall { signature, .. } if pending.index.is_none() => {
                    signature.get_or_insert_default().push_str(more);
                }
                _ => self.diagnostics.record(
                    DiagnosticCode::FeatureUnsupported,
                    "content[]",
                    "a signature that came too late",
                ),
            },
            Delta::Signature(signature) if pending.has_own_signature() => {
                self.write_delta("signature_delta", "signature", &encode_string(signature), out);
            }
            Delta::Signature(signature) => pending.buffered_signature.push_str(signature),
            Delta::Native { dialect: REASONING_DETAILS, key, raw } => {
                if !pending.signature_details.set_detail(key, raw) {
                    self.diagnostics.record(
                        DiagnosticCode::ExtraDropped,
                        REASONING_DETAILS,
                        "more members than are kept",
                    );
                }
            }
            Delta::Native { dialect: NAME, key, raw } => match key.as_str() {
                WHOLE_BLOCK => self.write_native_block(raw.as_str(), out),
                "citation" => self.write_delta("citations_delta", "citation", raw.as_str(), out),
                "citations" => {
                    let citations: Vec<&RawValue> = serde_json::from_str(raw.as_str()).unwrap_or_default();
                    for citation in citations {
                        self.write_delta("citations_delta", "citation", citation.get(), out);
                    }
                }
                _ => {
                    pending.extra.dialect = NAME;
                    pending.extra.members.push((key.clone(), raw.clone()));
                }
            },
            Delta::Native { key, .. } => {
                self.diagnostics.record(code_of_loss(key), "content[]", key);
            }
        }
    }

    /// Finds a pending block by its number in events.
    fn position(&self, block: u32) -> Option<usize> {
        self.blocks.binary_search_by_key(&block, |pending| pending.block).ok()
    }

    /// Writes a complete block that only this dialect has.
    fn write_native_block(&mut self, block: &str, out: &mut Vec<u8>) {
        if let Some(index) = self.blocks.front_mut().and_then(|pending| pending.index.take()) {
            Self::write_block_stop(index, out);
        }
        let Ok(mut object) = Object::parse(block.as_bytes()) else { return };
        // The API itself sends the input of its tool calls as a delta, and all else in the block's start.
        let is_call = object.str("type").is_some_and(|kind| kind.ends_with("tool_use"));
        let input = object.get("input").filter(|_| is_call).map(str::to_owned);
        if input.is_some() {
            object.set("input", "{}");
        }
        let index = self.write_block_start(&object.to_json(), out);
        if let Some(input) = input {
            let event = format!(
                r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"input_json_delta","partial_json":{}}}}}"#,
                encode_string(&input)
            );
            write_event(out, "content_block_delta", &event);
        }
        Self::write_block_stop(index, out);
    }

    fn close(&mut self, block: u32, out: &mut Vec<u8>) {
        let Some(pending) = self.position(block).and_then(|position| self.blocks.get_mut(position)) else {
            return;
        };
        pending.is_closed = true;
        while let Some(first) = self.blocks.front().filter(|first| first.is_closed) {
            if matches!(first.kind, BlockKind::ToolCall { .. }) {
                self.ensure_block_started(out);
            }
            self.write_buffered_signature(out);
            if let Some(index) = self.blocks.pop_front().and_then(|first| first.index) {
                Self::write_block_stop(index, out);
            }
            let next = self.blocks.front_mut();
            let input = next.map(|next| std::mem::take(&mut next.waiting_input)).unwrap_or_default();
            if !input.is_empty() {
                self.waiting_bytes = self.waiting_bytes.saturating_sub(input.len());
                self.write_delta("input_json_delta", "partial_json", &encode_string(&input), out);
            }
        }
    }

    /// Writes the buffered signature of the first block as one delta, or as a `redacted_thinking` block.
    fn write_buffered_signature(&mut self, out: &mut Vec<u8>) {
        let Some(pending) = self.blocks.front().filter(|first| !first.buffered_signature.is_empty()) else {
            return;
        };
        let (signature, details) = (&pending.buffered_signature, &pending.signature_details);
        let data = encode_string(&issuer::tag_issuer(signature, details, SIGNATURE_FORMAT));
        if pending.index.is_some() || details.detail("type").is_none() {
            return self.write_delta("signature_delta", "signature", &data, out);
        }
        let content = format!(r#"{{"type":"redacted_thinking","data":{data}}}"#);
        let index = self.write_block_start(&content, out);
        if let Some(pending) = self.blocks.front_mut() {
            pending.index = Some(index);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        while let Some(block) = self.blocks.front().map(|first| first.block) {
            self.close(block, out);
        }
        self.ensure_started(out);
        if self.phase != Phase::DeltaWritten {
            self.write_message_delta(out);
        }
        write_event(out, "message_stop", r#"{"type":"message_stop"}"#);
        self.phase = Phase::Ended;
    }

    fn write_message_delta(&mut self, out: &mut Vec<u8>) {
        let written = stop_reason::write(self.finish_reason.as_ref(), self.content, &self.extra);
        let mut delta = Object::new();
        delta.set("stop_reason", written.stop_reason);
        delta.set("stop_sequence", written.stop_sequence);
        let mut event = Object::new();
        event.set("type", "\"message_delta\"");
        for (key, value) in &self.extra.members {
            match key.as_str() {
                "usage" | "stop_reason" | "stop_sequence" => {}
                "container" | "stop_details" => delta.set(key.as_str(), value.as_str()),
                _ => event.set(key.as_str(), value.as_str()),
            }
        }
        event.set("delta", delta.to_json());
        if self.usage.is_none() {
            self.diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
        }
        event.set("usage", usage::write(self.usage.unwrap_or_default(), &self.extra));
        write_event(out, "message_delta", &event.to_json());
    }

    /// Ends the stream with an error.
    fn fail(&mut self, failure: &UpstreamError, out: &mut Vec<u8>) {
        if self.phase != Phase::Ended {
            self.phase = Phase::Ended;
            error::encode_in_stream(&Error::Upstream(failure.clone()), out);
        }
    }
}

impl PendingBlock {
    fn new(block: u32, kind: BlockKind) -> Self {
        Self {
            block,
            kind,
            index: None,
            extra: ExtraFields::default(),
            signature_details: ExtraFields::new(REASONING_DETAILS, Vec::new()),
            buffered_signature: String::new(),
            waiting_input: String::new(),
            is_closed: false,
        }
    }

    /// Whether the signature is this API's own, so that its deltas are written as they arrive.
    fn has_own_signature(&self) -> bool {
        let details = &self.signature_details;
        details.detail("type").is_none() && details.detail("format").is_none_or(|f| f == SIGNATURE_FORMAT)
    }
}

impl Encoder for MessagesEncoder {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.phase == Phase::Ended {
            return;
        }
        match event {
            Event::Start { id, model, .. } => {
                if self.phase == Phase::AwaitingStart {
                    self.phase = Phase::StartPending;
                }
                self.id = id.clone().unwrap_or_default();
                if let (Some(model), false) = (model, self.spec.restore_alias) {
                    self.model.clone_from(model);
                }
            }
            Event::Open { choice: 0, kind, .. } if self.phase == Phase::DeltaWritten => {
                let what = if matches!(kind, BlockKind::Text) { "text" } else { "a block" };
                self.diagnostics.record(DiagnosticCode::ContentAfterFinish, what, "left out");
            }
            Event::Open { choice: 0, block, kind } => {
                self.content.has_tool_calls |= matches!(kind, BlockKind::ToolCall { .. });
                self.content.has_refusal |= matches!(kind, BlockKind::Refusal);
                self.blocks.push_back(PendingBlock::new(*block, kind.clone()));
            }
            Event::Delta { choice: 0, block, delta } => self.delta(*block, delta, out),
            Event::Close { choice: 0, block } => self.close(*block, out),
            Event::Finish { choice: 0, reason } => self.finish_reason = Some(reason.clone()),
            Event::Open { .. } | Event::Finish { .. } => {
                self.diagnostics.record(
                    DiagnosticCode::FeatureUnsupported,
                    "choices[1]",
                    "more than one answer",
                );
            }
            Event::Delta { .. } | Event::Close { .. } => {}
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Extra { extra, .. } => {
                extra.dropped_keys(NAME).for_each(|key| self.diagnostics.record(code_of_loss(key), "", key));
                self.extra.dialect = NAME;
                for (key, value) in extra.of(NAME) {
                    self.extra_index.put(&mut self.extra.members, key.clone(), value.clone());
                }
            }
            Event::Error(failure) => self.fail(failure, out),
            Event::End => self.end(out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.phase != Phase::AwaitingStart {
            self.fail(&UpstreamError::Truncated, out);
        }
        self.phase = Phase::Ended;
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}
