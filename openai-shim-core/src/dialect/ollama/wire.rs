//! Ollama's own objects as types, for building and reading payloads by hand.
//!
//! Members without a field are kept raw in `extra`, so that reading and writing loses nothing. The translation itself
//! works on the raw members, because real servers do not keep to these types.
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
        /// The conversation; none only loads the model.
        pub messages: Vec<Message> = "messages",
        /// Tools on offer.
        pub tools: Vec<Tool> = "tools",
        /// Whether to stream; absent means yes.
        pub stream: bool = "stream",
        /// `json`, or a JSON schema.
        pub format: Box<RawValue> = "format",
        /// Whether to think, or `low`, `medium`, `high`.
        pub think: Box<RawValue> = "think",
        /// How the model is run.
        pub options: Options = "options",
        /// How long the model stays loaded: seconds, or a text such as `5m`.
        pub keep_alive: Box<RawValue> = "keep_alive",
        /// Whether to return log probabilities.
        pub logprobs: bool = "logprobs",
        /// How many alternatives per token.
        pub top_logprobs: u32 = "top_logprobs",
    }
}

wire_object! {
    /// A request of `/api/generate`: <https://docs.ollama.com/api/generate>.
    pub struct GenerateRequest {
        /// The model's name, with its tag.
        pub model: String = "model",
        /// The question; none only loads the model.
        pub prompt: String = "prompt",
        /// What comes after the answer, for models that fill in.
        pub suffix: String = "suffix",
        /// Instructions.
        pub system: String = "system",
        /// The prompt's template.
        pub template: String = "template",
        /// Tokens of an earlier answer.
        pub context: Vec<i64> = "context",
        /// Whether to stream; absent means yes.
        pub stream: bool = "stream",
        /// Whether the prompt is sent without a template.
        pub raw: bool = "raw",
        /// `json`, or a JSON schema.
        pub format: Box<RawValue> = "format",
        /// Pictures in base64.
        pub images: Vec<String> = "images",
        /// Whether to think, or `low`, `medium`, `high`.
        pub think: Box<RawValue> = "think",
        /// How the model is run.
        pub options: Options = "options",
        /// How long the model stays loaded.
        pub keep_alive: Box<RawValue> = "keep_alive",
    }
}

wire_object! {
    /// How the model is run: <https://docs.ollama.com/modelfile#valid-parameters-and-values>.
    pub struct Options {
        /// The longest answer in tokens; below zero: no limit.
        pub num_predict: i64 = "num_predict",
        /// The context's size in tokens.
        pub num_ctx: u64 = "num_ctx",
        /// Sampling temperature.
        pub temperature: f64 = "temperature",
        /// Nucleus sampling.
        pub top_p: f64 = "top_p",
        /// Sampling from the k likeliest.
        pub top_k: i64 = "top_k",
        /// The least share of the likeliest token's likelihood.
        pub min_p: f64 = "min_p",
        /// A seed.
        pub seed: i64 = "seed",
        /// Where to stop: a text, or a list of them.
        pub stop: Box<RawValue> = "stop",
        /// Factor against tokens that occurred.
        pub repeat_penalty: f64 = "repeat_penalty",
        /// Penalty for tokens that occurred.
        pub presence_penalty: f64 = "presence_penalty",
        /// Penalty for tokens by how often they occurred.
        pub frequency_penalty: f64 = "frequency_penalty",
    }
}

wire_object! {
    /// A message, in requests and answers.
    pub struct Message {
        /// `system`, `user`, `assistant` or `tool`.
        pub role: String = "role",
        /// The text.
        pub content: String = "content",
        /// The thinking before it.
        pub thinking: String = "thinking",
        /// Pictures in base64.
        pub images: Vec<String> = "images",
        /// The tools that the assistant calls.
        pub tool_calls: Vec<ToolCall> = "tool_calls",
        /// The tool whose result this is.
        pub tool_name: String = "tool_name",
        /// The call whose result this is.
        pub tool_call_id: String = "tool_call_id",
    }
}

impl Message {
    /// A message of one text.
    pub fn new(role: &str, text: &str) -> Self {
        Self { role: Some(role.to_owned()), content: Some(text.to_owned()), ..Self::default() }
    }
}

wire_object! {
    /// A call of a tool.
    pub struct ToolCall {
        /// Its id, in newer versions.
        pub id: String = "id",
        /// The function and its arguments.
        pub function: FunctionCall = "function",
    }
}

wire_object! {
    /// A function and its arguments.
    pub struct FunctionCall {
        /// Which call of the answer this is.
        pub index: u32 = "index",
        /// The name.
        pub name: String = "name",
        /// The arguments, an object.
        pub arguments: Box<RawValue> = "arguments",
    }
}

wire_object! {
    /// A tool on offer.
    pub struct Tool {
        /// `function`.
        pub kind: String = "type",
        /// The function.
        pub function: Function = "function",
    }
}

wire_object! {
    /// A function on offer.
    pub struct Function {
        /// The name.
        pub name: String = "name",
        /// What it does.
        pub description: String = "description",
        /// The JSON schema of its arguments.
        pub parameters: Box<RawValue> = "parameters",
    }
}

wire_object! {
    /// An answer of `/api/chat`, or one line of its stream.
    pub struct ChatResponse {
        /// The model that answered.
        pub model: String = "model",
        /// When, as RFC 3339.
        pub created_at: String = "created_at",
        /// What it says; in a stream what is new.
        pub message: Message = "message",
        /// Whether this is all.
        pub done: bool = "done",
        /// `stop`, `length`, `load` or `unload`; in the last line.
        pub done_reason: String = "done_reason",
        /// Nanoseconds of all of it.
        pub total_duration: u64 = "total_duration",
        /// Nanoseconds of loading the model.
        pub load_duration: u64 = "load_duration",
        /// Tokens of the prompt; absent if it was in the cache.
        pub prompt_eval_count: u64 = "prompt_eval_count",
        /// Nanoseconds of reading the prompt.
        pub prompt_eval_duration: u64 = "prompt_eval_duration",
        /// Tokens of the answer, thinking included.
        pub eval_count: u64 = "eval_count",
        /// Nanoseconds of writing the answer.
        pub eval_duration: u64 = "eval_duration",
    }
}

wire_object! {
    /// An answer of `/api/generate`, or one line of its stream.
    pub struct GenerateResponse {
        /// The model that answered.
        pub model: String = "model",
        /// When, as RFC 3339.
        pub created_at: String = "created_at",
        /// The text; in a stream what is new.
        pub response: String = "response",
        /// The thinking before it.
        pub thinking: String = "thinking",
        /// Whether this is all.
        pub done: bool = "done",
        /// `stop`, `length`, `load` or `unload`; in the last line.
        pub done_reason: String = "done_reason",
        /// Tokens of question and answer, to go on from.
        pub context: Vec<i64> = "context",
        /// Nanoseconds of all of it.
        pub total_duration: u64 = "total_duration",
        /// Nanoseconds of loading the model.
        pub load_duration: u64 = "load_duration",
        /// Tokens of the prompt; absent if it was in the cache.
        pub prompt_eval_count: u64 = "prompt_eval_count",
        /// Nanoseconds of reading the prompt.
        pub prompt_eval_duration: u64 = "prompt_eval_duration",
        /// Tokens of the answer, thinking included.
        pub eval_count: u64 = "eval_count",
        /// Nanoseconds of writing the answer.
        pub eval_duration: u64 = "eval_duration",
    }
}

wire_object! {
    /// An error: <https://docs.ollama.com/api/errors>.
    pub struct ErrorResponse {
        /// One sentence.
        pub error: String = "error",
    }
}
