//! OpenAI's own objects as types, for building and reading payloads by hand.
//!
//! Members without a field are kept raw in `extra`, so that reading and writing loses nothing: a field of a payload is
//! either typed here or there. The translation itself works on the raw members (see `mend`), because real servers do not
//! keep to these types.
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
        /// Whether to stream.
        pub stream: bool = "stream",
        /// Options of the stream.
        pub stream_options: StreamOptions = "stream_options",
        /// The longest answer in tokens, reasoning included.
        pub max_completion_tokens: u64 = "max_completion_tokens",
        /// The older name, which most servers know.
        pub max_tokens: u64 = "max_tokens",
        /// Sampling temperature, 0 to 2.
        pub temperature: f64 = "temperature",
        /// Nucleus sampling, 0 to 1.
        pub top_p: f64 = "top_p",
        /// How many answers.
        pub n: u32 = "n",
        /// Where to stop: a text, or up to four.
        pub stop: Box<RawValue> = "stop",
        /// Penalty for tokens by how often they occurred, -2 to 2.
        pub frequency_penalty: f64 = "frequency_penalty",
        /// Penalty for tokens that occurred, -2 to 2.
        pub presence_penalty: f64 = "presence_penalty",
        /// Biases by token id.
        pub logit_bias: Box<RawValue> = "logit_bias",
        /// Whether to return log probabilities.
        pub logprobs: bool = "logprobs",
        /// How many alternatives per token, 0 to 20.
        pub top_logprobs: u32 = "top_logprobs",
        /// A seed.
        pub seed: i64 = "seed",
        /// Tools on offer.
        pub tools: Vec<Tool> = "tools",
        /// `none`, `auto`, `required`, or one tool.
        pub tool_choice: Box<RawValue> = "tool_choice",
        /// Whether several tools may be called at once.
        pub parallel_tool_calls: bool = "parallel_tool_calls",
        /// Legacy: functions on offer.
        pub functions: Vec<Function> = "functions",
        /// Legacy: `none`, `auto`, or one function.
        pub function_call: Box<RawValue> = "function_call",
        /// Text, a JSON object, or JSON of a schema.
        pub response_format: Box<RawValue> = "response_format",
        /// `none`, `minimal`, `low`, `medium`, `high`, `xhigh`.
        pub reasoning_effort: String = "reasoning_effort",
        /// `low`, `medium`, `high`.
        pub verbosity: String = "verbosity",
        /// Text, audio.
        pub modalities: Vec<String> = "modalities",
        /// Voice and format of spoken answers.
        pub audio: Box<RawValue> = "audio",
        /// A text that the answer will mostly repeat.
        pub prediction: Box<RawValue> = "prediction",
        /// Options of the web search.
        pub web_search_options: Box<RawValue> = "web_search_options",
        /// Whether to keep the completion.
        pub store: bool = "store",
        /// Up to 16 pairs of texts.
        pub metadata: Box<RawValue> = "metadata",
        /// `auto`, `default`, `flex`, `priority`.
        pub service_tier: String = "service_tier",
        /// An end user, by a stable and anonymous name.
        pub safety_identifier: String = "safety_identifier",
        /// Requests with one key share a cache.
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
        /// Whether a last chunk carries usage.
        pub include_usage: bool = "include_usage",
        /// Whether chunks are padded against guessing by length.
        pub include_obfuscation: bool = "include_obfuscation",
    }
}

wire_object! {
    /// A message, of any role, in requests and answers.
    pub struct Message {
        /// `developer`, `system`, `user`, `assistant` or `tool`.
        pub role: String = "role",
        /// A text, a list of parts, or null.
        pub content: Box<RawValue> = "content",
        /// The speaker's name.
        pub name: String = "name",
        /// Words of refusal.
        pub refusal: String = "refusal",
        /// The tools that the assistant calls.
        pub tool_calls: Vec<ToolCall> = "tool_calls",
        /// The call that a tool's message answers.
        pub tool_call_id: String = "tool_call_id",
        /// Legacy: the function that the assistant calls.
        pub function_call: FunctionCall = "function_call",
        /// A spoken answer, or the id of one.
        pub audio: Box<RawValue> = "audio",
        /// Citations.
        pub annotations: Box<RawValue> = "annotations",
        /// Reasoning; not OpenAI's, but what most servers call it.
        pub reasoning_content: String = "reasoning_content",
    }
}

impl Message {
    /// A message of one text.
    pub fn new(role: &str, text: &str) -> Self {
        Self { role: Some(role.to_owned()), content: Some(raw(encode_string(text))), ..Self::default() }
    }

    /// The content, if it is one text.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        self.content.as_deref().and_then(|c| decode_string(c.get()))
    }
}

wire_object! {
    /// A call of a tool; in a stream a fragment of one.
    pub struct ToolCall {
        /// Which call a fragment belongs to.
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
        /// The arguments as JSON text; in a stream a piece of it.
        pub arguments: String = "arguments",
    }
}

wire_object! {
    /// A tool on offer.
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
    /// A function on offer.
    pub struct Function {
        /// The name: letters, digits, `_` and `-`, at most 64.
        pub name: String = "name",
        /// What it does.
        pub description: String = "description",
        /// The JSON schema of its arguments.
        pub parameters: Box<RawValue> = "parameters",
        /// Whether arguments must follow the schema exactly.
        pub strict: bool = "strict",
    }
}

wire_object! {
    /// A whole answer: <https://platform.openai.com/docs/api-reference/chat/object>.
    pub struct ChatCompletion {
        /// Its id.
        pub id: String = "id",
        /// `chat.completion`.
        pub object: String = "object",
        /// When it was made, in seconds since 1970.
        pub created: u64 = "created",
        /// The model that answered.
        pub model: String = "model",
        /// The answers.
        pub choices: Vec<Choice> = "choices",
        /// Token counts.
        pub usage: CompletionUsage = "usage",
        /// The tier that served it.
        pub service_tier: String = "service_tier",
        /// The configuration that served it.
        pub system_fingerprint: String = "system_fingerprint",
    }
}

wire_object! {
    /// One of the answers.
    pub struct Choice {
        /// Which one.
        pub index: u32 = "index",
        /// What it says.
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
        /// The same id in all chunks.
        pub id: String = "id",
        /// `chat.completion.chunk`.
        pub object: String = "object",
        /// The same time in all chunks, in seconds since 1970.
        pub created: u64 = "created",
        /// The model that answers.
        pub model: String = "model",
        /// What is new of each answer; empty in the chunk with usage.
        pub choices: Vec<ChunkChoice> = "choices",
        /// Token counts, in the last chunk only.
        pub usage: CompletionUsage = "usage",
        /// The tier that serves it.
        pub service_tier: String = "service_tier",
        /// The configuration that serves it.
        pub system_fingerprint: String = "system_fingerprint",
    }
}

wire_object! {
    /// What is new of one answer.
    pub struct ChunkChoice {
        /// Which one.
        pub index: u32 = "index",
        /// What is new.
        pub delta: Message = "delta",
        /// Why it ended, in its last chunk.
        pub finish_reason: String = "finish_reason",
        /// Log probabilities of what is new.
        pub logprobs: Box<RawValue> = "logprobs",
    }
}

wire_object! {
    /// Token counts.
    pub struct CompletionUsage {
        /// Tokens of the prompt, cached ones included.
        pub prompt_tokens: u64 = "prompt_tokens",
        /// Tokens of the answer, reasoning included.
        pub completion_tokens: u64 = "completion_tokens",
        /// Both together.
        pub total_tokens: u64 = "total_tokens",
        /// Of the prompt: `cached_tokens`, `audio_tokens`.
        pub prompt_tokens_details: Box<RawValue> = "prompt_tokens_details",
        /// Of the answer: `reasoning_tokens`, `audio_tokens`, accepted and rejected predictions.
        pub completion_tokens_details: Box<RawValue> = "completion_tokens_details",
    }
}

wire_object! {
    /// An error answer: <https://platform.openai.com/docs/guides/error-codes>.
    pub struct ErrorResponse {
        /// The error.
        pub error: ErrorObject = "error",
    }
}

wire_object! {
    /// What went wrong.
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
