//! Schemas of functions to the JSON-schema subset that the profile accepts.

use crate::accepts::ToolRules;
use crate::canonical::{DiagnosticCode, Diagnostics, Edit, Request, Tool};
use crate::json::{raw, schema_subset};

pub(super) fn normalize(request: &mut Request, rules: &ToolRules, diagnostics: &mut Diagnostics) {
    request.tools.edit_each(|i, tool| normalize_function(tool, rules, i, diagnostics));
}

/// Reduces one function's schema and drops `strict`.
fn normalize_function(tool: &mut Edit<'_, Tool>, rules: &ToolRules, i: usize, diagnostics: &mut Diagnostics) {
    let Tool::Function { parameters, strict, .. } = &**tool else { return };
    let dropped_strict = strict.filter(|_| rules.drop_strict);
    let mut reduced_schema = None;
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
            reduced_schema = Some(raw(reduced.json));
        }
    }
    if let Some(is_strict) = dropped_strict {
        let code = if is_strict { DiagnosticCode::ParamDropped } else { DiagnosticCode::NullDropped };
        diagnostics.record(code, &format!("tools[{i}].function.strict"), "");
    }
    if (reduced_schema.is_some() || dropped_strict.is_some())
        && let Tool::Function { parameters, strict, .. } = tool.edit()
    {
        *parameters = reduced_schema.or(parameters.take());
        *strict = strict.take().filter(|_| dropped_strict.is_none());
    }
}
