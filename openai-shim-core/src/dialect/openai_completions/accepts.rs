//! What OpenAI's text completions accepts; a profile's rules lie over it.
//!
//! <https://platform.openai.com/docs/api-reference/completions/create>

use crate::accepts::literals::{layer, list};
use crate::accepts::{AcceptsLayer, MediaLayer, MessageLayer, REQUEST_NONCE};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    messages: layer!(MessageLayer { drop_system_lines: list(&[REQUEST_NONCE]) }),
    media: layer!(MediaLayer {
        in_user: Vec::new(),
        in_tool_results: Vec::new(),
        in_assistant: Vec::new(),
        in_system: Vec::new(),
    }),
    ..AcceptsLayer::default()
});
