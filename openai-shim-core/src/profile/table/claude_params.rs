//! What Claude models refuse of a request's parameters, whichever upstream serves them by an API that refuses.
//!
//! Sources: <https://platform.claude.com/docs/en/about-claude/models/migration-guide>,
//! <https://platform.claude.com/docs/en/api/migration-2026-10-21>, <https://github.com/Comfy-Org/ComfyUI/issues/13923>,
//! <https://github.com/anthropics/skills> (`skills/claude-api/shared/model-migration.md`).

use super::helpers::{for_models, forced_choice_as_auto, layer, list, map};
use crate::accepts::{MessageLayer, ParamLayer, PrefillPolicy};
use crate::profile::definition::ModelOverride;

/// Models that take sampling parameters with their default values only.
const WITHOUT_SAMPLING: [&str; 9] = [
    "*claude-opus-4-7*",
    "*claude-opus-4.7*",
    "*claude-opus-4-8*",
    "*claude-opus-4.8*",
    "*claude-opus-5*",
    "*claude-sonnet-5*",
    "*claude-haiku-5*",
    "*claude-fable-*",
    "*claude-mythos-*",
];

/// Models before these that neither take an assistant message at the end.
const WITHOUT_PREFILL: [&str; 4] =
    ["*claude-opus-4-6*", "*claude-opus-4.6*", "*claude-sonnet-4-6*", "*claude-sonnet-4.6*"];

/// The overrides for Claude models. The limit that is sent where a client sent none is the model's largest: a smaller one
/// would cut long answers.
pub(super) fn claude_params() -> Vec<ModelOverride> {
    let newest = [&WITHOUT_PREFILL[..], &WITHOUT_SAMPLING].concat();
    vec![
        ModelOverride {
            params: layer!(ParamLayer { exclusive: map(&[("top_p", "temperature")]) }),
            ..for_models(&["*claude-opus-4*", "*claude-sonnet-4*", "*claude-haiku-4*"])
        },
        ModelOverride {
            params: layer!(ParamLayer { max_output_tokens: Some(64_000) }),
            ..for_models(&[
                "*claude-opus-4-5*",
                "*claude-opus-4.5*",
                "*claude-sonnet-4-5*",
                "*claude-sonnet-4.5*",
                "*claude-haiku-4-5*",
                "*claude-haiku-4.5*",
            ])
        },
        ModelOverride {
            params: layer!(ParamLayer { max_output_tokens: Some(128_000) }),
            messages: layer!(MessageLayer { prefill: PrefillPolicy::Continue }),
            ..for_models(&newest)
        },
        ModelOverride {
            params: layer!(ParamLayer { default_only: list(&["temperature", "top_k", "top_p"]) }),
            ..for_models(&WITHOUT_SAMPLING)
        },
        ModelOverride {
            tools: forced_choice_as_auto(),
            ..for_models(&[
                "*claude-fable-5-1*",
                "*claude-fable-5-2*",
                "*claude-mythos-5-1*",
                "*claude-mythos-5-2*",
                "*claude-opus-5-5*",
                "*claude-sonnet-5-5*",
            ])
        },
    ]
}
