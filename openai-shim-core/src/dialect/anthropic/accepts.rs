//! What Anthropic's Messages API accepts; a profile's rules lie over it.
//!
//! <https://docs.anthropic.com/en/api/messages>

use crate::accepts::literals::{layer, list};
use crate::accepts::{AcceptsLayer, MediaLayer, MessageLayer};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    messages: layer!(MessageLayer { drop_empty_text: true, drop_blank_text: true }),
    media: layer!(MediaLayer {
        in_user: list(&["image", "file"]),
        in_tool_results: list(&["image", "file"]),
        // A document there is a 400: <https://platform.claude.com/docs/en/api/migration-2026-10-21>.
        in_assistant: Vec::new(),
        in_system: Vec::new(),
        image_types: list(&["image/jpeg", "image/png", "image/gif", "image/webp"]),
        file_types: list(&["application/pdf", "text/*"]),
        image_details: Some(Vec::new()),
        named: list(&["file"]),
    }),
    ..AcceptsLayer::default()
});
