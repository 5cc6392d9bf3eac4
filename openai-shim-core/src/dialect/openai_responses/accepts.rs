//! What OpenAI's Responses API accepts; a profile's rules lie over it.
//!
//! <https://platform.openai.com/docs/api-reference/responses/create>

use crate::accepts::literals::layer;
use crate::accepts::{AcceptsLayer, MessageLayer, ToolCallIdFormat, ToolLayer, ToolNameFormat, ToolPairing};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    messages: layer!(MessageLayer {
        tool_call_ids: ToolCallIdFormat::Max64,
        // <https://github.com/deepseek-ai/awesome-deepseek-integration/issues/740>: outputs belong to calls by their ids.
        tool_pairing: ToolPairing::Later,
    }),
    // The specification allows 128 characters; upstreams that write chat completions from Responses take 64.
    tools: layer!(ToolLayer { names: ToolNameFormat::Word64 }),
    ..AcceptsLayer::default()
});
