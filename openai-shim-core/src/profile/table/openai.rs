//! OpenAI, servers that no other profile matches, and OpenAI's models hosted by Microsoft.

use super::gpt_params::{SAMPLING, gpt_params, openai_params};
use super::helpers::{
    anywhere, at_host, drop_params, embeddings_at_most, for_models, layer, list, map, named, no_rankings,
    openai_formats, openai_headers, openai_media, openai_tools, reasoning_by, text,
};
use super::openai_models;
use crate::accepts::{
    MediaLayer, MessageLayer, ParamLayer, ReasoningField, ReasoningLayer, ReasoningParam,
    ReasoningVisibility, ToolCallIdFormat,
};
use crate::profile::definition::{Auth, EndpointPaths, ModelOverride, Profile};

pub(super) fn profiles() -> Vec<Profile> {
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
                "https://github.com/openai/openai-openapi (R30 R31)",
                "https://github.com/danny-avila/LibreChat/issues/14231 (R50)",
                "https://github.com/khoj-ai/khoj/issues/1377 (R33)",
                "https://github.com/earendil-works/pi (R12)",
                "corpus: openai (R2 R4 R29)",
            ]),
            model_overrides: [reasoning_models(""), vec![completion_models()]].concat(),
            extra_dialects: list(&["openai-responses"]),
            forward_headers: openai_headers(),
            rerank: no_rankings(),
            ..with_rules_of_openai(at_host("openai", "https://api.openai.com/v1"))
        },
        Profile {
            description: text("Any server that is nearly OpenAI: lenient, nothing assumed"),
            ..named("compatible")
        },
        Profile {
            description: text(
                "Azure OpenAI, by its v1 API; for deployments, `paths.query_params` takes the `api-version`",
            ),
            sources: list(&[
                "https://github.com/pydantic/pydantic-ai/blob/main/pydantic_ai_slim/pydantic_ai/providers/azure.py",
                "https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle (R55 R56)",
                "https://github.com/langchain-ai/langchain/issues/29416 (R25)",
                "corpus: azure (R2)",
            ]),
            hosts: list(&["*.openai.azure.com", "*.services.ai.azure.com", "*.cognitiveservices.azure.com"]),
            auth: Auth { header: text("api-key"), prefix: text("") },
            model_overrides: reasoning_models(""),
            media: layer!(MediaLayer { in_user: list(&["image", "audio"]), ..openai_media() }),
            ..with_rules_of_openai(anywhere("azure", "https://your-resource.openai.azure.com/openai/v1"))
        },
        Profile {
            description: text(
                "Azure OpenAI, by deployments and a dated `api-version`; it is chosen by its name",
            ),
            sources: list(&[
                "https://github.com/pydantic/pydantic-ai/blob/main/pydantic_ai_slim/pydantic_ai/providers/azure.py",
                "https://learn.microsoft.com/azure/ai-foundry/openai/reference (R54 R55 R56)",
                "corpus: azure (R54 R55)",
            ]),
            auth: Auth { header: text("api-key"), prefix: text("") },
            paths: EndpointPaths {
                generate: text("/openai/deployments/{model}/chat/completions"),
                auxiliary: text("/openai/deployments/{model}{path}"),
                query_params: map(&[("api-version", "2024-10-21")]),
                ..EndpointPaths::default()
            },
            has_model_list: false,
            model_overrides: reasoning_models(""),
            media: layer!(MediaLayer { in_user: list(&["image", "audio"]), ..openai_media() }),
            ..with_rules_of_openai(named("azure-deployments"))
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
            messages: layer!(MessageLayer { tool_call_ids: ToolCallIdFormat::Max40 }),
            reasoning: reasoning_by(ReasoningParam::ReasoningEffort),
            tools: openai_tools(),
            response_format: openai_formats(),
            model_overrides: reasoning_models("openai/"),
            ..at_host("github-models", "https://models.github.ai/inference")
        },
        Profile {
            description: text("GitHub Copilot"),
            sources: list(&[
                "https://github.com/pydantic/pydantic-ai/pull/8059",
                "https://github.com/pssah4/vault-operator/issues/28 (R2)",
                "corpus: copilot",
            ]),
            hosts: list(&["api.githubcopilot.com", "*.githubcopilot.com"]),
            // The older name of the limit is refused for every model.
            params: layer!(ParamLayer { rename: map(&[("max_tokens", "max_completion_tokens")]) }),
            messages: layer!(MessageLayer { tool_call_ids: ToolCallIdFormat::Max40 }),
            tools: openai_tools(),
            response_format: openai_formats(),
            ..at_host("github-copilot", "https://api.githubcopilot.com")
        },
    ]
}

/// A profile of an API that runs OpenAI's own models by OpenAI's rules.
fn with_rules_of_openai(profile: Profile) -> Profile {
    Profile {
        params: openai_params(),
        messages: layer!(MessageLayer {
            tool_call_ids: ToolCallIdFormat::Max40,
            reasoning_field: ReasoningField::None
        }),
        reasoning: hidden_reasoning(),
        tools: openai_tools(),
        response_format: openai_formats(),
        // <https://platform.openai.com/docs/api-reference/embeddings/create>
        embeddings: embeddings_at_most(2048),
        media: openai_media(),
        ..profile
    }
}

/// OpenAI's chat takes an effort, and shows no reasoning.
fn hidden_reasoning() -> ReasoningLayer {
    layer!(ReasoningLayer {
        display: ReasoningVisibility::Never,
        ..reasoning_by(ReasoningParam::ReasoningEffort)
    })
}

/// Models that take text completions only.
fn completion_models() -> ModelOverride {
    let names =
        ["gpt-3.5-turbo-instruct*", "davinci-002", "babbage-002", "ft:davinci-002*", "ft:babbage-002*"];
    ModelOverride { extra_dialects: Some(list(&["...", "openai-completions"])), ..for_models(&names) }
}

/// What OpenAI's reasoning models refuse; `prefix` precedes the models' names.
pub(super) fn reasoning_models(prefix: &str) -> Vec<ModelOverride> {
    const WITHOUT_SAMPLING: [&str; 8] =
        ["o1*", "o3*", "o4*", "gpt-5", "gpt-5-20*", "gpt-5-mini*", "gpt-5-nano*", "gpt-5-pro*"];
    const WITHOUT_STOP: [&str; 12] = [
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
    let prefixed =
        |names: &[&str]| ModelOverride { matches: with_prefix(prefix, names), ..ModelOverride::default() };
    let older = vec![
        ModelOverride { params: drop_params(&SAMPLING), ..prefixed(&WITHOUT_SAMPLING) },
        ModelOverride {
            params: layer!(ParamLayer { max_stop_sequences: Some(0) }),
            ..prefixed(&WITHOUT_STOP)
        },
        ModelOverride {
            params: drop_params(&["parallel_tool_calls"]),
            ..prefixed(&["o1*", "o3-mini*", "o4-mini*"])
        },
        ModelOverride {
            messages: layer!(MessageLayer { roles: map(&[("system", "user"), ("developer", "user")]) }),
            ..prefixed(&["o1-mini*", "o1-preview*"])
        },
    ];
    [older, gpt_params(prefix), openai_models::reasoning(prefix)].concat()
}

fn with_prefix(prefix: &str, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("{prefix}{name}")).collect()
}
