//! The request, its messages and tools.

use super::choices::{AudioOptions, FunctionChoice, Prediction, ResponseFormat, Stop, ToolChoice};
use super::content::{Annotation, Audio, Content};
use crate::json::typed::wire_object;
use crate::json::{Number, RawJson};

wire_object! {
    /// A request: <https://platform.openai.com/docs/api-reference/chat/create>.
    pub struct ChatRequest {
        /// The model's id.
        model with_model: {String} = "model",
        /// The conversation.
        messages with_messages: [Message] = "messages",
        /// Whether to stream the response.
        stream with_stream: (bool) = "stream",
        /// Options of the stream.
        stream_options with_stream_options: {StreamOptions} = "stream_options",
        /// The most tokens of the output, reasoning included.
        max_completion_tokens with_max_completion_tokens: (u64) = "max_completion_tokens",
        /// The older name of `max_completion_tokens`, which most servers accept.
        max_tokens with_max_tokens: (u64) = "max_tokens",
        /// Sampling temperature, 0 to 2.
        temperature with_temperature: {Number} = "temperature",
        /// Nucleus sampling, 0 to 1.
        top_p with_top_p: {Number} = "top_p",
        /// How many choices.
        n with_n: (u32) = "n",
        /// Stop sequences: a string, or a list of up to four.
        stop with_stop: {Stop} = "stop",
        /// Penalty for tokens, by how often they occurred, -2 to 2.
        frequency_penalty with_frequency_penalty: {Number} = "frequency_penalty",
        /// Penalty for tokens that occurred, -2 to 2.
        presence_penalty with_presence_penalty: {Number} = "presence_penalty",
        /// Biases by token id.
        logit_bias with_logit_bias: {RawJson} = "logit_bias",
        /// Whether to return log probabilities.
        logprobs with_logprobs: (bool) = "logprobs",
        /// How many likely tokens to return for each position, 0 to 20.
        top_logprobs with_top_logprobs: (u32) = "top_logprobs",
        /// A seed.
        seed with_seed: (i64) = "seed",
        /// The offered tools.
        tools with_tools: [Tool] = "tools",
        /// `none`, `auto`, `required`, or one tool.
        tool_choice with_tool_choice: {ToolChoice} = "tool_choice",
        /// Whether the model may call several tools at once.
        parallel_tool_calls with_parallel_tool_calls: (bool) = "parallel_tool_calls",
        /// Legacy form of `tools`.
        functions with_functions: [Function] = "functions",
        /// Legacy form of `tool_choice`: `none`, `auto`, or one function.
        function_call with_function_call: {FunctionChoice} = "function_call",
        /// `text`, `json_object`, or `json_schema` with a schema.
        response_format with_response_format: {ResponseFormat} = "response_format",
        /// `none`, `minimal`, `low`, `medium`, `high`, `xhigh`.
        reasoning_effort with_reasoning_effort: {String} = "reasoning_effort",
        /// `low`, `medium`, `high`.
        verbosity with_verbosity: {String} = "verbosity",
        /// `text`, `audio`.
        modalities with_modalities: [String] = "modalities",
        /// Voice and format of audio output.
        audio with_audio: {AudioOptions} = "audio",
        /// A text that the output will mostly repeat.
        prediction with_prediction: {Prediction} = "prediction",
        /// Options of the web search.
        web_search_options with_web_search_options: {RawJson} = "web_search_options",
        /// Whether OpenAI stores the completion.
        store with_store: (bool) = "store",
        /// Up to 16 pairs of strings.
        metadata with_metadata: {RawJson} = "metadata",
        /// `auto`, `default`, `flex`, `priority`.
        service_tier with_service_tier: {String} = "service_tier",
        /// A stable and anonymous identifier of the end user.
        safety_identifier with_safety_identifier: {String} = "safety_identifier",
        /// Requests with the same key share a cache.
        prompt_cache_key with_prompt_cache_key: {String} = "prompt_cache_key",
        /// How long the prompt stays cached.
        prompt_cache_retention with_prompt_cache_retention: {String} = "prompt_cache_retention",
        /// The older name for `safety_identifier` and `prompt_cache_key`.
        user with_user: {String} = "user",
    }
}

impl ChatRequest {
    /// A request for the next message of a conversation.
    pub fn new(model: impl Into<String>, messages: impl IntoIterator<Item = Message>) -> Self {
        Self::default().with_model(model).with_messages(messages)
    }
}

wire_object! {
    /// Options of a stream.
    pub struct StreamOptions {
        /// Whether a last chunk has the token counts.
        include_usage with_include_usage: (bool) = "include_usage",
        /// Whether chunks are padded, so that their length tells nothing about the text.
        include_obfuscation with_include_obfuscation: (bool) = "include_obfuscation",
    }
}

wire_object! {
    /// A message of any role, in requests and responses.
    pub struct Message {
        /// `developer`, `system`, `user`, `assistant` or `tool`.
        role with_role: {String} = "role",
        /// A string, a list of content parts, or null.
        content with_content: {Content} = "content",
        /// The name of the participant.
        name with_name: {String} = "name",
        /// The model's refusal.
        refusal with_refusal: {String} = "refusal",
        /// The assistant's tool calls.
        tool_calls with_tool_calls: [ToolCall] = "tool_calls",
        /// The id of the call whose result a tool's message is.
        tool_call_id with_tool_call_id: {String} = "tool_call_id",
        /// Legacy form of `tool_calls`.
        function_call with_function_call: {FunctionCall} = "function_call",
        /// Audio output, or the id of one.
        audio with_audio: {Audio} = "audio",
        /// Citations.
        annotations with_annotations: [Annotation] = "annotations",
        /// Reasoning. Not OpenAI's field, but that of most servers.
        reasoning_content with_reasoning_content: {String} = "reasoning_content",
    }
}

impl Message {
    /// A message: its content is a text, or a list of parts.
    pub fn new(role: impl Into<String>, content: impl Into<Content>) -> Self {
        Self::default().with_role(role).with_content(content)
    }

    /// The result of a tool call.
    pub fn tool(call_id: impl Into<String>, content: impl Into<Content>) -> Self {
        Self::new("tool", content).with_tool_call_id(call_id)
    }

    /// Returns the content, if it is a text.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Some(Content::Text(text)) => Some(text),
            _ => None,
        }
    }
}

wire_object! {
    /// A tool call; in a stream a delta of one.
    pub struct ToolCall {
        /// In a stream: which call the delta belongs to.
        index with_index: (u32) = "index",
        /// The call's id.
        id with_id: {String} = "id",
        /// `function` or `custom`.
        kind with_kind: {String} = "type",
        /// The function and its arguments.
        function with_function: {FunctionCall} = "function",
        /// The custom tool and its input.
        custom with_custom: {CustomCall} = "custom",
    }
}

wire_object! {
    /// A function and its arguments.
    pub struct FunctionCall {
        /// The name.
        name with_name: {String} = "name",
        /// The arguments as JSON text; in a stream a part of it.
        arguments with_arguments: {String} = "arguments",
    }
}

wire_object! {
    /// A custom tool and its input.
    pub struct CustomCall {
        /// The name.
        name with_name: {String} = "name",
        /// The input; in a stream a part of it.
        input with_input: {String} = "input",
    }
}

wire_object! {
    /// An offered tool.
    pub struct Tool {
        /// `function` or `custom`.
        kind with_kind: {String} = "type",
        /// The function.
        function with_function: {Function} = "function",
        /// The custom tool.
        custom with_custom: {CustomTool} = "custom",
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
    /// An offered function.
    pub struct Function {
        /// The name: letters, digits, `_` and `-`, at most 64.
        name with_name: {String} = "name",
        /// What the function does.
        description with_description: {String} = "description",
        /// The JSON schema of its arguments.
        parameters with_parameters: {RawJson} = "parameters",
        /// Whether the arguments must match the schema exactly.
        strict with_strict: (bool) = "strict",
    }
}

wire_object! {
    /// An offered custom tool: its input is a text.
    pub struct CustomTool {
        /// The name.
        name with_name: {String} = "name",
        /// What the tool does.
        description with_description: {String} = "description",
        /// The form of the input: `text`, or a `grammar`.
        format with_format: {RawJson} = "format",
    }
}
