//! Google's own objects as types, for building and reading payloads by hand.
//!
//! Members without a field are kept raw in `extra`, so that reading and writing loses nothing. The translation itself works
//! on the raw members, because real servers do not keep to these types.
//!
//! ```
//! use openai_shim_core::dialect::gemini::wire::{Content, GenerateContentRequest, GenerateContentResponse};
//!
//! let mut request = GenerateContentRequest::default();
//! request.contents = Some(vec![Content::new("user", "hello")]);
//! let body = serde_json::to_vec(&request)?;
//! assert_eq!(body, br#"{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}"#);
//!
//! let answer = r#"{"candidates":[{"content":{"parts":[{"text":"hi"}]},"finishReason":"STOP"}],"createTime":"x"}"#;
//! let answer: GenerateContentResponse = serde_json::from_str(answer)?;
//! assert_eq!(answer.extra[0].0, "createTime");
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::wire_object;
use serde_json::value::RawValue;

wire_object! {
    /// A request: <https://ai.google.dev/api/generate-content#request-body>.
    pub struct GenerateContentRequest {
        /// The conversation.
        pub contents: Vec<Content> = "contents",
        /// Instructions; text only.
        pub system_instruction: Content = "systemInstruction",
        /// Tools on offer.
        pub tools: Vec<Tool> = "tools",
        /// How tools are called.
        pub tool_config: Box<RawValue> = "toolConfig",
        /// What is blocked.
        pub safety_settings: Box<RawValue> = "safetySettings",
        /// Lengths, sampling, form, thinking.
        pub generation_config: GenerationConfig = "generationConfig",
        /// A cached beginning: `cachedContents/{id}`.
        pub cached_content: String = "cachedContent",
    }
}

wire_object! {
    /// One turn: <https://ai.google.dev/api/caching#Content>.
    pub struct Content {
        /// `user` or `model`.
        pub role: String = "role",
        /// What is said, in order.
        pub parts: Vec<Part> = "parts",
    }
}

impl Content {
    /// A turn of one text.
    pub fn new(role: &str, text: &str) -> Self {
        let part = Part { text: Some(text.to_owned()), ..Part::default() };
        Self { role: Some(role.to_owned()), parts: Some(vec![part]), ..Self::default() }
    }
}

wire_object! {
    /// One part of a turn: <https://ai.google.dev/api/caching#Part>.
    pub struct Part {
        /// Text, or a thought.
        pub text: String = "text",
        /// The text is a thought.
        pub thought: bool = "thought",
        /// An opaque signature; it must be sent back with its part.
        pub thought_signature: String = "thoughtSignature",
        /// Bytes.
        pub inline_data: Blob = "inlineData",
        /// A file by its address.
        pub file_data: FileData = "fileData",
        /// The model calls a function.
        pub function_call: FunctionCall = "functionCall",
        /// What a function said.
        pub function_response: FunctionResponse = "functionResponse",
        /// Code that the model ran.
        pub executable_code: Box<RawValue> = "executableCode",
        /// What came of it.
        pub code_execution_result: Box<RawValue> = "codeExecutionResult",
    }
}

wire_object! {
    /// Bytes with their type.
    pub struct Blob {
        /// Their media type.
        pub mime_type: String = "mimeType",
        /// In base64.
        pub data: String = "data",
    }
}

wire_object! {
    /// A file by its address.
    pub struct FileData {
        /// Its media type.
        pub mime_type: String = "mimeType",
        /// Its address.
        pub file_uri: String = "fileUri",
    }
}

wire_object! {
    /// A call of a function.
    pub struct FunctionCall {
        /// Its id; older models have none.
        pub id: String = "id",
        /// The function's name.
        pub name: String = "name",
        /// The arguments, an object.
        pub args: Box<RawValue> = "args",
    }
}

wire_object! {
    /// What a function said.
    pub struct FunctionResponse {
        /// The id of the call.
        pub id: String = "id",
        /// The function's name.
        pub name: String = "name",
        /// An object: `output`, `error`, or anything.
        pub response: Box<RawValue> = "response",
    }
}

wire_object! {
    /// A tool: functions of the client's, or one that Google runs.
    pub struct Tool {
        /// Functions.
        pub function_declarations: Vec<FunctionDeclaration> = "functionDeclarations",
        /// Google's search.
        pub google_search: Box<RawValue> = "googleSearch",
        /// Code that the model may run.
        pub code_execution: Box<RawValue> = "codeExecution",
        /// Pages that the model may read.
        pub url_context: Box<RawValue> = "urlContext",
    }
}

wire_object! {
    /// A function on offer.
    pub struct FunctionDeclaration {
        /// Its name.
        pub name: String = "name",
        /// What it does.
        pub description: String = "description",
        /// Its parameters in OpenAPI's way.
        pub parameters: Box<RawValue> = "parameters",
        /// Its parameters as a JSON schema.
        pub parameters_json_schema: Box<RawValue> = "parametersJsonSchema",
    }
}

wire_object! {
    /// Lengths, sampling, form, thinking: <https://ai.google.dev/api/generate-content#generationconfig>.
    pub struct GenerationConfig {
        /// Where to stop: up to five texts.
        pub stop_sequences: Vec<String> = "stopSequences",
        /// `text/plain`, `application/json` or `text/x.enum`.
        pub response_mime_type: String = "responseMimeType",
        /// The form of JSON in OpenAPI's way.
        pub response_schema: Box<RawValue> = "responseSchema",
        /// The form of JSON as a JSON schema.
        pub response_json_schema: Box<RawValue> = "responseJsonSchema",
        /// How many answers.
        pub candidate_count: u32 = "candidateCount",
        /// The longest answer in tokens, thoughts included.
        pub max_output_tokens: u64 = "maxOutputTokens",
        /// Sampling temperature, 0 to 2.
        pub temperature: f64 = "temperature",
        /// Nucleus sampling.
        pub top_p: f64 = "topP",
        /// Sampling from the k likeliest.
        pub top_k: f64 = "topK",
        /// A seed.
        pub seed: i64 = "seed",
        /// Penalty for tokens that occurred.
        pub presence_penalty: f64 = "presencePenalty",
        /// Penalty for tokens by how often they occurred.
        pub frequency_penalty: f64 = "frequencyPenalty",
        /// How much to think.
        pub thinking_config: ThinkingConfig = "thinkingConfig",
    }
}

wire_object! {
    /// How much to think.
    pub struct ThinkingConfig {
        /// Whether thoughts are shown.
        pub include_thoughts: bool = "includeThoughts",
        /// Tokens for thoughts; 0 for none, -1 for as many as it takes.
        pub thinking_budget: i64 = "thinkingBudget",
        /// `MINIMAL`, `LOW`, `MEDIUM` or `HIGH`.
        pub thinking_level: String = "thinkingLevel",
    }
}

wire_object! {
    /// An answer, or one chunk of a stream: <https://ai.google.dev/api/generate-content#generatecontentresponse>.
    pub struct GenerateContentResponse {
        /// The answers.
        pub candidates: Vec<Candidate> = "candidates",
        /// Why the prompt was refused.
        pub prompt_feedback: Box<RawValue> = "promptFeedback",
        /// Token counts.
        pub usage_metadata: UsageMetadata = "usageMetadata",
        /// The model that answered.
        pub model_version: String = "modelVersion",
        /// The answer's id.
        pub response_id: String = "responseId",
    }
}

wire_object! {
    /// One of the answers.
    pub struct Candidate {
        /// What it says.
        pub content: Content = "content",
        /// Why it ended.
        pub finish_reason: String = "finishReason",
        /// Which one.
        pub index: u32 = "index",
        /// What its words rest on.
        pub grounding_metadata: Box<RawValue> = "groundingMetadata",
        /// What its words repeat.
        pub citation_metadata: Box<RawValue> = "citationMetadata",
        /// How harmful it may be.
        pub safety_ratings: Box<RawValue> = "safetyRatings",
    }
}

wire_object! {
    /// Token counts.
    pub struct UsageMetadata {
        /// Tokens of the prompt, cached ones included.
        pub prompt_token_count: u64 = "promptTokenCount",
        /// Tokens of the answers, without thoughts.
        pub candidates_token_count: u64 = "candidatesTokenCount",
        /// Tokens of thoughts.
        pub thoughts_token_count: u64 = "thoughtsTokenCount",
        /// Tokens that tools put into the prompt.
        pub tool_use_prompt_token_count: u64 = "toolUsePromptTokenCount",
        /// Tokens read from a cache.
        pub cached_content_token_count: u64 = "cachedContentTokenCount",
        /// All together.
        pub total_token_count: u64 = "totalTokenCount",
    }
}

wire_object! {
    /// An error answer: <https://cloud.google.com/apis/design/errors>.
    pub struct ErrorResponse {
        /// The error.
        pub error: ErrorObject = "error",
    }
}

wire_object! {
    /// What went wrong.
    pub struct ErrorObject {
        /// The HTTP status.
        pub code: u32 = "code",
        /// One sentence.
        pub message: String = "message",
        /// `INVALID_ARGUMENT`, `RESOURCE_EXHAUSTED`, …
        pub status: String = "status",
        /// Reasons, fields at fault, how long to wait.
        pub details: Box<RawValue> = "details",
    }
}
