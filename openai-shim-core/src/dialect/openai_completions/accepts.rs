//! What OpenAI's text completions accepts; a profile's rules lie over it.
//!
//! <https://platform.openai.com/docs/api-reference/completions/create>

use crate::accepts::literals::layer;
use crate::accepts::{
    AcceptsLayer, MediaLayer, MessageLayer, ReasoningDefault, ReasoningLayer, ReasoningParam, ToolLayer,
    ToolPairing,
};
use crate::dialect::params::{Params, same_name};
use std::sync::LazyLock;

/// The rules of the vendor's own API, which takes a limit of 0 tokens.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    messages: layer!(MessageLayer { tool_pairing: ToolPairing::Adjacent }),
    media: media(),
    tools: layer!(ToolLayer { omit: true }),
    reasoning: reasoning(),
    ..AcceptsLayer::default()
});

/// There is no parameter for it.
fn reasoning() -> ReasoningLayer {
    layer!(ReasoningLayer { param: ReasoningParam::Unsupported, default: ReasoningDefault::Off })
}

/// The parameters: OpenAI's, and those that most servers of this dialect add.
pub(super) static PARAMS: Params = Params(&[
    same_name("max_tokens"),
    same_name("temperature"),
    same_name("top_p"),
    same_name("top_k"),
    same_name("min_p"),
    same_name("repetition_penalty"),
    same_name("frequency_penalty"),
    same_name("presence_penalty"),
    same_name("seed"),
    same_name("n"),
    same_name("stop"),
    same_name("logprobs"),
    same_name("logit_bias"),
    same_name("user"),
    same_name("suffix"),
]);

/// Which images, audio and files.
fn media() -> MediaLayer {
    layer!(MediaLayer {
        in_user: Vec::new(),
        in_tool_results: Vec::new(),
        in_assistant: Vec::new(),
        in_system: Vec::new(),
    })
}
