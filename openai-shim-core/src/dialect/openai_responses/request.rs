//! Requests: read from clients, written for upstreams.
//!
//! <https://platform.openai.com/docs/api-reference/responses/create>

use super::super::Encoded;
use super::super::shape::Place;
use super::content_part::{leftovers, object_of, own, plain};
use super::{NAME, shape, tools};
use crate::canonical::{
    Block, Diagnostics, ExtraFields, Message, Request, ResponseFormat, Role, SHARED, Text, TokenLimit,
    ToolChoice,
};
use crate::error::{ClientError, Unsupported};
use crate::json::{Object, ValueKind, decode_string, encode_string, natural, number, raw, value_kind};
use std::borrow::Cow;

mod decode_input;
mod encode_input;
mod params;

/// Parameters that answers repeat, and what they must be to be repeated.
pub(super) const ECHOED: &[(&str, &[ValueKind])] = &[
    ("background", &[ValueKind::Bool]),
    ("instructions", &[ValueKind::String]),
    ("max_output_tokens", &[ValueKind::Number]),
    ("max_tool_calls", &[ValueKind::Number]),
    ("metadata", &[ValueKind::Object]),
    ("parallel_tool_calls", &[ValueKind::Bool]),
    ("previous_response_id", &[ValueKind::String]),
    ("prompt_cache_key", &[ValueKind::String]),
    ("reasoning", &[ValueKind::Object]),
    ("safety_identifier", &[ValueKind::String]),
    ("store", &[ValueKind::Bool]),
    ("temperature", &[ValueKind::Number]),
    ("text", &[ValueKind::Object]),
    ("tool_choice", &[ValueKind::String, ValueKind::Object]),
    ("tools", &[ValueKind::Array]),
    ("top_logprobs", &[ValueKind::Number]),
    ("top_p", &[ValueKind::Number]),
    ("truncation", &[ValueKind::String]),
    ("user", &[ValueKind::String]),
];

/// Reads a request.
pub(super) fn decode(body: &[u8], diagnostics: &mut Diagnostics) -> Result<Request, ClientError> {
    let object = Object::parse(body).map_err(|e| not_an_object(body, &e))?;
    // Items are checked where they are read.
    shape::REQUEST.check_at(&object, Place::Root, &["input"], diagnostics)?;
    let mut request = Request::default();
    let (mut extra, mut echo) = (Vec::new(), Vec::new());
    for (key, value) in object.iter() {
        let kind = value_kind(value);
        if ECHOED.iter().any(|(k, kinds)| *k == key && kinds.contains(&kind)) {
            echo.push((key.to_owned(), raw(value)));
        }
        if kind == ValueKind::Null {
            continue;
        }
        match key {
            "model" => request.model = decode_string(value).map(Cow::into_owned).unwrap_or_default(),
            "stream" => request.stream = object.bool(key).unwrap_or(false),
            "input" | "instructions" => {}
            "max_output_tokens" => {
                // It counts reasoning too.
                request.max_tokens = natural(value).map(|tokens| TokenLimit { tokens, completion: true });
            }
            "temperature" => request.temperature = number(value),
            "top_p" => request.top_p = number(value),
            "user" => request.user = decode_string(value).map(Cow::into_owned),
            "parallel_tool_calls" => request.parallel_tool_calls.set_decoded(object.bool(key)),
            "tools" => {
                request.tools.set_decoded(tools::read(&object.array(key).unwrap_or_default(), false));
            }
            "tool_choice" => request.tool_choice.set_decoded(tool_choice(value)),
            "text" => form(&object_of(value), &mut request, &mut extra),
            "reasoning" => {
                let reasoning = object_of(value);
                request.reasoning.effort = reasoning.str("effort").map(Cow::into_owned);
                // The rest of it only this dialect has.
                let rest = leftovers(&reasoning, &["effort"]);
                if !rest.is_empty() {
                    let mut object = Object::new();
                    rest.members.iter().for_each(|(k, v)| object.set(plain(k), v.get()));
                    extra.push((key.to_owned(), raw(object.to_json())));
                }
            }
            "conversation" | "prompt" | "previous_response_id" => {
                request.same_dialect_only.get_or_insert(refusal(key, value));
                request.references.push(format!("{key}:{value}"));
                extra.push((key.to_owned(), raw(value)));
            }
            // Other dialects give it unasked.
            "include" if text_list(value).is_some_and(|list| list == [params::SEALED]) => {
                request.encrypted_reasoning = true;
            }
            _ if SHARED.contains(&key) && key != "verbosity" => {
                request.shared.push((key.to_owned(), raw(value)));
            }
            _ => extra.push((key.to_owned(), raw(value))),
        }
    }
    // Every stream of this dialect ends with usage.
    request.include_usage = request.stream;
    let referring = request.same_dialect_only.take();
    let additional = messages(&object, body, &mut request, diagnostics)?;
    if !additional.is_empty() {
        echo.push((".additional_tools".to_owned(), raw(format!("[{}]", additional.join(",")))));
    }
    // A call that is not here may be in what is referred to: that comes first.
    request.same_dialect_only = referring.or(request.same_dialect_only);
    request.extra = ExtraFields::new(NAME, extra);
    request.echoed_params = ExtraFields::new(NAME, echo);
    Ok(request)
}

fn text_list(value: &str) -> Option<Vec<String>> {
    serde_json::from_str(value).ok()
}

/// Why another dialect's upstream cannot know what is referred to; in OpenAI's words where it has some.
fn refusal(key: &str, value: &str) -> ClientError {
    match key {
        "previous_response_id" => {
            let id = decode_string(value).unwrap_or_default();
            ClientError::invalid(format!(
                "Previous response with id '{id}' not found: this upstream keeps no responses. Send the whole conversation as `input`."
            ))
            .at(key)
            .with_code("previous_response_not_found")
        }
        "conversation" => ClientError::invalid(
            "This upstream keeps no conversations. Send the whole conversation as `input`.",
        )
        .at(key)
        .with_code("unsupported_parameter"),
        _ => ClientError::invalid("This upstream keeps no prompts. Send `instructions` and `input`.")
            .at(key)
            .with_code("unsupported_parameter"),
    }
}

fn not_an_object(body: &[u8], error: &serde_json::Error) -> ClientError {
    if body.trim_ascii().is_empty() {
        return ClientError::invalid(
            "The request body is empty. Send a JSON object with `model` and `input`.",
        );
    }
    if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
        return ClientError::invalid("The request body must be a JSON object with `model` and `input`.");
    }
    ClientError::invalid(format!("The request body is not valid JSON: {error}."))
}

/// Reads instructions and input; the tools that came among the items.
fn messages(
    object: &Object<'_>,
    body: &[u8],
    request: &mut Request,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<String>, ClientError> {
    // Empty instructions instruct nobody.
    if let Some(words) = object.str("instructions").filter(|words| !words.is_empty()) {
        request.messages.push_decoded(decode_input::instructions(&words));
    }
    let Some(value) = object.non_null("input") else {
        // What is referred to may be all of it.
        if ["previous_response_id", "conversation", "prompt"].iter().any(|key| object.non_null(key).is_some())
        {
            return Ok(Vec::new());
        }
        let chat =
            if object.get("messages").is_some() { " (`messages` belongs to /chat/completions)" } else { "" };
        let message = format!("Missing required parameter: 'input'{chat}.");
        return Err(ClientError::invalid(message).at("input").with_code("missing_required_parameter"));
    };
    match value_kind(value) {
        ValueKind::String => {
            let mut message = Message::decoded(Role::User, vec![Block::text(Text::from_json(value))]);
            message.decoded_mut().extra = ExtraFields::new(NAME, vec![(".input".to_owned(), raw("true"))]);
            request.messages.push_decoded(message);
            Ok(Vec::new())
        }
        ValueKind::Array => {
            let listed = object.array("input").unwrap_or_default();
            request.messages.decoded_mut().reserve_exact(listed.len());
            let mut input = decode_input::InputDecoder::new(body, request);
            for (i, item) in listed.into_iter().enumerate() {
                input.item(item, i, diagnostics)?;
            }
            Ok(input.additional)
        }
        _ => Err(ClientError::invalid("`input` must be a text or a list of items.").at("input")),
    }
}

fn tool_choice(value: &str) -> Option<ToolChoice> {
    Some(match (value_kind(value), decode_string(value).as_deref()) {
        (ValueKind::Null, _) => return None,
        (_, Some("auto")) => ToolChoice::Auto,
        (_, Some("none")) => ToolChoice::None,
        (_, Some("required")) => ToolChoice::Required,
        _ => {
            let object = object_of(value);
            let named = matches!(object.str("type").as_deref(), Some("function" | "custom"));
            match object.str("name").filter(|_| named) {
                Some(name) => ToolChoice::Function(name.into_owned()),
                None => ToolChoice::Native { dialect: NAME, raw: raw(value) },
            }
        }
    })
}

/// Reads `text`: the form of the answer, and how much of it there shall be.
fn form(
    text: &Object<'_>,
    request: &mut Request,
    extra: &mut Vec<(String, Box<serde_json::value::RawValue>)>,
) {
    if let Some(verbosity) = text.non_null("verbosity") {
        request.shared.push(("verbosity".to_owned(), raw(verbosity)));
    }
    if let Some(format) = text.non_null("format") {
        let object = object_of(format);
        request.response_format.set_decoded(Some(match object.str("type").as_deref() {
            Some("text") => ResponseFormat::Text,
            Some("json_object") => ResponseFormat::JsonObject,
            Some("json_schema") if object.str("name").is_some() => ResponseFormat::JsonSchema {
                name: object.str("name").unwrap_or_default().into_owned(),
                schema: object.non_null("schema").map(raw),
                strict: object.bool("strict"),
                extra: leftovers(&object, &["type", "name", "schema", "strict"]),
            },
            _ => ResponseFormat::Native { dialect: NAME, raw: raw(format) },
        }));
    }
    let rest = leftovers(text, &["verbosity", "format"]);
    if !rest.is_empty() {
        let mut object = Object::new();
        rest.members.iter().for_each(|(key, value)| object.set(plain(key), value.get()));
        extra.push(("text".to_owned(), raw(object.to_json())));
    }
}

/// Writes a request; what was not changed stays the client's own bytes.
pub(super) fn encode<'a>(
    request: &Request,
    source: Option<&'a [u8]>,
    diagnostics: &mut Diagnostics,
) -> Result<Encoded<'a>, Unsupported> {
    let mut body = source.and_then(|bytes| Object::parse(bytes).ok()).unwrap_or_default();
    if !request.model.is_empty() && body.str("model").as_deref() != Some(request.model.as_str()) {
        body.set("model", encode_string(&request.model));
    }
    if source.is_none() || request.messages.is_changed() {
        write_input(request, source, &mut body, diagnostics);
    }
    if source.is_none() {
        params::write(request, &mut body, diagnostics);
    } else {
        params::rewrite(request, &mut body, diagnostics);
    }
    if body.bool("stream").unwrap_or(false) != request.stream {
        body.set("stream", if request.stream { "true" } else { "false" });
    }
    if let Some(limit) = request.max_tokens
        && body.non_null("max_output_tokens").is_none()
    {
        body.set("max_output_tokens", limit.tokens.to_string());
    }
    Ok(Encoded { path: String::from("/responses"), body, headers: http::HeaderMap::new() })
}

fn write_input<'a>(
    request: &Request,
    source: Option<&'a [u8]>,
    body: &mut Object<'a>,
    diagnostics: &mut Diagnostics,
) {
    let mut messages: &[Message] = &request.messages;
    match messages.split_first() {
        Some((first, rest)) if own(&first.extra, "instructions").is_some() => {
            body.set("instructions", encode_string(&first.joined_text()));
            messages = rest;
        }
        // They were merged into a message.
        _ if source.is_some() => drop(body.remove("instructions")),
        _ => {}
    }
    if let [only] = messages
        && own(&only.extra, "input").is_some()
    {
        body.set("input", encode_string(&only.joined_text()));
        return;
    }
    let mut items = request.list(25);
    for (i, message) in messages.iter().enumerate() {
        match message.source_span().and_then(|span| source?.get(span.range())) {
            Some(bytes) => items.push(&String::from_utf8_lossy(bytes)),
            None => encode_input::write(message, i, &mut items, diagnostics),
        }
    }
    if items.is_empty() && messages.is_empty() && body.get("input").is_none() && !request.extra.is_empty() {
        // Only what is referred to was sent.
        return;
    }
    body.set("input", items.into_json());
}
