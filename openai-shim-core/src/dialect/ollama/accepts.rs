//! What Ollama's API accepts; a profile's rules lie over it.
//!
//! <https://docs.ollama.com/api/chat>, <https://docs.ollama.com/api/generate>,
//! <https://github.com/ollama/ollama/blob/main/api/types.go> (no choice among tools; no references in their schemas)

use crate::accepts::literals::{layer, list};
use crate::accepts::{
    AcceptsLayer, AuxiliaryLayer, MediaLayer, MessageLayer, ParamLayer, ReasoningLayer, ReasoningParam,
    RefSupport, RerankFormat, SchemaLayer, ToolChoiceSupport, ToolLayer, ToolPairing,
};
use crate::dialect::params::{Params, param, same_name};
use std::sync::LazyLock;

/// The rules of `/api/chat`, which has no field for what only a prompt has.
pub(super) static CHAT: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    params: layer!(ParamLayer {
        drop: list(&["context", "prompt", "raw", "suffix", "system", "template"]),
        max_choices: Some(1)
    }),
    messages: layer!(MessageLayer {
        tool_pairing: ToolPairing::Adjacent,
        object_arguments: true,
        data_urls_only: true,
    }),
    media: media(),
    tools: ToolLayer {
        schema: layer!(SchemaLayer { refs: RefSupport::Inline, root_object: true }),
        ..layer!(ToolLayer {
            required_choice: ToolChoiceSupport::Auto,
            named_choice: ToolChoiceSupport::Auto,
            omit_for_none: true,
        })
    },
    reasoning: reasoning(),
    rerank: layer!(AuxiliaryLayer { format: RerankFormat::None }),
    ..AcceptsLayer::default()
});

/// The rules of `/api/generate`.
pub(super) static GENERATE: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    params: layer!(ParamLayer { max_choices: Some(1) }),
    messages: layer!(MessageLayer {
        require_user: true,
        tool_pairing: ToolPairing::Adjacent,
        object_arguments: true,
        data_urls_only: true,
    }),
    media: media(),
    tools: layer!(ToolLayer { omit: true }),
    reasoning: reasoning(),
    rerank: layer!(AuxiliaryLayer { format: RerankFormat::None }),
    ..AcceptsLayer::default()
});

/// `think`: <https://docs.ollama.com/capabilities/thinking>
fn reasoning() -> ReasoningLayer {
    layer!(ReasoningLayer {
        param: ReasoningParam::OwnSwitch,
        efforts: list(&["low", "medium", "high", "max"]),
    })
}

/// The parameters of both, and those of one.
macro_rules! params {
    ($($own:expr),*) => {
        Params(&[
            param("max_tokens", "options.num_predict"),
            param("temperature", "options.temperature"),
            param("top_p", "options.top_p"),
            param("top_k", "options.top_k"),
            param("min_p", "options.min_p"),
            param("repetition_penalty", "options.repeat_penalty"),
            param("frequency_penalty", "options.frequency_penalty"),
            param("presence_penalty", "options.presence_penalty"),
            param("seed", "options.seed"),
            param("stop", "options.stop"),
            same_name("logprobs"),
            param("reasoning_effort", "think"),
            $($own),*
        ])
    };
}

/// The parameters of `/api/chat`.
pub(super) static CHAT_PARAMS: Params = params!();

/// The parameters of `/api/generate`.
pub(super) static GENERATE_PARAMS: Params = params!(same_name("suffix"));

/// Which images, audio and files.
fn media() -> MediaLayer {
    layer!(MediaLayer {
        in_user: list(&["image"]),
        in_tool_results: list(&["image"]),
        in_assistant: Vec::new(),
        in_system: Vec::new(),
        untyped: true,
        image_details: Some(Vec::new()),
        named: Vec::new(),
    })
}
