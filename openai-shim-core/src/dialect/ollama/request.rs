//! Requests: JSON to `Request` and back.
//!
//! <https://docs.ollama.com/api/chat>, <https://docs.ollama.com/api/generate>

use super::super::Encoded;
use super::super::shape::Place;
use super::names::{FAMILY, OllamaApi};
use super::{extra_fields, shape};
use crate::canonical::{
    DiagnosticCode, Diagnostics, ExtraFields, Reasoning, ReasoningMode, ReasoningParam, Request,
    ResponseFormat, Tool,
};
use crate::error::{ClientError, Unsupported};
use crate::json::{Object, ValueKind, decode_string, encode_string, natural, raw, value_kind};
use std::borrow::Cow;

mod generate;
mod images;
mod message;
mod options;

/// Decodes a request.
pub(super) fn decode(
    api: OllamaApi,
    body: &[u8],
    diagnostics: &mut Diagnostics,
) -> Result<Request, ClientError> {
    let object = Object::parse(body).map_err(|e| not_an_object(api, body, &e))?;
    let shape = match api {
        OllamaApi::Chat => &shape::CHAT,
        OllamaApi::Generate => &shape::GENERATE,
    };
    // `message::decode` checks the messages.
    shape.check_at(&object, Place::Root, &["messages"], diagnostics)?;
    let mut request = Request::default();
    let mut extra = Vec::new();
    // Ollama streams by default.
    request.stream = true;
    for (key, value) in object.iter() {
        let mut push_extra = || extra.push((key.to_owned(), raw(value)));
        match (key, value_kind(value)) {
            ("model", ValueKind::String) => {
                request.model = decode_string(value).unwrap_or_default().into_owned();
            }
            ("model" | "stream" | "options" | "think", ValueKind::Null) => {}
            ("stream", ValueKind::Bool) => request.stream = value.trim() == "true",
            ("messages", _) if api == OllamaApi::Chat => {}
            ("prompt" | "system" | "images", _) if api == OllamaApi::Generate => {}
            ("options", ValueKind::Object) => {
                let options = Object::parse(value.as_bytes()).unwrap_or_default();
                options::decode(&options, &mut request, &mut extra);
            }
            ("think", ValueKind::Bool | ValueKind::String) => {
                decode_think(value, request.reasoning.decoded_mut());
            }
            ("format", ValueKind::Object) => request.response_format.set_decoded(Some(decode_schema(value))),
            ("format", ValueKind::String) if value.trim() == "\"json\"" => {
                request.response_format.set_decoded(Some(ResponseFormat::JsonObject));
            }
            ("format", ValueKind::String) if value.trim() != "\"\"" => {
                diagnostics.record(DiagnosticCode::ParamInvalid, "format", "");
                push_extra();
            }
            ("tools", ValueKind::Array) if object.array("tools").is_some_and(|t| !t.is_empty()) => {
                let items = object.array("tools").unwrap_or_default();
                request.tools.set_decoded(items.into_iter().map(decode_tool).collect());
            }
            ("logprobs", ValueKind::Bool) if value.trim() == "true" => {
                request.logprobs = Some(object.get("top_logprobs").and_then(natural).unwrap_or(0));
            }
            ("top_logprobs", _) if object.bool("logprobs") == Some(true) && natural(value).is_some() => {}
            ("suffix", ValueKind::String) if api == OllamaApi::Generate => {
                request.suffix = decode_string(value).map(Cow::into_owned);
                request.is_prompt = true;
            }
            // `false` is the default.
            ("raw", ValueKind::Bool) if value.trim() == "false" => {}
            _ => push_extra(),
        }
    }
    request.reasoning.decoded_mut().shown_by_default = true;
    // Ollama sends usage with every response.
    request.include_usage = request.stream;
    request.extra = ExtraFields::new(FAMILY, extra);
    match api {
        OllamaApi::Chat => message::decode(&object, body, &mut request, diagnostics)?,
        OllamaApi::Generate => generate::decode(&object, &mut request, diagnostics)?,
    }
    Ok(request)
}

fn not_an_object(api: OllamaApi, body: &[u8], error: &serde_json::Error) -> ClientError {
    let field = if api == OllamaApi::Chat { "messages" } else { "prompt" };
    if body.trim_ascii().is_empty() {
        return ClientError::invalid(format!(
            "The request body is empty. Send a JSON object with `model` and `{field}`."
        ));
    }
    if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
        return ClientError::invalid(format!(
            "The request body must be a JSON object with `model` and `{field}`."
        ));
    }
    ClientError::invalid(format!("The request body is not valid JSON: {error}."))
}

/// Decodes a schema. It has no name here, and other dialects require one.
fn decode_schema(value: &str) -> ResponseFormat {
    ResponseFormat::JsonSchema {
        name: String::from("response"),
        schema: Some(raw(value)),
        strict: None,
        extra: ExtraFields::default(),
    }
}

fn decode_tool(item: &str) -> Tool {
    let native = || Tool::Native { dialect: FAMILY, raw: raw(item) };
    let Ok(object) = Object::parse(item.as_bytes()) else { return native() };
    let Some(function) = object.object("function") else { return native() };
    let Some(name) = function.str("name") else { return native() };
    Tool::Function {
        name: name.into_owned(),
        description: function.str("description").map(Cow::into_owned),
        parameters: function.non_null("parameters").map(raw),
        strict: None,
        extra: extra_fields::read(&function, &["name", "description", "parameters"]),
    }
}

/// Encodes a request; fields that were not changed keep the client's bytes.
pub(super) fn encode<'a>(
    api: OllamaApi,
    request: &Request,
    source: Option<&'a [u8]>,
    diagnostics: &mut Diagnostics,
) -> Result<Encoded<'a>, Unsupported> {
    let mut body = source.and_then(|bytes| Object::parse(bytes).ok()).unwrap_or_default();
    if !request.model.is_empty() && body.str("model").as_deref() != Some(request.model.as_str()) {
        body.set("model", encode_string(&request.model));
    }
    if source.is_none() || request.messages.is_changed() {
        match api {
            OllamaApi::Chat => message::encode(request, source, &mut body, diagnostics)?,
            OllamaApi::Generate => generate::encode(request, &mut body, diagnostics)?,
        }
    }
    if source.is_none() {
        write_params(request, &mut body, diagnostics);
    } else if request.tools.is_changed() {
        write_tools(request, &mut body, diagnostics);
    }
    if source.is_none() || request.reasoning.is_changed() {
        write_think(&request.reasoning, &mut body);
    }
    // Always written: servers that imitate Ollama may have another default.
    if body.bool("stream") != Some(request.stream) {
        body.set("stream", if request.stream { "true" } else { "false" });
    }
    options::encode(request, source.is_some(), &mut body);
    let path = String::from(if api == OllamaApi::Chat { "/chat" } else { "/generate" });
    Ok(Encoded { path, body, ..Encoded::default() })
}

/// Writes the parameters, into a body that has none of the client's bytes.
fn write_params(request: &Request, body: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    write_tools(request, body, diagnostics);
    match &*request.response_format {
        Some(ResponseFormat::JsonObject) => body.set("format", "\"json\""),
        Some(ResponseFormat::JsonSchema { schema, extra, .. }) => {
            extra.report_lost(FAMILY, "response_format", diagnostics);
            body.set(
                "format",
                schema.as_ref().map_or_else(|| String::from("\"json\""), |s| s.as_str().to_owned()),
            );
        }
        Some(ResponseFormat::Native { dialect, .. }) => {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, "response_format", dialect);
        }
        Some(ResponseFormat::Text | ResponseFormat::TextEnum(_)) | None => {}
    }
    if let Some(suffix) = &request.suffix {
        body.set("suffix", encode_string(suffix));
    }
    if let Some(top) = request.logprobs {
        body.set("logprobs", "true");
        if top > 0 {
            body.set("top_logprobs", top.to_string());
        }
    }
    if *request.parallel_tool_calls == Some(false) {
        diagnostics.record(DiagnosticCode::ParamDropped, "parallel_tool_calls", "");
    }
    for (key, value) in request.extra.of(FAMILY) {
        if !key.starts_with(options::EXTRA_PREFIX) {
            body.set(key.clone(), value.as_str().to_owned());
        }
    }
}

fn decode_think(value: &str, reasoning: &mut Reasoning) {
    reasoning.params.insert(ReasoningParam::OwnSwitch);
    reasoning.field = "think";
    match decode_string(value) {
        Some(level) => reasoning.set_effort(level.into_owned()),
        None => reasoning.set_enabled(value.trim() == "true"),
    }
}

/// Writes `think`. Only some models have levels; all others read a level as `true`.
fn write_think(reasoning: &Reasoning, body: &mut Object<'_>) {
    match (reasoning.mode, &reasoning.effort) {
        (Some(ReasoningMode::Off), _) => body.set("think", "false"),
        (_, Some(level)) => body.set("think", encode_string(level)),
        (Some(_), None) => body.set("think", "true"),
        (None, None) => drop(body.remove("think")),
    }
}

fn write_tools(request: &Request, body: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let tools = request.tools.iter().enumerate();
    let tools: Vec<_> = tools.filter_map(|(i, tool)| write_tool(tool, i, diagnostics)).collect();
    if tools.is_empty() {
        body.remove("tools");
    } else {
        body.set("tools", format!("[{}]", tools.join(",")));
    }
}

fn write_tool(tool: &Tool, i: usize, diagnostics: &mut Diagnostics) -> Option<String> {
    let path = format!("tools[{i}]");
    match tool {
        Tool::Function { name, description, parameters, strict, extra } => {
            if *strict == Some(true) {
                diagnostics.record(DiagnosticCode::FeatureUnsupported, &format!("{path}.strict"), "");
            }
            extra.report_lost(FAMILY, &path, diagnostics);
            let mut function = Object::new();
            function.set("name", encode_string(name));
            if let Some(description) = description {
                function.set("description", encode_string(description));
            }
            if let Some(parameters) = parameters {
                function.set("parameters", parameters.as_str());
            }
            for (key, value) in extra.of(FAMILY) {
                function.set(key.as_str(), value.as_str());
            }
            Some(format!(r#"{{"type":"function","function":{}}}"#, function.to_json()))
        }
        Tool::Native { dialect: FAMILY, raw } => Some(raw.as_str().to_owned()),
        Tool::Native { dialect, .. } => {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, &path, dialect);
            None
        }
    }
}
