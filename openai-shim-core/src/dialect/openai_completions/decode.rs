//! A stream as events: mended chunks in, blocks out.

use super::super::Decoder;
use super::repair::{ChunkSink, CompletionIdentity, RepairedCompletion, StreamState, UsageSpan};
use super::response::leftovers;
use super::{ECHOED, NAME, is_own, logprobs, prompt, reason};
use crate::canonical::{
    BlockKind, Delta, DiagnosticCode, Diagnostics, Event, ExtraFieldList, FinishReason, MemberIndex,
    ReasoningTags, ResponseContext, ResponseSpec, StreamUsage,
};
use crate::error::UpstreamError;
use crate::extract::{FenceStripper, OutputParser, ReasoningTagMode, Segment};
use crate::framing::Frame;
use crate::json::raw;
use std::collections::BTreeMap;

/// Takes what stands inside a text out of it, for clients that have other places for it.
pub(super) struct Voice {
    splitter: OutputParser,
    fences: Option<FenceStripper>,
}

impl Voice {
    pub(super) fn new(spec: &ResponseSpec) -> Self {
        // A client of this dialect takes the text as it comes.
        let own = is_own(spec);
        let think = match spec.quirks.reasoning_tags {
            _ if own => ReasoningTagMode::Ignore,
            ReasoningTags::Ignore => ReasoningTagMode::Ignore,
            ReasoningTags::Prefilled => ReasoningTagMode::Prefilled,
            ReasoningTags::Leading => ReasoningTagMode::Leading,
        };
        let tools = if own || spec.quirks.keep_tool_markup { Vec::new() } else { spec.tools.clone() };
        Self {
            splitter: OutputParser::new(think, &tools),
            fences: (spec.required_json_fields.is_some() && !own).then(FenceStripper::new),
        }
    }

    /// What the next part of the text says. `last`: nothing follows.
    pub(super) fn push(&mut self, words: &str, last: bool, diagnostics: &mut Diagnostics) -> Vec<Segment> {
        let mut pieces = Vec::new();
        self.splitter.push(words, &mut pieces);
        if last {
            self.splitter.finish(&mut pieces);
        }
        for piece in &mut pieces {
            match piece {
                Segment::Text(text) => {
                    if let Some(fences) = &mut self.fences {
                        let mut open = String::new();
                        fences.push(text, &mut open);
                        *text = open;
                    }
                }
                Segment::Reasoning(_) => {
                    diagnostics.record(DiagnosticCode::ReasoningSplit, "choices[].text", "")
                }
                Segment::ToolCall { name, .. } => {
                    diagnostics.record(DiagnosticCode::ToolCallRecovered, "choices[].text", name)
                }
            }
        }
        if let (true, Some(mut fences)) = (last, self.fences.take()) {
            let mut rest = String::new();
            fences.finish(&mut rest);
            if fences.has_stripped() {
                diagnostics.record(DiagnosticCode::FenceStripped, "choices[].text", "");
            }
            pieces.push(Segment::Text(rest));
        }
        pieces.retain(
            |piece| !matches!(piece, Segment::Text(text) | Segment::Reasoning(text) if text.is_empty()),
        );
        pieces
    }
}

/// Reads a stream.
pub(super) struct CompletionsDecoder {
    stream: StreamState,
    blocks: OpenBlocks,
}

impl CompletionsDecoder {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        // Whether the client wants usage, and how it calls the model, is its encoder's business.
        let blocks = OpenBlocks {
            spec: spec.clone(),
            context: context.clone(),
            started: false,
            choices: Vec::new(),
            numbers: BTreeMap::new(),
            said: Vec::new(),
            places: MemberIndex::default(),
            diagnostics: Diagnostics::default(),
        };
        let spec = ResponseSpec { stream_usage: StreamUsage::Injected, restore_alias: false, ..spec };
        Self { stream: StreamState::new(spec, context), blocks }
    }

    fn step(&mut self, out: &mut Vec<Event>, run: impl FnOnce(&mut StreamState, &mut dyn ChunkSink)) {
        run(&mut self.stream, &mut EventSink { blocks: &mut self.blocks, out });
        if !self.blocks.diagnostics.is_empty() {
            self.stream.reader.diagnostics.extend(&std::mem::take(&mut self.blocks.diagnostics));
        }
    }
}

impl Decoder for CompletionsDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) {
        self.step(out, |stream, sink| stream.frame(frame, sink));
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        self.step(out, |stream, sink| stream.finish(sink));
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.stream.reader.diagnostics
    }
}

/// Which blocks are open.
struct OpenBlocks {
    spec: ResponseSpec,
    context: ResponseContext,
    started: bool,
    choices: Vec<ChoiceReader>,
    /// Where each of them stands.
    numbers: BTreeMap<u32, usize>,
    /// Members of the answer as a whole, as last said.
    said: Vec<(String, String)>,
    places: MemberIndex,
    diagnostics: Diagnostics,
}

struct ChoiceReader {
    index: u32,
    next: u32,
    open: Option<(u32, BlockKind)>,
    voice: Voice,
    calls: bool,
    /// Why it ended; said when nothing can follow.
    finish: Option<&'static str>,
}

/// Turns mended chunks into events.
struct EventSink<'a> {
    blocks: &'a mut OpenBlocks,
    out: &'a mut Vec<Event>,
}

impl ChunkSink for EventSink<'_> {
    fn chunk(&mut self, answer: &RepairedCompletion, head: &CompletionIdentity, _source: Option<&[u8]>) {
        self.start(head);
        let mut members = Vec::new();
        for (key, value) in &answer.extra {
            let place = self.blocks.places.find(&self.blocks.said, key);
            match place.and_then(|at| self.blocks.said.get_mut(at)) {
                Some((_, old)) if old == value => continue,
                Some((_, old)) => old.clone_from(value),
                None => self.blocks.said.push((key.clone(), value.clone())),
            }
            members.push((key.clone(), value.clone()));
        }
        self.extra(None, leftovers(members).into());
        for piece in &answer.pieces {
            let at = self.at(piece.index);
            self.extra(Some(piece.index), leftovers(piece.extra.clone()).into());
            if let Some(read) = piece.logprobs.as_deref().and_then(logprobs::read) {
                self.extra(Some(piece.index), read.to_extra());
            }
            self.words(at, &piece.text, false);
            if let Some(choice) = self.blocks.choices.get_mut(at) {
                choice.finish = choice.finish.or(piece.finish);
            }
        }
    }

    fn usage(&mut self, counts: &UsageSpan, head: &CompletionIdentity, _shown: bool) {
        self.start(head);
        self.out.push(Event::Usage(counts.usage));
    }

    fn error(&mut self, error: &UpstreamError) {
        if self.blocks.started {
            self.end_texts();
        }
        self.out.push(Event::Error(error.clone()));
    }

    fn done(&mut self) {
        self.end_texts();
        for choice in &self.blocks.choices {
            let reason = match reason(choice.finish.unwrap_or("stop")) {
                FinishReason::Stop if choice.calls => FinishReason::ToolCalls,
                reason => reason,
            };
            self.out.push(Event::Finish { choice: choice.index, reason });
        }
        self.out.push(Event::End);
    }
}

impl EventSink<'_> {
    fn start(&mut self, head: &CompletionIdentity) {
        if std::mem::replace(&mut self.blocks.started, true) {
            return;
        }
        self.out.push(Event::Start {
            id: Some(head.id.clone()),
            model: Some(head.model.clone()),
            created: Some(head.created),
        });
        if is_own(&self.blocks.spec) && prompt(&self.blocks.spec).is_some() {
            self.extra(None, ExtraFieldList::new(NAME, vec![(String::from(ECHOED), raw("true"))]));
        }
    }

    fn extra(&mut self, choice: Option<u32>, extra: ExtraFieldList) {
        if !extra.is_empty() {
            self.out.push(Event::Extra { choice, extra });
        }
    }

    fn at(&mut self, index: u32) -> usize {
        let choices = &mut self.blocks.choices;
        *self.blocks.numbers.entry(index).or_insert_with(|| {
            let voice = Voice::new(&self.blocks.spec);
            choices.push(ChoiceReader { index, next: 0, open: None, voice, calls: false, finish: None });
            choices.len() - 1
        })
    }

    fn words(&mut self, at: usize, words: &str, last: bool) {
        let Some(choice) = self.blocks.choices.get_mut(at) else { return };
        let index = choice.index;
        for piece in choice.voice.push(words, last, &mut self.blocks.diagnostics) {
            let (kind, text) = match piece {
                Segment::Text(text) => (BlockKind::Text, text),
                Segment::Reasoning(text) => (BlockKind::Reasoning, text),
                Segment::ToolCall { name, arguments } => {
                    choice.calls = true;
                    let id = self.blocks.context.new_id("call_");
                    (BlockKind::ToolCall { id, name, signature: None }, arguments)
                }
            };
            let block = match &choice.open {
                Some((block, open)) if *open == kind => *block,
                _ => {
                    if let Some((block, _)) = choice.open.take() {
                        self.out.push(Event::Close { choice: index, block });
                    }
                    let block = choice.next;
                    choice.next += 1;
                    choice.open = Some((block, kind.clone()));
                    self.out.push(Event::Open { choice: index, block, kind });
                    block
                }
            };
            self.out.push(Event::Delta { choice: index, block, delta: Delta::Text(text) });
        }
    }

    /// Nothing follows: what was held is said, and what is open is closed.
    fn end_texts(&mut self) {
        for at in 0..self.blocks.choices.len() {
            self.words(at, "", true);
            let Some(choice) = self.blocks.choices.get_mut(at) else { continue };
            if let Some((block, _)) = choice.open.take() {
                self.out.push(Event::Close { choice: choice.index, block });
            }
        }
    }
}
