//! What Google's Gemini API accepts; a profile's rules lie over it.
//!
//! <https://ai.google.dev/api/generate-content>

use crate::accepts::literals::{layer, numbers};
use crate::accepts::{AcceptsLayer, ParamLayer, ReasoningLayer, ReasoningParam, ReasoningVisibility};
use crate::dialect::params::{Params, param};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    params: layer!(ParamLayer { min_output_tokens: Some(1) }),
    reasoning: reasoning(),
    ..AcceptsLayer::default()
});

/// `thinkingConfig`: <https://ai.google.dev/gemini-api/docs/thinking>. The budgets of the efforts are those of Google's own
/// API like OpenAI's. All models take budgets, and only the newest take levels.
fn reasoning() -> ReasoningLayer {
    layer!(ReasoningLayer {
        param: ReasoningParam::OwnBudget,
        budgets: numbers(&[
            ("minimal", 1024),
            ("low", 1024),
            ("medium", 8192),
            ("high", 24_576),
            ("xhigh", 24_576),
            ("max", 24_576),
        ]),
        display: ReasoningVisibility::OnRequest,
    })
}

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
