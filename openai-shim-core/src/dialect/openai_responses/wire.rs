//! The dialect's own objects as types, for building and reading payloads by hand.
//!
//! Members without a field are kept raw in `extra`, so that reading and writing loses nothing. Items and tools come in more
//! kinds than there are fields here: their `type` says which, and what is not typed stays raw.
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
        /// A text, or a list of items.
        pub input: Box<RawValue> = "input",
        /// Instructions of the highest rank.
        pub instructions: String = "instructions",
        /// Whether to stream.
        pub stream: bool = "stream",
        /// Options of the stream.
        pub stream_options: Box<RawValue> = "stream_options",
        /// The longest answer in tokens, reasoning included.
        pub max_output_tokens: u64 = "max_output_tokens",
        /// How many calls of built-in tools.
        pub max_tool_calls: u64 = "max_tool_calls",
        /// Sampling temperature, 0 to 2.
        pub temperature: f64 = "temperature",
        /// Nucleus sampling, 0 to 1.
        pub top_p: f64 = "top_p",
        /// How many alternatives per token, 0 to 20.
        pub top_logprobs: u32 = "top_logprobs",
        /// Tools on offer.
        pub tools: Vec<Tool> = "tools",
        /// `none`, `auto`, `required`, or one tool.
        pub tool_choice: Box<RawValue> = "tool_choice",
        /// Whether several tools may be called at once.
        pub parallel_tool_calls: bool = "parallel_tool_calls",
        /// The form of the answer, and how much of it.
        pub text: TextOptions = "text",
        /// How much to think.
        pub reasoning: ReasoningOptions = "reasoning",
        /// What to add to the answer.
        pub include: Vec<String> = "include",
        /// Whether to keep the response.
        pub store: bool = "store",
        /// The response that this one goes on from.
        pub previous_response_id: String = "previous_response_id",
        /// The conversation that this belongs to.
        pub conversation: Box<RawValue> = "conversation",
        /// A stored prompt.
        pub prompt: Box<RawValue> = "prompt",
        /// Whether to answer later.
        pub background: bool = "background",
        /// `auto` or `disabled`.
        pub truncation: String = "truncation",
        /// Up to 16 pairs of texts.
        pub metadata: Box<RawValue> = "metadata",
        /// `auto`, `default`, `flex`, `priority`.
        pub service_tier: String = "service_tier",
        /// An end user, by a stable and anonymous name.
        pub safety_identifier: String = "safety_identifier",
        /// Requests with one key share a cache.
        pub prompt_cache_key: String = "prompt_cache_key",
        /// The older name for the two above.
        pub user: String = "user",
    }
}

wire_object! {
    /// The form of an answer's text.
    pub struct TextOptions {
        /// Text, a JSON object, or JSON of a schema.
        pub format: Box<RawValue> = "format",
        /// `low`, `medium`, `high`.
        pub verbosity: String = "verbosity",
    }
}

wire_object! {
    /// How much to think, and what to show of it.
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
        /// What it does.
        pub description: String = "description",
        /// The JSON schema of a function's arguments.
        pub parameters: Box<RawValue> = "parameters",
        /// Whether arguments must follow the schema exactly.
        pub strict: bool = "strict",
        /// The form of a custom tool's input.
        pub format: Box<RawValue> = "format",
        /// The tools of a namespace.
        pub tools: Vec<Tool> = "tools",
    }
}

wire_object! {
    /// An item, of inputs and outputs.
    pub struct Item {
        /// `message`, `reasoning`, `function_call`, `function_call_output`, …
        pub kind: String = "type",
        /// Its id.
        pub id: String = "id",
        /// `in_progress`, `completed`, `incomplete`.
        pub status: String = "status",
        /// Who speaks, in a message.
        pub role: String = "role",
        /// A text or a list of parts.
        pub content: Box<RawValue> = "content",
        /// The call's id, in calls and their outputs.
        pub call_id: String = "call_id",
        /// The tool's name.
        pub name: String = "name",
        /// The namespace of the tool.
        pub namespace: String = "namespace",
        /// A function's arguments, as JSON text; an object in some other calls.
        pub arguments: Box<RawValue> = "arguments",
        /// A custom tool's input.
        pub input: String = "input",
        /// What a tool answered: a text or a list of parts.
        pub output: Box<RawValue> = "output",
        /// The summary of the thinking.
        pub summary: Vec<Part> = "summary",
        /// The thinking in a form that only the upstream can read.
        pub encrypted_content: String = "encrypted_content",
    }
}

wire_object! {
    /// A part of a message, of thinking, or of a tool's output.
    pub struct Part {
        /// `input_text`, `output_text`, `refusal`, `input_image`, `input_file`, `summary_text`, …
        pub kind: String = "type",
        /// The text.
        pub text: String = "text",
        /// Words of refusal.
        pub refusal: String = "refusal",
        /// Citations.
        pub annotations: Box<RawValue> = "annotations",
        /// Log probabilities.
        pub logprobs: Box<RawValue> = "logprobs",
        /// The address of a picture, or its bytes as a data URL.
        pub image_url: String = "image_url",
        /// How closely to look.
        pub detail: String = "detail",
        /// An uploaded file.
        pub file_id: String = "file_id",
        /// A file's bytes in base64.
        pub file_data: String = "file_data",
        /// A file's address.
        pub file_url: String = "file_url",
        /// A file's name.
        pub filename: String = "filename",
    }
}

wire_object! {
    /// An answer: <https://platform.openai.com/docs/api-reference/responses/object>.
    pub struct ResponseObject {
        /// Its id.
        pub id: String = "id",
        /// `response`.
        pub object: String = "object",
        /// When it was made, in seconds since 1970.
        pub created_at: f64 = "created_at",
        /// `queued`, `in_progress`, `completed`, `incomplete`, `failed`, `cancelled`.
        pub status: String = "status",
        /// Why it failed.
        pub error: Box<RawValue> = "error",
        /// Why it is incomplete.
        pub incomplete_details: IncompleteDetails = "incomplete_details",
        /// The model that answered.
        pub model: String = "model",
        /// What it says and does.
        pub output: Vec<Item> = "output",
        /// Token counts.
        pub usage: Usage = "usage",
        /// The tools that were on offer.
        pub tools: Vec<Tool> = "tools",
        /// The choice among them.
        pub tool_choice: Box<RawValue> = "tool_choice",
        /// The instructions.
        pub instructions: Box<RawValue> = "instructions",
        /// The metadata.
        pub metadata: Box<RawValue> = "metadata",
    }
}

wire_object! {
    /// Why an answer is incomplete.
    pub struct IncompleteDetails {
        /// `max_output_tokens` or `content_filter`.
        pub reason: String = "reason",
    }
}

wire_object! {
    /// Token counts.
    pub struct Usage {
        /// Tokens of the prompt, cached ones included.
        pub input_tokens: u64 = "input_tokens",
        /// Details of them.
        pub input_tokens_details: Box<RawValue> = "input_tokens_details",
        /// Tokens of the answer, reasoning included.
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
        /// Counted from 0 without gaps.
        pub sequence_number: u64 = "sequence_number",
        /// The response as it stands.
        pub response: ResponseObject = "response",
        /// Which item.
        pub output_index: u64 = "output_index",
        /// Its id.
        pub item_id: String = "item_id",
        /// The item as it stands.
        pub item: Item = "item",
        /// Which part of it.
        pub content_index: u64 = "content_index",
        /// Which section of a summary.
        pub summary_index: u64 = "summary_index",
        /// The part as it stands.
        pub part: Part = "part",
        /// What is new.
        pub delta: Box<RawValue> = "delta",
        /// A complete text.
        pub text: String = "text",
        /// Complete arguments.
        pub arguments: String = "arguments",
    }
}
