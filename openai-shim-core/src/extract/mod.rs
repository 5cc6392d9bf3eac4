//! Floor 1: what stands in a text beside the text: reasoning, tool calls, stop sequences, a fence around it all.
//!
//! Servers without parsers of their own leave a model's markup in `content`. These machines take it apart while it
//! streams. Each is fed with `push` and closed with `finish`; how the text is cut into pushes changes nothing. Each has
//! `is_unchanged`, which tells without work that a text would come out as it is and change nothing, so that the caller may
//! forward it and skip `push`.
//!
//! ```
//! use openai_shim_core::filter::{Piece, Splitter, Think};
//! let mut splitter = Splitter::new(Think::Auto, &["add".to_owned()]);
//! let mut out = Vec::new();
//! splitter.push("<think>sum</think>\n<tool_call>{\"name\":\"add\",\"arguments\":{\"a\":1}}</tool_call>", &mut out);
//! splitter.finish(&mut out);
//! assert_eq!(out, [
//!     Piece::Reasoning("sum".to_owned()),
//!     Piece::Call { name: "add".to_owned(), arguments: "{\"a\":1}".to_owned() },
//! ]);
//! ```

mod code_fence;
mod needle;
mod reasoning_tags;
mod stop_sequences;
mod tool_calls;

pub use code_fence::FenceStripper;
pub use stop_sequences::StopMatcher;

use reasoning_tags::{ReasoningParser, TextKind};
use tool_calls::ToolCallParser;

/// How much text is held at most while it may still be markup; what is longer goes out as it is.
pub const LIMIT: usize = 1 << 20;

/// What a text turns out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Text for the reader.
    Text(String),
    /// What the model thought before it spoke.
    Reasoning(String),
    /// A call of an offered tool.
    Call {
        /// The tool's name.
        name: String,
        /// The JSON text of an object.
        arguments: String,
    },
}

/// Where reasoning is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReasoningTagMode {
    /// Nowhere.
    #[default]
    Off,
    /// At the beginning of the text, after optional white space, if one of the known tags opens it.
    Auto,
    /// The opening tag stood in the prompt: everything is reasoning until the first closing tag. Without one all of it
    /// is, as vLLM's and SGLang's parsers of DeepSeek R1 have it.
    Inside,
}

/// Takes reasoning and tool calls out of one text.
#[derive(Debug)]
pub struct OutputParser {
    thinker: ReasoningParser,
    /// `None`: no tool is offered, so nothing can be a call.
    calls: Option<ToolCallParser>,
}

impl OutputParser {
    /// A splitter for one text. `tools` are the names of the offered tools; without any, no call is looked for.
    pub fn new(think: ReasoningTagMode, tools: &[String]) -> Self {
        let calls = (!tools.is_empty()).then(|| ToolCallParser::new(tools));
        Self { thinker: ReasoningParser::new(think), calls }
    }

    /// Takes the next part of the text; says what is known of it.
    pub fn push(&mut self, text: &str, out: &mut Vec<Segment>) {
        let Self { thinker, calls } = self;
        thinker.push(text, &mut |part, text| sort(calls.as_mut(), part, text, out));
    }

    /// The text is over: what was held is said, as text or reasoning if it is no markup.
    pub fn finish(&mut self, out: &mut Vec<Segment>) {
        let Self { thinker, calls } = self;
        thinker.finish(&mut |part, text| sort(calls.as_mut(), part, text, out));
        if let Some(calls) = calls {
            calls.finish(out);
        }
    }

    /// Whether every text [passes](Self::passes), now and from now on.
    pub fn is_passthrough(&self) -> bool {
        self.calls.is_none() && self.thinker.is_unchanged()
    }

    /// Whether `push` would say exactly this text, hold nothing and change nothing: then it may be skipped.
    pub fn is_unchanged(&self, text: &str) -> bool {
        self.thinker.is_unchanged() && self.calls.as_ref().is_none_or(|calls| calls.is_unchanged(text))
    }
}

/// Gives a part of the text to whom it is for.
fn sort(calls: Option<&mut ToolCallParser>, part: TextKind, text: &str, out: &mut Vec<Segment>) {
    match (part, calls) {
        (_, _) if text.is_empty() => {}
        (TextKind::Reasoning, _) => out.push(Segment::Reasoning(text.to_owned())),
        (TextKind::Text, Some(calls)) => calls.push(text, out),
        (TextKind::Text, None) => out.push(Segment::Text(text.to_owned())),
    }
}
