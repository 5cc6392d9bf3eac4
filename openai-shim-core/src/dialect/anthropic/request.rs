//! Requests: JSON to `Request` and back.
//!
//! <https://docs.anthropic.com/en/api/messages>

use super::super::Encoded;
use super::super::shape::Place;
use super::names::NAME;
use super::{content_block, extra_fields, shape};
use crate::canonical::{
    Addition, DiagnosticCode, Diagnostics, ExtraFields, Message, Request, Role, Span, TokenLimit,
};
use crate::error::{ClientError, Unsupported};
use crate::json::{Object, ValueKind, decode_string, encode_string, natural, number, raw, value_kind};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::borrow::Cow;

mod conversation_settings;
mod message_content;
mod messages;
mod params;
mod same_dialect;
mod thinking;
mod tools;

/// The header that states the version of the API.
const VERSION_HEADER: &str = "anthropic-version";

/// Decodes a request.
pub(super) fn decode(body: &[u8], diagnostics: &mut Diagnostics) -> Result<Request, ClientError> {
    let object = Object::parse(body).map_err(|e| not_an_object(body, &e))?;
    // `decode_message` checks the messages.
    shape::REQUEST.check_at(&object, Place::Root, &["messages"], diagnostics)?;
    let mut request = Request::default();
    let mut extra = Vec::new();
    for (key, value) in object.iter().filter(|(_, value)| value_kind(value) != ValueKind::Null) {
        match key {
            "model" => request.model = decode_string(value).map(Cow::into_owned).unwrap_or_default(),
            "stream" => request.stream = object.bool(key).unwrap_or(false),
            "messages" | "system" => {}
            "max_tokens" => {
                let tokens = natural(value);
                request.max_tokens = tokens.map(|tokens| TokenLimit { tokens, completion: false });
            }
            "temperature" => request.temperature = number(value),
            "top_p" => request.top_p = number(value),
            "top_k" => request.top_k = natural(value),
            "service_tier" => match params::read_service_tier(value) {
                Some(tier) => request.shared.push((key.to_owned(), raw(tier))),
                None => extra.push((key.to_owned(), raw(value))),
            },
            "stop_sequences" => request.stop.set_decoded(strings(value)),
            "tools" => request.tools.set_decoded(tools::read(&object)?),
            _ => {
                if asks_to_compact(key, value) {
                    let message = format!(
                        "{key}: this upstream does not compact conversations. Send the request without it."
                    );
                    request.same_dialect_only.get_or_insert(ClientError::invalid(message).at(key));
                }
                let remainder = params::read(key, value, &mut request);
                extra.extend(remainder.map(|json| (key.to_owned(), raw(json))));
            }
        }
    }
    // Streams of this API always have usage.
    request.include_usage = request.stream;
    request.extra = ExtraFields::new(NAME, extra);
    decode_system(&object, body, &mut request)?;
    decode_messages(&object, body, &mut request, diagnostics)?;
    conversation_settings::resolve(&mut request);
    Ok(request)
}

/// Whether the upstream is to replace the conversation by a compaction of its own.
fn asks_to_compact(key: &str, value: &str) -> bool {
    match key {
        "compaction" => true,
        "context_management" => {
            let edits = Object::parse(value.as_bytes()).unwrap_or_default();
            let edits = edits.array("edits").unwrap_or_default();
            edits.iter().any(|edit| {
                let edit = Object::parse(edit.as_bytes()).unwrap_or_default();
                edit.str("type").is_some_and(|kind| kind.starts_with("compact_"))
            })
        }
        _ => false,
    }
}

fn not_an_object(body: &[u8], error: &serde_json::Error) -> ClientError {
    if body.trim_ascii().is_empty() {
        return ClientError::invalid(
            "The request body is empty. Send a JSON object with `model`, `max_tokens` and `messages`.",
        );
    }
    if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
        return ClientError::invalid(
            "The request body must be a JSON object with `model`, `max_tokens` and `messages`.",
        );
    }
    ClientError::invalid(format!("The request body is not valid JSON: {error}."))
}

/// Decodes the system prompt as the first message.
fn decode_system(object: &Object<'_>, body: &[u8], request: &mut Request) -> Result<(), ClientError> {
    let Some(value) = object.non_null("system") else { return Ok(()) };
    let mut blocks = Vec::new();
    let was_list = content_block::read_content(value, &mut blocks).ok_or_else(|| {
        ClientError::invalid("system: must be a text or a list of text blocks.").at("system")
    })?;
    let mut message = Message::decoded(Role::System, blocks);
    message.decoded_mut().content_was_parts = was_list;
    message.set_decoded_span(Span::within(body, value));
    request.messages.push_decoded(message);
    Ok(())
}

fn decode_messages(
    object: &Object<'_>,
    body: &[u8],
    request: &mut Request,
    diagnostics: &mut Diagnostics,
) -> Result<(), ClientError> {
    let invalid = || {
        let text =
            "messages: must be a list of messages, such as [{\"role\": \"user\", \"content\": \"…\"}].";
        ClientError::invalid(text).at("messages")
    };
    let items = object.array("messages").filter(|items| !items.is_empty()).ok_or_else(invalid)?;
    request.messages.decoded_mut().reserve_exact(items.len());
    let mut is_front = true;
    for (i, item) in items.into_iter().enumerate() {
        let mut message = decode_message(item, i, diagnostics)?;
        message.set_decoded_span(Span::within(body, item));
        conversation_settings::take_effort(&mut message, request);
        is_front &= message.role == Role::System;
        if is_front {
            // The API takes system messages only behind others.
            let path = format!("messages[{i}].role");
            diagnostics.record(DiagnosticCode::ContentRewritten, &path, "the system prompt in a message");
            message.mark_changed();
        }
        request.messages.push_decoded(message);
    }
    Ok(())
}

fn decode_message(item: &str, i: usize, diagnostics: &mut Diagnostics) -> Result<Message, ClientError> {
    let fail = |field: &str, why: &str| {
        let path = format!("messages.{i}{field}");
        ClientError::invalid(format!("{path}: {why}")).at(path)
    };
    let object = Object::parse(item.as_bytes())
        .map_err(|_| fail("", "must be an object with `role` and `content`."))?;
    let messages = Place::Key(&Place::Root, "messages");
    shape::MESSAGE.check_at(&object, Place::Index(&messages, i), &[], diagnostics)?;
    let role = object.str("role").ok_or_else(|| fail(".role", "is missing; it is user or assistant."))?;
    let role = match role.as_ref() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        _ => return Err(fail(".role", "must be user, assistant or system.")),
    };
    let mut message = Message::decoded(role, Vec::new());
    let fields = message.decoded_mut();
    if let Some(content) = object.non_null("content") {
        fields.content_was_parts = content_block::read_content(content, &mut fields.blocks)
            .ok_or_else(|| fail(".content", "must be a text or a list of content blocks."))?;
    }
    fields.extra = extra_fields::read(&object, &["role", "content"]);
    Ok(message)
}

fn strings(value: &str) -> Vec<String> {
    match decode_string(value) {
        Some(one) => vec![one.into_owned()],
        None => serde_json::from_str(value).unwrap_or_default(),
    }
}

/// Encodes a request; fields that were not changed keep the client's bytes.
pub(super) fn encode<'a>(
    request: &Request,
    source: Option<&'a [u8]>,
    diagnostics: &mut Diagnostics,
) -> Result<Encoded<'a>, Unsupported> {
    let is_same_dialect = request.extra.dialect == NAME;
    let mut body = source.and_then(|bytes| Object::parse(bytes).ok()).unwrap_or_default();
    if !request.model.is_empty() && body.str("model").as_deref() != Some(request.model.as_str()) {
        body.set("model", encode_string(&request.model));
    }
    if let Some(limit) = request.max_tokens
        && body.non_null("max_tokens").is_none()
    {
        body.set("max_tokens", limit.tokens.to_string());
    }
    if source.is_none() {
        params::write_extra(request, &mut body);
    }
    if source.is_none() || request.messages.is_changed() {
        let written = if is_same_dialect {
            same_dialect::write(request, source.unwrap_or_default(), diagnostics)
        } else {
            messages::write(&request.messages, diagnostics)
        };
        match written.system {
            Some(system) => body.set("system", system),
            None => drop(body.remove("system")),
        }
        body.set("messages", written.messages);
    }
    if source.is_none() || request.tools.is_changed() || request.is_tool_choice_changed() {
        tools::write(request, is_same_dialect, &mut body, diagnostics);
    }
    if source.is_none() {
        params::write(request, is_same_dialect, &mut body, diagnostics);
    } else {
        params::write_changed(request, &mut body);
    }
    if body.bool("stream").unwrap_or(false) != request.stream {
        body.set("stream", if request.stream { "true" } else { "false" });
    }
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static(VERSION_HEADER), HeaderValue::from_static("2023-06-01"));
    // `max_tokens` is none of them: the API requires it.
    let additions = vec![Addition::header(VERSION_HEADER)];
    Ok(Encoded { path: String::from("/messages"), body, headers, additions })
}
