//! Text of one choice to segments: reasoning between tags first, then tool calls in the remaining text.

use super::reasoning_tags::{ReasoningParser, ReasoningTagMode, TextKind};
use super::segment::{MissingTag, Segment, TextEnd};
use super::tool_calls::ToolCallParser;

/// Extracts reasoning and tool calls from one text.
#[derive(Debug)]
pub struct OutputParser {
    reasoning: ReasoningParser,
    /// `None`: no tool is offered, so that no text is a tool call.
    tool_calls: Option<ToolCallParser>,
}

impl OutputParser {
    /// Creates a parser for one text. `tools`: the names of the offered tools; without any, tool calls are not extracted.
    pub fn new(mode: ReasoningTagMode, tools: &[String]) -> Self {
        let tool_calls = (!tools.is_empty()).then(|| ToolCallParser::new(tools));
        Self { reasoning: ReasoningParser::new(mode), tool_calls }
    }

    /// Parses the next part of the text and appends the segments that are certain.
    pub fn push(&mut self, text: &str, out: &mut Vec<Segment>) {
        let Self { reasoning, tool_calls } = self;
        reasoning.push(text, &mut |kind, text| append(tool_calls.as_mut(), kind, text, out));
    }

    /// Parses the next part of the text, and ends it unless more may follow. Where the part is all of the text, reasoning may
    /// end in it that no tag opened, and an answer may stand in it where reasoning was expected.
    pub fn push_until(&mut self, text: &str, end: TextEnd, out: &mut Vec<Segment>) {
        if end == TextEnd::Open {
            return self.push(text, out);
        }
        self.reasoning.expect_whole(text, end == TextEnd::Complete);
        self.push(text, out);
        self.finish_at(end, out);
    }

    /// Ends the text: appends withheld text as text or reasoning where it is not markup.
    pub fn finish(&mut self, out: &mut Vec<Segment>) {
        self.finish_at(TextEnd::Cut, out);
    }

    /// Returns which tag was missing, once.
    pub fn take_missing_tag(&mut self) -> Option<MissingTag> {
        self.reasoning.take_missing_tag()
    }

    fn finish_at(&mut self, end: TextEnd, out: &mut Vec<Segment>) {
        let Self { reasoning, tool_calls } = self;
        reasoning.finish(&mut |kind, text| append(tool_calls.as_mut(), kind, text, out));
        if end == TextEnd::Complete
            && let Some(text) = reasoning.take_unclosed()
        {
            append(tool_calls.as_mut(), TextKind::Text, &text, out);
        }
        if let Some(tool_calls) = tool_calls {
            tool_calls.finish(out);
        }
    }

    /// Whether every text is [unchanged](Self::is_unchanged), now and later, that has no `<`, `[`, backtick or character from
    /// U+2000 to U+2FFF.
    pub fn passes_plain_text(&self) -> bool {
        self.tool_calls.is_none() && self.reasoning.passes_plain_text()
    }

    /// Whether `push` would append exactly this text, withhold nothing and change no state: the call may then be skipped.
    pub fn is_unchanged(&self, text: &str) -> bool {
        self.reasoning.is_unchanged(text)
            && self.tool_calls.as_ref().is_none_or(|calls| calls.is_unchanged(text))
    }
}

/// Appends reasoning, and text that the tool-call parser, if any, has parsed.
fn append(tool_calls: Option<&mut ToolCallParser>, kind: TextKind, text: &str, out: &mut Vec<Segment>) {
    match (kind, tool_calls) {
        (_, _) if text.is_empty() => {}
        (TextKind::Reasoning, _) => out.push(Segment::Reasoning(text.to_owned())),
        (TextKind::Text, Some(tool_calls)) => tool_calls.push(text, out),
        (TextKind::Text, None) => out.push(Segment::Text(text.to_owned())),
    }
}
