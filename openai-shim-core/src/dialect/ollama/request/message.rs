//! The messages of `/api/chat`: JSON to `Message`s and back.

use super::super::super::shape::Place;
use super::super::names::FAMILY;
use super::super::tool_call::{self, arguments_object};
use super::super::{extra_fields, shape};
use super::images;
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFields, Message, OpenCalls, Request, Role, Span, Text,
    called_names, result_name,
};
use crate::error::{ClientError, Unsupported};
use crate::json::{ArrayBuilder, Object, ValueKind, decode_string, encode_string, value_kind};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Returns the id of a tool result's call: the result's own, or that of an open call, by tool name or by order.
fn call_id_of_result(calls: &mut OpenCalls<String>, id: Option<&str>, name: Option<&str>) -> Option<String> {
    match (id, name) {
        (Some(id), name) => Some(calls.take_by_id(id, name).unwrap_or_else(|| id.to_owned())),
        (None, Some(name)) => calls.take_by_name(name),
        (None, None) => calls.take_first(),
    }
}

/// Generates the id of a tool call that has none: always the same for the same conversation.
fn generated_id(i: usize, k: usize) -> String {
    format!("call_m{i}t{k}")
}

/// Whether an id was generated here. Such ids are not sent: an upstream without ids matches results by order.
fn is_generated_id(id: &str) -> bool {
    let numbers = id.strip_prefix("call_m").and_then(|numbers| numbers.split_once('t'));
    let is_number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    numbers.is_some_and(|(i, k)| is_number(i) && is_number(k))
}

/// Decodes the messages. A request without messages only loads the model.
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
        let mut message = decode_message(item, i, &mut calls, diagnostics)?;
        message.set_decoded_span(Span::within(body, item));
        request.messages.push_decoded(message);
    }
    Ok(())
}

/// Decodes a message, and marks it as changed if an upstream of this dialect cannot get the client's bytes.
fn decode_message(
    item: &str,
    i: usize,
    calls: &mut OpenCalls<String>,
    diagnostics: &mut Diagnostics,
) -> Result<Message, ClientError> {
    let path_of = |field: &str| format!("messages[{i}]{field}");
    let object = Object::parse(item.as_bytes()).map_err(|_| {
        ClientError::invalid(format!("{} must be an object with `role` and `content`.", path_of("")))
            .at(path_of(""))
    })?;
    let messages = Place::Key(&Place::Root, "messages");
    shape::MESSAGE.check_at(&object, Place::Index(&messages, i), &[], diagnostics)?;
    let role = object.str("role").unwrap_or_default();
    let role = Role::parse(&role).ok_or_else(|| {
        let text = format!("{} is {role:?}; it must be system, user, assistant or tool.", path_of(".role"));
        ClientError::invalid(text).at(path_of(".role"))
    })?;
    let mut message = Message::decoded(role, Vec::new());
    let fields = message.decoded_mut();
    let (mut content, mut must_rewrite) = (Vec::new(), false);
    if let Some(thinking) = object.str("thinking").filter(|t| !t.is_empty()) {
        fields.blocks.push(Block::Reasoning {
            text: thinking.into(),
            signature: None,
            extra: ExtraFields::default(),
        });
    }
    if let Some(value) = object.non_null("content") {
        must_rewrite |= decode_content(value, &path_of(".content"), &mut content, diagnostics)?;
    }
    let images = object.array("images").unwrap_or_default();
    for (k, image) in images.iter().filter_map(|image| decode_string(image)).enumerate() {
        let decoded = images::decode(&image, &path_of(&format!(".images[{k}]")), diagnostics);
        must_rewrite |= decoded.must_rewrite;
        content.push(decoded.block);
    }
    let calls_json = object.array("tool_calls").unwrap_or_default();
    let mut known = vec!["role", "content", "thinking"];
    // Empty lists are extra fields, so that they are written again.
    known.extend((!images.is_empty()).then_some("images"));
    known.extend((!calls_json.is_empty()).then_some("tool_calls"));
    if role == Role::Tool {
        known.extend(["tool_name", "tool_call_id", "name"]);
        let name = object.str("tool_name").or_else(|| object.str("name")).filter(|n| !n.is_empty());
        let id = object.str("tool_call_id").filter(|id| !id.is_empty());
        let id = call_id_of_result(calls, id.as_deref(), name.as_deref()).unwrap_or_default();
        let mut extra = extra_fields::read_only(&object, &["tool_name", "name"]);
        // The dot marks fields that no other dialect misses: there the id identifies the call.
        extra.members.iter_mut().for_each(|(key, _)| key.insert(0, '.'));
        fields.blocks.reserve_exact(1);
        fields.blocks.push(Block::ToolResult { id, blocks: content, is_error: false, extra });
    } else if fields.blocks.is_empty() {
        fields.blocks = content;
    } else {
        fields.blocks.append(&mut content);
    }
    if !calls_json.is_empty() {
        *calls = OpenCalls::default();
    }
    for (k, call) in calls_json.into_iter().enumerate() {
        let object = Object::parse(call.as_bytes()).unwrap_or_default();
        let function = object.object("function").unwrap_or_default();
        // Ollama itself rejects arguments that are no object.
        must_rewrite |= function.get("arguments").is_none_or(|a| value_kind(a) != ValueKind::Object);
        let call = tool_call::read(call, &path_of(&format!(".tool_calls[{k}]")), diagnostics);
        let id = call.id.unwrap_or_else(|| generated_id(i, k));
        calls.push(&id, &call.name, id.clone());
        fields.blocks.push(Block::ToolCall {
            id,
            name: call.name,
            arguments: call.arguments,
            signature: None,
            extra: decode_call_extra(&object),
        });
    }
    fields.extra = extra_fields::read(&object, &known);
    if must_rewrite {
        message.mark_changed();
    }
    Ok(message)
}

/// Decodes the extra fields of a tool call: its `type`, and fields of its function such as `index`.
fn decode_call_extra(call: &Object<'_>) -> ExtraFields {
    let mut extra = extra_fields::read(call, &["id", "function"]);
    if let Some(function) = call.object("function") {
        let inner = extra_fields::read(&function, &["name", "arguments"]).into_members();
        extra.members.extend(inner.into_iter().map(|(key, value)| (format!("function.{key}"), value)));
    }
    if !extra.is_empty() {
        extra.dialect = FAMILY;
    }
    extra
}

/// Decodes content: a string, or content parts as OpenAI's clients send them. Returns whether it must be rewritten, because
/// Ollama takes no parts.
fn decode_content(
    value: &str,
    field_path: &str,
    out: &mut Vec<Block>,
    diagnostics: &mut Diagnostics,
) -> Result<bool, ClientError> {
    if value_kind(value) == ValueKind::String {
        // Nearly every message has one text only.
        out.reserve_exact(1);
        out.push(Block::text(Text::from_json(value)));
        return Ok(false);
    }
    let parts: Vec<&serde_json::value::RawValue> = serde_json::from_str(value).map_err(|_| {
        ClientError::invalid(format!("{field_path} must be a text.")).at(field_path.to_owned())
    })?;
    for (k, part) in parts.into_iter().enumerate() {
        let (raw, part_path) = (part.get(), format!("{field_path}[{k}]"));
        let object = Object::parse(raw.as_bytes()).unwrap_or_default();
        let url = object.object("image_url").and_then(|o| o.str("url").map(Cow::into_owned));
        let url = url.or_else(|| object.str("image_url").map(Cow::into_owned));
        if let Some(text) = decode_string(raw).or_else(|| object.str("text")) {
            out.push(Block::text(text));
        } else if let Some(url) = url {
            out.push(images::decode(&url, &part_path, diagnostics).block);
        } else {
            let message = format!("{part_path} must be a text or a picture.");
            return Err(ClientError::invalid(message).at(part_path));
        }
    }
    diagnostics.record(DiagnosticCode::ContentRewritten, field_path, "parts");
    Ok(true)
}

/// Encodes `messages`; those that were not changed keep the client's bytes.
pub(super) fn encode(
    request: &Request,
    source: Option<&[u8]>,
    body: &mut Object<'_>,
    diagnostics: &mut Diagnostics,
) -> Result<(), Unsupported> {
    let names = called_names(&request.messages);
    let mut list = request.list(25);
    for (i, message) in request.messages.iter().enumerate() {
        let original = message.source_span().and_then(|span| source?.get(span.range()));
        match original.and_then(|bytes| std::str::from_utf8(bytes).ok()) {
            Some(original) => list.push(original),
            None => encode_message(&names, message, i, &mut list, diagnostics)?,
        }
    }
    body.set("messages", list.into_json());
    Ok(())
}

/// Encodes a message; each tool result in it is a message of its own.
fn encode_message(
    names: &BTreeMap<&str, &str>,
    message: &Message,
    i: usize,
    list: &mut ArrayBuilder,
    diagnostics: &mut Diagnostics,
) -> Result<(), Unsupported> {
    let path = format!("messages[{i}]");
    let (results, others): (Vec<_>, Vec<_>) =
        message.blocks.iter().partition(|b| matches!(b, Block::ToolResult { .. }));
    let mut message_extra = message.extra.of(FAMILY).to_vec();
    for result in &results {
        let Block::ToolResult { id, blocks, is_error, extra } = result else { continue };
        if *is_error {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, &path, "that a tool failed");
        }
        let mut object = Object::new();
        object.set("role", "\"tool\"");
        let blocks: Vec<_> = blocks.iter().collect();
        encode_content(&blocks, i, &mut object, diagnostics)?;
        for (key, value) in extra.of(FAMILY) {
            object.set(key.trim_start_matches('.'), value.as_str());
        }
        let has_own_name =
            extra.of(FAMILY).iter().any(|(key, _)| matches!(key.as_str(), ".tool_name" | ".name"));
        let name = names.get(id.as_str()).map(|name| Cow::Borrowed(*name)).or_else(|| result_name(extra));
        if let Some(name) = name.filter(|_| !has_own_name) {
            object.set("tool_name", encode_string(&name));
        }
        if !is_generated_id(id) && !id.is_empty() {
            object.set("tool_call_id", encode_string(id));
        }
        for (key, value) in std::mem::take(&mut message_extra) {
            object.set(key, value.as_str().to_owned());
        }
        list.push(&object.to_json());
    }
    if !others.is_empty() || results.is_empty() {
        let role = match message.role {
            Role::Developer => {
                diagnostics.record(
                    DiagnosticCode::RoleDemoted,
                    &format!("{path}.role"),
                    "developer to system",
                );
                Role::System
            }
            Role::Tool if !results.is_empty() => Role::User,
            role => role,
        };
        let mut object = Object::new();
        object.set("role", encode_string(role.as_str()));
        encode_content(&others, i, &mut object, diagnostics)?;
        for (key, value) in message_extra {
            object.set(key, value.as_str().to_owned());
        }
        list.push(&object.to_json());
    }
    if message.name.is_some() {
        diagnostics.record(DiagnosticCode::FeatureUnsupported, &format!("{path}.name"), "");
    }
    message.report(FAMILY, &path, diagnostics);
    Ok(())
}

/// Encodes the content, thinking, images and tool calls of one message.
fn encode_content(
    blocks: &[&Block],
    i: usize,
    object: &mut Object<'_>,
    diagnostics: &mut Diagnostics,
) -> Result<(), Unsupported> {
    let path = format!("messages[{i}].content");
    let (mut texts, mut thinking) = (Vec::new(), String::new());
    let (mut images, mut calls) = (Vec::new(), Vec::new());
    for block in blocks {
        match block {
            Block::Text { text, .. } => texts.push(text),
            Block::Reasoning { text, signature, .. } => {
                thinking.push_str(text);
                if signature.is_some() {
                    diagnostics.record(DiagnosticCode::FeatureUnsupported, &path, "an opaque part");
                }
            }
            Block::Refusal(text) => {
                diagnostics.record(DiagnosticCode::ContentRewritten, &path, "a refusal as text");
                texts.push(text);
            }
            Block::Image(image) => images.push(images::encode(image, i)?),
            Block::ToolCall { id, name, arguments, signature, extra } => {
                if signature.is_some() {
                    diagnostics.record(DiagnosticCode::FeatureUnsupported, &path, "the signature of a call");
                }
                let call = EncodedCall { id, name, arguments, extra };
                let path = format!("messages[{i}].tool_calls[{}]", calls.len());
                calls.push(call.into_json(&path, diagnostics));
            }
            Block::Audio(_) => diagnostics.record(DiagnosticCode::FeatureUnsupported, &path, "sound"),
            Block::File(_) => diagnostics.record(DiagnosticCode::FeatureUnsupported, &path, "a document"),
            Block::Native { dialect, .. } => {
                diagnostics.record(DiagnosticCode::FeatureUnsupported, &path, dialect);
            }
            Block::ToolResult { .. } => {}
        }
    }
    if texts.len() > 1 {
        diagnostics.record(DiagnosticCode::ContentFlattened, &path, "");
    }
    object.set("content", Text::join_json(texts, "\n\n"));
    if !thinking.is_empty() {
        object.set("thinking", encode_string(&thinking));
    }
    if !images.is_empty() {
        object.set("images", format!("[{}]", images.join(",")));
    }
    if !calls.is_empty() {
        object.set("tool_calls", format!("[{}]", calls.join(",")));
    }
    Ok(())
}

/// A tool call that is ready to be written.
struct EncodedCall<'c> {
    id: &'c str,
    name: &'c str,
    /// JSON text.
    arguments: &'c str,
    extra: &'c ExtraFields,
}

impl EncodedCall<'_> {
    fn into_json(self, field_path: &str, diagnostics: &mut Diagnostics) -> String {
        let mut object = Object::new();
        if !is_generated_id(self.id) && !self.id.is_empty() {
            object.set("id", encode_string(self.id));
        }
        let path = format!("{field_path}.function.arguments");
        let arguments = arguments_object(self.arguments, &path, diagnostics);
        let mut function = Object::new();
        function.set("name", encode_string(self.name));
        function.set("arguments", arguments);
        for (key, value) in self.extra.of(FAMILY) {
            match key.strip_prefix("function.") {
                Some(key) => function.set(key.to_owned(), value.as_str().to_owned()),
                None => object.set(key.clone(), value.as_str().to_owned()),
            }
        }
        object.set("function", function.to_json());
        object.to_json()
    }
}
