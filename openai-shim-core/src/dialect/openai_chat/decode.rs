//! A stream as events: mended chunks in, blocks out.

use super::super::Decoder;
use super::repair::{ChunkSink, Slot, SlotSpan, SlotValues, StreamState, TemplateCache, read_usage};
use super::{NAME, reasoning_details};
use crate::canonical::{
    Block, BlockKind, Delta, DiagnosticCode, Diagnostics, Event, ExtraFieldList, FinishReason, Logprobs,
    MemberIndex, ReasoningStyle, ResponseContext, ResponseSpec, StreamUsage, TurnStorage,
};
use crate::error::UpstreamError;
use crate::framing::Frame;
use crate::json::{Object, decode_string, raw};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Reads a stream: the mender puts chunks right, and what is left is plain.
pub(super) struct ChatDecoder {
    stream: StreamState,
    blocks: OpenBlocks,
    forms: TemplateCache<Vec<TemplateEvent>>,
}

/// What a chunk of a known form says, as far as it is its own.
#[derive(Debug)]
pub(super) enum TemplateEvent {
    /// Its words, in this block.
    Text { choice: u32, block: u32, hole: Slot },
    /// The reasoning's details in this block: so many bytes before and after their text.
    Details { choice: u32, block: u32, before: usize, after: usize },
    /// A member of the answer as a whole.
    Member { key: &'static str, hole: Slot },
}

impl ChatDecoder {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        // Whether the client wants usage, or the legacy form of a call, is its encoder's business: here it is always read.
        let spec = ResponseSpec {
            stream_usage: StreamUsage::Client,
            legacy_functions: false,
            reasoning: ReasoningStyle::Field,
            ..spec
        };
        Self {
            stream: StreamState::new(spec, context),
            blocks: OpenBlocks::default(),
            forms: TemplateCache::default(),
        }
    }
}

impl ChatDecoder {
    /// Zeros in place of usage are what a chat client is promised; nobody counted them, and they are no event. Whether
    /// they are missing is the business of the client's dialect.
    fn take_back_usage(&mut self, before: usize, out: &mut Vec<Event>) {
        if self.stream.diagnostics.discard(DiagnosticCode::UsageMissing) {
            let mut fresh = out.split_off(before.min(out.len()));
            fresh.retain(|event| !matches!(event, Event::Usage(_)));
            out.append(&mut fresh);
        }
    }
}

impl Decoder for ChatDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) {
        let mut events = EventSink { blocks: &mut self.blocks, out };
        if self.forms.replay(frame, &mut self.stream, |all, words| events.again(all, words)) {
            return;
        }
        let before = out.len();
        self.forms.start_miss(&self.stream);
        self.stream.frame(frame, &mut EventSink { blocks: &mut self.blocks, out });
        self.take_back_usage(before, out);
        let fresh = out.get(before..).unwrap_or_default();
        self.forms.store(frame, &self.stream, |chunk, came| said(fresh.iter(), chunk, came));
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        let before = out.len();
        self.stream.finish(&mut EventSink { blocks: &mut self.blocks, out });
        self.take_back_usage(before, out);
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.stream.diagnostics
    }
}

/// Which blocks are open.
#[derive(Default)]
struct OpenBlocks {
    started: bool,
    choices: Vec<ChoiceReader>,
    /// Members of the answer as a whole, as last said.
    said: Vec<(String, String)>,
    places: MemberIndex,
}

struct ChoiceReader {
    index: u32,
    next: u32,
    /// The open block of text, reasoning or refusal.
    open: Option<(u32, BlockKind)>,
    /// Open tool calls: OpenAI's index, and the block.
    calls: BTreeMap<u64, u32>,
    /// The last block that was signed.
    signed: Option<u32>,
}

/// Reads mended chunks beside the bytes that go out, from the first one on in which something is sealed: what is sealed must
/// be kept. Where the upstream requires plain reasoning or signatures of calls again, that is the very first chunk.
#[derive(Default)]
pub(super) struct OpaqueStateTap {
    on: bool,
    begun: bool,
    blocks: OpenBlocks,
    pub(super) events: Vec<Event>,
}

impl OpaqueStateTap {
    pub(super) fn new(spec: &ResponseSpec) -> Self {
        Self {
            on: spec.turn_storage != TurnStorage::None,
            begun: spec.records_whole_turn(),
            ..Self::default()
        }
    }

    /// What the next chunk of a form says, as far as it matters: nothing before something sealed came. `None`: it must be
    /// read.
    pub(super) fn learn(&self, chunk: &str, came: &[SlotSpan]) -> Option<Vec<TemplateEvent>> {
        if !self.begun {
            return Some(Vec::new());
        }
        let is_native = |event: &&Event| {
            matches!(event, Event::Extra { .. } | Event::Delta { delta: Delta::Native { .. }, .. })
        };
        let came: Vec<SlotSpan> = came.iter().filter(|(_, hole)| WORDS.contains(hole)).cloned().collect();
        said(self.events.iter().filter(|event| !is_native(event)), chunk, &came)
    }

    /// A chunk of a known form.
    pub(super) fn replay(&mut self, all: &[TemplateEvent], words: &SlotValues<'_>) {
        EventSink { blocks: &mut self.blocks, out: &mut self.events }.again(all, words);
    }

    pub(super) fn chunk(&mut self, chunk: &Object<'_>) {
        if !self.on {
            return;
        }
        self.begun |= chunk.array("choices").unwrap_or_default().iter().any(|choice| choice.contains(SEALED));
        if self.begun {
            EventSink { blocks: &mut self.blocks, out: &mut self.events }.chunk(chunk, None);
        }
    }
}

/// Holes whose words are texts of blocks.
const WORDS: [Slot; 3] = [Slot::Content, Slot::Reasoning, Slot::Arguments];

/// The member in which sealed reasoning comes.
const DETAILS: &str = "reasoning_details";
pub(super) const SEALED: &str = "\"reasoning_details\"";

/// Turns mended chunks into events.
struct EventSink<'a> {
    blocks: &'a mut OpenBlocks,
    out: &'a mut Vec<Event>,
}

impl ChunkSink for EventSink<'_> {
    fn chunk(&mut self, chunk: &Object<'_>, _source: Option<&[u8]>) {
        if !self.blocks.started {
            self.blocks.started = true;
            self.out.push(Event::Start {
                id: chunk.str("id").map(Cow::into_owned),
                model: chunk.str("model").map(Cow::into_owned),
                created: chunk.u64("created"),
            });
        }
        self.leftovers(chunk);
        for item in chunk.array("choices").unwrap_or_default() {
            if let Ok(choice) = Object::parse(item.as_bytes()) {
                self.choice(&choice);
            }
        }
        if let Some(usage) = chunk.non_null("usage").and_then(read_usage) {
            self.out.push(Event::Usage(usage));
        }
    }

    fn error(&mut self, error: &UpstreamError) {
        self.out.push(Event::Error(error.clone()));
    }

    fn done(&mut self) {
        self.out.push(Event::End);
    }
}

impl EventSink<'_> {
    /// Members of the chunk that the canonical model has no place for, where they are new.
    fn leftovers(&mut self, chunk: &Object<'_>) {
        const KNOWN: [&str; 6] = ["id", "object", "created", "model", "choices", "usage"];
        let mut members = Vec::new();
        for (key, value) in chunk.iter().filter(|(key, _)| !KNOWN.contains(key)) {
            if self.is_new(key, value) {
                members.push((key.to_owned(), raw(value)));
            }
        }
        if !members.is_empty() {
            self.out.push(Event::Extra { choice: None, extra: ExtraFieldList::new(NAME, members) });
        }
    }

    /// Whether a member of the answer as a whole was not said before.
    fn is_new(&mut self, key: &str, value: &str) -> bool {
        let place = self.blocks.places.find(&self.blocks.said, key);
        match place.and_then(|at| self.blocks.said.get_mut(at)) {
            Some((_, old)) if old == value => return false,
            Some((_, old)) => value.clone_into(old),
            None => self.blocks.said.push((key.to_owned(), value.to_owned())),
        }
        true
    }

    /// A chunk of a known form.
    fn again(&mut self, all: &[TemplateEvent], words: &SlotValues<'_>) {
        for said in all {
            match said {
                TemplateEvent::Text { choice, block, hole } => {
                    let words = words.literal(*hole).and_then(decode_string).unwrap_or_default().into_owned();
                    let delta = Delta::Text(words);
                    self.out.push(Event::Delta { choice: *choice, block: *block, delta });
                }
                TemplateEvent::Details { choice, block, before, after } => {
                    let value = words.around(Slot::Details, *before, *after).unwrap_or_default();
                    let delta = Delta::Native { dialect: NAME, key: String::from(DETAILS), raw: raw(value) };
                    self.out.push(Event::Delta { choice: *choice, block: *block, delta });
                }
                TemplateEvent::Member { key, hole } => {
                    let value = words.literal(*hole).unwrap_or_default();
                    if self.is_new(key, value) {
                        let extra = ExtraFieldList::new(NAME, vec![((*key).to_owned(), raw(value))]);
                        self.out.push(Event::Extra { choice: None, extra });
                    }
                }
            }
        }
    }

    fn choice(&mut self, choice: &Object<'_>) {
        let index = choice.u64("index").and_then(|i| u32::try_from(i).ok()).unwrap_or(0);
        let at = self.at(index);
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
        if let Some(word) = choice.str("finish_reason") {
            self.close_all(at, index);
            self.out.push(Event::Finish { choice: index, reason: ending(&word, choice) });
        }
    }

    fn delta(&mut self, at: usize, index: u32, delta: &Object<'_>) {
        let kinds = [
            ("reasoning_content", BlockKind::Reasoning),
            ("content", BlockKind::Text),
            ("refusal", BlockKind::Refusal),
        ];
        for (key, kind) in kinds {
            if let Some(words) = delta.get(key).and_then(decode_string).filter(|t| !t.is_empty()) {
                let block = self.open(at, index, kind);
                self.out.push(Event::Delta { choice: index, block, delta: Delta::Text(words.into_owned()) });
            }
        }
        for (key, value) in delta.iter().filter(|(k, v)| !super::SAID.contains(k) && v.trim() != "null") {
            let kind = if key.starts_with("reasoning") { BlockKind::Reasoning } else { BlockKind::Text };
            let choice = self.blocks.choices.get(at);
            let block =
                match (choice.and_then(|c| c.open.as_ref()), choice.and_then(|c| c.calls.values().max())) {
                    (Some((block, open)), _) if kind == BlockKind::Text || *open == kind => *block,
                    // A call is not closed for it: its arguments may go on.
                    (None, Some(block)) => *block,
                    _ => self.open(at, index, kind),
                };
            let signed = if key == DETAILS { reasoning_details::read(value, None) } else { Vec::new() };
            if signed.is_empty() {
                let native = Delta::Native { dialect: NAME, key: key.to_owned(), raw: raw(value) };
                self.out.push(Event::Delta { choice: index, block, delta: native });
            }
            // The text stands beside it.
            let mut block = block;
            for reasoning in signed {
                let Block::Reasoning { signature: Some(signature), extra, .. } = reasoning else { continue };
                // What is signed already stays as it is; another seal is another block.
                let choice = self.blocks.choices.get_mut(at);
                if choice.is_some_and(|choice| choice.signed.replace(block) == Some(block)) {
                    self.close_open(at, index);
                    block = self.open(at, index, BlockKind::Reasoning);
                    if let Some(choice) = self.blocks.choices.get_mut(at) {
                        choice.signed = Some(block);
                    }
                }
                let dialect = extra.dialect;
                let marks = extra.into_members().into_iter();
                let native = |(key, raw)| Delta::Native { dialect, key, raw };
                self.out.extend(marks.map(|mark| Event::Delta { choice: index, block, delta: native(mark) }));
                self.out.push(Event::Delta {
                    choice: index,
                    block,
                    delta: Delta::Signature(signature.into_string()),
                });
            }
        }
        for item in delta.array("tool_calls").unwrap_or_default() {
            if let Ok(fragment) = Object::parse(item.as_bytes()) {
                self.fragment(at, index, &fragment);
            }
        }
    }

    fn fragment(&mut self, at: usize, index: u32, fragment: &Object<'_>) {
        let number = fragment.u64("index").unwrap_or(0);
        // A custom tool's input is text where a function's arguments are JSON.
        let custom = super::tool_call::is_custom(fragment);
        let function = fragment.object(if custom { "custom" } else { "function" }).unwrap_or_default();
        let known = self.blocks.choices.get(at).and_then(|c| c.calls.get(&number)).copied();
        let block = match known {
            Some(block) => {
                if let Some(late) = super::tool_call::signature(fragment) {
                    let delta = Delta::Signature(late);
                    self.out.push(Event::Delta { choice: index, block, delta });
                }
                block
            }
            None => {
                self.close_open(at, index);
                let kind = BlockKind::ToolCall {
                    id: fragment.str("id").unwrap_or_default().into_owned(),
                    name: function.str("name").unwrap_or_default().into_owned(),
                    signature: super::tool_call::signature(fragment),
                };
                let Some(choice) = self.blocks.choices.get_mut(at) else { return };
                let block = choice.next;
                choice.next += 1;
                choice.calls.insert(number, block);
                self.out.push(Event::Open { choice: index, block, kind });
                block
            }
        };
        let arguments = function.get("arguments").or_else(|| function.get("input")).and_then(decode_string);
        if let Some(arguments) = arguments.filter(|a| !a.is_empty()) {
            self.out.push(Event::Delta { choice: index, block, delta: Delta::Text(arguments.into_owned()) });
        }
    }

    /// The block of this kind that is open, or a new one.
    fn open(&mut self, at: usize, index: u32, kind: BlockKind) -> u32 {
        if let Some((block, open)) = self.blocks.choices.get(at).and_then(|c| c.open.as_ref())
            && *open == kind
        {
            return *block;
        }
        self.close_all(at, index);
        let Some(choice) = self.blocks.choices.get_mut(at) else { return 0 };
        let block = choice.next;
        choice.next += 1;
        choice.open = Some((block, kind.clone()));
        self.out.push(Event::Open { choice: index, block, kind });
        block
    }

    fn close_open(&mut self, at: usize, index: u32) {
        if let Some((block, _)) = self.blocks.choices.get_mut(at).and_then(|c| c.open.take()) {
            self.out.push(Event::Close { choice: index, block });
        }
    }

    fn close_all(&mut self, at: usize, index: u32) {
        self.close_open(at, index);
        let calls = self.blocks.choices.get_mut(at).map(|c| std::mem::take(&mut c.calls)).unwrap_or_default();
        self.out.extend(calls.into_values().map(|block| Event::Close { choice: index, block }));
    }

    fn at(&mut self, index: u32) -> usize {
        let choices = &mut self.blocks.choices;
        choices.iter().position(|c| c.index == index).unwrap_or_else(|| {
            choices.push(ChoiceReader { index, next: 0, open: None, calls: BTreeMap::new(), signed: None });
            choices.len() - 1
        })
    }
}

/// What a chunk's events say, if it is nothing but its own words, each of them once.
fn said<'e>(
    events: impl Iterator<Item = &'e Event>,
    chunk: &str,
    came: &[SlotSpan],
) -> Option<Vec<TemplateEvent>> {
    let literal = |hole: Slot| {
        let (range, _) = came.iter().find(|(_, own)| *own == hole)?;
        chunk.get(range.start.checked_sub(1)?..range.end + 1)
    };
    let mut all: Vec<(Slot, TemplateEvent)> = Vec::new();
    for event in events {
        all.push(match event {
            Event::Delta { choice, block, delta: Delta::Text(words) } => {
                let is = |hole: &Slot| literal(*hole).and_then(decode_string).as_deref() == Some(words);
                let [hole] = WORDS.into_iter().filter(is).collect::<Vec<_>>().try_into().ok()?;
                (hole, TemplateEvent::Text { choice: *choice, block: *block, hole })
            }
            Event::Delta { choice, block, delta: Delta::Native { key, raw, .. } } if key == DETAILS => {
                let (words, _) = came.iter().find(|(_, hole)| *hole == Slot::Details)?;
                let at = chunk.find(raw.get())?;
                let (before, after) =
                    (words.start.checked_sub(at)?, (at + raw.get().len()).checked_sub(words.end)?);
                (Slot::Details, TemplateEvent::Details { choice: *choice, block: *block, before, after })
            }
            Event::Extra { choice: None, extra } => {
                let [(key, value)] = extra.of(NAME) else { return None };
                let own = |(_, hole): &&SlotSpan| matches!(hole, Slot::Padding(own) if own == key);
                let Slot::Padding(key) = came.iter().find(own)?.1 else { return None };
                (literal(Slot::Padding(key))? == value.get()).then_some(())?;
                (Slot::Padding(key), TemplateEvent::Member { key, hole: Slot::Padding(key) })
            }
            _ => return None,
        });
    }
    // Padding that is the same as before is no event, but the next one's may be.
    let mut padding =
        came.iter().filter_map(|(_, hole)| if let Slot::Padding(key) = hole { Some(*key) } else { None });
    if let (Some(key), None) = (padding.next(), padding.next())
        && !all.iter().any(|(hole, _)| *hole == Slot::Padding(key))
    {
        all.insert(0, (Slot::Padding(key), TemplateEvent::Member { key, hole: Slot::Padding(key) }));
    }
    let once = |hole: Slot| hole == Slot::Count || all.iter().filter(|(own, _)| *own == hole).count() == 1;
    came.iter().all(|(_, hole)| once(*hole)).then(|| all.into_iter().map(|(_, said)| said).collect())
}

/// The meaning of one of OpenAI's words.
pub(super) fn reason(word: &str) -> FinishReason {
    match word {
        "length" => FinishReason::Length,
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        "content_filter" => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

/// The meaning of a choice's end; some servers say beside it which stop sequence came.
pub(super) fn ending(word: &str, choice: &Object<'_>) -> FinishReason {
    let matched = ["stop_reason", "matched_stop"].iter().find_map(|key| choice.str(key));
    match (reason(word), matched.filter(|said| !said.is_empty())) {
        (FinishReason::Stop, Some(said)) => FinishReason::StopSequence(Some(said.into_owned())),
        (reason, _) => reason,
    }
}

/// OpenAI's word for a reason.
pub(super) fn word(reason: &FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::StopSequence(_) => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter | FinishReason::Refusal => "content_filter",
    }
}

#[cfg(test)]
impl ChatDecoder {
    /// Whether the last chunk was said again.
    pub(super) fn said(&self) -> bool {
        self.forms.said()
    }

    /// Every chunk is mended.
    pub(super) fn without_forms(spec: ResponseSpec, context: ResponseContext) -> Self {
        Self { forms: TemplateCache::never(), ..Self::new(spec, context) }
    }
}
