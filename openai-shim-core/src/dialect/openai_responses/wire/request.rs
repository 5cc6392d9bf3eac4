//! The request, its tools and options.

use super::items::Item;
use crate::json::typed::{from_text, wire_object, wire_union};
use crate::json::{Number, RawJson};

wire_object! {
    /// A request: <https://platform.openai.com/docs/api-reference/responses/create>.
    pub struct ResponsesRequest {
        /// The model's id.
        model with_model: {String} = "model",
        /// A string, or a list of items.
        input with_input: {Input} = "input",
        /// The system message.
        instructions with_instructions: {String} = "instructions",
        /// Whether to stream.
        stream with_stream: (bool) = "stream",
        /// Options of the stream.
        stream_options with_stream_options: {StreamOptions} = "stream_options",
        /// The limit of output tokens, reasoning included.
        max_output_tokens with_max_output_tokens: (u64) = "max_output_tokens",
        /// The limit of calls of built-in tools.
        max_tool_calls with_max_tool_calls: (u64) = "max_tool_calls",
        /// Sampling temperature, 0 to 2.
        temperature with_temperature: {Number} = "temperature",
        /// Nucleus sampling, 0 to 1.
        top_p with_top_p: {Number} = "top_p",
        /// The number of alternatives per token, 0 to 20.
        top_logprobs with_top_logprobs: (u32) = "top_logprobs",
        /// The tools that the model may call.
        tools with_tools: [Tool] = "tools",
        /// `none`, `auto`, `required`, or one tool.
        tool_choice with_tool_choice: {ToolChoice} = "tool_choice",
        /// Whether several tools may be called in parallel.
        parallel_tool_calls with_parallel_tool_calls: (bool) = "parallel_tool_calls",
        /// Options of the text output.
        text with_text: {TextOptions} = "text",
        /// Options of the reasoning.
        reasoning with_reasoning: {ReasoningOptions} = "reasoning",
        /// Additional data for the response.
        include with_include: [String] = "include",
        /// Whether to store the response.
        store with_store: (bool) = "store",
        /// The response that this one continues.
        previous_response_id with_previous_response_id: {String} = "previous_response_id",
        /// The conversation that the request belongs to.
        conversation with_conversation: {Conversation} = "conversation",
        /// A stored prompt.
        prompt with_prompt: {RawJson} = "prompt",
        /// Whether to generate in the background.
        background with_background: (bool) = "background",
        /// `auto` or `disabled`.
        truncation with_truncation: {String} = "truncation",
        /// Up to 16 pairs of strings.
        metadata with_metadata: {RawJson} = "metadata",
        /// `auto`, `default`, `flex`, `priority`.
        service_tier with_service_tier: {String} = "service_tier",
        /// A stable and anonymous identifier of the end user.
        safety_identifier with_safety_identifier: {String} = "safety_identifier",
        /// Requests with the same key share a prompt cache.
        prompt_cache_key with_prompt_cache_key: {String} = "prompt_cache_key",
        /// The deprecated field that the two above replace.
        user with_user: {String} = "user",
    }
}

impl ResponsesRequest {
    /// A request: its input is a text, or a list of items.
    pub fn new(model: impl Into<String>, input: impl Into<Input>) -> Self {
        Self::default().with_model(model).with_input(input)
    }
}

wire_union! {
    /// The input of a request, or its instructions as a response repeats them.
    pub enum Input {
        /// A text of the user.
        Text(String),
        /// Items of the conversation.
        Items(Vec<Item>),
    }
}

wire_union! {
    /// The conversation that a request belongs to.
    pub enum Conversation {
        /// Its id.
        Id(String),
        /// An object with its id.
        Object(ConversationObject),
    }
}

wire_union! {
    /// Which tool the model may or must call.
    pub enum ToolChoice {
        /// `none`, `auto` or `required`.
        Mode(String),
        /// One tool, or several of which the model may choose.
        Tool(ToolChoiceObject),
    }
}

from_text!(Input[Item], Conversation, ToolChoice);

wire_object! {
    /// A conversation that the API stores.
    pub struct ConversationObject {
        /// Its id.
        id with_id: {String} = "id",
    }
}

wire_object! {
    /// One tool, or several of which the model may choose.
    pub struct ToolChoiceObject {
        /// `function`, `custom`, `mcp`, `allowed_tools`, or the type of a built-in tool.
        kind with_kind: {String} = "type",
        /// The name of a function or a custom tool.
        name with_name: {String} = "name",
        /// For `allowed_tools`: `auto` or `required`.
        mode with_mode: {String} = "mode",
        /// For `allowed_tools`: the tools.
        tools with_tools: [ToolChoiceObject] = "tools",
    }
}

wire_object! {
    /// Options of the stream.
    pub struct StreamOptions {
        /// Whether events are padded, so that their length tells nothing about the text.
        include_obfuscation with_include_obfuscation: (bool) = "include_obfuscation",
    }
}

wire_object! {
    /// Options of the text output.
    pub struct TextOptions {
        /// `text`, `json_object` or `json_schema`, as an object with `type`.
        format with_format: {TextFormat} = "format",
        /// `low`, `medium`, `high`.
        verbosity with_verbosity: {String} = "verbosity",
    }
}

wire_union! {
    /// The format of the text.
    pub enum TextFormat by "type" {
        /// Any text.
        Text(TypeOnly) = "text",
        /// Any JSON object.
        JsonObject(TypeOnly) = "json_object",
        /// JSON that follows a schema.
        JsonSchema(JsonSchemaFormat) = "json_schema",
    }
}

impl TextFormat {
    /// JSON that follows a schema exactly.
    pub fn json_schema(name: impl Into<String>, schema: RawJson) -> Self {
        Self::JsonSchema(JsonSchemaFormat::default().with_name(name).with_schema(schema).with_strict(true))
    }
}

wire_object! {
    /// An object that has a type and nothing else.
    pub struct TypeOnly {}
}

wire_object! {
    /// A named JSON schema.
    pub struct JsonSchemaFormat {
        /// The name.
        name with_name: {String} = "name",
        /// What the format is for.
        description with_description: {String} = "description",
        /// The JSON schema.
        schema with_schema: {RawJson} = "schema",
        /// Whether the response must match the schema exactly.
        strict with_strict: (bool) = "strict",
    }
}

wire_object! {
    /// Options of the reasoning.
    pub struct ReasoningOptions {
        /// `none`, `minimal`, `low`, `medium`, `high`, `xhigh`.
        effort with_effort: {String} = "effort",
        /// `auto`, `concise`, `detailed`.
        summary with_summary: {String} = "summary",
    }
}

wire_object! {
    /// A tool: a function, a custom tool, a namespace of tools, or a built-in one.
    pub struct Tool {
        /// `function`, `custom`, `namespace`, `web_search`, …
        kind with_kind: {String} = "type",
        /// The name of a function, a custom tool or a namespace.
        name with_name: {String} = "name",
        /// What the tool does.
        description with_description: {String} = "description",
        /// The JSON schema of a function's arguments.
        parameters with_parameters: {RawJson} = "parameters",
        /// Whether arguments must follow the schema exactly.
        strict with_strict: (bool) = "strict",
        /// The format of a custom tool's input.
        format with_format: {RawJson} = "format",
        /// The tools of a namespace.
        tools with_tools: [Tool] = "tools",
    }
}

impl Tool {
    /// A function with the JSON schema of its arguments.
    pub fn function(name: impl Into<String>, schema: RawJson) -> Self {
        Self::default().with_kind("function").with_name(name).with_parameters(schema)
    }
}
