//! Requests: read from clients, written for upstreams.
//!
//! <https://platform.openai.com/docs/api-reference/chat/create>

use super::super::Encoded;
use super::super::shape::{Place, Style};
use super::{NAME, note_lost, shape};
use crate::canonical::{
    DiagnosticCode, Diagnostics, ExtraFields, Message, Request, ResponseFormat, SHARED, TokenLimit, Tool,
    ToolChoice,
};
use crate::error::{ClientError, Unsupported};
use crate::json::{
    Object, ValueKind, count, decode_string, encode_string, integer, natural, number, raw, value_kind,
};
use bytes::Bytes;
use std::borrow::Cow;

mod message;
mod messages;
mod raw_fields;

use messages::MessagesReader;

/// Reads a request.
pub(super) fn decode(body: &Bytes, diagnostics: &mut Diagnostics) -> Result<Request, ClientError> {
    let mut read = MessagesReader::new(body);
    let object = match Object::visit_items(body, "messages", &mut |message, item| read.message(message, item))
    {
        Some(object) => object,
        None => {
            let object = Object::parse(body).map_err(|e| not_an_object(body, &e))?;
            read = MessagesReader::new(body);
            for item in object.array("messages").unwrap_or_default() {
                read.item(item);
            }
            object
        }
    };
    // Messages and tools are checked where they are read.
    shape::REQUEST.check_at(&object, Place::Root, &["messages", "tools"], diagnostics)?;
    let mut request = Request::default();
    let mut extra = Vec::new();
    for (key, value) in object.iter() {
        match key {
            "model" => request.model = decode_string(value).map(Cow::into_owned).unwrap_or_default(),
            "messages" | "prompt" => {}
            "stream" => request.stream = object.bool(key).unwrap_or(false),
            "stream_options" => {
                request.include_usage =
                    object.object("stream_options").and_then(|o| o.bool("include_usage")).unwrap_or(false);
            }
            "max_completion_tokens" | "max_tokens" => {
                if let Some(tokens) = natural(value) {
                    let completion = key == "max_completion_tokens";
                    if completion || request.max_tokens.is_none() {
                        request.max_tokens = Some(TokenLimit { tokens, completion });
                    }
                }
            }
            "n" => request.n.set_decoded(count(value)),
            "temperature" => request.temperature = number(value),
            "top_p" => request.top_p = number(value),
            "top_k" => request.top_k = natural(value),
            "min_p" => request.min_p = number(value),
            "repetition_penalty" => request.repetition_penalty = number(value),
            "frequency_penalty" => request.frequency_penalty = number(value),
            "presence_penalty" => request.presence_penalty = number(value),
            "seed" => request.seed = integer(value),
            "user" => request.user = decode_string(value).map(Cow::into_owned),
            "reasoning_effort" => request.reasoning.effort = decode_string(value).map(Cow::into_owned),
            "parallel_tool_calls" => request.parallel_tool_calls.set_decoded(object.bool(key)),
            "stop" => request.stop.set_decoded(stops(value)),
            "tools" => request.tools.set_decoded(tools(&object, diagnostics)?),
            "tool_choice" => request.tool_choice.set_decoded(tool_choice(value)),
            "response_format" => request.response_format.set_decoded(response_format(value)),
            "logprobs" | "top_logprobs" => {
                request.logprobs =
                    match (object.bool("logprobs"), object.get("top_logprobs").and_then(natural)) {
                        (Some(true), top) => Some(top.unwrap_or(0)),
                        _ => None,
                    };
                extra.push((key.to_owned(), raw(value)));
            }
            "logit_bias" => {
                request.logit_bias = object.non_null(key).map(raw);
                extra.push((key.to_owned(), raw(value)));
            }
            _ if SHARED.contains(&key) => request.shared.push((key.to_owned(), raw(value))),
            _ => extra.push((key.to_owned(), raw(value))),
        }
    }
    request.extra = ExtraFields::new(NAME, extra);
    if request.include_usage && !request.stream {
        request.include_usage = false;
    }
    read.put(&object, &mut request, diagnostics)?;
    Ok(request)
}

fn not_an_object(body: &[u8], error: &serde_json::Error) -> ClientError {
    if body.trim_ascii().is_empty() {
        return ClientError::invalid(
            "The request body is empty. Send a JSON object with `model` and `messages`.",
        );
    }
    if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
        return ClientError::invalid("The request body must be a JSON object with `model` and `messages`.");
    }
    ClientError::invalid(format!("The request body is not valid JSON: {error}."))
}

fn stops(value: &str) -> Vec<String> {
    match value_kind(value) {
        ValueKind::String => decode_string(value).map(Cow::into_owned).into_iter().collect(),
        ValueKind::Array => serde_json::from_str(value).unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn tools(object: &Object<'_>, diagnostics: &mut Diagnostics) -> Result<Vec<Tool>, ClientError> {
    let items = object.array("tools").unwrap_or_default();
    items.into_iter().enumerate().map(|(i, item)| tool(item, i, diagnostics)).collect()
}

fn tool(item: &str, i: usize, diagnostics: &mut Diagnostics) -> Result<Tool, ClientError> {
    let tools = Place::Key(&Place::Root, "tools");
    let place = Place::Index(&tools, i);
    let object = Object::parse(item.as_bytes()).map_err(|_| {
        let at = place.path(Style::Brackets);
        ClientError::invalid(format!("`{at}` must be an object with `type` and `function`.")).at(at)
    })?;
    shape::TOOL.check_at(&object, place, &["function"], diagnostics)?;
    let native = || Ok(Tool::Native { dialect: NAME, raw: raw(item) });
    let Some(function) = object.object("function") else { return native() };
    shape::FUNCTION.check_at(&function, Place::Key(&place, "function"), &[], diagnostics)?;
    let Some(name) = function.str("name") else { return native() };
    let mut extra = leftovers(&function, &["name", "description", "parameters", "strict"]);
    let beside = leftovers(&object, &["type", "function"]);
    if !beside.is_empty() {
        // What stands beside `function` is kept under the name that no member has.
        let mut members = Object::new();
        for (key, value) in beside.into_members() {
            members.set(key, value.get().to_owned());
        }
        extra.dialect = NAME;
        extra.members.push((String::new(), raw(members.to_json())));
    }
    Ok(Tool::Function {
        name: name.into_owned(),
        description: function.str("description").map(Cow::into_owned),
        parameters: function.non_null("parameters").map(raw),
        strict: function.bool("strict"),
        extra,
    })
}

pub(super) fn leftovers(object: &Object<'_>, known: &[&str]) -> ExtraFields {
    let members: Vec<_> =
        object.iter().filter(|(k, _)| !known.contains(k)).map(|(k, v)| (k.to_owned(), raw(v))).collect();
    if members.is_empty() { ExtraFields::default() } else { ExtraFields::new(NAME, members) }
}

fn tool_choice(value: &str) -> Option<ToolChoice> {
    Some(match (value_kind(value), decode_string(value).as_deref()) {
        (ValueKind::Null, _) => return None,
        (_, Some("auto")) => ToolChoice::Auto,
        (_, Some("none")) => ToolChoice::None,
        (_, Some("required" | "any")) => ToolChoice::Required,
        _ => {
            let object = Object::parse(value.as_bytes()).ok();
            match object.and_then(|o| Some(o.object("function")?.str("name")?.into_owned())) {
                Some(name) => ToolChoice::Function(name),
                None => ToolChoice::Native { dialect: NAME, raw: raw(value) },
            }
        }
    })
}

fn response_format(value: &str) -> Option<ResponseFormat> {
    let native = || ResponseFormat::Native { dialect: NAME, raw: raw(value) };
    if value_kind(value) == ValueKind::Null {
        return None;
    }
    let Ok(object) = Object::parse(value.as_bytes()) else { return Some(native()) };
    Some(match object.str("type").as_deref() {
        Some("text") => ResponseFormat::Text,
        Some("json_object") => ResponseFormat::JsonObject,
        Some("json_schema") => match object.object("json_schema") {
            Some(schema) => ResponseFormat::JsonSchema {
                name: schema.str("name").unwrap_or_default().into_owned(),
                schema: schema.non_null("schema").map(raw),
                strict: schema.bool("strict"),
                extra: leftovers(&schema, &["name", "schema", "strict"]),
            },
            None => native(),
        },
        _ => native(),
    })
}

/// Writes a request; what was not changed stays the client's own bytes.
pub(super) fn encode<'a>(
    request: &Request,
    source: Option<&'a [u8]>,
    diagnostics: &mut Diagnostics,
) -> Result<Encoded<'a>, Unsupported> {
    let span = |message: Option<&Message>| message.and_then(Message::source_span);
    let known = span(request.messages.first()).zip(span(request.messages.last()));
    let read = |bytes| match known {
        // What was read from these bytes need not be read again.
        Some((first, last)) => Object::reparse(bytes, first.to(last).range()).ok(),
        None => Object::parse(bytes).ok(),
    };
    let mut body = source.and_then(read).unwrap_or_default();
    if !request.model.is_empty() && body.str("model").as_deref() != Some(request.model.as_str()) {
        body.set("model", encode_string(&request.model));
    }
    if source.is_none() || request.messages.is_changed() {
        // A list that grows is there twice.
        let room = request.messages.iter().map(|message| message.size() + 25).sum::<usize>();
        let mut list = Vec::with_capacity(room + 2);
        list.push(b'[');
        for (i, message) in request.messages.iter().enumerate() {
            if !message::can_be_said(message) {
                diagnostics.record(
                    DiagnosticCode::FeatureUnsupported,
                    &format!("messages[{i}]"),
                    "another dialect's own",
                );
                continue;
            }
            if list.len() > 1 {
                list.push(b',');
            }
            let own = message.source_span().and_then(|span| source?.get(span.range()));
            match own {
                Some(bytes) => list.extend_from_slice(bytes),
                None => message::encode(message, &mut list, i, diagnostics),
            }
        }
        list.push(b']');
        body.set("messages", String::from_utf8(list).unwrap_or_default());
        body.remove("prompt");
    }
    if source.is_none() {
        write_params(request, &mut body, diagnostics);
        let reasoning = &request.reasoning;
        if reasoning.as_effort().is_none() && reasoning.enabled.is_some() {
            diagnostics.record(DiagnosticCode::ParamDropped, "reasoning", "thinking on or off");
        }
    }
    let all = source.is_none();
    if all || request.tools.is_changed() {
        let tools = request.tools.iter().enumerate();
        let tools: Vec<_> = tools.filter_map(|(i, tool)| write_tool(tool, i, diagnostics)).collect();
        put(&mut body, "tools", (!tools.is_empty()).then(|| format!("[{}]", tools.join(","))));
    }
    if all || request.is_tool_choice_changed() {
        // A choice is one among tools that are there.
        let none_left = all && body.get("tools").is_none() && !request.tools.is_empty();
        let choice = request.tool_choice.as_ref().filter(|_| !none_left);
        if request.tool_choice.is_some() && none_left {
            diagnostics.record(DiagnosticCode::ParamDropped, "tool_choice", "");
        }
        put(&mut body, "tool_choice", choice.and_then(|choice| write_choice(choice, diagnostics)));
        let parallel =
            request.parallel_tool_calls.filter(|_| !none_left && (!all || !request.tools.is_empty()));
        put(&mut body, "parallel_tool_calls", parallel.map(|v| v.to_string()));
    }
    if all || request.response_format.is_changed() {
        put(&mut body, "response_format", write_format(request.response_format.as_ref()));
    }
    if all || request.stop.is_changed() {
        let stops: Vec<_> = request.stop.iter().map(|s| encode_string(s)).collect();
        put(&mut body, "stop", (!stops.is_empty()).then(|| format!("[{}]", stops.join(","))));
    }
    if all || request.n.is_changed() {
        put(&mut body, "n", request.n.map(|v| v.to_string()));
    }
    if body.bool("stream").unwrap_or(false) != request.stream {
        body.set("stream", if request.stream { "true" } else { "false" });
    }
    stream_options(request, &mut body, diagnostics);
    if let Some(limit) = request.max_tokens {
        let name = if limit.completion { "max_completion_tokens" } else { "max_tokens" };
        if body.non_null("max_tokens").is_none() && body.non_null("max_completion_tokens").is_none() {
            body.set(name, limit.tokens.to_string());
        }
    }
    Ok(Encoded { path: String::from("/chat/completions"), body, headers: http::HeaderMap::new() })
}

fn stream_options(request: &Request, body: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let options = body.object("stream_options").map(Object::into_owned);
    let spec = options.as_ref().and_then(|o| o.bool("include_usage")).unwrap_or(false);
    if request.stream && request.include_usage {
        if !spec {
            let mut options = options.unwrap_or_default();
            options.set("include_usage", "true");
            body.set("stream_options", options.to_json());
        }
    } else if body.non_null("stream_options").is_some() {
        body.remove("stream_options");
        diagnostics.record(
            DiagnosticCode::ParamDropped,
            "stream_options",
            if request.stream { "" } else { "only streams have options" },
        );
    }
}

/// The parameters of a request that came in another dialect.
fn write_params(request: &Request, body: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let mut number = |key: &'static str, value: Option<String>| {
        if let Some(value) = value {
            body.set(key, value);
        }
    };
    number("temperature", request.temperature.map(|v| v.to_string()));
    number("top_p", request.top_p.map(|v| v.to_string()));
    number("top_k", request.top_k.map(|v| v.to_string()));
    number("min_p", request.min_p.map(|v| v.to_string()));
    number("repetition_penalty", request.repetition_penalty.map(|v| v.to_string()));
    number("frequency_penalty", request.frequency_penalty.map(|v| v.to_string()));
    number("presence_penalty", request.presence_penalty.map(|v| v.to_string()));
    number("seed", request.seed.map(|v| v.to_string()));
    number("user", request.user.as_deref().map(encode_string));
    number("reasoning_effort", request.reasoning.as_effort().map(encode_string));
    if request.reasoning.budget.is_some() && request.reasoning.effort.is_none() {
        diagnostics.record(DiagnosticCode::ParamRenamed, "reasoning", "a budget, as an effort");
    }
    for (key, value) in request.extra.of(NAME).iter().chain(&request.shared) {
        body.set(key.clone(), value.get().to_owned());
    }
    if request.extra.dialect != NAME {
        if let Some(top) = request.logprobs {
            body.set("logprobs", "true");
            put(body, "top_logprobs", (top > 0).then(|| top.to_string()));
        }
        put(body, "logit_bias", request.logit_bias.as_ref().map(|bias| bias.get().to_owned()));
    }
    let lost = request.extra.dropped_keys(NAME).filter(|key| !["logprobs", "logit_bias"].contains(key));
    lost.for_each(|key| diagnostics.record(DiagnosticCode::ParamDropped, key, ""));
}

/// Puts a member, or takes it out.
fn put(body: &mut Object<'_>, key: &'static str, value: Option<String>) {
    match value {
        Some(value) => body.set(key, value),
        None => drop(body.remove(key)),
    }
}

fn write_choice(choice: &ToolChoice, diagnostics: &mut Diagnostics) -> Option<String> {
    Some(match choice {
        ToolChoice::Auto => String::from("\"auto\""),
        ToolChoice::None => String::from("\"none\""),
        ToolChoice::Required => String::from("\"required\""),
        ToolChoice::Function(name) => {
            format!(r#"{{"type":"function","function":{{"name":{}}}}}"#, encode_string(name))
        }
        ToolChoice::Native { dialect: NAME, raw } => raw.get().to_owned(),
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

fn write_tool(tool: &Tool, i: usize, diagnostics: &mut Diagnostics) -> Option<String> {
    let at = format!("tools[{i}]");
    match tool {
        Tool::Function { name, description, parameters, strict, extra } => {
            let mut function = Object::new();
            function.set("name", encode_string(name));
            if let Some(description) = description {
                function.set("description", encode_string(description));
            }
            if let Some(parameters) = parameters {
                function.set("parameters", parameters.get());
            }
            if let Some(strict) = strict {
                function.set("strict", strict.to_string());
            }
            note_lost(extra, &at, diagnostics);
            let mut beside = Object::new();
            for (key, value) in extra.of(NAME) {
                match Object::parse(value.get().as_bytes()) {
                    Ok(members) if key.is_empty() => beside = members,
                    _ => function.set(key.as_str(), value.get()),
                }
            }
            let mut tool = Object::new();
            tool.set("type", "\"function\"");
            tool.set("function", function.to_json());
            for (key, value) in beside.iter() {
                tool.set(key, value);
            }
            Some(tool.to_json())
        }
        Tool::Native { dialect: NAME, raw } => Some(raw.get().to_owned()),
        Tool::Native { .. } => {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, &at, "a tool of another dialect");
            None
        }
    }
}

fn write_format(format: Option<&ResponseFormat>) -> Option<String> {
    Some(match format? {
        ResponseFormat::Text => String::from(r#"{"type":"text"}"#),
        ResponseFormat::JsonObject => String::from(r#"{"type":"json_object"}"#),
        ResponseFormat::JsonSchema { name, schema, strict, extra } => {
            let mut inner = Object::new();
            inner.set("name", encode_string(name));
            if let Some(schema) = schema {
                inner.set("schema", schema.get());
            }
            if let Some(strict) = strict {
                inner.set("strict", strict.to_string());
            }
            if let Some(description) = extra.get("description") {
                inner.set("description", description);
            }
            for (key, value) in extra.of(NAME) {
                inner.set(key.as_str(), value.get());
            }
            format!(r#"{{"type":"json_schema","json_schema":{}}}"#, inner.to_json())
        }
        ResponseFormat::Native { dialect: NAME, raw } => raw.get().to_owned(),
        ResponseFormat::Native { .. } => return None,
    })
}
