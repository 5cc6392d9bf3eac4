//! What Google's Gemini API accepts; a profile's rules lie over it.
//!
//! <https://ai.google.dev/api/generate-content>

use crate::accepts::literals::{layer, list};
use crate::accepts::{AcceptsLayer, MediaLayer, MessageLayer, REQUEST_NONCE};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    messages: layer!(MessageLayer { drop_empty_text: true, drop_system_lines: list(&[REQUEST_NONCE]) }),
    media: layer!(MediaLayer {
        // Only from the third generation on.
        in_tool_results: Vec::new(),
        in_system: Vec::new(),
        // <https://ai.google.dev/gemini-api/docs/image-understanding>
        image_types: list(&["image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"]),
        image_details: Some(Vec::new()),
        named: Vec::new(),
    }),
    ..AcceptsLayer::default()
});
