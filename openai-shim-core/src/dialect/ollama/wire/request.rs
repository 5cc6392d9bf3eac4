//! The requests, their messages, tools and parameters.

use crate::json::typed::{from_text, wire_object, wire_union};
use crate::json::{Number, RawJson};

wire_object! {
    /// A request of `/api/chat`: <https://docs.ollama.com/api/chat>.
    pub struct ChatRequest {
        /// The model's name, with its tag.
        model with_model: {String} = "model",
        /// The conversation; without messages the model is only loaded.
        messages with_messages: [Message] = "messages",
        /// The tools that the model may call.
        tools with_tools: [Tool] = "tools",
        /// Whether to stream; absent means yes.
        stream with_stream: (bool) = "stream",
        /// `json`, or a JSON schema.
        format with_format: {Format} = "format",
        /// Whether the model reasons first, or how much: `low`, `medium`, `high`.
        think with_think: {Think} = "think",
        /// Parameters of the model.
        options with_options: {Options} = "options",
        /// How long the model stays loaded: seconds, or a string such as `5m`.
        keep_alive with_keep_alive: {KeepAlive} = "keep_alive",
        /// Whether to return log probabilities.
        logprobs with_logprobs: (bool) = "logprobs",
        /// How many alternatives per token have log probabilities.
        top_logprobs with_top_logprobs: (u32) = "top_logprobs",
    }
}

impl ChatRequest {
    /// A request for the next message of a conversation.
    pub fn new(model: impl Into<String>, messages: impl IntoIterator<Item = Message>) -> Self {
        Self::default().with_model(model).with_messages(messages)
    }
}

wire_object! {
    /// A request of `/api/generate`: <https://docs.ollama.com/api/generate>.
    pub struct GenerateRequest {
        /// The model's name, with its tag.
        model with_model: {String} = "model",
        /// The prompt; without one the model is only loaded.
        prompt with_prompt: {String} = "prompt",
        /// The text after the output, for models that fill in the middle.
        suffix with_suffix: {String} = "suffix",
        /// The system prompt.
        system with_system: {String} = "system",
        /// The prompt template.
        template with_template: {String} = "template",
        /// The `context` of an earlier response.
        context with_context: [i64] = "context",
        /// Whether to stream; absent means yes.
        stream with_stream: (bool) = "stream",
        /// Whether the prompt is used without a template.
        raw with_raw: (bool) = "raw",
        /// `json`, or a JSON schema.
        format with_format: {Format} = "format",
        /// Images in base64.
        images with_images: [String] = "images",
        /// Whether the model reasons first, or how much: `low`, `medium`, `high`.
        think with_think: {Think} = "think",
        /// Parameters of the model.
        options with_options: {Options} = "options",
        /// How long the model stays loaded.
        keep_alive with_keep_alive: {KeepAlive} = "keep_alive",
    }
}

impl GenerateRequest {
    /// A request for the answer to a prompt.
    pub fn new(model: impl Into<String>, prompt: impl Into<String>) -> Self {
        Self::default().with_model(model).with_prompt(prompt)
    }
}

wire_union! {
    /// The format of the response.
    pub enum Format {
        /// `json`: any JSON.
        Word(String),
        /// JSON that follows this schema.
        Schema(RawJson),
    }
}

wire_union! {
    /// Whether the model reasons first, or how much.
    pub enum Think {
        /// Whether it does.
        Switch(bool),
        /// How much: `low`, `medium`, `high`.
        Level(String),
    }
}

wire_union! {
    /// How long the model stays loaded.
    pub enum KeepAlive {
        /// Seconds; below zero: for ever.
        Seconds(Number),
        /// A duration with its unit, such as `5m`.
        Duration(String),
    }
}

wire_union! {
    /// Stop sequences.
    pub enum Stop {
        /// One.
        One(String),
        /// Several.
        Many(Vec<String>),
    }
}

from_text!(Format, Think, KeepAlive, Stop { Many });

wire_object! {
    /// Parameters of the model: <https://docs.ollama.com/modelfile#valid-parameters-and-values>.
    pub struct Options {
        /// The most tokens of the response; below zero: no limit.
        num_predict with_num_predict: (i64) = "num_predict",
        /// The size of the context window in tokens.
        num_ctx with_num_ctx: (u64) = "num_ctx",
        /// Sampling temperature.
        temperature with_temperature: {Number} = "temperature",
        /// Nucleus sampling.
        top_p with_top_p: {Number} = "top_p",
        /// Samples from the k most likely tokens only.
        top_k with_top_k: (i64) = "top_k",
        /// The least probability of a token, as a fraction of that of the most likely one.
        min_p with_min_p: {Number} = "min_p",
        /// The random seed.
        seed with_seed: (i64) = "seed",
        /// The stop sequences: a string, or a list of strings.
        stop with_stop: {Stop} = "stop",
        /// A factor that penalizes tokens that occurred.
        repeat_penalty with_repeat_penalty: {Number} = "repeat_penalty",
        /// Penalty for tokens that occurred.
        presence_penalty with_presence_penalty: {Number} = "presence_penalty",
        /// Penalty for tokens by how often they occurred.
        frequency_penalty with_frequency_penalty: {Number} = "frequency_penalty",
    }
}

wire_object! {
    /// A message of a request or response.
    pub struct Message {
        /// `system`, `user`, `assistant` or `tool`.
        role with_role: {String} = "role",
        /// The text.
        content with_content: {String} = "content",
        /// The reasoning before the text.
        thinking with_thinking: {String} = "thinking",
        /// Images in base64.
        images with_images: [String] = "images",
        /// The tool calls of the assistant.
        tool_calls with_tool_calls: [ToolCall] = "tool_calls",
        /// The name of the tool whose result this is.
        tool_name with_tool_name: {String} = "tool_name",
        /// The id of the call whose result this is.
        tool_call_id with_tool_call_id: {String} = "tool_call_id",
    }
}

impl Message {
    /// A message with one text.
    pub fn new(role: impl Into<String>, text: impl Into<String>) -> Self {
        Self::default().with_role(role).with_content(text)
    }
}

wire_object! {
    /// A tool call.
    pub struct ToolCall {
        /// The id, which only newer versions have.
        id with_id: {String} = "id",
        /// The function and its arguments.
        function with_function: {FunctionCall} = "function",
    }
}

wire_object! {
    /// A function and its arguments.
    pub struct FunctionCall {
        /// The index of the call in the response.
        index with_index: (u32) = "index",
        /// The name.
        name with_name: {String} = "name",
        /// The arguments, a JSON object.
        arguments with_arguments: {RawJson} = "arguments",
    }
}

wire_object! {
    /// A tool that the model may call.
    pub struct Tool {
        /// `function`.
        kind with_kind: {String} = "type",
        /// The function.
        function with_function: {Function} = "function",
    }
}

impl Tool {
    /// A function with the JSON schema of its arguments.
    pub fn function(name: impl Into<String>, schema: RawJson) -> Self {
        let function = Function::default().with_name(name).with_parameters(schema);
        Self::default().with_kind("function").with_function(function)
    }
}

wire_object! {
    /// A function that the model may call.
    pub struct Function {
        /// The name.
        name with_name: {String} = "name",
        /// What the function does.
        description with_description: {String} = "description",
        /// The JSON schema of the arguments.
        parameters with_parameters: {RawJson} = "parameters",
    }
}
