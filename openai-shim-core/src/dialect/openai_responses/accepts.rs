//! What OpenAI's Responses accepts; a profile's rules lie over it.
//!
//! <https://platform.openai.com/docs/api-reference/responses/create>,
//! <https://platform.openai.com/docs/guides/structured-outputs> (strict schemas)

use crate::accepts::literals::{layer, list, ranges, text};
use crate::accepts::{
    AcceptsLayer, MediaLayer, MessageLayer, ObjectSupport, ParamLayer, ReasoningLayer, ReasoningParam,
    ReasoningVisibility, ResponseFormatLayer, SchemaLayer, ToolCallIdFormat, ToolChoiceSupport, ToolLayer,
    ToolNameFormat, ToolPairing,
};
use crate::dialect::params::{Params, param, same_name};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    params: layer!(ParamLayer {
        clamp: ranges(&[("temperature", [0.0, 2.0]), ("top_p", [0.0, 1.0])]),
        min_output_tokens: Some(16),
        max_choices: Some(1)
    }),
    messages: layer!(MessageLayer {
        tool_call_ids: ToolCallIdFormat::Max64,
        // <https://github.com/deepseek-ai/awesome-deepseek-integration/issues/740>: outputs belong to calls by their ids.
        tool_pairing: ToolPairing::Later,
    }),
    media: media(),
    tools: ToolLayer {
        schema: layer!(SchemaLayer { current_draft: true, root_object: true, require_members: true }),
        strict_schema: layer!(SchemaLayer { objects: ObjectSupport::Required }),
        ..layer!(ToolLayer {
            // The specification allows 128 characters; upstreams that write chat completions from Responses take 64.
            names: ToolNameFormat::Word64,
            allowed_choice: ToolChoiceSupport::Native,
        })
    },
    response_format: ResponseFormatLayer {
        schema: layer!(SchemaLayer { current_draft: true }),
        strict_schema: layer!(SchemaLayer { require_members: true, objects: ObjectSupport::Required }),
        ..layer!(ResponseFormatLayer { restrict_names: true })
    },
    reasoning: reasoning(),
    ..AcceptsLayer::default()
});

/// `reasoning: {effort, summary}`, and `include` for encrypted reasoning, which models that do not reason refuse:
/// <https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items>
fn reasoning() -> ReasoningLayer {
    layer!(ReasoningLayer {
        param: ReasoningParam::OwnEffort,
        encrypted_models: list(&["!*chat*", "gpt-5*", "gpt-6*", "codex*", "o1*", "o3*", "o4*"]),
        display: ReasoningVisibility::Optional,
    })
}

/// The parameters.
pub(super) static PARAMS: Params = Params(&[
    param("max_tokens", "max_output_tokens"),
    same_name("temperature"),
    same_name("top_p"),
    param("logprobs", "include.message.output_text.logprobs"),
    same_name("user"),
    param("reasoning_effort", "reasoning.effort"),
    same_name("metadata"),
    same_name("moderation"),
    same_name("prompt_cache_key"),
    same_name("prompt_cache_options"),
    same_name("prompt_cache_retention"),
    same_name("safety_identifier"),
    same_name("service_tier").with_values(&[
        "\"auto\"",
        "\"default\"",
        "\"fast\"",
        "\"flex\"",
        "\"priority\"",
        "\"scale\"",
    ]),
    same_name("store"),
    param("verbosity", "text.verbosity"),
]);

/// Which images, audio and files.
fn media() -> MediaLayer {
    layer!(MediaLayer {
        in_user: list(&["image", "file"]),
        in_tool_results: list(&["image", "file"]),
        // Its parts are `output_text` and `refusal`.
        in_assistant: Vec::new(),
        in_system: list(&["image", "file"]),
        file_id_prefix: text("file-"),
        url_schemes: list(&["http", "https"]),
        named: list(&["file"]),
    })
}
