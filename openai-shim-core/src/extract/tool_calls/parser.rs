//! Streamed text to text and tool calls, for one choice.
//!
//! A block of markup becomes tool calls only if all of it reads as calls, and each is a call of an offered tool; all other text
//! stays as it is, byte for byte. Openers inside Markdown code are ignored. A block that fails early is prose about markup: the
//! text after its opener is parsed again as text. A block that fails later, or calls another tool, is emitted whole.

use super::super::limits::MAX_WITHHELD_BYTES;
use super::super::segment::Segment;
use super::arguments::NamedArguments;
use super::bare_call::BareCall;
use super::code_span::CodeTracker;
use super::cursor::ErrMode;
use super::markup_block::{BlockStatus, MarkupBlock};
use super::markup_table::{OpenerMatch, match_opener};

/// How far a block may be read before it fails and its text is still parsed again: a higher limit would allow quadratic work.
const MAX_REPARSED_BYTES: usize = 256;

/// More than any single step reads ahead, so that the limit of withheld text does not depend on how the text is divided.
const MAX_LOOKAHEAD_BYTES: usize = 4096;

/// Extracts tool calls from one text.
#[derive(Debug)]
pub(in crate::extract) struct ToolCallParser {
    tools: Vec<String>,
    /// The text that was not emitted yet, preceded by `emitted` bytes that were.
    buffer: String,
    emitted: usize,
    /// The end of the text that was parsed.
    scanned: usize,
    phase: ParserPhase,
    code: CodeTracker,
    preceding: Preceding,
    /// White space after a call or at the beginning; emitted only if text follows, or at the end if there is no call.
    pending_space: String,
}

#[derive(Debug)]
enum ParserPhase {
    /// The whole text so far may be a bare call.
    BareCall(BareCall),
    /// Looking for an opener.
    Prose,
    /// In a block of markup, which begins at `emitted`.
    Block(MarkupBlock),
    /// The limit of withheld text was exceeded: all further text is text.
    Passthrough,
}

/// What precedes the current position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preceding {
    Nothing,
    ToolCall,
    Text,
}

impl ToolCallParser {
    pub(in crate::extract) fn new(tools: &[String]) -> Self {
        Self {
            tools: tools.to_vec(),
            buffer: String::new(),
            emitted: 0,
            scanned: 0,
            phase: ParserPhase::BareCall(BareCall::default()),
            code: CodeTracker::default(),
            preceding: Preceding::Nothing,
            pending_space: String::new(),
        }
    }

    pub(in crate::extract) fn push(&mut self, text: &str, out: &mut Vec<Segment>) {
        self.buffer.push_str(text);
        self.parse(false, out);
    }

    pub(in crate::extract) fn finish(&mut self, out: &mut Vec<Segment>) {
        self.parse(true, out);
        self.emit_text(self.buffer.len(), out);
        self.buffer.clear();
        (self.emitted, self.scanned) = (0, 0);
        if !self.pending_space.is_empty() && self.preceding == Preceding::Nothing {
            out.push(Segment::Text(std::mem::take(&mut self.pending_space)));
        }
        self.pending_space.clear();
        self.phase = ParserPhase::Passthrough;
    }

    /// See `OutputParser::is_unchanged`.
    pub(in crate::extract) fn is_unchanged(&self, text: &str) -> bool {
        match self.phase {
            ParserPhase::Passthrough => true,
            ParserPhase::Prose if self.buffer.is_empty() && self.preceding == Preceding::Text => {
                // Openers inside code are ignored.
                let has_no_opener =
                    !self.code.is_prose() || memchr::memchr2(b'<', b'[', text.as_bytes()).is_none();
                has_no_opener && self.code.is_unchanged(text)
            }
            _ => false,
        }
    }

    fn parse(&mut self, is_final: bool, out: &mut Vec<Segment>) {
        loop {
            let has_progress = match &self.phase {
                ParserPhase::BareCall(_) => self.parse_bare_call(is_final, out),
                ParserPhase::Prose => self.parse_prose(is_final, out),
                ParserPhase::Block(_) => self.parse_block(is_final, out),
                ParserPhase::Passthrough => {
                    self.emit_text(self.buffer.len(), out);
                    false
                }
            };
            if !has_progress {
                break;
            }
        }
        self.buffer.drain(..self.emitted);
        self.scanned -= self.emitted;
        self.emitted = 0;
    }

    /// Returns true when the phase has changed and parsing continues.
    fn parse_bare_call(&mut self, is_final: bool, out: &mut Vec<Segment>) -> bool {
        let ParserPhase::BareCall(call) = &mut self.phase else { return false };
        let result = call.advance(&self.buffer, is_final, &self.tools);
        let is_incomplete = result == Err(ErrMode::Incomplete);
        if exceeds_limit(call.scanned(), self.buffer.len(), is_incomplete) {
            self.phase = ParserPhase::Passthrough;
            return true;
        }
        if is_incomplete {
            return false;
        }
        let ParserPhase::BareCall(call) = std::mem::replace(&mut self.phase, ParserPhase::Prose) else {
            return false;
        };
        let calls = result.ok().and_then(|()| call.into_calls(&self.buffer, &self.tools));
        if let Some(calls) = calls {
            (self.emitted, self.scanned) = (self.buffer.len(), self.buffer.len());
            self.preceding = Preceding::ToolCall;
            emit_calls(calls, out);
            return false;
        }
        true
    }

    /// Looks for an opener; returns true when a block begins.
    fn parse_prose(&mut self, is_final: bool, out: &mut Vec<Segment>) -> bool {
        while let Some(unscanned) = self.buffer.get(self.scanned..).map(str::as_bytes) {
            if !self.code.is_prose() {
                if !self.skip_code() {
                    break;
                }
                continue;
            }
            let Some(at) = memchr::memchr3(b'<', b'[', b'`', unscanned) else { break };
            self.scanned += at;
            let candidate = self.buffer.get(self.scanned..).unwrap_or_default();
            if candidate.starts_with('`') {
                self.code.advance(b'`');
            } else {
                match match_opener(candidate) {
                    OpenerMatch::Opener(markup) => {
                        self.emit_text(self.scanned, out);
                        self.phase = ParserPhase::Block(MarkupBlock::new(markup));
                        return true;
                    }
                    OpenerMatch::Partial if !is_final => {
                        self.emit_text(self.scanned, out);
                        return false;
                    }
                    OpenerMatch::Partial | OpenerMatch::NoOpener => {}
                }
            }
            self.scanned += 1;
        }
        self.scanned = self.buffer.len();
        self.emit_text(self.scanned, out);
        false
    }

    /// Skips Markdown code; returns false at the end of the text.
    fn skip_code(&mut self) -> bool {
        for (at, byte) in self.buffer.bytes().enumerate().skip(self.scanned) {
            if byte != b'`' {
                self.code.end_run(byte);
                if self.code.is_prose() {
                    self.scanned = at;
                    return true;
                }
            }
            self.code.advance(byte);
            if self.code.is_prose() {
                self.scanned = at + 1;
                return true;
            }
        }
        false
    }

    /// Returns true when the block has ended and parsing continues after it.
    fn parse_block(&mut self, is_final: bool, out: &mut Vec<Segment>) -> bool {
        let ParserPhase::Block(block) = &mut self.phase else { return false };
        let text = self.buffer.get(self.emitted..).unwrap_or_default();
        let status = block.advance(text, false);
        let is_cut_off = is_final && status == BlockStatus::Incomplete;
        let status = if is_cut_off { block.advance(text, true) } else { status };
        let is_incomplete = status == BlockStatus::Incomplete;
        if exceeds_limit(block.scanned(), text.len(), is_incomplete) {
            self.phase = ParserPhase::Passthrough;
            return true;
        }
        if is_incomplete {
            return false;
        }
        let ParserPhase::Block(block) = std::mem::replace(&mut self.phase, ParserPhase::Prose) else {
            return false;
        };
        match status {
            BlockStatus::Complete(end) => {
                self.scanned = self.emitted + end;
                match block.into_calls(&self.tools) {
                    Some(calls) => {
                        self.emitted = self.scanned;
                        self.pending_space.clear();
                        self.preceding = Preceding::ToolCall;
                        emit_calls(calls, out);
                    }
                    None => self.emit_text(self.scanned, out),
                }
            }
            // A block that the end of the text cuts off is emitted whole.
            BlockStatus::Invalid(_) if is_cut_off => self.scanned = self.buffer.len(),
            BlockStatus::Invalid(end) if end > MAX_REPARSED_BYTES => self.scanned = self.emitted + end,
            BlockStatus::Invalid(_) | BlockStatus::Incomplete => self.scanned = self.emitted + 1,
        }
        true
    }

    /// Emits the text up to `end`.
    fn emit_text(&mut self, end: usize, out: &mut Vec<Segment>) {
        let text = self.buffer.get(self.emitted..end).unwrap_or_default();
        self.emitted = end;
        self.scanned = self.scanned.max(end);
        if self.preceding == Preceding::Text {
            if !text.is_empty() {
                out.push(Segment::Text(text.to_owned()));
            }
            return;
        }
        let is_blank = text.trim_start().is_empty();
        self.pending_space.push_str(text);
        if !is_blank || self.pending_space.len() > MAX_WITHHELD_BYTES {
            self.preceding = Preceding::Text;
            out.push(Segment::Text(std::mem::take(&mut self.pending_space)));
        }
    }
}

/// Whether a call is longer than the limit of withheld text.
fn exceeds_limit(scanned: usize, buffered: usize, is_incomplete: bool) -> bool {
    scanned > MAX_WITHHELD_BYTES || (is_incomplete && buffered > MAX_WITHHELD_BYTES + MAX_LOOKAHEAD_BYTES)
}

fn emit_calls(calls: Vec<NamedArguments>, out: &mut Vec<Segment>) {
    out.extend(
        calls.into_iter().map(|NamedArguments { name, arguments }| Segment::ToolCall { name, arguments }),
    );
}
