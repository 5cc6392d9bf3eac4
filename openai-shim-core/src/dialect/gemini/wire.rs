//! Google's JSON objects as Rust types, for building and reading payloads by hand.
//!
//! JSON fields without a Rust field, or whose value has another type, are held raw in `extra`, so that reading and writing a payload
//! loses nothing. The translation itself works on raw JSON, because real servers deviate from these types.
//!
//! A [`Part`] is one struct although it has one kind of content: signatures and other fields stand beside the content, whatever it is.
//!
//! ```
//! use openai_shim_core::dialect::gemini::wire::{
//!     Content, FunctionDeclaration, GenerateContentRequest, GenerateContentResponse, GenerationConfig, Part, Tool,
//! };
//! use openai_shim_core::json::RawJson;
//!
//! let request = GenerateContentRequest::new([Content::new("user", "hello")])
//!     .with_generation_config(GenerationConfig::default().with_max_output_tokens(100));
//! assert_eq!(
//!     serde_json::to_string(&request)?,
//!     r#"{"contents":[{"role":"user","parts":[{"text":"hello"}]}],"generationConfig":{"maxOutputTokens":100}}"#
//! );
//!
//! let picture = Content::of("user", [Part::text("What is this?"), Part::inline_data("image/png", "iVBORw0KGgo=")]);
//! let request = GenerateContentRequest::new([picture])
//!     .with_tools([Tool::functions([FunctionDeclaration::new("weather", RawJson::parse(r#"{"type":"object"}"#)?)])]);
//! // The path of the API names the model.
//! assert_eq!(request.for_model("gemini-2.5-pro").model, "gemini-2.5-pro");
//!
//! let json = r#"{"candidates":[{"content":{"parts":[{"text":"hi"}]},"finishReason":"STOP"}],"createTime":"x"}"#;
//! let response: GenerateContentResponse = serde_json::from_str(json)?;
//! assert_eq!(response.extra.get("createTime").unwrap().as_str(), "\"x\"");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod content;
mod request;
mod response;

use crate::dialect::typed_request::{TypedRequest, post, sealed::ToHttp};
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub use content::{
    Blob, CodeExecutionResult, Content, ExecutableCode, FileData, FunctionCall, FunctionResponse, Part,
};
pub use request::{
    FunctionCallingConfig, FunctionDeclaration, GenerateContentRequest, GenerationConfig, ModelRequest,
    SafetySetting, ThinkingConfig, Tool, ToolConfig,
};
pub use response::{
    Candidate, ErrorObject, ErrorResponse, GenerateContentResponse, PromptFeedback, SafetyRating,
    UsageMetadata,
};

/// What stands in a path as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

impl ToHttp for ModelRequest {
    fn to_http(&self, stream: bool) -> Result<http::Request<Bytes>, http::Error> {
        let model = utf8_percent_encode(&self.model, PATH);
        let method = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
        post(&format!("/v1beta/models/{model}:{method}"), &self.body)
    }
}

impl TypedRequest for ModelRequest {
    type Response = GenerateContentResponse;
    type Chunk = GenerateContentResponse;
    const DIALECT: crate::dialect::Dialect = super::DIALECT;
}
