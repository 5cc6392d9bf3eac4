//! A part of a model's output: text, reasoning, or a tool call.

/// A part of a model's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Text for the user.
    Text(String),
    /// The model's reasoning before its answer.
    Reasoning(String),
    /// A call of an offered tool.
    ToolCall {
        /// The tool's name.
        name: String,
        /// The JSON text of an object.
        arguments: String,
    },
}
