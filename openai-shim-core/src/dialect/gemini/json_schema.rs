//! A JSON schema to the subset of JSON schema that Google accepts.

use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::json::schema_subset::{SchemaSubset, reduce_schema};

/// The keywords that Google's documentation lists.
const ACCEPTED_KEYWORDS: [&str; 17] = [
    "type",
    "format",
    "title",
    "description",
    "enum",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "anyOf",
    "oneOf",
    "properties",
    "additionalProperties",
    "required",
    "propertyOrdering",
];

/// Keywords that do not restrict which values are valid: dropping them loses nothing.
const NON_VALIDATING_KEYWORDS: [&str; 6] =
    ["$schema", "$id", "$comment", "$anchor", "examples", "discriminator"];

/// Reduces a schema to the accepted keywords, and reports those that it drops.
pub(super) fn reduce(schema: &str, field_path: &str, diagnostics: &mut Diagnostics) -> String {
    let subset = SchemaSubset {
        allowed_keywords: Some(&ACCEPTED_KEYWORDS),
        const_as_enum: true,
        inline_refs: true,
        ..SchemaSubset::default()
    };
    let Some(reduced) = reduce_schema(schema, &subset) else { return schema.to_owned() };
    for keyword in &reduced.dropped_keywords {
        if !NON_VALIDATING_KEYWORDS.contains(&keyword.as_str()) {
            diagnostics.record(DiagnosticCode::SchemaReduced, field_path, keyword);
        }
    }
    reduced.json
}
