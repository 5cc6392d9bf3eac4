//! What a client asks.

use super::{ChatTemplate, DiagnosticCode, Diagnostics, ExtraFields, Messages, Tool, ToolChoice, Tracked};
use crate::error::ClientError;
use crate::json::ArrayBuilder;
use serde_json::value::RawValue;

/// A request, independent of any dialect.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Request {
    /// The model, by the name that the upstream knows.
    pub model: String,
    /// The conversation, system messages included, in order.
    pub messages: Messages,
    /// Whether the answer shall stream.
    pub stream: bool,
    /// Whether usage shall be sent at the end of a stream.
    pub include_usage: bool,
    /// Tools on offer.
    pub tools: Tracked<Vec<Tool>>,
    /// Which tool must be called.
    pub tool_choice: Tracked<Option<ToolChoice>>,
    /// Whether several tools may be called at once.
    pub parallel_tool_calls: Tracked<Option<bool>>,
    /// How long the answer may be.
    pub max_tokens: Option<TokenLimit>,
    /// How many answers.
    pub n: Tracked<Option<u32>>,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// Sampling from the k likeliest.
    pub top_k: Option<u64>,
    /// Sampling from tokens at least so likely as this share of the likeliest.
    pub min_p: Option<f64>,
    /// Factor against tokens that occurred, as vLLM (`repetition_penalty`) and llama.cpp have it.
    pub repetition_penalty: Option<f64>,
    /// Penalty for repeated tokens.
    pub frequency_penalty: Option<f64>,
    /// Penalty for tokens that occurred.
    pub presence_penalty: Option<f64>,
    /// A seed.
    pub seed: Option<i64>,
    /// Where to stop.
    pub stop: Tracked<Vec<String>>,
    /// What form the answer shall have.
    pub response_format: Tracked<Option<ResponseFormat>>,
    /// How much to think.
    pub reasoning: Reasoning,
    /// Reasoning is wanted in the sealed form in which it can be sent back, where there is one.
    pub encrypted_reasoning: bool,
    /// An end user's identifier.
    pub user: Option<String>,
    /// The likelihood of tokens is wanted, and that of so many others in their places. Stands in `extra` too, as it came.
    pub logprobs: Option<u64>,
    /// Biases by token, raw. Stands in `extra` too.
    pub logit_bias: Option<Box<RawValue>>,
    /// The client wrote a prompt, and no conversation: it is the only message, and is sent as it is where prompts are.
    pub is_prompt: bool,
    /// How a conversation becomes a prompt, for upstreams that take nothing else.
    pub template: ChatTemplate,
    /// Parameters that only their own dialect knows.
    pub extra: ExtraFields,
    /// Parameters that OpenAI's APIs share by name and meaning, raw; [`SHARED`] lists them.
    pub shared: Vec<(String, Box<RawValue>)>,
    /// Parameters that answers in the client's dialect repeat, as they came.
    pub echoed_params: ExtraFields,
    /// Why only an upstream of the client's own dialect can serve this (it refers to what the upstream keeps), and what
    /// a client is told where the upstream speaks another one. Whoever resolves the reference clears it.
    pub same_dialect_only: Option<ClientError>,
    /// What stands before the messages although it is not among them: references to what an upstream keeps, raw.
    pub references: Vec<String>,
}

/// Parameters that OpenAI's APIs share by name and meaning, and that nothing here interprets.
pub const SHARED: &[&str] = &[
    "metadata",
    "moderation",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "verbosity",
];

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
        extra: ExtraFields,
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
    /// The model is told in tokens: it is older than the words.
    pub use_token_budget: bool,
}

impl Request {
    /// Room for the list of its messages, each with so many bytes besides its role and its words: a list that grows is there twice.
    pub(crate) fn list(&self, besides: usize) -> ArrayBuilder {
        ArrayBuilder::with_capacity(self.messages.iter().map(|message| message.size() + besides).sum())
    }

    /// Whether the tool choice, or whether several tools may be called at once, was changed after decoding.
    pub fn is_tool_choice_changed(&self) -> bool {
        self.tool_choice.is_changed() || self.parallel_tool_calls.is_changed()
    }

    /// Reports the parameters that only OpenAI's APIs have, where the upstream is another's.
    pub fn report_shared(&self, diagnostics: &mut Diagnostics) {
        for (key, _) in self.shared.iter().filter(|(_, value)| !matches!(value.get(), "null" | "false")) {
            diagnostics.record(DiagnosticCode::ParamDropped, key, "");
        }
    }
}

impl Reasoning {
    /// How much to think in OpenAI's words, also where it was said as a budget.
    pub fn as_effort(&self) -> Option<&str> {
        self.effort.as_deref().or(match self.budget {
            None => None,
            Some(0..=2_048) => Some("low"),
            Some(2_049..=8_192) => Some("medium"),
            Some(_) => Some("high"),
        })
    }

    /// How much to think in tokens, also where it was said as a word: a part of the longest answer.
    pub fn as_budget(&self, longest: u64) -> Option<u64> {
        let percent = match self.effort.as_deref() {
            _ if self.budget.is_some() => return self.budget,
            Some("minimal") => 10,
            Some("low") => 20,
            Some("high") => 80,
            Some("xhigh" | "max") => 95,
            Some(_) => 50,
            None => return None,
        };
        Some(longest / 100 * percent + longest % 100 * percent / 100)
    }
}
