//! What OpenAI's chat completions accepts; a profile's rules lie over it.
//!
//! <https://platform.openai.com/docs/api-reference/chat/create>

use crate::accepts::literals::layer;
use crate::accepts::{AcceptsLayer, ParamLayer};
use crate::dialect::params::{Params, param, same_name};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    params: layer!(ParamLayer { min_output_tokens: Some(1) }),
    ..AcceptsLayer::default()
});

/// The parameters: OpenAI's, and those that most servers of this dialect add.
pub(super) static PARAMS: Params = Params(&[
    same_name("max_tokens"),
    param("max_tokens", "max_completion_tokens"),
    same_name("temperature"),
    same_name("top_p"),
    same_name("top_k"),
    same_name("min_p"),
    same_name("repetition_penalty"),
    same_name("frequency_penalty"),
    same_name("presence_penalty"),
    same_name("seed"),
    same_name("n"),
    same_name("stop"),
    same_name("logprobs"),
    same_name("logit_bias"),
    same_name("user"),
    same_name("reasoning_effort"),
    same_name("metadata"),
    same_name("moderation"),
    same_name("prompt_cache_key"),
    same_name("prompt_cache_options"),
    same_name("prompt_cache_retention"),
    same_name("safety_identifier"),
    same_name("service_tier"),
    same_name("store"),
    same_name("verbosity"),
]);
