//! `tools` and `tool_choice`: a request's JSON to the canonical model and back.

use crate::canonical::{CUSTOM_TOOL, DiagnosticCode, Diagnostics, Tool, ToolChoice, input_schema};
use crate::dialect::openai_chat::extra_fields::{NAME, unknown_fields};
use crate::dialect::openai_chat::shape;
use crate::dialect::openai_chat::tool_call::{CallKind, mark_custom};
use crate::dialect::shape::{Place, Style};
use crate::error::ClientError;
use crate::json::{Object, ValueKind, decode_string, encode_string, raw, value_kind};
use std::collections::BTreeSet;

/// Reads the tools of a request.
pub(super) fn decode_tools(
    request: &Object<'_>,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<Tool>, ClientError> {
    let items = request.array("tools").unwrap_or_default();
    items.into_iter().enumerate().map(|(i, item)| decode_tool(item, i, diagnostics)).collect()
}

fn decode_tool(item: &str, i: usize, diagnostics: &mut Diagnostics) -> Result<Tool, ClientError> {
    let tools = Place::Key(&Place::Root, "tools");
    let place = Place::Index(&tools, i);
    let object = Object::parse(item.as_bytes()).map_err(|_| {
        let field_path = place.path(Style::Brackets);
        ClientError::invalid(format!("`{field_path}` must be an object with `type` and `function`."))
            .at(field_path)
    })?;
    shape::TOOL.check_at(&object, place, &["function"], diagnostics)?;
    let native = || Ok(Tool::Native { dialect: NAME, raw: raw(item) });
    let Some(function) = object.object("function") else {
        return Ok(decode_custom(&object).unwrap_or(Tool::Native { dialect: NAME, raw: raw(item) }));
    };
    shape::FUNCTION.check_at(&function, Place::Key(&place, "function"), &[], diagnostics)?;
    let Some(name) = function.str("name") else { return native() };
    let mut extra = unknown_fields(&function, &["name", "description", "parameters", "strict"]);
    let tool_extra = unknown_fields(&object, &["type", "function"]);
    if !tool_extra.is_empty() {
        // Fields next to `function` are stored under the empty name, which no field has.
        let mut fields = Object::new();
        for (key, value) in tool_extra.into_members() {
            fields.set(key, value.as_str().to_owned());
        }
        extra.dialect = NAME;
        extra.members.push((String::new(), raw(fields.to_json())));
    }
    Ok(Tool::Function {
        name: name.into_owned(),
        description: function.str("description").map(std::borrow::Cow::into_owned),
        parameters: function.non_null("parameters").map(raw),
        strict: function.bool("strict"),
        extra,
    })
}

/// Reads a custom tool: a function of one text, with a mark.
fn decode_custom(tool: &Object<'_>) -> Option<Tool> {
    let custom = tool.object("custom")?;
    let mut extra = unknown_fields(&custom, &["name", "description", "format"]);
    let format = custom.non_null("format");
    mark_custom(&mut extra, format.unwrap_or("null"));
    Some(Tool::Function {
        name: custom.str("name")?.into_owned(),
        description: custom.str("description").map(std::borrow::Cow::into_owned),
        parameters: Some(raw(input_schema(format))),
        strict: None,
        extra,
    })
}

/// Reads the legacy `functions`.
pub(super) fn decode_functions(items: &str) -> Vec<Tool> {
    let functions = items_of(items).into_iter().filter_map(|item| {
        let function = Object::parse(item.as_bytes()).ok()?;
        Some(Tool::Function {
            name: function.str("name")?.into_owned(),
            description: function.str("description").map(std::borrow::Cow::into_owned),
            parameters: function.non_null("parameters").map(raw),
            strict: function.bool("strict"),
            extra: unknown_fields(&function, &["name", "description", "parameters", "strict"]),
        })
    });
    functions.collect()
}

fn items_of(list: &str) -> Vec<&str> {
    crate::json::items(list).unwrap_or_default()
}

/// Writes functions in the legacy form; other tools have none.
pub(super) fn encode_functions(tools: &[Tool]) -> String {
    let functions: Vec<_> = tools.iter().filter_map(encode_legacy_function).collect();
    format!("[{}]", functions.join(","))
}

fn encode_legacy_function(tool: &Tool) -> Option<String> {
    let Tool::Function { extra, .. } = tool else { return None };
    let mut function = function_object(tool);
    for (key, value) in extra.of(NAME) {
        function.set(key.as_str(), value.as_str());
    }
    Some(function.to_json())
}

/// What a function is in both forms; empty for other tools.
fn function_object(tool: &Tool) -> Object<'_> {
    let mut function = Object::new();
    let Tool::Function { name, description, parameters, strict, .. } = tool else { return function };
    function.set("name", encode_string(name));
    if let Some(description) = description {
        function.set("description", encode_string(description));
    }
    if let Some(parameters) = parameters {
        function.set("parameters", parameters.as_str());
    }
    if let Some(strict) = strict {
        function.set("strict", strict.to_string());
    }
    function
}

/// Reads the legacy `function_call` of a request.
pub(super) fn decode_function_call(value: &str) -> Option<ToolChoice> {
    match decode_string(value).as_deref() {
        Some("auto") => Some(ToolChoice::Auto),
        Some("none") => Some(ToolChoice::None),
        Some(_) => None,
        None => {
            let object = Object::parse(value.as_bytes()).ok()?;
            Some(ToolChoice::Function(object.str("name")?.into_owned()))
        }
    }
}

/// Writes a tool choice in the legacy form, which can require a call only by name.
pub(super) fn encode_function_call(choice: &ToolChoice, tools: &[Tool]) -> Option<String> {
    let name = match (choice, tools) {
        (ToolChoice::Auto, _) => return Some(String::from("\"auto\"")),
        (ToolChoice::None, _) => return Some(String::from("\"none\"")),
        (ToolChoice::Function(name), _) => name.as_str(),
        (ToolChoice::Required, [only]) => only.name()?,
        _ => return None,
    };
    Some(format!(r#"{{"name":{}}}"#, encode_string(name)))
}

/// Writes a tool; `None`, with a diagnostic, for another dialect's own.
pub(super) fn encode_tool(tool: &Tool, i: usize, diagnostics: &mut Diagnostics) -> Option<String> {
    let field_path = format!("tools[{i}]");
    match tool {
        Tool::Function { name, description, extra, .. } if CallKind::of_extra(extra) == CallKind::Custom => {
            let mut custom = Object::new();
            custom.set("name", encode_string(name));
            if let Some(description) = description {
                custom.set("description", encode_string(description));
            }
            for (key, value) in extra.of(NAME).iter().filter(|(_, value)| value.as_str() != "null") {
                custom.set(if key == CUSTOM_TOOL { "format" } else { key.as_str() }, value.as_str());
            }
            Some(format!(r#"{{"type":"custom","custom":{}}}"#, custom.to_json()))
        }
        Tool::Function { extra, .. } => {
            let mut function = function_object(tool);
            extra.report_lost(NAME, &field_path, diagnostics);
            let mut tool_extra = Object::new();
            for (key, value) in extra.of(NAME) {
                match Object::parse(value.as_str().as_bytes()) {
                    Ok(fields) if key.is_empty() => tool_extra = fields,
                    _ => function.set(key.as_str(), value.as_str()),
                }
            }
            let mut tool = Object::new();
            tool.set("type", "\"function\"");
            tool.set("function", function.to_json());
            for (key, value) in tool_extra.iter() {
                tool.set(key, value);
            }
            Some(tool.to_json())
        }
        Tool::Native { dialect: NAME, raw } => Some(raw.as_str().to_owned()),
        Tool::Native { .. } => {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, &field_path, "a tool of another dialect");
            None
        }
    }
}

/// Reads `tool_choice`.
pub(super) fn decode_tool_choice(value: &str) -> Option<ToolChoice> {
    Some(match (value_kind(value), decode_string(value).as_deref()) {
        (ValueKind::Null, _) => return None,
        (_, Some("auto")) => ToolChoice::Auto,
        (_, Some("none")) => ToolChoice::None,
        (_, Some("required" | "any")) => ToolChoice::Required,
        _ => {
            let object = Object::parse(value.as_bytes()).unwrap_or_default();
            let tool = object.object("function").or_else(|| object.object("custom"));
            let named = tool.and_then(|tool| Some(tool.str("name")?.into_owned()));
            let choice = named.map(ToolChoice::Function).or_else(|| decode_allowed(&object));
            let choice = choice.or_else(|| decode_flat(&object));
            choice.unwrap_or_else(|| ToolChoice::Native { dialect: NAME, raw: raw(value) })
        }
    })
}

/// Reads a choice in the flat form of Responses or of Anthropic's API, which some clients of chat send.
fn decode_flat(choice: &Object<'_>) -> Option<ToolChoice> {
    match choice.str("type").as_deref()? {
        "auto" => Some(ToolChoice::Auto),
        "none" => Some(ToolChoice::None),
        "any" | "required" => Some(ToolChoice::Required),
        "function" | "tool" | "custom" => {
            choice.str("name").map(|name| ToolChoice::Function(name.into_owned()))
        }
        _ => None,
    }
}

/// Reads the choice among some tools; also in the flat form of Responses.
fn decode_allowed(choice: &Object<'_>) -> Option<ToolChoice> {
    if choice.str("type").as_deref() != Some("allowed_tools") {
        return None;
    }
    let nested = choice.object("allowed_tools");
    let allowed = nested.as_ref().unwrap_or(choice);
    let is_required = match allowed.str("mode").as_deref() {
        Some("required") => true,
        Some("auto") => false,
        _ => return None,
    };
    let names = allowed.array("tools")?.into_iter().filter_map(|tool| {
        let tool = Object::parse(tool.as_bytes()).ok()?;
        let nested = tool.object("function").or_else(|| tool.object("custom"));
        nested.as_ref().unwrap_or(&tool).str("name").map(std::borrow::Cow::into_owned)
    });
    Some(ToolChoice::Allowed { names: names.collect(), is_required })
}

fn kind_of(tool: &Tool) -> CallKind {
    match tool {
        Tool::Function { extra, .. } => CallKind::of_extra(extra),
        Tool::Native { .. } => CallKind::Custom,
    }
}

/// Writes the choice among some tools.
fn encode_allowed(names: &[String], is_required: bool, tools: &[Tool]) -> String {
    let is_function = |tool: &&Tool| kind_of(tool) == CallKind::Function;
    let functions: BTreeSet<&str> = tools.iter().filter(is_function).filter_map(Tool::name).collect();
    let names: Vec<_> = names
        .iter()
        .map(|name| {
            // A tool that is no function is a custom one.
            let kind = if functions.contains(name.as_str()) { "function" } else { "custom" };
            format!(r#"{{"type":"{kind}","{kind}":{{"name":{}}}}}"#, encode_string(name))
        })
        .collect();
    let mode = if is_required { "required" } else { "auto" };
    format!(r#"{{"type":"allowed_tools","allowed_tools":{{"mode":"{mode}","tools":[{}]}}}}"#, names.join(","))
}

/// Writes `tool_choice`; `None`, with a diagnostic, for another dialect's own.
pub(super) fn encode_tool_choice(
    choice: &ToolChoice,
    tools: &[Tool],
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    Some(match choice {
        ToolChoice::Auto => String::from("\"auto\""),
        ToolChoice::None => String::from("\"none\""),
        ToolChoice::Required => String::from("\"required\""),
        ToolChoice::Function(name) => {
            let chosen = tools.iter().find(|tool| tool.name() == Some(name));
            let (kind, _) = chosen.map_or(CallKind::Function, kind_of).keys();
            format!(r#"{{"type":"{kind}","{kind}":{{"name":{}}}}}"#, encode_string(name))
        }
        ToolChoice::Allowed { names, is_required } => encode_allowed(names, *is_required, tools),
        ToolChoice::Native { dialect: NAME, raw } => raw.as_str().to_owned(),
        ToolChoice::Native { .. } => {
            diagnostics.record(
                DiagnosticCode::FeatureUnsupported,
                "tool_choice",
                "a choice of another dialect",
            );
            return None;
        }
    })
}
