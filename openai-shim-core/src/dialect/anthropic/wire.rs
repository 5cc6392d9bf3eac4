//! Anthropic's own objects as types, for building and reading payloads by hand.
//!
//! Members without a field are kept raw in `extra`, so that reading and writing loses nothing.
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
//! let answer: Message = serde_json::from_str(r#"{"id":"msg_1","content":[{"type":"text","text":"hi"}],"n":1e2}"#)?;
//! assert_eq!(answer.content.unwrap()[0].text.as_deref(), Some("hi"));
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::json::{encode_string, raw};
use crate::wire_object;
use serde_json::value::RawValue;

wire_object! {
    /// A request: <https://docs.anthropic.com/en/api/messages>.
    pub struct MessagesRequest {
        /// The model's id.
        pub model: String = "model",
        /// The longest answer in tokens.
        pub max_tokens: u64 = "max_tokens",
        /// Instructions: a text, or a list of text blocks.
        pub system: Box<RawValue> = "system",
        /// The conversation.
        pub messages: Vec<MessageParam> = "messages",
        /// Whether to stream.
        pub stream: bool = "stream",
        /// Sampling temperature, 0 to 1.
        pub temperature: f64 = "temperature",
        /// Nucleus sampling.
        pub top_p: f64 = "top_p",
        /// Sampling from the k likeliest.
        pub top_k: u64 = "top_k",
        /// Where to stop.
        pub stop_sequences: Vec<String> = "stop_sequences",
        /// Tools on offer.
        pub tools: Vec<Tool> = "tools",
        /// Which tool must be called.
        pub tool_choice: ToolChoice = "tool_choice",
        /// Whether and how to think.
        pub thinking: Thinking = "thinking",
        /// Effort, and the form of the answer.
        pub output_config: OutputConfig = "output_config",
        /// Who asks.
        pub metadata: Metadata = "metadata",
        /// `auto` or `standard_only`.
        pub service_tier: String = "service_tier",
        /// A container to run code in.
        pub container: Box<RawValue> = "container",
    }
}

wire_object! {
    /// A message of a request.
    pub struct MessageParam {
        /// `user`, `assistant`, or `system` in the middle of a conversation.
        pub role: String = "role",
        /// A text, or a list of blocks.
        pub content: Box<RawValue> = "content",
    }
}

impl MessageParam {
    /// A message of one text.
    pub fn new(role: impl Into<String>, text: &str) -> Self {
        Self { role: Some(role.into()), content: Some(raw(encode_string(text))), extra: Vec::new() }
    }
}

wire_object! {
    /// A tool of the client's own, or, by its `type`, one that the API knows.
    pub struct Tool {
        /// Absent or `custom` for tools of the client's own.
        pub kind: String = "type",
        /// Its name.
        pub name: String = "name",
        /// What it does.
        pub description: String = "description",
        /// The JSON schema of its input.
        pub input_schema: Box<RawValue> = "input_schema",
        /// Whether the input must follow the schema exactly.
        pub strict: bool = "strict",
        /// A cache breakpoint.
        pub cache_control: Box<RawValue> = "cache_control",
    }
}

wire_object! {
    /// Which tool must be called.
    pub struct ToolChoice {
        /// `auto`, `any`, `tool` or `none`.
        pub kind: String = "type",
        /// The tool's name, for `tool`.
        pub name: String = "name",
        /// At most one call.
        pub disable_parallel_tool_use: bool = "disable_parallel_tool_use",
    }
}

wire_object! {
    /// Whether and how to think.
    pub struct Thinking {
        /// `enabled`, `adaptive` or `disabled`.
        pub kind: String = "type",
        /// How many tokens, for `enabled`.
        pub budget_tokens: u64 = "budget_tokens",
        /// `summarized` or `omitted`.
        pub display: String = "display",
    }
}

wire_object! {
    /// Effort, and the form of the answer.
    pub struct OutputConfig {
        /// `low`, `medium`, `high`, `xhigh`, `max`.
        pub effort: String = "effort",
        /// `{"type": "json_schema", "schema": …}`.
        pub format: Box<RawValue> = "format",
    }
}

wire_object! {
    /// Who asks.
    pub struct Metadata {
        /// An end user's identifier.
        pub user_id: String = "user_id",
    }
}

wire_object! {
    /// A whole answer.
    pub struct Message {
        /// Its id.
        pub id: String = "id",
        /// Always `message`.
        pub kind: String = "type",
        /// Always `assistant`.
        pub role: String = "role",
        /// The model that answered.
        pub model: String = "model",
        /// What it says.
        pub content: Vec<Block> = "content",
        /// `end_turn`, `max_tokens`, `stop_sequence`, `tool_use`, `pause_turn`, `refusal`,
        /// `model_context_window_exceeded`.
        pub stop_reason: String = "stop_reason",
        /// The stop sequence that came.
        pub stop_sequence: String = "stop_sequence",
        /// Token counts.
        pub usage: Usage = "usage",
    }
}

wire_object! {
    /// A content block; which members there are depends on its type.
    pub struct Block {
        /// `text`, `thinking`, `redacted_thinking`, `tool_use`, `server_tool_use`, …
        pub kind: String = "type",
        /// The words of `text`.
        pub text: String = "text",
        /// The sources of `text`.
        pub citations: Vec<Box<RawValue>> = "citations",
        /// The words of `thinking`.
        pub thinking: String = "thinking",
        /// What must come back with `thinking`.
        pub signature: String = "signature",
        /// What must come back of `redacted_thinking`.
        pub data: String = "data",
        /// The id of `tool_use`.
        pub id: String = "id",
        /// The tool's name.
        pub name: String = "name",
        /// The tool's input, an object.
        pub input: Box<RawValue> = "input",
    }
}

wire_object! {
    /// Token counts; `input_tokens` leaves out what a cache read or wrote.
    pub struct Usage {
        /// Tokens of the prompt that no cache knew.
        pub input_tokens: u64 = "input_tokens",
        /// Tokens of the answer, thinking included.
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
        /// The message that begins.
        pub message: Message = "message",
        /// Which block.
        pub index: u32 = "index",
        /// The block that begins.
        pub content_block: Block = "content_block",
        /// How a block goes on, or how the message ends.
        pub delta: Delta = "delta",
        /// Token counts so far.
        pub usage: Usage = "usage",
        /// What went wrong.
        pub error: Error = "error",
    }
}

wire_object! {
    /// How a block goes on, or how a message ends.
    pub struct Delta {
        /// `text_delta`, `input_json_delta`, `thinking_delta`, `signature_delta`, `citations_delta`.
        pub kind: String = "type",
        /// More text.
        pub text: String = "text",
        /// More of a tool's input.
        pub partial_json: String = "partial_json",
        /// More thinking.
        pub thinking: String = "thinking",
        /// The signature.
        pub signature: String = "signature",
        /// A source.
        pub citation: Box<RawValue> = "citation",
        /// Why the message ends.
        pub stop_reason: String = "stop_reason",
        /// The stop sequence that came.
        pub stop_sequence: String = "stop_sequence",
    }
}

wire_object! {
    /// An error answer: <https://docs.anthropic.com/en/api/errors>.
    pub struct ErrorResponse {
        /// Always `error`.
        pub kind: String = "type",
        /// What went wrong.
        pub error: Error = "error",
        /// The request's id.
        pub request_id: String = "request_id",
    }
}

wire_object! {
    /// What went wrong.
    pub struct Error {
        /// `invalid_request_error`, `authentication_error`, `rate_limit_error`, `overloaded_error`, …
        pub kind: String = "type",
        /// One sentence.
        pub message: String = "message",
    }
}
