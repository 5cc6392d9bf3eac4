//! `tools` and `toolConfig` to tools and tool choice, and back.
//!
//! <https://ai.google.dev/api/caching#Tool>

use super::extra_fields::{self, without_dot};
use super::json_keys::parse_object;
use super::names::NAME;
use crate::canonical::{DiagnosticCode, Diagnostics, NATIVE_SCHEMA, Request, Tool, ToolChoice};
use crate::json::{Object, RawJson, ValueKind, encode_string, from_openapi, raw, value_kind};
use std::borrow::Cow;

/// The prefix of a field of `toolConfig` among the extra fields of a request.
const EXTRA_PREFIX: &str = "toolConfig.";

/// Decodes the tools: each function, and Google's own tools as raw JSON.
pub(super) fn decode(object: &Object<'_>) -> Vec<Tool> {
    let Some(value) = object.non_null("tools") else { return Vec::new() };
    let items = match value_kind(value) {
        ValueKind::Array => object.array("tools").unwrap_or_default(),
        ValueKind::Object => vec![value],
        _ => Vec::new(),
    };
    let mut tools = Vec::new();
    for item in items {
        let Some(tool) = parse_object(item) else {
            tools.push(Tool::Native { dialect: NAME, raw: raw(item) });
            continue;
        };
        let declared = tool.array("functionDeclarations");
        tools.extend(declared.iter().flatten().map(|function| decode_function(function)));
        let mut native = Object::new();
        for (key, value) in
            tool.iter().filter(|(key, value)| *key != "functionDeclarations" && value.trim() != "null")
        {
            native.set(key, value);
        }
        if !native.is_empty() {
            tools.push(Tool::Native { dialect: NAME, raw: raw(native.to_json()) });
        }
    }
    tools
}

fn decode_function(function: &str) -> Tool {
    let object = parse_object(function).unwrap_or_default();
    let json_schema = object.non_null("parametersJsonSchema");
    let openapi = object.non_null("parameters").filter(|_| json_schema.is_none());
    let known = ["name", "description", "parameters", "parametersJsonSchema"];
    let mut extra = extra_fields::read(&object, &known).into_members();
    extra.extend(openapi.map(|schema| (NATIVE_SCHEMA.to_owned(), raw(schema))));
    Tool::Function {
        name: object.str("name").unwrap_or_default().into_owned(),
        description: object.str("description").map(Cow::into_owned),
        parameters: json_schema.map(raw).or_else(|| openapi.map(|schema| raw(from_openapi(schema)))),
        strict: None,
        extra: extra_fields::of(extra),
    }
}

/// Encodes the tools: all functions as one tool, and each of Google's own tools.
pub(super) fn encode(tools: &[Tool], diagnostics: &mut Diagnostics) -> String {
    let (mut functions, mut natives) = (Vec::new(), Vec::new());
    for (i, tool) in tools.iter().enumerate() {
        let path = format!("tools[{i}]");
        match tool {
            Tool::Function { name, description, parameters, strict, extra } => {
                if *strict == Some(true) {
                    diagnostics.record(DiagnosticCode::FeatureUnsupported, &format!("{path}.strict"), "");
                }
                extra.report_lost(NAME, &path, diagnostics);
                let mut function = Object::new();
                function.set("name", encode_string(name));
                if let Some(description) = description {
                    function.set("description", encode_string(description));
                }
                for (key, value) in extra.of(NAME) {
                    let key = if key == NATIVE_SCHEMA { "parameters" } else { without_dot(key) };
                    function.set(key, value.as_str());
                }
                if let Some(parameters) = parameters.as_ref().filter(|_| function.get("parameters").is_none())
                {
                    function.set("parametersJsonSchema", parameters.as_str());
                }
                functions.push(function.to_json());
            }
            Tool::Native { dialect: NAME, raw } => natives.push(raw.as_str().to_owned()),
            Tool::Native { dialect, .. } => {
                diagnostics.record(DiagnosticCode::FeatureUnsupported, &path, dialect);
            }
        }
    }
    if !functions.is_empty() {
        natives.insert(0, format!("{{\"functionDeclarations\":[{}]}}", functions.join(",")));
    }
    format!("[{}]", natives.join(","))
}

/// Decodes the tool choice; fields without a place in our model go to `extra`.
pub(super) fn decode_choice(config: &Object<'_>, request: &mut Request, extra: &mut Vec<(String, RawJson)>) {
    for (key, value) in config.iter().filter(|(_, v)| v.trim() != "null") {
        let calling = (key == "functionCallingConfig").then(|| parse_object(value)).flatten();
        let Some(calling) = calling else {
            extra.push((format!("{EXTRA_PREFIX}{key}"), raw(value)));
            continue;
        };
        let mode = calling.str("mode").unwrap_or_default().to_ascii_uppercase();
        let allowed = calling.array("allowedFunctionNames").unwrap_or_default();
        let names: Vec<_> = allowed.iter().filter_map(|name| crate::json::decode_string(name)).collect();
        let (choice, is_exact) = match (mode.as_str(), names.as_slice()) {
            ("NONE", _) => (Some(ToolChoice::None), true),
            ("AUTO", []) => (Some(ToolChoice::Auto), true),
            ("ANY", []) => (Some(ToolChoice::Required), true),
            ("ANY", [name]) => (Some(ToolChoice::Function(name.clone().into_owned())), true),
            ("ANY" | "AUTO" | "VALIDATED", [_, ..]) => {
                let names = names.iter().map(|name| name.clone().into_owned()).collect();
                (Some(ToolChoice::Allowed { names, is_required: mode == "ANY" }), true)
            }
            ("VALIDATED", []) => (Some(ToolChoice::Auto), false),
            _ => (None, false),
        };
        request.tool_choice.set_decoded(choice);
        if !is_exact || calling.iter().any(|(k, _)| !matches!(k, "mode" | "allowedFunctionNames")) {
            extra.push((format!("{EXTRA_PREFIX}{key}"), raw(value)));
        }
    }
}

/// Encodes `toolConfig`; `None` if it is empty.
pub(super) fn encode_choice(request: &Request, diagnostics: &mut Diagnostics) -> Option<String> {
    let calling = match &*request.tool_choice {
        None => None,
        Some(ToolChoice::Auto) => Some(String::from(r#"{"mode":"AUTO"}"#)),
        Some(ToolChoice::None) => Some(String::from(r#"{"mode":"NONE"}"#)),
        Some(ToolChoice::Required) => Some(String::from(r#"{"mode":"ANY"}"#)),
        Some(ToolChoice::Function(name)) => {
            Some(format!(r#"{{"mode":"ANY","allowedFunctionNames":[{}]}}"#, encode_string(name)))
        }
        Some(ToolChoice::Allowed { names, is_required }) => {
            // Only with these modes the names have an effect.
            let mode = if *is_required { "ANY" } else { "VALIDATED" };
            let names: Vec<_> = names.iter().map(|name| encode_string(name)).collect();
            Some(format!(r#"{{"mode":"{mode}","allowedFunctionNames":[{}]}}"#, names.join(",")))
        }
        Some(ToolChoice::Native { dialect, .. }) => {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, "tool_choice", dialect);
            None
        }
    };
    let mut config = Object::new();
    if let Some(calling) = calling {
        config.set("functionCallingConfig", calling);
    }
    for (key, value) in request.extra.of(NAME) {
        if let Some(key) = key.strip_prefix(EXTRA_PREFIX) {
            config.set(key.to_owned(), value.as_str().to_owned());
        }
    }
    (!config.is_empty()).then(|| config.to_json())
}
