//! What OpenAI's Responses accepts; a profile's rules lie over it.
//!
//! <https://platform.openai.com/docs/api-reference/responses/create>

use crate::accepts::literals::{layer, ranges};
use crate::accepts::{AcceptsLayer, ParamLayer};
use crate::dialect::params::{Params, param, same_name};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    params: layer!(ParamLayer {
        clamp: ranges(&[("temperature", [0.0, 2.0]), ("top_p", [0.0, 1.0])]),
        min_output_tokens: Some(16),
        max_choices: Some(1)
    }),
    ..AcceptsLayer::default()
});

/// The parameters.
pub(super) static PARAMS: Params = Params(&[
    param("max_tokens", "max_output_tokens"),
    same_name("temperature"),
    same_name("top_p"),
    same_name("user"),
    param("reasoning_effort", "reasoning.effort"),
    same_name("metadata"),
    same_name("moderation"),
    same_name("prompt_cache_key"),
    same_name("prompt_cache_options"),
    same_name("prompt_cache_retention"),
    same_name("safety_identifier"),
    same_name("service_tier").with_values(&[
        "\"auto\"",
        "\"default\"",
        "\"fast\"",
        "\"flex\"",
        "\"priority\"",
        "\"scale\"",
    ]),
    same_name("store"),
    param("verbosity", "text.verbosity"),
]);
