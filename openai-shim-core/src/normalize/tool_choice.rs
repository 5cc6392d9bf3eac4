//! A tool choice to one that the profile accepts, among tools that are really offered; and tools of the history to declared ones.

use super::change::append_instruction;
use super::recipient::Recipient;
use crate::accepts::{ToolChoiceSupport, ToolRules};
use crate::canonical::{Block, DiagnosticCode, Diagnostics, ExtraFields, Request, Tool, ToolChoice};
use crate::json::{Object, raw};
use std::collections::BTreeSet;

pub(super) fn normalize(request: &mut Request, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    let rules = &recipient.accepts.tools;
    let family = recipient.dialect.extra_fields_name();
    // A model without tools gets those without which the request would be another one.
    if rules.omit || !rules.supported && request.can_do_without_tools() {
        drop_all(request, diagnostics);
        return;
    }
    if rules.declare_from_history && !has_tools(request, family) {
        declare_from_history(request, diagnostics);
    }
    if request.tool_choice.is_none() && request.parallel_tool_calls.is_none() {
        return;
    }
    let has_function = || request.tools.iter().any(|tool| tool.name().is_some());
    if has_tools(request, family) && (!rules.choice_needs_functions || has_function()) {
        drop_unoffered(request, family, diagnostics);
    } else if request.references.is_empty() {
        drop_choice(request, diagnostics);
    }
    offer_allowed(request, rules, diagnostics);
    rewrite_forced(request, rules, diagnostics);
    if rules.omit_for_none && matches!(*request.tool_choice, Some(ToolChoice::None)) {
        request.tools.edit().clear();
        request.tool_choice.set(None);
        diagnostics.record(DiagnosticCode::ParamRenamed, "tool_choice", "none: no tool is offered");
    }
}

/// Whether the upstream gets any tool. Native tools of other dialects are lost.
fn has_tools(request: &Request, family: &str) -> bool {
    request.tools.iter().any(|tool| match tool {
        Tool::Function { .. } => true,
        Tool::Native { dialect, .. } => *dialect == family,
    })
}

/// Drops the tools and the choice among them, for upstreams that call none.
fn drop_all(request: &mut Request, diagnostics: &mut Diagnostics) {
    if !request.tools.is_empty() {
        request.tools.edit().clear();
        // With the choice `none` nothing would have called them.
        let code = match *request.tool_choice {
            Some(ToolChoice::None) => DiagnosticCode::NullDropped,
            _ => DiagnosticCode::FeatureUnsupported,
        };
        diagnostics.record(code, "tools", "the upstream calls none");
    }
    drop_choice(request, diagnostics);
}

/// Drops a choice among no tools: it would be an error.
fn drop_choice(request: &mut Request, diagnostics: &mut Diagnostics) {
    let no_tools = "there are no tools to choose from";
    if let Some(choice) = &*request.tool_choice {
        let has_effect = !matches!(choice, ToolChoice::Auto | ToolChoice::None);
        let code = if has_effect { DiagnosticCode::ParamDropped } else { DiagnosticCode::NullDropped };
        diagnostics.record(code, "tool_choice", no_tools);
        request.tool_choice.set(None);
    }
    if request.parallel_tool_calls.is_some() {
        diagnostics.record(DiagnosticCode::NullDropped, "parallel_tool_calls", no_tools);
        request.parallel_tool_calls.set(None);
    }
}

/// Declares the tools that the history calls.
fn declare_from_history(request: &mut Request, diagnostics: &mut Diagnostics) {
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
    if !declared.is_empty() {
        // The model must not call them.
        request.tool_choice.set(Some(ToolChoice::None));
    }
}

/// Drops from the choice the tools that are not offered, and the choice itself if none is left.
fn drop_unoffered(request: &mut Request, family: &str, diagnostics: &mut Diagnostics) {
    if let Some(ToolChoice::Native { dialect, .. }) = &*request.tool_choice
        && *dialect != family
    {
        diagnostics.record(DiagnosticCode::FeatureUnsupported, "tool_choice", "a choice of another dialect");
        request.tool_choice.set(None);
    }
    let (names, is_required) = match &*request.tool_choice {
        Some(ToolChoice::Function(name)) => (std::slice::from_ref(name), None),
        Some(ToolChoice::Allowed { names, is_required }) => (names.as_slice(), Some(*is_required)),
        _ => return,
    };
    // The upstream's own tools may be sets of tools that have other names.
    let is_native = |tool: &Tool| matches!(tool, Tool::Native { dialect, .. } if *dialect == family);
    if request.tools.iter().any(is_native) || !request.references.is_empty() {
        return;
    }
    let known: BTreeSet<&str> = request.tools.iter().filter_map(Tool::name).collect();
    let (offered, missing): (Vec<_>, Vec<_>) =
        names.iter().cloned().partition(|name| known.contains(name.as_str()));
    if missing.is_empty() && !offered.is_empty() {
        return;
    }
    let detail = match missing.as_slice() {
        [] => String::from("no tool is allowed"),
        missing => format!("not offered: {}", missing.join(", ")),
    };
    diagnostics.record(DiagnosticCode::ParamDropped, "tool_choice", &detail);
    request.tool_choice.set(match is_required {
        None => None,
        // None of the tools that are offered may be called.
        Some(_) if offered.is_empty() => Some(ToolChoice::None),
        Some(is_required) => Some(ToolChoice::Allowed { names: offered, is_required }),
    });
}

/// The names by which a choice can name a tool that only its own dialect defines.
fn native_names(tool: &str) -> Vec<String> {
    let tool = Object::parse(tool.as_bytes()).unwrap_or_default();
    let names = ["name", "type", "server_label"].iter().filter_map(|key| tool.str(key));
    names.map(std::borrow::Cow::into_owned).collect()
}

/// Offers only the tools that may be called, to upstreams that have no choice among some of them.
fn offer_allowed(request: &mut Request, rules: &ToolRules, diagnostics: &mut Diagnostics) {
    let Some(ToolChoice::Allowed { names, is_required }) = &*request.tool_choice else { return };
    if rules.allowed_choice == ToolChoiceSupport::Native {
        return;
    }
    let (names, is_required): (BTreeSet<String>, bool) = (names.iter().cloned().collect(), *is_required);
    let is_allowed = |tool: &Tool| match tool {
        Tool::Function { name, .. } => names.contains(name),
        Tool::Native { raw, .. } => native_names(raw.as_str()).iter().any(|name| names.contains(name)),
    };
    if !request.tools.iter().all(is_allowed) {
        request.tools.edit().retain(is_allowed);
    }
    request.tool_choice.set(Some(if is_required { ToolChoice::Required } else { ToolChoice::Auto }));
    diagnostics.record(DiagnosticCode::ParamRenamed, "tool_choice", "only the allowed tools are offered");
}

/// Sends a forced choice as the upstream accepts it. `any` is written later, in the encoded body.
fn rewrite_forced(request: &mut Request, rules: &ToolRules, diagnostics: &mut Diagnostics) {
    match (*request.tool_choice).clone() {
        Some(ToolChoice::Required) if rules.required_choice == ToolChoiceSupport::Auto => {
            request.tool_choice.set(Some(ToolChoice::Auto));
            diagnostics.record(DiagnosticCode::ToolChoiceDowngraded, "tool_choice", "required to auto");
            append_instruction(request, "Answer by calling one of the tools that are offered to you.");
        }
        Some(ToolChoice::Allowed { names, is_required: true })
            if rules.required_choice == ToolChoiceSupport::Auto =>
        {
            request.tool_choice.set(Some(ToolChoice::Allowed { names, is_required: false }));
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
