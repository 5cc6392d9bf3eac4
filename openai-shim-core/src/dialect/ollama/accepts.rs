//! What Ollama's own API accepts; a profile's rules lie over it.
//!
//! <https://docs.ollama.com/api/chat>

use crate::accepts::literals::{layer, list};
use crate::accepts::{AcceptsLayer, ReasoningLayer, ReasoningParam};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> =
    LazyLock::new(|| AcceptsLayer { reasoning: reasoning(), ..AcceptsLayer::default() });

/// `think`: <https://docs.ollama.com/capabilities/thinking>
fn reasoning() -> ReasoningLayer {
    layer!(ReasoningLayer {
        param: ReasoningParam::OwnSwitch,
        efforts: list(&["low", "medium", "high", "max"]),
    })
}
