//! The words by which upstreams say why an answer ended: one table, by API, with what each word means.
//!
//! Every dialect reads it, because gateways send the words of one API in the form of another. The lookup ignores case, hyphens
//! and underscores: SDKs write `tool-calls`, `maxTokens` or `END_TURN` for the words of an API.

use super::FinishReason;

/// What a finish reason says about an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FinishMeaning {
    /// The model finished.
    Complete,
    /// A limit of length ended the answer.
    Length,
    /// The model calls tools.
    ToolCalls,
    /// A filter ended the answer.
    Filtered,
    /// The model refused.
    Refused,
    /// Something broke the answer off: a cancellation, a time limit, a lack of resources, a loop.
    Interrupted,
    /// The model or the server failed.
    Failed,
    /// The answer has not ended: the word stands in place of `null`.
    Unfinished,
    /// The word says nothing, or is not in the table.
    Unknown,
}

impl FinishMeaning {
    /// One word for tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Length => "length",
            Self::ToolCalls => "tool calls",
            Self::Filtered => "filtered",
            Self::Refused => "refused",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
            Self::Unfinished => "unfinished",
            Self::Unknown => "unknown",
        }
    }
}

/// The finish reasons of one API.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ApiFinishReasons {
    /// Whose API it is.
    pub api: &'static str,
    /// Where the words are documented.
    pub source: &'static str,
    /// The words with their meanings.
    pub reasons: &'static [(&'static str, FinishMeaning)],
}

use FinishMeaning::{
    Complete, Failed, Filtered, Interrupted, Length, Refused, ToolCalls, Unfinished, Unknown,
};

/// All known finish reasons. A word that several APIs have means the same in each.
pub const FINISH_REASONS: &[ApiFinishReasons] = &[
    ApiFinishReasons {
        api: "OpenAI Chat Completions, Completions",
        source: "https://platform.openai.com/docs/api-reference/chat/object",
        reasons: &[
            ("stop", Complete),
            ("length", Length),
            ("tool_calls", ToolCalls),
            ("content_filter", Filtered),
            ("function_call", ToolCalls),
        ],
    },
    ApiFinishReasons {
        api: "OpenAI Responses (`status`, `incomplete_details.reason`)",
        source: "https://platform.openai.com/docs/api-reference/responses/object",
        reasons: &[
            ("completed", Complete),
            ("max_output_tokens", Length),
            ("max_messages", Length),
            ("content_filter", Filtered),
            ("failed", Failed),
            ("cancelled", Interrupted),
            ("steered", Interrupted),
        ],
    },
    ApiFinishReasons {
        api: "Anthropic Messages",
        source: "https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons",
        reasons: &[
            ("end_turn", Complete),
            ("stop_sequence", Complete),
            ("pause_turn", Complete),
            ("compaction", Complete),
            ("tool_use", ToolCalls),
            ("max_tokens", Length),
            ("model_context_window_exceeded", Length),
            ("refusal", Refused),
        ],
    },
    ApiFinishReasons {
        api: "Google Gemini",
        source: "https://github.com/googleapis/python-genai/blob/main/google/genai/types.py",
        reasons: &[
            ("STOP", Complete),
            ("MAX_TOKENS", Length),
            ("CONTINUATION", Length),
            ("SAFETY", Filtered),
            ("RECITATION", Filtered),
            ("LANGUAGE", Filtered),
            ("BLOCKLIST", Filtered),
            ("PROHIBITED_CONTENT", Filtered),
            ("SPII", Filtered),
            ("MODEL_ARMOR", Filtered),
            ("ESCALATION", Filtered),
            ("PUP_LIMITED_DISABLED", Filtered),
            ("IMAGE_SAFETY", Filtered),
            ("IMAGE_PROHIBITED_CONTENT", Filtered),
            ("IMAGE_RECITATION", Filtered),
            ("MALFORMED_FUNCTION_CALL", Failed),
            ("MALFORMED_RESPONSE", Failed),
            ("UNEXPECTED_TOOL_CALL", Failed),
            ("TOO_MANY_TOOL_CALLS", Failed),
            ("MISSING_THOUGHT_SIGNATURE", Failed),
            ("NO_IMAGE", Failed),
            ("IMAGE_OTHER", Failed),
            ("OTHER", Failed),
            ("FINISH_REASON_UNSPECIFIED", Unknown),
        ],
    },
    ApiFinishReasons {
        api: "Gemini, by its OpenAI-compatible API",
        source: "https://ai.google.dev/gemini-api/docs/openai",
        reasons: &[("function_call_filter", Failed)],
    },
    ApiFinishReasons {
        api: "Ollama",
        source: "https://docs.ollama.com/api/chat",
        reasons: &[("stop", Complete), ("length", Length), ("load", Complete), ("unload", Complete)],
    },
    ApiFinishReasons {
        api: "Amazon Bedrock Converse",
        source: "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_MessageStopEvent.html",
        reasons: &[
            ("end_turn", Complete),
            ("stop_sequence", Complete),
            ("tool_use", ToolCalls),
            ("max_tokens", Length),
            ("model_context_window_exceeded", Length),
            ("guardrail_intervened", Filtered),
            ("content_filtered", Filtered),
            ("malformed_model_output", Failed),
            ("malformed_tool_use", Failed),
        ],
    },
    ApiFinishReasons {
        api: "DeepSeek",
        source: "https://api-docs.deepseek.com/api/create-chat-completion",
        reasons: &[("insufficient_system_resource", Interrupted), ("repetition_detected", Interrupted)],
    },
    ApiFinishReasons {
        api: "vLLM, SGLang",
        source: "https://github.com/vllm-project/vllm/issues/57082",
        reasons: &[
            ("abort", Interrupted),
            ("aborted", Interrupted),
            ("error", Failed),
            ("repetition", Interrupted),
        ],
    },
    ApiFinishReasons {
        api: "Hugging Face TGI, Together",
        source: "https://huggingface.co/docs/text-generation-inference/reference/api_reference",
        reasons: &[
            ("eos_token", Complete),
            ("eos", Complete),
            ("stop_token", Complete),
            ("max_length", Length),
        ],
    },
    ApiFinishReasons {
        api: "llama.cpp",
        source: "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
        reasons: &[("word", Complete), ("limit", Length)],
    },
    ApiFinishReasons {
        api: "LM Studio",
        source: "https://lmstudio.ai/docs/typescript/api-reference/llm-prediction-stop-reason",
        reasons: &[
            ("eosFound", Complete),
            ("stopStringFound", Complete),
            ("toolCalls", ToolCalls),
            ("maxPredictedTokensReached", Length),
            ("contextLengthReached", Length),
            ("userStopped", Interrupted),
            ("modelUnloaded", Interrupted),
        ],
    },
    ApiFinishReasons {
        api: "Mistral",
        source: "https://docs.mistral.ai/api/",
        reasons: &[("model_length", Length), ("error", Failed)],
    },
    ApiFinishReasons {
        api: "OpenRouter",
        source: "https://openrouter.ai/docs/api-reference/overview",
        reasons: &[("error", Failed)],
    },
    ApiFinishReasons {
        api: "Cohere",
        source: "https://docs.cohere.com/reference/chat",
        reasons: &[
            ("COMPLETE", Complete),
            ("STOP_SEQUENCE", Complete),
            ("MAX_TOKENS", Length),
            ("TOOL_CALL", ToolCalls),
            ("ERROR_LIMIT", Length),
            ("ERROR_TOXIC", Filtered),
            ("ERROR", Failed),
            ("TIMEOUT", Interrupted),
            ("USER_CANCEL", Interrupted),
        ],
    },
    ApiFinishReasons {
        api: "Zhipu (Z.ai)",
        source: "https://docs.z.ai/api-reference/llm/chat-completion",
        reasons: &[("sensitive", Filtered), ("network_error", Interrupted)],
    },
    ApiFinishReasons {
        api: "IBM watsonx.ai",
        source: "https://ibm.github.io/watsonx-ai-node-sdk/",
        reasons: &[
            ("not_finished", Unfinished),
            ("token_limit", Length),
            ("time_limit", Interrupted),
            ("cancelled", Interrupted),
            ("error", Failed),
        ],
    },
    ApiFinishReasons {
        api: "Moonshot",
        source: "https://github.com/MoonshotAI/moonpalace/pull/3",
        reasons: &[("repeat", Interrupted)],
    },
    ApiFinishReasons {
        api: "Alibaba DashScope",
        source: "https://help.aliyun.com/zh/model-studio/qwen-api-reference",
        reasons: &[("null", Unfinished)],
    },
    ApiFinishReasons {
        api: "Baidu Qianfan",
        source: "https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb",
        reasons: &[("normal", Complete)],
    },
    ApiFinishReasons {
        // Words of gateways that no document lists, as they were met.
        api: "Others",
        source: "https://github.com/BerriAI/litellm/blob/main/litellm/litellm_core_utils/core_helpers.py",
        reasons: &[
            ("end", Complete),
            ("finish", Complete),
            ("finished", Complete),
            ("done", Complete),
            ("incomplete", Length),
            ("safety_filter", Filtered),
            ("blocked", Filtered),
            ("failure", Failed),
            ("internal_error", Failed),
            ("server_error", Failed),
            ("canceled", Interrupted),
            ("cancel", Interrupted),
            ("interrupted", Interrupted),
            ("disconnect", Interrupted),
            ("timed_out", Interrupted),
            ("overloaded", Interrupted),
        ],
    },
];

/// Returns what a finish reason means. `content_filter: PROHIBITED_CONTENT` means what the word before the colon means.
pub fn finish_meaning(word: &str) -> FinishMeaning {
    let find = |word: &str| {
        let mut known = FINISH_REASONS.iter().flat_map(|api| api.reasons);
        known.find(|(name, _)| is_same_word(name, word)).map(|(_, meaning)| *meaning)
    };
    let before_colon = || find(word.split_once(':')?.0.trim());
    find(word.trim()).or_else(before_colon).unwrap_or(Unknown)
}

/// Whether two words differ at most in case, hyphens and underscores.
fn is_same_word(a: &str, b: &str) -> bool {
    letters(a).eq(letters(b))
}

fn letters(word: &str) -> impl Iterator<Item = u8> + '_ {
    word.bytes().filter(|c| !matches!(c, b'-' | b'_')).map(|c| c.to_ascii_lowercase())
}

impl FinishReason {
    /// Reads a word of any API; `None` if it says that the answer has not ended.
    ///
    /// ```
    /// use openai_shim_core::canonical::FinishReason;
    /// assert_eq!(FinishReason::read("MAX_TOKENS"), Some(FinishReason::Length));
    /// assert_eq!(FinishReason::read("abort"), Some(FinishReason::failed("abort", None)));
    /// assert_eq!(FinishReason::read("a_new_word"), Some(FinishReason::Unknown("a_new_word".into())));
    /// ```
    pub fn read(word: &str) -> Option<Self> {
        Some(match finish_meaning(word) {
            Complete => Self::Stop,
            Length => Self::Length,
            ToolCalls => Self::ToolCalls,
            Filtered => Self::ContentFilter,
            Refused => Self::Refusal,
            Interrupted | Failed => Self::failed(word, None),
            Unknown => Self::Unknown(word.to_owned()),
            Unfinished => return None,
        })
    }

    /// A reason that means that the answer was interrupted, or failed; `message` is the upstream's explanation.
    pub fn failed(word: &str, message: Option<&str>) -> Self {
        Self::Failed { word: word.to_owned(), message: message.map(str::to_owned) }
    }
}
