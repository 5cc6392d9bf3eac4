//! What must be remembered of a request while its answer is read and written.

use super::{AnswerQuirks, Context, Extra, Request, ToolChoice};
use std::time::Duration;

/// What the client asked for, as far as it decides the form of the answer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Asked {
    /// The model by the client's name for it.
    pub model: String,
    /// Answers shall carry the client's name: an alias was in force.
    pub echo_model: bool,
    /// The client wants a stream.
    pub stream: bool,
    /// The client wants usage at the end of the stream.
    pub include_usage: bool,
    /// Usage is asked from the upstream although the client did not ask for it.
    pub usage_injected: bool,
    /// The client offered tools.
    pub tools: bool,
    /// The client demanded one function by name: OpenAI itself then ends with `stop`.
    pub named_tool: bool,
    /// The client used the legacy `functions`, and expects `function_call`.
    pub functions: bool,
    /// Parameters that the answer repeats.
    pub echo: Extra,
    /// How the upstream's answers are known to deviate.
    pub quirks: AnswerQuirks,
    /// The client asked nothing: a model is only loaded or unloaded, and an empty answer is a complete one.
    pub nothing: bool,
    /// How long a whole answer took, by the caller's clock, where it is known.
    pub elapsed: Option<Duration>,
    /// Time and ids.
    pub context: Context,
}

impl Asked {
    /// What `request` asks for, under the client's own name for the model.
    pub fn new(request: &Request, context: Context) -> Self {
        Self {
            model: request.model.clone(),
            echo_model: false,
            stream: request.stream,
            include_usage: request.include_usage,
            usage_injected: false,
            tools: !request.tools.is_empty(),
            named_tool: matches!(request.tool_choice, Some(ToolChoice::Function(_))),
            functions: request.extra.get("functions").is_some(),
            echo: request.echo.clone(),
            quirks: AnswerQuirks::default(),
            nothing: request.messages.is_empty(),
            elapsed: None,
            context,
        }
    }
}
