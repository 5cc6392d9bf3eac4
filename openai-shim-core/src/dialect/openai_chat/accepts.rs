//! What OpenAI's chat completions accepts; a profile's rules lie over it.
//!
//! <https://platform.openai.com/docs/api-reference/chat/create>

use crate::accepts::literals::{layer, list};
use crate::accepts::{AcceptsLayer, MediaLayer, MessageLayer, REQUEST_NONCE};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    messages: layer!(MessageLayer { drop_system_lines: list(&[REQUEST_NONCE]) }),
    // Only users show images, audio and files: the types of the other messages' parts are text.
    media: layer!(MediaLayer {
        in_tool_results: Vec::new(),
        in_assistant: Vec::new(),
        in_system: Vec::new(),
        image_sources: list(&["base64", "url"]),
        audio_sources: list(&["base64"]),
        file_sources: list(&["base64", "file_id"]),
        named: list(&["file"]),
    }),
    ..AcceptsLayer::default()
});
