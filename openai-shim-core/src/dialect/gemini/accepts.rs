//! What Google's Gemini API accepts; a profile's rules lie over it.
//!
//! <https://ai.google.dev/api/generate-content>

use crate::accepts::literals::layer;
use crate::accepts::{AcceptsLayer, MessageLayer, SystemPosition, ToolLayer, ToolNameFormat, ToolPairing};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    messages: layer!(MessageLayer {
        system_position: SystemPosition::Front,
        require_user: true,
        tool_pairing: ToolPairing::Adjacent,
    }),
    // <https://github.com/googleapis/python-genai/blob/main/google/genai/types.py> (`FunctionDeclaration`)
    tools: layer!(ToolLayer { names: ToolNameFormat::Dotted128 }),
    ..AcceptsLayer::default()
});
