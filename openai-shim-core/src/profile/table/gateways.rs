//! Gateways: one API before many.

use super::{at, list, local, old_limit, text, thinking};
use crate::profile::{Auth, MessageRules, Profile, ReasoningParam, ToolRules};

pub(super) fn rows() -> Vec<Profile> {
    vec![
        Profile {
            description: text("OpenRouter"),
            sources: list(&[
                "https://openrouter.ai/docs/api-reference/overview (R58)",
                "https://openrouter.ai/docs/guides/best-practices/reasoning-tokens (R49)",
                "https://github.com/earendil-works/pi (R3 R49)",
                "corpus: openrouter",
            ]),
            // Which app asks.
            forward_headers: super::list(&["http-referer", "x-title"]),
            messages: MessageRules::default(),
            reasoning: thinking(ReasoningParam::Reasoning),
            ..at("openrouter", "https://openrouter.ai/api/v1")
        },
        Profile {
            description: text("Vercel AI Gateway"),
            sources: list(&["https://vercel.com/docs/ai-gateway/openai-compat"]),
            ..at("vercel-gateway", "https://ai-gateway.vercel.sh/v1")
        },
        Profile {
            description: text("Cloudflare AI Gateway"),
            sources: list(&[
                "https://developers.cloudflare.com/ai-gateway/usage/chat-completion (R54)",
                "https://github.com/earendil-works/pi (R1 R3 R41 R56)",
            ]),
            auth: Auth { header: text("cf-aig-authorization"), ..Auth::default() },
            params: old_limit(),
            tools: ToolRules { drop_strict: true, ..ToolRules::default() },
            ..at(
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
            messages: MessageRules::default(),
            ..at("portkey", "https://api.portkey.ai/v1")
        },
        Profile {
            description: text("Helicone AI Gateway"),
            sources: list(&[
                "https://docs.helicone.ai/gateway/overview",
                "https://github.com/BerriAI/litellm/blob/main/litellm/llms/openai_like/providers.json",
            ]),
            messages: MessageRules::default(),
            ..at("helicone", "https://ai-gateway.helicone.ai/v1")
        },
        Profile {
            description: text("OpenCode Zen"),
            sources: list(&["https://opencode.ai/docs/zen", "https://github.com/earendil-works/pi (R3)"]),
            ..at("opencode-zen", "https://opencode.ai/zen/v1")
        },
        Profile {
            description: text("LiteLLM's proxy"),
            sources: list(&["https://docs.litellm.ai/docs/proxy/quick_start"]),
            messages: MessageRules::default(),
            ..local("litellm", "http://127.0.0.1:4000/v1")
        },
    ]
}
