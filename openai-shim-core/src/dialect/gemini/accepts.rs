//! What Google's Gemini API accepts; a profile's rules lie over it.
//!
//! <https://ai.google.dev/api/generate-content>

use crate::accepts::literals::{layer, list, text};
use crate::accepts::{AcceptsLayer, MediaLayer, MessageLayer, ParamLayer, REQUEST_NONCE};
use crate::dialect::params::{Params, param};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    params: layer!(ParamLayer { min_output_tokens: Some(1) }),
    messages: layer!(MessageLayer { drop_empty_text: true, drop_system_lines: list(&[REQUEST_NONCE]) }),
    media: media(),
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

/// Which images, audio and files.
fn media() -> MediaLayer {
    layer!(MediaLayer {
        // Only from the third generation on.
        in_tool_results: Vec::new(),
        in_system: Vec::new(),
        // <https://ai.google.dev/gemini-api/docs/image-understanding>
        image_types: list(&["image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"]),
        file_id_prefix: text("files/"),
        image_details: Some(Vec::new()),
        named: Vec::new(),
    })
}
