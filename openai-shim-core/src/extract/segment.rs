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

/// What ends a part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEnd {
    /// Nothing: more text may follow.
    Open,
    /// A limit, a failure or a tool call: the model may not have written all of its answer.
    Cut,
    /// The model.
    Complete,
}

/// A reasoning tag that is missing in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingTag {
    /// A closing tag was taken out that no tag opened. The text in front of it was reasoning; it may be out as text.
    Opening,
    /// The prompt began reasoning that no tag ended: the text is the answer, and may be out as reasoning, too.
    Closing,
}
