//! `tools` and `tool_choice`: JSON to `Tool`s and `ToolChoice`, and back.
//!
//! <https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/implement-tool-use>

use super::super::extra_fields;
use super::super::names::NAME;
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Request, Tool, ToolChoice};
use crate::error::ClientError;
use crate::json::{Object, encode_string, raw};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Reads `tools`.
pub(super) fn read(object: &Object<'_>) -> Result<Vec<Tool>, ClientError> {
    let items = object
        .array("tools")
        .ok_or_else(|| ClientError::invalid("tools: must be a list of tools.").at("tools"))?;
    Ok(items.into_iter().map(read_tool).collect())
}

/// Reads a tool: a function if it is the client's, else one of the API's own, which its `type` names.
fn read_tool(item: &str) -> Tool {
    let native = || Tool::Native { dialect: NAME, raw: raw(item) };
    let Ok(object) = Object::parse(item.as_bytes()) else { return native() };
    if object.non_null("type").is_some() && object.str("type").as_deref() != Some("custom") {
        return native();
    }
    let Some(name) = object.str("name") else { return native() };
    Tool::Function {
        name: name.into_owned(),
        description: object.str("description").map(Cow::into_owned),
        parameters: object.non_null("input_schema").map(raw),
        strict: object.bool("strict"),
        extra: extra_fields::read(&object, &["name", "description", "input_schema", "strict"]),
    }
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
            Tool::Native { dialect: NAME, raw } => tools.push(raw.get().to_owned()),
            Tool::Native { .. } => {
                diagnostics.record(
                    DiagnosticCode::FeatureUnsupported,
                    &format!("tools[{i}]"),
                    "a tool of another dialect",
                );
            }
            Tool::Function { .. } => tools.push(write_tool(tool, is_same_dialect, i, diagnostics)),
        }
    }
    // The API requires `tools` where the conversation has tool calls.
    let called = if is_same_dialect || !tools.is_empty() { Vec::new() } else { called_names(request) };
    let has_only_called = !called.is_empty();
    if has_only_called {
        diagnostics.record(
            DiagnosticCode::FieldFilled,
            "tools",
            "the tools that the conversation called, none of which may be called",
        );
        tools.extend(
            called.into_iter().map(|name| {
                format!(r#"{{"name":{},"input_schema":{{"type":"object"}}}}"#, encode_string(name))
            }),
        );
    }
    body.remove("tool_choice");
    if tools.is_empty() && request.tools.is_empty() {
        body.remove("tools");
    } else if !tools.is_empty() || is_same_dialect {
        body.set("tools", format!("[{}]", tools.join(",")));
    }
    let choice = if has_only_called { Some(&ToolChoice::None) } else { request.tool_choice.as_ref() };
    if tools.is_empty() && !is_same_dialect {
        if choice.is_some_and(|choice| !matches!(choice, ToolChoice::None | ToolChoice::Auto)) {
            diagnostics.record(DiagnosticCode::ParamDropped, "tool_choice", "there are no tools");
        }
        return;
    }
    if let Some(choice) = write_choice(choice, *request.parallel_tool_calls, is_same_dialect, diagnostics) {
        body.set("tool_choice", choice);
    }
}

/// Returns the names of the tools that the conversation called.
fn called_names(request: &Request) -> Vec<&str> {
    let (mut names, mut known_names) = (Vec::new(), BTreeSet::new());
    for block in request.messages.iter().flat_map(|message| &message.blocks) {
        if let Block::ToolCall { name, .. } = block
            && known_names.insert(name.as_str())
        {
            names.push(name.as_str());
        }
    }
    names
}

fn write_tool(tool: &Tool, is_same_dialect: bool, i: usize, diagnostics: &mut Diagnostics) -> String {
    let mut object = Object::new();
    let Tool::Function { name, description, parameters, strict, extra } = tool else { return String::new() };
    object.set("name", encode_string(name));
    if let Some(description) = description {
        object.set("description", encode_string(description));
    }
    match parameters {
        Some(schema) if is_same_dialect => object.set("input_schema", schema.get().to_owned()),
        Some(schema) => object.set("input_schema", with_object_type(schema.get())),
        None if is_same_dialect => {}
        None => object.set("input_schema", r#"{"type":"object","properties":{}}"#),
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

/// Adds `"type": "object"`, which the API requires, to a schema without a type.
fn with_object_type(schema: &str) -> String {
    match Object::parse(schema.as_bytes()) {
        Ok(mut object) if object.non_null("type").is_none() => {
            object.set_first("type", "\"object\"");
            object.to_json()
        }
        _ => schema.to_owned(),
    }
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
        Some(ToolChoice::Native { dialect: NAME, raw }) => return Some(raw.get().to_owned()),
        Some(ToolChoice::Native { .. }) => {
            diagnostics.record(
                DiagnosticCode::FeatureUnsupported,
                "tool_choice",
                "a choice of another dialect",
            );
            return None;
        }
        Some(ToolChoice::Required) => object.set("type", "\"any\""),
        Some(ToolChoice::Function(name)) => {
            object.set("type", "\"tool\"");
            object.set("name", encode_string(name));
        }
        None if parallel != Some(false) => return None,
        Some(ToolChoice::Auto) | None => object.set("type", "\"auto\""),
    }
    match parallel {
        Some(false) => object.set("disable_parallel_tool_use", "true"),
        Some(true) if is_same_dialect => object.set("disable_parallel_tool_use", "false"),
        _ => {}
    }
    Some(object.to_json())
}
