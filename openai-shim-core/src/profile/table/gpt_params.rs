//! What OpenAI's reasoning models refuse of a request's parameters.
//!
//! Sources, besides those of the profiles: <https://github.com/pydantic/pydantic-ai> (`profiles/openai.py`, checked against
//! the API), <https://www.npmjs.com/package/@ai-sdk/openai>, <https://github.com/khoj-ai/khoj/issues/1377>,
//! <https://github.com/danny-avila/LibreChat/issues/14231>.

use super::helpers::{drop_params, layer, list, map, ranges, text_values};
use crate::accepts::ParamLayer;
use crate::profile::definition::ModelOverride;

/// What a model that reasons takes with its default value only.
pub(super) const SAMPLING: [&str; 8] = [
    "frequency_penalty",
    "include.message.output_text.logprobs",
    "logit_bias",
    "logprobs",
    "presence_penalty",
    "temperature",
    "top_logprobs",
    "top_p",
];

/// Parameters of other servers of this dialect, each of which OpenAI refuses as unknown.
const UNKNOWN: [&str; 8] = [
    "ignore_eos",
    "length_penalty",
    "min_p",
    "min_tokens",
    "repetition_penalty",
    "top_a",
    "top_k",
    "typical_p",
];

/// The parameters that OpenAI takes of any model, by <https://github.com/openai/openai-openapi>.
pub(super) fn openai_params() -> ParamLayer {
    layer!(ParamLayer {
        drop: list(&UNKNOWN),
        clamp: ranges(&[
            ("frequency_penalty", [-2.0, 2.0]),
            // Chat has a switch of this name.
            ("logprobs", [0.0, 5.0]),
            ("presence_penalty", [-2.0, 2.0]),
            ("temperature", [0.0, 2.0]),
            ("top_logprobs", [0.0, 20.0]),
            ("top_p", [0.0, 1.0])
        ]),
        max_stop_sequences: Some(4)
    })
}

/// What newer models refuse; `prefix` precedes the models' names.
pub(super) fn gpt_params(prefix: &str) -> Vec<ModelOverride> {
    let for_models = |names: &[&str], params: ParamLayer| ModelOverride {
        matches: names.iter().map(|name| format!("{prefix}{name}")).collect(),
        params,
        ..ModelOverride::default()
    };
    vec![
        // They do not reason unless they are asked to.
        for_models(
            &["gpt-5.1*", "gpt-5.2*", "gpt-5.3*", "gpt-5.4*"],
            layer!(ParamLayer { default_only_while_reasoning: list(&SAMPLING) }),
        ),
        for_models(
            &["gpt-5.5*", "gpt-5.6*"],
            layer!(ParamLayer { default_only_unless_reasoning_off: list(&SAMPLING) }),
        ),
        for_models(
            &["gpt-5.*-chat-latest*", "gpt-5*-pro*", "gpt-5*-codex*", "gpt-6*"],
            layer!(ParamLayer { default_only: list(&SAMPLING) }),
        ),
        for_models(&["gpt-6*"], drop_params(&["prompt_cache_retention"])),
        // Chat refuses functions while this model reasons, which it does by itself; Responses does not.
        for_models(
            &["gpt-5.6*"],
            layer!(ParamLayer { force_with_tools: text_values(&[("reasoning_effort", "none")]) }),
        ),
        for_models(
            &["o1*", "o3*", "o4*", "gpt-5*", "gpt-6*"],
            layer!(ParamLayer { rename: map(&[("max_tokens", "max_completion_tokens")]) }),
        ),
    ]
}
