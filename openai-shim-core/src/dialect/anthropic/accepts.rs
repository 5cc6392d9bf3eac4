//! What Anthropic's Messages API accepts; a profile's rules lie over it.
//!
//! <https://docs.anthropic.com/en/api/messages>

use crate::accepts::literals::layer;
use crate::accepts::{
    AcceptsLayer, MessageLayer, SystemPosition, ToolCallIdFormat, ToolLayer, ToolNameFormat, ToolPairing,
};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    messages: layer!(MessageLayer {
        // <https://github.com/simonw/llm-anthropic/issues/73>: older models take them in front only.
        system_position: SystemPosition::AfterUser,
        require_user: true,
        trim_prefill: true,
        tool_call_ids: ToolCallIdFormat::Word,
        tool_pairing: ToolPairing::Adjacent,
    }),
    // <https://github.com/github/copilot-cli/issues/454>
    tools: layer!(ToolLayer { names: ToolNameFormat::Word128 }),
    ..AcceptsLayer::default()
});
