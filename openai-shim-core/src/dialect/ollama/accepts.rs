//! What Ollama's own API accepts; a profile's rules lie over it.
//!
//! <https://docs.ollama.com/api/chat>

use crate::accepts::literals::{layer, list};
use crate::accepts::{AcceptsLayer, MediaLayer, MessageLayer, REQUEST_NONCE};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    messages: layer!(MessageLayer { data_urls_only: true, drop_system_lines: list(&[REQUEST_NONCE]) }),
    media: layer!(MediaLayer {
        in_user: list(&["image"]),
        in_tool_results: list(&["image"]),
        in_assistant: Vec::new(),
        in_system: Vec::new(),
        untyped: true,
        image_details: Some(Vec::new()),
        named: Vec::new(),
    }),
    ..AcceptsLayer::default()
});
