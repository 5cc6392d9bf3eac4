//! Thinking that stands in the text, between tags, of servers that leave it there: taken out of what is translated.

use super::super::Decoder;
use super::decode::ResponsesDecoder;
use crate::canonical::{
    Block, BlockKind, Delta, DiagnosticCode, Diagnostics, Event, ExtraFields, ReasoningTags, Response,
    ResponseSpec,
};
use crate::extract::{OutputParser, ReasoningTagMode, Segment};
use crate::framing::Frame;

/// Reads a stream, and takes the thinking out of its first text.
pub(super) struct InlineReasoningDecoder {
    inner: ResponsesDecoder,
    think: ReasoningTagMode,
    /// The text that is taken apart.
    open: Option<OpenText>,
    /// The first text is over.
    done: bool,
    /// How many blocks there are more than the upstream has.
    more: u32,
}

struct OpenText {
    choice: u32,
    /// Its block by the upstream's count.
    block: u32,
    splitter: OutputParser,
    /// What is being said of it.
    saying: Option<BlockKind>,
}

fn think(spec: &ResponseSpec) -> ReasoningTagMode {
    match spec.quirks.reasoning_tags {
        ReasoningTags::Prefilled => ReasoningTagMode::Prefilled,
        ReasoningTags::Ignore => ReasoningTagMode::Ignore,
        ReasoningTags::Leading => ReasoningTagMode::Leading,
    }
}

impl InlineReasoningDecoder {
    pub(super) fn new(spec: &ResponseSpec) -> Self {
        let think = think(spec);
        Self {
            inner: ResponsesDecoder::default(),
            think,
            open: None,
            done: think == ReasoningTagMode::Ignore,
            more: 0,
        }
    }

    fn event(&mut self, event: Event, out: &mut Vec<Event>) {
        match (event, &mut self.open) {
            (Event::Open { choice, block, kind: BlockKind::Text }, None) if !self.done => {
                let splitter = OutputParser::new(self.think, &[]);
                self.open = Some(OpenText { choice, block, splitter, saying: None });
            }
            (Event::Delta { block, delta: Delta::Text(words), .. }, Some(open)) if block == open.block => {
                let mut pieces = Vec::new();
                open.splitter.push(&words, &mut pieces);
                self.say(pieces, out);
            }
            (Event::Delta { choice, block, delta }, Some(open)) if block == open.block => {
                self.speak(BlockKind::Text, out);
                out.push(Event::Delta { choice, block: block + self.more, delta });
            }
            (Event::Close { choice, block }, Some(open)) if block == open.block => {
                let mut pieces = Vec::new();
                open.splitter.finish(&mut pieces);
                self.say(pieces, out);
                if self.open.as_ref().is_some_and(|open| open.saying.is_none()) {
                    self.speak(BlockKind::Text, out);
                }
                out.push(Event::Close { choice, block: block + self.more });
                (self.open, self.done) = (None, true);
            }
            (Event::Open { choice, block, kind }, _) => {
                out.push(Event::Open { choice, block: block + self.more, kind });
            }
            (Event::Delta { choice, block, delta }, _) => {
                out.push(Event::Delta { choice, block: block + self.more, delta });
            }
            (Event::Close { choice, block }, _) => {
                out.push(Event::Close { choice, block: block + self.more });
            }
            (event, _) => out.push(event),
        }
    }

    fn say(&mut self, pieces: Vec<Segment>, out: &mut Vec<Event>) {
        for piece in pieces {
            let (kind, words) = match piece {
                Segment::Reasoning(words) => (BlockKind::Reasoning, words),
                Segment::Text(words) => (BlockKind::Text, words),
                Segment::ToolCall { .. } => continue,
            };
            self.speak(kind, out);
            if let Some(open) = &self.open {
                let (choice, block) = (open.choice, open.block + self.more);
                out.push(Event::Delta { choice, block, delta: Delta::Text(words) });
            }
        }
    }

    /// Opens a block of that kind, if none is open.
    fn speak(&mut self, kind: BlockKind, out: &mut Vec<Event>) {
        let Some(open) = &mut self.open else { return };
        if open.saying.as_ref() == Some(&kind) {
            return;
        }
        if open.saying.is_some() {
            out.push(Event::Close { choice: open.choice, block: open.block + self.more });
            self.more += 1;
        }
        if kind == BlockKind::Reasoning {
            self.inner.diagnostics.record(DiagnosticCode::ReasoningSplit, "output_text", "");
        }
        open.saying = Some(kind.clone());
        out.push(Event::Open { choice: open.choice, block: open.block + self.more, kind });
    }

    fn taken(&mut self, read: impl FnOnce(&mut ResponsesDecoder, &mut Vec<Event>), out: &mut Vec<Event>) {
        if self.done && self.more == 0 {
            read(&mut self.inner, out);
            return;
        }
        let mut events = Vec::new();
        read(&mut self.inner, &mut events);
        for event in events {
            self.event(event, out);
        }
    }
}

impl Decoder for InlineReasoningDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) {
        self.taken(|inner, events| inner.frame(frame, events), out);
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        self.taken(Decoder::finish, out);
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.inner.diagnostics
    }
}

/// Takes the thinking out of a whole answer's first text.
pub(super) fn whole(response: &mut Response, spec: &ResponseSpec, diagnostics: &mut Diagnostics) {
    for choice in &mut response.choices {
        let Some(at) = choice.blocks.iter().position(|block| matches!(block, Block::Text { .. })) else {
            continue;
        };
        let Some(Block::Text { text, .. }) = choice.blocks.get_mut(at) else { continue };
        let (mut splitter, mut pieces) = (OutputParser::new(think(spec), &[]), Vec::new());
        splitter.push(text, &mut pieces);
        splitter.finish(&mut pieces);
        let (mut thought, mut said) = (String::new(), String::new());
        for piece in pieces {
            match piece {
                Segment::Reasoning(words) => thought.push_str(&words),
                Segment::Text(words) => said.push_str(&words),
                Segment::ToolCall { .. } => {}
            }
        }
        if thought.is_empty() {
            continue;
        }
        diagnostics.record(DiagnosticCode::ReasoningSplit, "output_text", "");
        *text = said.into();
        let thought =
            Block::Reasoning { text: thought.into(), signature: None, extra: ExtraFields::default() };
        choice.blocks.insert(at, thought);
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
    fn thinking_between_tags_is_no_text_wherever_the_pieces_end() {
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
