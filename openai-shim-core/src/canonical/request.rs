//! The request: conversation, tools and parameters, independent of any dialect.

use super::{
    Block, ChatTemplate, ExtraFields, Messages, Reasoning, ReasoningField, Tool, ToolChoice, Tracked,
};
use crate::error::ClientError;
use crate::error::static_text::{self, StaticText};
use crate::json::{ArrayBuilder, RawJson};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A request, independent of any dialect.
///
/// It is written and read by `serde` for logs and tests: its JSON is no wire format, and may change with each version. What was read
/// counts as changed, since there is no payload whose bytes could be sent in its place; equality does not look at that.
///
/// ```
/// use openai_shim_core::canonical::{Message, Request, Role};
/// let mut request = Request::default();
/// request.model = "m".into();
/// request.messages.push(Message::text(Role::User, "hello"));
/// let json = serde_json::to_string(&request)?;
/// assert_eq!(serde_json::from_str::<Request>(&json)?, request);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Request {
    /// The model, by the upstream's name.
    pub model: String,
    /// The conversation, system messages included, in order.
    pub messages: Messages,
    /// A stream is requested.
    pub stream: bool,
    /// Usage at the end of the stream is requested.
    pub include_usage: bool,
    /// The tools that the client offers.
    pub tools: Tracked<Vec<Tool>>,
    /// Which tool the model may or must call.
    pub tool_choice: Tracked<Option<ToolChoice>>,
    /// Whether the model may call several tools at once.
    pub parallel_tool_calls: Tracked<Option<bool>>,
    /// The limit on the response's length.
    pub max_tokens: Option<TokenLimit>,
    /// The number of choices.
    pub n: Tracked<Option<u32>>,
    /// The sampling temperature.
    pub temperature: Option<f64>,
    /// The probability mass of nucleus sampling.
    pub top_p: Option<f64>,
    /// Sampling from the `k` most likely tokens.
    pub top_k: Option<u64>,
    /// Sampling from tokens that are at least this fraction as likely as the most likely one.
    pub min_p: Option<f64>,
    /// A factor against tokens that occurred, as in vLLM (`repetition_penalty`) and llama.cpp.
    pub repetition_penalty: Option<f64>,
    /// The penalty for repeated tokens.
    pub frequency_penalty: Option<f64>,
    /// The penalty for tokens that occurred.
    pub presence_penalty: Option<f64>,
    /// The seed of the sampling.
    pub seed: Option<i64>,
    /// The stop sequences.
    pub stop: Tracked<Vec<String>>,
    /// The requested format of the response.
    pub response_format: Tracked<Option<ResponseFormat>>,
    /// Whether and how much the model reasons, and what of it is shown.
    pub reasoning: Tracked<Reasoning>,
    /// The field of OpenAI's chat in which earlier reasoning is sent back.
    pub reasoning_field: ReasoningField,
    /// The client requests encrypted reasoning, which it can send back.
    pub encrypted_reasoning: bool,
    /// The client did not ask for encrypted reasoning, and the model's must be sent back.
    pub adds_encrypted_reasoning: bool,
    /// The text behind the gap that the model fills.
    pub suffix: Option<String>,
    /// The end user's identifier.
    pub user: Option<String>,
    /// Log probabilities are requested, and those of so many alternatives at each position.
    pub logprobs: Option<u64>,
    /// The raw biases by token.
    pub logit_bias: Option<RawJson>,
    /// The client sent a prompt instead of a conversation: it is the only message, and APIs that take a prompt get it unchanged.
    pub is_prompt: bool,
    /// The layout that makes one prompt of the conversation, for upstreams that take only a prompt.
    pub template: ChatTemplate,
    /// Parameters that only their own dialect defines.
    pub extra: ExtraFields,
    /// The keys and raw values of parameters that OpenAI's APIs share by name and meaning; `SHARED` lists them.
    pub shared: Vec<(String, RawJson)>,
    /// Raw parameters that responses in the client's dialect repeat.
    pub echoed_params: ExtraFields,
    /// The error for a client whose request only an upstream of the client's own dialect can serve, because it refers to state of that
    /// upstream. The code that resolves the reference clears it.
    pub same_dialect_only: Option<ClientError>,
    /// The names of tools that are declared but not offered: no search has found them yet, or the conversation took them back.
    /// Upstreams of the client's own dialect decide that themselves.
    pub withheld_tools: BTreeSet<String>,
    /// Raw references to state of the upstream that precedes the messages.
    pub references: Vec<String>,
    /// Parts of the conversation are stored by the upstream, and the request refers to them: calls whose results it has, for
    /// example.
    pub continues_stored: bool,
}

/// Parameters that OpenAI's APIs share by name and meaning, and that are passed through without interpretation.
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

/// A limit on the response's length, and which of OpenAI's two names the client used for it.
///
/// ```
/// use openai_shim_core::exchange::ClientRequest;
/// use openai_shim_core::dialect;
/// let body = r#"{"model":"m","max_completion_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
/// let request = ClientRequest::read(dialect("openai-chat")?, "", body.into())?;
/// let limit = request.request().max_tokens.unwrap();
/// assert!(limit.tokens == 9 && limit.completion);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenLimit {
    /// The maximum number of tokens.
    pub tokens: u64,
    /// The client used `max_completion_tokens`, which includes reasoning.
    pub completion: bool,
}

/// The requested format of a response.
///
/// ```
/// use openai_shim_core::canonical::ResponseFormat;
/// use openai_shim_core::exchange::ClientRequest;
/// use openai_shim_core::dialect;
/// let body = r#"{"model":"m","format":"json","messages":[{"role":"user","content":"hi"}]}"#;
/// let request = ClientRequest::read(dialect("ollama-chat")?, "/api/chat", body.into())?;
/// assert!(matches!(*request.request().response_format, Some(ResponseFormat::JsonObject)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
        /// The raw schema.
        schema: Option<RawJson>,
        /// Whether the response must follow the schema exactly.
        strict: Option<bool>,
        /// Fields without a place in this model, such as `description`.
        extra: ExtraFields,
    },
    /// One of these texts, as it is.
    TextEnum(Vec<String>),
    /// A format that only its own dialect defines.
    Native {
        /// The dialect.
        #[serde(deserialize_with = "static_text::deserialize")]
        dialect: StaticText,
        /// The format's raw JSON.
        raw: RawJson,
    },
}

impl Request {
    /// An empty JSON array with room for the messages, each with `overhead` bytes beside its role and texts: an array that grows
    /// would exist twice while it is copied.
    pub(crate) fn list(&self, overhead: usize) -> ArrayBuilder {
        ArrayBuilder::with_capacity(self.messages.iter().map(|message| message.size() + overhead).sum())
    }

    /// Whether the request means nearly the same without its tools: no call is demanded, and the history has none.
    pub fn can_do_without_tools(&self) -> bool {
        let is_free = match &*self.tool_choice {
            None | Some(ToolChoice::Auto | ToolChoice::None) => true,
            Some(ToolChoice::Allowed { is_required, .. }) => !is_required,
            _ => false,
        };
        let is_call = |block: &Block| matches!(block, Block::ToolCall { .. } | Block::ToolResult { .. });
        is_free && !self.messages.iter().any(|message| message.blocks.iter().any(is_call))
    }

    /// Whether the tool choice, or whether several tools may be called at once, was changed after decoding.
    pub fn is_tool_choice_changed(&self) -> bool {
        self.tool_choice.is_changed() || self.parallel_tool_calls.is_changed()
    }
}
