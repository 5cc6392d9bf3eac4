//! The text of one choice in, text, reasoning and tool calls out, for clients of dialects that have fields for these.

use super::prompt_echo::is_same_dialect;
use crate::canonical::{DiagnosticCode, Diagnostics, ResponseSpec};
use crate::dialect::reasoning_tags::{record_missing_tag, tag_mode};
use crate::extract::{FenceStripper, OutputParser, ReasoningTagMode, Segment, TextEnd};

const FIELD_PATH: &str = "choices[].text";

/// What ends a text whose choice ends with this finish reason.
pub(super) fn text_end(finish_reason: Option<&str>) -> TextEnd {
    if finish_reason == Some("stop") { TextEnd::Complete } else { TextEnd::Cut }
}

/// Takes reasoning, tool calls and fences out of the text of one choice.
pub(super) struct CompletionsTextExtractor {
    parser: OutputParser,
    fences: Option<FenceStripper>,
}

impl CompletionsTextExtractor {
    pub(super) fn new(spec: &ResponseSpec) -> Self {
        // A client of this dialect gets the text unchanged.
        let is_unchanged = is_same_dialect(spec);
        let mode =
            if is_unchanged { ReasoningTagMode::Ignore } else { tag_mode(&spec.quirks.reasoning_tags) };
        let tools =
            if is_unchanged || spec.quirks.keep_tool_markup { Vec::new() } else { spec.tools.clone() };
        Self {
            parser: OutputParser::new(mode, &tools),
            fences: (spec.required_json_fields.is_some() && !is_unchanged).then(FenceStripper::new),
        }
    }

    /// Takes apart the next part of the text. `end`: what ends the text behind it.
    pub(super) fn push(&mut self, text: &str, end: TextEnd, diagnostics: &mut Diagnostics) -> Vec<Segment> {
        let mut segments = Vec::new();
        self.parser.push_until(text, end, &mut segments);
        record_missing_tag(&mut self.parser, FIELD_PATH, diagnostics);
        for segment in &mut segments {
            match segment {
                Segment::Text(text) => {
                    if let Some(fences) = &mut self.fences {
                        let mut unfenced = String::new();
                        fences.push(text, &mut unfenced);
                        *text = unfenced;
                    }
                }
                Segment::Reasoning(_) => diagnostics.record(DiagnosticCode::ReasoningSplit, FIELD_PATH, ""),
                Segment::ToolCall { name, .. } => {
                    diagnostics.record(DiagnosticCode::ToolCallRecovered, FIELD_PATH, name);
                }
            }
        }
        if let (true, Some(mut fences)) = (end != TextEnd::Open, self.fences.take()) {
            let mut withheld = String::new();
            fences.finish(&mut withheld);
            if fences.has_stripped() {
                diagnostics.record(DiagnosticCode::FenceStripped, FIELD_PATH, "");
            }
            segments.push(Segment::Text(withheld));
        }
        segments
            .retain(|segment| !matches!(segment, Segment::Text(t) | Segment::Reasoning(t) if t.is_empty()));
        segments
    }
}
