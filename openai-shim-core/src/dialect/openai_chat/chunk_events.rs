//! Repaired chunks in, canonical events out: a block opens with its first delta and closes where another one begins.

use super::extra_fields::{MESSAGE_FIELDS, NAME};
use super::repair::ChunkSink;
use super::{finish_reason, media, reasoning_details, tool_call, usage};
use crate::canonical::{
    Block, BlockKind, Delta, Event, ExtraFieldList, INPUT_END, Logprobs, MemberIndex, input_part,
};
use crate::error::UpstreamError;
use crate::json::{Balance, Object, RawJson, decode_string, raw};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What is open in a stream between two chunks.
#[derive(Default)]
pub(super) struct OpenBlocks {
    has_started: bool,
    choices: Vec<ChoiceReader>,
    /// The chunk's own fields that the canonical model has no place for, with their last values.
    fields: Vec<(String, String)>,
    field_index: MemberIndex,
}

/// What is open in a choice.
struct ChoiceReader {
    index: u32,
    next_block: u32,
    /// The open block of text, reasoning or refusal.
    open: Option<(u32, BlockKind)>,
    /// The tool calls by OpenAI's index.
    calls: BTreeMap<u64, CallBlock>,
    open_calls: usize,
    /// What waits until the open calls are complete: only calls may be open side by side.
    queue: Vec<(BlockKind, Delta)>,
    queued_bytes: usize,
    /// The last block with a signature.
    signed: Option<u32>,
    /// Fields with media that came while calls were open.
    media: Vec<(String, RawJson)>,
}

/// The block of a tool call.
struct CallBlock {
    block: u32,
    /// Its arguments, by which a call is known to be complete; empty once it is closed.
    arguments: String,
    balance: Balance,
    is_closed: bool,
    /// It calls a custom tool, whose name came with its beginning.
    is_custom: bool,
    /// The input of a custom tool has begun.
    has_input: bool,
}

impl CallBlock {
    fn is_complete(&mut self) -> bool {
        self.is_closed || (!self.arguments.trim_start().is_empty() && self.balance.is_closed(&self.arguments))
    }
}

/// The most bytes that wait for calls to be complete.
const MAX_QUEUED_BYTES: usize = 8 << 20;

/// Turns repaired chunks into events.
pub(super) struct EventSink<'a> {
    pub(super) blocks: &'a mut OpenBlocks,
    pub(super) out: &'a mut Vec<Event>,
}

impl ChunkSink for EventSink<'_> {
    fn chunk(&mut self, chunk: &Object<'_>, _source: Option<&[u8]>) {
        if !self.blocks.has_started {
            self.blocks.has_started = true;
            self.out.push(Event::Start {
                id: chunk.str("id").map(Cow::into_owned),
                model: chunk.str("model").map(Cow::into_owned),
                created: chunk.u64("created"),
            });
        }
        self.chunk_fields(chunk);
        for item in chunk.array("choices").unwrap_or_default() {
            if let Ok(choice) = Object::parse(item.as_bytes()) {
                self.choice(&choice);
            }
        }
        if let Some(cost) = chunk.non_null("usage").and_then(usage::cost) {
            let extra = ExtraFieldList::new(NAME, vec![(usage::COST.to_owned(), raw(cost))]);
            self.out.push(Event::Extra { choice: None, extra });
        }
        if let Some(usage) = chunk.non_null("usage").and_then(usage::read) {
            self.out.push(Event::Usage(usage));
        }
    }

    fn error(&mut self, error: &UpstreamError) {
        let waiting = self.blocks.choices.iter().enumerate().filter(|(_, choice)| !choice.queue.is_empty());
        for (at, index) in waiting.map(|(at, choice)| (at, choice.index)).collect::<Vec<_>>() {
            self.close_calls(at, index);
        }
        self.out.push(Event::Error(error.clone()));
    }

    fn done(&mut self) {
        self.out.push(Event::End);
    }
}

impl EventSink<'_> {
    /// Emits the chunk's fields that the canonical model has no place for, where their values are new.
    fn chunk_fields(&mut self, chunk: &Object<'_>) {
        const KNOWN: [&str; 6] = ["id", "object", "created", "model", "choices", "usage"];
        let mut fields = Vec::new();
        for (key, value) in chunk.iter().filter(|(key, _)| !KNOWN.contains(key)) {
            if self.is_new_value(key, value) {
                fields.push((key.to_owned(), raw(value)));
            }
        }
        if !fields.is_empty() {
            self.out.push(Event::Extra { choice: None, extra: ExtraFieldList::new(NAME, fields) });
        }
    }

    /// Whether a chunk's field differs from the last chunk with it; keeps the value.
    pub(super) fn is_new_value(&mut self, key: &str, value: &str) -> bool {
        let position = self.blocks.field_index.find(&self.blocks.fields, key);
        match position.and_then(|at| self.blocks.fields.get_mut(at)) {
            Some((_, last)) if last == value => return false,
            Some((_, last)) => value.clone_into(last),
            None => self.blocks.fields.push((key.to_owned(), value.to_owned())),
        }
        true
    }

    fn choice(&mut self, choice: &Object<'_>) {
        let index = choice.u64("index").and_then(|i| u32::try_from(i).ok()).unwrap_or(0);
        let at = self.position(index);
        let extra: Vec<_> = choice
            .iter()
            .filter(|(k, v)| {
                !["index", "delta", "finish_reason", "logprobs"].contains(k) && v.trim() != "null"
            })
            .map(|(k, v)| (k.to_owned(), raw(v)))
            .collect();
        if !extra.is_empty() {
            self.out.push(Event::Extra { choice: Some(index), extra: ExtraFieldList::new(NAME, extra) });
        }
        if let Some(logprobs) = choice.get("logprobs").and_then(Logprobs::read) {
            self.out.push(Event::Extra { choice: Some(index), extra: logprobs.to_extra() });
        }
        if let Some(delta) = choice.object("delta") {
            self.delta(at, index, &delta);
        }
        if let Some(name) = choice.str("finish_reason") {
            self.close_all(at, index);
            let waiting = self.blocks.choices.get_mut(at).map(|choice| std::mem::take(&mut choice.media));
            for (key, value) in waiting.unwrap_or_default() {
                self.media(at, index, &key, value.as_str());
            }
            self.close_all(at, index);
            self.out.push(Event::Finish { choice: index, reason: finish_reason::of_choice(&name, choice) });
        }
    }

    fn delta(&mut self, at: usize, index: u32, delta: &Object<'_>) {
        let kinds = [
            ("reasoning_content", BlockKind::Reasoning),
            ("content", BlockKind::Text),
            ("refusal", BlockKind::Refusal),
        ];
        for (key, kind) in kinds {
            if let Some(text) = delta.get(key).and_then(decode_string).filter(|t| !t.is_empty()) {
                self.text(at, index, kind, text.into_owned());
            }
        }
        for (key, value) in delta.iter().filter(|(k, v)| !MESSAGE_FIELDS.contains(k) && v.trim() != "null") {
            if media::is_media(key) {
                self.media(at, index, key, value);
            } else {
                self.extra_field(at, index, key, value);
            }
        }
        for item in delta.array("tool_calls").unwrap_or_default() {
            if let Ok(call) = Object::parse(item.as_bytes()) {
                self.tool_call(at, index, &call);
            }
        }
    }

    /// Emits media in a block of text; while calls are open, it waits for their end.
    fn media(&mut self, at: usize, index: u32, key: &str, value: &str) {
        let calls_are_open = self.blocks.choices.get(at).is_some_and(|choice| choice.open_calls > 0);
        if calls_are_open && let Some(choice) = self.blocks.choices.get_mut(at) {
            choice.media.push((key.to_owned(), raw(value)));
            return;
        }
        let block = self.open(at, index, BlockKind::Text);
        let native = Delta::Native { dialect: NAME, key: key.to_owned(), raw: raw(value) };
        self.out.push(Event::Delta { choice: index, block, delta: native });
    }

    /// Emits a delta's field that the canonical model has no place for, in the block that it belongs to.
    fn extra_field(&mut self, at: usize, index: u32, key: &str, value: &str) {
        let kind = if key.starts_with("reasoning") { BlockKind::Reasoning } else { BlockKind::Text };
        let choice = self.blocks.choices.get(at);
        let open_call = choice.and_then(|c| c.calls.values().rfind(|call| !call.is_closed));
        let block = match (choice.and_then(|c| c.open.as_ref()), open_call.map(|call| &call.block)) {
            (Some((block, open)), _) if kind == BlockKind::Text || *open == kind => *block,
            // The call stays open: more of its arguments may come.
            (None, Some(block)) => *block,
            _ => self.open(at, index, kind),
        };
        let signed =
            if key == reasoning_details::FIELD { reasoning_details::read(value, None) } else { Vec::new() };
        if signed.is_empty() {
            let native = Delta::Native { dialect: NAME, key: key.to_owned(), raw: raw(value) };
            self.out.push(Event::Delta { choice: index, block, delta: native });
            return;
        }
        self.signatures(at, index, block, signed);
    }

    /// Emits the signatures of reasoning, whose text came as `reasoning_content`.
    fn signatures(&mut self, at: usize, index: u32, mut block: u32, signed: Vec<Block>) {
        for reasoning in signed {
            let Block::Reasoning { signature: Some(signature), extra, .. } = reasoning else { continue };
            // A signed block is complete: another signature belongs to another block.
            let choice = self.blocks.choices.get_mut(at);
            if choice.is_some_and(|choice| choice.signed.replace(block) == Some(block)) {
                self.close_open(at, index);
                block = self.open(at, index, BlockKind::Reasoning);
                if let Some(choice) = self.blocks.choices.get_mut(at) {
                    choice.signed = Some(block);
                }
            }
            let dialect = extra.dialect;
            for (key, raw) in extra.into_members() {
                let delta = Delta::Native { dialect, key, raw };
                self.out.push(Event::Delta { choice: index, block, delta });
            }
            let delta = Delta::Signature(signature.into_string());
            self.out.push(Event::Delta { choice: index, block, delta });
        }
    }

    fn tool_call(&mut self, at: usize, index: u32, call: &Object<'_>) {
        let call_index = call.u64("index").unwrap_or(0);
        // A custom tool's input is plain text where a function's arguments are JSON.
        let function =
            call.object(if tool_call::is_custom(call) { "custom" } else { "function" }).unwrap_or_default();
        let known = self.blocks.choices.get(at).and_then(|c| c.calls.get(&call_index));
        let block = match known {
            // What came for a complete call after the text behind it has no place; the repair reported it.
            Some(call) if call.is_closed => return,
            Some(CallBlock { block, .. }) => {
                let block = *block;
                if let Some(signature) = tool_call::signature(call) {
                    let delta = Delta::Signature(signature);
                    self.out.push(Event::Delta { choice: index, block, delta });
                }
                block
            }
            None => {
                self.close_open(at, index);
                let kind = BlockKind::ToolCall {
                    id: call.str("id").unwrap_or_default().into_owned(),
                    name: function.str("name").unwrap_or_default().into_owned(),
                    signature: tool_call::signature(call),
                };
                let Some(choice) = self.blocks.choices.get_mut(at) else { return };
                let block = choice.next_block;
                choice.next_block += 1;
                choice.open_calls += 1;
                let call = CallBlock {
                    block,
                    arguments: String::new(),
                    balance: Balance::default(),
                    is_closed: false,
                    is_custom: tool_call::is_custom(call)
                        && function.str("name").is_some_and(|name| !name.is_empty()),
                    has_input: false,
                };
                choice.calls.insert(call_index, call);
                self.out.push(Event::Open { choice: index, block, kind });
                block
            }
        };
        let has_text = |text: &Cow<'_, str>| !text.is_empty();
        let arguments =
            function.get("arguments").and_then(decode_string).filter(has_text).map(Cow::into_owned);
        let input = function.get("input").and_then(decode_string).filter(has_text);
        let text = arguments.or_else(|| Some(self.input_part(at, call_index, &input?)));
        if let Some(text) = text {
            self.add_arguments(index, block, &text);
            self.out.push(Event::Delta { choice: index, block, delta: Delta::Text(text) });
            self.flush_queue(at, index);
        }
    }

    /// A part of the arguments, from a part of a custom tool's input.
    fn input_part(&mut self, at: usize, call_index: u64, input: &str) -> String {
        let call = self.blocks.choices.get_mut(at).and_then(|choice| choice.calls.get_mut(&call_index));
        match call.filter(|call| call.is_custom) {
            Some(call) => input_part(input, !std::mem::replace(&mut call.has_input, true)),
            None => input.to_owned(),
        }
    }

    /// Notes more of a call's arguments.
    pub(super) fn add_arguments(&mut self, index: u32, block: u32, text: &str) {
        let choice = self.blocks.choices.iter_mut().find(|choice| choice.index == index);
        let calls = choice.into_iter().flat_map(|choice| choice.calls.values_mut().rev());
        if let Some(call) = calls.filter(|call| !call.is_closed).find(|call| call.block == block) {
            call.arguments.push_str(text);
        }
    }

    /// Emits a delta of text, reasoning or a refusal. While a call is incomplete it waits.
    fn text(&mut self, at: usize, index: u32, kind: BlockKind, text: String) {
        if let Some(choice) = self.blocks.choices.get_mut(at)
            && choice.open_calls > 0
            && (!choice.queue.is_empty() || !choice.calls.values_mut().all(CallBlock::is_complete))
        {
            choice.queued_bytes = choice.queued_bytes.saturating_add(text.len());
            choice.queue.push((kind, Delta::Text(text)));
            if choice.queued_bytes > MAX_QUEUED_BYTES {
                self.close_all(at, index);
            }
            return;
        }
        let block = self.open(at, index, kind);
        self.out.push(Event::Delta { choice: index, block, delta: Delta::Text(text) });
    }

    /// Emits what waits, if all calls are complete.
    fn flush_queue(&mut self, at: usize, index: u32) {
        let is_due = |choice: &mut ChoiceReader| {
            !choice.queue.is_empty() && choice.calls.values_mut().all(CallBlock::is_complete)
        };
        if self.blocks.choices.get_mut(at).is_some_and(is_due) {
            self.close_calls(at, index);
        }
    }

    /// Returns the open block of this kind; opens one where there is none.
    fn open(&mut self, at: usize, index: u32, kind: BlockKind) -> u32 {
        if let Some((block, open)) = self.blocks.choices.get(at).and_then(|c| c.open.as_ref())
            && *open == kind
        {
            return *block;
        }
        self.close_all(at, index);
        let Some(choice) = self.blocks.choices.get_mut(at) else { return 0 };
        let block = choice.next_block;
        choice.next_block += 1;
        choice.open = Some((block, kind.clone()));
        self.out.push(Event::Open { choice: index, block, kind });
        block
    }

    /// Closes the open block of text, reasoning or refusal.
    fn close_open(&mut self, at: usize, index: u32) {
        if let Some((block, _)) = self.blocks.choices.get_mut(at).and_then(|c| c.open.take()) {
            self.out.push(Event::Close { choice: index, block });
        }
    }

    /// Closes all open blocks, tool calls included, and emits what waited for them.
    fn close_all(&mut self, at: usize, index: u32) {
        self.close_calls(at, index);
        self.close_open(at, index);
    }

    /// Closes the open tool calls, and emits what waited for them.
    fn close_calls(&mut self, at: usize, index: u32) {
        let Some(choice) = self.blocks.choices.get_mut(at).filter(|c| c.open_calls > 0) else { return };
        choice.open_calls = 0;
        for call in choice.calls.values_mut().filter(|call| !call.is_closed) {
            call.is_closed = true;
            call.arguments = String::new();
            if call.has_input {
                let delta = Delta::Text(INPUT_END.to_owned());
                self.out.push(Event::Delta { choice: index, block: call.block, delta });
            }
            self.out.push(Event::Close { choice: index, block: call.block });
        }
        choice.queued_bytes = 0;
        for (kind, delta) in std::mem::take(&mut choice.queue) {
            let block = self.open(at, index, kind);
            self.out.push(Event::Delta { choice: index, block, delta });
        }
    }

    /// Returns where the choice with this index is in the list; adds it where it is new.
    fn position(&mut self, index: u32) -> usize {
        let choices = &mut self.blocks.choices;
        choices.iter().position(|c| c.index == index).unwrap_or_else(|| {
            choices.push(ChoiceReader {
                index,
                next_block: 0,
                open: None,
                calls: BTreeMap::new(),
                open_calls: 0,
                queue: Vec::new(),
                queued_bytes: 0,
                signed: None,
                media: Vec::new(),
            });
            choices.len() - 1
        })
    }
}
