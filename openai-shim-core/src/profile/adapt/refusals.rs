//! The wordings of upstream errors that an adaptation can follow from, each with its source.
//!
//! Wordings are lower case, with `'` for every kind of quote. `{param}`, `{path}` and `{role}` stand for one word, `{low}`,
//! `{high}` and `{below}` for a number, `*` for a few words. In the sources, `corpus` and `records` are this project's
//! recordings of real servers, and everything else is public; `General knowledge` marks a likely wording without a source.

/// Which part of an error a wording is searched in.
#[derive(Debug, Clone, Copy)]
pub(super) enum MatchScope {
    /// The whole message.
    Message,
    /// The message about a field whose path begins and ends with these names; an empty name matches any.
    Field(&'static str, &'static str),
    /// The error's code and type; the wording is one of them.
    Code,
}

/// What follows from a matching wording.
#[derive(Debug, Clone, Copy)]
pub(super) enum Remedy {
    /// Drop the named parameter or field, or send it otherwise.
    Drop,
    /// The same, where the name is not quoted.
    DropUnquoted,
    /// Drop the first of these parameters that was sent.
    DropFirstOf(&'static [&'static str]),
    /// Drop all of these that were sent, wherever they stand.
    DropAllOf(&'static [&'static str]),
    /// Move the named parameter into the stated range.
    Clamp,
    /// Send the role under another name.
    RenameRole,
    /// Send `system` as `user`: there is no system role.
    SystemRole,
    /// Send `developer` as `system`: there is no developer role.
    DeveloperRole,
    /// Request one of the listed response formats.
    AcceptedFormats,
    /// Request another response format than the one that was sent.
    RefusedFormat,
    /// Send one of the listed tool choices, or another one if none is listed.
    AcceptedChoices,
    /// Send the tool choice `auto`: no call can be forced.
    ChoiceAuto,
    /// Send content as a string; `null` or a list may be the cause.
    ContentType,
    /// Send `""` instead of `null` content.
    NullContent,
    /// Send a string instead of a list of parts.
    ContentAsString,
    /// Send one system message, at the beginning.
    MergeSystem,
    /// Make user and assistant messages alternate.
    AlternateRoles,
    /// Insert an assistant message between a tool result and a user message.
    AssistantAfterTool,
    /// Send `prefix` with an assistant message at the end.
    PrefixPrefill,
    /// Send tool call ids of nine letters and digits.
    ToolCallIdsAlnum9,
    /// Send tool call ids of at most 40 characters.
    ToolCallIdsMax40,
    /// Send the reasoning of earlier turns.
    RestoreReasoning,
    /// Drop the names of messages.
    DropMessageNames,
    /// Request no stream.
    DisableStreaming,
    /// Request streams only.
    RequireStreaming,
}

/// One wording of an error.
#[derive(Debug, Clone, Copy)]
pub(super) struct RefusalPattern {
    /// The wording, in the language of `message_pattern`.
    pub wording: &'static str,
    /// Where it is searched.
    pub scope: MatchScope,
    /// What follows from it.
    pub remedy: Remedy,
    /// It also counts in an error that blames the server (424, 500, 501).
    pub in_server_errors: bool,
}

const fn in_message(wording: &'static str, remedy: Remedy) -> RefusalPattern {
    RefusalPattern { wording, scope: MatchScope::Message, remedy, in_server_errors: false }
}

const fn error_code(wording: &'static str, remedy: Remedy) -> RefusalPattern {
    RefusalPattern { wording, scope: MatchScope::Code, remedy, in_server_errors: false }
}

const fn at_field(
    first: &'static str,
    last: &'static str,
    wording: &'static str,
    remedy: Remedy,
) -> RefusalPattern {
    RefusalPattern { wording, scope: MatchScope::Field(first, last), remedy, in_server_errors: true }
}

/// The wording of a chat template's error, which servers report as their own failure.
const fn from_template(wording: &'static str, remedy: Remedy) -> RefusalPattern {
    RefusalPattern { wording, scope: MatchScope::Message, remedy, in_server_errors: true }
}

/// Wordings of errors that no adaptation follows from: the operator or the client must act, or the cause is temporary.
pub(super) const UNADAPTABLE: &[&str] = &[
    "enable-auto-tool-choice", // vLLM without its flags: https://github.com/vllm-project/vllm/issues/9986
    "--jinja", // llama.cpp without its flag: corpus rig llamacpp/error_matrix/tools_without_jinja
    "mmproj",  // llama.cpp without its vision model: corpus rig llamacpp/multimodal_matrix
    "context length", // the prompt is too long, in many wordings
    "context window",
    "context size",
    "max_model_len", // vLLM, max_tokens against the context: records vllm/err_max_tokens_huge
    "tokens + 'max_new_tokens'", // TGI, the same: https://github.com/barun-saha/slide-deck-ai/issues/44
    "the word 'json'", // OpenAI and DeepSeek alike: https://github.com/browserbase/stagehand/issues/1204
    "only allowed when", // OpenAI: 'tool_choice' is only allowed when 'tools' are specified
    // vLLM, stream_options without stream: records vllm/chat_stream_options_no_stream
    "can only be defined when",
    // vLLM, tool_choice without tools: https://github.com/vllm-project/vllm/issues/9426
    "'tools' must be set",
    "cannot be combined",  // Groq: json mode with tools or streams
    "cannot both be",      // Anthropic: temperature beside top_p; which one is the client's choice
    "cannot specify both", // https://github.com/LanceMoe/openai-translator/issues/27
    "mutually exclusive",
    "at the same time", // OpenAI: max_tokens beside max_completion_tokens
    "cannot use both",  // llama.cpp: corpus rig llamacpp/structured_output_matrix
    "api key",
    "does not exist",
    "model not found",
];

use Remedy::{
    AcceptedChoices, AcceptedFormats, AlternateRoles, AssistantAfterTool, ChoiceAuto, Clamp, ContentAsString,
    ContentType, DeveloperRole, DisableStreaming, Drop, DropAllOf, DropFirstOf, DropMessageNames,
    DropUnquoted, MergeSystem, NullContent, PrefixPrefill, RefusedFormat, RenameRole, RequireStreaming,
    RestoreReasoning, SystemRole, ToolCallIdsAlnum9, ToolCallIdsMax40,
};

/// The parameters that ask for log probabilities.
const LOGPROBS: [&str; 4] =
    ["logprobs", "top_logprobs", "generationConfig.logprobs", "generationConfig.responseLogprobs"];

/// All wordings, tried from first to last.
pub(super) const PATTERNS: &[RefusalPattern] = &[
    // -- ids of tool calls
    error_code("3280", ToolCallIdsAlnum9), // Mistral: https://github.com/editor-code-assistant/eca/issues/233
    // mistral-common behind other servers: https://github.com/jundot/omlx/pull/1997
    from_template("must be a-z, a-z, 0-9, with a length of 9", ToolCallIdsAlnum9),
    // Mistral's templates: https://github.com/ggml-org/llama.cpp/issues/11402
    from_template("tool call ids should be alphanumeric strings with length 9", ToolCallIdsAlnum9),
    // OpenAI: https://github.com/vercel/ai/issues/8132
    in_message("id': string too long. expected a string with maximum length 40", ToolCallIdsMax40),
    // -- the order of messages
    // Mistral 3230, also for a tool after a user: https://github.com/avante-corp/avante.nvim/pull/2695
    from_template("unexpected role 'user' after role 'tool'", AssistantAfterTool),
    // Mistral: https://github.com/0xPlaygrounds/rig/pull/1130
    in_message("expected last role user or tool (or assistant with prefix true)", PrefixPrefill),
    // Qwen 3.5's and other templates: https://github.com/moltis-org/moltis/issues/317
    from_template("system message must be at the beginning", MergeSystem),
    // General knowledge.
    from_template("system message must be the first", MergeSystem),
    // General knowledge.
    from_template("system messages must be at the beginning", MergeSystem),
    // General knowledge.
    from_template("only one system message", MergeSystem),
    // Mistral's and Gemma's templates: https://github.com/microsoft/autogen/issues/1037,
    // https://github.com/ggml-org/llama.cpp/issues/19851
    from_template("roles must alternate", AlternateRoles),
    // Perplexity: https://github.com/perplexityai/api-discussion/issues/265
    in_message("user and assistant roles should be alternating", AlternateRoles),
    // Perplexity: https://github.com/iamsrikanthnani/pluely/issues/71
    in_message("should alternate with assistant message", AlternateRoles),
    // DeepSeek's reasoner: https://github.com/GaiZhenbiao/ChuanhuChatGPT/issues/1184
    in_message("does not support successive user or assistant messages", AlternateRoles),
    // -- roles
    // OpenAI o1: corpus pydantic-ai test_openai_o1_mini_system_role
    in_message("role' does not support '{role}' with this model", RenameRole),
    // DeepSeek: https://github.com/losesky/ai-auto-trading/issues/14
    in_message("role: unknown variant '{role}', expected", RenameRole),
    // Rust servers behind a path-less message
    in_message("unknown variant '{role}', expected one of", RenameRole),
    // DashScope: https://github.com/DayuanJiang/next-ai-draw-io/issues/304
    in_message("{role} is not one of [", RenameRole),
    // General knowledge.
    in_message("'{role}' is not one of [", RenameRole),
    // mlx-openai-server: https://github.com/cubist38/mlx-openai-server/issues/168; records llama-cpp-python/chat_developer
    at_field("messages", "role", "input should be ", RenameRole),
    // Ministral 3's template: https://github.com/anomalyco/opencode/issues/5034
    from_template("roles are supported, got {role}", RenameRole),
    // General knowledge.
    from_template("unexpected message role: {role}", RenameRole),
    // General knowledge.
    from_template("unexpected message role '{role}'", RenameRole),
    // Qwen 3.5's template, which knows all but this: https://github.com/1CatAI/1Cat-vLLM/issues/493
    from_template("unexpected message role", DeveloperRole),
    // General knowledge.
    from_template("unknown role: {role}", RenameRole),
    // General knowledge.
    in_message("invalid role: {role}", RenameRole),
    // General knowledge.
    in_message("role '{role}' is not supported", RenameRole),
    // General knowledge.
    in_message("unsupported role: {role}", RenameRole),
    // Gemma 2's template: https://github.com/sgl-project/sglang/issues/892
    from_template("system role not supported", SystemRole),
    // General knowledge.
    from_template("system role is not supported", SystemRole),
    // Phi's and others' templates
    from_template("only user and assistant roles are supported", SystemRole),
    // Gemma behind the Gemini API: https://github.com/0xPlaygrounds/rig/issues/788
    in_message("developer instruction is not enabled", SystemRole),
    // -- content
    // Ollama: https://github.com/SAIL-Research-Lab/cheetahclaws/pull/72
    in_message("invalid message content type: <nil>", NullContent),
    // LM Studio: https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/261
    in_message("'content' field must be a string or an array of objects", NullContent),
    // llama.cpp: https://github.com/ggml-org/llama.cpp/issues/13471
    from_template("expected 'content' to be a string or an array", NullContent),
    // OpenAI: https://github.com/run-llama/llama_index/issues/17555
    in_message("'content': expected a string, got null", NullContent),
    // https://github.com/peach0x33a/cmdcode2api/pull/7
    in_message("expected string, received null at '*messages", NullContent),
    // General knowledge.
    in_message("content: invalid type: null, expected", NullContent),
    // llama-cpp-python's templates: records llama-cpp-python/chat_null_content
    from_template("can only concatenate str (not 'nonetype') to str", NullContent),
    // records llama-cpp-python/chat_image
    from_template("can only concatenate str (not 'list') to str", ContentAsString),
    // SambaNova: https://github.com/BerriAI/litellm/pull/16612
    in_message("invalid 'content' type. expected one of: ['str'], got list", ContentAsString),
    // Lemonade: https://github.com/lemonade-sdk/lemonade/issues/629
    in_message("type must be string, but is array", ContentAsString),
    // https://github.com/0x676e67/duckai/issues/16
    in_message("content: invalid type: sequence, expected a string", ContentAsString),
    // Azure: https://github.com/danny-avila/LibreChat/issues/3111
    in_message("content': expected a string, but got an array", ContentAsString),
    // General knowledge.
    in_message("content must be a string", ContentType),
    // pydantic: records vllm/chat_null_content
    at_field("messages", "content", "input should be a valid string", ContentType),
    at_field("messages", "content", "str type expected", ContentType), // pydantic 1
    // -- reasoning
    // DeepSeek V4: https://github.com/earendil-works/pi/issues/3636
    in_message("'reasoning_content' in the thinking mode must be passed back", RestoreReasoning),
    // the same without quotes: https://github.com/JohnnyZ93/oai-compatible-copilot/issues/215
    in_message("reasoning_content in the thinking mode must be passed back", RestoreReasoning),
    // Kimi: https://github.com/continuedev/continue/issues/11527
    in_message("reasoning_content is missing in assistant", RestoreReasoning),
    // -- streams
    // DashScope: https://github.com/tencentmusic/supersonic/issues/2355
    in_message("enable_thinking must be set to false for non-streaming calls", RequireStreaming),
    // ModelScope: https://github.com/musistudio/claude-code-router/issues/948
    in_message("can not be support when 'stream=false'", RequireStreaming),
    // DashScope, QwQ: https://github.com/infiniflow/ragflow/issues/5912
    in_message("only support stream mode", RequireStreaming),
    // OpenAI o1: https://github.com/github/gh-models/issues/31
    in_message("'stream' does not support true with this model", DisableStreaming),
    // -- names
    // xAI: https://github.com/BerriAI/litellm/issues/9720
    in_message("only messages of role 'user' can have a name", DropMessageNames),
    // xAI: https://github.com/pipecat-ai/pipecat/pull/2274
    in_message("only message of role user can have a name", DropMessageNames),
    // -- tool choice
    // LM Studio: https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/670
    in_message("invalid tool_choice type: 'object'", AcceptedChoices),
    at_field("tool_choice", "", "input should be ", AcceptedChoices), // Mistral's words: records litserve/tools_required
    // DeepSeek: corpus rig deepseek/forced_tool_choice_under_thinking
    in_message("does not support this tool_choice", ChoiceAuto),
    in_message("does not support this 'tool_choice'", ChoiceAuto), // https://github.com/can1357/oh-my-pi/issues/945
    // Moonshot: https://github.com/AstrBotDevs/AstrBot/issues/7805
    in_message("tool_choice 'required' is incompatible with thinking", ChoiceAuto),
    // Moonshot: https://github.com/can1357/oh-my-pi/issues/1077
    in_message("tool_choice specified is incompatible with thinking", ChoiceAuto),
    // OpenRouter: https://github.com/zed-industries/zed/issues/36094
    in_message("support the provided 'tool_choice' value", AcceptedChoices),
    // -- formats
    // LM Studio: https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/169
    in_message("'response_format.type' must be ", AcceptedFormats),
    in_message("response_format type must be ", AcceptedFormats), // llama.cpp: records llama-server/response_format_unknown
    at_field("response_format", "type", "input should be ", AcceptedFormats), // records llama-cpp-python/json_schema
    // DeepSeek: https://github.com/ItzCrazyKns/Vane/issues/969
    in_message("this response_format type is unavailable now", RefusedFormat),
    // https://github.com/BerriAI/litellm/pull/31466
    in_message("response_format.type 'json_schema' is unavailable", RefusedFormat),
    // Groq: https://github.com/ItzCrazyKns/Vane/issues/980
    in_message("does not support response format 'json_schema'", RefusedFormat),
    // OpenAI: https://github.com/openai/openai-dotnet/issues/276
    in_message("'response_format' of type '*' is not supported", RefusedFormat),
    // xAI at first: https://github.com/BerriAI/litellm/issues/6610
    in_message("the response_format parameter is unsupported", DropFirstOf(&["response_format"])),
    // -- ranges
    // DeepSeek: https://github.com/deepseek-ai/DeepSeek-V3/issues/69
    in_message("valid range of {param} is [{low}, {high}]", Clamp),
    // DashScope: https://github.com/open-webui/open-webui/issues/10507
    in_message("range of {param} should be [{low}, {high}]", Clamp),
    in_message("{param} must be in [{low}, {high}]", Clamp), // vLLM: records vllm/err_temperature_9
    // corpus rig doubleword/invalid_temperature_blocking
    in_message("{param} must be between {low} and {high}", Clamp),
    // Anthropic: corpus rig anthropic/validation_error_carries_identity
    in_message("{param}: range: {low}..{high}", Clamp),
    // records llama-server/err_n0
    in_message("field '{param}': value must be between {low} <= value <= {high}", Clamp),
    // OpenAI: https://github.com/ChatGPTNextWeb/NextChat/issues/3195
    in_message("{param} is too large: * this model supports at most {high} completion tokens", Clamp),
    // Anthropic, general knowledge
    in_message("{param}: * > {high}, which is the maximum allowed number of output tokens", Clamp),
    // Groq: https://github.com/RooCodeInc/Roo-Code/issues/5136
    in_message("'{param}' must be less than or equal to '{high}'", Clamp),
    // General knowledge.
    in_message("{param} must be less than or equal to {high}", Clamp),
    // Volcengine Ark: https://github.com/Gitlawb/openclaude/issues/331
    in_message("'{param}' specified in the request * expected a value <= {high}", Clamp),
    // General knowledge.
    in_message("{param} specified in the request * expected a value <= {high}", Clamp),
    // TGI: https://github.com/huggingface/text-generation-inference/issues/1582,
    // https://github.com/huggingface/transformers/issues/28523
    in_message("'{param}' must be > {low} and < {below}", Clamp),
    // General knowledge.
    in_message("'{param}' must be <= {high}", Clamp),
    // OpenAI: corpus rig openai/chat_completions_validation_error_carries_identity
    in_message("invalid '{param}': decimal above maximum value. expected a value <= {high}", Clamp),
    // General knowledge.
    in_message("invalid '{param}': integer above maximum value. expected a value <= {high}", Clamp),
    // Vertex: corpus opentelemetry test_generate_content_invalid_temperature
    in_message("has a {param} value of * range is from {low} (inclusive) to {below} (exclusive)", Clamp),
    // pydantic: records llama-cpp-python/err_top_p_2
    at_field("", "", "input should be less than or equal to {high}", Clamp),
    // General knowledge.
    at_field("", "", "input should be greater than or equal to {low}", Clamp),
    // -- parameters, by code
    error_code("unsupported_parameter", Drop), // OpenAI: corpus envoyproxy chat-bad-request, crewAI stop
    error_code("unknown_parameter", Drop),     // Azure: https://github.com/openai/openai-python/issues/1492
    error_code("unsupported_value", Drop),     // OpenAI: https://github.com/QwenLM/qwen-code/issues/921
    // -- parameters, by words
    in_message("unsupported parameter: '{param}'", Drop), // OpenAI behind gateways that lose the code
    in_message("unsupported value: '{param}' does not support", Drop), // https://github.com/cline/cline/issues/341
    in_message("unknown parameter: '{param}'", Drop), // https://github.com/microsoft/semantic-kernel/issues/8189
    // Azure: https://github.com/Azure/azure-sdk-for-net/issues/45719
    in_message("unrecognized request argument supplied: {param}", Drop),
    // General knowledge.
    in_message("unrecognized request arguments supplied: {param}", Drop),
    // Gemini, for members: https://github.com/BerriAI/litellm/issues/6136
    in_message("unknown name '{param}' at '{path}'", Drop),
    // Gemini: https://github.com/n4ze3m/page-assist/issues/418
    in_message("unknown name '{param}': cannot find field", Drop),
    // Databricks: https://github.com/continuedev/continue/issues/12936; serde
    in_message("unknown field '{param}'", Drop),
    // Groq, for members: https://github.com/chatboxai/chatbox/issues/2081
    in_message("'{path}' : property '{param}' is unsupported", Drop),
    // Groq https://github.com/fanenr/chatbot/issues/21, Cerebras https://github.com/egoist/chatwise-releases/issues/1442
    in_message("property '{param}' is unsupported", Drop),
    // Fireworks: https://github.com/FlowiseAI/Flowise/issues/2866
    in_message("extra inputs are not permitted, field: '{param}'", Drop),
    // Azure AI: https://github.com/microsoft/semantic-kernel/issues/10510
    in_message("validation error at {param}: extra inputs are not permitted", Drop),
    // Mistral, vLLM: https://github.com/mistralai/platform-docs-public/issues/7,
    // https://github.com/1Panel-dev/MaxKB/issues/2912
    at_field("", "", "extra inputs are not permitted", Drop),
    at_field("", "", "extra fields not permitted", Drop), // pydantic 1
    // Bedrock: https://github.com/anthropics/anthropic-sdk-typescript/issues/592
    in_message("{path}: extraneous key [{param}] is not permitted", Drop),
    // JSON schema validators, OpenAI among them: https://github.com/openai/openai-node/issues/1161
    in_message("additional properties are not allowed ('{param}'* were unexpected) - '{path}'", Drop),
    // General knowledge.
    in_message("additional properties are not allowed ('{param}' was unexpected) - '{path}'", Drop),
    // General knowledge.
    in_message("additional properties are not allowed ('{param}' was unexpected)", Drop),
    in_message("unrecognized key(s) in object: '{param}'", Drop), // zod, general knowledge
    // records transformers-serve/err_unknown_param
    in_message("unexpected fields in the request: *'{param}'", Drop),
    // xAI: https://github.com/n8n-io/n8n/issues/14581
    in_message("argument not supported on this model: {param}", Drop),
    in_message("argument not supported: {param}", Drop), // xAI: https://github.com/yym68686/uni-api/issues/105
    in_message("does not support parameter {param}", Drop), // xAI: https://github.com/chenyme/grok2api/issues/814
    // litellm: https://github.com/BerriAI/litellm/issues/7748
    in_message("does not support parameters: *'{param}'", Drop),
    // General knowledge.
    in_message("does not support the '{param}' parameter", Drop),
    // Groq: https://github.com/iamsrikanthnani/pluely/issues/242
    in_message("'{param}' is not supported with this model", Drop),
    // General knowledge.
    in_message("parameter '{param}' is not supported", Drop),
    // General knowledge.
    in_message("parameter {param} is not supported", Drop),
    // General knowledge.
    in_message("'{param}' parameter is not supported", Drop),
    // General knowledge.
    in_message("'{param}' is not supported", Drop),
    // General knowledge.
    in_message("'{param}' is unsupported", Drop),
    // General knowledge.
    in_message("'{param}' is not allowed", Drop),
    // General knowledge.
    in_message("{param} is not supported", DropUnquoted),
    // General knowledge.
    in_message("{param} is not a supported parameter", DropUnquoted),
    // Claude and OpenAI behind gateways that take the quotes away: https://github.com/Comfy-Org/ComfyUI/issues/13923
    in_message("{param} is deprecated", DropUnquoted),
    in_message("{param} is no longer supported", DropUnquoted),
    in_message("unsupported value: {param} does not support", DropUnquoted),
    // OpenAI: corpus pydantic-ai web_search_tool_model_not_supported
    in_message("not supported with this model", Drop),
    // vLLM on Gaudi: https://github.com/vllm-project/vllm-gaudi/pull/1098
    in_message("please remove '{param}'", Drop),
    // Moonshot, only one value: https://github.com/opencyvis/opencyvis-phone/issues/12
    in_message("invalid {param}: only * is allowed for this model", Drop),
    // Groq: https://github.com/earendil-works/pi/issues/1745
    in_message("'reasoning_effort' must be one of", DropFirstOf(&["reasoning_effort"])),
    // pi/issues/3764
    in_message(
        "reasoning_effort' : value is not one of the allowed values",
        DropFirstOf(&["reasoning_effort"]),
    ),
    // General knowledge.
    in_message("reasoning_effort must be one of", DropFirstOf(&["reasoning_effort"])),
    // Claude Code's `metadata.user_id` has 150 characters, and is JSON. OpenAI takes 64:
    // https://github.com/BerriAI/litellm/pull/37623; its wording is that of other members
    in_message("'user': string too long", DropFirstOf(&["user"])),
    // Zhipu and Doubao: https://github.com/looplj/axonhub/issues/1669
    in_message(
        "user_id: the unique id of the user must be between",
        DropFirstOf(&["user_id", "user", "metadata"]),
    ),
    // DeepSeek: https://github.com/chenhg5/cc-connect/issues/864
    in_message("'user_id': string does not match pattern", DropFirstOf(&["user_id", "user", "metadata"])),
    // Mistral: corpus rig mistral/logprobs_rejection_matrix
    in_message("logprobs are not enabled", DropAllOf(&LOGPROBS)),
    // Gemini: https://github.com/GoogleCloudPlatform/generative-ai/issues/2947
    in_message("logprobs is not supported", DropAllOf(&LOGPROBS)),
    // General knowledge.
    in_message("logprobs is not enabled", DropAllOf(&LOGPROBS)),
    // Gemini: https://github.com/google-gemini/cookbook/issues/1290
    in_message("penalty is not enabled", DropAllOf(&["frequency_penalty", "presence_penalty"])),
];

#[cfg(test)]
mod tests {
    use super::super::message_pattern::find;
    use super::*;

    #[test]
    fn every_wording_matches_itself() {
        for pattern in PATTERNS {
            let mut message = pattern.wording.replace('*', "and so on");
            for (placeholder, value) in [
                ("param", "top_k"),
                ("path", "tools.0"),
                ("role", "developer"),
                ("low", "1"),
                ("high", "2.5"),
            ] {
                message = message.replace(&format!("{{{placeholder}}}"), value);
            }
            message = message.replace("{below}", "3");
            let message = format!("error: {message}.");
            assert!(find(pattern.wording, &message, |_| Some(())).is_some(), "{}", pattern.wording);
        }
    }

    #[test]
    fn wordings_are_written_as_messages_are_normalized() {
        for wording in PATTERNS.iter().map(|pattern| pattern.wording).chain(UNADAPTABLE.iter().copied()) {
            assert_eq!(wording, wording.to_ascii_lowercase());
            assert!(!wording.contains(['"', '`', '\\']) && !wording.is_empty(), "{wording}");
        }
    }
}
