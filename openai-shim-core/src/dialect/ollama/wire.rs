//! Ollama's JSON objects as Rust types, for building and reading payloads by hand.
//!
//! JSON fields without a Rust field are held raw in `extra`, so that reading and writing a payload loses nothing. The
//! translation itself works on raw JSON, because real servers deviate from these types.
//!
//! ```
//! use openai_shim_core::dialect::ollama::wire::{ChatRequest, ChatResponse, Message};
//!
//! let mut request = ChatRequest::default();
//! request.model = Some("qwen3".into());
//! request.messages = Some(vec![Message::new("user", "hello")]);
//! request.stream = Some(false);
//! let body = serde_json::to_vec(&request)?;
//! assert_eq!(body, br#"{"model":"qwen3","messages":[{"role":"user","content":"hello"}],"stream":false}"#);
//!
//! let line: ChatResponse = serde_json::from_str(r#"{"message":{"role":"assistant","content":"hi"},"done":false}"#)?;
//! assert_eq!(line.message.and_then(|m| m.content).as_deref(), Some("hi"));
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::wire_object;
use serde_json::value::RawValue;

wire_object! {
    /// A request of `/api/chat`: <https://docs.ollama.com/api/chat>.
    pub struct ChatRequest {
        /// The model's name, with its tag.
        pub model: String = "model",
        /// The conversation; without messages the model is only loaded.
        pub messages: Vec<Message> = "messages",
        /// The tools that the model may call.
        pub tools: Vec<Tool> = "tools",
        /// Whether to stream; absent means yes.
        pub stream: bool = "stream",
        /// `json`, or a JSON schema.
        pub format: Box<RawValue> = "format",
        /// Whether the model reasons first, or how much: `low`, `medium`, `high`.
        pub think: Box<RawValue> = "think",
        /// Parameters of the model.
        pub options: Options = "options",
        /// How long the model stays loaded: seconds, or a string such as `5m`.
        pub keep_alive: Box<RawValue> = "keep_alive",
        /// Whether to return log probabilities.
        pub logprobs: bool = "logprobs",
        /// How many alternatives per token have log probabilities.
        pub top_logprobs: u32 = "top_logprobs",
    }
}

wire_object! {
    /// A request of `/api/generate`: <https://docs.ollama.com/api/generate>.
    pub struct GenerateRequest {
        /// The model's name, with its tag.
        pub model: String = "model",
        /// The prompt; without one the model is only loaded.
        pub prompt: String = "prompt",
        /// The text after the output, for models that fill in the middle.
        pub suffix: String = "suffix",
        /// The system prompt.
        pub system: String = "system",
        /// The prompt template.
        pub template: String = "template",
        /// The `context` of an earlier response.
        pub context: Vec<i64> = "context",
        /// Whether to stream; absent means yes.
        pub stream: bool = "stream",
        /// Whether the prompt is used without a template.
        pub raw: bool = "raw",
        /// `json`, or a JSON schema.
        pub format: Box<RawValue> = "format",
        /// Images in base64.
        pub images: Vec<String> = "images",
        /// Whether the model reasons first, or how much: `low`, `medium`, `high`.
        pub think: Box<RawValue> = "think",
        /// Parameters of the model.
        pub options: Options = "options",
        /// How long the model stays loaded.
        pub keep_alive: Box<RawValue> = "keep_alive",
    }
}

wire_object! {
    /// Parameters of the model: <https://docs.ollama.com/modelfile#valid-parameters-and-values>.
    pub struct Options {
        /// The most tokens of the response; below zero: no limit.
        pub num_predict: i64 = "num_predict",
        /// The size of the context window in tokens.
        pub num_ctx: u64 = "num_ctx",
        /// Sampling temperature.
        pub temperature: f64 = "temperature",
        /// Nucleus sampling.
        pub top_p: f64 = "top_p",
        /// Samples from the k most likely tokens only.
        pub top_k: i64 = "top_k",
        /// The least probability of a token, as a fraction of that of the most likely one.
        pub min_p: f64 = "min_p",
        /// The random seed.
        pub seed: i64 = "seed",
        /// The stop sequences: a string, or a list of strings.
        pub stop: Box<RawValue> = "stop",
        /// A factor that penalizes tokens that occurred.
        pub repeat_penalty: f64 = "repeat_penalty",
        /// Penalty for tokens that occurred.
        pub presence_penalty: f64 = "presence_penalty",
        /// Penalty for tokens by how often they occurred.
        pub frequency_penalty: f64 = "frequency_penalty",
    }
}

wire_object! {
    /// A message of a request or response.
    pub struct Message {
        /// `system`, `user`, `assistant` or `tool`.
        pub role: String = "role",
        /// The text.
        pub content: String = "content",
        /// The reasoning before the text.
        pub thinking: String = "thinking",
        /// Images in base64.
        pub images: Vec<String> = "images",
        /// The tool calls of the assistant.
        pub tool_calls: Vec<ToolCall> = "tool_calls",
        /// The name of the tool whose result this is.
        pub tool_name: String = "tool_name",
        /// The id of the call whose result this is.
        pub tool_call_id: String = "tool_call_id",
    }
}

impl Message {
    /// Creates a message with one text.
    pub fn new(role: &str, text: &str) -> Self {
        Self { role: Some(role.to_owned()), content: Some(text.to_owned()), ..Self::default() }
    }
}

wire_object! {
    /// A tool call.
    pub struct ToolCall {
        /// The id, which only newer versions have.
        pub id: String = "id",
        /// The function and its arguments.
        pub function: FunctionCall = "function",
    }
}

wire_object! {
    /// A function and its arguments.
    pub struct FunctionCall {
        /// The index of the call in the response.
        pub index: u32 = "index",
        /// The name.
        pub name: String = "name",
        /// The arguments, a JSON object.
        pub arguments: Box<RawValue> = "arguments",
    }
}

wire_object! {
    /// A tool that the model may call.
    pub struct Tool {
        /// `function`.
        pub kind: String = "type",
        /// The function.
        pub function: Function = "function",
    }
}

wire_object! {
    /// A function that the model may call.
    pub struct Function {
        /// The name.
        pub name: String = "name",
        /// What the function does.
        pub description: String = "description",
        /// The JSON schema of the arguments.
        pub parameters: Box<RawValue> = "parameters",
    }
}

wire_object! {
    /// A response of `/api/chat`, or one line of its stream.
    pub struct ChatResponse {
        /// The model that responded.
        pub model: String = "model",
        /// When the line was written, in RFC 3339.
        pub created_at: String = "created_at",
        /// The message; in a stream its increment.
        pub message: Message = "message",
        /// Whether this is the last line.
        pub done: bool = "done",
        /// Why the output ended: `stop`, `length`, `load` or `unload`; in the last line.
        pub done_reason: String = "done_reason",
        /// Nanoseconds of the whole request.
        pub total_duration: u64 = "total_duration",
        /// Nanoseconds of loading the model.
        pub load_duration: u64 = "load_duration",
        /// Tokens of the prompt; absent if the prompt was in the cache.
        pub prompt_eval_count: u64 = "prompt_eval_count",
        /// Nanoseconds of evaluating the prompt.
        pub prompt_eval_duration: u64 = "prompt_eval_duration",
        /// Tokens of the response, thinking included.
        pub eval_count: u64 = "eval_count",
        /// Nanoseconds of generating the response.
        pub eval_duration: u64 = "eval_duration",
    }
}

wire_object! {
    /// A response of `/api/generate`, or one line of its stream.
    pub struct GenerateResponse {
        /// The model that responded.
        pub model: String = "model",
        /// When the line was written, in RFC 3339.
        pub created_at: String = "created_at",
        /// The text; in a stream its increment.
        pub response: String = "response",
        /// The reasoning before the text.
        pub thinking: String = "thinking",
        /// Whether this is the last line.
        pub done: bool = "done",
        /// Why the output ended: `stop`, `length`, `load` or `unload`; in the last line.
        pub done_reason: String = "done_reason",
        /// Tokens of the conversation, which a later request continues.
        pub context: Vec<i64> = "context",
        /// Nanoseconds of the whole request.
        pub total_duration: u64 = "total_duration",
        /// Nanoseconds of loading the model.
        pub load_duration: u64 = "load_duration",
        /// Tokens of the prompt; absent if the prompt was in the cache.
        pub prompt_eval_count: u64 = "prompt_eval_count",
        /// Nanoseconds of evaluating the prompt.
        pub prompt_eval_duration: u64 = "prompt_eval_duration",
        /// Tokens of the response, thinking included.
        pub eval_count: u64 = "eval_count",
        /// Nanoseconds of generating the response.
        pub eval_duration: u64 = "eval_duration",
    }
}

wire_object! {
    /// An error: <https://docs.ollama.com/api/errors>.
    pub struct ErrorResponse {
        /// A description of the error.
        pub error: String = "error",
    }
}
