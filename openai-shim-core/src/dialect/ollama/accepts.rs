//! What Ollama's own API accepts; a profile's rules lie over it.
//!
//! <https://docs.ollama.com/api/chat>, <https://docs.ollama.com/api/generate>,
//! <https://github.com/ollama/ollama/blob/main/api/types.go> (no choice among tools; no references in their schemas)

use super::names::OllamaApi;
use crate::accepts::literals::layer;
use crate::accepts::{AcceptsLayer, RefSupport, SchemaLayer, ToolChoiceSupport, ToolLayer};
use std::sync::LazyLock;

/// The rules of the vendor's own API, for an endpoint.
pub(super) fn of(api: OllamaApi) -> &'static AcceptsLayer {
    match api {
        OllamaApi::Chat => &CHAT,
        OllamaApi::Generate => &GENERATE,
    }
}

static CHAT: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    tools: ToolLayer {
        schema: layer!(SchemaLayer { refs: RefSupport::Inline }),
        ..layer!(ToolLayer {
            required_choice: ToolChoiceSupport::Auto,
            named_choice: ToolChoiceSupport::Auto,
            omit_for_none: true,
        })
    },
    ..AcceptsLayer::default()
});

static GENERATE: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    tools: layer!(ToolLayer { supported: false }),
    ..AcceptsLayer::default()
});
