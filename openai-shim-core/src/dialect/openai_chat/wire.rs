//! OpenAI's objects as types, for building and reading payloads by hand.
//!
//! Fields that a type does not have are kept raw in `extra`, so that reading and writing loses nothing. The translation itself
//! works on raw JSON (see the folder `repair`), because real servers deviate from these types.
//!
//! ```
//! use openai_shim_core::dialect::openai_chat::wire::{ChatCompletion, ChatRequest, Message};
//!
//! let mut request = ChatRequest::default();
//! request.model = Some("gpt-5".into());
//! request.messages = Some(vec![Message::new("user", "hello")]);
//! let body = serde_json::to_vec(&request)?;
//! assert_eq!(body, br#"{"model":"gpt-5","messages":[{"role":"user","content":"hello"}]}"#);
//!
//! let answer: ChatCompletion = serde_json::from_str(r#"{"id":"x","choices":[],"service_tier":"default","n":1e2}"#)?;
//! assert_eq!(answer.extra[0].1.get(), "1e2");
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::json::{decode_string, encode_string, raw};
use crate::wire_object;
use serde_json::value::RawValue;
use std::borrow::Cow;

wire_object! {
    /// A request: <https://platform.openai.com/docs/api-reference/chat/create>.
    pub struct ChatRequest {
        /// The model's id.
        pub model: String = "model",
        /// The conversation.
        pub messages: Vec<Message> = "messages",
        /// Whether to stream the response.
        pub stream: bool = "stream",
        /// Options of the stream.
        pub stream_options: StreamOptions = "stream_options",
        /// The most tokens of the output, reasoning included.
        pub max_completion_tokens: u64 = "max_completion_tokens",
        /// The older name of `max_completion_tokens`, which most servers accept.
        pub max_tokens: u64 = "max_tokens",
        /// Sampling temperature, 0 to 2.
        pub temperature: f64 = "temperature",
        /// Nucleus sampling, 0 to 1.
        pub top_p: f64 = "top_p",
        /// How many choices.
        pub n: u32 = "n",
        /// Stop sequences: a string, or a list of up to four.
        pub stop: Box<RawValue> = "stop",
        /// Penalty for tokens, by how often they occurred, -2 to 2.
        pub frequency_penalty: f64 = "frequency_penalty",
        /// Penalty for tokens that occurred, -2 to 2.
        pub presence_penalty: f64 = "presence_penalty",
        /// Biases by token id.
        pub logit_bias: Box<RawValue> = "logit_bias",
        /// Whether to return log probabilities.
        pub logprobs: bool = "logprobs",
        /// How many likely tokens to return for each position, 0 to 20.
        pub top_logprobs: u32 = "top_logprobs",
        /// A seed.
        pub seed: i64 = "seed",
        /// The offered tools.
        pub tools: Vec<Tool> = "tools",
        /// `none`, `auto`, `required`, or one tool.
        pub tool_choice: Box<RawValue> = "tool_choice",
        /// Whether the model may call several tools at once.
        pub parallel_tool_calls: bool = "parallel_tool_calls",
        /// Legacy form of `tools`.
        pub functions: Vec<Function> = "functions",
        /// Legacy form of `tool_choice`: `none`, `auto`, or one function.
        pub function_call: Box<RawValue> = "function_call",
        /// `text`, `json_object`, or `json_schema` with a schema.
        pub response_format: Box<RawValue> = "response_format",
        /// `none`, `minimal`, `low`, `medium`, `high`, `xhigh`.
        pub reasoning_effort: String = "reasoning_effort",
        /// `low`, `medium`, `high`.
        pub verbosity: String = "verbosity",
        /// `text`, `audio`.
        pub modalities: Vec<String> = "modalities",
        /// Voice and format of audio output.
        pub audio: Box<RawValue> = "audio",
        /// A text that the output will mostly repeat.
        pub prediction: Box<RawValue> = "prediction",
        /// Options of the web search.
        pub web_search_options: Box<RawValue> = "web_search_options",
        /// Whether OpenAI stores the completion.
        pub store: bool = "store",
        /// Up to 16 pairs of strings.
        pub metadata: Box<RawValue> = "metadata",
        /// `auto`, `default`, `flex`, `priority`.
        pub service_tier: String = "service_tier",
        /// A stable and anonymous identifier of the end user.
        pub safety_identifier: String = "safety_identifier",
        /// Requests with the same key share a cache.
        pub prompt_cache_key: String = "prompt_cache_key",
        /// How long the prompt stays cached.
        pub prompt_cache_retention: String = "prompt_cache_retention",
        /// The older name for `safety_identifier` and `prompt_cache_key`.
        pub user: String = "user",
    }
}

wire_object! {
    /// Options of a stream.
    pub struct StreamOptions {
        /// Whether a last chunk has the token counts.
        pub include_usage: bool = "include_usage",
        /// Whether chunks are padded, so that their length tells nothing about the text.
        pub include_obfuscation: bool = "include_obfuscation",
    }
}

wire_object! {
    /// A message of any role, in requests and responses.
    pub struct Message {
        /// `developer`, `system`, `user`, `assistant` or `tool`.
        pub role: String = "role",
        /// A string, a list of content parts, or null.
        pub content: Box<RawValue> = "content",
        /// The name of the participant.
        pub name: String = "name",
        /// The model's refusal.
        pub refusal: String = "refusal",
        /// The assistant's tool calls.
        pub tool_calls: Vec<ToolCall> = "tool_calls",
        /// The id of the call whose result a tool's message is.
        pub tool_call_id: String = "tool_call_id",
        /// Legacy form of `tool_calls`.
        pub function_call: FunctionCall = "function_call",
        /// Audio output, or the id of one.
        pub audio: Box<RawValue> = "audio",
        /// Citations.
        pub annotations: Box<RawValue> = "annotations",
        /// Reasoning. Not OpenAI's field, but that of most servers.
        pub reasoning_content: String = "reasoning_content",
    }
}

impl Message {
    /// Creates a message of one text.
    pub fn new(role: &str, text: &str) -> Self {
        Self { role: Some(role.to_owned()), content: Some(raw(encode_string(text))), ..Self::default() }
    }

    /// Returns the content, if it is a string.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        self.content.as_deref().and_then(|c| decode_string(c.get()))
    }
}

wire_object! {
    /// A tool call; in a stream a delta of one.
    pub struct ToolCall {
        /// In a stream: which call the delta belongs to.
        pub index: u32 = "index",
        /// The call's id.
        pub id: String = "id",
        /// `function` or `custom`.
        pub kind: String = "type",
        /// The function and its arguments.
        pub function: FunctionCall = "function",
        /// The custom tool and its input.
        pub custom: Box<RawValue> = "custom",
    }
}

wire_object! {
    /// A function and its arguments.
    pub struct FunctionCall {
        /// The name.
        pub name: String = "name",
        /// The arguments as JSON text; in a stream a part of it.
        pub arguments: String = "arguments",
    }
}

wire_object! {
    /// An offered tool.
    pub struct Tool {
        /// `function` or `custom`.
        pub kind: String = "type",
        /// The function.
        pub function: Function = "function",
        /// The custom tool.
        pub custom: Box<RawValue> = "custom",
    }
}

wire_object! {
    /// An offered function.
    pub struct Function {
        /// The name: letters, digits, `_` and `-`, at most 64.
        pub name: String = "name",
        /// What the function does.
        pub description: String = "description",
        /// The JSON schema of its arguments.
        pub parameters: Box<RawValue> = "parameters",
        /// Whether the arguments must match the schema exactly.
        pub strict: bool = "strict",
    }
}

wire_object! {
    /// A non-streaming response: <https://platform.openai.com/docs/api-reference/chat/object>.
    pub struct ChatCompletion {
        /// Its id.
        pub id: String = "id",
        /// `chat.completion`.
        pub object: String = "object",
        /// When it was created, in seconds since 1970.
        pub created: u64 = "created",
        /// The model that generated it.
        pub model: String = "model",
        /// The alternatives.
        pub choices: Vec<Choice> = "choices",
        /// Token counts.
        pub usage: CompletionUsage = "usage",
        /// The service tier.
        pub service_tier: String = "service_tier",
        /// The backend's configuration.
        pub system_fingerprint: String = "system_fingerprint",
    }
}

wire_object! {
    /// One of the alternatives.
    pub struct Choice {
        /// Its number.
        pub index: u32 = "index",
        /// The model's message.
        pub message: Message = "message",
        /// `stop`, `length`, `tool_calls`, `content_filter` or `function_call`.
        pub finish_reason: String = "finish_reason",
        /// Log probabilities.
        pub logprobs: Box<RawValue> = "logprobs",
    }
}

wire_object! {
    /// One chunk of a stream: <https://platform.openai.com/docs/api-reference/chat-streaming>.
    pub struct ChatCompletionChunk {
        /// The id, the same in all chunks.
        pub id: String = "id",
        /// `chat.completion.chunk`.
        pub object: String = "object",
        /// When the response was created, in seconds since 1970, the same in all chunks.
        pub created: u64 = "created",
        /// The model that generates the response.
        pub model: String = "model",
        /// The increments of the choices; empty in the chunk with usage.
        pub choices: Vec<ChunkChoice> = "choices",
        /// Token counts, in the last chunk only.
        pub usage: CompletionUsage = "usage",
        /// The service tier.
        pub service_tier: String = "service_tier",
        /// The backend's configuration.
        pub system_fingerprint: String = "system_fingerprint",
    }
}

wire_object! {
    /// The increment of one choice.
    pub struct ChunkChoice {
        /// Its number.
        pub index: u32 = "index",
        /// The increment of the message.
        pub delta: Message = "delta",
        /// The finish reason, in the choice's last chunk.
        pub finish_reason: String = "finish_reason",
        /// Log probabilities of the increment.
        pub logprobs: Box<RawValue> = "logprobs",
    }
}

wire_object! {
    /// Token counts.
    pub struct CompletionUsage {
        /// Tokens of the prompt, cached ones included.
        pub prompt_tokens: u64 = "prompt_tokens",
        /// Tokens of the output, reasoning included.
        pub completion_tokens: u64 = "completion_tokens",
        /// The sum of both.
        pub total_tokens: u64 = "total_tokens",
        /// Details of the prompt: `cached_tokens`, `audio_tokens`.
        pub prompt_tokens_details: Box<RawValue> = "prompt_tokens_details",
        /// Details of the output: `reasoning_tokens`, `audio_tokens`, accepted and rejected predictions.
        pub completion_tokens_details: Box<RawValue> = "completion_tokens_details",
    }
}

wire_object! {
    /// An error response: <https://platform.openai.com/docs/guides/error-codes>.
    pub struct ErrorResponse {
        /// The error.
        pub error: ErrorObject = "error",
    }
}

wire_object! {
    /// An error.
    pub struct ErrorObject {
        /// One sentence.
        pub message: String = "message",
        /// `invalid_request_error`, `server_error`, …
        pub kind: String = "type",
        /// The field at fault.
        pub param: String = "param",
        /// A machine-readable code.
        pub code: String = "code",
    }
}
