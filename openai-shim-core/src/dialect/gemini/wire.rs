//! Google's JSON objects as Rust types, for building and reading payloads by hand.
//!
//! JSON fields without a Rust field are held raw in `extra`, so that reading and writing a payload loses nothing. The
//! translation itself works on raw JSON, because real servers deviate from these types.
//!
//! ```
//! use openai_shim_core::dialect::gemini::wire::{Content, GenerateContentRequest, GenerateContentResponse};
//!
//! let mut request = GenerateContentRequest::default();
//! request.contents = Some(vec![Content::new("user", "hello")]);
//! let body = serde_json::to_vec(&request)?;
//! assert_eq!(body, br#"{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}"#);
//!
//! let json = r#"{"candidates":[{"content":{"parts":[{"text":"hi"}]},"finishReason":"STOP"}],"createTime":"x"}"#;
//! let response: GenerateContentResponse = serde_json::from_str(json)?;
//! assert_eq!(response.extra[0].0, "createTime");
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::wire_object;
use serde_json::value::RawValue;

wire_object! {
    /// A request: <https://ai.google.dev/api/generate-content#request-body>.
    pub struct GenerateContentRequest {
        /// The conversation.
        pub contents: Vec<Content> = "contents",
        /// The system prompt; text only.
        pub system_instruction: Content = "systemInstruction",
        /// The tools that the model may use.
        pub tools: Vec<Tool> = "tools",
        /// How the model uses tools.
        pub tool_config: Box<RawValue> = "toolConfig",
        /// Which content is blocked.
        pub safety_settings: Box<RawValue> = "safetySettings",
        /// Limits, sampling, response format and thinking.
        pub generation_config: GenerationConfig = "generationConfig",
        /// The cached start of the conversation: `cachedContents/{id}`.
        pub cached_content: String = "cachedContent",
    }
}

wire_object! {
    /// One message: <https://ai.google.dev/api/caching#Content>.
    pub struct Content {
        /// `user` or `model`.
        pub role: String = "role",
        /// The parts, in order.
        pub parts: Vec<Part> = "parts",
    }
}

impl Content {
    /// Creates a message with one text.
    pub fn new(role: &str, text: &str) -> Self {
        let part = Part { text: Some(text.to_owned()), ..Part::default() };
        Self { role: Some(role.to_owned()), parts: Some(vec![part]), ..Self::default() }
    }
}

wire_object! {
    /// One part of a message: <https://ai.google.dev/api/caching#Part>.
    pub struct Part {
        /// The text, of the output or of a thought.
        pub text: String = "text",
        /// Whether the text is a thought.
        pub thought: bool = "thought",
        /// The signature of the part, which the next request must send back with it.
        pub thought_signature: String = "thoughtSignature",
        /// Media as bytes.
        pub inline_data: Blob = "inlineData",
        /// A file by its URI.
        pub file_data: FileData = "fileData",
        /// A function call of the model.
        pub function_call: FunctionCall = "functionCall",
        /// The result of a function call.
        pub function_response: FunctionResponse = "functionResponse",
        /// Code that the model ran.
        pub executable_code: Box<RawValue> = "executableCode",
        /// The result of that code.
        pub code_execution_result: Box<RawValue> = "codeExecutionResult",
    }
}

wire_object! {
    /// Bytes and their media type.
    pub struct Blob {
        /// The media type.
        pub mime_type: String = "mimeType",
        /// The bytes in base64.
        pub data: String = "data",
    }
}

wire_object! {
    /// A file by its URI.
    pub struct FileData {
        /// The media type.
        pub mime_type: String = "mimeType",
        /// The URI.
        pub file_uri: String = "fileUri",
    }
}

wire_object! {
    /// A function call.
    pub struct FunctionCall {
        /// The id, which older models lack.
        pub id: String = "id",
        /// The function's name.
        pub name: String = "name",
        /// The arguments, a JSON object.
        pub args: Box<RawValue> = "args",
    }
}

wire_object! {
    /// The result of a function call.
    pub struct FunctionResponse {
        /// The id of the call.
        pub id: String = "id",
        /// The function's name.
        pub name: String = "name",
        /// A JSON object, often with the field `output` or `error`.
        pub response: Box<RawValue> = "response",
    }
}

wire_object! {
    /// A tool: functions of the client, or one that Google runs.
    pub struct Tool {
        /// The functions of the client.
        pub function_declarations: Vec<FunctionDeclaration> = "functionDeclarations",
        /// Search with Google.
        pub google_search: Box<RawValue> = "googleSearch",
        /// Execution of code that the model writes.
        pub code_execution: Box<RawValue> = "codeExecution",
        /// Reading of web pages.
        pub url_context: Box<RawValue> = "urlContext",
    }
}

wire_object! {
    /// A function that the model may call.
    pub struct FunctionDeclaration {
        /// The name.
        pub name: String = "name",
        /// What the function does.
        pub description: String = "description",
        /// The parameters as an OpenAPI schema.
        pub parameters: Box<RawValue> = "parameters",
        /// The parameters as a JSON schema.
        pub parameters_json_schema: Box<RawValue> = "parametersJsonSchema",
    }
}

wire_object! {
    /// Limits, sampling, response format and thinking: <https://ai.google.dev/api/generate-content#generationconfig>.
    pub struct GenerationConfig {
        /// Up to five stop sequences.
        pub stop_sequences: Vec<String> = "stopSequences",
        /// `text/plain`, `application/json` or `text/x.enum`.
        pub response_mime_type: String = "responseMimeType",
        /// The format of the output as an OpenAPI schema.
        pub response_schema: Box<RawValue> = "responseSchema",
        /// The format of the output as a JSON schema.
        pub response_json_schema: Box<RawValue> = "responseJsonSchema",
        /// How many candidates the response has.
        pub candidate_count: u32 = "candidateCount",
        /// The most tokens of the response, thoughts included.
        pub max_output_tokens: u64 = "maxOutputTokens",
        /// Sampling temperature, 0 to 2.
        pub temperature: f64 = "temperature",
        /// Nucleus sampling.
        pub top_p: f64 = "topP",
        /// Samples from the k most likely tokens only.
        pub top_k: f64 = "topK",
        /// The random seed.
        pub seed: i64 = "seed",
        /// Penalty for tokens that occurred.
        pub presence_penalty: f64 = "presencePenalty",
        /// Penalty for tokens by how often they occurred.
        pub frequency_penalty: f64 = "frequencyPenalty",
        /// How much the model reasons first.
        pub thinking_config: ThinkingConfig = "thinkingConfig",
    }
}

wire_object! {
    /// How much the model reasons first.
    pub struct ThinkingConfig {
        /// Whether the response includes thoughts.
        pub include_thoughts: bool = "includeThoughts",
        /// The most tokens of thoughts; 0 for none, -1 for as many as the model decides.
        pub thinking_budget: i64 = "thinkingBudget",
        /// `MINIMAL`, `LOW`, `MEDIUM` or `HIGH`.
        pub thinking_level: String = "thinkingLevel",
    }
}

wire_object! {
    /// A response, or one chunk of a stream: <https://ai.google.dev/api/generate-content#generatecontentresponse>.
    pub struct GenerateContentResponse {
        /// The alternatives.
        pub candidates: Vec<Candidate> = "candidates",
        /// Why the prompt was blocked.
        pub prompt_feedback: Box<RawValue> = "promptFeedback",
        /// Token counts.
        pub usage_metadata: UsageMetadata = "usageMetadata",
        /// The model that responded.
        pub model_version: String = "modelVersion",
        /// The id of the response.
        pub response_id: String = "responseId",
    }
}

wire_object! {
    /// One of the alternatives.
    pub struct Candidate {
        /// The content.
        pub content: Content = "content",
        /// Why the output ended.
        pub finish_reason: String = "finishReason",
        /// The index of the candidate.
        pub index: u32 = "index",
        /// The sources of the text.
        pub grounding_metadata: Box<RawValue> = "groundingMetadata",
        /// The sources that the text repeats.
        pub citation_metadata: Box<RawValue> = "citationMetadata",
        /// How likely the content is harmful.
        pub safety_ratings: Box<RawValue> = "safetyRatings",
    }
}

wire_object! {
    /// Token counts.
    pub struct UsageMetadata {
        /// Tokens of the prompt, cached ones included.
        pub prompt_token_count: u64 = "promptTokenCount",
        /// Tokens of all candidates, without thoughts.
        pub candidates_token_count: u64 = "candidatesTokenCount",
        /// Tokens of thoughts.
        pub thoughts_token_count: u64 = "thoughtsTokenCount",
        /// Tokens of tool results in the prompt.
        pub tool_use_prompt_token_count: u64 = "toolUsePromptTokenCount",
        /// Tokens read from a cache.
        pub cached_content_token_count: u64 = "cachedContentTokenCount",
        /// The sum of all tokens.
        pub total_token_count: u64 = "totalTokenCount",
    }
}

wire_object! {
    /// An error response: <https://cloud.google.com/apis/design/errors>.
    pub struct ErrorResponse {
        /// The error.
        pub error: ErrorObject = "error",
    }
}

wire_object! {
    /// An error.
    pub struct ErrorObject {
        /// The HTTP status.
        pub code: u32 = "code",
        /// A description of the error.
        pub message: String = "message",
        /// `INVALID_ARGUMENT`, `RESOURCE_EXHAUSTED`, …
        pub status: String = "status",
        /// Reasons, invalid fields, and when to retry.
        pub details: Box<RawValue> = "details",
    }
}
