//! Anthropic's JSON objects as Rust types, for building and reading payloads by hand.
//!
//! JSON fields without a Rust field, or whose value has another type, are held raw in `extra`, and content blocks of other kinds in
//! [`Block::Unknown`], so that reading and writing a payload loses nothing.
//!
//! ```
//! use openai_shim_core::dialect::anthropic::wire::{
//!     Block, Message, MessageParam, MessagesRequest, Thinking, Tool, ToolChoice,
//! };
//! use openai_shim_core::json::RawJson;
//!
//! let request = MessagesRequest::new("claude-sonnet-4-5", 100, [MessageParam::new("user", "hello")]).with_system("Be brief.");
//! assert_eq!(
//!     serde_json::to_string(&request)?,
//!     r#"{"model":"claude-sonnet-4-5","max_tokens":100,"system":"Be brief.","messages":[{"role":"user","content":"hello"}]}"#
//! );
//!
//! let content = [Block::text("What is this?"), Block::image_base64("image/png", "iVBORw0KGgo=")];
//! let request = MessagesRequest::new("claude-sonnet-4-5", 4000, [MessageParam::new("user", content)])
//!     .with_tools([Tool::new("weather", RawJson::parse(r#"{"type":"object"}"#)?)])
//!     .with_tool_choice(ToolChoice::tool("weather"))
//!     .with_thinking(Thinking::enabled(2000));
//! assert!(serde_json::to_string(&request)?.contains(r#""tool_choice":{"type":"tool","name":"weather"}"#));
//!
//! let message: Message = serde_json::from_str(r#"{"id":"msg_1","content":[{"type":"text","text":"hi"},{"type":"new"}]}"#)?;
//! let content = message.content.unwrap();
//! assert_eq!(content[0].as_text(), Some("hi"));
//! assert!(matches!(&content[1], Block::Unknown(raw) if raw.as_str() == r#"{"type":"new"}"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod content;
mod request;
mod response;

use crate::dialect::typed_request::typed_request;

pub use content::{
    Base64Source, Block, CacheControl, Citation, Content, DocumentBlock, FileSource, ImageBlock,
    RedactedThinkingBlock, Source, TextBlock, TextSource, ThinkingBlock, ToolResultBlock, ToolUseBlock,
    UrlSource,
};
pub use request::{
    Container, ContainerOptions, MessageParam, MessagesRequest, Metadata, NoTool, OutputConfig, OutputFormat,
    System, Thinking, ThinkingAdaptive, ThinkingDisabled, ThinkingEnabled, Tool, ToolChoice, ToolMode,
    ToolName,
};
pub use response::{Delta, Error, ErrorResponse, Message, StreamEvent, Usage};

typed_request!(super::DIALECT, "/v1/messages": MessagesRequest => Message, StreamEvent);
