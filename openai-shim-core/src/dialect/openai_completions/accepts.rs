//! What OpenAI's text completions accepts; a profile's rules lie over it.
//!
//! <https://platform.openai.com/docs/api-reference/completions/create>

use crate::accepts::literals::layer;
use crate::accepts::{AcceptsLayer, ToolLayer};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    tools: layer!(ToolLayer { supported: false }),
    ..AcceptsLayer::default()
});
