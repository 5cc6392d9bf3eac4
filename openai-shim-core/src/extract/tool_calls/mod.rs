//! Tool calls that stand in the text in a model's own markup.
//!
//! A block is taken out only if all of it reads as calls, and each of an offered tool; everything else stays text, byte
//! for byte. In Markdown code no opener is meant. A block that fails early is prose about a markup: what follows its
//! opener is read on as text. One that fails late, or calls something else, goes out whole.

mod arguments;
mod bare_call;
mod code_span;
mod cursor;
mod markup_block;
mod markup_table;

use super::{LIMIT, Segment};
use bare_call::BareCall;
use code_span::CodeTracker;
use cursor::ErrMode;
use markup_block::{BlockStatus, MarkupBlock};

/// Up to where a failed block is prose that is read again; later ones would make the work quadratic.
const EARLY: usize = 256;

/// More than any single step reads ahead: so the limit does not depend on how the text is cut.
const AHEAD: usize = 4096;

/// Finds calls in one text.
#[derive(Debug)]
pub(super) struct ToolCallParser {
    tools: Vec<String>,
    /// What is not said yet, and from where on.
    held: String,
    said: usize,
    /// Up to where it was looked at.
    summary: usize,
    stage: ParserStage,
    code: CodeTracker,
    edge: TextBefore,
    /// White space since the edge.
    white: String,
    /// Whether any call was found.
    found: bool,
}

#[derive(Debug)]
enum ParserStage {
    /// The text may be a call and nothing else.
    Bare(BareCall),
    Prose,
    Block(MarkupBlock),
    /// Too much was held once: nothing more is looked for.
    Spent,
}

/// What stands before: white space between edges is layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextBefore {
    /// The beginning, or a block.
    Here,
    Text,
}

impl ToolCallParser {
    pub(super) fn new(tools: &[String]) -> Self {
        Self {
            tools: tools.to_vec(),
            held: String::new(),
            said: 0,
            summary: 0,
            stage: ParserStage::Bare(BareCall::default()),
            code: CodeTracker::default(),
            edge: TextBefore::Here,
            white: String::new(),
            found: false,
        }
    }

    pub(super) fn push(&mut self, text: &str, out: &mut Vec<Segment>) {
        self.held.push_str(text);
        self.run(false, out);
    }

    pub(super) fn finish(&mut self, out: &mut Vec<Segment>) {
        self.run(true, out);
        self.say(self.held.len(), out);
        self.held.clear();
        (self.said, self.summary) = (0, 0);
        if !self.white.is_empty() && !self.found {
            out.push(Segment::Text(std::mem::take(&mut self.white)));
        }
        self.white.clear();
        self.stage = ParserStage::Spent;
    }

    /// See `Splitter::is_unchanged`.
    pub(super) fn is_unchanged(&self, text: &str) -> bool {
        match self.stage {
            ParserStage::Spent => true,
            ParserStage::Prose if self.held.is_empty() && self.edge == TextBefore::Text => {
                // In code no opener counts.
                let plain = !self.code.is_prose() || memchr::memchr2(b'<', b'[', text.as_bytes()).is_none();
                plain && self.code.is_unchanged(text)
            }
            _ => false,
        }
    }

    fn run(&mut self, over: bool, out: &mut Vec<Segment>) {
        loop {
            let more = match &self.stage {
                ParserStage::Bare(_) => self.is_line(over, out),
                ParserStage::Prose => self.prose(over, out),
                ParserStage::Block(_) => self.block(over, out),
                ParserStage::Spent => {
                    self.say(self.held.len(), out);
                    false
                }
            };
            if !more {
                break;
            }
        }
        self.held.drain(..self.said);
        self.summary -= self.said;
        self.said = 0;
    }

    fn is_line(&mut self, over: bool, out: &mut Vec<Segment>) -> bool {
        let ParserStage::Bare(bare) = &mut self.stage else { return false };
        let step = bare.step(&self.held, over, &self.tools);
        if bare.reach() > LIMIT || (step == Err(ErrMode::More) && self.held.len() > LIMIT + AHEAD) {
            self.stage = ParserStage::Spent;
            return true;
        }
        if step == Err(ErrMode::More) {
            return false;
        }
        let ParserStage::Bare(bare) = std::mem::replace(&mut self.stage, ParserStage::Prose) else {
            return false;
        };
        let calls = step.ok().and_then(|()| bare.into_calls(&self.held, &self.tools));
        if let Some(calls) = calls {
            (self.said, self.summary) = (self.held.len(), self.held.len());
            self.found = true;
            out.extend(calls.into_iter().map(|(name, arguments)| Segment::Call { name, arguments }));
            return false;
        }
        true
    }

    /// Looks for an opener; true when a block begins.
    fn prose(&mut self, over: bool, out: &mut Vec<Segment>) -> bool {
        while let Some(rest) = self.held.get(self.summary..).map(str::as_bytes) {
            if !self.code.is_prose() {
                if !self.in_code() {
                    break;
                }
                continue;
            }
            let Some(at) = memchr::memchr3(b'<', b'[', b'`', rest) else { break };
            self.summary += at;
            let rest = self.held.get(self.summary..).unwrap_or_default();
            match markup_table::at(rest) {
                _ if rest.starts_with('`') => self.code.feed(b'`'),
                Ok(Some(markup)) => {
                    self.say(self.summary, out);
                    self.stage = ParserStage::Block(MarkupBlock::new(markup));
                    return true;
                }
                Err(()) if !over => {
                    self.say(self.summary, out);
                    return false;
                }
                _ => {}
            }
            self.summary += 1;
        }
        self.summary = self.held.len();
        self.say(self.summary, out);
        false
    }

    /// Passes over code; false at the end of the text.
    fn in_code(&mut self) -> bool {
        for (at, byte) in self.held.bytes().enumerate().skip(self.summary) {
            if byte != b'`' {
                self.code.resolve_fence(byte);
                if self.code.is_prose() {
                    self.summary = at;
                    return true;
                }
            }
            self.code.feed(byte);
            if self.code.is_prose() {
                self.summary = at + 1;
                return true;
            }
        }
        false
    }

    fn block(&mut self, over: bool, out: &mut Vec<Segment>) -> bool {
        let ParserStage::Block(block) = &mut self.stage else { return false };
        let text = self.held.get(self.said..).unwrap_or_default();
        let verdict = block.step(text, false);
        let cut = over && verdict == BlockStatus::More;
        let verdict = if cut { block.step(text, true) } else { verdict };
        if block.reach() > LIMIT || (verdict == BlockStatus::More && text.len() > LIMIT + AHEAD) {
            self.stage = ParserStage::Spent;
            return true;
        }
        if verdict == BlockStatus::More {
            return false;
        }
        let ParserStage::Block(block) = std::mem::replace(&mut self.stage, ParserStage::Prose) else {
            return false;
        };
        match verdict {
            BlockStatus::Done(end) => {
                self.summary = self.said + end;
                match block.into_calls(&self.tools) {
                    Some(calls) => {
                        self.said = self.summary;
                        if self.edge == TextBefore::Here {
                            self.white.clear();
                        }
                        (self.edge, self.found) = (TextBefore::Here, true);
                        out.extend(
                            calls.into_iter().map(|(name, arguments)| Segment::Call { name, arguments }),
                        );
                    }
                    None => self.say(self.summary, out),
                }
            }
            // The end of the text makes a block neither prose nor a call.
            BlockStatus::No(_) if cut => self.summary = self.held.len(),
            BlockStatus::No(reach) if reach > EARLY => self.summary = self.said + reach,
            BlockStatus::No(_) | BlockStatus::More => self.summary = self.said + 1,
        }
        true
    }

    /// Says what is held up to a place.
    fn say(&mut self, to: usize, out: &mut Vec<Segment>) {
        let text = self.held.get(self.said..to).unwrap_or_default();
        self.said = to;
        self.summary = self.summary.max(to);
        if self.edge == TextBefore::Text {
            if !text.is_empty() {
                out.push(Segment::Text(text.to_owned()));
            }
            return;
        }
        let blank = text.trim_start().is_empty();
        self.white.push_str(text);
        if !blank || self.white.len() > LIMIT {
            self.edge = TextBefore::Text;
            out.push(Segment::Text(std::mem::take(&mut self.white)));
        }
    }
}
