//! Functions to ones whose schema the profile accepts.

use super::recipient::Recipient;
use super::schema::{self, MAX_ADDED_BYTES, ReducedSchema};
use crate::accepts::{SchemaLayer, SchemaRules, ToolRules};
use crate::canonical::{DiagnosticCode, Diagnostics, Edit, NATIVE_SCHEMA, Request, Tool};
use crate::json::raw;
use std::borrow::Cow;

/// The schema of a function without parameters.
const NO_PARAMETERS: &str = r#"{"type":"object","properties":{}}"#;

pub(super) fn normalize(request: &mut Request, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    let rules = &recipient.accepts.tools;
    let family = recipient.dialect.extra_fields_name();
    let (mut strict_rules, mut room) = (None, MAX_ADDED_BYTES);
    request.tools.edit_each(|i, tool| {
        let Tool::Function { parameters, strict, extra, .. } = &**tool else { return };
        let is_native = extra.of(family).iter().any(|(key, _)| key == NATIVE_SCHEMA)
            || rules.schema.tolerant && recipient.is_own(recipient.client.extra_fields_name());
        let is_strict = *strict == Some(true) && !rules.drop_strict;
        let reduced = match parameters {
            _ if is_native => None,
            Some(schema) => {
                let rules = if is_strict {
                    &**strict_rules
                        .get_or_insert_with(|| strict_schema_rules(&rules.schema, &rules.strict_schema))
                } else {
                    &rules.schema
                };
                schema::reduce(schema.as_str(), rules, &mut room)
            }
            None if rules.require_parameters => {
                Some(ReducedSchema { json: Some(NO_PARAMETERS.to_owned()), lost: Vec::new() })
            }
            None => None,
        };
        if let Some(reduced) = &reduced {
            report(reduced, &format!("tools[{i}].function.parameters"), diagnostics);
        }
        if let Some(reduced) = reduced
            && let Tool::Function { parameters, .. } = tool.edit()
        {
            *parameters = reduced.json.map(raw);
        }
        drop_strict(tool, rules, i, diagnostics);
    });
}

/// The rules for strict schemas.
pub(super) fn strict_schema_rules<'r>(rules: &'r SchemaRules, strict: &SchemaLayer) -> Cow<'r, SchemaRules> {
    if *strict == SchemaLayer::default() {
        return Cow::Borrowed(rules);
    }
    let mut rules = rules.clone();
    rules.overlay(strict);
    Cow::Owned(rules)
}

/// Reports how a schema was changed.
pub(super) fn report(reduced: &ReducedSchema, field_path: &str, diagnostics: &mut Diagnostics) {
    for keyword in &reduced.lost {
        diagnostics.record(DiagnosticCode::SchemaReduced, field_path, keyword);
    }
    if reduced.lost.is_empty() {
        diagnostics.record(DiagnosticCode::SchemaRewritten, field_path, "");
    }
}

fn drop_strict(tool: &mut Edit<'_, Tool>, rules: &ToolRules, i: usize, diagnostics: &mut Diagnostics) {
    let Tool::Function { strict, .. } = &**tool else { return };
    let Some(is_strict) = strict.filter(|_| rules.drop_strict) else { return };
    let code = if is_strict { DiagnosticCode::ParamDropped } else { DiagnosticCode::NullDropped };
    diagnostics.record(code, &format!("tools[{i}].function.strict"), "");
    if let Tool::Function { strict, .. } = tool.edit() {
        *strict = None;
    }
}
