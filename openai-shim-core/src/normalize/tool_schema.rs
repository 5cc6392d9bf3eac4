//! Schemas of functions to the JSON-schema subset that the profile accepts.

use crate::canonical::{DiagnosticCode, Diagnostics, Request, Tool};
use crate::json::{raw, schema_subset};
use crate::profile::ToolRules;

pub(super) fn normalize(request: &mut Request, rules: &ToolRules, diagnostics: &mut Diagnostics) {
    for (i, tool) in request.tools.iter_mut().enumerate() {
        request.changed.tools |= normalize_function(tool, rules, i, diagnostics);
    }
}

/// Reduces one function's schema and drops `strict`. Returns whether the function changed.
fn normalize_function(tool: &mut Tool, rules: &ToolRules, i: usize, diagnostics: &mut Diagnostics) -> bool {
    let Tool::Function { parameters, strict, .. } = tool else { return false };
    let mut changed = false;
    if let Some(schema) = parameters {
        let subset = schema_subset::SchemaSubset {
            dropped_keywords: &rules.drop_schema_keywords,
            inline_refs: rules.inline_refs,
            close_objects: rules.close_strict_schemas && *strict == Some(true),
            ..schema_subset::SchemaSubset::default()
        };
        let field_path = format!("tools[{i}].function.parameters");
        if let Some(reduced) = schema_subset::reduce_schema(schema.get(), &subset) {
            for keyword in &reduced.dropped_keywords {
                diagnostics.record(DiagnosticCode::SchemaReduced, &field_path, keyword);
            }
            if reduced.dropped_keywords.is_empty() {
                diagnostics.record(DiagnosticCode::ContentRewritten, &field_path, "");
            }
            *schema = raw(reduced.json);
            changed = true;
        }
    }
    if rules.drop_strict
        && let Some(is_strict) = strict.take()
    {
        let code = if is_strict { DiagnosticCode::ParamDropped } else { DiagnosticCode::NullDropped };
        diagnostics.record(code, &format!("tools[{i}].function.strict"), "");
        changed = true;
    }
    changed
}
