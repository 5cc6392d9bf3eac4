//! Layer 2: model text to what it contains: text, reasoning, tool calls; also code fences and stop sequences.
//!
//! Servers without parsers of their own leave a model's markup in `content`. Each parser here extracts one kind of markup while
//! the text streams: `push` takes the next part, `finish` ends the text, and the result does not depend on how the text is
//! divided into parts. Each has `is_unchanged`, a cheap check whether `push` would return a text as it is and keep no state: the
//! caller may then forward the text and skip `push`.
//!
//! ```
//! use openai_shim_core::extract::{OutputParser, ReasoningTagMode, Segment};
//! let mut parser = OutputParser::new(ReasoningTagMode::Leading, &["add".to_owned()]);
//! let mut segments = Vec::new();
//! parser.push("<think>sum</think>\n<tool_call>{\"name\":\"add\",\"arguments\":{\"a\":1}}</tool_call>", &mut segments);
//! parser.finish(&mut segments);
//! assert_eq!(segments, [
//!     Segment::Reasoning("sum".to_owned()),
//!     Segment::ToolCall { name: "add".to_owned(), arguments: "{\"a\":1}".to_owned() },
//! ]);
//! ```

mod code_fence;
mod limits;
mod output_parser;
mod partial_match;
mod reasoning_tags;
mod segment;
mod stop_sequences;
mod tool_calls;
mod unopened_tag;

pub use code_fence::FenceStripper;
pub use limits::MAX_WITHHELD_BYTES;
pub use output_parser::OutputParser;
pub use reasoning_tags::{ReasoningTagMode, TextBeginning};
pub(crate) use reasoning_tags::{has_unopened_reasoning, unopened_tag_remover};
pub use segment::{MissingTag, Segment, TextEnd};
pub use stop_sequences::StopMatcher;
pub(crate) use unopened_tag::UnopenedTagRemover;
