//! Anthropic's JSON objects as Rust types, for building and reading payloads by hand.
//!
//! JSON fields without a Rust field are held raw in `extra`, so that reading and writing a payload loses nothing.
//!
//! ```
//! use openai_shim_core::dialect::anthropic::wire::{Message, MessageParam, MessagesRequest};
//!
//! let mut request = MessagesRequest::default();
//! request.model = Some("claude-sonnet-4-5".into());
//! request.max_tokens = Some(100);
//! request.messages = Some(vec![MessageParam::new("user", "hello")]);
//! let body = serde_json::to_string(&request)?;
//! assert!(body.contains(r#""messages":[{"role":"user","content":"hello"}]"#));
//!
//! let message: Message = serde_json::from_str(r#"{"id":"msg_1","content":[{"type":"text","text":"hi"}],"n":1e2}"#)?;
//! assert_eq!(message.content.unwrap()[0].text.as_deref(), Some("hi"));
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::json::{encode_string, raw};
use crate::wire_object;
use serde_json::value::RawValue;

wire_object! {
    /// A request of the Messages API: <https://docs.anthropic.com/en/api/messages>.
    pub struct MessagesRequest {
        /// The id of the model.
        pub model: String = "model",
        /// The most tokens of the response.
        pub max_tokens: u64 = "max_tokens",
        /// The system prompt: a string, or a list of text blocks.
        pub system: Box<RawValue> = "system",
        /// The conversation.
        pub messages: Vec<MessageParam> = "messages",
        /// Whether to stream.
        pub stream: bool = "stream",
        /// Sampling temperature, 0 to 1.
        pub temperature: f64 = "temperature",
        /// Nucleus sampling.
        pub top_p: f64 = "top_p",
        /// Samples from the k most likely tokens only.
        pub top_k: u64 = "top_k",
        /// Texts that end the output.
        pub stop_sequences: Vec<String> = "stop_sequences",
        /// The tools that the model may call.
        pub tools: Vec<Tool> = "tools",
        /// Which tool the model may or must call.
        pub tool_choice: ToolChoice = "tool_choice",
        /// Whether and how the model reasons first.
        pub thinking: Thinking = "thinking",
        /// The effort, and the format of the output.
        pub output_config: OutputConfig = "output_config",
        /// The end user.
        pub metadata: Metadata = "metadata",
        /// `auto` or `standard_only`.
        pub service_tier: String = "service_tier",
        /// The container in which code runs.
        pub container: Box<RawValue> = "container",
    }
}

wire_object! {
    /// A message of a request.
    pub struct MessageParam {
        /// `user`, `assistant`, or `system` in the middle of a conversation.
        pub role: String = "role",
        /// A string, or a list of content blocks.
        pub content: Box<RawValue> = "content",
    }
}

impl MessageParam {
    /// Creates a message with one text.
    pub fn new(role: impl Into<String>, text: &str) -> Self {
        Self { role: Some(role.into()), content: Some(raw(encode_string(text))), extra: Vec::new() }
    }
}

wire_object! {
    /// A tool of the client, or one of the API's own, which its `type` names.
    pub struct Tool {
        /// Absent or `custom` for a tool of the client.
        pub kind: String = "type",
        /// The name.
        pub name: String = "name",
        /// What the tool does.
        pub description: String = "description",
        /// The JSON schema of the input.
        pub input_schema: Box<RawValue> = "input_schema",
        /// Whether the input must follow the schema exactly.
        pub strict: bool = "strict",
        /// A cache breakpoint.
        pub cache_control: Box<RawValue> = "cache_control",
    }
}

wire_object! {
    /// Which tool the model may or must call.
    pub struct ToolChoice {
        /// `auto`, `any`, `tool` or `none`.
        pub kind: String = "type",
        /// The tool's name, for `tool`.
        pub name: String = "name",
        /// Whether the model calls at most one tool.
        pub disable_parallel_tool_use: bool = "disable_parallel_tool_use",
    }
}

wire_object! {
    /// Whether and how the model reasons first.
    pub struct Thinking {
        /// `enabled`, `adaptive` or `disabled`.
        pub kind: String = "type",
        /// The most tokens of reasoning, for `enabled`.
        pub budget_tokens: u64 = "budget_tokens",
        /// `summarized` or `omitted`.
        pub display: String = "display",
    }
}

wire_object! {
    /// The effort, and the format of the output.
    pub struct OutputConfig {
        /// `low`, `medium`, `high`, `xhigh`, `max`.
        pub effort: String = "effort",
        /// `{"type": "json_schema", "schema": …}`.
        pub format: Box<RawValue> = "format",
    }
}

wire_object! {
    /// The end user.
    pub struct Metadata {
        /// The end user's id.
        pub user_id: String = "user_id",
    }
}

wire_object! {
    /// A non-streaming response.
    pub struct Message {
        /// The id.
        pub id: String = "id",
        /// Always `message`.
        pub kind: String = "type",
        /// Always `assistant`.
        pub role: String = "role",
        /// The model that responded.
        pub model: String = "model",
        /// The content.
        pub content: Vec<Block> = "content",
        /// `end_turn`, `max_tokens`, `stop_sequence`, `tool_use`, `pause_turn`, `refusal`,
        /// `model_context_window_exceeded`.
        pub stop_reason: String = "stop_reason",
        /// The stop sequence that ended the output.
        pub stop_sequence: String = "stop_sequence",
        /// Token counts.
        pub usage: Usage = "usage",
    }
}

wire_object! {
    /// A content block; its type determines which fields it has.
    pub struct Block {
        /// `text`, `thinking`, `redacted_thinking`, `tool_use`, `server_tool_use`, …
        pub kind: String = "type",
        /// The text of a `text` block.
        pub text: String = "text",
        /// The sources of a `text` block.
        pub citations: Vec<Box<RawValue>> = "citations",
        /// The text of a `thinking` block.
        pub thinking: String = "thinking",
        /// The signature of a `thinking` block, which the next request must send back.
        pub signature: String = "signature",
        /// The encrypted text of a `redacted_thinking` block, which the next request must send back.
        pub data: String = "data",
        /// The id of a `tool_use` block.
        pub id: String = "id",
        /// The tool's name.
        pub name: String = "name",
        /// The tool's input, a JSON object.
        pub input: Box<RawValue> = "input",
    }
}

wire_object! {
    /// Token counts; `input_tokens` excludes tokens that a cache read or wrote.
    pub struct Usage {
        /// Tokens of the prompt that were neither read from the cache nor written to it.
        pub input_tokens: u64 = "input_tokens",
        /// Tokens of the response, thinking included.
        pub output_tokens: u64 = "output_tokens",
        /// Tokens written to the cache.
        pub cache_creation_input_tokens: u64 = "cache_creation_input_tokens",
        /// Tokens read from the cache.
        pub cache_read_input_tokens: u64 = "cache_read_input_tokens",
        /// `standard`, `priority`, `batch`.
        pub service_tier: String = "service_tier",
    }
}

wire_object! {
    /// An event of a stream: <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.
    pub struct StreamEvent {
        /// `message_start`, `content_block_start`, `content_block_delta`, `content_block_stop`, `message_delta`,
        /// `message_stop`, `ping`, `error`.
        pub kind: String = "type",
        /// The message, in `message_start`.
        pub message: Message = "message",
        /// The index of the block.
        pub index: u32 = "index",
        /// The block, in `content_block_start`.
        pub content_block: Block = "content_block",
        /// An increment of a block, or the end of the message.
        pub delta: Delta = "delta",
        /// Token counts so far.
        pub usage: Usage = "usage",
        /// The error, in `error`.
        pub error: Error = "error",
    }
}

wire_object! {
    /// An increment of a block, or the end of the message.
    pub struct Delta {
        /// `text_delta`, `input_json_delta`, `thinking_delta`, `signature_delta`, `citations_delta`.
        pub kind: String = "type",
        /// An increment of a text.
        pub text: String = "text",
        /// An increment of a tool's input, which is JSON in the end.
        pub partial_json: String = "partial_json",
        /// An increment of thinking.
        pub thinking: String = "thinking",
        /// The signature.
        pub signature: String = "signature",
        /// A source of the text.
        pub citation: Box<RawValue> = "citation",
        /// Why the output ended.
        pub stop_reason: String = "stop_reason",
        /// The stop sequence that ended the output.
        pub stop_sequence: String = "stop_sequence",
    }
}

wire_object! {
    /// An error response: <https://docs.anthropic.com/en/api/errors>.
    pub struct ErrorResponse {
        /// Always `error`.
        pub kind: String = "type",
        /// The error.
        pub error: Error = "error",
        /// The request's id.
        pub request_id: String = "request_id",
    }
}

wire_object! {
    /// An error.
    pub struct Error {
        /// `invalid_request_error`, `authentication_error`, `rate_limit_error`, `overloaded_error`, …
        pub kind: String = "type",
        /// A description of the error.
        pub message: String = "message",
    }
}
