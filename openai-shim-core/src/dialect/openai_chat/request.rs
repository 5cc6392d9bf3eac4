//! Requests: a client's JSON to [`Request`], and [`Request`] to JSON for an upstream.
//!
//! <https://platform.openai.com/docs/api-reference/chat/create>

use super::extra_fields::{NAME, unknown_fields};
use super::shape;
use crate::canonical::{
    Addition, DiagnosticCode, Diagnostics, ExtraFields, LEGACY_FUNCTIONS, Message, NATIVE_SCHEMA, Request,
    ResponseFormat, SHARED, TokenLimit,
};
use crate::dialect::Encoded;
use crate::dialect::shape::Place;
use crate::error::{ClientError, Unsupported};
use crate::json::{
    Object, RawJson, ValueKind, count, decode_string, encode_string, integer, natural, number, raw,
    value_kind,
};
use bytes::Bytes;
use std::borrow::Cow;

mod decode_message;
mod encode_message;
mod messages;
mod raw_fields;
mod reasoning;
mod tools;

use messages::MessagesReader;

/// Reads a request.
pub(super) fn decode(body: &Bytes, diagnostics: &mut Diagnostics) -> Result<Request, ClientError> {
    let mut reader = MessagesReader::new(body);
    let object = match Object::visit_items(body, "messages", &mut |message, item| reader.push(message, item))
    {
        Some(object) => object,
        None => {
            let object = Object::parse(body).map_err(|e| not_an_object(body, &e))?;
            reader = MessagesReader::new(body);
            for item in object.array("messages").unwrap_or_default() {
                reader.push_item(item);
            }
            object
        }
    };
    // The readers of messages and tools check these.
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
            "parallel_tool_calls" => request.parallel_tool_calls.set_decoded(object.bool(key)),
            "stop" => request.stop.set_decoded(read_stop_sequences(value)),
            "tools" => request.tools.set_decoded(tools::decode_tools(&object, diagnostics)?),
            "tool_choice" => request.tool_choice.set_decoded(tools::decode_tool_choice(value)),
            "response_format" => request.response_format.set_decoded(decode_response_format(value)),
            "logprobs" if object.bool(key) == Some(true) => {
                request.logprobs = Some(object.get("top_logprobs").and_then(natural).unwrap_or(0));
            }
            "top_logprobs"
                if object.bool("logprobs") == Some(true) && natural(value).is_some_and(|top| top > 0) => {}
            "logit_bias" if value_kind(value) != ValueKind::Null => request.logit_bias = Some(raw(value)),
            _ if SHARED.contains(&key) => request.shared.push((key.to_owned(), raw(value))),
            _ => {
                // The dot marks what other dialects can express, too.
                let is_read = reasoning::param(key)
                    .is_some_and(|param| reasoning::decode(param, value, request.reasoning.decoded_mut()));
                extra.push((if is_read { format!(".{key}") } else { key.to_owned() }, raw(value)));
            }
        }
    }
    decode_legacy_functions(&mut request, &mut extra);
    request.reasoning.decoded_mut().shown_by_default = true;
    request.extra = ExtraFields::new(NAME, extra);
    if request.include_usage && !request.stream {
        request.include_usage = false;
    }
    reader.finish(&object, &mut request, diagnostics)?;
    Ok(request)
}

/// Reads the legacy `functions` and `function_call`, unless the client sends tools.
fn decode_legacy_functions(request: &mut Request, extra: &mut [(String, RawJson)]) {
    if !request.tools.is_empty() || !extra.iter().any(|(key, _)| key == "functions") {
        return;
    }
    for (key, value) in extra.iter_mut().filter(|(_, value)| value.as_str() != "null") {
        match key.as_str() {
            "functions" => request.tools.set_decoded(tools::decode_functions(value.as_str())),
            "function_call" if request.tool_choice.is_none() => {
                request.tool_choice.set_decoded(tools::decode_function_call(value.as_str()));
            }
            _ => continue,
        }
        // Nothing is lost without the field.
        key.insert(0, '.');
    }
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

fn read_stop_sequences(value: &str) -> Vec<String> {
    match value_kind(value) {
        ValueKind::String => decode_string(value).map(Cow::into_owned).into_iter().collect(),
        ValueKind::Array => serde_json::from_str(value).unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn decode_response_format(value: &str) -> Option<ResponseFormat> {
    let native = || ResponseFormat::Native { dialect: NAME, raw: raw(value) };
    if value_kind(value) == ValueKind::Null {
        return None;
    }
    let Ok(object) = Object::parse(value.as_bytes()) else { return Some(native()) };
    Some(match object.str("type").as_deref() {
        Some("text") => ResponseFormat::Text,
        // The forms of llama.cpp, SGLang and some hosts, and of clients that write it as Responses has it.
        Some("json_object" | "json_schema") if object.non_null("schema").is_some() => {
            ResponseFormat::JsonSchema {
                name: object.str("name").map_or_else(|| String::from("response"), Cow::into_owned),
                schema: object.non_null("schema").map(raw),
                strict: object.bool("strict"),
                extra: ExtraFields::new(NAME, vec![(NATIVE_SCHEMA.to_owned(), raw(value))]),
            }
        }
        Some("json_object") => ResponseFormat::JsonObject,
        Some("json_schema") => match object.object("json_schema") {
            Some(schema) => ResponseFormat::JsonSchema {
                name: schema.str("name").unwrap_or_default().into_owned(),
                schema: schema.non_null("schema").map(raw),
                strict: schema.bool("strict"),
                extra: unknown_fields(&schema, &["name", "schema", "strict"]),
            },
            None => native(),
        },
        _ => native(),
    })
}

/// Writes a request; unchanged parts stay the client's own bytes.
pub(super) fn encode<'a>(
    request: &Request,
    source: Option<&'a [u8]>,
    diagnostics: &mut Diagnostics,
) -> Result<Encoded<'a>, Unsupported> {
    let span = |message: Option<&Message>| message.and_then(Message::source_span);
    let message_spans = span(request.messages.first()).zip(span(request.messages.last()));
    let parse = |bytes| match message_spans {
        // The messages were parsed from these bytes and are skipped.
        Some((first, last)) => Object::reparse(bytes, first.to(last).range()).ok(),
        None => Object::parse(bytes).ok(),
    };
    let mut body = source.and_then(parse).unwrap_or_default();
    if !request.model.is_empty() && body.str("model").as_deref() != Some(request.model.as_str()) {
        body.set("model", encode_string(&request.model));
    }
    if source.is_none() || request.messages.is_changed() {
        let list = encode_messages(request, source, diagnostics);
        body.set("messages", list);
        body.remove("prompt");
    }
    if source.is_none() {
        write_params(request, &mut body);
    }
    if request.reasoning.is_changed() || (source.is_none() && request.extra.dialect != NAME) {
        reasoning::encode(&request.reasoning, &mut body, diagnostics);
    }
    let is_translated = source.is_none();
    if request.extra.of(NAME).iter().any(|(key, _)| key == LEGACY_FUNCTIONS) {
        write_legacy_functions(request, is_translated, &mut body);
    } else {
        write_tools(request, is_translated, &mut body, diagnostics);
    }
    if is_translated || request.response_format.is_changed() {
        set_or_remove(
            &mut body,
            "response_format",
            request.response_format.as_ref().and_then(encode_response_format),
        );
    }
    if is_translated || request.stop.is_changed() {
        let stops: Vec<_> = request.stop.iter().map(|s| encode_string(s)).collect();
        set_or_remove(&mut body, "stop", (!stops.is_empty()).then(|| format!("[{}]", stops.join(","))));
    }
    if is_translated || request.n.is_changed() {
        set_or_remove(&mut body, "n", request.n.map(|v| v.to_string()));
    }
    if body.bool("stream").unwrap_or(false) != request.stream {
        body.set("stream", if request.stream { "true" } else { "false" });
    }
    let additions = stream_options(request, &mut body, diagnostics);
    if let Some(limit) = request.max_tokens {
        let name = if limit.completion { "max_completion_tokens" } else { "max_tokens" };
        if body.non_null("max_tokens").is_none() && body.non_null("max_completion_tokens").is_none() {
            body.set(name, limit.tokens.to_string());
        }
    }
    Ok(Encoded { path: String::from("/chat/completions"), body, additions, ..Encoded::default() })
}

/// Writes tools and tool choice where they were changed, or all in a request of another dialect.
fn write_tools(request: &Request, is_translated: bool, body: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    if is_translated || request.tools.is_changed() {
        let tools = request.tools.iter().enumerate();
        let tools: Vec<_> = tools.filter_map(|(i, tool)| tools::encode_tool(tool, i, diagnostics)).collect();
        set_or_remove(body, "tools", (!tools.is_empty()).then(|| format!("[{}]", tools.join(","))));
    }
    if is_translated || request.is_tool_choice_changed() {
        let choice = request.tool_choice.as_ref();
        let choice = choice.and_then(|choice| tools::encode_tool_choice(choice, &request.tools, diagnostics));
        set_or_remove(body, "tool_choice", choice);
        let parallel = request.parallel_tool_calls.map(|v| v.to_string());
        set_or_remove(body, "parallel_tool_calls", parallel);
    }
}

/// Writes functions in the form that the client used, where they were changed or there are none of the client's bytes.
fn write_legacy_functions(request: &Request, is_whole: bool, body: &mut Object<'_>) {
    if is_whole || request.tools.is_changed() {
        let functions = (!request.tools.is_empty()).then(|| tools::encode_functions(&request.tools));
        set_or_remove(body, "functions", functions);
    }
    if is_whole || request.tool_choice.is_changed() {
        let choice = request.tool_choice.as_ref();
        let choice = choice.and_then(|choice| tools::encode_function_call(choice, &request.tools));
        set_or_remove(body, "function_call", choice);
    }
}

/// Writes the messages as a list: unchanged ones as the client's own bytes, the others from the model.
fn encode_messages(request: &Request, source: Option<&[u8]>, diagnostics: &mut Diagnostics) -> String {
    // With enough room the list never grows: a list that grows is in memory twice.
    let room = request.messages.iter().map(|message| message.size() + 25).sum::<usize>();
    let mut list = Vec::with_capacity(room + 2);
    list.push(b'[');
    for (i, message) in request.messages.iter().enumerate() {
        if !encode_message::is_expressible(message) {
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
        match message.source_span().and_then(|span| source?.get(span.range())) {
            Some(bytes) => list.extend_from_slice(bytes),
            None => encode_message::encode(message, request.reasoning_field, &mut list, i, diagnostics),
        }
    }
    list.push(b']');
    String::from_utf8(list).unwrap_or_default()
}

/// Requests token counts in the stream where these are needed, and drops options that a non-streaming request cannot have.
/// Returns what the client did not request.
fn stream_options(request: &Request, body: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Vec<Addition> {
    let options = body.object("stream_options").map(Object::into_owned);
    let includes_usage = options.as_ref().and_then(|o| o.bool("include_usage")).unwrap_or(false);
    if request.stream && request.include_usage {
        if !includes_usage {
            let mut options = options.unwrap_or_default();
            options.set("include_usage", "true");
            body.set("stream_options", options.to_json());
            return vec![Addition::member("stream_options")];
        }
    } else if body.non_null("stream_options").is_some() {
        body.remove("stream_options");
        diagnostics.record(
            DiagnosticCode::ParamDropped,
            "stream_options",
            if request.stream { "" } else { "only streams have options" },
        );
    }
    Vec::new()
}

/// Writes the parameters of a request that came in another dialect.
fn write_params(request: &Request, body: &mut Object<'_>) {
    let mut set = |key: &'static str, value: Option<String>| {
        if let Some(value) = value {
            body.set(key, value);
        }
    };
    set("temperature", request.temperature.map(|v| v.to_string()));
    set("top_p", request.top_p.map(|v| v.to_string()));
    set("top_k", request.top_k.map(|v| v.to_string()));
    set("min_p", request.min_p.map(|v| v.to_string()));
    set("repetition_penalty", request.repetition_penalty.map(|v| v.to_string()));
    set("frequency_penalty", request.frequency_penalty.map(|v| v.to_string()));
    set("presence_penalty", request.presence_penalty.map(|v| v.to_string()));
    set("seed", request.seed.map(|v| v.to_string()));
    set("user", request.user.as_deref().map(encode_string));
    // A dot marks what the canonical model has a place for.
    let is_written = |key: &str| key.strip_prefix('.').is_none_or(|name| reasoning::param(name).is_some());
    let extra = request.extra.of(NAME).iter().filter(|(key, _)| is_written(key));
    for (key, value) in extra.chain(&request.shared) {
        body.set(key.trim_start_matches('.').to_owned(), value.as_str().to_owned());
    }
    if let Some(top) = request.logprobs {
        body.set("logprobs", "true");
        if top > 0 {
            body.set("top_logprobs", top.to_string());
        }
    }
    if let Some(biases) = &request.logit_bias {
        body.set("logit_bias", biases.as_str().to_owned());
    }
}

/// Sets a field, or removes it where there is no value.
fn set_or_remove(body: &mut Object<'_>, key: &'static str, value: Option<String>) {
    match value {
        Some(value) => body.set(key, value),
        None => drop(body.remove(key)),
    }
}

/// Writes `response_format`; `None` for another dialect's own.
fn encode_response_format(format: &ResponseFormat) -> Option<String> {
    Some(match format {
        ResponseFormat::Text => String::from(r#"{"type":"text"}"#),
        ResponseFormat::JsonObject => String::from(r#"{"type":"json_object"}"#),
        ResponseFormat::JsonSchema { extra, .. }
            if extra.get(NATIVE_SCHEMA).is_some() && extra.dialect == NAME =>
        {
            extra.get(NATIVE_SCHEMA)?.to_owned()
        }
        ResponseFormat::JsonSchema { name, schema, strict, extra } => {
            let mut inner = Object::new();
            inner.set("name", encode_string(name));
            if let Some(schema) = schema {
                inner.set("schema", schema.as_str());
            }
            if let Some(strict) = strict {
                inner.set("strict", strict.to_string());
            }
            if let Some(description) = extra.get("description") {
                inner.set("description", description);
            }
            for (key, value) in extra.of(NAME) {
                inner.set(key.as_str(), value.as_str());
            }
            format!(r#"{{"type":"json_schema","json_schema":{}}}"#, inner.to_json())
        }
        ResponseFormat::Native { dialect: NAME, raw } => raw.as_str().to_owned(),
        ResponseFormat::TextEnum(_) | ResponseFormat::Native { .. } => return None,
    })
}
