//! Frames of an upstream's stream in, canonical events out: chunks are repaired first.

use super::completion_writer::CompletionIdentity;
use super::extra_fields::{NAME, from_fields};
use super::prompt_echo::{ECHOED_KEY, is_same_dialect, requested_prompt};
use super::repair::{ChunkSink, RepairedCompletion, StreamState, StreamedUsage};
use super::text_extractor::{CompletionsTextExtractor, text_end};
use super::{finish_reason, logprobs};
use crate::canonical::{
    BlockKind, Delta, Diagnostics, Event, ExtraFieldList, FinishReason, MemberIndex, ResponseContext,
    ResponseSpec, StreamUsage,
};
use crate::dialect::Decoder;
use crate::error::UpstreamError;
use crate::extract::{Segment, TextEnd};
use crate::framing::Frame;
use crate::json::raw;
use std::collections::BTreeMap;

/// Decodes a stream.
pub(super) struct CompletionsDecoder {
    stream: StreamState,
    blocks: OpenBlocks,
}

impl CompletionsDecoder {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        let blocks = OpenBlocks {
            spec: spec.clone(),
            context: context.clone(),
            has_started: false,
            choices: Vec::new(),
            positions: BTreeMap::new(),
            fields: Vec::new(),
            field_index: MemberIndex::default(),
            diagnostics: Diagnostics::default(),
        };
        // The encoder for the client decides about usage and the model's name.
        let spec = ResponseSpec { stream_usage: StreamUsage::Injected, restore_alias: false, ..spec };
        Self { stream: StreamState::new(spec, context), blocks }
    }

    /// Runs a step of the stream, and moves the diagnostics of its blocks to the stream's.
    fn run(&mut self, out: &mut Vec<Event>, step: impl FnOnce(&mut StreamState, &mut dyn ChunkSink)) {
        step(&mut self.stream, &mut EventSink { blocks: &mut self.blocks, out });
        if !self.blocks.diagnostics.is_empty() {
            self.stream.reader.diagnostics.extend(&std::mem::take(&mut self.blocks.diagnostics));
        }
    }
}

impl Decoder for CompletionsDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) {
        self.run(out, |stream, sink| stream.frame(frame, sink));
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        self.run(out, |stream, sink| stream.finish(sink));
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.stream.reader.diagnostics
    }
}

/// What is open in a stream between two chunks.
struct OpenBlocks {
    spec: ResponseSpec,
    context: ResponseContext,
    has_started: bool,
    choices: Vec<ChoiceReader>,
    /// The position of each choice in the list, by its index.
    positions: BTreeMap<u32, usize>,
    /// The chunk's own fields that the canonical model has no place for, with their last values.
    fields: Vec<(String, String)>,
    field_index: MemberIndex,
    diagnostics: Diagnostics,
}

/// What is open in a choice.
struct ChoiceReader {
    index: u32,
    next_block: u32,
    open: Option<(u32, BlockKind)>,
    extractor: CompletionsTextExtractor,
    has_calls: bool,
    /// OpenAI's name for the finish reason; it becomes an event when nothing can follow.
    finish_reason: Option<&'static str>,
    /// The upstream's word, where it is not known.
    unknown_reason: Option<String>,
}

/// Turns repaired chunks into events.
struct EventSink<'a> {
    blocks: &'a mut OpenBlocks,
    out: &'a mut Vec<Event>,
}

impl ChunkSink for EventSink<'_> {
    fn chunk(
        &mut self,
        completion: &RepairedCompletion,
        identity: &CompletionIdentity,
        _source: Option<&[u8]>,
    ) {
        self.start(identity);
        let mut fields = Vec::new();
        for (key, value) in &completion.extra {
            let position = self.blocks.field_index.find(&self.blocks.fields, key);
            match position.and_then(|at| self.blocks.fields.get_mut(at)) {
                Some((_, last)) if last == value => continue,
                Some((_, last)) => last.clone_from(value),
                None => self.blocks.fields.push((key.clone(), value.clone())),
            }
            fields.push((key.clone(), value.clone()));
        }
        self.extra(None, from_fields(fields).into());
        for choice in &completion.choices {
            let at = self.position(choice.index);
            self.extra(Some(choice.index), from_fields(choice.extra.clone()).into());
            if let Some(logprobs) = choice.logprobs.as_deref().and_then(logprobs::read) {
                self.extra(Some(choice.index), logprobs.to_extra());
            }
            self.text(at, &choice.text, TextEnd::Open);
            if let Some(reader) = self.blocks.choices.get_mut(at) {
                reader.finish_reason = reader.finish_reason.or(choice.finish_reason);
                if reader.unknown_reason.is_none() {
                    reader.unknown_reason.clone_from(&choice.unknown_reason);
                }
            }
        }
    }

    fn usage(&mut self, usage: &StreamedUsage, identity: &CompletionIdentity, _is_shown: bool) {
        self.start(identity);
        self.out.push(Event::Usage(usage.counts));
    }

    fn error(&mut self, error: &UpstreamError) {
        if self.blocks.has_started {
            self.end_texts();
        }
        self.out.push(Event::Error(error.clone()));
    }

    fn done(&mut self) {
        self.end_texts();
        for choice in &self.blocks.choices {
            let reason = match finish_reason::parse(choice.finish_reason.unwrap_or("stop")) {
                FinishReason::Stop if choice.has_calls => FinishReason::ToolCalls,
                reason => reason,
            };
            let reason = choice.unknown_reason.clone().map_or(reason, FinishReason::Unknown);
            self.out.push(Event::Finish { choice: choice.index, reason });
        }
        self.out.push(Event::End);
    }
}

impl EventSink<'_> {
    fn start(&mut self, identity: &CompletionIdentity) {
        if std::mem::replace(&mut self.blocks.has_started, true) {
            return;
        }
        self.out.push(Event::Start {
            id: Some(identity.id.clone()),
            model: Some(identity.model.clone()),
            created: Some(identity.created),
        });
        if is_same_dialect(&self.blocks.spec) && requested_prompt(&self.blocks.spec).is_some() {
            self.extra(None, ExtraFieldList::new(NAME, vec![(String::from(ECHOED_KEY), raw("true"))]));
        }
    }

    fn extra(&mut self, choice: Option<u32>, extra: ExtraFieldList) {
        if !extra.is_empty() {
            self.out.push(Event::Extra { choice, extra });
        }
    }

    /// Returns where the choice with this index is in the list; adds it where it is new.
    fn position(&mut self, index: u32) -> usize {
        let choices = &mut self.blocks.choices;
        *self.blocks.positions.entry(index).or_insert_with(|| {
            choices.push(ChoiceReader {
                index,
                next_block: 0,
                open: None,
                extractor: CompletionsTextExtractor::new(&self.blocks.spec),
                has_calls: false,
                finish_reason: None,
                unknown_reason: None,
            });
            choices.len() - 1
        })
    }

    /// Emits the next part of a choice's text: as text, reasoning and tool calls.
    fn text(&mut self, at: usize, text: &str, end: TextEnd) {
        let Some(choice) = self.blocks.choices.get_mut(at) else { return };
        let index = choice.index;
        for segment in choice.extractor.push(text, end, &mut self.blocks.diagnostics) {
            let (kind, text) = match segment {
                Segment::Text(text) => (BlockKind::Text, text),
                Segment::Reasoning(text) => (BlockKind::Reasoning, text),
                Segment::ToolCall { name, arguments } => {
                    choice.has_calls = true;
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
                    let block = choice.next_block;
                    choice.next_block += 1;
                    choice.open = Some((block, kind.clone()));
                    self.out.push(Event::Open { choice: index, block, kind });
                    block
                }
            };
            self.out.push(Event::Delta { choice: index, block, delta: Delta::Text(text) });
        }
    }

    /// Emits the text that was withheld, and closes the open blocks: nothing follows.
    fn end_texts(&mut self) {
        for at in 0..self.blocks.choices.len() {
            let reason = self.blocks.choices.get(at).and_then(|choice| choice.finish_reason);
            self.text(at, "", text_end(reason));
            let Some(choice) = self.blocks.choices.get_mut(at) else { continue };
            if let Some((block, _)) = choice.open.take() {
                self.out.push(Event::Close { choice: choice.index, block });
            }
        }
    }
}
