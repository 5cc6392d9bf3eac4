//! OpenAI's objects as types, for building and reading payloads by hand.
//!
//! Fields that a type does not have, or whose value has another type (`null`, too), stay raw in `extra`: reading and writing loses
//! nothing. The translation itself works on raw JSON (see the folder `repair`), because real servers deviate from these types.
//!
//! ```
//! use openai_shim_core::dialect::openai_chat::wire::{
//!     ChatCompletion, ChatRequest, Content, ContentPart, Message, ResponseFormat, Tool,
//! };
//! use openai_shim_core::json::RawJson;
//!
//! let request = ChatRequest::new("gpt-5", [Message::new("user", "hello")]).with_stop("\n\n").with_temperature(0.7);
//! assert_eq!(
//!     serde_json::to_string(&request)?,
//!     r#"{"model":"gpt-5","messages":[{"role":"user","content":"hello"}],"temperature":0.7,"stop":"\n\n"}"#
//! );
//!
//! let schema = RawJson::parse(r#"{"type":"object"}"#)?;
//! let picture = [ContentPart::text("What is this?"), ContentPart::image_url("https://example.com/cat.png")];
//! let request = ChatRequest::new("gpt-5", [Message::new("user", picture)])
//!     .with_tools([Tool::function("weather", schema.clone())])
//!     .with_tool_choice("auto")
//!     .with_response_format(ResponseFormat::json_schema("answer", schema));
//! assert!(serde_json::to_string(&request)?.contains(r#""tool_choice":"auto""#));
//!
//! let answer: ChatCompletion =
//!     serde_json::from_str(r#"{"choices":[{"message":{"content":"hi","refusal":null}}],"n":1e2}"#)?;
//! let choice = &answer.choices.unwrap()[0];
//! assert_eq!(choice.message.as_ref().and_then(Message::text), Some("hi"));
//! assert_eq!(answer.extra.get("n").unwrap().as_str(), "1e2"); // what has no field is not lost
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod choices;
mod content;
mod request;
mod response;

use crate::dialect::typed_request::typed_request;

pub use choices::{
    AllowedTools, AudioOptions, FunctionChoice, JsonSchema, JsonSchemaFormat, NamedFunction, Prediction,
    ResponseFormat, Stop, ToolChoice, ToolChoiceObject, TypeOnly,
};
pub use content::{
    Annotation, Audio, AudioData, AudioPart, Content, ContentPart, FileData, FilePart, ImagePart, ImageUrl,
    RefusalPart, TextPart, UrlCitation,
};
pub use request::{
    ChatRequest, CustomCall, CustomTool, Function, FunctionCall, Message, StreamOptions, Tool, ToolCall,
};
pub use response::{
    ChatCompletion, ChatCompletionChunk, Choice, ChunkChoice, CompletionTokensDetails, CompletionUsage,
    ErrorObject, ErrorResponse, LogProbs, PromptTokensDetails, TokenLogProb,
};

typed_request!(super::DIALECT, "/v1/chat/completions": ChatRequest => ChatCompletion, ChatCompletionChunk);
