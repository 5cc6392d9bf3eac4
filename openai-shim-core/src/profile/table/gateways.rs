//! Gateways: services with one API for the models of many vendors.

use super::helpers::{
    always_reasons, anywhere, at_host, for_models, layer, list, max_tokens_only, reasoning_by, reasoning_in,
    text,
};
use crate::accepts::{
    MEDIA_SOURCES, MediaLayer, MessageLayer, ParamLayer, ReasoningField, ReasoningLayer, ReasoningParam,
    ToolLayer,
};
use crate::profile::definition::{Auth, ModelOverride, Profile};

pub(super) fn profiles() -> Vec<Profile> {
    vec![
        Profile {
            description: text("OpenRouter"),
            sources: list(&[
                "https://openrouter.ai/docs/guides/overview/multimodal/pdfs",
                "https://openrouter.ai/docs/api-reference/overview (R58)",
                "https://openrouter.ai/docs/guides/best-practices/reasoning-tokens (R49)",
                "https://github.com/earendil-works/pi (R3 R49)",
                "corpus: openrouter",
            ]),
            // They name the client's app.
            forward_headers: list(&["http-referer", "x-title"]),
            messages: reasoning_in(ReasoningField::Reasoning),
            reasoning: reasoning_by(ReasoningParam::Reasoning),
            // It reads files at an address too.
            media: layer!(MediaLayer { file_sources: list(&MEDIA_SOURCES) }),
            model_overrides: vec![ModelOverride {
                reasoning: layer!(ReasoningLayer {
                    modes: list(&["enabled"]),
                    ..always_reasons(&["minimal", "low", "medium", "high", "xhigh", "max"])
                }),
                ..for_models(&[
                    "openai/o1*",
                    "openai/o3*",
                    "openai/o4*",
                    "openai/gpt-oss*",
                    "perplexity/sonar*reasoning*",
                    "x-ai/grok-build*",
                    "z-ai/glm-5.3*",
                    "qwen/qwen3.8-max*",
                    "google/gemini*pro*",
                ])
            }],
            ..at_host("openrouter", "https://openrouter.ai/api/v1")
        },
        Profile {
            description: text("Vercel AI Gateway"),
            sources: list(&["https://vercel.com/docs/ai-gateway/openai-compat"]),
            ..at_host("vercel-gateway", "https://ai-gateway.vercel.sh/v1")
        },
        Profile {
            description: text("Cloudflare AI Gateway"),
            sources: list(&[
                "https://developers.cloudflare.com/ai-gateway/usage/chat-completion (R54)",
                "https://github.com/earendil-works/pi (R1 R3 R41 R56)",
            ]),
            auth: Auth { header: text("cf-aig-authorization"), ..Auth::default() },
            params: max_tokens_only(),
            tools: layer!(ToolLayer { drop_strict: true }),
            ..at_host(
                "cloudflare-gateway",
                "https://gateway.ai.cloudflare.com/v1/YOUR-ACCOUNT/YOUR-GATEWAY/compat",
            )
        },
        Profile {
            description: text("Portkey"),
            sources: list(&[
                "https://portkey.ai/docs/api-reference/inference-api/headers",
                "corpus: portkey",
            ]),
            auth: Auth { header: text("x-portkey-api-key"), prefix: text("") },
            messages: MessageLayer::default(),
            ..at_host("portkey", "https://api.portkey.ai/v1")
        },
        Profile {
            description: text("Helicone AI Gateway"),
            sources: list(&[
                "https://docs.helicone.ai/gateway/overview",
                "https://github.com/BerriAI/litellm/blob/main/litellm/llms/openai_like/providers.json",
            ]),
            messages: MessageLayer::default(),
            ..at_host("helicone", "https://ai-gateway.helicone.ai/v1")
        },
        Profile {
            description: text("OpenCode Zen"),
            sources: list(&["https://opencode.ai/docs/zen", "https://github.com/earendil-works/pi (R3)"]),
            ..at_host("opencode-zen", "https://opencode.ai/zen/v1")
        },
        Profile {
            description: text("LiteLLM's proxy"),
            sources: list(&[
                "https://docs.litellm.ai/docs/proxy/quick_start",
                "https://github.com/BerriAI/litellm/issues/3167",
            ]),
            params: layer!(ParamLayer { refused_with_500: true }),
            messages: MessageLayer::default(),
            ..anywhere("litellm", "http://127.0.0.1:4000/v1")
        },
    ]
}
