//! What OpenAI's Responses API accepts; a profile's rules lie over it.
//!
//! <https://platform.openai.com/docs/api-reference/responses/create>

use crate::accepts::literals::{layer, list};
use crate::accepts::{AcceptsLayer, MediaLayer, MessageLayer, REQUEST_NONCE};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    messages: layer!(MessageLayer { drop_system_lines: list(&[REQUEST_NONCE]) }),
    media: layer!(MediaLayer {
        in_tool_results: list(&["image", "file"]),
        // Its parts are `output_text` and `refusal`.
        in_assistant: Vec::new(),
        audio_sources: list(&["base64"]),
        named: list(&["file"]),
    }),
    ..AcceptsLayer::default()
});
