//! Tools: which are declared, what their schemas may say, and how one of them is demanded.

use super::append_instruction;
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Edit, ExtraFields, Request, Tool, ToolChoice};
use crate::json::{raw, schema_subset};
use crate::profile::{ToolChoiceSupport, ToolRules};
use std::collections::BTreeSet;

pub(super) fn normalize(request: &mut Request, rules: &ToolRules, diagnostics: &mut Diagnostics) {
    if rules.declare_from_history && request.tools.is_empty() {
        declare_called(request, diagnostics);
    }
    choice(request, rules, diagnostics);
    request.tools.edit_each(|i, tool| function(tool, rules, i, diagnostics));
}

/// An upstream that reads calls in the history wants to know the tools that they call.
fn declare_called(request: &mut Request, diagnostics: &mut Diagnostics) {
    // There are no tools yet.
    let mut known = BTreeSet::new();
    for message in &request.messages {
        for block in &message.blocks {
            let Block::ToolCall { name, .. } = block else { continue };
            if !known.insert(name) {
                continue;
            }
            request.tools.edit().push(Tool::Function {
                name: name.clone(),
                description: None,
                parameters: Some(raw(r#"{"type":"object","properties":{}}"#)),
                strict: None,
                extra: ExtraFields::default(),
            });
            diagnostics.record(DiagnosticCode::FieldFilled, "tools", "a tool that the history calls");
        }
    }
    if !request.tools.is_empty() {
        // It shall be known, not called.
        request.tool_choice.set(Some(ToolChoice::None));
    }
}

fn choice(request: &mut Request, rules: &ToolRules, diagnostics: &mut Diagnostics) {
    match (*request.tool_choice).clone() {
        Some(ToolChoice::Required) if rules.required_choice == ToolChoiceSupport::Auto => {
            request.tool_choice.set(Some(ToolChoice::Auto));
            diagnostics.record(DiagnosticCode::ToolChoiceDowngraded, "tool_choice", "required to auto");
            append_instruction(request, "Answer by calling one of the tools that are offered to you.");
        }
        Some(ToolChoice::Function(name)) if rules.named_choice != ToolChoiceSupport::Native => {
            offer_single_tool(request, &name);
            if rules.named_choice == ToolChoiceSupport::Auto {
                request.tool_choice.set(Some(ToolChoice::Auto));
                diagnostics.record(
                    DiagnosticCode::ToolChoiceDowngraded,
                    "tool_choice",
                    "a function by name to auto",
                );
                append_instruction(request, &format!("Answer by calling the tool `{name}`."));
            } else {
                request.tool_choice.set(Some(ToolChoice::Required));
                diagnostics.record(
                    DiagnosticCode::ParamRenamed,
                    "tool_choice",
                    "required, with one tool on offer",
                );
            }
        }
        _ => {}
    }
}

/// Leaves one function on offer.
fn offer_single_tool(request: &mut Request, name: &str) {
    let is_named = |tool: &Tool| tool.name() == Some(name);
    if request.tools.iter().any(is_named) && !request.tools.iter().all(is_named) {
        request.tools.edit().retain(is_named);
    }
}

/// Makes one function fit.
fn function(tool: &mut Edit<'_, Tool>, rules: &ToolRules, i: usize, diagnostics: &mut Diagnostics) {
    let Tool::Function { parameters, strict, .. } = &**tool else { return };
    let (has_strict, mut reduced) = (strict.is_some(), None);
    if let Some(given) = parameters {
        let wishes = schema_subset::SchemaSubset {
            dropped_keywords: &rules.drop_schema_keywords,
            inline_refs: rules.inline_refs,
            close_objects: rules.close_strict_schemas && *strict == Some(true),
            ..schema_subset::SchemaSubset::default()
        };
        let at = format!("tools[{i}].function.parameters");
        if let Some(fitted) = schema_subset::reduce_schema(given.get(), &wishes) {
            for keyword in &fitted.dropped_keywords {
                diagnostics.record(DiagnosticCode::SchemaReduced, &at, keyword);
            }
            if fitted.dropped_keywords.is_empty() {
                diagnostics.record(DiagnosticCode::ContentRewritten, &at, "");
            }
            reduced = Some(raw(fitted.json));
        }
    }
    if reduced.is_some()
        && let Tool::Function { parameters, .. } = tool.edit()
    {
        *parameters = reduced;
    }
    if rules.drop_strict
        && has_strict
        && let Tool::Function { strict, .. } = tool.edit()
        && let Some(wanted) = strict.take()
    {
        let code = if wanted { DiagnosticCode::ParamDropped } else { DiagnosticCode::NullDropped };
        diagnostics.record(code, &format!("tools[{i}].function.strict"), "");
    }
}
