//! Ollama's JSON objects as Rust types, for building and reading payloads by hand.
//!
//! JSON fields without a Rust field, or whose value has another type, are held raw in `extra`, so that reading and writing a payload
//! loses nothing. The translation itself works on raw JSON, because real servers deviate from these types.
//!
//! ```
//! use openai_shim_core::dialect::ollama::wire::{ChatRequest, ChatResponse, GenerateRequest, Message, Options, Tool};
//! use openai_shim_core::json::RawJson;
//!
//! let request = ChatRequest::new("qwen3", [Message::new("user", "hello")]).with_stream(false).with_think(true);
//! assert_eq!(
//!     serde_json::to_string(&request)?,
//!     r#"{"model":"qwen3","messages":[{"role":"user","content":"hello"}],"stream":false,"think":true}"#
//! );
//! let request = request
//!     .with_tools([Tool::function("weather", RawJson::parse(r#"{"type":"object"}"#)?)])
//!     .with_options(Options::default().with_temperature(0.5).with_stop("END"))
//!     .with_keep_alive("5m");
//! assert!(serde_json::to_string(&request)?.contains(r#""options":{"temperature":0.5,"stop":"END"}"#));
//!
//! let request = GenerateRequest::new("qwen3", "Once").with_format("json");
//! assert_eq!(serde_json::to_string(&request)?, r#"{"model":"qwen3","prompt":"Once","format":"json"}"#);
//!
//! let line: ChatResponse = serde_json::from_str(r#"{"message":{"role":"assistant","content":"hi"},"done":false}"#)?;
//! assert_eq!(line.message.and_then(|m| m.content).as_deref(), Some("hi"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod request;
mod response;

use crate::dialect::typed_request::typed_request;

pub use request::{
    ChatRequest, Format, Function, FunctionCall, GenerateRequest, KeepAlive, Message, Options, Stop, Think,
    Tool, ToolCall,
};
pub use response::{ChatResponse, ErrorResponse, GenerateResponse};

typed_request!(super::CHAT, "/api/chat": ChatRequest => ChatResponse, ChatResponse);
typed_request!(super::GENERATE, "/api/generate": GenerateRequest => GenerateResponse, GenerateResponse);
