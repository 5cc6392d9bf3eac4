//! What OpenAI's chat completions accepts; a profile's rules lie over it.
//!
//! <https://platform.openai.com/docs/api-reference/chat/create>

use crate::accepts::literals::layer;
use crate::accepts::{AcceptsLayer, MessageLayer, ToolLayer, ToolNameFormat, ToolPairing};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    messages: layer!(MessageLayer { tool_pairing: ToolPairing::Adjacent }),
    // <https://github.com/openai/openai-python/blob/main/src/openai/types/shared_params/function_definition.py>
    tools: layer!(ToolLayer { names: ToolNameFormat::Word64 }),
    ..AcceptsLayer::default()
});
