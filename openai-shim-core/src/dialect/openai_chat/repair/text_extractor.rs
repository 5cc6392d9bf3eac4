//! What stands inside the text: thinking and tool calls are taken out of it, a fence around JSON is taken off, and stop
//! sequences that the upstream does not know end it.

use crate::canonical::{
    DiagnosticCode, Diagnostics, ReasoningStyle, ReasoningTags, ResponseContext, ResponseSpec,
};
use crate::extract::{FenceStripper, OutputParser, ReasoningTagMode, Segment, StopMatcher};
use crate::json::{Object, ValueKind, decode_string, encode_array, encode_string, value_kind};

/// The longest answer whose JSON is checked.
const CHECKED: usize = 4 << 20;

/// One choice's text on its way through.
#[derive(Debug)]
pub(super) struct ChatTextExtractor {
    splitter: OutputParser,
    fences: Option<FenceStripper>,
    stops: Option<StopMatcher>,
    /// All text so far, where it must be JSON in the end.
    json: Option<String>,
    tags: Option<TagWriter>,
    /// Something came in the text, so that it is known how it begins.
    begun: bool,
    inside: bool,
    tools: Vec<String>,
    /// How many bytes went into the splitter and have not come out as text; and whether that was said.
    missing: usize,
    reported: bool,
    /// Nothing of the last text came out.
    withheld: bool,
    /// The last text went through as it was.
    pub(super) passed: bool,
    /// A stop sequence came: nothing more is said.
    pub(super) stopped: bool,
}

/// What one delta says beside its text.
#[derive(Debug, Default)]
pub(super) struct ExtractResult {
    /// Calls that stood in the text: names and arguments.
    pub(super) calls: Vec<(String, String)>,
    /// A stop sequence came with this delta.
    pub(super) stops: bool,
}

impl ChatTextExtractor {
    pub(super) fn new(spec: &ResponseSpec) -> Self {
        let think = match spec.quirks.reasoning_tags {
            ReasoningTags::Prefilled => ReasoningTagMode::Prefilled,
            ReasoningTags::Ignore => ReasoningTagMode::Ignore,
            _ => ReasoningTagMode::Leading,
        };
        let tools = if spec.quirks.keep_tool_markup { Vec::new() } else { spec.tools.clone() };
        Self {
            splitter: OutputParser::new(think, &tools),
            fences: spec.required_json_fields.is_some().then(FenceStripper::new),
            stops: (!spec.local_stops.is_empty()).then(|| StopMatcher::new(spec.local_stops.clone())),
            json: spec.required_json_fields.is_some().then(String::new),
            tags: (spec.reasoning == ReasoningStyle::Tags).then(TagWriter::default),
            begun: false,
            inside: think == ReasoningTagMode::Prefilled,
            tools,
            missing: 0,
            reported: false,
            withheld: false,
            passed: false,
            stopped: false,
        }
    }

    /// Takes a message or a delta apart. `last`: nothing of this choice follows.
    pub(super) fn extract(
        &mut self,
        said: &mut Object<'_>,
        last: bool,
        at: &str,
        diagnostics: &mut Diagnostics,
    ) -> ExtractResult {
        let content = said.get("content").and_then(decode_string);
        let thinks = said.get("reasoning_content").is_some_and(|v| v.len() > 2 && v != "null");
        if thinks && self.inside && !self.begun {
            // The upstream takes the thinking out itself.
            self.splitter = OutputParser::new(ReasoningTagMode::Leading, &self.tools);
            self.inside = false;
        }
        let words = content.as_deref().unwrap_or_default();
        let quiet = self.tags.is_none() || !thinks && self.tags.as_ref().is_some_and(|tags| !tags.open);
        let whole = last
            && !self.begun
            && !self.inside
            && self.fences.is_none()
            && self.stops.is_none()
            && is_plain(words);
        self.passed = quiet && ((!last && self.is_unchanged(words)) || whole);
        if self.passed {
            self.begun |= !words.is_empty();
            self.collect(words);
            return ExtractResult::default();
        }
        let words = words.to_owned();
        self.begun |= !words.is_empty();
        let mut heard = Extracted::default();
        self.push(&words, last, &mut heard, at, diagnostics);
        self.withheld = !words.is_empty() && heard.words.is_empty();
        self.write(said, &words, heard, last, diagnostics)
    }

    /// Takes a text, a JSON string, where the one before it passed and nothing else is said: whether it goes through as it is.
    pub(super) fn pass(&mut self, literal: &str) -> bool {
        if self.is_passthrough() {
            return true;
        }
        let Some(words) = decode_string(literal).filter(|words| self.is_unchanged(words)) else {
            return false;
        };
        self.begun = true;
        self.collect(&words);
        true
    }

    /// Whether every text goes through, whatever it says.
    fn is_passthrough(&self) -> bool {
        self.begun
            && self.fences.is_none()
            && self.stops.is_none()
            && self.json.is_none()
            && self.splitter.is_passthrough()
    }

    /// Whether text waits because it may be something else.
    pub(super) fn holds(&self) -> bool {
        self.withheld
    }

    /// Whether a text goes through as it is.
    fn is_unchanged(&self, words: &str) -> bool {
        words.is_empty()
            || self.splitter.is_unchanged(words)
                && self.fences.as_ref().is_none_or(|fences| fences.is_unchanged(words))
                && self.stops.as_ref().is_none_or(|stops| stops.is_unchanged(words))
    }

    fn push(
        &mut self,
        words: &str,
        last: bool,
        heard: &mut Extracted,
        at: &str,
        diagnostics: &mut Diagnostics,
    ) {
        let mut pieces = Vec::new();
        self.splitter.push(words, &mut pieces);
        if last {
            self.splitter.finish(&mut pieces);
        }
        self.missing += words.len();
        for piece in pieces {
            match &piece {
                Segment::Text(text) => self.missing = self.missing.saturating_sub(text.len()),
                _ => self.reported = true,
            }
            match piece {
                _ if self.stopped => {}
                Segment::Text(text) => self.text(&text, heard),
                Segment::Reasoning(text) => {
                    diagnostics.record(DiagnosticCode::ReasoningSplit, &[at, ".content"].concat(), "");
                    heard.thoughts.push_str(&text);
                }
                Segment::ToolCall { name, arguments } => {
                    diagnostics.record(DiagnosticCode::ToolCallRecovered, &[at, ".content"].concat(), &name);
                    heard.calls.push((name, arguments));
                }
            }
        }
        if last && self.missing > 0 && !std::mem::replace(&mut self.reported, true) {
            diagnostics.record(
                DiagnosticCode::ReasoningSplit,
                &[at, ".content"].concat(),
                "tags with nothing between them",
            );
        }
        if last && !self.stopped {
            self.end(heard, at, diagnostics);
        }
    }

    /// Text for the reader, through fences and stops.
    fn text(&mut self, words: &str, heard: &mut Extracted) {
        let mut open = String::new();
        let words = match &mut self.fences {
            Some(fences) => {
                fences.push(words, &mut open);
                open.as_str()
            }
            None => words,
        };
        match &mut self.stops {
            Some(stops) => {
                if stops.push(words, &mut heard.words) {
                    self.stopped = true;
                    heard.stops = true;
                }
            }
            None => heard.words.push_str(words),
        }
    }

    /// Whatever was held back comes out.
    fn end(&mut self, heard: &mut Extracted, at: &str, diagnostics: &mut Diagnostics) {
        let mut rest = String::new();
        if let Some(fences) = &mut self.fences {
            fences.finish(&mut rest);
            if fences.has_stripped() {
                diagnostics.record(DiagnosticCode::FenceStripped, &[at, ".content"].concat(), "");
            }
        }
        match &mut self.stops {
            Some(stops) => {
                if stops.push(&rest, &mut heard.words) {
                    self.stopped = true;
                    heard.stops = true;
                } else {
                    stops.finish(&mut heard.words);
                }
            }
            None => heard.words.push_str(&rest),
        }
    }

    /// Puts what was heard into the delta's members, where it differs from what they say.
    fn write(
        &mut self,
        said: &mut Object<'_>,
        before: &str,
        heard: Extracted,
        last: bool,
        diagnostics: &mut Diagnostics,
    ) -> ExtractResult {
        let Extracted { mut words, thoughts, calls, stops } = heard;
        if words != before && thoughts.is_empty() && calls.is_empty() && !stops {
            diagnostics.record(DiagnosticCode::TextHeld, "choices[]", "");
        }
        self.collect(&words);
        let mut reasoning = said.str("reasoning_content").unwrap_or_default().into_owned();
        if !thoughts.is_empty() {
            reasoning.push_str(&thoughts);
            said.set("reasoning_content", encode_string(&reasoning));
        }
        if let Some(tags) = &mut self.tags {
            let tagged = tags.put(&reasoning, &words, last || stops);
            if tagged != words {
                diagnostics.record(DiagnosticCode::ReasoningTagged, "choices[]", "");
                said.remove("reasoning_content");
                words = tagged;
            }
        }
        if words != before {
            if words.is_empty() {
                said.remove("content");
            } else {
                said.set("content", encode_string(&words));
            }
        }
        ExtractResult { calls, stops }
    }

    fn collect(&mut self, words: &str) {
        if let Some(json) = &mut self.json
            && json.len() <= CHECKED
        {
            json.push_str(words);
        }
    }

    /// Whether the whole text is the JSON that was asked for; also true where none was, or where nothing was said.
    pub(super) fn is_as_asked(&self, required: Option<&Vec<String>>) -> bool {
        let (Some(json), Some(required)) = (&self.json, required) else { return true };
        if json.trim().is_empty() || json.len() > CHECKED {
            return true;
        }
        match Object::parse(json.trim().as_bytes()) {
            Ok(object) => required.iter().all(|name| object.get(name).is_some()),
            // A schema may ask for a list or a number.
            Err(_) => {
                required.is_empty() && serde_json::from_str::<serde::de::IgnoredAny>(json.trim()).is_ok()
            }
        }
    }
}

/// Whether nothing can stand in a text, because no markup begins without one of these signs.
fn is_plain(words: &str) -> bool {
    let bytes = words.as_bytes();
    memchr::memchr3(b'<', b'[', b'{', bytes).is_none() && memchr::memchr2(b'`', 0xe2, bytes).is_none()
}

/// Whether a whole message need not be heard: nothing is to be done with its text, and nothing can stand in it. It is looked
/// at as it is written, escapes and all.
pub(super) fn is_needless(message: &Object<'_>, spec: &ResponseSpec) -> bool {
    let thinks = || message.get("reasoning_content").is_some_and(|v| v.len() > 2 && v != "null");
    if spec.required_json_fields.is_some()
        || !spec.local_stops.is_empty()
        || spec.quirks.reasoning_tags == ReasoningTags::Prefilled
        || (spec.reasoning == ReasoningStyle::Tags && thinks())
    {
        return false;
    }
    let content = message.get("content").filter(|content| value_kind(content) == ValueKind::String);
    let mut words = content.unwrap_or_default().trim().trim_start_matches('"').trim_start();
    while let Some(rest) = ["\\n", "\\r", "\\t"].iter().find_map(|blank| words.strip_prefix(blank)) {
        words = rest.trim_start();
    }
    // Thinking begins the text, with a tag; calls of tools stand anywhere in it.
    if words.starts_with(['<', '[', '◁']) || words.starts_with("\\u") || words.starts_with("\\f") {
        return false;
    }
    let bytes = words.as_bytes();
    spec.tools.is_empty()
        || spec.quirks.keep_tool_markup
        || memchr::memchr3(b'<', b'[', b'{', bytes).is_none()
            && memchr::memchr_iter(b'\\', bytes).all(|at| bytes.get(at + 1) != Some(&b'u'))
}

/// What came out of one delta's text.
#[derive(Debug, Default)]
struct Extracted {
    words: String,
    thoughts: String,
    calls: Vec<(String, String)>,
    stops: bool,
}

/// Reasoning between tags in front of the text.
#[derive(Debug, Default)]
pub(in super::super) struct TagWriter {
    open: bool,
}

impl TagWriter {
    /// The text with the reasoning in front of it. `last`: nothing follows.
    pub(in super::super) fn put(&mut self, reasoning: &str, words: &str, last: bool) -> String {
        let mut out = String::new();
        if !reasoning.is_empty() {
            if !std::mem::replace(&mut self.open, true) {
                out.push_str("<think>\n");
            }
            out.push_str(reasoning);
        }
        if self.open && (!words.is_empty() || last) {
            self.open = false;
            out.push_str("\n</think>\n\n");
        }
        out.push_str(words);
        out
    }
}

/// Adds calls that stood in the text to those of a message or, with an `index` to count from, of a delta.
pub(super) fn add_calls(
    said: &mut Object<'_>,
    calls: &[(String, String)],
    index: Option<usize>,
    context: &mut ResponseContext,
) {
    if calls.is_empty() {
        return;
    }
    let own = said.array("tool_calls").unwrap_or_default();
    let mut list: Vec<String> = own.into_iter().map(str::to_owned).collect();
    for (name, arguments) in calls {
        let index = index.map(|before| format!(r#""index":{},"#, before + list.len())).unwrap_or_default();
        let id = encode_string(&context.new_id("call_"));
        list.push(format!(
            r#"{{{index}"id":{id},"type":"function","function":{{"name":{},"arguments":{}}}}}"#,
            encode_string(name),
            encode_string(arguments)
        ));
    }
    said.set("tool_calls", encode_array(&list));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{Context, Request};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..Default::default() })]

        #[test]
        fn what_need_not_be_heard_is_heard_unchanged(
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
            if is_needless(&message, &spec) {
                let words = message.str("content").unwrap().into_owned();
                let (mut heard, mut diagnostics) = (Extracted::default(), Diagnostics::default());
                let mut voice = ChatTextExtractor::new(&spec);
                voice.push(&words, true, &mut heard, "", &mut diagnostics);
                let voiced = voice.write(&mut message, &words, heard, true, &mut diagnostics);
                prop_assert!(voiced.calls.is_empty() && !voiced.stops && !message.is_changed() && diagnostics.is_empty());
            }
        }
    }
}
