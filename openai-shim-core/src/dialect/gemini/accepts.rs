//! What Google's Gemini API accepts; a profile's rules lie over it.
//!
//! <https://ai.google.dev/api/generate-content>

use crate::accepts::literals::{layer, ranges};
use crate::accepts::{AcceptsLayer, ParamLayer};
use crate::dialect::params::{Params, param};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    params: layer!(ParamLayer {
        clamp: ranges(&[("generationConfig.temperature", [0.0, 2.0]), ("generationConfig.topP", [0.0, 1.0])]),
        min_output_tokens: Some(1),
        max_stop_sequences: Some(5)
    }),
    ..AcceptsLayer::default()
});

/// The parameters.
pub(super) static PARAMS: Params = Params(&[
    param("max_tokens", "generationConfig.maxOutputTokens"),
    param("temperature", "generationConfig.temperature"),
    param("top_p", "generationConfig.topP"),
    param("top_k", "generationConfig.topK"),
    param("frequency_penalty", "generationConfig.frequencyPenalty"),
    param("presence_penalty", "generationConfig.presencePenalty"),
    param("seed", "generationConfig.seed"),
    param("n", "generationConfig.candidateCount"),
    param("stop", "generationConfig.stopSequences"),
]);
