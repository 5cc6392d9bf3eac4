//! `tools` and `tool_choice`: JSON to `Tool`s and `ToolChoice`, and back.
//!
//! <https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/implement-tool-use>

use super::super::client_tools;
use super::super::extra_fields;
use super::super::names::NAME;
use crate::canonical::{DiagnosticCode, Diagnostics, Request, Tool, ToolChoice};
use crate::error::ClientError;
use crate::json::{Object, encode_string, raw};
use std::borrow::Cow;

/// Reads `tools`.
pub(super) fn read(object: &Object<'_>) -> Result<Vec<Tool>, ClientError> {
    let items = object
        .array("tools")
        .ok_or_else(|| ClientError::invalid("tools: must be a list of tools.").at("tools"))?;
    let mut tools = Vec::with_capacity(items.len());
    for item in items {
        read_tool(item, &mut tools);
    }
    Ok(tools)
}

/// Reads a tool: one function, several for a toolset, or one of the API's own that its `type` names and that the API runs.
pub(super) fn read_tool(item: &str, out: &mut Vec<Tool>) {
    let functions = Object::parse(item.as_bytes()).map_or(None, |object| {
        if object.non_null("type").is_some() && object.str("type").as_deref() != Some("custom") {
            return client_tools::read(&object, item);
        }
        read_function(&object).map(|function| vec![function])
    });
    match functions {
        Some(functions) => out.extend(functions),
        None => out.push(Tool::Native { dialect: NAME, raw: raw(item) }),
    }
}

fn read_function(object: &Object<'_>) -> Option<Tool> {
    let name = object.str("name")?;
    Some(Tool::Function {
        name: name.into_owned(),
        description: object.str("description").map(Cow::into_owned),
        parameters: object.non_null("input_schema").map(raw),
        strict: object.bool("strict"),
        extra: extra_fields::read(object, &["name", "description", "input_schema", "strict"]),
    })
}

/// Reads `tool_choice`.
pub(super) fn read_choice(value: &str, request: &mut Request) {
    let object = Object::parse(value.as_bytes()).unwrap_or_default();
    let is_disabled = object.bool("disable_parallel_tool_use");
    request.parallel_tool_calls.set_decoded(is_disabled.map(|is_disabled| !is_disabled));
    request.tool_choice.set_decoded(match (object.str("type").as_deref(), object.str("name")) {
        (Some("auto"), _) => Some(ToolChoice::Auto),
        (Some("none"), _) => Some(ToolChoice::None),
        (Some("any"), _) => Some(ToolChoice::Required),
        (Some("tool"), Some(name)) => Some(ToolChoice::Function(name.into_owned())),
        _ => Some(ToolChoice::Native { dialect: NAME, raw: raw(value) }),
    });
}

/// Writes `tools` and `tool_choice`.
pub(super) fn write(
    request: &Request,
    is_same_dialect: bool,
    body: &mut Object<'_>,
    diagnostics: &mut Diagnostics,
) {
    let mut tools: Vec<String> = Vec::new();
    for (i, tool) in request.tools.iter().enumerate() {
        match tool {
            Tool::Function { extra, .. } if client_tools::is_in_message(extra) => {}
            Tool::Function { extra, .. } if client_tools::original(extra).is_some() => {
                let original = client_tools::original(extra).unwrap_or_default();
                // A toolset has several functions and one entry.
                if tools.last().is_none_or(|last| last != original) {
                    tools.push(original.to_owned());
                }
            }
            Tool::Native { dialect: NAME, raw } => tools.push(raw.as_str().to_owned()),
            Tool::Native { .. } => {
                diagnostics.record(
                    DiagnosticCode::FeatureUnsupported,
                    &format!("tools[{i}]"),
                    "a tool of another dialect",
                );
            }
            Tool::Function { .. } => tools.push(write_tool(tool, i, diagnostics)),
        }
    }
    body.remove("tool_choice");
    if tools.is_empty() && request.tools.is_empty() {
        body.remove("tools");
    } else if !tools.is_empty() || is_same_dialect {
        body.set("tools", format!("[{}]", tools.join(",")));
    }
    let choice = request.tool_choice.as_ref();
    if let Some(choice) = write_choice(choice, *request.parallel_tool_calls, is_same_dialect, diagnostics) {
        body.set("tool_choice", choice);
    }
}

fn write_tool(tool: &Tool, i: usize, diagnostics: &mut Diagnostics) -> String {
    let mut object = Object::new();
    let Tool::Function { name, description, parameters, strict, extra } = tool else { return String::new() };
    object.set("name", encode_string(name));
    if let Some(description) = description {
        object.set("description", encode_string(description));
    }
    if let Some(schema) = parameters {
        object.set("input_schema", schema.as_str().to_owned());
    }
    if let Some(strict) = strict {
        object.set("strict", strict.to_string());
    }
    extra_fields::report_lost(extra, &format!("tools[{i}]"), diagnostics);
    for (key, value) in extra_fields::accepted(extra) {
        object.set(key, value);
    }
    object.to_json()
}

fn write_choice(
    choice: Option<&ToolChoice>,
    parallel: Option<bool>,
    is_same_dialect: bool,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    let mut object = Object::new();
    match choice {
        Some(ToolChoice::None) => return Some(String::from(r#"{"type":"none"}"#)),
        Some(ToolChoice::Native { dialect: NAME, raw }) => return Some(raw.as_str().to_owned()),
        Some(ToolChoice::Native { .. }) => {
            diagnostics.record(
                DiagnosticCode::FeatureUnsupported,
                "tool_choice",
                "a choice of another dialect",
            );
            return None;
        }
        // The API has no choice among some tools: only these are offered.
        Some(ToolChoice::Required | ToolChoice::Allowed { is_required: true, .. }) => {
            object.set("type", "\"any\"");
        }
        Some(ToolChoice::Function(name)) => {
            object.set("type", "\"tool\"");
            object.set("name", encode_string(name));
        }
        None if parallel != Some(false) => return None,
        Some(ToolChoice::Auto | ToolChoice::Allowed { .. }) | None => object.set("type", "\"auto\""),
    }
    match parallel {
        Some(false) => object.set("disable_parallel_tool_use", "true"),
        Some(true) if is_same_dialect => object.set("disable_parallel_tool_use", "false"),
        _ => {}
    }
    Some(object.to_json())
}
