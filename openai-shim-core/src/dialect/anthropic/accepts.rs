//! What Anthropic's Messages API accepts; a profile's rules lie over it.
//!
//! <https://docs.anthropic.com/en/api/messages>,
//! <https://platform.claude.com/docs/en/build-with-claude/structured-outputs> (strict schemas),
//! <https://github.com/anthropics/claude-code/issues/40075> (no branches at the root)

use crate::accepts::literals::{layer, list, ranges, shared, text};
use crate::accepts::{
    AcceptsLayer, AnyOfSiblings, AuxiliaryLayer, MediaLayer, MessageLayer, ObjectSupport, ParamLayer,
    PropertyNameFormat, ReasoningLayer, ReasoningParam, ReasoningVisibility, RefSupport, RerankFormat,
    ResponseFormatLayer, ResponseFormatSupport, SchemaLayer, SystemPosition, ToolCallIdFormat, ToolLayer,
    ToolNameFormat, ToolPairing,
};
use crate::dialect::params::{Params, param, same_name};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The parameters of sampling, which the API's second version no longer has:
/// <https://platform.claude.com/docs/en/api/migration-2026-10-21>.
const SAMPLING: [&str; 3] = ["temperature", "top_k", "top_p"];

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    params: layer!(ParamLayer {
        clamp: ranges(&[("temperature", [0.0, 1.0]), ("top_p", [0.0, 1.0])]),
        removed_in: BTreeMap::from([(String::from("2026-10-21"), list(&SAMPLING))]),
        // <https://platform.claude.com/docs/en/build-with-claude/extended-thinking>
        default_only_while_reasoning: list(&["temperature", "top_k"]),
        clamp_while_reasoning: ranges(&[("top_p", [0.95, 1.0])]),
        max_user_length: Some(256),
        require_max_tokens: true,
        max_choices: Some(1),
        drop_blank_stops: true
    }),
    messages: layer!(MessageLayer {
        // <https://github.com/simonw/llm-anthropic/issues/73>: older models take them in front only.
        system_position: SystemPosition::AfterUser,
        require_user: true,
        trim_prefill: true,
        tool_call_ids: ToolCallIdFormat::Word,
        // <https://docs.claude.com/en/docs/agents-and-tools/tool-use/implement-tool-use#parallel-tool-use>
        tool_pairing: ToolPairing::Together,
        object_arguments: true,
        drop_empty_text: true,
        drop_blank_text: true,
    }),
    media: media(),
    tools: ToolLayer {
        // <https://github.com/openclaw/openclaw/issues/98588>: a list of `items` is refused.
        schema: layer!(SchemaLayer { current_draft: true, root_object: true, plain_root: true }),
        strict_schema: strict_schema(),
        ..layer!(ToolLayer {
            // <https://github.com/github/copilot-cli/issues/454>
            names: ToolNameFormat::Word128,
            // <https://github.com/aws-solutions-library-samples/accelerated-intelligent-document-processing-on-aws/issues/709>,
            // <https://github.com/twilio-labs/mcp/issues/58>
            property_names: PropertyNameFormat::Dotted64,
            unique_names: true,
            require_parameters: true,
            declare_from_history: true,
        })
    },
    response_format: ResponseFormatLayer {
        schema: strict_schema(),
        // It has no parameter for any JSON object.
        ..layer!(ResponseFormatLayer { json_object: ResponseFormatSupport::Instruction })
    },
    reasoning: reasoning(),
    rerank: layer!(AuxiliaryLayer { format: RerankFormat::None }),
    ..AcceptsLayer::default()
});

/// `thinking` and `output_config.effort`: <https://platform.claude.com/docs/en/build-with-claude/extended-thinking>
fn reasoning() -> ReasoningLayer {
    layer!(ReasoningLayer {
        param: ReasoningParam::OwnBudget,
        efforts: list(&["low", "medium", "high", "xhigh", "max"]),
        modes: list(&["adaptive", "enabled", "disabled", "between_tools"]),
        min_budget: Some(1024),
        budget_below_max_tokens: true,
        larger_budget_feature: String::from("interleaved-thinking"),
        display: ReasoningVisibility::Optional,
        effort_of_response: true,
        with_forced_tools: false,
        requires_signed_calls: true,
    })
}

/// The parameters.
pub(super) static PARAMS: Params = Params(&[
    same_name("max_tokens"),
    same_name("temperature"),
    same_name("top_p"),
    same_name("top_k"),
    param("stop", "stop_sequences"),
    param("user", "metadata.user_id"),
    param("reasoning_effort", "output_config.effort"),
    same_name("service_tier").with_values(&["\"auto\"", "\"default\""]),
]);

/// Which images, audio and files.
fn media() -> MediaLayer {
    layer!(MediaLayer {
        in_user: list(&["image", "file"]),
        in_tool_results: list(&["image", "file"]),
        // A document there is a 400: <https://platform.claude.com/docs/en/api/migration-2026-10-21>.
        in_assistant: Vec::new(),
        in_system: Vec::new(),
        image_types: list(&["image/jpeg", "image/png", "image/gif", "image/webp"]),
        file_types: list(&["application/pdf", "text/plain"]),
        file_id_prefix: text("file_"),
        url_schemes: list(&["http", "https"]),
        image_details: Some(Vec::new()),
        named: list(&["file"]),
    })
}

/// The schemas of strict tools and of `output_config.format`.
fn strict_schema() -> SchemaLayer {
    layer!(SchemaLayer {
        keywords: shared(&[
            "type",
            "enum",
            "const",
            "anyOf",
            "allOf",
            "$schema",
            "$ref",
            "$defs",
            "definitions",
            "title",
            "description",
            "default",
            "properties",
            "required",
            "additionalProperties",
            "items",
            "minItems",
            "format",
            "pattern",
        ]),
        formats: shared(&[
            "date-time",
            "time",
            "date",
            "duration",
            "email",
            "hostname",
            "uri",
            "ipv4",
            "ipv6",
            "uuid",
        ]),
        number_formats: false,
        current_draft: true,
        plain_patterns: true,
        max_min_items: Some(1),
        boolean_schemas: false,
        one_of_as_any_of: true,
        nullable_as_null: true,
        any_of_siblings: AnyOfSiblings::Annotations,
        refs: RefSupport::Acyclic,
        objects: ObjectSupport::Closed,
    })
}
