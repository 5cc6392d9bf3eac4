//! The parameters of a request that came in another dialect, or is written anew.

use super::super::content_part::{object_of, write_extra};
use super::super::{NAME, tools};
use crate::canonical::{DiagnosticCode, Diagnostics, Request, ResponseFormat, ToolChoice};
use crate::json::{Object, encode_string};

pub(super) fn write(request: &Request, body: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let own = request.extra.dialect == NAME;
    let mut set = |key: &'static str, value: Option<String>| {
        if let Some(value) = value {
            body.set(key, value);
        }
    };
    set("temperature", request.temperature.map(|v| v.to_string()));
    set("top_p", request.top_p.map(|v| v.to_string()));
    set("parallel_tool_calls", request.parallel_tool_calls.map(|v| v.to_string()));
    set("user", request.user.as_deref().map(encode_string));
    set("tools", tools::write(&request.tools, diagnostics));
    set("tool_choice", tool_choice(request, diagnostics));
    set("reasoning", reasoning(request, diagnostics));
    set("text", text(request, diagnostics));
    for (key, value) in request.shared.iter().filter(|(key, _)| key != "verbosity") {
        body.set(key.clone(), value.get().to_owned());
    }
    if request.encrypted_reasoning || (!own && thinks(request, body)) {
        body.set("include", format!("[\"{SEALED}\"]"));
    }
    if own {
        for (key, value) in request.extra.members.iter().filter(|(k, _)| k != "reasoning" && k != "text") {
            body.set(key.clone(), value.get().to_owned());
        }
        return;
    }
    // What is not said means no elsewhere, and yes here.
    if body.get("store").is_none() {
        body.set("store", "false");
    }
    request
        .extra
        .dropped_keys(NAME)
        .for_each(|key| diagnostics.record(DiagnosticCode::ParamDropped, key, ""));
    let mut dropped = |key: &str, said: bool| {
        if said {
            diagnostics.record(DiagnosticCode::ParamDropped, key, "");
        }
    };
    dropped("n", request.n.is_some_and(|n| n > 1));
    dropped("stop", !request.stop.is_empty());
    dropped("top_k", request.top_k.is_some());
    dropped("seed", request.seed.is_some());
    dropped("frequency_penalty", request.frequency_penalty.is_some_and(|v| v != 0.0));
    dropped("presence_penalty", request.presence_penalty.is_some_and(|v| v != 0.0));
}

/// Those parameters of the client's own body that were changed.
pub(super) fn rewrite(request: &Request, body: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let mut put = |key: &'static str, value: Option<String>| match value {
        Some(value) => body.set(key, value),
        None => drop(body.remove(key)),
    };
    if request.tools.is_changed() {
        put("tools", tools::write(&request.tools, diagnostics));
    }
    if request.is_tool_choice_changed() {
        put("tool_choice", tool_choice(request, diagnostics));
        put("parallel_tool_calls", request.parallel_tool_calls.map(|v| v.to_string()));
    }
    if request.response_format.is_changed() {
        put("text", text(request, diagnostics));
    }
}

/// What asks for reasoning in its sealed form.
pub(super) const SEALED: &str = "reasoning.encrypted_content";

/// What the names of models begin with that reason, also when they are not told to.
const REASONING: [&str; 6] = ["gpt-5", "gpt-6", "codex", "o1", "o3", "o4"];

/// Whether the model reasons, and its reasoning must be asked for sealed, to be sent back; other models refuse that.
fn thinks(request: &Request, body: &Object<'_>) -> bool {
    let told = body.object("reasoning").and_then(|told| told.str("effort").map(|effort| effort != "none"));
    let name = request.model.rsplit('/').next().unwrap_or_default();
    let reasons = REASONING.iter().any(|known| name.starts_with(known)) && !name.contains("chat");
    told.unwrap_or(reasons)
}

fn tool_choice(request: &Request, diagnostics: &mut Diagnostics) -> Option<String> {
    Some(match request.tool_choice.as_ref()? {
        ToolChoice::Auto => String::from("\"auto\""),
        ToolChoice::None => String::from("\"none\""),
        ToolChoice::Required => String::from("\"required\""),
        ToolChoice::Function(name) => {
            let kind = if tools::is_custom(&request.tools, name) { "custom" } else { "function" };
            format!(r#"{{"type":"{kind}","name":{}}}"#, encode_string(name))
        }
        ToolChoice::Native { dialect: NAME, raw } => raw.get().to_owned(),
        ToolChoice::Native { .. } => {
            diagnostics.record(DiagnosticCode::ParamDropped, "tool_choice", "");
            return None;
        }
    })
}

/// A member of the request's extras that is this dialect's, as an object.
fn kept<'r>(request: &'r Request, key: &str) -> Object<'r> {
    request.extra.of(NAME).iter().find(|(k, _)| k == key).map(|(_, v)| object_of(v.get())).unwrap_or_default()
}

fn reasoning(request: &Request, diagnostics: &mut Diagnostics) -> Option<String> {
    let mut object = kept(request, "reasoning");
    let said = &request.reasoning;
    match (said.as_effort(), said.enabled) {
        (Some(effort), _) => {
            object.set("effort", encode_string(effort));
            if said.effort.is_none() {
                diagnostics.record(DiagnosticCode::ParamRenamed, "reasoning", "a budget to an effort");
            }
        }
        (None, Some(false)) => object.set("effort", "\"none\""),
        (None, Some(true)) => {
            diagnostics.record(DiagnosticCode::ParamDropped, "reasoning", "thinking without an effort")
        }
        (None, None) => {}
    }
    (!object.is_empty()).then(|| object.to_json())
}

fn text(request: &Request, diagnostics: &mut Diagnostics) -> Option<String> {
    let mut text = kept(request, "text");
    match &*request.response_format {
        Some(ResponseFormat::Text) => text.set("format", r#"{"type":"text"}"#),
        Some(ResponseFormat::JsonObject) => text.set("format", r#"{"type":"json_object"}"#),
        Some(ResponseFormat::JsonSchema { name, schema, strict, extra }) => {
            let mut format = Object::new();
            format.set("type", "\"json_schema\"");
            format.set("name", encode_string(name));
            if let Some(schema) = schema {
                format.set("schema", schema.get());
            }
            if let Some(strict) = strict {
                format.set("strict", strict.to_string());
            }
            if let Some(description) = extra.get("description").filter(|_| extra.dialect != NAME) {
                format.set("description", description);
            }
            write_extra(&mut format, extra, &[]);
            text.set("format", format.to_json());
        }
        Some(ResponseFormat::Native { dialect: NAME, raw }) => text.set("format", raw.get().to_owned()),
        Some(ResponseFormat::Native { .. }) => {
            diagnostics.record(DiagnosticCode::ParamDropped, "response_format", "")
        }
        None => {}
    }
    if let Some((_, verbosity)) = request.shared.iter().find(|(key, _)| key == "verbosity") {
        text.set("verbosity", verbosity.get());
    }
    (!text.is_empty()).then(|| text.to_json())
}
