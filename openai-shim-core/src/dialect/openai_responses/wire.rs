//! The API's objects as public types, for building and reading payloads by hand.
//!
//! JSON fields without a typed field, or whose value has another type, stay raw in `extra`, and items of other kinds in
//! [`Item::Unknown`], so that deserializing and serializing loses nothing. Tools and stream events have more kinds than there are typed
//! fields; `type` is the kind.
//!
//! ```
//! use openai_shim_core::dialect::openai_responses::wire::{Item, ResponseObject, ResponsesRequest, TextFormat, TextOptions, Tool};
//! use openai_shim_core::json::RawJson;
//!
//! let request = ResponsesRequest::new("gpt-5", "hello");
//! assert_eq!(serde_json::to_string(&request)?, r#"{"model":"gpt-5","input":"hello"}"#);
//!
//! let schema = RawJson::parse(r#"{"type":"object"}"#)?;
//! let request = ResponsesRequest::new("gpt-5", [Item::input("user", "Weather in Rome?"), Item::function_call_output("call_1", "sunny")])
//!     .with_tools([Tool::function("weather", schema.clone())])
//!     .with_tool_choice("required")
//!     .with_text(TextOptions::default().with_format(TextFormat::json_schema("answer", schema)));
//! assert!(serde_json::to_string(&request)?.contains(r#""input":[{"role":"user","content":"Weather in Rome?"},"#));
//!
//! let answer: ResponseObject = serde_json::from_str(
//!     r#"{"id":"resp_1","output":[{"type":"message","content":[{"type":"output_text","text":"hi"}]},{"type":"web_search_call"}]}"#,
//! )?;
//! assert_eq!(answer.text(), "hi");
//! assert!(matches!(answer.output.as_deref(), Some([Item::Message(_), Item::Unknown(_)])));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod items;
mod request;
mod response;

use crate::dialect::typed_request::typed_request;

pub use items::{
    Content, CustomCall, FilePart, FunctionCall, ImagePart, InputMessage, Item, ItemReference, MessageItem,
    OutputText, Part, ReasoningItem, RefusalPart, TextPart, ToolOutput,
};
pub use request::{
    Conversation, ConversationObject, Input, JsonSchemaFormat, ReasoningOptions, ResponsesRequest,
    StreamOptions, TextFormat, TextOptions, Tool, ToolChoice, ToolChoiceObject, TypeOnly,
};
pub use response::{
    ErrorObject, IncompleteDetails, InputTokensDetails, OutputTokensDetails, ResponseObject, StreamEvent,
    Usage,
};

typed_request!(super::DIALECT, "/v1/responses": ResponsesRequest => ResponseObject, StreamEvent);
