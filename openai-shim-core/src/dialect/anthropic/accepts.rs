//! What Anthropic's Messages API accepts; a profile's rules lie over it.
//!
//! <https://docs.anthropic.com/en/api/messages>

use crate::accepts::literals::{layer, list};
use crate::accepts::{AcceptsLayer, ReasoningLayer, ReasoningParam, ReasoningVisibility};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> =
    LazyLock::new(|| AcceptsLayer { reasoning: reasoning(), ..AcceptsLayer::default() });

/// `thinking` and `output_config.effort`: <https://platform.claude.com/docs/en/build-with-claude/extended-thinking>
fn reasoning() -> ReasoningLayer {
    layer!(ReasoningLayer {
        param: ReasoningParam::OwnBudget,
        efforts: list(&["low", "medium", "high", "xhigh", "max"]),
        modes: list(&["adaptive", "enabled", "disabled", "between_tools"]),
        min_budget: Some(1024),
        budget_below_max_tokens: true,
        display: ReasoningVisibility::Optional,
        effort_of_response: true,
        with_forced_tools: false,
        requires_signed_calls: true,
    })
}
