//! The text of one choice: deltas or a message in, reasoning, tool calls, code fences and stop sequences taken out of them.

use super::super::tag_writer::TagWriter;
use crate::canonical::{
    DiagnosticCode, Diagnostics, ReasoningStyle, ReasoningTags, ResponseContext, ResponseSpec,
};
use crate::dialect::reasoning_tags::{record_missing_tag, tag_mode};
use crate::extract::{FenceStripper, OutputParser, ReasoningTagMode, Segment, StopMatcher, TextEnd};
use crate::json::{Object, ValueKind, decode_string, encode_array, encode_string, value_kind};

/// The longest text that is checked for being JSON.
const MAX_JSON_BYTES: usize = 4 << 20;

/// Takes apart the text of one choice.
#[derive(Debug)]
pub(in super::super) struct ChatTextExtractor {
    phase: TextPhase,
    parser: OutputParser,
    fences: Option<FenceStripper>,
    stops: Option<StopMatcher>,
    /// All text so far, where it must be JSON in the end.
    json: Option<String>,
    /// For clients that read reasoning in the text.
    tags: Option<TagWriter>,
    tools: Vec<String>,
    /// How many bytes went into the parser and did not come out as text.
    swallowed: usize,
    /// A diagnostic states that markup was taken out.
    has_recorded_markup: bool,
    /// The profile has reasoning tags of its own.
    has_own_tags: bool,
    /// The last text that was parsed came out empty.
    has_withheld: bool,
    /// The last text went through unchanged.
    was_unchanged: bool,
}

/// How far a choice's text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextPhase {
    /// No text came. The opening tag of the reasoning stood in the prompt, so that the text begins inside it.
    InPrefilledReasoning,
    /// No text came.
    BeforeText,
    /// Text came.
    InText,
    /// A stop sequence matched: nothing more comes out.
    Stopped,
}

/// A tool call that was taken out of the text.
#[derive(Debug, Clone)]
pub(super) struct ExtractedCall {
    pub(super) name: String,
    /// A JSON object, as text.
    pub(super) arguments: String,
}

/// What was taken out of one delta, apart from reasoning, which stays in it.
#[derive(Debug, Default)]
pub(super) struct ExtractResult {
    pub(super) calls: Vec<ExtractedCall>,
    /// A stop sequence matched.
    pub(super) is_stopped: bool,
}

impl ChatTextExtractor {
    pub(super) fn new(spec: &ResponseSpec) -> Self {
        let mode = tag_mode(&spec.quirks.reasoning_tags);
        let phase = if mode.is_prefilled() { TextPhase::InPrefilledReasoning } else { TextPhase::BeforeText };
        let has_own_tags = matches!(mode, ReasoningTagMode::Own { .. });
        let tools = if spec.quirks.keep_tool_markup { Vec::new() } else { spec.tools.clone() };
        Self {
            phase,
            parser: OutputParser::new(mode, &tools),
            fences: spec.required_json_fields.is_some().then(FenceStripper::new),
            stops: (!spec.local_stops.is_empty()).then(|| StopMatcher::new(spec.local_stops.clone())),
            json: spec.required_json_fields.is_some().then(String::new),
            tags: (spec.reasoning == ReasoningStyle::Tags).then(TagWriter::default),
            tools,
            swallowed: 0,
            has_recorded_markup: false,
            has_own_tags,
            has_withheld: false,
            was_unchanged: false,
        }
    }

    /// Extracts reasoning, tool calls and stop sequences from a message or delta. `end`: what ends the choice behind it.
    pub(super) fn extract(
        &mut self,
        message: &mut Object<'_>,
        end: TextEnd,
        field_path: &str,
        diagnostics: &mut Diagnostics,
    ) -> ExtractResult {
        let content = message.get("content").and_then(decode_string);
        let has_reasoning = message.get("reasoning_content").is_some_and(|v| v.len() > 2 && v != "null");
        if has_reasoning && self.phase == TextPhase::InPrefilledReasoning {
            // The upstream takes the reasoning out itself.
            self.parser = OutputParser::new(ReasoningTagMode::Leading, &self.tools);
            self.phase = TextPhase::BeforeText;
        }
        let text = content.as_deref().unwrap_or_default();
        let is_final = end != TextEnd::Open;
        let needs_no_tags = self.tags.as_ref().is_none_or(|tags| !has_reasoning && !tags.is_open());
        let is_only_text = is_final
            && self.phase == TextPhase::BeforeText
            && self.fences.is_none()
            && self.stops.is_none()
            && !self.has_own_tags
            && has_no_markup(text);
        self.was_unchanged = needs_no_tags && ((!is_final && self.is_unchanged(text)) || is_only_text);
        if self.was_unchanged {
            self.begin(text);
            self.collect_json(text);
            return ExtractResult::default();
        }
        let text = text.to_owned();
        self.begin(&text);
        let mut extracted = Extracted::default();
        self.push(&text, end, &mut extracted, field_path, diagnostics);
        self.has_withheld = !text.is_empty() && extracted.text.is_empty();
        self.write(message, &text, extracted, is_final, diagnostics)
    }

    fn begin(&mut self, text: &str) {
        if !text.is_empty() && self.phase != TextPhase::Stopped {
            self.phase = TextPhase::InText;
        }
    }

    /// Takes a further text, a JSON string, without changing the delta; returns false, and does nothing, where that is not
    /// possible. The text before it [went through unchanged](Self::was_unchanged), and nothing but text came in this delta.
    pub(in super::super) fn pass(&mut self, literal: &str) -> bool {
        if self.passes_plain_text() && is_plain(literal) {
            return true;
        }
        let Some(text) = decode_string(literal).filter(|text| self.is_unchanged(text)) else {
            return false;
        };
        self.phase = TextPhase::InText;
        self.collect_json(&text);
        true
    }

    /// Whether every further [plain](is_plain) text goes through unchanged.
    fn passes_plain_text(&self) -> bool {
        self.phase == TextPhase::InText
            && self.fences.is_none()
            && self.stops.is_none()
            && self.json.is_none()
            && self.parser.passes_plain_text()
    }

    /// Whether the last text went through unchanged.
    pub(super) fn was_unchanged(&self) -> bool {
        self.was_unchanged
    }

    /// Whether text may be withheld because it may be markup.
    pub(super) fn has_withheld(&self) -> bool {
        self.has_withheld
    }

    /// Whether a stop sequence ended the text.
    pub(super) fn is_stopped(&self) -> bool {
        self.phase == TextPhase::Stopped
    }

    /// Whether a text goes through unchanged.
    fn is_unchanged(&self, text: &str) -> bool {
        text.is_empty()
            || self.parser.is_unchanged(text)
                && self.fences.as_ref().is_none_or(|fences| fences.is_unchanged(text))
                && self.stops.as_ref().is_none_or(|stops| stops.is_unchanged(text))
    }

    fn push(
        &mut self,
        text: &str,
        end: TextEnd,
        extracted: &mut Extracted,
        field_path: &str,
        diagnostics: &mut Diagnostics,
    ) {
        let is_final = end != TextEnd::Open;
        let mut segments = Vec::new();
        self.parser.push_until(text, end, &mut segments);
        record_missing_tag(&mut self.parser, field_path, diagnostics);
        self.swallowed += text.len();
        for segment in segments {
            match &segment {
                Segment::Text(text) => self.swallowed = self.swallowed.saturating_sub(text.len()),
                _ => self.has_recorded_markup = true,
            }
            match segment {
                _ if self.is_stopped() => {}
                Segment::Text(text) => self.push_text(&text, extracted),
                Segment::Reasoning(text) => {
                    diagnostics.record(
                        DiagnosticCode::ReasoningSplit,
                        &[field_path, ".content"].concat(),
                        "",
                    );
                    extracted.reasoning.push_str(&text);
                }
                Segment::ToolCall { name, arguments } => {
                    let content_path = [field_path, ".content"].concat();
                    diagnostics.record(DiagnosticCode::ToolCallRecovered, &content_path, &name);
                    extracted.calls.push(ExtractedCall { name, arguments });
                }
            }
        }
        if is_final && self.swallowed > 0 && !std::mem::replace(&mut self.has_recorded_markup, true) {
            diagnostics.record(
                DiagnosticCode::ReasoningSplit,
                &[field_path, ".content"].concat(),
                "tags with nothing between them",
            );
        }
        if is_final && !self.is_stopped() {
            self.finish_text(extracted, field_path, diagnostics);
        }
    }

    /// Takes fences and stop sequences out of text that is no other markup.
    fn push_text(&mut self, text: &str, extracted: &mut Extracted) {
        let mut unfenced = String::new();
        let text = match &mut self.fences {
            Some(fences) => {
                fences.push(text, &mut unfenced);
                unfenced.as_str()
            }
            None => text,
        };
        match &mut self.stops {
            Some(stops) => {
                if stops.push(text, &mut extracted.text) {
                    self.phase = TextPhase::Stopped;
                    extracted.is_stopped = true;
                }
            }
            None => extracted.text.push_str(text),
        }
    }

    /// Takes out what fences and stop sequences withheld.
    fn finish_text(&mut self, extracted: &mut Extracted, field_path: &str, diagnostics: &mut Diagnostics) {
        let mut withheld = String::new();
        if let Some(fences) = &mut self.fences {
            fences.finish(&mut withheld);
            if fences.has_stripped() {
                diagnostics.record(DiagnosticCode::FenceStripped, &[field_path, ".content"].concat(), "");
            }
        }
        match &mut self.stops {
            Some(stops) => {
                if stops.push(&withheld, &mut extracted.text) {
                    self.phase = TextPhase::Stopped;
                    extracted.is_stopped = true;
                } else {
                    stops.finish(&mut extracted.text);
                }
            }
            None => extracted.text.push_str(&withheld),
        }
    }

    /// Writes what was extracted into the delta's fields, where it differs from the text `before`.
    fn write(
        &mut self,
        message: &mut Object<'_>,
        before: &str,
        extracted: Extracted,
        is_final: bool,
        diagnostics: &mut Diagnostics,
    ) -> ExtractResult {
        let Extracted { mut text, reasoning: taken_out, calls, is_stopped } = extracted;
        if text != before && taken_out.is_empty() && calls.is_empty() && !is_stopped {
            diagnostics.record(DiagnosticCode::TextHeld, "choices[]", "");
        }
        self.collect_json(&text);
        let mut reasoning = message.str("reasoning_content").unwrap_or_default().into_owned();
        if !taken_out.is_empty() {
            reasoning.push_str(&taken_out);
            message.set("reasoning_content", encode_string(&reasoning));
        }
        if let Some(tags) = &mut self.tags {
            let tagged = tags.write(&reasoning, &text, is_final || is_stopped);
            if tagged != text {
                diagnostics.record(DiagnosticCode::ReasoningTagged, "choices[]", "");
                message.remove("reasoning_content");
                text = tagged;
            }
        }
        if text != before {
            if text.is_empty() {
                message.remove("content");
            } else {
                message.set("content", encode_string(&text));
            }
        }
        ExtractResult { calls, is_stopped }
    }

    fn collect_json(&mut self, text: &str) {
        if let Some(json) = &mut self.json
            && json.len() <= MAX_JSON_BYTES
        {
            json.push_str(text);
        }
    }

    /// Whether the whole text is the JSON that was requested; also true where none was requested, and for an empty text.
    pub(super) fn matches_json(&self, required_fields: Option<&[String]>) -> bool {
        let (Some(json), Some(required_fields)) = (&self.json, required_fields) else { return true };
        if json.trim().is_empty() || json.len() > MAX_JSON_BYTES {
            return true;
        }
        match Object::parse(json.trim().as_bytes()) {
            Ok(object) => required_fields.iter().all(|name| object.get(name).is_some()),
            // A schema may require a list or a number.
            Err(_) => {
                required_fields.is_empty()
                    && serde_json::from_str::<serde::de::IgnoredAny>(json.trim()).is_ok()
            }
        }
    }
}

/// Whether a JSON string has none of the characters with which tags and code begin, escaped ones included.
fn is_plain(literal: &str) -> bool {
    let mut is_escaped = false;
    literal.bytes().all(|byte| {
        let is_code = is_escaped && byte == b'u';
        is_escaped = byte == b'\\';
        !is_code && !matches!(byte, b'<' | b'[' | b'`' | 0xe2)
    })
}

/// Whether a text has none of the characters with which markup begins.
fn has_no_markup(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr3(b'<', b'[', b'{', bytes).is_none() && memchr::memchr2(b'`', 0xe2, bytes).is_none()
}

/// Whether extraction would leave a whole message unchanged. The content is examined as it is written, escapes included.
pub(super) fn is_unneeded(message: &Object<'_>, spec: &ResponseSpec) -> bool {
    let has_reasoning = || message.get("reasoning_content").is_some_and(|v| v.len() > 2 && v != "null");
    if spec.required_json_fields.is_some()
        || !spec.local_stops.is_empty()
        || matches!(spec.quirks.reasoning_tags, ReasoningTags::Prefilled | ReasoningTags::Own(_))
        || (spec.reasoning == ReasoningStyle::Tags && has_reasoning())
    {
        return false;
    }
    let content = message.get("content").filter(|content| value_kind(content) == ValueKind::String);
    let mut text = content.unwrap_or_default().trim().trim_start_matches('"').trim_start();
    while let Some(unblanked) = ["\\n", "\\r", "\\t"].iter().find_map(|blank| text.strip_prefix(blank)) {
        text = unblanked.trim_start();
    }
    // Reasoning begins the text, with a tag; tool calls may be anywhere in it.
    if text.starts_with(['<', '[', '◁']) || text.starts_with("\\u") || text.starts_with("\\f") {
        return false;
    }
    let bytes = text.as_bytes();
    // A closing tag may end reasoning that no tag opened; its characters may be escaped.
    let may_close = |at: usize| matches!(bytes.get(at + 1), Some(b'/' | b'\\'));
    if spec.quirks.reasoning_tags == ReasoningTags::Leading
        && (memchr::memchr_iter(b'<', bytes).any(may_close)
            || ["\\u003", "[/THINK]", "◁/"]
                .iter()
                .any(|part| memchr::memmem::find(bytes, part.as_bytes()).is_some()))
    {
        return false;
    }
    spec.tools.is_empty()
        || spec.quirks.keep_tool_markup
        || memchr::memchr3(b'<', b'[', b'{', bytes).is_none()
            && memchr::memchr_iter(b'\\', bytes).all(|at| bytes.get(at + 1) != Some(&b'u'))
}

/// What came out of one delta's text.
#[derive(Debug, Default)]
struct Extracted {
    text: String,
    reasoning: String,
    calls: Vec<ExtractedCall>,
    is_stopped: bool,
}

/// Adds calls taken out of the text to the `tool_calls` of a message. Those of a delta get an index, counted from
/// `first_index`.
pub(super) fn add_calls(
    message: &mut Object<'_>,
    calls: &[ExtractedCall],
    first_index: Option<usize>,
    context: &mut ResponseContext,
) {
    if calls.is_empty() {
        return;
    }
    let present = message.array("tool_calls").unwrap_or_default();
    let mut list: Vec<String> = present.into_iter().map(str::to_owned).collect();
    for ExtractedCall { name, arguments } in calls {
        let index =
            first_index.map(|first| format!(r#""index":{},"#, first + list.len())).unwrap_or_default();
        let id = encode_string(&context.new_id("call_"));
        list.push(format!(
            r#"{{{index}"id":{id},"type":"function","function":{{"name":{},"arguments":{}}}}}"#,
            encode_string(name),
            encode_string(arguments)
        ));
    }
    message.set("tool_calls", encode_array(&list));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{Context, Request};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..Default::default() })]

        #[test]
        fn a_message_that_needs_no_extraction_is_extracted_unchanged(
            parts in prop::collection::vec(prop::sample::select(vec![
                "word", " ", "\\n", "\\u000b", "\u{2003}", "<think>", "</think>", "[THINK]", "◁think▷", "\\u003cthink>",
                r#"{\"name\":\"f\",\"arguments\":{}}"#, "<tool_call>", "</tool_call>", "```json\\n", "```", "f[ARGS]{}",
                "\\\\", "\\\"", "—", "\\f", "[", "<", "{", "é", "\\ud800",
            ]), 0..6),
            tools in any::<bool>(),
            keep in any::<bool>(),
        ) {
            let mut spec = ResponseSpec::new(&Request::default(), &Context::fixed());
            spec.tools = if tools { vec![String::from("f")] } else { Vec::new() };
            spec.quirks.keep_tool_markup = keep;
            let json = format!("{{\"content\":\"{}\"}}", parts.concat());
            let mut message = Object::parse(json.as_bytes()).unwrap();
            if is_unneeded(&message, &spec) {
                let text = message.str("content").unwrap().into_owned();
                let (mut extracted, mut diagnostics) = (Extracted::default(), Diagnostics::default());
                let mut extractor = ChatTextExtractor::new(&spec);
                extractor.push(&text, TextEnd::Complete, &mut extracted, "", &mut diagnostics);
                let result = extractor.write(&mut message, &text, extracted, true, &mut diagnostics);
                prop_assert!(result.calls.is_empty() && !result.is_stopped && !message.is_changed() && diagnostics.is_empty());
            }
        }
    }
}
