//! The tools of a request: functions, custom tools and namespaces to `Tool`s and back.
//!
//! A custom tool becomes a function of one string, `input`, and a tool in a namespace a function with a
//! [joined name](tool_names::join); extra fields keep what is needed to encode them again.

use super::client_tools::{self, ClientTool};
use super::extra_fields::{self, parse_or_empty, wire_key};
use super::names::{ADDITIONAL_TOOLS, CLIENT_TOOL, NAME, NAMESPACE};
use super::tool_names;
use crate::canonical::{
    CUSTOM_TOOL, DiagnosticCode, Diagnostics, ExtraFields, Tool, flat_format, input_schema,
};
use crate::json::{Object, encode_string, raw};
use std::borrow::Cow;

/// Where the tools of a list stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToolSource {
    /// The parameter `tools`.
    Param,
    /// An `additional_tools` item of the input, which is encoded as it came.
    InputItem,
}

/// Decodes a list of tools.
pub(super) fn decode(items: &[&str], source: ToolSource) -> Vec<Tool> {
    let mut tools = Vec::new();
    for item in items {
        match decode_namespace(item) {
            Some(members) => tools.extend(members),
            None => tools.push(
                decode_tool(item, None).unwrap_or_else(|| Tool::Native { dialect: NAME, raw: raw(*item) }),
            ),
        }
    }
    if source == ToolSource::InputItem {
        for tool in &mut tools {
            if let Tool::Function { extra, .. } = tool {
                add_field(extra, ADDITIONAL_TOOLS, "true");
            }
        }
        tools.retain(|tool| matches!(tool, Tool::Function { .. }));
    }
    tools
}

fn add_field(extra: &mut ExtraFields, key: &str, value: &str) {
    extra.dialect = NAME;
    extra.members.push((key.to_owned(), raw(value)));
}

/// The namespace that a tool is in.
struct Namespace<'n> {
    name: &'n str,
    /// The namespace's JSON without its tools.
    json: &'n str,
}

/// Decodes the tools of a namespace; `None` if the item is no namespace, or contains a tool that is no function or custom
/// tool.
fn decode_namespace(item: &str) -> Option<Vec<Tool>> {
    let mut object = Object::parse(item.as_bytes()).ok()?;
    if object.str("type").as_deref() != Some("namespace") {
        return None;
    }
    let name = object.str("name")?.into_owned();
    let members: Vec<String> = object.array("tools")?.into_iter().map(str::to_owned).collect();
    object.remove("tools");
    let json = object.to_json();
    let namespace = Namespace { name: &name, json: &json };
    let tools: Option<Vec<Tool>> =
        members.iter().map(|member| decode_tool(member, Some(&namespace))).collect();
    tools.filter(|tools| !tools.is_empty())
}

/// Decodes a function or a custom tool; `None` if it is neither.
fn decode_tool(item: &str, namespace: Option<&Namespace<'_>>) -> Option<Tool> {
    let outer = Object::parse(item.as_bytes()).ok()?;
    let kind = outer.str("type");
    // Some clients send the nested form of chat completions.
    let nested = outer.object("function");
    let object = nested.as_ref().unwrap_or(&outer);
    if namespace.is_none()
        && let Some(tool) = ClientTool::of_tool(object)
    {
        return Some(tool.to_function(object));
    }
    let client_name = object.str("name")?;
    let description = object.str("description").map(Cow::into_owned);
    let (parameters, strict, mut extra) = match kind.as_deref() {
        Some("function") | None => (
            object.non_null("parameters").map(raw),
            object.bool("strict"),
            extra_fields::read(object, &["name", "description", "parameters", "strict"]),
        ),
        Some("custom") => (
            Some(raw(input_schema(object.get("format")))),
            None,
            extra_fields::read(object, &["name", "description"]),
        ),
        _ => return None,
    };
    let mut name = client_name.clone().into_owned();
    if let Some(namespace) = namespace {
        name = tool_names::join(Some(namespace.name), &client_name);
        add_field(&mut extra, NAMESPACE, namespace.json);
        add_field(&mut extra, ".name", &encode_string(&client_name));
    }
    Some(Tool::Function { name, description, parameters, strict, extra })
}

/// Encodes the tools of a request; `None` if there are none. Tools in a row with the same namespace share one.
pub(super) fn encode(tools: &[Tool], diagnostics: &mut Diagnostics) -> Option<String> {
    let mut out: Vec<String> = Vec::new();
    // The JSON of the current namespace, and the tools in it.
    let mut open: Option<(String, Vec<String>)> = None;
    for (i, tool) in tools.iter().enumerate() {
        let (json, namespace) = match tool {
            Tool::Function { extra, .. } if extra.of(NAME).iter().any(|(key, _)| key == ADDITIONAL_TOOLS) => {
                continue;
            }
            Tool::Function { extra, .. } => {
                extra.report_lost(NAME, &format!("tools[{i}]"), diagnostics);
                (encode_function(tool), extra.of(NAME).iter().find(|(k, _)| k == NAMESPACE))
            }
            Tool::Native { dialect: NAME, raw } => (raw.as_str().to_owned(), None),
            Tool::Native { .. } => {
                diagnostics.record(
                    DiagnosticCode::FeatureUnsupported,
                    &format!("tools[{i}]"),
                    "a tool of another dialect",
                );
                continue;
            }
        };
        let namespace = namespace.map(|(_, json)| json.as_str().to_owned());
        if open.as_ref().map(|(json, _)| json) != namespace.as_ref() {
            out.extend(open.take().map(close_namespace));
        }
        match namespace {
            Some(namespace) => open.get_or_insert((namespace, Vec::new())).1.push(json),
            None => out.push(json),
        }
    }
    out.extend(open.map(close_namespace));
    (!out.is_empty()).then(|| format!("[{}]", out.join(",")))
}

fn close_namespace((json, tools): (String, Vec<String>)) -> String {
    let mut object = parse_or_empty(&json);
    object.set("tools", format!("[{}]", tools.join(",")));
    object.to_json()
}

fn encode_function(tool: &Tool) -> String {
    let Tool::Function { name, description, parameters, strict, extra } = tool else { return String::new() };
    if let Some(client_tool) = extra_fields::get(extra, CLIENT_TOOL) {
        return client_tool.to_owned();
    }
    let fields = extra.of(NAME);
    let mut object = Object::new();
    object.set("type", "\"function\"");
    object.set("name", encode_string(name));
    if let Some(description) = description {
        object.set("description", encode_string(description));
    }
    if !is_custom_tool(extra) {
        if let Some(parameters) = parameters {
            object.set("parameters", parameters.as_str());
        } else if fields.is_empty() {
            object.set("parameters", "null");
        }
        match strict {
            Some(strict) => object.set("strict", strict.to_string()),
            // An absent `strict` means false in other dialects, and true here.
            None if fields.is_empty() => object.set("strict", "false"),
            None => {}
        }
    }
    if let Some(format) = extra.get(CUSTOM_TOOL) {
        object.set("type", "\"custom\"");
        if let Some(format) = flat_format(format) {
            object.set("format", format);
        }
    }
    for (key, value) in fields.iter().filter(|(key, _)| key != NAMESPACE && key != ADDITIONAL_TOOLS) {
        object.set(wire_key(key), value.as_str());
    }
    object.to_json()
}

/// Whether a tool is encoded with a `strict` that it does not have.
pub(super) fn adds_strict(tool: &Tool) -> bool {
    matches!(tool, Tool::Function { strict: None, extra, .. } if extra.of(NAME).is_empty() && !is_custom_tool(extra))
}

fn is_custom_tool(extra: &ExtraFields) -> bool {
    extra_fields::get(extra, "type") == Some("\"custom\"") || extra.get(CUSTOM_TOOL).is_some()
}

/// Encodes a tool as the choice of a tool names it. A tool that is no function is named by its type.
pub(super) fn encode_choice(tools: &[Tool], name: &str) -> String {
    let chosen = tools.iter().find(|tool| tool.name() == Some(name));
    if let Some(client_tool) = chosen.and_then(client_tools::of_function) {
        return format!(r#"{{"type":{}}}"#, client_tool.quoted_type());
    }
    let native = || {
        let mut objects = tools.iter().filter_map(|tool| match tool {
            Tool::Native { dialect: NAME, raw } => Some(parse_or_empty(raw.as_str())),
            _ => None,
        });
        objects.find_map(|tool| encode_native_choice(&tool, name))
    };
    let kind = match chosen {
        Some(Tool::Function { extra, .. }) if is_custom_tool(extra) => "custom",
        None => match native() {
            Some(native) => return native,
            None => "function",
        },
        Some(_) => "function",
    };
    format!(r#"{{"type":"{kind}","name":{}}}"#, encode_string(name))
}

/// Encodes a native tool as a choice names it; `None` if it has another name.
fn encode_native_choice(tool: &Object<'_>, name: &str) -> Option<String> {
    let has_label = tool.str("server_label").as_deref() == Some(name);
    if !has_label && tool.str("type").as_deref() != Some(name) {
        return None;
    }
    let mut named = Object::new();
    named.set("type", tool.get("type")?.to_owned());
    if has_label {
        named.set("server_label", encode_string(name));
    }
    Some(named.to_json())
}
