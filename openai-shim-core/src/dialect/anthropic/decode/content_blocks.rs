//! `content_block_start`, `content_block_delta` and `content_block_stop` objects to events, and the blocks that are open.

use super::super::names::{NAME, SIGNATURE_FORMAT};
use super::super::stream_state::{FrameState, ResumedBlock};
use super::super::{conformance, content_block, extra_fields};
use crate::canonical::{
    BlockKind, Delta, DiagnosticCode, EncodedTwice, Event, REASONING_DETAILS, Response, WHOLE_BLOCK, unfold,
};
use crate::json::{Object, RawJson, encode_string, raw, string_or_json};
use std::borrow::Cow;
use std::collections::VecDeque;

/// The most blocks of one message.
const MAX_BLOCKS: u32 = 4096;
/// The most bytes of all blocks that are collected before they become events.
const MAX_NATIVE_BLOCK_BYTES: usize = 16 << 20;

/// The blocks of one message.
#[derive(Default)]
pub(super) struct OpenBlocks {
    /// The blocks that are open; several tool calls may be open at once.
    open: Vec<OpenBlock>,
    /// How many blocks the upstream started.
    started: u32,
    /// The next block's number in events.
    next_block: u32,
    /// Bytes of the blocks that only this dialect has.
    native_bytes: usize,
    /// Whether any block is a tool call.
    pub(super) has_tool_calls: bool,
    /// Whether any event had content: text, reasoning or a tool call.
    pub(super) has_content: bool,
}

/// The message passed a limit; `what` names the thing that there is too much of.
pub(super) struct LimitExceeded {
    pub(super) what: &'static str,
}

/// A block that is open.
struct OpenBlock {
    /// Its index in the upstream's stream.
    index: u64,
    /// Its number in events.
    block: u32,
    kind: OpenKind,
    /// Deltas of its content became events; of a native block: the client has been sent the upstream's own frames.
    is_emitted: bool,
}

impl OpenBlock {
    fn is_native(&self) -> bool {
        matches!(self.kind, OpenKind::Native { .. })
    }
}

enum OpenKind {
    Text,
    Thinking,
    /// Encrypted thinking, which is complete when it starts.
    RedactedThinking,
    ToolCall {
        /// The input that stands in its start.
        initial_input: Option<String>,
        /// Holds input that begins as a string.
        encoded: EncodedTwice,
    },
    /// A block that only this dialect has.
    Native {
        start: Object<'static>,
        /// Its input so far.
        input: String,
    },
}

impl OpenBlocks {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Returns the newest open block, for an encoder that continues the stream.
    pub(super) fn resumed_block(&self) -> Option<ResumedBlock> {
        let open = self.open.last()?;
        let kind = match &open.kind {
            OpenKind::Text => Some(BlockKind::Text),
            OpenKind::Thinking | OpenKind::RedactedThinking => Some(BlockKind::Reasoning),
            OpenKind::ToolCall { .. } => {
                Some(BlockKind::ToolCall { id: String::new(), name: String::new(), signature: None })
            }
            OpenKind::Native { .. } => None,
        };
        Some(ResumedBlock { block: open.block, kind })
    }

    /// Records that the newest block's start was passed on; returns whether the block is native.
    pub(super) fn mark_start_passed(&mut self) -> bool {
        let Some(open) = self.open.last_mut() else { return false };
        let is_native = open.is_native();
        open.is_emitted |= is_native;
        is_native
    }

    /// Emits blocks that arrived complete; `started` is how many the upstream counts.
    pub(super) fn add_complete_blocks(&mut self, response: &Response, started: u32, out: &mut Vec<Event>) {
        for event in unfold(response) {
            match &event {
                Event::Open { kind, .. } => {
                    self.has_tool_calls |= matches!(kind, BlockKind::ToolCall { .. });
                    self.next_block += 1;
                }
                Event::Delta { .. } | Event::Close { .. } => {}
                _ => continue,
            }
            out.push(event);
        }
        self.has_content = true;
        self.started = started;
    }

    /// Starts a block from a `content_block_start`.
    pub(super) fn start(
        &mut self,
        object: &Object<'_>,
        is_after_finish: bool,
        frame: &mut FrameState,
        out: &mut Vec<Event>,
    ) -> Result<(), LimitExceeded> {
        let index = object.u64("index").unwrap_or(u64::from(self.started));
        if !self.open.is_empty() || index != u64::from(self.started) || is_after_finish {
            frame.diagnostics.record(
                DiagnosticCode::FieldFilled,
                "index",
                "blocks that do not follow one another",
            );
            frame.mark_deviant();
        }
        self.started += 1;
        if self.started > MAX_BLOCKS {
            return Err(LimitExceeded { what: "blocks" });
        }
        let start = object.object("content_block").unwrap_or_default();
        if object.u64("index").is_none() || !conformance::is_block(&start) {
            frame.mark_deviant();
        }
        let text_of = |key: &str| start.get(key).map(string_or_json).unwrap_or_default().into_owned();
        let block_type = start.str("type").map(Cow::into_owned).or_else(|| {
            let typical_keys = [("text", "text"), ("thinking", "thinking"), ("name", "tool_use")];
            let found = typical_keys.iter().find(|(key, _)| start.get(key).is_some());
            found.map(|(_, block_type)| String::from(*block_type))
        });
        match block_type.as_deref() {
            Some("text") => {
                let block = self.open_block(index, OpenKind::Text, out);
                let extra = extra_fields::read_non_null(&start, &["type", "text", "citations"]);
                emit_start(block, text_of("text"), extra, out);
            }
            Some("thinking") => {
                let block = self.open_thinking(index, out);
                let extra = extra_fields::read_non_null(&start, &["type", "thinking", "signature"]);
                emit_start(block, text_of("thinking"), extra, out);
            }
            Some("redacted_thinking") => {
                let block = self.open_block(index, OpenKind::RedactedThinking, out);
                let details = content_block::encrypted_details().into_iter();
                let delta = |(key, raw)| Delta::Native { dialect: REASONING_DETAILS, key, raw };
                out.extend(details.map(|d| Event::Delta { choice: 0, block, delta: delta(d) }));
                out.push(Event::Delta { choice: 0, block, delta: Delta::Signature(text_of("data")) });
            }
            Some("tool_use") => {
                let input = start.non_null("input").filter(|v| !matches!(v.trim(), "{}" | "\"\""));
                let initial_input = input.map(|input| string_or_json(input).into_owned());
                let (id, name) = (text_of("id"), text_of("name"));
                if id.is_empty() {
                    frame.diagnostics.record(DiagnosticCode::ToolIdSynthesized, "content_block.id", "");
                }
                if name.is_empty() {
                    frame.diagnostics.record(DiagnosticCode::ToolNameMissing, "content_block.name", "");
                }
                let kind = BlockKind::ToolCall { id, name, signature: None };
                let block = self.open_as(
                    index,
                    OpenKind::ToolCall { initial_input, encoded: EncodedTwice::default() },
                    kind,
                    out,
                );
                let extra = extra_fields::read_non_null(&start, &["type", "id", "name", "input"]);
                emit_start(block, String::new(), extra, out);
            }
            None => {
                frame.diagnostics.record(DiagnosticCode::FrameCorrupt, "content_block", "no type");
                self.started -= 1;
                frame.mark_empty();
            }
            Some(_) => {
                let kind = OpenKind::Native { start: start.into_owned(), input: String::new() };
                self.open.push(OpenBlock { index, block: self.next_block, kind, is_emitted: false });
            }
        }
        Ok(())
    }

    fn open_block(&mut self, index: u64, kind: OpenKind, out: &mut Vec<Event>) -> u32 {
        let event_kind = if matches!(kind, OpenKind::Text) { BlockKind::Text } else { BlockKind::Reasoning };
        self.open_as(index, kind, event_kind, out)
    }

    /// Opens a block of thinking, which this API always signs.
    fn open_thinking(&mut self, index: u64, out: &mut Vec<Event>) -> u32 {
        let block = self.open_block(index, OpenKind::Thinking, out);
        let (key, raw) = (String::from("format"), raw(encode_string(SIGNATURE_FORMAT)));
        let delta = Delta::Native { dialect: REASONING_DETAILS, key, raw };
        out.push(Event::Delta { choice: 0, block, delta });
        block
    }

    /// Opens a block, and closes the open ones before it. Only tool calls may be open at the same time.
    fn open_as(&mut self, index: u64, kind: OpenKind, event_kind: BlockKind, out: &mut Vec<Event>) -> u32 {
        let is_call = matches!(kind, OpenKind::ToolCall { .. });
        self.has_tool_calls |= is_call;
        self.has_content |= is_call;
        let stays_open = |open: &OpenBlock| {
            is_call && open.index != index && matches!(open.kind, OpenKind::ToolCall { .. })
        };
        if !self.open.iter().all(stays_open) {
            let (open, closed): (Vec<_>, Vec<_>) =
                std::mem::take(&mut self.open).into_iter().partition(stays_open);
            for block in closed {
                self.close(block, out);
            }
            self.open = open;
        }
        let block = self.next_block;
        self.next_block += 1;
        self.open.push(OpenBlock { index, block, kind, is_emitted: false });
        out.push(Event::Open { choice: 0, block, kind: event_kind });
        block
    }

    /// Adds a `content_block_delta` to its block.
    pub(super) fn add_delta(
        &mut self,
        object: &Object<'_>,
        frame: &mut FrameState,
        out: &mut Vec<Event>,
    ) -> Result<(), LimitExceeded> {
        let last_index = self.open.last().map_or(0, |open| open.index);
        let index = object.u64("index").unwrap_or(last_index);
        let delta = object.object("delta").unwrap_or_default();
        let inferred_type = DELTAS.iter().find(|(_, key)| delta.get(key).is_some());
        let inferred_type = inferred_type.map(|(name, _)| Cow::Borrowed(*name)).unwrap_or_default();
        let delta_type = delta.str("type").unwrap_or(inferred_type).into_owned();
        let text_of = |key: &str| delta.get(key).map(string_or_json).unwrap_or_default().into_owned();
        if object.u64("index").is_none() || !is_delta(&delta) {
            frame.mark_deviant();
        }
        let Some(position) = self.find_or_open(index, &delta_type, frame, out) else { return Ok(()) };
        let Some(open) = self.open.get_mut(position) else { return Ok(()) };
        let block = open.block;
        let content = match (&mut open.kind, delta_type.as_str()) {
            (OpenKind::Native { start, input }, _) => {
                self.native_bytes += merge_delta(start, input, &delta_type, &delta);
                let is_too_large = self.native_bytes > MAX_NATIVE_BLOCK_BYTES;
                return if is_too_large { Err(LimitExceeded { what: "block" }) } else { Ok(()) };
            }
            (_, "citations_delta") => {
                let Some(citation) = delta.non_null("citation") else { return Ok(()) };
                let (key, raw) = (String::from("citation"), raw(citation));
                Delta::Native { dialect: NAME, key, raw }
            }
            (_, "signature_delta") => Delta::Signature(text_of("signature")),
            (_, "thinking_delta") => Delta::Text(text_of("thinking")),
            (_, "text_delta") => Delta::Text(text_of("text")),
            (kind, _) => {
                let mut partial = text_of("partial_json");
                if let OpenKind::ToolCall { encoded, .. } = kind
                    && let Some(replaced) = encoded.push(&partial, &mut frame.diagnostics)
                {
                    frame.mark_deviant();
                    partial = replaced;
                }
                open.is_emitted |= !partial.is_empty();
                Delta::Text(partial)
            }
        };
        if !matches!(&content, Delta::Text(text) | Delta::Signature(text) if text.is_empty()) {
            self.has_content = true;
            out.push(Event::Delta { choice: 0, block, delta: content });
        }
        Ok(())
    }

    /// Returns the position of the open block that takes a delta. Text and thinking for a block of another kind, or for
    /// none, open a block of their own; any other delta without a block is dropped.
    fn find_or_open(
        &mut self,
        index: u64,
        delta_type: &str,
        frame: &mut FrameState,
        out: &mut Vec<Event>,
    ) -> Option<usize> {
        let position = self.open.iter().position(|open| open.index == index);
        let is_match = position.and_then(|at| self.open.get(at)).is_some_and(|open| {
            matches!(
                (&open.kind, delta_type),
                (OpenKind::Text, "text_delta" | "citations_delta")
                    | (OpenKind::Thinking, "thinking_delta" | "signature_delta")
                    | (OpenKind::ToolCall { .. }, "input_json_delta")
                    | (OpenKind::Native { .. }, _)
            )
        });
        if is_match {
            return position;
        }
        let is_text = delta_type == "text_delta";
        if is_text || matches!(delta_type, "thinking_delta" | "signature_delta") {
            frame.diagnostics.record(DiagnosticCode::FieldFilled, "content_block_start", "");
            frame.mark_deviant();
            if is_text {
                self.open_block(index, OpenKind::Text, out);
            } else {
                self.open_thinking(index, out);
            }
            return Some(self.open.len() - 1);
        }
        // Input of a call that is closed is lost.
        let is_input = delta_type == "input_json_delta";
        let code = if is_input { DiagnosticCode::FieldDropped } else { DiagnosticCode::FrameForeign };
        frame.diagnostics.record(code, "delta", delta_type);
        // A type of delta newer than this code passes if its block is open; tool input outside of a tool call does not.
        if position.is_none() || delta_type.is_empty() || is_input {
            frame.mark_empty();
        }
        None
    }

    /// Closes the block of a `content_block_stop`.
    pub(super) fn stop(&mut self, object: &Object<'_>, frame: &mut FrameState, out: &mut Vec<Event>) {
        if object.u64("index").is_none() {
            frame.mark_deviant();
        }
        let index = object.u64("index").or(self.open.last().map(|open| open.index));
        match self.open.iter().position(|open| Some(open.index) == index) {
            Some(position) => {
                let open = self.open.remove(position);
                self.close(open, out);
            }
            None => {
                frame.diagnostics.record(
                    DiagnosticCode::FrameForeign,
                    "",
                    "the end of a block that is not open",
                );
                frame.mark_deviant();
            }
        }
    }

    /// Closes every open block.
    pub(super) fn close_all(&mut self, out: &mut Vec<Event>) {
        let mut remaining = VecDeque::from(std::mem::take(&mut self.open));
        while let Some(open) = remaining.pop_front() {
            if open.is_native() {
                // Closing a native block closes all others.
                self.open.extend(remaining.drain(..));
            }
            self.close(open, out);
        }
    }

    fn close(&mut self, open: OpenBlock, out: &mut Vec<Event>) {
        let block = open.block;
        match open.kind {
            OpenKind::Native { .. } if open.is_emitted => return,
            OpenKind::Native { mut start, input } => {
                if !input.is_empty() && serde_json::from_str::<serde::de::IgnoredAny>(&input).is_ok() {
                    start.set("input", input);
                }
                // The native block is one event of its own, so all open blocks are closed before it.
                for other in std::mem::take(&mut self.open) {
                    self.close(other, out);
                }
                let block = self.next_block;
                self.next_block += 1;
                self.has_content = true;
                let (key, raw) = (WHOLE_BLOCK.to_owned(), raw(start.to_json()));
                out.push(Event::Open { choice: 0, block, kind: BlockKind::Text });
                let delta = Delta::Native { dialect: NAME, key, raw };
                out.push(Event::Delta { choice: 0, block, delta });
                out.push(Event::Close { choice: 0, block });
                return;
            }
            OpenKind::ToolCall { initial_input, mut encoded } if !open.is_emitted => {
                let input = encoded.finish().or(initial_input).unwrap_or_else(|| String::from("{}"));
                out.push(Event::Delta { choice: 0, block, delta: Delta::Text(input) });
            }
            _ => {}
        }
        out.push(Event::Close { choice: 0, block });
    }
}

/// Emits what the start of a block has besides its type: extra fields and text.
fn emit_start(block: u32, text: String, extra: Vec<(String, RawJson)>, out: &mut Vec<Event>) {
    for (key, raw) in extra {
        let delta = Delta::Native { dialect: NAME, key, raw };
        out.push(Event::Delta { choice: 0, block, delta });
    }
    if !text.is_empty() {
        out.push(Event::Delta { choice: 0, block, delta: Delta::Text(text) });
    }
}

/// The types of deltas, and the field that each requires.
const DELTAS: [(&str, &str); 4] = [
    ("text_delta", "text"),
    ("input_json_delta", "partial_json"),
    ("thinking_delta", "thinking"),
    ("signature_delta", "signature"),
];

/// Whether a delta has the fields that the API's types require.
fn is_delta(delta: &Object<'_>) -> bool {
    let Some(delta_type) = delta.str("type") else { return false };
    DELTAS.iter().find(|(of, _)| *of == delta_type).is_none_or(|(_, key)| delta.str(key).is_some())
}

/// Merges a delta into a native block: strings are concatenated, other values replaced. Returns how many bytes it copied.
fn merge_delta(
    start: &mut Object<'static>,
    input: &mut String,
    delta_type: &str,
    delta: &Object<'_>,
) -> usize {
    if delta_type == "input_json_delta" {
        let partial = delta.get("partial_json").map(string_or_json).unwrap_or_default();
        input.push_str(&partial);
        return partial.len();
    }
    let mut copied = 0;
    for (key, value) in delta.iter().filter(|(key, _)| *key != "type") {
        let merged = match (start.str(key), crate::json::decode_string(value)) {
            (Some(old), Some(new)) => encode_string(&format!("{old}{new}")),
            _ => value.to_owned(),
        };
        copied += key.len() + merged.len();
        start.set(key.to_owned(), merged);
    }
    copied
}
