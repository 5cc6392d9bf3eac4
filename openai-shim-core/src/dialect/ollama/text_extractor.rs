//! What stands inside the text of servers that leave it there: thinking and tool calls are taken out, a fence around JSON
//! is taken off, and stop sequences that the upstream does not know end it.

use crate::canonical::{DiagnosticCode, Diagnostics, ReasoningTags, ResponseSpec};
use crate::extract::{FenceStripper, OutputParser, ReasoningTagMode, Segment, StopMatcher};

/// An answer's text on its way through.
pub(super) struct OllamaTextExtractor {
    splitter: OutputParser,
    fences: Option<FenceStripper>,
    stops: Option<StopMatcher>,
    tools: Vec<String>,
    /// The text begins inside of thinking, and nothing of it came yet.
    inside: bool,
    /// A stop sequence came: nothing more is said.
    pub(super) stopped: bool,
}

impl OllamaTextExtractor {
    pub(super) fn new(spec: &ResponseSpec) -> Self {
        let think = match spec.quirks.reasoning_tags {
            ReasoningTags::Prefilled => ReasoningTagMode::Prefilled,
            ReasoningTags::Ignore => ReasoningTagMode::Ignore,
            ReasoningTags::Leading => ReasoningTagMode::Leading,
        };
        let tools = if spec.quirks.keep_tool_markup { Vec::new() } else { spec.tools.clone() };
        Self {
            splitter: OutputParser::new(think, &tools),
            fences: spec.required_json_fields.is_some().then(FenceStripper::new),
            stops: (!spec.local_stops.is_empty()).then(|| StopMatcher::new(spec.local_stops.clone())),
            tools,
            inside: think == ReasoningTagMode::Prefilled,
            stopped: false,
        }
    }

    /// The upstream takes the thinking out itself.
    pub(super) fn thinks_apart(&mut self) {
        if std::mem::take(&mut self.inside) {
            self.splitter = OutputParser::new(ReasoningTagMode::Leading, &self.tools);
        }
    }

    /// Takes a piece of text apart. `last`: nothing follows.
    pub(super) fn take(&mut self, words: String, last: bool, diagnostics: &mut Diagnostics) -> Vec<Segment> {
        if self.stopped {
            return Vec::new();
        }
        self.inside &= words.is_empty();
        let plain = self.fences.is_none() && self.stops.is_none();
        if !last && plain && self.splitter.is_unchanged(&words) {
            return vec![Segment::Text(words)];
        }
        let (mut pieces, mut out) = (Vec::new(), Vec::new());
        self.splitter.push(&words, &mut pieces);
        if last {
            self.splitter.finish(&mut pieces);
        }
        for piece in pieces {
            match piece {
                _ if self.stopped => {}
                Segment::Text(text) => out.push(Segment::Text(self.text(&text))),
                Segment::Reasoning(_) => {
                    diagnostics.record(DiagnosticCode::ReasoningSplit, "content", "");
                    out.push(piece);
                }
                Segment::ToolCall { ref name, .. } => {
                    diagnostics.record(DiagnosticCode::ToolCallRecovered, "content", name);
                    out.push(piece);
                }
            }
        }
        if last && !self.stopped {
            out.push(Segment::Text(self.rest(diagnostics)));
        }
        out
    }

    /// Text for the reader, through fences and stops.
    fn text(&mut self, words: &str) -> String {
        let mut open = String::new();
        match &mut self.fences {
            Some(fences) => fences.push(words, &mut open),
            None => open.push_str(words),
        }
        let Some(stops) = &mut self.stops else { return open };
        let mut said = String::new();
        self.stopped = stops.push(&open, &mut said);
        said
    }

    /// Whatever was held back.
    fn rest(&mut self, diagnostics: &mut Diagnostics) -> String {
        let (mut open, mut said) = (String::new(), String::new());
        if let Some(fences) = &mut self.fences {
            fences.finish(&mut open);
            if fences.has_stripped() {
                diagnostics.record(DiagnosticCode::FenceStripped, "content", "");
            }
        }
        let Some(stops) = &mut self.stops else { return open };
        if stops.push(&open, &mut said) {
            self.stopped = true;
        } else {
            stops.finish(&mut said);
        }
        said
    }
}
