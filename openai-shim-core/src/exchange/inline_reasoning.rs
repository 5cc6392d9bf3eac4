//! A response's first text in, the same text without the reasoning between its tags out, which becomes a reasoning block.
//!
//! For dialects whose decoders leave the tags in the text.

use crate::canonical::{
    Block, BlockKind, Choice, Delta, DiagnosticCode, Diagnostics, Event, ExtraFields, FinishReason, Response,
    ResponseSpec,
};
use crate::dialect::Dialect;
use crate::dialect::reasoning_tags::{record_missing_tag, tag_mode};
use crate::extract::{OutputParser, ReasoningTagMode, Segment, TextEnd};

const TEXT_PATH: &str = "text";

/// How the names of tags end; the characters behind them may be escaped.
const TAG_NAMES: [&[u8]; 6] = [b"think", b"thinking", b"thought", b"reasoning", b"THINK", b"channel"];

/// Takes the reasoning out of the first text of each choice.
pub(super) struct InlineReasoning {
    mode: ReasoningTagMode,
    choices: Vec<ChoiceText>,
    pub(super) diagnostics: Diagnostics,
}

/// The first text of a choice.
struct ChoiceText {
    choice: u32,
    phase: Phase,
    /// How many blocks more than the decoder's there are.
    added_blocks: u32,
}

/// How far a choice has come.
enum Phase {
    /// The first text did not begin. `is_separate`: the upstream sends reasoning in blocks of its own.
    BeforeText { is_separate: bool },
    /// The first text is open.
    InText(OpenText),
    /// The first text is closed.
    Done,
}

/// The open first text.
struct OpenText {
    /// Its block by the decoder's count.
    block: u32,
    parser: OutputParser,
    /// The kind of the emitted open block.
    emitted: Option<BlockKind>,
}

impl InlineReasoning {
    pub(super) fn new(upstream: Dialect, spec: &ResponseSpec) -> Self {
        let is_extracted = upstream.extracts_inline_reasoning();
        let mode =
            if is_extracted { ReasoningTagMode::Ignore } else { tag_mode(&spec.quirks.reasoning_tags) };
        Self { mode, choices: Vec::new(), diagnostics: Diagnostics::default() }
    }

    /// Whether a document may have reasoning between tags in its text, judged by its bytes alone.
    pub(super) fn may_be_in(body: &[u8], spec: &ResponseSpec) -> bool {
        let ends_tag = |at: usize| matches!(body.get(at), Some(b'>' | b'\\' | b']' | b'|' | 0xe2));
        match tag_mode(&spec.quirks.reasoning_tags) {
            ReasoningTagMode::Ignore => false,
            ReasoningTagMode::Leading => TAG_NAMES
                .iter()
                .any(|name| memchr::memmem::find_iter(body, name).any(|start| ends_tag(start + name.len()))),
            ReasoningTagMode::Prefilled | ReasoningTagMode::Own { .. } => true,
        }
    }

    /// Passes an event on. `next`: the event behind it, where it has come.
    pub(super) fn event(&mut self, mut event: Event, next: Option<&Event>, sink: &mut dyn FnMut(Event)) {
        let (Event::Open { choice, .. } | Event::Delta { choice, .. } | Event::Close { choice, .. }) = &event
        else {
            return sink(event);
        };
        if self.mode == ReasoningTagMode::Ignore {
            return sink(event);
        }
        let at = self.position(*choice);
        let Some(state) = self.choices.get_mut(at) else { return };
        match (&mut event, &mut state.phase) {
            (Event::Open { block, kind: BlockKind::Text, .. }, Phase::BeforeText { is_separate }) => {
                let mode = if *is_separate { ReasoningTagMode::Leading } else { self.mode.clone() };
                let parser = OutputParser::new(mode, &[]);
                state.phase = Phase::InText(OpenText { block: *block, parser, emitted: None });
                return;
            }
            (Event::Open { kind: BlockKind::Reasoning, .. }, Phase::BeforeText { is_separate }) => {
                *is_separate = true;
            }
            (Event::Delta { block, delta: Delta::Text(text), .. }, Phase::InText(open))
                if *block == open.block
                    && !(open.emitted == Some(BlockKind::Text) && open.parser.is_unchanged(text)) =>
            {
                let is_last = matches!(next, Some(Event::Close { block: closed, .. }) if closed == block);
                let end = if is_last { TextEnd::Complete } else { TextEnd::Open };
                return state.parse(text, end, &mut self.diagnostics, sink);
            }
            (Event::Delta { block, delta, .. }, Phase::InText(open))
                if *block == open.block && !matches!(delta, Delta::Text(_)) =>
            {
                state.open_block(BlockKind::Text, &mut self.diagnostics, sink);
            }
            (Event::Close { block, .. }, Phase::InText(open)) if *block == open.block => {
                state.parse("", TextEnd::Complete, &mut self.diagnostics, sink);
                if matches!(&state.phase, Phase::InText(OpenText { emitted: None, .. })) {
                    state.open_block(BlockKind::Text, &mut self.diagnostics, sink);
                }
                state.phase = Phase::Done;
            }
            _ => {}
        }
        if let Event::Open { block, .. } | Event::Delta { block, .. } | Event::Close { block, .. } =
            &mut event
        {
            *block += state.added_blocks;
        }
        sink(event);
    }

    /// Takes the reasoning out of the first text of each choice of a non-streaming response.
    pub(super) fn response(&mut self, response: &mut Response) {
        if self.mode != ReasoningTagMode::Ignore {
            for choice in &mut response.choices {
                extract(choice, &self.mode, &mut self.diagnostics);
            }
        }
    }

    /// Returns where the state of a choice is; adds it where it is new.
    fn position(&mut self, choice: u32) -> usize {
        self.choices.iter().position(|state| state.choice == choice).unwrap_or_else(|| {
            let phase = Phase::BeforeText { is_separate: false };
            self.choices.push(ChoiceText { choice, phase, added_blocks: 0 });
            self.choices.len() - 1
        })
    }
}

impl ChoiceText {
    /// Parses the next part of the first text, and emits what it contains.
    fn parse(
        &mut self,
        text: &str,
        end: TextEnd,
        diagnostics: &mut Diagnostics,
        sink: &mut dyn FnMut(Event),
    ) {
        let Phase::InText(open) = &mut self.phase else { return };
        let (mut segments, block) = (Vec::new(), open.block);
        open.parser.push_until(text, end, &mut segments);
        record_missing_tag(&mut open.parser, TEXT_PATH, diagnostics);
        for segment in segments {
            let (kind, text) = match segment {
                Segment::Reasoning(text) => (BlockKind::Reasoning, text),
                Segment::Text(text) => (BlockKind::Text, text),
                Segment::ToolCall { .. } => continue,
            };
            self.open_block(kind, diagnostics, sink);
            let block = block + self.added_blocks;
            sink(Event::Delta { choice: self.choice, block, delta: Delta::Text(text) });
        }
    }

    /// Opens a block of that kind, unless it is open; an open block of another kind is closed.
    fn open_block(&mut self, kind: BlockKind, diagnostics: &mut Diagnostics, sink: &mut dyn FnMut(Event)) {
        let Phase::InText(open) = &mut self.phase else { return };
        if open.emitted.as_ref() == Some(&kind) {
            return;
        }
        let choice = self.choice;
        if open.emitted.is_some() {
            sink(Event::Close { choice, block: open.block + self.added_blocks });
            self.added_blocks += 1;
        }
        if kind == BlockKind::Reasoning {
            diagnostics.record(DiagnosticCode::ReasoningSplit, TEXT_PATH, "");
        }
        open.emitted = Some(kind.clone());
        sink(Event::Open { choice, block: open.block + self.added_blocks, kind });
    }
}

/// Takes the reasoning out of the first text of a choice.
fn extract(choice: &mut Choice, mode: &ReasoningTagMode, diagnostics: &mut Diagnostics) {
    let first_text = choice.blocks.iter().position(|block| matches!(block, Block::Text { .. }));
    let Some(position) = first_text else { return };
    let is_separate =
        choice.blocks.iter().take(position).any(|block| matches!(block, Block::Reasoning { .. }));
    let Some(Block::Text { text, .. }) = choice.blocks.get_mut(position) else { return };
    if *mode == ReasoningTagMode::Leading && !may_have_tags(text) {
        return;
    }
    let mode = if is_separate { ReasoningTagMode::Leading } else { mode.clone() };
    let is_complete = matches!(choice.finish, Some(FinishReason::Stop | FinishReason::StopSequence(_)));
    let end = if is_complete { TextEnd::Complete } else { TextEnd::Cut };
    let (mut parser, mut segments) = (OutputParser::new(mode, &[]), Vec::new());
    parser.push_until(text, end, &mut segments);
    record_missing_tag(&mut parser, TEXT_PATH, diagnostics);
    let (mut reasoning, mut answer) = (String::new(), String::new());
    for segment in segments {
        match segment {
            Segment::Reasoning(text) => reasoning.push_str(&text),
            Segment::Text(text) => answer.push_str(&text),
            Segment::ToolCall { .. } => {}
        }
    }
    if answer != text.as_str() {
        *text = answer.into();
    }
    if reasoning.is_empty() {
        return;
    }
    diagnostics.record(DiagnosticCode::ReasoningSplit, TEXT_PATH, "");
    let reasoning =
        Block::Reasoning { text: reasoning.into(), signature: None, extra: ExtraFields::default() };
    choice.blocks.insert(position, reasoning);
}

/// Whether a text has one of the characters with which reasoning tags begin.
fn may_have_tags(text: &str) -> bool {
    memchr::memchr3(b'<', b'[', 0xe2, text.as_bytes()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{Context, Request, fold};
    use crate::dialect;

    fn split(parts: &[&str]) -> (Response, Diagnostics) {
        let spec = ResponseSpec::new(&Request::default(), &Context::fixed());
        let mut stage = InlineReasoning::new(dialect("anthropic-messages").unwrap(), &spec);
        let mut events = vec![
            Event::Start { id: None, model: None, created: None },
            Event::Open { choice: 0, block: 0, kind: BlockKind::Text },
        ];
        events.extend(parts.iter().map(|part| Event::Delta {
            choice: 0,
            block: 0,
            delta: Delta::Text(String::from(*part)),
        }));
        events.extend([
            Event::Close { choice: 0, block: 0 },
            Event::Finish { choice: 0, reason: FinishReason::Stop },
            Event::End,
        ]);
        let mut out = Vec::new();
        let mut events = events.into_iter().peekable();
        while let Some(event) = events.next() {
            stage.event(event, events.peek(), &mut |event| out.push(event));
        }
        (fold(&out).unwrap(), stage.diagnostics)
    }

    #[test]
    fn tagged_reasoning_is_extracted_wherever_a_delta_ends() {
        let text = "<think>Hm.</think>\n\nHello";
        for cut in 0..text.len() {
            let (a, b) = text.split_at(cut);
            let (response, diagnostics) = split(&[a, b]);
            let blocks = &response.choices[0].blocks;
            assert!(
                matches!(&blocks[0], Block::Reasoning { text, .. } if text == "Hm."),
                "{cut}: {blocks:?}"
            );
            assert_eq!(blocks[1].as_text().map(str::trim), Some("Hello"), "{cut}");
            assert!(diagnostics.has(DiagnosticCode::ReasoningSplit));
        }
    }

    #[test]
    fn an_unopened_tag_is_left_out_wherever_a_delta_ends() {
        let text = "Hm.\n</think>\n\nHello";
        for cut in 1..text.len() {
            let (a, b) = text.split_at(cut);
            let (response, diagnostics) = split(&[a, b]);
            let blocks = &response.choices[0].blocks;
            assert_eq!(blocks[0].as_text(), Some("Hm.\n\n\nHello"), "{cut}");
            assert!(diagnostics.has(DiagnosticCode::ReasoningTagUnopened));
        }
    }
}
