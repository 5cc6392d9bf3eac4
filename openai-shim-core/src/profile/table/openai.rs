//! OpenAI, what is unknown, and OpenAI's models at Microsoft's.

use super::{at, efforts, list, local, map, models, openai_headers, prompts, row, text, without};
use crate::profile::{
    Auth, EndpointPaths, MessageRules, ModelOverride, ParamRules, Profile, ToolCallIdFormat,
};

pub(super) fn rows() -> Vec<Profile> {
    vec![
        Profile {
            description: text("OpenAI's own API"),
            sources: list(&[
                "https://platform.openai.com/docs/api-reference/chat",
                "https://platform.openai.com/docs/api-reference/completions",
                "https://platform.openai.com/docs/guides/reasoning (R33)",
                "https://github.com/router-for-me/CLIProxyAPI/issues/2101 (R2)",
                "https://github.com/run-llama/llama_index/issues/20865 (R25)",
                "https://github.com/vercel/ai/issues/10932 (R33)",
                "https://github.com/openai/openai-agents-python/issues/2089 (R50)",
                "https://github.com/huggingface/smolagents/issues/1893 (R29)",
                "https://github.com/BerriAI/litellm/pull/28650 (R29)",
                "https://github.com/earendil-works/pi (R12)",
                "corpus: openai (R2 R4 R29)",
            ]),
            messages: MessageRules { tool_call_ids: ToolCallIdFormat::Max40, ..MessageRules::default() },
            model_overrides: [own_models(""), vec![of_prompts()]].concat(),
            extra_dialects: list(&["openai-responses"]),
            forward_headers: openai_headers(),
            ..at("openai", "https://api.openai.com/v1")
        },
        Profile {
            description: text("Any server that is nearly OpenAI: lenient, nothing assumed"),
            ..row("compatible")
        },
        Profile {
            description: text(
                "Azure OpenAI, by its v1 API; for deployments, `paths.query` takes the `api-version`",
            ),
            sources: list(&[
                "https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle (R55 R56)",
                "https://github.com/langchain-ai/langchain/issues/29416 (R25)",
                "corpus: azure (R2)",
            ]),
            hosts: list(&["*.openai.azure.com", "*.services.ai.azure.com", "*.cognitiveservices.azure.com"]),
            auth: Auth { header: text("api-key"), prefix: text("") },
            messages: MessageRules { tool_call_ids: ToolCallIdFormat::Max40, ..MessageRules::default() },
            model_overrides: own_models(""),
            ..local("azure", "https://your-resource.openai.azure.com/openai/v1")
        },
        Profile {
            description: text(
                "Azure OpenAI, by deployments and a dated `api-version`; it is chosen by its name",
            ),
            sources: list(&[
                "https://learn.microsoft.com/azure/ai-foundry/openai/reference (R54 R55 R56)",
                "corpus: azure (R54 R55)",
            ]),
            auth: Auth { header: text("api-key"), prefix: text("") },
            paths: EndpointPaths {
                chat: text("/openai/deployments/{model}/chat/completions"),
                query: map(&[("api-version", "2024-10-21")]),
                ..EndpointPaths::default()
            },
            has_model_list: false,
            messages: MessageRules { tool_call_ids: ToolCallIdFormat::Max40, ..MessageRules::default() },
            model_overrides: own_models(""),
            ..row("azure-deployments")
        },
        Profile {
            description: text("GitHub Models"),
            sources: list(&[
                "https://docs.github.com/rest/models/inference",
                "https://github.blog/changelog/2025-05-15-github-models-api-now-available",
                "https://github.com/router-for-me/CLIProxyAPI/issues/2101 (R2)",
            ]),
            hosts: list(&["models.github.ai", "models.inference.ai.azure.com"]),
            has_model_list: false,
            messages: MessageRules::default(),
            model_overrides: own_models("openai/"),
            ..at("github-models", "https://models.github.ai/inference")
        },
        Profile {
            description: text("GitHub Copilot"),
            sources: list(&[
                "https://github.com/pydantic/pydantic-ai/pull/8059",
                "https://github.com/pssah4/vault-operator/issues/28 (R2)",
                "corpus: copilot",
            ]),
            hosts: list(&["api.githubcopilot.com", "*.githubcopilot.com"]),
            messages: MessageRules::default(),
            model_overrides: vec![new_limit("")],
            ..at("github-copilot", "https://api.githubcopilot.com")
        },
    ]
}

/// The models that know no chat.
fn of_prompts() -> ModelOverride {
    let names =
        ["gpt-3.5-turbo-instruct*", "davinci-002", "babbage-002", "ft:davinci-002*", "ft:babbage-002*"];
    ModelOverride { extra_dialects: prompts(), ..models(&names) }
}

/// What OpenAI's reasoning models refuse.
fn own_models(prefix: &str) -> Vec<ModelOverride> {
    const NEVER_SAMPLED: [&str; 8] =
        ["o1*", "o3*", "o4*", "gpt-5", "gpt-5-20*", "gpt-5-mini*", "gpt-5-nano*", "gpt-5-pro*"];
    const NEVER_STOPPED: [&str; 12] = [
        "o1-mini*",
        "o1-preview*",
        "o3",
        "o3-20*",
        "o4-mini*",
        "gpt-5",
        "gpt-5-20*",
        "gpt-5-mini*",
        "gpt-5-nano*",
        "gpt-5.1*",
        "gpt-5.2*",
        "gpt-5.4*",
    ];
    let those =
        |names: &[&str]| ModelOverride { matches: prefixed(prefix, names), ..ModelOverride::default() };
    vec![
        new_limit(prefix),
        ModelOverride {
            params: without(&[
                "temperature",
                "top_p",
                "frequency_penalty",
                "presence_penalty",
                "logprobs",
                "top_logprobs",
                "logit_bias",
            ]),
            ..those(&NEVER_SAMPLED)
        },
        ModelOverride {
            params: ParamRules { max_stop_sequences: Some(0), ..ParamRules::default() },
            ..those(&NEVER_STOPPED)
        },
        ModelOverride {
            params: without(&["parallel_tool_calls"]),
            reasoning: efforts(&["low", "medium", "high"]),
            ..those(&["o1*", "o3-mini*", "o4-mini*"])
        },
        ModelOverride {
            reasoning: efforts(&["minimal", "low", "medium", "high"]),
            ..those(&["gpt-5", "gpt-5-20*", "gpt-5-mini*", "gpt-5-nano*"])
        },
        ModelOverride {
            reasoning: efforts(&["none", "low", "medium", "high"]),
            ..those(&["gpt-5.1", "gpt-5.1-20*"])
        },
        ModelOverride {
            messages: MessageRules {
                roles: map(&[("system", "user"), ("developer", "user")]),
                ..MessageRules::default()
            },
            ..those(&["o1-mini*", "o1-preview*"])
        },
    ]
}

fn new_limit(prefix: &str) -> ModelOverride {
    ModelOverride {
        matches: prefixed(prefix, &["o1*", "o3*", "o4*", "gpt-5*"]),
        params: ParamRules {
            rename: map(&[("max_tokens", "max_completion_tokens")]),
            ..ParamRules::default()
        },
        ..models(&[])
    }
}

fn prefixed(prefix: &str, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("{prefix}{name}")).collect()
}
