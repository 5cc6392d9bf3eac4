//! The parameters of a request to JSON: all of them for a client of another dialect, the changed ones for one of this dialect.

use super::super::extra_fields::{self, parse_or_empty};
use super::super::names::NAME;
use super::super::tools;
use super::include;
use crate::canonical::{
    Addition, DiagnosticCode, Diagnostics, Reasoning, ReasoningDisplay, ReasoningParam, Request,
    ResponseFormat, ToolChoice,
};
use crate::json::{Object, encode_string};

/// Encodes all parameters. Returns those that a client of another dialect did not send.
pub(super) fn encode(
    request: &Request,
    body: &mut Object<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<Addition> {
    let is_same_dialect = request.extra.dialect == NAME;
    let mut additions = Vec::new();
    let mut set = |key: &'static str, value: Option<String>| {
        if let Some(value) = value {
            body.set(key, value);
        }
    };
    set("temperature", request.temperature.map(|v| v.to_string()));
    set("top_p", request.top_p.map(|v| v.to_string()));
    set("parallel_tool_calls", request.parallel_tool_calls.map(|v| v.to_string()));
    set("user", request.user.as_deref().map(encode_string));
    set("tools", tools::encode(&request.tools, diagnostics));
    set("tool_choice", encode_tool_choice(request, diagnostics));
    set("reasoning", encode_reasoning(&request.reasoning, native_options(request, "reasoning")));
    set("text", encode_text_options(request, diagnostics));
    for (key, value) in request.shared.iter().filter(|(key, _)| key != "verbosity") {
        body.set(key.clone(), value.as_str().to_owned());
    }
    let rest =
        request.extra.of(NAME).iter().find(|(key, _)| key == "include").map(|(_, value)| value.as_str());
    include::encode(request, rest, body);
    additions.extend(request.adds_encrypted_reasoning.then(|| Addition::member("include")));
    if is_same_dialect {
        const WRITTEN: [&str; 3] = ["include", "reasoning", "text"];
        for (key, value) in request.extra.members.iter().filter(|(k, _)| !WRITTEN.contains(&k.as_str())) {
            body.set(key.clone(), value.as_str().to_owned());
        }
        return additions;
    }
    // An absent `store` means false in other dialects, and true here.
    if body.get("store").is_none() {
        body.set("store", "false");
        additions.push(Addition::member("store"));
    }
    if request.tools.iter().any(tools::adds_strict) {
        additions.push(Addition::member("tools.strict"));
    }
    additions
}

/// Encodes the changed parameters into the client's own body.
pub(super) fn encode_changed(request: &Request, body: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let mut set_or_remove = |key: &'static str, value: Option<String>| match value {
        Some(value) => body.set(key, value),
        None => drop(body.remove(key)),
    };
    if request.tools.is_changed() {
        set_or_remove("tools", tools::encode(&request.tools, diagnostics));
    }
    if request.is_tool_choice_changed() {
        set_or_remove("tool_choice", encode_tool_choice(request, diagnostics));
        set_or_remove("parallel_tool_calls", request.parallel_tool_calls.map(|v| v.to_string()));
    }
    if request.reasoning.is_changed() {
        set_or_remove("reasoning", encode_reasoning(&request.reasoning, changed_options(request)));
    }
    if request.response_format.is_changed() {
        set_or_remove("text", encode_text_options(request, diagnostics));
    }
}

fn encode_tool_choice(request: &Request, diagnostics: &mut Diagnostics) -> Option<String> {
    Some(match request.tool_choice.as_ref()? {
        ToolChoice::Auto => String::from("\"auto\""),
        ToolChoice::None => String::from("\"none\""),
        ToolChoice::Required => String::from("\"required\""),
        ToolChoice::Function(name) => tools::encode_choice(&request.tools, name),
        ToolChoice::Allowed { names, is_required } => {
            let mode = if *is_required { "required" } else { "auto" };
            let tools: Vec<_> = names.iter().map(|name| tools::encode_choice(&request.tools, name)).collect();
            format!(r#"{{"type":"allowed_tools","mode":"{mode}","tools":[{}]}}"#, tools.join(","))
        }
        ToolChoice::Native { dialect: NAME, raw } => raw.as_str().to_owned(),
        ToolChoice::Native { .. } => {
            diagnostics.record(DiagnosticCode::ParamDropped, "tool_choice", "");
            return None;
        }
    })
}

/// Returns the fields of `reasoning` that stay as they are when the others are changed.
fn changed_options(request: &Request) -> Object<'_> {
    let mut options = native_options(request, "reasoning");
    options.remove("effort");
    options
}

/// Returns one of the request's extra fields that is an option of this dialect.
fn native_options<'r>(request: &'r Request, key: &str) -> Object<'r> {
    request
        .extra
        .of(NAME)
        .iter()
        .find(|(k, _)| k == key)
        .map(|(_, v)| parse_or_empty(v.as_str()))
        .unwrap_or_default()
}

/// Reads the option `reasoning`; returns the fields that have a place in our model.
pub(super) fn decode_reasoning(option: &Object<'_>, reasoning: &mut Reasoning) -> &'static [&'static str] {
    reasoning.params.insert(ReasoningParam::OwnEffort);
    reasoning.field = "reasoning.effort";
    if let Some(effort) = option.str("effort") {
        reasoning.set_effort(effort.into_owned());
    }
    // The SDKs still have the older name.
    let summary = option.str("summary").or_else(|| option.str("generate_summary"));
    reasoning.display = summary
        .and_then(|word| SUMMARIES.iter().find(|(known, _)| *known == word).map(|(_, display)| *display));
    if reasoning.display.is_some() { &["effort", "summary"] } else { &["effort"] }
}

/// The values of `reasoning.summary`.
const SUMMARIES: [(&str, ReasoningDisplay); 3] = [
    ("auto", ReasoningDisplay::Auto),
    ("concise", ReasoningDisplay::Concise),
    ("detailed", ReasoningDisplay::Detailed),
];

/// Encodes the option `reasoning`; `object` has its fields that only this dialect has.
fn encode_reasoning(reasoning: &Reasoning, mut object: Object<'_>) -> Option<String> {
    let effort = if reasoning.is_off() { Some("none") } else { reasoning.effort.as_deref() };
    match effort {
        Some(effort) => object.set("effort", encode_string(effort)),
        None => drop(object.remove("effort")),
    }
    let summary = SUMMARIES.iter().find(|(_, display)| Some(*display) == reasoning.display);
    if let Some((word, _)) = summary {
        object.set("summary", encode_string(word));
    }
    (!object.is_empty()).then(|| object.to_json())
}

fn encode_text_options(request: &Request, diagnostics: &mut Diagnostics) -> Option<String> {
    let mut text = native_options(request, "text");
    match &*request.response_format {
        Some(ResponseFormat::Text) => text.set("format", r#"{"type":"text"}"#),
        Some(ResponseFormat::JsonObject) => text.set("format", r#"{"type":"json_object"}"#),
        Some(ResponseFormat::JsonSchema { name, schema, strict, extra }) => {
            let mut format = Object::new();
            format.set("type", "\"json_schema\"");
            format.set("name", encode_string(name));
            if let Some(schema) = schema {
                format.set("schema", schema.as_str());
            }
            if let Some(strict) = strict {
                format.set("strict", strict.to_string());
            }
            if let Some(description) = extra.get("description").filter(|_| extra.dialect != NAME) {
                format.set("description", description);
            }
            extra_fields::write(&mut format, extra, &[]);
            text.set("format", format.to_json());
        }
        Some(ResponseFormat::Native { dialect: NAME, raw }) => text.set("format", raw.as_str().to_owned()),
        Some(ResponseFormat::Native { .. }) => {
            diagnostics.record(DiagnosticCode::ParamDropped, "response_format", "");
        }
        Some(ResponseFormat::TextEnum(_)) | None => {}
    }
    if let Some((_, verbosity)) = request.shared.iter().find(|(key, _)| key == "verbosity") {
        text.set("verbosity", verbosity.as_str());
    }
    (!text.is_empty()).then(|| text.to_json())
}
