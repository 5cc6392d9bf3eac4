//! The texts of an upstream's error in, its true status, code and kind out; by tables with their sources.
//!
//! `corpus` and `records` are this project's recordings of real servers; `pi` is
//! <https://github.com/earendil-works/pi>, `packages/ai/src/utils/overflow.ts`; all other sources are public threads.

use crate::error::{ErrorKind, StatusError};

/// The texts of an error, in lower case.
pub(super) struct LowercaseError {
    message: String,
    code: String,
    error_type: String,
}

impl LowercaseError {
    pub(super) fn of(error: &StatusError) -> Self {
        let lower = |s: &Option<String>| s.as_deref().unwrap_or_default().to_lowercase();
        Self {
            message: error.message.to_lowercase(),
            code: lower(&error.code),
            error_type: lower(&error.error_type),
        }
    }

    /// Whether the message contains all of these texts.
    fn message_has(&self, texts: &[&str]) -> bool {
        texts.iter().all(|text| self.message.contains(text))
    }

    /// Whether the code or the type contains this text.
    fn code_or_type_has(&self, text: &str) -> bool {
        self.code.contains(text) || self.error_type.contains(text)
    }
}

/// Codes and types of a prompt that is too long.
const TOO_LONG_CODES: &[&str] = &[
    "context_length",          // OpenAI and most others
    "exceed_context_size",     // llama.cpp: corpus rig llamacpp/context_overflow_blocking
    "too_many_prompt_tokens",  // Perplexity: Symfony's bridge, tests of its HTTP transport
    "too_many_tokens",         // Cohere
    "context_window_exceeded", // GLM: pi
    "model_max_prompt_tokens", // GitHub Copilot: pi
];

/// Messages about a prompt that is too long; a message matches if it contains all texts of a row.
const TOO_LONG_MESSAGES: &[&[&str]] = &[
    &["maximum context length"], // OpenAI, vLLM, DeepSeek, OpenRouter, Mistral: records vllm/err_too_long_prompt
    &["context length exceeded"],
    &["exceed", "context length"],                 // Ollama: pi
    &["longer than", "context length"],            // SGLang, Together: pi
    &["greater than the context length"],          // LM Studio: pi
    &["model context is"],                         // records dasllama/err_too_long_prompt
    &["exceed", "context window"],                 // OpenAI's Responses, MiniMax, llama-cpp-python: pi
    &["exceed", "context size"], // llama.cpp: corpus rig llamacpp/context_overflow_blocking; LM Studio
    &["exceed context limit"],   // Anthropic, max_tokens beside a long prompt
    &["context size is", "prompt has"], // DS4: pi
    &["prompt is too long"],     // Anthropic: pi
    &["prompt too long"],        // Ollama: pi
    &["prompt exceeds max length"], // GLM, code 1261
    &["input is too long"],      // Bedrock: pi
    &["input token count", "exceeds the maximum"], // Gemini: pi
    &["input length", "exceeds the maximum"], // Poolside behind OpenRouter: pi
    &["maximum prompt length is"], // xAI: pi
    &["reduce the length of the messages"], // Groq: pi
    &["reduce the length of the input"], // vLLM: records vllm/err_too_long_prompt
    &["exceeded model token limit"], // Moonshot: pi
    &["too large for model with"], // Mistral: pi
    &["prompt token count", "exceeds the limit"], // GitHub Copilot: pi
    &["range of input length should be"], // DashScope
    &["all messages is too long"], // Perplexity: Symfony's bridge
    &["tokens + `max_new_tokens` must be"], // TGI: https://github.com/barun-saha/slide-deck-ai/issues/44
    &["`inputs` must have less than"], // TGI: https://github.com/opea-project/GenAIExamples/pull/340
    &["too many input tokens"],  // Bedrock behind gateways
    &["too many tokens: total tokens exceed"], // Cohere
];

/// Whether the prompt was too long.
pub(super) fn is_context_overflow(error: &StatusError, lowercase: &LowercaseError) -> bool {
    // Errors about tokens per minute mention tokens, too.
    if error.status == 429 || lowercase.code_or_type_has("rate_limit") {
        return false;
    }
    TOO_LONG_CODES.iter().any(|code| lowercase.code_or_type_has(code))
        || (error.status < 500
            || lowercase.message.contains("token")
            || lowercase.message.contains("context"))
            && TOO_LONG_MESSAGES.iter().any(|row| lowercase.message_has(row))
}

/// A correction of an error's status.
struct StatusRule {
    /// The statuses to which the rule applies.
    stated: std::ops::RangeInclusive<u16>,
    /// The texts that the message contains, all of them.
    message: &'static [&'static str],
    status: u16,
    /// The code, where one is known.
    code: Option<&'static str>,
}

/// Returns a rule for the errors with a status from `first` to `last` whose message has these texts.
const fn rule(
    first: u16,
    last: u16,
    message: &'static [&'static str],
    status: u16,
    code: Option<&'static str>,
) -> StatusRule {
    StatusRule { stated: first..=last, message, status, code }
}

const INVALID_KEY: Option<&str> = Some("invalid_api_key");
const NO_MODEL: Option<&str> = Some("model_not_found");
const NO_QUOTA: Option<&str> = Some("insufficient_quota");

/// Statuses that the message contradicts.
const STATUS_RULES: &[StatusRule] = &[
    // A bad key as a bad request.
    rule(400, 400, &["api key not valid"], 401, INVALID_KEY), // Gemini: corpus rig gemini/auth_rejection_keeps_transport_shape
    rule(400, 400, &["api key expired"], 401, INVALID_KEY),   // Gemini
    rule(400, 400, &["incorrect api key"], 401, INVALID_KEY), // xAI: corpus rig xai/auth_rejection_classifies_with_contract
    rule(400, 400, &["invalid api key"], 401, INVALID_KEY),
    // An empty account as a bad request: https://github.com/anthropics/claude-code/issues/66314
    rule(400, 400, &["credit balance is too low"], 429, NO_QUOTA),
    // An unknown model as a bad request; with 404 only the code is corrected.
    rule(400, 404, &["invalid model: "], 404, NO_MODEL), // Mistral: corpus rig mistral/blocking_error_carries_the_correlation_id
    rule(400, 404, &["model not found"], 404, NO_MODEL), // xAI: corpus rig xai/provider_error_classifies_with_contract
    rule(400, 404, &["is not a valid model id"], 404, NO_MODEL), // OpenRouter: corpus rig openrouter/routed_failure_error_shape
    rule(400, 404, &["supported api model names are"], 404, NO_MODEL), // DeepSeek: corpus rig deepseek/unknown_model
    rule(400, 404, &["server is pinned to", "requested"], 404, NO_MODEL), // records transformers-serve/err_unknown_model
    rule(400, 404, &["model ", " does not exist"], 404, NO_MODEL), // OpenAI, Groq, vLLM, OpenRouter: corpus
    rule(404, 404, &["model: "], 404, NO_MODEL), // Anthropic: corpus rig anthropic/nonexistent_model_error
    rule(404, 404, &["publisher model `", "` not found"], 404, NO_MODEL), // Vertex: corpus opentelemetry
    rule(400, 404, &["model '", "' not found"], 404, NO_MODEL), // Ollama: corpus openinference; records dasllama
    rule(400, 404, &["specified model not found"], 404, NO_MODEL), // Venice: corpus rig venice
    rule(400, 404, &["models/", "is not found for api version"], 404, NO_MODEL), // Gemini: corpus rig gemini
    // A bad request as a server error: a retry would not help.
    rule(500, 502, &["jinja exception"], 400, None), // llama.cpp: https://github.com/moltis-org/moltis/issues/317
    rule(500, 502, &["raise_exception"], 400, None), // llama.cpp: https://github.com/anomalyco/opencode/issues/5034
    rule(500, 502, &["roles must alternate"], 400, None), // https://github.com/microsoft/autogen/issues/1037
    rule(500, 502, &["system message must be at the beginning"], 400, None), // https://github.com/ollama/ollama/issues/18241
    rule(500, 502, &["system role not supported"], 400, None), // https://github.com/sgl-project/sglang/issues/892
    rule(500, 502, &["roles are supported, got"], 400, None), // https://github.com/anomalyco/opencode/issues/5034
    rule(500, 502, &["cannot use both json_schema and grammar"], 400, None), // corpus rig llamacpp/schema_and_grammar_conflict
    rule(500, 502, &["input is not supported", "mmproj"], 400, None), // corpus rig llamacpp/image_without_mmproj
    rule(500, 502, &["requires --jinja flag"], 400, None), // corpus rig llamacpp/tools_without_jinja
    rule(500, 502, &["cannot make get request"], 400, None), // corpus rig llamacpp/unfetchable_image_url
    rule(500, 502, &["[json.exception.parse_error"], 400, None), // records llama-server/err_bad_json
    rule(500, 502, &["[json.exception.type_error"], 400, None),
    rule(500, 502, &["failed to parse messages"], 400, None), // records llama-server/err_missing_role
    rule(500, 502, &["is too large to process", "physical batch size"], 400, None), // corpus rig llamacpp/embeddings_input_past_the_batch
    rule(500, 502, &["validation error", "'loc':"], 400, None), // records llama-cpp-python/err_max_tokens_string
    rule(500, 502, &["must be a-z, a-z, 0-9, with a length of 9"], 400, None), // https://github.com/jundot/omlx/pull/1997
    rule(500, 502, &["inappropriate content"], 400, Some("content_filter")), // DashScope: https://github.com/langgenius/dify/issues/7932
];

/// Corrects status and code where the message contradicts them.
pub(super) fn correct_status(error: &mut StatusError, lowercase: &LowercaseError) {
    let stated = error.status;
    let is_number = |code: &String| code.bytes().all(|b| b.is_ascii_digit());
    let applies = |rule: &&StatusRule| rule.stated.contains(&stated) && lowercase.message_has(rule.message);
    if let Some(rule) = STATUS_RULES.iter().find(applies) {
        error.status = rule.status;
        // Where the status was right the error's own code may be more exact than the rule's; a number is not.
        let replaces_code = rule.status != stated || error.code.as_ref().is_none_or(is_number);
        if let Some(code) = rule.code.filter(|_| replaces_code) {
            error.code = Some(code.to_owned());
        }
    }
    if matches!(error.status, 500 | 502) && is_context_overflow(error, lowercase) {
        error.status = 400;
    }
    if error.status == 529 {
        error.status = 503;
    }
    if error.status != stated {
        // These follow from the wrong status.
        error.error_type = None;
        error.code = error.code.take().filter(|code| !is_number(code));
    }
}

/// The statuses of types and codes, for errors that came without a status.
const STATUSES: &[(&str, u16)] = &[
    ("invalid_request", 400),
    ("invalid_argument", 400),
    ("badrequest", 400),
    ("validation", 400),
    ("rate_limit", 429),
    ("ratelimit", 429),
    ("too_many", 429),
    ("resource_exhausted", 429),
    ("insufficient_quota", 429),
    ("authentication", 401),
    ("unauthenticated", 401),
    ("invalid_api_key", 401),
    ("permission", 403),
    ("not_found", 404),
    ("notfound", 404),
    ("overloaded", 503),
    ("unavailable", 503),
    ("timeout", 504),
    // OpenAI's Responses
    ("invalid_prompt", 400),
    ("slow_down", 503),
    // Bedrock: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ResponseStream.html, and DashScope
    ("throttling", 429),
    ("servicequota", 429),
    ("accessdenied", 403),
    ("internalserver", 500),
    // TGI: https://github.com/huggingface/text-generation-inference/blob/main/clients/python/text_generation/errors.py
    ("incomplete_generation", 502),
];

/// Guesses the status of an error that came without one.
pub(super) fn guess_status(error: &StatusError, lowercase: &LowercaseError) -> u16 {
    if is_context_overflow(error, lowercase) {
        return 400;
    }
    STATUSES.iter().find(|(name, _)| lowercase.code_or_type_has(name)).map_or(502, |(_, status)| *status)
}

/// Codes and types whose kind does not depend on the status.
const KINDS: &[(&str, ErrorKind)] = &[
    ("insufficient_quota", ErrorKind::Quota),                 // OpenAI
    ("exceeded_current_quota", ErrorKind::Quota),             // Moonshot
    ("billing_error", ErrorKind::Quota),                      // Anthropic
    ("content_filter", ErrorKind::ContentFiltered),           // Azure, Moonshot
    ("content_policy_violation", ErrorKind::ContentFiltered), // OpenAI's image generation
    ("data_inspection_failed", ErrorKind::ContentFiltered), // DashScope: https://github.com/camel-ai/owl/issues/432
];

/// Messages of content filters, where code and type do not state the kind.
const FILTER_MESSAGES: &[&str] = &[
    "content exists risk",  // DeepSeek: https://github.com/666ghj/BettaFish/issues/691
    "datainspectionfailed", // DashScope: https://github.com/QwenLM/qwen-code/issues/3145
];

/// Returns the kind of an error whose status is correct.
pub(super) fn kind(error: &StatusError, lowercase: &LowercaseError) -> ErrorKind {
    if is_context_overflow(error, lowercase) {
        return ErrorKind::ContextLength;
    }
    let code = error.code.as_deref().unwrap_or_default();
    if let Some((_, kind)) =
        KINDS.iter().find(|(name, _)| code.contains(name) || lowercase.code_or_type_has(name))
    {
        return *kind;
    }
    if error.status < 500 && FILTER_MESSAGES.iter().any(|text| lowercase.message.contains(text)) {
        return ErrorKind::ContentFiltered;
    }
    ErrorKind::of_status(error.status)
}

/// Types of other APIs that gateways forward, and OpenAI's for each.
pub(super) const OTHER_TYPES: &[(&str, &str)] = &[
    // Anthropic: https://platform.claude.com/docs/en/api/errors
    ("overloaded_error", "server_error"),
    ("api_error", "server_error"),
    ("timeout_error", "server_error"),
    ("not_found_error", "invalid_request_error"),
    ("request_too_large", "invalid_request_error"),
    ("billing_error", "insufficient_quota"),
    // vLLM and SGLang: records vllm
    ("BadRequestError", "invalid_request_error"),
    ("Bad Request", "invalid_request_error"),
    ("NotFoundError", "invalid_request_error"),
    ("InternalServerError", "server_error"),
    // llama-cpp-python: records
    ("internal_server_error", "server_error"),
];
