//! Inline reasoning: the text between reasoning tags in a response's first text becomes a reasoning block.

use super::super::Decoder;
use super::decode::ResponsesDecoder;
use crate::canonical::{
    Block, BlockKind, Delta, DiagnosticCode, Diagnostics, Event, ExtraFields, Response, ResponseSpec,
};
use crate::dialect::reasoning_tags::tag_mode;
use crate::extract::{OutputParser, ReasoningTagMode, Segment};
use crate::framing::Frame;

/// Decodes a stream, and extracts the reasoning from its first text block.
pub(super) struct InlineReasoningDecoder {
    decoder: ResponsesDecoder,
    mode: ReasoningTagMode,
    phase: Phase,
    /// How many blocks more than the decoder's there are.
    added_blocks: u32,
}

/// How far the stream has come.
enum Phase {
    /// The first text did not begin.
    BeforeText,
    /// The first text is open.
    InText(OpenText),
    /// The first text is closed, or there is nothing to extract.
    Done,
}

/// The open first text.
struct OpenText {
    choice: u32,
    /// Its block by the decoder's count.
    block: u32,
    parser: OutputParser,
    /// The kind of the emitted open block.
    emitted: Option<BlockKind>,
}

impl InlineReasoningDecoder {
    pub(super) fn new(spec: &ResponseSpec) -> Self {
        let mode = tag_mode(&spec.quirks.reasoning_tags);
        let phase = if mode == ReasoningTagMode::Ignore { Phase::Done } else { Phase::BeforeText };
        Self { decoder: ResponsesDecoder::default(), mode, phase, added_blocks: 0 }
    }

    fn event(&mut self, event: Event, out: &mut Vec<Event>) {
        match (event, &mut self.phase) {
            (Event::Open { choice, block, kind: BlockKind::Text }, Phase::BeforeText) => {
                let parser = OutputParser::new(self.mode.clone(), &[]);
                self.phase = Phase::InText(OpenText { choice, block, parser, emitted: None });
            }
            (Event::Delta { block, delta: Delta::Text(text), .. }, Phase::InText(open))
                if block == open.block =>
            {
                let mut segments = Vec::new();
                open.parser.push(&text, &mut segments);
                self.emit_segments(segments, out);
            }
            (Event::Delta { choice, block, delta }, Phase::InText(open)) if block == open.block => {
                self.open_block(BlockKind::Text, out);
                out.push(Event::Delta { choice, block: block + self.added_blocks, delta });
            }
            (Event::Close { choice, block }, Phase::InText(open)) if block == open.block => {
                let mut segments = Vec::new();
                open.parser.finish(&mut segments);
                self.emit_segments(segments, out);
                if matches!(&self.phase, Phase::InText(OpenText { emitted: None, .. })) {
                    self.open_block(BlockKind::Text, out);
                }
                out.push(Event::Close { choice, block: block + self.added_blocks });
                self.phase = Phase::Done;
            }
            (Event::Open { choice, block, kind }, _) => {
                out.push(Event::Open { choice, block: block + self.added_blocks, kind });
            }
            (Event::Delta { choice, block, delta }, _) => {
                out.push(Event::Delta { choice, block: block + self.added_blocks, delta });
            }
            (Event::Close { choice, block }, _) => {
                out.push(Event::Close { choice, block: block + self.added_blocks });
            }
            (event, _) => out.push(event),
        }
    }

    fn emit_segments(&mut self, segments: Vec<Segment>, out: &mut Vec<Event>) {
        for segment in segments {
            let (kind, text) = match segment {
                Segment::Reasoning(text) => (BlockKind::Reasoning, text),
                Segment::Text(text) => (BlockKind::Text, text),
                Segment::ToolCall { .. } => continue,
            };
            self.open_block(kind, out);
            if let Phase::InText(open) = &self.phase {
                let (choice, block) = (open.choice, open.block + self.added_blocks);
                out.push(Event::Delta { choice, block, delta: Delta::Text(text) });
            }
        }
    }

    /// Opens a block of that kind, unless it is open; an open block of another kind is closed.
    fn open_block(&mut self, kind: BlockKind, out: &mut Vec<Event>) {
        let Phase::InText(open) = &mut self.phase else { return };
        if open.emitted.as_ref() == Some(&kind) {
            return;
        }
        if open.emitted.is_some() {
            out.push(Event::Close { choice: open.choice, block: open.block + self.added_blocks });
            self.added_blocks += 1;
        }
        if kind == BlockKind::Reasoning {
            self.decoder.diagnostics.record(DiagnosticCode::ReasoningSplit, "output_text", "");
        }
        open.emitted = Some(kind.clone());
        out.push(Event::Open { choice: open.choice, block: open.block + self.added_blocks, kind });
    }

    /// Runs the decoder, and passes its events on.
    fn run(&mut self, decode: impl FnOnce(&mut ResponsesDecoder, &mut Vec<Event>), out: &mut Vec<Event>) {
        if matches!(self.phase, Phase::Done) && self.added_blocks == 0 {
            decode(&mut self.decoder, out);
            return;
        }
        let mut events = Vec::new();
        decode(&mut self.decoder, &mut events);
        for event in events {
            self.event(event, out);
        }
    }
}

impl Decoder for InlineReasoningDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) {
        self.run(|decoder, events| decoder.frame(frame, events), out);
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        self.run(Decoder::finish, out);
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.decoder.diagnostics
    }
}

/// Extracts the reasoning from the first text of each choice of a non-streaming response.
pub(super) fn extract(response: &mut Response, spec: &ResponseSpec, diagnostics: &mut Diagnostics) {
    for choice in &mut response.choices {
        let first_text = choice.blocks.iter().position(|block| matches!(block, Block::Text { .. }));
        let Some(position) = first_text else { continue };
        let Some(Block::Text { text, .. }) = choice.blocks.get_mut(position) else { continue };
        let (mut parser, mut segments) =
            (OutputParser::new(tag_mode(&spec.quirks.reasoning_tags), &[]), Vec::new());
        parser.push(text, &mut segments);
        parser.finish(&mut segments);
        let (mut reasoning, mut answer) = (String::new(), String::new());
        for segment in segments {
            match segment {
                Segment::Reasoning(text) => reasoning.push_str(&text),
                Segment::Text(text) => answer.push_str(&text),
                Segment::ToolCall { .. } => {}
            }
        }
        if reasoning.is_empty() {
            continue;
        }
        diagnostics.record(DiagnosticCode::ReasoningSplit, "output_text", "");
        *text = answer.into();
        let reasoning =
            Block::Reasoning { text: reasoning.into(), signature: None, extra: ExtraFields::default() };
        choice.blocks.insert(position, reasoning);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{Context, Request, fold};

    fn spec() -> ResponseSpec {
        ResponseSpec::new(&Request::default(), &Context::fixed())
    }

    #[test]
    fn tagged_reasoning_is_extracted_wherever_a_delta_ends() {
        let text = "<think>Hm.</think>\n\nHello";
        for cut in 0..text.len() {
            let (a, b) = text.split_at(cut);
            let mut decoder = InlineReasoningDecoder::new(&spec());
            let mut events = Vec::new();
            let quoted = crate::json::encode_string;
            let frames = [
                format!(
                    r#"{{"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":{}}}"#,
                    quoted(a)
                ),
                format!(
                    r#"{{"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":{}}}"#,
                    quoted(b)
                ),
                format!(
                    r#"{{"type":"response.completed","response":{{"id":"r","status":"completed","output":[{{"type":"message","id":"m","role":"assistant","content":[{{"type":"output_text","text":{}}}]}}]}}}}"#,
                    quoted(text)
                ),
            ];
            for frame in &frames {
                decoder.frame(Frame::Event { event: None, data: frame.as_bytes() }, &mut events);
            }
            decoder.finish(&mut events);
            let response = fold(&events).unwrap();
            let blocks = &response.choices[0].blocks;
            assert!(
                matches!(&blocks[0], Block::Reasoning { text, .. } if text == "Hm."),
                "{cut}: {blocks:?}"
            );
            assert_eq!(blocks[1].as_text().map(str::trim), Some("Hello"), "{cut}");
            assert!(decoder.diagnostics().has(DiagnosticCode::ReasoningSplit));
        }
    }
}
