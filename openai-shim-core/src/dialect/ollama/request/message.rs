//! The messages of `/api/chat`, both ways.

use super::super::super::shape::Place;
use super::super::response_line::{arguments, read_call};
use super::{FAMILY, images, leftovers, shape};
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFields, Message, OpenCalls, Request, Role, Span, Text,
    called_names,
};
use crate::error::{ClientError, Unsupported};
use crate::json::{ArrayBuilder, Object, ValueKind, decode_string, encode_string, value_kind};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The id of the call that a result answers: by its own word, by the tool's name, or by order.
fn answered(calls: &mut OpenCalls, id: Option<&str>, name: Option<&str>) -> Option<String> {
    match (id, name) {
        (Some(id), _) => Some(calls.take_by_id(id).unwrap_or_else(|| id.to_owned())),
        (None, Some(name)) => calls.take_by_name(name),
        (None, None) => calls.take_first(),
    }
}

/// An id for a call that has none: the same one whenever this conversation is sent again.
fn generated_id(i: usize, k: usize) -> String {
    format!("call_m{i}t{k}")
}

/// Whether we made this id: it says nothing to an upstream that matches by order.
fn is_minted(id: &str) -> bool {
    let numbers = id.strip_prefix("call_m").and_then(|rest| rest.split_once('t'));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    numbers.is_some_and(|(i, k)| digits(i) && digits(k))
}

/// Reads the messages. There may be none: then the model is only loaded.
pub(super) fn decode(
    object: &Object<'_>,
    body: &[u8],
    request: &mut Request,
    diagnostics: &mut Diagnostics,
) -> Result<(), ClientError> {
    let Some(list) = object.non_null("messages") else { return Ok(()) };
    if value_kind(list) != ValueKind::Array {
        let text =
            "`messages` must be a list of messages, such as [{\"role\": \"user\", \"content\": \"…\"}].";
        return Err(ClientError::invalid(text).at("messages"));
    }
    let mut calls = OpenCalls::default();
    let items = object.array("messages").unwrap_or_default();
    request.messages.decoded_mut().reserve_exact(items.len());
    for (i, item) in items.into_iter().enumerate() {
        let mut message = message(item, i, &mut calls, diagnostics)?;
        message.set_decoded_span(Span::within(body, item));
        request.messages.push_decoded(message);
    }
    Ok(())
}

/// Reads a message, and marks it as changed if it cannot be sent as the client wrote it.
fn message(
    item: &str,
    i: usize,
    calls: &mut OpenCalls,
    diagnostics: &mut Diagnostics,
) -> Result<Message, ClientError> {
    let at = |field: &str| format!("messages[{i}]{field}");
    let object = Object::parse(item.as_bytes()).map_err(|_| {
        ClientError::invalid(format!("{} must be an object with `role` and `content`.", at(""))).at(at(""))
    })?;
    let messages = Place::Key(&Place::Root, "messages");
    shape::MESSAGE.check_at(&object, Place::Index(&messages, i), &[], diagnostics)?;
    let word = object.str("role").unwrap_or_default();
    let role = Role::parse(&word).ok_or_else(|| {
        let text = format!("{} is {word:?}; it must be system, user, assistant or tool.", at(".role"));
        ClientError::invalid(text).at(at(".role"))
    })?;
    let mut message = Message::decoded(role, Vec::new());
    let fields = message.decoded_mut();
    let (mut content, mut touched) = (Vec::new(), false);
    if let Some(thoughts) = object.str("thinking").filter(|t| !t.is_empty()) {
        fields.blocks.push(Block::Reasoning {
            text: thoughts.into(),
            signature: None,
            extra: ExtraFields::default(),
        });
    }
    if let Some(value) = object.non_null("content") {
        touched |= read_content(value, &at(".content"), &mut content, diagnostics)?;
    }
    let images = object.array("images").unwrap_or_default();
    for (k, image) in images.iter().filter_map(|image| decode_string(image)).enumerate() {
        let (block, changed) = images::read(&image, &at(&format!(".images[{k}]")), diagnostics);
        touched |= changed;
        content.push(block);
    }
    let listed = object.array("tool_calls").unwrap_or_default();
    let mut known = vec!["role", "content", "thinking"];
    // Empty lists say nothing, and are kept as they came.
    known.extend((!images.is_empty()).then_some("images"));
    known.extend((!listed.is_empty()).then_some("tool_calls"));
    if role == Role::Tool {
        known.extend(["tool_name", "tool_call_id", "name"]);
        let name = object.str("tool_name").or_else(|| object.str("name")).filter(|n| !n.is_empty());
        let id = object.str("tool_call_id").filter(|id| !id.is_empty());
        let answered = answered(calls, id.as_deref(), name.as_deref()).unwrap_or_else(|| {
            diagnostics.record(DiagnosticCode::ToolIdSynthesized, &at(""), "a result without its call");
            generated_id(i, 0)
        });
        let mut extra = leftovers_of(&object, &["tool_name", "name"]);
        // Elsewhere the id says whose result it is.
        extra.members.iter_mut().for_each(|(key, _)| key.insert(0, '.'));
        fields.blocks.reserve_exact(1);
        fields.blocks.push(Block::ToolResult { id: answered, blocks: content, is_error: false, extra });
    } else if fields.blocks.is_empty() {
        fields.blocks = content;
    } else {
        fields.blocks.append(&mut content);
    }
    if !listed.is_empty() {
        *calls = OpenCalls::default();
    }
    for (k, call) in listed.into_iter().enumerate() {
        let object = Object::parse(call.as_bytes()).unwrap_or_default();
        let given = object.object("function").unwrap_or_default();
        // Ollama itself refuses arguments that are no object.
        touched |= given.get("arguments").is_none_or(|a| value_kind(a) != ValueKind::Object);
        let read = read_call(call, &at(&format!(".tool_calls[{k}]")), diagnostics);
        let id = read.id.unwrap_or_else(|| generated_id(i, k));
        calls.push(&id, &read.name);
        fields.blocks.push(Block::ToolCall {
            id,
            name: read.name,
            arguments: read.arguments,
            signature: None,
            extra: call_extra(&object),
        });
    }
    fields.extra = leftovers(&object, &known);
    if touched {
        message.mark_changed();
    }
    Ok(message)
}

/// What a call says besides: its `type`, and members of its function such as `index`.
fn call_extra(call: &Object<'_>) -> ExtraFields {
    let mut extra = leftovers(call, &["id", "function"]);
    if let Some(function) = call.object("function") {
        let inner = leftovers(&function, &["name", "arguments"]).into_members();
        extra.members.extend(inner.into_iter().map(|(key, value)| (format!("function.{key}"), value)));
    }
    if !extra.is_empty() {
        extra.dialect = FAMILY;
    }
    extra
}

fn leftovers_of(object: &Object<'_>, keys: &[&str]) -> ExtraFields {
    let all = leftovers(object, &[]).into_members();
    let members: Vec<_> = all.into_iter().filter(|(key, _)| keys.contains(&key.as_str())).collect();
    if members.is_empty() { ExtraFields::default() } else { ExtraFields::new(FAMILY, members) }
}

/// Reads content; true if it cannot be sent as it came: parts, as OpenAI's clients send them.
fn read_content(
    value: &str,
    at: &str,
    out: &mut Vec<Block>,
    diagnostics: &mut Diagnostics,
) -> Result<bool, ClientError> {
    if value_kind(value) == ValueKind::String {
        // One text is all there is of nearly every message.
        out.reserve_exact(1);
        out.push(Block::text(Text::from_json(value)));
        return Ok(false);
    }
    let parts: Vec<&serde_json::value::RawValue> = serde_json::from_str(value)
        .map_err(|_| ClientError::invalid(format!("{at} must be a text.")).at(at.to_owned()))?;
    for (k, part) in parts.into_iter().enumerate() {
        let (raw, at) = (part.get(), format!("{at}[{k}]"));
        let object = Object::parse(raw.as_bytes()).unwrap_or_default();
        let url = object.object("image_url").and_then(|o| o.str("url").map(Cow::into_owned));
        let url = url.or_else(|| object.str("image_url").map(Cow::into_owned));
        if let Some(words) = decode_string(raw).or_else(|| object.str("text")) {
            out.push(Block::text(words));
        } else if let Some(url) = url {
            out.push(images::read(&url, &at, diagnostics).0);
        } else {
            return Err(ClientError::invalid(format!("{at} must be a text or a picture.")).at(at));
        }
    }
    diagnostics.record(DiagnosticCode::ContentRewritten, at, "parts");
    Ok(true)
}

/// Writes `messages`; those that were not changed stay the client's own bytes.
pub(super) fn encode(
    request: &Request,
    source: Option<&[u8]>,
    body: &mut Object<'_>,
    diagnostics: &mut Diagnostics,
) -> Result<(), Unsupported> {
    let names = called_names(&request.messages);
    let mut list = request.list(25);
    for (i, message) in request.messages.iter().enumerate() {
        let own = message.source_span().and_then(|span| source?.get(span.range()));
        match own.and_then(|bytes| std::str::from_utf8(bytes).ok()) {
            Some(own) => list.push(own),
            None => write(&names, message, i, &mut list, diagnostics)?,
        }
    }
    body.set("messages", list.into_json());
    Ok(())
}

/// Writes one message: results of several tools in one are several here.
fn write(
    names: &BTreeMap<&str, &str>,
    message: &Message,
    i: usize,
    list: &mut ArrayBuilder,
    diagnostics: &mut Diagnostics,
) -> Result<(), Unsupported> {
    let at = format!("messages[{i}]");
    let (results, rest): (Vec<_>, Vec<_>) =
        message.blocks.iter().partition(|b| matches!(b, Block::ToolResult { .. }));
    let mut shared = message.extra.of(FAMILY).to_vec();
    for result in &results {
        let Block::ToolResult { id, blocks, is_error, extra } = result else { continue };
        if *is_error {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, &at, "that a tool failed");
        }
        let mut object = Object::new();
        object.set("role", "\"tool\"");
        let blocks: Vec<_> = blocks.iter().collect();
        content(&blocks, i, &mut object, diagnostics)?;
        for (key, value) in extra.of(FAMILY) {
            object.set(key.trim_start_matches('.'), value.get());
        }
        let named = names.get(id.as_str());
        if let Some(name) = named.filter(|_| extra.of(FAMILY).is_empty() && !is_minted(id)) {
            object.set("tool_name", encode_string(name));
        }
        if !is_minted(id) && !id.is_empty() {
            object.set("tool_call_id", encode_string(id));
        }
        for (key, value) in std::mem::take(&mut shared) {
            object.set(key, value.get().to_owned());
        }
        list.push(&object.to_json());
    }
    if !rest.is_empty() || results.is_empty() {
        let role = match message.role {
            Role::Developer => {
                diagnostics.record(DiagnosticCode::RoleDemoted, &format!("{at}.role"), "developer to system");
                Role::System
            }
            Role::Tool if !results.is_empty() => Role::User,
            role => role,
        };
        let mut object = Object::new();
        object.set("role", encode_string(role.as_str()));
        content(&rest, i, &mut object, diagnostics)?;
        for (key, value) in shared {
            object.set(key, value.get().to_owned());
        }
        list.push(&object.to_json());
    }
    if message.name.is_some() {
        diagnostics.record(DiagnosticCode::ExtraDropped, &format!("{at}.name"), "");
    }
    message.report(FAMILY, &at, diagnostics);
    Ok(())
}

/// Content, thinking, pictures and calls of one message.
fn content(
    blocks: &[&Block],
    i: usize,
    object: &mut Object<'_>,
    diagnostics: &mut Diagnostics,
) -> Result<(), Unsupported> {
    let at = format!("messages[{i}].content");
    let (mut texts, mut thoughts) = (Vec::new(), String::new());
    let (mut images, mut calls) = (Vec::new(), Vec::new());
    for block in blocks {
        match block {
            Block::Text { text, .. } => texts.push(text),
            Block::Reasoning { text, signature, .. } => {
                thoughts.push_str(text);
                if signature.is_some() {
                    diagnostics.record(DiagnosticCode::FeatureUnsupported, &at, "an opaque part");
                }
            }
            Block::Refusal(text) => {
                diagnostics.record(DiagnosticCode::ContentRewritten, &at, "a refusal as text");
                texts.push(text);
            }
            Block::Image(image) => images.push(images::write(image, i)?),
            Block::ToolCall { id, name, arguments, signature, extra } => {
                if signature.is_some() {
                    diagnostics.record(DiagnosticCode::FeatureUnsupported, &at, "the signature of a call");
                }
                let at = format!("messages[{i}].tool_calls[{}]", calls.len());
                calls.push(call(id, name, arguments, extra, &at, diagnostics));
            }
            Block::Audio(_) => diagnostics.record(DiagnosticCode::FeatureUnsupported, &at, "sound"),
            Block::File(_) => diagnostics.record(DiagnosticCode::FeatureUnsupported, &at, "a document"),
            Block::Native { dialect, .. } => {
                diagnostics.record(DiagnosticCode::FeatureUnsupported, &at, dialect)
            }
            Block::ToolResult { .. } => {}
        }
    }
    if texts.len() > 1 {
        diagnostics.record(DiagnosticCode::ContentFlattened, &at, "");
    }
    object.set("content", Text::join_json(texts, "\n\n"));
    if !thoughts.is_empty() {
        object.set("thinking", encode_string(&thoughts));
    }
    if !images.is_empty() {
        object.set("images", format!("[{}]", images.join(",")));
    }
    if !calls.is_empty() {
        object.set("tool_calls", format!("[{}]", calls.join(",")));
    }
    Ok(())
}

fn call(
    id: &str,
    name: &str,
    json: &str,
    extra: &ExtraFields,
    at: &str,
    diagnostics: &mut Diagnostics,
) -> String {
    let mut object = Object::new();
    if !is_minted(id) && !id.is_empty() {
        object.set("id", encode_string(id));
    }
    let json = arguments(json, &format!("{at}.function.arguments"), diagnostics);
    let mut function = Object::new();
    function.set("name", encode_string(name));
    function.set("arguments", json);
    for (key, value) in extra.of(FAMILY) {
        match key.strip_prefix("function.") {
            Some(key) => function.set(key.to_owned(), value.get().to_owned()),
            None => object.set(key.clone(), value.get().to_owned()),
        }
    }
    object.set("function", function.to_json());
    object.to_json()
}
