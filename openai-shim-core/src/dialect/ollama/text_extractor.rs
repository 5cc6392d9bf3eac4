//! A response's text to text, reasoning and tool calls, for servers that leave all of them in the text. A fence around JSON
//! is removed, and the text ends at stop sequences that the upstream does not support.

use crate::canonical::{DiagnosticCode, Diagnostics, ResponseSpec};
use crate::dialect::reasoning_tags::{record_missing_tag, tag_mode};
use crate::extract::{FenceStripper, OutputParser, ReasoningTagMode, Segment, StopMatcher, TextEnd};

/// Extracts from the text of one response.
pub(super) struct OllamaTextExtractor {
    parser: OutputParser,
    fence_stripper: Option<FenceStripper>,
    stop_matcher: Option<StopMatcher>,
    tool_names: Vec<String>,
    /// The text starts as reasoning, and is empty so far.
    awaits_prefilled_reasoning: bool,
    /// A stop sequence ended the output.
    has_stopped: bool,
}

impl OllamaTextExtractor {
    pub(super) fn new(spec: &ResponseSpec) -> Self {
        let tag_mode = tag_mode(&spec.quirks.reasoning_tags);
        let awaits_prefilled_reasoning = tag_mode.is_prefilled();
        let tool_names = if spec.quirks.keep_tool_markup { Vec::new() } else { spec.tools.clone() };
        Self {
            parser: OutputParser::new(tag_mode, &tool_names),
            fence_stripper: spec.required_json_fields.is_some().then(FenceStripper::new),
            stop_matcher: (!spec.local_stops.is_empty()).then(|| StopMatcher::new(spec.local_stops.clone())),
            tool_names,
            awaits_prefilled_reasoning,
            has_stopped: false,
        }
    }

    /// Whether a stop sequence ended the output.
    pub(super) fn has_stopped(&self) -> bool {
        self.has_stopped
    }

    /// Notes that the upstream sends reasoning in a field of its own, so that the text does not start as reasoning.
    pub(super) fn reasoning_is_separate(&mut self) {
        if std::mem::take(&mut self.awaits_prefilled_reasoning) {
            self.parser = OutputParser::new(ReasoningTagMode::Leading, &self.tool_names);
        }
    }

    /// Extracts from an increment of the text. `end`: what ends the text behind it.
    pub(super) fn extract(
        &mut self,
        text: String,
        end: TextEnd,
        diagnostics: &mut Diagnostics,
    ) -> Vec<Segment> {
        if self.has_stopped {
            return Vec::new();
        }
        self.awaits_prefilled_reasoning &= text.is_empty();
        let is_final = end != TextEnd::Open;
        let is_unfiltered = self.fence_stripper.is_none() && self.stop_matcher.is_none();
        if !is_final && is_unfiltered && self.parser.is_unchanged(&text) {
            return vec![Segment::Text(text)];
        }
        let (mut segments, mut out) = (Vec::new(), Vec::new());
        self.parser.push_until(&text, end, &mut segments);
        record_missing_tag(&mut self.parser, "content", diagnostics);
        for segment in segments {
            match segment {
                _ if self.has_stopped => {}
                Segment::Text(text) => out.push(Segment::Text(self.filter_text(&text))),
                Segment::Reasoning(_) => {
                    diagnostics.record(DiagnosticCode::ReasoningSplit, "content", "");
                    out.push(segment);
                }
                Segment::ToolCall { ref name, .. } => {
                    diagnostics.record(DiagnosticCode::ToolCallRecovered, "content", name);
                    out.push(segment);
                }
            }
        }
        if is_final && !self.has_stopped {
            out.push(Segment::Text(self.flush(diagnostics)));
        }
        out
    }

    /// Removes fences from text, and ends it at a stop sequence.
    fn filter_text(&mut self, text: &str) -> String {
        let mut unfenced = String::new();
        match &mut self.fence_stripper {
            Some(fences) => fences.push(text, &mut unfenced),
            None => unfenced.push_str(text),
        }
        let Some(stops) = &mut self.stop_matcher else { return unfenced };
        let mut out = String::new();
        self.has_stopped = stops.push(&unfenced, &mut out);
        out
    }

    /// Returns the text that was withheld so far.
    fn flush(&mut self, diagnostics: &mut Diagnostics) -> String {
        let (mut unfenced, mut out) = (String::new(), String::new());
        if let Some(fences) = &mut self.fence_stripper {
            fences.finish(&mut unfenced);
            if fences.has_stripped() {
                diagnostics.record(DiagnosticCode::FenceStripped, "content", "");
            }
        }
        let Some(stops) = &mut self.stop_matcher else { return unfenced };
        if stops.push(&unfenced, &mut out) {
            self.has_stopped = true;
        } else {
            stops.finish(&mut out);
        }
        out
    }
}
