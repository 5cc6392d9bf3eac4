//! A forced tool choice to one that the profile accepts, and tools of the history to declared ones.

use super::change::append_instruction;
use crate::accepts::{ToolChoiceSupport, ToolRules};
use crate::canonical::{Block, DiagnosticCode, Diagnostics, ExtraFields, Request, Tool, ToolChoice};
use crate::json::raw;
use std::collections::BTreeSet;

/// Drops the tools for a model that has none, where the request means nearly the same without them.
pub(super) fn drop_unsupported(request: &mut Request, rules: &ToolRules, diagnostics: &mut Diagnostics) {
    if rules.supported || request.tools.is_empty() || !request.can_do_without_tools() {
        return;
    }
    request.tools.set(Vec::new());
    request.tool_choice.set(None);
    request.parallel_tool_calls.set(None);
    diagnostics.record(DiagnosticCode::FeatureUnsupported, "tools", "the model has none");
}

/// Declares the tools that the history calls, if the upstream requires that and the client offers none.
pub(super) fn declare_from_history(request: &mut Request, rules: &ToolRules, diagnostics: &mut Diagnostics) {
    if !rules.declare_from_history || !request.tools.is_empty() {
        return;
    }
    let mut declared = BTreeSet::new();
    for message in &request.messages {
        for block in &message.blocks {
            let Block::ToolCall { name, .. } = block else { continue };
            if !declared.insert(name) {
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
        // The model must not call them.
        request.tool_choice.set(Some(ToolChoice::None));
    }
}

/// Sends a forced choice as the upstream accepts it. `any` is written later, in the encoded body.
pub(super) fn normalize(request: &mut Request, rules: &ToolRules, diagnostics: &mut Diagnostics) {
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

/// Removes all tools but one, if it is among them.
fn offer_single_tool(request: &mut Request, name: &str) {
    let is_named = |tool: &Tool| tool.name() == Some(name);
    if request.tools.iter().any(is_named) && !request.tools.iter().all(is_named) {
        request.tools.edit().retain(is_named);
    }
}
