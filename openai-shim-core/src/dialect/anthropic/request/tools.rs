//! Tools, and the choice among them.
//!
//! <https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/implement-tool-use>

use super::super::{NAME, content_block};
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Request, Tool, ToolChoice};
use crate::error::ClientError;
use crate::json::{Object, encode_string, raw};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Reads the tools on offer.
pub(super) fn read(object: &Object<'_>) -> Result<Vec<Tool>, ClientError> {
    let items = object
        .array("tools")
        .ok_or_else(|| ClientError::invalid("tools: must be a list of tools.").at("tools"))?;
    Ok(items.into_iter().map(read_one).collect())
}

/// A tool of the client's own is a function; those that the API itself knows are named by their type.
fn read_one(item: &str) -> Tool {
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
        extra: content_block::leftovers(&object, &["name", "description", "input_schema", "strict"]),
    }
}

/// Reads the choice among them.
pub(super) fn read_choice(value: &str, request: &mut Request) {
    let object = Object::parse(value.as_bytes()).unwrap_or_default();
    request.parallel_tool_calls.set_decoded(object.bool("disable_parallel_tool_use").map(|off| !off));
    request.tool_choice.set_decoded(match (object.str("type").as_deref(), object.str("name")) {
        (Some("auto"), _) => Some(ToolChoice::Auto),
        (Some("none"), _) => Some(ToolChoice::None),
        (Some("any"), _) => Some(ToolChoice::Required),
        (Some("tool"), Some(name)) => Some(ToolChoice::Function(name.into_owned())),
        _ => Some(ToolChoice::Native { dialect: NAME, raw: raw(value) }),
    });
}

/// Writes the tools and the choice among them.
pub(super) fn write(request: &Request, own: bool, body: &mut Object<'_>, diagnostics: &mut Diagnostics) {
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
            Tool::Function { .. } => tools.push(write_one(tool, own, i, diagnostics)),
        }
    }
    let called = if own || !tools.is_empty() { Vec::new() } else { called(request) };
    let only_called = !called.is_empty();
    if only_called {
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
    } else if !tools.is_empty() || own {
        body.set("tools", format!("[{}]", tools.join(",")));
    }
    let choice = if only_called { Some(&ToolChoice::None) } else { request.tool_choice.as_ref() };
    if tools.is_empty() && !own {
        if choice.is_some_and(|choice| !matches!(choice, ToolChoice::None | ToolChoice::Auto)) {
            diagnostics.record(DiagnosticCode::ParamDropped, "tool_choice", "there are no tools");
        }
        return;
    }
    if let Some(choice) = write_choice(choice, *request.parallel_tool_calls, own, diagnostics) {
        body.set("tool_choice", choice);
    }
}

/// The tools that the conversation called.
fn called(request: &Request) -> Vec<&str> {
    let (mut names, mut known) = (Vec::new(), BTreeSet::new());
    for block in request.messages.iter().flat_map(|message| &message.blocks) {
        if let Block::ToolCall { name, .. } = block
            && known.insert(name.as_str())
        {
            names.push(name.as_str());
        }
    }
    names
}

fn write_one(tool: &Tool, own: bool, i: usize, diagnostics: &mut Diagnostics) -> String {
    let mut object = Object::new();
    let Tool::Function { name, description, parameters, strict, extra } = tool else { return String::new() };
    object.set("name", encode_string(name));
    if let Some(description) = description {
        object.set("description", encode_string(description));
    }
    match parameters {
        Some(schema) if own => object.set("input_schema", schema.get().to_owned()),
        Some(schema) => object.set("input_schema", schema_of_object(schema.get())),
        None if own => {}
        None => object.set("input_schema", r#"{"type":"object","properties":{}}"#),
    }
    if let Some(strict) = strict {
        object.set("strict", strict.to_string());
    }
    content_block::note_lost(extra, &format!("tools[{i}]"), diagnostics);
    for (key, value) in content_block::own(extra) {
        object.set(key, value);
    }
    object.to_json()
}

/// A schema must say that it is one of an object.
fn schema_of_object(schema: &str) -> String {
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
    own: bool,
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
        Some(true) if own => object.set("disable_parallel_tool_use", "false"),
        _ => {}
    }
    Some(object.to_json())
}
