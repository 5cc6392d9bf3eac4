//! The request, its tools and settings.

use super::content::{Block, CacheControl, Content};
use crate::json::typed::{from_text, wire_object, wire_union};
use crate::json::{Number, RawJson};

wire_object! {
    /// A request of the Messages API: <https://docs.anthropic.com/en/api/messages>.
    pub struct MessagesRequest {
        /// The id of the model.
        model with_model: {String} = "model",
        /// The most tokens of the response.
        max_tokens with_max_tokens: (u64) = "max_tokens",
        /// The system prompt: a string, or a list of text blocks.
        system with_system: {System} = "system",
        /// The conversation.
        messages with_messages: [MessageParam] = "messages",
        /// Whether to stream.
        stream with_stream: (bool) = "stream",
        /// Sampling temperature, 0 to 1.
        temperature with_temperature: {Number} = "temperature",
        /// Nucleus sampling.
        top_p with_top_p: {Number} = "top_p",
        /// Samples from the k most likely tokens only.
        top_k with_top_k: (u64) = "top_k",
        /// Texts that end the output.
        stop_sequences with_stop_sequences: [String] = "stop_sequences",
        /// The tools that the model may call.
        tools with_tools: [Tool] = "tools",
        /// Which tool the model may or must call.
        tool_choice with_tool_choice: {ToolChoice} = "tool_choice",
        /// Whether and how the model reasons first.
        thinking with_thinking: {Thinking} = "thinking",
        /// The effort, and the format of the output.
        output_config with_output_config: {OutputConfig} = "output_config",
        /// The end user.
        metadata with_metadata: {Metadata} = "metadata",
        /// `auto` or `standard_only`.
        service_tier with_service_tier: {String} = "service_tier",
        /// The container in which code runs.
        container with_container: {Container} = "container",
    }
}

impl MessagesRequest {
    /// A request for the next message of a conversation. The API requires a limit on the tokens of the response.
    pub fn new(
        model: impl Into<String>,
        max_tokens: u64,
        messages: impl IntoIterator<Item = MessageParam>,
    ) -> Self {
        Self::default().with_model(model).with_max_tokens(max_tokens).with_messages(messages)
    }
}

wire_union! {
    /// The system prompt.
    pub enum System {
        /// A text.
        Text(String),
        /// Text blocks, which may have cache breakpoints.
        Blocks(Vec<Block>),
    }
}

wire_union! {
    /// The container in which code runs.
    pub enum Container {
        /// The id of one that exists.
        Id(String),
        /// One with skills.
        Options(ContainerOptions),
    }
}

from_text!(System[Block], Container);

wire_object! {
    /// A container with skills.
    pub struct ContainerOptions {
        /// The id of one that exists.
        id with_id: {String} = "id",
        /// What is loaded into it.
        skills with_skills: [RawJson] = "skills",
    }
}

wire_object! {
    /// A message of a request.
    pub struct MessageParam {
        /// `user`, `assistant`, or `system` in the middle of a conversation.
        role with_role: {String} = "role",
        /// A string, or a list of content blocks.
        content with_content: {Content} = "content",
    }
}

impl MessageParam {
    /// A message: its content is a text, or a list of content blocks.
    pub fn new(role: impl Into<String>, content: impl Into<Content>) -> Self {
        Self::default().with_role(role).with_content(content)
    }
}

wire_object! {
    /// A tool of the client, or one of the API's own, which its `type` names.
    pub struct Tool {
        /// Absent or `custom` for a tool of the client.
        kind with_kind: {String} = "type",
        /// The name.
        name with_name: {String} = "name",
        /// What the tool does.
        description with_description: {String} = "description",
        /// The JSON schema of the input.
        input_schema with_input_schema: {RawJson} = "input_schema",
        /// Whether the input must follow the schema exactly.
        strict with_strict: (bool) = "strict",
        /// A cache breakpoint.
        cache_control with_cache_control: {CacheControl} = "cache_control",
    }
}

impl Tool {
    /// A tool of the client with the JSON schema of its input.
    pub fn new(name: impl Into<String>, input_schema: RawJson) -> Self {
        Self::default().with_name(name).with_input_schema(input_schema)
    }
}

wire_union! {
    /// Which tool the model may or must call.
    pub enum ToolChoice by "type" {
        /// The model decides.
        Auto(ToolMode) = "auto",
        /// The model must call some tool.
        Any(ToolMode) = "any",
        /// The model must call this tool.
        Tool(ToolName) = "tool",
        /// The model must not call a tool.
        None(NoTool) = "none",
    }
}

impl ToolChoice {
    /// The model decides.
    pub fn auto() -> Self {
        Self::Auto(ToolMode::default())
    }

    /// The model must call some tool.
    pub fn any() -> Self {
        Self::Any(ToolMode::default())
    }

    /// The model must call this tool.
    pub fn tool(name: impl Into<String>) -> Self {
        Self::Tool(ToolName::default().with_name(name))
    }
}

wire_object! {
    /// How the model calls tools.
    pub struct ToolMode {
        /// Whether the model calls at most one tool.
        disable_parallel_tool_use with_disable_parallel_tool_use: (bool) = "disable_parallel_tool_use",
    }
}

wire_object! {
    /// The tool that the model must call.
    pub struct ToolName {
        /// Its name.
        name with_name: {String} = "name",
        /// Whether the model calls at most one tool.
        disable_parallel_tool_use with_disable_parallel_tool_use: (bool) = "disable_parallel_tool_use",
    }
}

wire_object! {
    /// The model must not call a tool.
    pub struct NoTool {}
}

wire_union! {
    /// Whether and how the model reasons first.
    pub enum Thinking by "type" {
        /// It does.
        Enabled(ThinkingEnabled) = "enabled",
        /// It decides itself.
        Adaptive(ThinkingAdaptive) = "adaptive",
        /// It does not.
        Disabled(ThinkingDisabled) = "disabled",
    }
}

impl Thinking {
    /// The model reasons with at most so many tokens.
    pub fn enabled(budget_tokens: u64) -> Self {
        Self::Enabled(ThinkingEnabled::default().with_budget_tokens(budget_tokens))
    }

    /// The model decides itself.
    pub fn adaptive() -> Self {
        Self::Adaptive(ThinkingAdaptive::default())
    }
}

wire_object! {
    /// The model reasons first.
    pub struct ThinkingEnabled {
        /// The most tokens of reasoning.
        budget_tokens with_budget_tokens: (u64) = "budget_tokens",
        /// `summarized` or `omitted`.
        display with_display: {String} = "display",
    }
}

wire_object! {
    /// The model decides itself whether it reasons.
    pub struct ThinkingAdaptive {
        /// `summarized` or `omitted`.
        display with_display: {String} = "display",
    }
}

wire_object! {
    /// The model does not reason first.
    pub struct ThinkingDisabled {}
}

wire_object! {
    /// The effort, and the format of the output.
    pub struct OutputConfig {
        /// `low`, `medium`, `high`, `xhigh`, `max`.
        effort with_effort: {String} = "effort",
        /// `{"type": "json_schema", "schema": …}`.
        format with_format: {OutputFormat} = "format",
    }
}

wire_object! {
    /// The format of the output.
    pub struct OutputFormat {
        /// `json_schema`.
        kind with_kind: {String} = "type",
        /// The JSON schema.
        schema with_schema: {RawJson} = "schema",
    }
}

wire_object! {
    /// The end user.
    pub struct Metadata {
        /// The end user's id.
        user_id with_user_id: {String} = "user_id",
    }
}
