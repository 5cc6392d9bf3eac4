//! What OpenAI's text completions accepts; a profile's rules lie over it.
//!
//! <https://platform.openai.com/docs/api-reference/completions/create>

use crate::accepts::literals::layer;
use crate::accepts::{AcceptsLayer, ReasoningDefault, ReasoningLayer, ReasoningParam};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> =
    LazyLock::new(|| AcceptsLayer { reasoning: reasoning(), ..AcceptsLayer::default() });

/// There is no parameter for it.
fn reasoning() -> ReasoningLayer {
    layer!(ReasoningLayer { param: ReasoningParam::Unsupported, default: ReasoningDefault::Off })
}
