//! What OpenAI's Responses API accepts; a profile's rules lie over it.
//!
//! <https://platform.openai.com/docs/api-reference/responses/create>

use crate::accepts::literals::layer;
use crate::accepts::{AcceptsLayer, ReasoningLayer, ReasoningParam, ReasoningVisibility};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> =
    LazyLock::new(|| AcceptsLayer { reasoning: reasoning(), ..AcceptsLayer::default() });

/// `reasoning: {effort, summary}`
fn reasoning() -> ReasoningLayer {
    layer!(ReasoningLayer { param: ReasoningParam::OwnEffort, display: ReasoningVisibility::Optional })
}
