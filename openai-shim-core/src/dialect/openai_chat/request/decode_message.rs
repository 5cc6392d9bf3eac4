//! One message of a request: JSON to a canonical [`Message`].

use super::raw_fields::RawFields;
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFields, Media, MediaSource, Message, REASONING_CONTENT,
    REASONING_TEXT, Role, Text,
};
use crate::dialect::openai_chat::extra_fields::{NAME, unknown_fields};
use crate::dialect::openai_chat::{reasoning_details, shape, tool_call};
use crate::dialect::shape::Place;
use crate::error::ClientError;
use crate::json::{
    Object, RawJson, ValueKind, decode_string, is_empty_list, items, raw, string_or_json, value_kind,
};
use bytes::Bytes;
use std::borrow::Cow;

/// A content part that was decoded.
struct DecodedPart {
    block: Block,
    /// It cannot be sent as it came.
    is_reshaped: bool,
}

/// Parses an item of the list of messages.
pub(super) fn parse(item: &str, i: usize) -> Result<Object<'_>, ClientError> {
    Object::parse(item.as_bytes()).map_err(|_| {
        let field_path = format!("messages[{i}]");
        ClientError::invalid(format!("{field_path} must be an object with `role` and `content`."))
            .at(field_path)
    })
}

/// Decodes the message number `i`, and marks it as changed if it cannot be sent as the client wrote it; strings in it may share the buffer of `body`.
pub(super) fn decode(
    object: &Object<'_>,
    body: &Bytes,
    i: usize,
    diagnostics: &mut Diagnostics,
) -> Result<Message, ClientError> {
    let field_path = |field: &str| format!("messages[{i}]{field}");
    let mut fields = RawFields::default();
    let mut extra = Vec::new();
    for (key, value) in object.iter() {
        match fields.field_mut(key) {
            Some(field) => *field = Some(value),
            None => extra.push((key.to_owned(), raw(value))),
        }
    }
    if !fields.is_plain() || !extra.is_empty() {
        let messages = Place::Key(&Place::Root, "messages");
        shape::MESSAGE.check_at(object, Place::Index(&messages, i), &[], diagnostics)?;
    }
    let role = decode_role(&fields, i)?;
    let mut is_reshaped = false;
    let mut message = Message::decoded(role, Vec::new());
    let decoded = message.decoded_mut();
    let reasoning = read_reasoning(&fields, &mut extra);
    let is_details = |key: &str| key == reasoning_details::FIELD;
    let details = extra.iter().find(|(key, _)| is_details(key)).map(|(_, details)| details.as_str());
    decoded.blocks =
        details.map(|details| reasoning_details::read(details, reasoning.as_deref())).unwrap_or_default();
    if let Some(reasoning) = reasoning.filter(|_| decoded.blocks.is_empty()) {
        decoded.blocks.push(Block::Reasoning {
            text: reasoning.into(),
            signature: None,
            extra: ExtraFields::default(),
        });
    }
    let mut content = Vec::new();
    if let Some(value) = non_null(fields.content) {
        decoded.content_was_parts = value_kind(value) == ValueKind::Array;
        is_reshaped |= decode_content(value, body, i, &mut content, diagnostics)?;
    }
    if let Some(position) = extra.iter().position(|(key, images)| is_image_list(key, images.as_str())) {
        let (_, images) = extra.remove(position);
        decode_images(images.as_str(), i, &mut content, diagnostics);
        is_reshaped = true;
    }
    if let Some(refusal) = fields.refusal.filter(|refusal| value_kind(refusal) == ValueKind::String) {
        content.push(Block::Refusal(Text::from_json(refusal)));
    }
    if role == Role::Tool {
        let id = fields.tool_call_id.and_then(decode_string).unwrap_or_default().into_owned();
        decoded.blocks.reserve_exact(1);
        decoded.blocks.push(Block::ToolResult {
            id,
            blocks: content,
            is_error: false,
            extra: ExtraFields::default(),
        });
    } else if decoded.blocks.is_empty() {
        decoded.blocks = content;
    } else {
        decoded.blocks.append(&mut content);
    }
    if let Some(calls) = non_null(fields.tool_calls) {
        let calls = items(calls).ok_or_else(|| {
            let calls_path = field_path(".tool_calls");
            ClientError::invalid(format!("{calls_path} must be a list.")).at(calls_path)
        })?;
        for (k, item) in calls.into_iter().enumerate() {
            let call = tool_call::read(item);
            if call.is_reshaped {
                is_reshaped = true;
                diagnostics.record(
                    DiagnosticCode::ToolArgumentsShaped,
                    &field_path(&format!(".tool_calls[{k}].function.arguments")),
                    "",
                );
            }
            decoded.blocks.push(call.block);
        }
    }
    if role == Role::Assistant && non_null(fields.tool_calls).is_none() {
        decoded.blocks.extend(decode_legacy_call(&mut extra, i));
    }
    decoded.name = fields.name.and_then(decode_string).map(Into::into);
    if decoded.blocks.iter().any(|block| matches!(block, Block::Reasoning { signature: Some(_), .. })) {
        let details = extra.iter_mut().filter(|(key, _)| is_details(key));
        details.for_each(|(key, _)| key.insert(0, '.'));
    }
    // To some servers a field that is null, or an empty list, is not the same as no field.
    for key in ["refusal", "tool_calls", "tool_call_id", "name", "reasoning_content"] {
        let value = fields.field_mut(key).and_then(|value| *value);
        let says_nothing = |value: &&str| {
            value_kind(value) == ValueKind::Null || key == "tool_calls" && is_empty_list(value)
        };
        if let Some(value) = value.filter(says_nothing) {
            extra.push((key.to_owned(), raw(value)));
        }
    }
    if !extra.is_empty() {
        decoded.extra = ExtraFields::new(NAME, extra);
    }
    if is_reshaped {
        message.mark_changed();
    }
    Ok(message)
}

/// The field of a call in the legacy form.
const FUNCTION_CALL: &str = "function_call";

/// Decodes a call in the legacy form, which has no id.
fn decode_legacy_call(extra: &mut [(String, RawJson)], i: usize) -> Option<Block> {
    let (key, value) = extra.iter_mut().find(|(key, _)| key == FUNCTION_CALL)?;
    let function = Object::parse(value.as_str().as_bytes()).ok()?;
    let call = Block::ToolCall {
        id: format!("call_function_{i}"),
        name: function.str("name")?.into_owned(),
        arguments: string_or_json(function.get("arguments").unwrap_or("\"\"")).into_owned(),
        signature: None,
        extra: ExtraFields::default(),
    };
    // Nothing is lost without the field.
    key.insert(0, '.');
    Some(call)
}

/// The id of the call of a message that has it in the legacy form.
pub(super) fn legacy_call_id(message: &Message) -> Option<&str> {
    let is_legacy = |(key, _): &(String, _)| key.strip_prefix('.') == Some(FUNCTION_CALL);
    if !message.extra.of(NAME).iter().any(is_legacy) {
        return None;
    }
    message.blocks.iter().find_map(|block| match block {
        Block::ToolCall { id, .. } => Some(id.as_str()),
        _ => None,
    })
}

/// Returns the text of the reasoning, and marks in the extra fields where the client sent it.
fn read_reasoning<'f>(fields: &RawFields<'f>, extra: &mut Vec<(String, RawJson)>) -> Option<Cow<'f, str>> {
    let text = |field: Option<&'f str>| field.and_then(decode_string).filter(|text| !text.is_empty());
    let content = text(fields.reasoning_content);
    let Some(value) = fields.reasoning else { return content };
    let reasoning = text(Some(value));
    let key = if reasoning.is_some() { REASONING_TEXT } else { "reasoning" };
    extra.push((key.to_owned(), raw(value)));
    if content.is_some() && reasoning.is_some() {
        extra.push((REASONING_CONTENT.to_owned(), raw("true")));
    }
    content.or(reasoning)
}

fn decode_role(fields: &RawFields<'_>, i: usize) -> Result<Role, ClientError> {
    let role_path = || format!("messages[{i}].role");
    let Some(role) = fields.role.and_then(decode_string) else {
        let text = format!("{} is missing. Use system, user, assistant or tool.", role_path());
        return Err(ClientError::invalid(text).at(role_path()));
    };
    Role::parse(&role).ok_or_else(|| {
        let roles = "system, developer, user, assistant or tool";
        ClientError::invalid(format!("{} is {role:?}; it must be {roles}.", role_path())).at(role_path())
    })
}

fn non_null(value: Option<&str>) -> Option<&str> {
    value.filter(|value| value_kind(value) != ValueKind::Null)
}

/// Decodes content of any shape; returns whether it cannot be sent as it came.
fn decode_content(
    value: &str,
    body: &Bytes,
    i: usize,
    out: &mut Vec<Block>,
    diagnostics: &mut Diagnostics,
) -> Result<bool, ClientError> {
    match value_kind(value) {
        ValueKind::String => {
            // Nearly every message has one text and nothing else.
            out.reserve_exact(1);
            out.push(Block::text(Text::within(value, body)));
            Ok(false)
        }
        ValueKind::Array => {
            let items = items(value).unwrap_or_default();
            // Some servers refuse a list with nothing in it.
            let mut is_reshaped = items.is_empty();
            if is_reshaped {
                diagnostics.record(DiagnosticCode::ContentRewritten, &format!("messages[{i}].content"), "[]");
            }
            for (k, item) in items.into_iter().enumerate() {
                let field_path = || format!("messages[{i}].content[{k}]");
                let part = decode_part(item, body).ok_or_else(|| {
                    let field_path = field_path();
                    let text = format!("{field_path} must be a content part: an object with `type`.");
                    ClientError::invalid(text).at(field_path)
                })?;
                if part.is_reshaped {
                    diagnostics.record(DiagnosticCode::ContentRewritten, &field_path(), "");
                }
                is_reshaped |= part.is_reshaped;
                out.push(part.block);
            }
            Ok(is_reshaped)
        }
        _ => {
            let field_path = format!("messages[{i}].content");
            let text = format!("{field_path} must be a text or a list of parts.");
            Err(ClientError::invalid(text).at(field_path))
        }
    }
}

/// Decodes a content part; `None` if it is neither a string nor an object.
fn decode_part(part: &str, body: &Bytes) -> Option<DecodedPart> {
    let reshaped = |block| Some(DecodedPart { block, is_reshaped: true });
    let unchanged = |block| Some(DecodedPart { block, is_reshaped: false });
    if let Some(plain) = decode_string(part) {
        return reshaped(Block::text(plain));
    }
    let object = Object::parse(part.as_bytes()).ok()?;
    let native = || unchanged(Block::Native { dialect: NAME, raw: raw(part) });
    let kind = object.str("type").unwrap_or_default();
    match kind.as_ref() {
        "text" => match object.get("text").filter(|text| value_kind(text) == ValueKind::String) {
            Some(text) => {
                let extra = unknown_fields(&object, &["type", "text"]);
                unchanged(Block::Text { text: Text::within(text, body), extra })
            }
            None => native(),
        },
        "image_url" => match object.get("image_url").map(|v| (value_kind(v), v)) {
            Some((ValueKind::String, url)) => {
                let source = MediaSource::from_url(&string_or_json(url));
                reshaped(Block::Image(Box::new(media(source, &object))))
            }
            Some((ValueKind::Object, inner)) => {
                let inner = Object::parse(inner.as_bytes()).ok()?;
                let mut image = media(MediaSource::from_url(&inner.str("url")?), &object);
                image.detail = inner.str("detail").map(Cow::into_owned);
                unchanged(Block::Image(Box::new(image)))
            }
            _ => native(),
        },
        "input_audio" => match object.object("input_audio") {
            Some(audio) => {
                let source = MediaSource::Base64 {
                    media_type: audio.str("format").unwrap_or_default().into_owned(),
                    data: audio.str("data").unwrap_or_default().into_owned(),
                };
                unchanged(Block::Audio(Box::new(media(source, &object))))
            }
            None => native(),
        },
        "file" => match object.object("file").and_then(|file| decode_file(&file, &object)) {
            Some(document) => unchanged(Block::File(Box::new(document))),
            None => native(),
        },
        // Mistral's form of a file.
        "document_url" => match decode_document_url(&object, part) {
            Some(document) => unchanged(Block::File(Box::new(document))),
            None => native(),
        },
        "refusal" => unchanged(Block::Refusal(object.str("refusal").unwrap_or_default().into())),
        _ => native(),
    }
}

/// Decodes the `file` of a content part; `None` if it has neither data nor an id.
fn decode_file(file: &Object<'_>, part: &Object<'_>) -> Option<Media> {
    let source = match (file.str("file_data"), file.str("file_id")) {
        (Some(data), _) => MediaSource::from_file_data(&data),
        (None, Some(id)) => MediaSource::FileId(id.into_owned()),
        (None, None) => return None,
    };
    let mut document = media(source, part);
    document.name = file.str("filename").map(Cow::into_owned);
    // Some servers accept a URL where OpenAI accepts base64 data only.
    if let (MediaSource::Url(_), Some(file)) = (&document.source, part.get("file")) {
        document.extra.dialect = NAME;
        document.extra.members.push((String::from(".file"), raw(file)));
    }
    Some(document)
}

/// Decodes a part `document_url`; an extra field has the part itself.
fn decode_document_url(object: &Object<'_>, part: &str) -> Option<Media> {
    let url = object.str("document_url").map(Cow::into_owned);
    let url = url.or_else(|| object.object("document_url")?.str("url").map(Cow::into_owned))?;
    let mut document = Media::new(MediaSource::from_file_data(&url));
    document.name = object.str("document_name").map(Cow::into_owned);
    document.extra = ExtraFields::new(NAME, vec![(String::from(".part"), raw(part))]);
    Some(document)
}

fn media(source: MediaSource, object: &Object<'_>) -> Media {
    let mut media = Media::new(source);
    media.extra = unknown_fields(object, &["type", "image_url", "input_audio", "file"]);
    media
}

/// Whether a field is the member `images` with something in it.
fn is_image_list(key: &str, value: &str) -> bool {
    key == "images" && items(value).is_some_and(|images| !images.is_empty())
}

/// Decodes the member `images`, in which clients of Ollama put base64, and clients of gateways the parts that an answer had.
fn decode_images(images: &str, i: usize, out: &mut Vec<Block>, diagnostics: &mut Diagnostics) {
    for (k, item) in items(images).unwrap_or_default().into_iter().enumerate() {
        let url = match value_kind(item) {
            ValueKind::String => decode_string(item),
            _ => Object::parse(item.as_bytes()).ok().and_then(|part| {
                let inner = part.object("image_url").and_then(|inner| inner.str("url").map(Cow::into_owned));
                inner.or_else(|| part.str("image_url").map(Cow::into_owned)).map(Cow::Owned)
            }),
        };
        let path = format!("messages[{i}].images[{k}]");
        match url {
            Some(url) => {
                diagnostics.record(DiagnosticCode::ContentRewritten, &path, "an image as a content part");
                let source = MediaSource::from_file_data(&url);
                out.push(Block::Image(Box::new(Media::new(source))));
            }
            None => diagnostics.record(DiagnosticCode::FeatureUnsupported, &path, "an image of unknown form"),
        }
    }
}
