//! Text to text and tool calls, where the calls are written in a model's own markup.
//!
//! [`parser`] looks for the openers of [`markup_table`] outside Markdown code ([`code_span`]) and reads each [`markup_block`]
//! with a [`cursor`]; a text that is nothing but a call is a [`bare_call`].

mod arguments;
mod bare_call;
mod code_span;
mod cursor;
mod markup_block;
mod markup_table;
mod parser;

pub(super) use parser::ToolCallParser;
