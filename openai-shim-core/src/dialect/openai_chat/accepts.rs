//! What OpenAI's chat completions accepts; a profile's rules lie over it.
//!
//! <https://platform.openai.com/docs/api-reference/chat/create>,
//! <https://platform.openai.com/docs/guides/structured-outputs> (strict schemas),
//! <https://github.com/sigoden/aichat/pull/1049>, <https://github.com/spring-projects/spring-ai/issues/4776> (`items`,
//! `properties`)
//!
//! Many vendors' APIs are nearly this one: what they take without OpenAI's restrictions stands in the rows of OpenAI's own APIs.

use crate::accepts::literals::{layer, list, text};
use crate::accepts::{
    AcceptsLayer, MediaLayer, MessageLayer, ObjectSupport, ParamLayer, ResponseFormatLayer, SchemaLayer,
    ToolLayer, ToolNameFormat, ToolPairing,
};
use crate::dialect::params::{Params, param, same_name};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    params: layer!(ParamLayer { min_output_tokens: Some(1) }),
    messages: layer!(MessageLayer { tool_pairing: ToolPairing::Adjacent }),
    media: media(),
    tools: ToolLayer {
        schema: layer!(SchemaLayer { current_draft: true, root_object: true, require_members: true }),
        strict_schema: layer!(SchemaLayer { objects: ObjectSupport::Required }),
        // <https://github.com/openai/openai-python/blob/main/src/openai/types/shared_params/function_definition.py>
        ..layer!(ToolLayer { names: ToolNameFormat::Word64, unique_names: true })
    },
    response_format: ResponseFormatLayer {
        schema: layer!(SchemaLayer { current_draft: true }),
        strict_schema: layer!(SchemaLayer { require_members: true, objects: ObjectSupport::Required }),
        ..layer!(ResponseFormatLayer { restrict_names: true })
    },
    ..AcceptsLayer::default()
});

/// The parameters: OpenAI's, and those that most servers of this dialect add.
pub(super) static PARAMS: Params = Params(&[
    same_name("max_tokens"),
    param("max_tokens", "max_completion_tokens"),
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
    same_name("reasoning_effort"),
    same_name("metadata"),
    same_name("moderation"),
    same_name("prompt_cache_key"),
    same_name("prompt_cache_options"),
    same_name("prompt_cache_retention"),
    same_name("safety_identifier"),
    same_name("service_tier"),
    same_name("store"),
    same_name("verbosity"),
]);

/// Which images, audio and files.
fn media() -> MediaLayer {
    layer!(MediaLayer {
        // Only users show images, audio and files: the types of the other messages' parts are text.
        in_tool_results: Vec::new(),
        in_assistant: Vec::new(),
        in_system: Vec::new(),
        image_sources: list(&["base64", "url"]),
        audio_sources: list(&["base64"]),
        file_sources: list(&["base64", "file_id"]),
        file_id_prefix: text("file-"),
        url_schemes: list(&["http", "https"]),
        named: list(&["file"]),
    })
}
