//! What a client asks.

use super::{Extra, Message, Tool, ToolChoice};
use serde_json::value::RawValue;

/// A request, independent of any dialect.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Request {
    /// The model, by the name that the upstream knows.
    pub model: String,
    /// The conversation, system messages included, in order.
    pub messages: Vec<Message>,
    /// Whether the answer shall stream.
    pub stream: bool,
    /// Whether usage shall be sent at the end of a stream.
    pub include_usage: bool,
    /// Tools on offer.
    pub tools: Vec<Tool>,
    /// Which tool must be called.
    pub tool_choice: Option<ToolChoice>,
    /// Whether several tools may be called at once.
    pub parallel_tool_calls: Option<bool>,
    /// How long the answer may be.
    pub max_tokens: Option<TokenLimit>,
    /// How many answers.
    pub n: Option<u32>,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// Sampling from the k likeliest.
    pub top_k: Option<u64>,
    /// Penalty for repeated tokens.
    pub frequency_penalty: Option<f64>,
    /// Penalty for tokens that occurred.
    pub presence_penalty: Option<f64>,
    /// A seed.
    pub seed: Option<i64>,
    /// Where to stop.
    pub stop: Vec<String>,
    /// What form the answer shall have.
    pub response_format: Option<ResponseFormat>,
    /// How much to think.
    pub reasoning: Reasoning,
    /// An end user's identifier.
    pub user: Option<String>,
    /// Parameters that only their own dialect knows.
    pub extra: Extra,
    /// Parameters that answers in the client's dialect repeat, as they came.
    pub echo: Extra,
    /// Which parts differ from the payload that they were read from.
    pub touched: Touched,
}

/// Which parts of a request were changed after it was read; the others are sent as they came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // a set of names
pub struct Touched {
    /// The messages.
    pub messages: bool,
    /// The tools.
    pub tools: bool,
    /// The choice among them, and whether several may be called at once.
    pub tool_choice: bool,
    /// The form of the answer.
    pub response_format: bool,
    /// The stop sequences.
    pub stop: bool,
    /// How many answers.
    pub n: bool,
}

/// A limit on the answer's length, and which of OpenAI's two names it came under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLimit {
    /// How many tokens.
    pub tokens: u64,
    /// It came as `max_completion_tokens`, which counts reasoning too.
    pub completion: bool,
}

/// What form the answer shall have.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ResponseFormat {
    /// Plain text.
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON that follows a schema.
    JsonSchema {
        /// The schema's name.
        name: String,
        /// The schema, raw.
        schema: Option<Box<RawValue>>,
        /// Whether it must be followed exactly.
        strict: Option<bool>,
        /// Leftovers, `description` among them.
        extra: Extra,
    },
    /// A form that only its own dialect knows.
    Native {
        /// The dialect.
        dialect: &'static str,
        /// The form's JSON.
        raw: Box<RawValue>,
    },
}

/// How much to think; which of the fields is set says what the client meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reasoning {
    /// OpenAI's word (`minimal`, `low`, `medium`, `high`, …).
    pub effort: Option<String>,
    /// A budget in tokens.
    pub budget: Option<u64>,
    /// Thinking switched on or off.
    pub enabled: Option<bool>,
}

impl Reasoning {
    /// OpenAI's word for it, also where a budget or a switch was meant; `None` where nothing was said, or no word fits.
    pub fn word(&self) -> Option<&str> {
        match (self.effort.as_deref(), self.enabled, self.budget) {
            (Some(word), ..) => Some(word),
            (None, Some(false), _) => Some("none"),
            (None, _, Some(0..=1024)) => Some("low"),
            (None, _, Some(1025..=8192)) => Some("medium"),
            (None, _, Some(_)) => Some("high"),
            (None, _, None) => None,
        }
    }
}
