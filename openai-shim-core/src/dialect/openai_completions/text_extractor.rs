//! The text of one choice in, text, reasoning and tool calls out, for clients of dialects that have fields for these.

use super::prompt_echo::is_same_dialect;
use crate::canonical::{DiagnosticCode, Diagnostics, ResponseSpec};
use crate::dialect::reasoning_tags::tag_mode;
use crate::extract::{FenceStripper, OutputParser, ReasoningTagMode, Segment};

const FIELD_PATH: &str = "choices[].text";

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

    /// Takes apart the next part of the text. `is_final`: nothing follows.
    pub(super) fn push(&mut self, text: &str, is_final: bool, diagnostics: &mut Diagnostics) -> Vec<Segment> {
        let mut segments = Vec::new();
        self.parser.push(text, &mut segments);
        if is_final {
            self.parser.finish(&mut segments);
        }
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
        if let (true, Some(mut fences)) = (is_final, self.fences.take()) {
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
