//! The wordings of refusals, each with its source.
//!
//! Patterns are in small letters, with `'` for every kind of quote. `{param}`, `{at}` and `{role}` stand for one word,
//! `{low}`, `{high}` and `{below}` for a number, `*` for a few words. Rows are tried from top to bottom.
//! `corpus` and `records` are this project's recordings of real servers; all other sources are public;
//! `General knowledge` marks likely wordings for which no thread was looked up.

/// Where a row's words are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum MatchScope {
    /// Anywhere in the message.
    Anywhere,
    /// In a complaint about a field whose path begins and ends with these; empty for any.
    At(&'static str, &'static str),
    /// They are the error's code or type.
    DiagnosticCode,
}

/// What a row asks for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Remedy {
    /// Leave out what is named, or say it otherwise.
    Drop,
    /// The same, where the name stands without quotes.
    DropPlain,
    /// Leave out the first of these that was sent.
    Param(&'static [&'static str]),
    /// Move what is named into the range that is stated.
    Range,
    /// Send the role under another name.
    Role,
    /// There is no system role.
    System,
    /// There is no developer role.
    Developer,
    /// Only the formats that are listed are accepted.
    Format,
    /// This format is not accepted.
    FormatRefused,
    /// This tool choice is not accepted, only the listed ones, if any are.
    Choice,
    /// No call can be demanded.
    ChoiceAuto,
    /// Content must be a text.
    Content,
    /// Content must not be `null`.
    EmptyContent,
    /// Content must not be a list.
    FlattenText,
    /// One system message, in front.
    SingleSystem,
    /// User and assistant must alternate.
    Alternate,
    /// No user after a tool.
    BridgeToolUser,
    /// A last assistant message needs `prefix`.
    PrefixAssistant,
    /// Ids of nine letters and digits.
    ToolIdsNine,
    /// Ids of at most 40 characters.
    ToolIdsForty,
    /// Earlier reasoning must come along.
    ReasoningRequired,
    /// Messages have no names.
    DropName,
    /// No streams.
    NoStream,
    /// Streams only.
    StreamOnly,
}

/// One wording.
#[derive(Debug, Clone, Copy)]
pub(super) struct RefusalPattern {
    /// The words.
    pub says: &'static str,
    /// Where they stand.
    pub place: MatchScope,
    /// What is to be done.
    pub ask: Remedy,
    /// Also believed with a server's own fault (500, 501, 424).
    pub late: bool,
}

const fn says(says: &'static str, ask: Remedy) -> RefusalPattern {
    RefusalPattern { says, place: MatchScope::Anywhere, ask, late: false }
}

const fn code(says: &'static str, ask: Remedy) -> RefusalPattern {
    RefusalPattern { says, place: MatchScope::DiagnosticCode, ask, late: false }
}

const fn at(first: &'static str, last: &'static str, says: &'static str, ask: Remedy) -> RefusalPattern {
    RefusalPattern { says, place: MatchScope::At(first, last), ask, late: true }
}

/// A template's words: servers report them as their own fault.
const fn template(says: &'static str, ask: Remedy) -> RefusalPattern {
    RefusalPattern { says, place: MatchScope::Anywhere, ask, late: true }
}

/// Words that teach nothing: the operator or the client has to act, or it depends on the moment.
pub(super) const GUARDS: &[&str] = &[
    "enable-auto-tool-choice", // vLLM without its flags: https://github.com/vllm-project/vllm/issues/9986
    "--jinja", // llama.cpp without its flag: corpus rig llamacpp/error_matrix/tools_without_jinja
    "mmproj",  // llama.cpp without eyes: corpus rig llamacpp/multimodal_matrix
    "context length", // too long a prompt, in many words
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
    Alternate, BridgeToolUser, Choice, ChoiceAuto, Content, Developer, Drop, DropName, DropPlain,
    EmptyContent, FlattenText, Format, FormatRefused, NoStream, Param, PrefixAssistant, Range,
    ReasoningRequired, Role, SingleSystem, StreamOnly, System, ToolIdsForty, ToolIdsNine,
};

/// All wordings.
pub(super) const ROWS: &[RefusalPattern] = &[
    // -- ids of tool calls
    code("3280", ToolIdsNine), // Mistral: https://github.com/editor-code-assistant/eca/issues/233
    // mistral-common behind other servers: https://github.com/jundot/omlx/pull/1997
    template("must be a-z, a-z, 0-9, with a length of 9", ToolIdsNine),
    // Mistral's templates: https://github.com/ggml-org/llama.cpp/issues/11402
    template("tool call ids should be alphanumeric strings with length 9", ToolIdsNine),
    // OpenAI: https://github.com/vercel/ai/issues/8132
    says("id': string too long. expected a string with maximum length 40", ToolIdsForty),
    // -- the order of messages
    // Mistral 3230, also for a tool after a user: https://github.com/avante-corp/avante.nvim/pull/2695
    template("unexpected role 'user' after role 'tool'", BridgeToolUser),
    // Mistral: https://github.com/0xPlaygrounds/rig/pull/1130
    says("expected last role user or tool (or assistant with prefix true)", PrefixAssistant),
    // Qwen 3.5's and other templates: https://github.com/moltis-org/moltis/issues/317
    template("system message must be at the beginning", SingleSystem),
    // General knowledge.
    template("system message must be the first", SingleSystem),
    // General knowledge.
    template("system messages must be at the beginning", SingleSystem),
    // General knowledge.
    template("only one system message", SingleSystem),
    // Mistral's and Gemma's templates: https://github.com/microsoft/autogen/issues/1037,
    // https://github.com/ggml-org/llama.cpp/issues/19851
    template("roles must alternate", Alternate),
    // Perplexity: https://github.com/perplexityai/api-discussion/issues/265
    says("user and assistant roles should be alternating", Alternate),
    // Perplexity: https://github.com/iamsrikanthnani/pluely/issues/71
    says("should alternate with assistant message", Alternate),
    // DeepSeek's reasoner: https://github.com/GaiZhenbiao/ChuanhuChatGPT/issues/1184
    says("does not support successive user or assistant messages", Alternate),
    // -- roles
    // OpenAI o1: corpus pydantic-ai test_openai_o1_mini_system_role
    says("role' does not support '{role}' with this model", Role),
    // DeepSeek: https://github.com/losesky/ai-auto-trading/issues/14
    says("role: unknown variant '{role}', expected", Role),
    // Rust servers behind a path-less message
    says("unknown variant '{role}', expected one of", Role),
    // DashScope: https://github.com/DayuanJiang/next-ai-draw-io/issues/304
    says("{role} is not one of [", Role),
    // General knowledge.
    says("'{role}' is not one of [", Role),
    // mlx-openai-server: https://github.com/cubist38/mlx-openai-server/issues/168; records llama-cpp-python/chat_developer
    at("messages", "role", "input should be ", Role),
    // Ministral 3's template: https://github.com/anomalyco/opencode/issues/5034
    template("roles are supported, got {role}", Role),
    // General knowledge.
    template("unexpected message role: {role}", Role),
    // General knowledge.
    template("unexpected message role '{role}'", Role),
    // Qwen 3.5's template, which knows all but this: https://github.com/1CatAI/1Cat-vLLM/issues/493
    template("unexpected message role", Developer),
    // General knowledge.
    template("unknown role: {role}", Role),
    // General knowledge.
    says("invalid role: {role}", Role),
    // General knowledge.
    says("role '{role}' is not supported", Role),
    // General knowledge.
    says("unsupported role: {role}", Role),
    // Gemma 2's template: https://github.com/sgl-project/sglang/issues/892
    template("system role not supported", System),
    // General knowledge.
    template("system role is not supported", System),
    // Phi's and others' templates
    template("only user and assistant roles are supported", System),
    // Gemma behind the Gemini API: https://github.com/0xPlaygrounds/rig/issues/788
    says("developer instruction is not enabled", System),
    // -- content
    // Ollama: https://github.com/SAIL-Research-Lab/cheetahclaws/pull/72
    says("invalid message content type: <nil>", EmptyContent),
    // LM Studio: https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/261
    says("'content' field must be a string or an array of objects", EmptyContent),
    // llama.cpp: https://github.com/ggml-org/llama.cpp/issues/13471
    template("expected 'content' to be a string or an array", EmptyContent),
    // OpenAI: https://github.com/run-llama/llama_index/issues/17555
    says("'content': expected a string, got null", EmptyContent),
    // https://github.com/peach0x33a/cmdcode2api/pull/7
    says("expected string, received null at '*messages", EmptyContent),
    // General knowledge.
    says("content: invalid type: null, expected", EmptyContent),
    // llama-cpp-python's templates: records llama-cpp-python/chat_null_content
    template("can only concatenate str (not 'nonetype') to str", EmptyContent),
    // records llama-cpp-python/chat_image
    template("can only concatenate str (not 'list') to str", FlattenText),
    // SambaNova: https://github.com/BerriAI/litellm/pull/16612
    says("invalid 'content' type. expected one of: ['str'], got list", FlattenText),
    // Lemonade: https://github.com/lemonade-sdk/lemonade/issues/629
    says("type must be string, but is array", FlattenText),
    // https://github.com/0x676e67/duckai/issues/16
    says("content: invalid type: sequence, expected a string", FlattenText),
    // Azure: https://github.com/danny-avila/LibreChat/issues/3111
    says("content': expected a string, but got an array", FlattenText),
    // General knowledge.
    says("content must be a string", Content),
    // pydantic: records vllm/chat_null_content
    at("messages", "content", "input should be a valid string", Content),
    at("messages", "content", "str type expected", Content), // pydantic 1
    // -- reasoning
    // DeepSeek V4: https://github.com/earendil-works/pi/issues/3636
    says("'reasoning_content' in the thinking mode must be passed back", ReasoningRequired),
    // the same without quotes: https://github.com/JohnnyZ93/oai-compatible-copilot/issues/215
    says("reasoning_content in the thinking mode must be passed back", ReasoningRequired),
    // Kimi: https://github.com/continuedev/continue/issues/11527
    says("reasoning_content is missing in assistant", ReasoningRequired),
    // -- streams
    // DashScope: https://github.com/tencentmusic/supersonic/issues/2355
    says("enable_thinking must be set to false for non-streaming calls", StreamOnly),
    // ModelScope: https://github.com/musistudio/claude-code-router/issues/948
    says("can not be support when 'stream=false'", StreamOnly),
    // DashScope, QwQ: https://github.com/infiniflow/ragflow/issues/5912
    says("only support stream mode", StreamOnly),
    // OpenAI o1: https://github.com/github/gh-models/issues/31
    says("'stream' does not support true with this model", NoStream),
    // -- names
    // xAI: https://github.com/BerriAI/litellm/issues/9720
    says("only messages of role 'user' can have a name", DropName),
    // xAI: https://github.com/pipecat-ai/pipecat/pull/2274
    says("only message of role user can have a name", DropName),
    // -- tool choice
    // LM Studio: https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/670
    says("invalid tool_choice type: 'object'", Choice),
    at("tool_choice", "", "input should be ", Choice), // Mistral's words: records litserve/tools_required
    // DeepSeek: corpus rig deepseek/forced_tool_choice_under_thinking
    says("does not support this tool_choice", ChoiceAuto),
    says("does not support this 'tool_choice'", ChoiceAuto), // https://github.com/can1357/oh-my-pi/issues/945
    // Moonshot: https://github.com/AstrBotDevs/AstrBot/issues/7805
    says("tool_choice 'required' is incompatible with thinking", ChoiceAuto),
    // Moonshot: https://github.com/can1357/oh-my-pi/issues/1077
    says("tool_choice specified is incompatible with thinking", ChoiceAuto),
    // OpenRouter: https://github.com/zed-industries/zed/issues/36094
    says("support the provided 'tool_choice' value", Choice),
    // -- formats
    // LM Studio: https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/169
    says("'response_format.type' must be ", Format),
    says("response_format type must be ", Format), // llama.cpp: records llama-server/response_format_unknown
    at("response_format", "type", "input should be ", Format), // records llama-cpp-python/json_schema
    // DeepSeek: https://github.com/ItzCrazyKns/Vane/issues/969
    says("this response_format type is unavailable now", FormatRefused),
    // https://github.com/BerriAI/litellm/pull/31466
    says("response_format.type 'json_schema' is unavailable", FormatRefused),
    // Groq: https://github.com/ItzCrazyKns/Vane/issues/980
    says("does not support response format 'json_schema'", FormatRefused),
    // OpenAI: https://github.com/openai/openai-dotnet/issues/276
    says("'response_format' of type '*' is not supported", FormatRefused),
    // xAI at first: https://github.com/BerriAI/litellm/issues/6610
    says("the response_format parameter is unsupported", Param(&["response_format"])),
    // -- ranges
    // DeepSeek: https://github.com/deepseek-ai/DeepSeek-V3/issues/69
    says("valid range of {param} is [{low}, {high}]", Range),
    // DashScope: https://github.com/open-webui/open-webui/issues/10507
    says("range of {param} should be [{low}, {high}]", Range),
    says("{param} must be in [{low}, {high}]", Range), // vLLM: records vllm/err_temperature_9
    // corpus rig doubleword/invalid_temperature_blocking
    says("{param} must be between {low} and {high}", Range),
    // Anthropic: corpus rig anthropic/validation_error_carries_identity
    says("{param}: range: {low}..{high}", Range),
    // records llama-server/err_n0
    says("field '{param}': value must be between {low} <= value <= {high}", Range),
    // OpenAI: https://github.com/ChatGPTNextWeb/NextChat/issues/3195
    says("{param} is too large: * this model supports at most {high} completion tokens", Range),
    // Anthropic, general knowledge
    says("{param}: * > {high}, which is the maximum allowed number of output tokens", Range),
    // Groq: https://github.com/RooCodeInc/Roo-Code/issues/5136
    says("'{param}' must be less than or equal to '{high}'", Range),
    // General knowledge.
    says("{param} must be less than or equal to {high}", Range),
    // Volcengine Ark: https://github.com/Gitlawb/openclaude/issues/331
    says("'{param}' specified in the request * expected a value <= {high}", Range),
    // General knowledge.
    says("{param} specified in the request * expected a value <= {high}", Range),
    // TGI: https://github.com/huggingface/text-generation-inference/issues/1582,
    // https://github.com/huggingface/transformers/issues/28523
    says("'{param}' must be > {low} and < {below}", Range),
    // General knowledge.
    says("'{param}' must be <= {high}", Range),
    // OpenAI: corpus rig openai/chat_completions_validation_error_carries_identity
    says("invalid '{param}': decimal above maximum value. expected a value <= {high}", Range),
    // General knowledge.
    says("invalid '{param}': integer above maximum value. expected a value <= {high}", Range),
    // Vertex: corpus opentelemetry test_generate_content_invalid_temperature
    says("has a {param} value of * range is from {low} (inclusive) to {below} (exclusive)", Range),
    // pydantic: records llama-cpp-python/err_top_p_2
    at("", "", "input should be less than or equal to {high}", Range),
    // General knowledge.
    at("", "", "input should be greater than or equal to {low}", Range),
    // -- parameters, by code
    code("unsupported_parameter", Drop), // OpenAI: corpus envoyproxy chat-bad-request, crewAI stop
    code("unknown_parameter", Drop),     // Azure: https://github.com/openai/openai-python/issues/1492
    code("unsupported_value", Drop),     // OpenAI: https://github.com/QwenLM/qwen-code/issues/921
    // -- parameters, by words
    says("unsupported parameter: '{param}'", Drop), // OpenAI behind gateways that lose the code
    says("unsupported value: '{param}' does not support", Drop), // https://github.com/cline/cline/issues/341
    says("unknown parameter: '{param}'", Drop), // https://github.com/microsoft/semantic-kernel/issues/8189
    // Azure: https://github.com/Azure/azure-sdk-for-net/issues/45719
    says("unrecognized request argument supplied: {param}", Drop),
    // General knowledge.
    says("unrecognized request arguments supplied: {param}", Drop),
    // Gemini, for members: https://github.com/BerriAI/litellm/issues/6136
    says("unknown name '{param}' at '{at}'", Drop),
    // Gemini: https://github.com/n4ze3m/page-assist/issues/418
    says("unknown name '{param}': cannot find field", Drop),
    // Databricks: https://github.com/continuedev/continue/issues/12936; serde
    says("unknown field '{param}'", Drop),
    // Groq, for members: https://github.com/chatboxai/chatbox/issues/2081
    says("'{at}' : property '{param}' is unsupported", Drop),
    // Groq https://github.com/fanenr/chatbot/issues/21, Cerebras https://github.com/egoist/chatwise-releases/issues/1442
    says("property '{param}' is unsupported", Drop),
    // Fireworks: https://github.com/FlowiseAI/Flowise/issues/2866
    says("extra inputs are not permitted, field: '{param}'", Drop),
    // Azure AI: https://github.com/microsoft/semantic-kernel/issues/10510
    says("validation error at {param}: extra inputs are not permitted", Drop),
    // Mistral, vLLM: https://github.com/mistralai/platform-docs-public/issues/7,
    // https://github.com/1Panel-dev/MaxKB/issues/2912
    at("", "", "extra inputs are not permitted", Drop),
    at("", "", "extra fields not permitted", Drop), // pydantic 1
    // Bedrock: https://github.com/anthropics/anthropic-sdk-typescript/issues/592
    says("{at}: extraneous key [{param}] is not permitted", Drop),
    // JSON schema validators, OpenAI among them: https://github.com/openai/openai-node/issues/1161
    says("additional properties are not allowed ('{param}'* were unexpected) - '{at}'", Drop),
    // General knowledge.
    says("additional properties are not allowed ('{param}' was unexpected) - '{at}'", Drop),
    // General knowledge.
    says("additional properties are not allowed ('{param}' was unexpected)", Drop),
    says("unrecognized key(s) in object: '{param}'", Drop), // zod, general knowledge
    // records transformers-serve/err_unknown_param
    says("unexpected fields in the request: *'{param}'", Drop),
    // xAI: https://github.com/n8n-io/n8n/issues/14581
    says("argument not supported on this model: {param}", Drop),
    says("argument not supported: {param}", Drop), // xAI: https://github.com/yym68686/uni-api/issues/105
    says("does not support parameter {param}", Drop), // xAI: https://github.com/chenyme/grok2api/issues/814
    // litellm: https://github.com/BerriAI/litellm/issues/7748
    says("does not support parameters: *'{param}'", Drop),
    // General knowledge.
    says("does not support the '{param}' parameter", Drop),
    // Groq: https://github.com/iamsrikanthnani/pluely/issues/242
    says("'{param}' is not supported with this model", Drop),
    // General knowledge.
    says("parameter '{param}' is not supported", Drop),
    // General knowledge.
    says("parameter {param} is not supported", Drop),
    // General knowledge.
    says("'{param}' parameter is not supported", Drop),
    // General knowledge.
    says("'{param}' is not supported", Drop),
    // General knowledge.
    says("'{param}' is unsupported", Drop),
    // General knowledge.
    says("'{param}' is not allowed", Drop),
    // General knowledge.
    says("{param} is not supported", DropPlain),
    // General knowledge.
    says("{param} is not a supported parameter", DropPlain),
    // OpenAI: corpus pydantic-ai web_search_tool_model_not_supported
    says("not supported with this model", Drop),
    // vLLM on Gaudi: https://github.com/vllm-project/vllm-gaudi/pull/1098
    says("please remove '{param}'", Drop),
    // Moonshot, only one value: https://github.com/opencyvis/opencyvis-phone/issues/12
    says("invalid {param}: only * is allowed for this model", Drop),
    // Groq: https://github.com/earendil-works/pi/issues/1745
    says("'reasoning_effort' must be one of", Param(&["reasoning_effort"])),
    // pi/issues/3764
    says("reasoning_effort' : value is not one of the allowed values", Param(&["reasoning_effort"])),
    // General knowledge.
    says("reasoning_effort must be one of", Param(&["reasoning_effort"])),
    // Claude Code's `metadata.user_id` has 150 characters, and is JSON. OpenAI takes 64:
    // https://github.com/BerriAI/litellm/pull/37623; its wording is that of other members
    says("'user': string too long", Param(&["user"])),
    // Zhipu and Doubao: https://github.com/looplj/axonhub/issues/1669
    says("user_id: the unique id of the user must be between", Param(&["user_id", "user", "metadata"])),
    // DeepSeek: https://github.com/chenhg5/cc-connect/issues/864
    says("'user_id': string does not match pattern", Param(&["user_id", "user", "metadata"])),
    // Mistral: corpus rig mistral/logprobs_rejection_matrix
    says("logprobs are not enabled", Param(&["logprobs", "top_logprobs"])),
    // Gemini: https://github.com/GoogleCloudPlatform/generative-ai/issues/2947
    says("logprobs is not supported", Param(&["logprobs", "top_logprobs"])),
    // General knowledge.
    says("logprobs is not enabled", Param(&["logprobs", "top_logprobs"])),
    // Gemini: https://github.com/google-gemini/cookbook/issues/1290
    says("penalty is not enabled", Param(&["frequency_penalty", "presence_penalty"])),
];

#[cfg(test)]
mod tests {
    use super::super::message_pattern::find;
    use super::*;

    #[test]
    fn every_pattern_finds_its_own_words() {
        for row in ROWS {
            let mut said = row.says.replace('*', "and so on");
            for (hole, word) in
                [("param", "top_k"), ("at", "tools.0"), ("role", "developer"), ("low", "1"), ("high", "2.5")]
            {
                said = said.replace(&format!("{{{hole}}}"), word);
            }
            said = said.replace("{below}", "3");
            assert!(find(row.says, &format!("it said: {said}."), |_| Some(())).is_some(), "{}", row.says);
        }
    }

    #[test]
    fn patterns_are_written_as_messages_are_read() {
        for says in ROWS.iter().map(|row| row.says).chain(GUARDS.iter().copied()) {
            assert_eq!(says, says.to_ascii_lowercase());
            assert!(!says.contains(['"', '`', '\\']) && !says.is_empty(), "{says}");
        }
    }
}
