//! What Anthropic's Messages API accepts; a profile's rules lie over it.
//!
//! <https://docs.anthropic.com/en/api/messages>,
//! <https://platform.claude.com/docs/en/build-with-claude/structured-outputs> (strict schemas),
//! <https://github.com/anthropics/claude-code/issues/40075> (no branches at the root)

use crate::accepts::literals::{layer, shared};
use crate::accepts::{
    AcceptsLayer, AnyOfSiblings, ObjectSupport, RefSupport, ResponseFormatLayer, ResponseFormatSupport,
    SchemaLayer, ToolLayer,
};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    tools: ToolLayer {
        schema: layer!(SchemaLayer { root_object: true, plain_root: true }),
        strict_schema: strict_schema(),
        ..layer!(ToolLayer { require_parameters: true, declare_from_history: true })
    },
    response_format: ResponseFormatLayer {
        schema: strict_schema(),
        // It has no parameter for any JSON object.
        ..layer!(ResponseFormatLayer { json_object: ResponseFormatSupport::Instruction })
    },
    ..AcceptsLayer::default()
});

/// The schemas of strict tools and of `output_config.format`.
fn strict_schema() -> SchemaLayer {
    layer!(SchemaLayer {
        keywords: shared(&[
            "type",
            "enum",
            "const",
            "anyOf",
            "allOf",
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
