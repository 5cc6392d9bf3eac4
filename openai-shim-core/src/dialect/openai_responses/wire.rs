//! The API's objects as public types, for building and reading payloads by hand.
//!
//! JSON fields without a typed field stay raw in `extra`, so that deserializing and serializing loses nothing. Items and tools
//! have more kinds than there are typed fields; `type` is the kind.
//!
//! ```
//! use openai_shim_core::dialect::openai_responses::wire::{Item, ResponseObject, ResponsesRequest};
//!
//! let mut request = ResponsesRequest::default();
//! request.model = Some("gpt-5".into());
//! request.input = Some(openai_shim_core::json::raw(r#""hello""#));
//! assert_eq!(serde_json::to_vec(&request)?, br#"{"model":"gpt-5","input":"hello"}"#);
//!
//! let answer: ResponseObject = serde_json::from_str(r#"{"id":"resp_1","output":[{"type":"message","content":[]}]}"#)?;
//! assert_eq!(answer.output.unwrap()[0].kind.as_deref(), Some("message"));
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::wire_object;
use serde_json::value::RawValue;

wire_object! {
    /// A request: <https://platform.openai.com/docs/api-reference/responses/create>.
    pub struct ResponsesRequest {
        /// The model's id.
        pub model: String = "model",
        /// A string, or a list of items.
        pub input: Box<RawValue> = "input",
        /// The system message.
        pub instructions: String = "instructions",
        /// Whether to stream.
        pub stream: bool = "stream",
        /// Options of the stream.
        pub stream_options: Box<RawValue> = "stream_options",
        /// The limit of output tokens, reasoning included.
        pub max_output_tokens: u64 = "max_output_tokens",
        /// The limit of calls of built-in tools.
        pub max_tool_calls: u64 = "max_tool_calls",
        /// Sampling temperature, 0 to 2.
        pub temperature: f64 = "temperature",
        /// Nucleus sampling, 0 to 1.
        pub top_p: f64 = "top_p",
        /// The number of alternatives per token, 0 to 20.
        pub top_logprobs: u32 = "top_logprobs",
        /// The tools that the model may call.
        pub tools: Vec<Tool> = "tools",
        /// `none`, `auto`, `required`, or one tool.
        pub tool_choice: Box<RawValue> = "tool_choice",
        /// Whether several tools may be called in parallel.
        pub parallel_tool_calls: bool = "parallel_tool_calls",
        /// Options of the text output.
        pub text: TextOptions = "text",
        /// Options of the reasoning.
        pub reasoning: ReasoningOptions = "reasoning",
        /// Additional data for the response.
        pub include: Vec<String> = "include",
        /// Whether to store the response.
        pub store: bool = "store",
        /// The response that this one continues.
        pub previous_response_id: String = "previous_response_id",
        /// The conversation that the request belongs to.
        pub conversation: Box<RawValue> = "conversation",
        /// A stored prompt.
        pub prompt: Box<RawValue> = "prompt",
        /// Whether to generate in the background.
        pub background: bool = "background",
        /// `auto` or `disabled`.
        pub truncation: String = "truncation",
        /// Up to 16 pairs of strings.
        pub metadata: Box<RawValue> = "metadata",
        /// `auto`, `default`, `flex`, `priority`.
        pub service_tier: String = "service_tier",
        /// A stable and anonymous identifier of the end user.
        pub safety_identifier: String = "safety_identifier",
        /// Requests with the same key share a prompt cache.
        pub prompt_cache_key: String = "prompt_cache_key",
        /// The deprecated field that the two above replace.
        pub user: String = "user",
    }
}

wire_object! {
    /// Options of the text output.
    pub struct TextOptions {
        /// `text`, `json_object` or `json_schema`, as an object with `type`.
        pub format: Box<RawValue> = "format",
        /// `low`, `medium`, `high`.
        pub verbosity: String = "verbosity",
    }
}

wire_object! {
    /// Options of the reasoning.
    pub struct ReasoningOptions {
        /// `none`, `minimal`, `low`, `medium`, `high`, `xhigh`.
        pub effort: String = "effort",
        /// `auto`, `concise`, `detailed`.
        pub summary: String = "summary",
    }
}

wire_object! {
    /// A tool: a function, a custom tool, a namespace of tools, or a built-in one.
    pub struct Tool {
        /// `function`, `custom`, `namespace`, `web_search`, …
        pub kind: String = "type",
        /// The name of a function, a custom tool or a namespace.
        pub name: String = "name",
        /// What the tool does.
        pub description: String = "description",
        /// The JSON schema of a function's arguments.
        pub parameters: Box<RawValue> = "parameters",
        /// Whether arguments must follow the schema exactly.
        pub strict: bool = "strict",
        /// The format of a custom tool's input.
        pub format: Box<RawValue> = "format",
        /// The tools of a namespace.
        pub tools: Vec<Tool> = "tools",
    }
}

wire_object! {
    /// An item of `input` or `output`.
    pub struct Item {
        /// `message`, `reasoning`, `function_call`, `function_call_output`, …
        pub kind: String = "type",
        /// Its id.
        pub id: String = "id",
        /// `in_progress`, `completed`, `incomplete`.
        pub status: String = "status",
        /// The role of a message.
        pub role: String = "role",
        /// A string or a list of content parts.
        pub content: Box<RawValue> = "content",
        /// The id that connects a call and its output.
        pub call_id: String = "call_id",
        /// The tool's name.
        pub name: String = "name",
        /// The namespace of the tool.
        pub namespace: String = "namespace",
        /// A function's arguments, as JSON in a string; an object in calls of some built-in tools.
        pub arguments: Box<RawValue> = "arguments",
        /// A custom tool's input.
        pub input: String = "input",
        /// The tool result: a string or a list of content parts.
        pub output: Box<RawValue> = "output",
        /// The summary of the reasoning.
        pub summary: Vec<Part> = "summary",
        /// The encrypted reasoning, which only its issuer can read.
        pub encrypted_content: String = "encrypted_content",
    }
}

wire_object! {
    /// A content part of a message, of reasoning, or of a tool's output.
    pub struct Part {
        /// `input_text`, `output_text`, `refusal`, `input_image`, `input_file`, `summary_text`, …
        pub kind: String = "type",
        /// The text.
        pub text: String = "text",
        /// The text of a refusal.
        pub refusal: String = "refusal",
        /// Citations.
        pub annotations: Box<RawValue> = "annotations",
        /// Log probabilities.
        pub logprobs: Box<RawValue> = "logprobs",
        /// The URL of an image, or its bytes as a data URL.
        pub image_url: String = "image_url",
        /// The level of detail of an image: `low`, `high`, `auto`.
        pub detail: String = "detail",
        /// The id of an uploaded file.
        pub file_id: String = "file_id",
        /// A file's bytes in base64.
        pub file_data: String = "file_data",
        /// A file's URL.
        pub file_url: String = "file_url",
        /// A file's name.
        pub filename: String = "filename",
    }
}

wire_object! {
    /// A response: <https://platform.openai.com/docs/api-reference/responses/object>.
    pub struct ResponseObject {
        /// Its id.
        pub id: String = "id",
        /// `response`.
        pub object: String = "object",
        /// The time of its creation, in seconds since 1970.
        pub created_at: f64 = "created_at",
        /// `queued`, `in_progress`, `completed`, `incomplete`, `failed`, `cancelled`.
        pub status: String = "status",
        /// The error of a failed response.
        pub error: Box<RawValue> = "error",
        /// The reason of an incomplete response.
        pub incomplete_details: IncompleteDetails = "incomplete_details",
        /// The model that generated the response.
        pub model: String = "model",
        /// The generated items.
        pub output: Vec<Item> = "output",
        /// Token counts.
        pub usage: Usage = "usage",
        /// The tools of the request.
        pub tools: Vec<Tool> = "tools",
        /// The tool choice of the request.
        pub tool_choice: Box<RawValue> = "tool_choice",
        /// The instructions of the request.
        pub instructions: Box<RawValue> = "instructions",
        /// The metadata of the request.
        pub metadata: Box<RawValue> = "metadata",
    }
}

wire_object! {
    /// The reason of an incomplete response.
    pub struct IncompleteDetails {
        /// `max_output_tokens` or `content_filter`.
        pub reason: String = "reason",
    }
}

wire_object! {
    /// Token counts.
    pub struct Usage {
        /// Tokens of the input, cached ones included.
        pub input_tokens: u64 = "input_tokens",
        /// Details of them.
        pub input_tokens_details: Box<RawValue> = "input_tokens_details",
        /// Tokens of the output, reasoning included.
        pub output_tokens: u64 = "output_tokens",
        /// Details of them.
        pub output_tokens_details: Box<RawValue> = "output_tokens_details",
        /// All of them.
        pub total_tokens: u64 = "total_tokens",
    }
}

wire_object! {
    /// One event of a stream: <https://platform.openai.com/docs/api-reference/responses-streaming>.
    pub struct StreamEvent {
        /// `response.created`, `response.output_text.delta`, …
        pub kind: String = "type",
        /// The event's number, from 0 without gaps.
        pub sequence_number: u64 = "sequence_number",
        /// The response so far.
        pub response: ResponseObject = "response",
        /// The item's index in `output`.
        pub output_index: u64 = "output_index",
        /// The item's id.
        pub item_id: String = "item_id",
        /// The item so far.
        pub item: Item = "item",
        /// The content part's index in the item.
        pub content_index: u64 = "content_index",
        /// The index of a section of the summary.
        pub summary_index: u64 = "summary_index",
        /// The content part so far.
        pub part: Part = "part",
        /// The increment of the text or the arguments.
        pub delta: Box<RawValue> = "delta",
        /// The complete text.
        pub text: String = "text",
        /// The complete arguments.
        pub arguments: String = "arguments",
    }
}
