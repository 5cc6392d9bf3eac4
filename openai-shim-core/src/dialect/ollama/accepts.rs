//! What Ollama's own API accepts; a profile's rules lie over it.
//!
//! <https://docs.ollama.com/api/chat>

use crate::accepts::literals::layer;
use crate::accepts::{AcceptsLayer, MessageLayer, ToolPairing};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    messages: layer!(MessageLayer { tool_pairing: ToolPairing::Adjacent }),
    ..AcceptsLayer::default()
});
