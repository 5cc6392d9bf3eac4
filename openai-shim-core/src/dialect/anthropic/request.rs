//! Requests: read from clients, written for upstreams.
//!
//! <https://docs.anthropic.com/en/api/messages>

use super::super::Encoded;
use super::super::shape::Place;
use super::{NAME, content_block, shape};
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFields, Message, Request, Role, Span, TokenLimit, call_id,
};
use crate::error::{ClientError, Unsupported};
use crate::json::{Object, ValueKind, decode_string, encode_string, natural, number, raw, value_kind};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::borrow::Cow;
use std::collections::BTreeMap;

mod message_content;
mod messages;
mod params;
mod tools;

/// The longest answer where nobody said how long: the API wants to be told.
const MAX_TOKENS: u64 = 4096;

/// Reads a request.
pub(super) fn decode(body: &[u8], diagnostics: &mut Diagnostics) -> Result<Request, ClientError> {
    let object = Object::parse(body).map_err(|e| not_an_object(body, &e))?;
    // Messages are checked where they are read.
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
            "stop_sequences" => request.stop.set_decoded(texts(value)),
            "tools" => request.tools.set_decoded(tools::read(&object)?),
            _ => {
                let rest = params::read(key, value, &mut request);
                extra.extend(rest.map(|rest| (key.to_owned(), raw(rest))));
            }
        }
    }
    // Usage always belongs to the answer here.
    request.include_usage = request.stream;
    request.extra = ExtraFields::new(NAME, extra);
    system(&object, body, &mut request)?;
    messages(&object, body, &mut request, diagnostics)?;
    Ok(request)
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

/// The system prompt becomes the first message.
fn system(object: &Object<'_>, body: &[u8], request: &mut Request) -> Result<(), ClientError> {
    let Some(value) = object.non_null("system") else { return Ok(()) };
    let mut blocks = Vec::new();
    let parts = content_block::read_content(value, &mut blocks).ok_or_else(|| {
        ClientError::invalid("system: must be a text or a list of text blocks.").at("system")
    })?;
    let mut message = Message::decoded(Role::System, blocks);
    message.decoded_mut().content_was_parts = parts;
    message.set_decoded_span(Span::within(body, value));
    request.messages.push_decoded(message);
    Ok(())
}

fn messages(
    object: &Object<'_>,
    body: &[u8],
    request: &mut Request,
    diagnostics: &mut Diagnostics,
) -> Result<(), ClientError> {
    let wrong = || {
        let text =
            "messages: must be a list of messages, such as [{\"role\": \"user\", \"content\": \"…\"}].";
        ClientError::invalid(text).at("messages")
    };
    let items = object.array("messages").filter(|items| !items.is_empty()).ok_or_else(wrong)?;
    request.messages.decoded_mut().reserve_exact(items.len());
    for (i, item) in items.into_iter().enumerate() {
        let mut message = message(item, i, diagnostics)?;
        message.set_decoded_span(Span::within(body, item));
        request.messages.push_decoded(message);
    }
    Ok(())
}

fn message(item: &str, i: usize, diagnostics: &mut Diagnostics) -> Result<Message, ClientError> {
    let fail = |field: &str, why: &str| {
        let at = format!("messages.{i}{field}");
        ClientError::invalid(format!("{at}: {why}")).at(at)
    };
    let object = Object::parse(item.as_bytes())
        .map_err(|_| fail("", "must be an object with `role` and `content`."))?;
    let messages = Place::Key(&Place::Root, "messages");
    shape::MESSAGE.check_at(&object, Place::Index(&messages, i), &[], diagnostics)?;
    let word = object.str("role").ok_or_else(|| fail(".role", "is missing; it is user or assistant."))?;
    let role = match word.as_ref() {
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
    fields.extra = content_block::leftovers(&object, &["role", "content"]);
    // A system message among the others is not the system prompt: it stays where it stands.
    Ok(message)
}

fn texts(value: &str) -> Vec<String> {
    match decode_string(value) {
        Some(one) => vec![one.into_owned()],
        None => serde_json::from_str(value).unwrap_or_default(),
    }
}

/// Writes a request; what was not changed stays the client's own bytes.
pub(super) fn encode<'a>(
    request: &Request,
    source: Option<&'a [u8]>,
    diagnostics: &mut Diagnostics,
) -> Result<Encoded<'a>, Unsupported> {
    let own = request.extra.dialect == NAME;
    let mut body = source.and_then(|bytes| Object::parse(bytes).ok()).unwrap_or_default();
    if !request.model.is_empty() && body.str("model").as_deref() != Some(request.model.as_str()) {
        body.set("model", encode_string(&request.model));
    }
    if body.non_null("max_tokens").is_none() {
        let tokens = request.max_tokens.map(|limit| limit.tokens);
        if tokens.is_none() {
            diagnostics.record(DiagnosticCode::ParamDefaulted, "max_tokens", "the API requires one: 4096");
        }
        body.set("max_tokens", tokens.unwrap_or(MAX_TOKENS).to_string());
    }
    if source.is_none() {
        params::write_extra(request, &mut body);
    }
    // Claude signs all of its thinking: what is not signed is another model's, and is refused.
    let unsigned = own && request.model.contains("claude") && request.messages.iter().any(is_unsigned);
    if source.is_none() || request.messages.is_changed() || unsigned {
        let (system, list) = if own {
            as_they_came(request, source.unwrap_or_default(), unsigned, diagnostics)
        } else {
            messages::write(&request.messages, diagnostics)
        };
        match system {
            Some(system) => body.set("system", system),
            None => drop(body.remove("system")),
        }
        body.set("messages", list);
    }
    if source.is_none() || request.tools.is_changed() || request.is_tool_choice_changed() {
        tools::write(request, own, &mut body, diagnostics);
    }
    if source.is_none() {
        params::write(request, own, &mut body, diagnostics);
    } else {
        params::rewrite(request, &mut body);
    }
    if own {
        params::spare_thinking(request, &mut body, diagnostics);
    }
    if body.bool("stream").unwrap_or(false) != request.stream {
        body.set("stream", if request.stream { "true" } else { "false" });
    }
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("anthropic-version"), HeaderValue::from_static("2023-06-01"));
    Ok(Encoded { path: String::from("/messages"), body, headers })
}

/// The messages of a client that speaks this dialect: each as it came, but for those that were changed.
fn as_they_came(
    request: &Request,
    source: &[u8],
    unsigned: bool,
    diagnostics: &mut Diagnostics,
) -> (Option<String>, String) {
    let mut rest: &[Message] = &request.messages;
    let mut system = None;
    let own = |message: &Message| {
        let bytes = message.source_span().and_then(|span| source.get(span.range()))?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    };
    if let Some((first, others)) = rest.split_first()
        && matches!(first.role, Role::System | Role::Developer)
        && first.extra.dialect != NAME
    {
        rest = others;
        system = own(first).or_else(|| as_content(first, "system", diagnostics));
    }
    let signed = signed(rest);
    let mut list = request.list(25);
    for (i, message) in rest.iter().enumerate() {
        list.push(&match own(message).filter(|_| !(unsigned && is_unsigned(message))) {
            Some(bytes) => bytes,
            None if unsigned && is_unsigned(message) => {
                let mut message = message.clone();
                message.retain_blocks(|block| !is_unsigned_block(block));
                let at = format!("messages[{i}].content");
                diagnostics.record(DiagnosticCode::FeatureUnsupported, &at, "reasoning without a signature");
                as_message(&message, &signed, i, diagnostics)
            }
            None => as_message(message, &signed, i, diagnostics),
        });
    }
    (system, list.into_json())
}

/// Whether there is thinking in a message that nobody signed.
fn is_unsigned(message: &Message) -> bool {
    message.blocks.iter().any(is_unsigned_block)
}

fn is_unsigned_block(block: &Block) -> bool {
    matches!(block, Block::Reasoning { signature: None, .. })
}

/// Ids of calls that carry a signature: their own, and as they are written.
fn signed(messages: &[Message]) -> BTreeMap<&str, String> {
    let blocks = messages.iter().flat_map(|message| &message.blocks);
    let mut packed = BTreeMap::new();
    for block in blocks {
        if let Block::ToolCall { id, signature: Some(signature), .. } = block
            && let Some(carrying) = call_id::attach(id, signature)
        {
            packed.entry(id.as_str()).or_insert(carrying);
        }
    }
    packed
}

fn as_content(message: &Message, at: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    if message.content_was_parts && message.blocks.is_empty() {
        return Some(String::from("[]"));
    }
    match message.blocks.as_slice() {
        [Block::Text { text, extra }] if !message.content_was_parts && extra.is_empty() => {
            Some(text.to_json())
        }
        blocks => content_block::content(blocks, at, diagnostics),
    }
}

fn as_message(
    message: &Message,
    signed: &BTreeMap<&str, String>,
    i: usize,
    diagnostics: &mut Diagnostics,
) -> String {
    let mut message = Cow::Borrowed(message);
    if !signed.is_empty() {
        for block in &mut message.to_mut().edit().blocks {
            if let Block::ToolResult { id, .. } = block
                && let Some(packed) = signed.get(id.as_str())
            {
                id.clone_from(packed);
            }
        }
    }
    let role = match message.role {
        Role::System | Role::Developer => "system",
        Role::Assistant => "assistant",
        Role::User | Role::Tool => "user",
    };
    let mut object = Object::new();
    object.set("role", encode_string(role));
    let content = as_content(&message, &format!("messages[{i}].content"), diagnostics);
    object.set("content", content.map_or(Cow::Borrowed("\"\""), Cow::Owned));
    for (key, value) in message.extra.of(NAME) {
        object.set(key.as_str(), value.get());
    }
    object.to_json()
}
