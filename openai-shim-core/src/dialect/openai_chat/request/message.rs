//! One message: its role, its content in either shape, its tool calls.

use super::super::super::shape::Place;
use super::super::{NAME, note_lost, reasoning_details, shape, tool_call};
use super::leftovers;
use super::raw_fields::RawFields;
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFields, Media, MediaSource, Message, REASONING_DETAILS, Role,
    Text,
};
use crate::error::ClientError;
use crate::json::{Object, ValueKind, decode_string, encode_string, items, raw, string_or_json, value_kind};
use bytes::Bytes;
use std::borrow::Cow;

/// Reads a message's members.
pub(super) fn parse(item: &str, i: usize) -> Result<Object<'_>, ClientError> {
    Object::parse(item.as_bytes()).map_err(|_| {
        let at = format!("messages[{i}]");
        ClientError::invalid(format!("{at} must be an object with `role` and `content`.")).at(at)
    })
}

/// Reads a message, and marks it as changed if it cannot be sent as the client wrote it.
pub(super) fn decode(
    object: &Object<'_>,
    body: &Bytes,
    i: usize,
    diagnostics: &mut Diagnostics,
) -> Result<Message, ClientError> {
    let at = |field: &str| format!("messages[{i}]{field}");
    let mut given = RawFields::default();
    let mut extra = Vec::new();
    for (key, value) in object.iter() {
        match given.slot(key) {
            Some(slot) => *slot = Some(value),
            None => extra.push((key.to_owned(), raw(value))),
        }
    }
    if !given.is_plain() || !extra.is_empty() {
        let messages = Place::Key(&Place::Root, "messages");
        shape::MESSAGE.check_at(object, Place::Index(&messages, i), &[], diagnostics)?;
    }
    let role = given.role.and_then(decode_string).ok_or_else(|| {
        ClientError::invalid(format!("{} is missing. Use system, user, assistant or tool.", at(".role")))
            .at(at(".role"))
    })?;
    let role = Role::parse(&role).ok_or_else(|| {
        let text =
            format!("{} is {role:?}; it must be system, developer, user, assistant or tool.", at(".role"));
        ClientError::invalid(text).at(at(".role"))
    })?;
    let mut message = Message::decoded(role, Vec::new());
    let fields = message.decoded_mut();
    let mut is_rewritten = false;
    let said = given.reasoning_content.and_then(decode_string).filter(|t| !t.is_empty());
    let details = extra.iter().find(|(key, _)| key == REASONING_DETAILS).map(|(_, details)| details.get());
    fields.blocks =
        details.map(|details| reasoning_details::read(details, said.as_deref())).unwrap_or_default();
    if let Some(reasoning) = said.filter(|_| fields.blocks.is_empty()) {
        fields.blocks.push(Block::Reasoning {
            text: reasoning.into(),
            signature: None,
            extra: ExtraFields::default(),
        });
    }
    let mut content = Vec::new();
    if let Some(value) = non_null(given.content) {
        fields.content_was_parts = value_kind(value) == ValueKind::Array;
        if decode_content(value, body, i, &mut content, diagnostics)? {
            is_rewritten = true;
        }
    }
    if let Some(refusal) = given.refusal.filter(|refusal| value_kind(refusal) == ValueKind::String) {
        content.push(Block::Refusal(Text::from_json(refusal)));
    }
    if role == Role::Tool {
        let id = given.tool_call_id.and_then(decode_string).unwrap_or_default().into_owned();
        fields.blocks.reserve_exact(1);
        fields.blocks.push(Block::ToolResult {
            id,
            blocks: content,
            is_error: false,
            extra: ExtraFields::default(),
        });
    } else if fields.blocks.is_empty() {
        fields.blocks = content;
    } else {
        fields.blocks.append(&mut content);
    }
    if let Some(calls) = non_null(given.tool_calls) {
        let calls = items(calls).ok_or_else(|| {
            ClientError::invalid(format!("{} must be a list.", at(".tool_calls"))).at(at(".tool_calls"))
        })?;
        for (k, call) in calls.into_iter().enumerate() {
            let (block, changed) = tool_call::read(call);
            if changed {
                is_rewritten = true;
                diagnostics.record(
                    DiagnosticCode::ToolArgumentsShaped,
                    &format!("messages[{i}].tool_calls[{k}].function.arguments"),
                    "",
                );
            }
            fields.blocks.push(block);
        }
    }
    fields.name = given.name.and_then(decode_string).map(Into::into);
    if fields.blocks.iter().any(|block| matches!(block, Block::Reasoning { signature: Some(_), .. })) {
        let details = extra.iter_mut().filter(|(key, _)| key == REASONING_DETAILS);
        details.for_each(|(key, _)| key.insert(0, '.'));
    }
    // A member that is there and null is not the same as none to every server.
    for key in ["refusal", "tool_calls", "tool_call_id", "name", "reasoning_content"] {
        if given.slot(key).is_some_and(|value| value.is_some_and(|v| value_kind(v) == ValueKind::Null)) {
            extra.push((key.to_owned(), raw("null")));
        }
    }
    if !extra.is_empty() {
        fields.extra = ExtraFields::new(NAME, extra);
    }
    if is_rewritten {
        message.mark_changed();
    }
    Ok(message)
}

fn non_null(value: Option<&str>) -> Option<&str> {
    value.filter(|value| value_kind(value) != ValueKind::Null)
}

/// Reads content in any shape; true if it cannot be sent as it came.
fn decode_content(
    value: &str,
    body: &Bytes,
    i: usize,
    out: &mut Vec<Block>,
    diagnostics: &mut Diagnostics,
) -> Result<bool, ClientError> {
    match value_kind(value) {
        ValueKind::String => {
            // One text is all there is of nearly every message.
            out.reserve_exact(1);
            out.push(Block::text(Text::within(value, body)));
            Ok(false)
        }
        ValueKind::Array => {
            let mut changed = false;
            for (k, part) in items(value).unwrap_or_default().into_iter().enumerate() {
                let at = || format!("messages[{i}].content[{k}]");
                let (block, reshaped) = decode_part(part, body).ok_or_else(|| {
                    let at = at();
                    ClientError::invalid(format!("{at} must be a content part: an object with `type`."))
                        .at(at)
                })?;
                if reshaped {
                    diagnostics.record(DiagnosticCode::ContentRewritten, &at(), "");
                }
                changed |= reshaped;
                out.push(block);
            }
            Ok(changed)
        }
        _ => {
            let at = format!("messages[{i}].content");
            Err(ClientError::invalid(format!("{at} must be a text or a list of parts.")).at(at))
        }
    }
}

/// Reads a part; with it whether it cannot be sent as it came.
fn decode_part(part: &str, body: &Bytes) -> Option<(Block, bool)> {
    if let Some(plain) = decode_string(part) {
        return Some((Block::text(plain), true));
    }
    let object = Object::parse(part.as_bytes()).ok()?;
    let native = || Block::Native { dialect: NAME, raw: raw(part) };
    let kind = object.str("type").unwrap_or_default();
    Some(match kind.as_ref() {
        "text" => match object.get("text").filter(|words| value_kind(words) == ValueKind::String) {
            Some(words) => {
                let extra = leftovers(&object, &["type", "text"]);
                (Block::Text { text: Text::within(words, body), extra }, false)
            }
            None => (native(), false),
        },
        "image_url" => match object.get("image_url").map(|v| (value_kind(v), v)) {
            Some((ValueKind::String, url)) => {
                (Block::Image(Box::new(media(source(&string_or_json(url)), &object))), true)
            }
            Some((ValueKind::Object, inner)) => {
                let inner = Object::parse(inner.as_bytes()).ok()?;
                let mut image = media(source(&inner.str("url")?), &object);
                image.detail = inner.str("detail").map(Cow::into_owned);
                (Block::Image(Box::new(image)), false)
            }
            _ => (native(), false),
        },
        "input_audio" => match object.object("input_audio") {
            Some(audio) => {
                let source = MediaSource::Base64 {
                    media_type: audio.str("format").unwrap_or_default().into_owned(),
                    data: audio.str("data").unwrap_or_default().into_owned(),
                };
                (Block::Audio(Box::new(media(source, &object))), false)
            }
            None => (native(), false),
        },
        "file" => match object.object("file") {
            Some(file) => {
                let from = match (file.str("file_data"), file.str("file_id")) {
                    (Some(data), _) => source(&data),
                    (None, Some(id)) => MediaSource::FileId(id.into_owned()),
                    (None, None) => return Some((native(), false)),
                };
                let mut document = media(from, &object);
                document.name = file.str("filename").map(Cow::into_owned);
                // Some servers take an address where OpenAI takes bytes.
                if let (MediaSource::Url(_), Some(file)) = (&document.source, object.get("file")) {
                    document.extra.dialect = NAME;
                    document.extra.members.push((String::from(".file"), raw(file)));
                }
                (Block::File(Box::new(document)), false)
            }
            None => (native(), false),
        },
        "refusal" => (Block::Refusal(object.str("refusal").unwrap_or_default().into()), false),
        _ => (native(), false),
    })
}

fn media(source: MediaSource, object: &Object<'_>) -> Media {
    let mut media = Media::new(source);
    media.extra = leftovers(object, &["type", "image_url", "input_audio", "file"]);
    media
}

/// A data URL is bytes; anything else is an address.
fn source(url: &str) -> MediaSource {
    let data = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    match data {
        Some((media_type, data)) => {
            MediaSource::Base64 { media_type: media_type.to_owned(), data: data.to_owned() }
        }
        None => MediaSource::Url(url.to_owned()),
    }
}

/// Whether there is anything in a message that this dialect has words for; an empty message counts.
pub(super) fn can_be_said(message: &Message) -> bool {
    let foreign = |block: &Block| match block {
        Block::Native { dialect, .. } => *dialect != NAME,
        Block::Reasoning { text, .. } => text.is_empty(),
        _ => false,
    };
    message.blocks.is_empty() || !message.blocks.iter().all(foreign)
}

/// Writes a message that was changed, or came in another dialect.
pub(super) fn encode(message: &Message, out: &mut Vec<u8>, i: usize, diagnostics: &mut Diagnostics) {
    let at = format!("messages[{i}]");
    note_lost(&message.extra, &at, diagnostics);
    // Results of several tools in one message are several messages here.
    let results: Vec<_> = message.blocks.iter().filter(|b| matches!(b, Block::ToolResult { .. })).collect();
    let mut rest: Vec<_> = message.blocks.iter().filter(|b| !matches!(b, Block::ToolResult { .. })).collect();
    let mut shown = Vec::new();
    for (k, result) in results.iter().enumerate() {
        if k > 0 {
            out.push(b',');
        }
        if let Block::ToolResult { id, blocks, is_error, extra } = result {
            note_lost(extra, &at, diagnostics);
            if *is_error {
                diagnostics.record(DiagnosticCode::ExtraDropped, &at, "is_error");
            }
            // A tool says text; what it shows, the user shows after it. Where it is a message of its own more may follow.
            let (media, said): (Vec<&Block>, Vec<&Block>) =
                blocks.iter().partition(|b| message.role != Role::Tool && is_media(b));
            if !media.is_empty() {
                diagnostics.record(
                    DiagnosticCode::ContentRewritten,
                    &at,
                    "what a tool's result shows, as what the user shows",
                );
            }
            shown.extend(media);
            let mut object = Object::new();
            object.set("role", "\"tool\"");
            // Among a user's words a result stands in parts, whatever it is itself.
            let parts = message.content_was_parts && message.role == Role::Tool;
            object.set(
                "content",
                content(message, &said, parts, i, diagnostics).unwrap_or_else(|| encode_string("")),
            );
            object.set("tool_call_id", encode_string(id));
            finish(message, object, out);
        }
    }
    shown.append(&mut rest);
    let rest = shown;
    if rest.is_empty() && !results.is_empty() {
        return;
    }
    if !results.is_empty() {
        out.push(b',');
    }
    let mut object = Object::new();
    let role = if results.is_empty() { message.role } else { Role::User };
    object.set("role", encode_string(role.as_str()));
    let text = content(message, &rest, message.content_was_parts, i, diagnostics);
    let assistant = message.role == Role::Assistant;
    object.set("content", text.unwrap_or_else(|| String::from(if assistant { "null" } else { "\"\"" })));
    let (mut calls, mut thoughts) = (Vec::new(), String::new());
    for block in &rest {
        match block {
            Block::ToolCall { id, name, arguments, signature, extra } => {
                note_lost(extra, &at, diagnostics);
                calls.push(tool_call::write(id, name, arguments, signature.as_deref(), extra));
            }
            Block::Refusal(words) => object.set("refusal", words.to_json()),
            Block::Reasoning { text, .. } => thoughts.push_str(text),
            _ => {}
        }
    }
    if !thoughts.is_empty() {
        object.set("reasoning_content", encode_string(&thoughts));
    }
    if let Some(details) = reasoning_details::details(rest.iter().copied()) {
        object.set("reasoning_details", details);
    }
    if !calls.is_empty() {
        object.set("tool_calls", format!("[{}]", calls.join(",")));
    }
    finish(message, object, out);
}

/// A part with the members that stood beside what it is.
fn beside(part: String, extra: &ExtraFields) -> String {
    let own = extra.of(NAME);
    let Some(mut object) = Object::parse(part.as_bytes()).ok().filter(|_| !own.is_empty()) else {
        return part;
    };
    for (key, value) in own {
        object.set(key.as_str(), value.get());
    }
    object.to_json()
}

fn is_media(block: &Block) -> bool {
    matches!(block, Block::Image(_) | Block::Audio(_) | Block::File(_))
}

fn finish(message: &Message, mut object: Object<'_>, out: &mut Vec<u8>) {
    if let Some(name) = &message.name {
        object.set("name", encode_string(name));
    }
    for (key, value) in message.extra.of(NAME) {
        object.set(key.trim_start_matches('.').to_owned(), value.get().to_owned());
    }
    object.write(out);
}

/// The content of a message: a string where one text is all there is, else a list of parts; `None` if there is none.
fn content(
    message: &Message,
    blocks: &[&Block],
    was_parts: bool,
    i: usize,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    if let Some(joined) = joined(message, blocks, i, diagnostics) {
        return Some(joined);
    }
    let mut parts = Vec::new();
    let mut only_text = None;
    for block in blocks {
        let part = match block {
            Block::Text { text, extra } => {
                note_lost(extra, &format!("messages[{i}].content"), diagnostics);
                only_text = Some(text).filter(|_| extra.of(NAME).is_empty());
                let mut object = Object::new();
                object.set("type", "\"text\"");
                object.set("text", text.to_json());
                for (key, value) in extra.of(NAME) {
                    object.set(key.as_str(), value.get());
                }
                object.to_json()
            }
            Block::Image(image) if matches!(image.source, MediaSource::FileId(_)) => {
                diagnostics.record(
                    DiagnosticCode::FeatureUnsupported,
                    &format!("messages[{i}].content"),
                    "an image by its id",
                );
                continue;
            }
            Block::Image(image) => {
                note_lost(&image.extra, &format!("messages[{i}].content"), diagnostics);
                let detail = image
                    .detail
                    .as_deref()
                    .map(|d| format!(",\"detail\":{}", encode_string(d)))
                    .unwrap_or_default();
                let url = encode_string(&url(&image.source));
                beside(format!(r#"{{"type":"image_url","image_url":{{"url":{url}{detail}}}}}"#), &image.extra)
            }
            Block::Audio(audio) => match &audio.source {
                MediaSource::Base64 { media_type, data } => {
                    let format = media_type.strip_prefix("audio/").unwrap_or(media_type);
                    format!(
                        r#"{{"type":"input_audio","input_audio":{{"data":{},"format":{}}}}}"#,
                        encode_string(data),
                        encode_string(format)
                    )
                }
                _ => {
                    diagnostics.record(
                        DiagnosticCode::FeatureUnsupported,
                        &format!("messages[{i}].content"),
                        "audio by address",
                    );
                    continue;
                }
            },
            Block::File(file) => {
                note_lost(&file.extra, &format!("messages[{i}].content"), diagnostics);
                let mut inner = Object::new();
                let unnamed = matches!(file.source, MediaSource::Base64 { .. }).then_some("document.pdf");
                if let Some(name) = file.name.as_deref().or(unnamed) {
                    inner.set("filename", encode_string(name));
                }
                if let Some((_, own)) = file.extra.of(NAME).iter().find(|(key, _)| key == ".file") {
                    parts.push(format!(r#"{{"type":"file","file":{}}}"#, own.get()));
                    continue;
                }
                if matches!(file.source, MediaSource::Url(_)) {
                    let at = format!("messages[{i}].content");
                    diagnostics.record(DiagnosticCode::FeatureUnsupported, &at, "a document by its address");
                    continue;
                }
                match &file.source {
                    MediaSource::FileId(id) => inner.set("file_id", encode_string(id)),
                    source => inner.set("file_data", encode_string(&url(source))),
                }
                beside(format!(r#"{{"type":"file","file":{}}}"#, inner.to_json()), &file.extra)
            }
            Block::Native { dialect: NAME, raw } => raw.get().to_owned(),
            Block::Native { .. } => {
                let at = format!("messages[{i}].content");
                diagnostics.record(DiagnosticCode::FeatureUnsupported, &at, "a part of another dialect");
                continue;
            }
            Block::Reasoning { .. }
            | Block::Refusal(_)
            | Block::ToolCall { .. }
            | Block::ToolResult { .. } => continue,
        };
        parts.push(part);
    }
    match (parts.len(), only_text) {
        (0, _) => None,
        (1, Some(text)) if !was_parts => Some(text.to_json()),
        _ => Some(format!("[{}]", parts.join(","))),
    }
}

/// The texts of another dialect's message, where there is nothing else: lists of parts are not read everywhere. The model's
/// own words go on where they were cut.
fn joined(message: &Message, blocks: &[&Block], i: usize, diagnostics: &mut Diagnostics) -> Option<String> {
    let foreign = |dialect: &str| !matches!(dialect, "" | NAME);
    let (mut texts, mut lost) = (Vec::new(), 0);
    for block in blocks {
        match block {
            Block::Text { text, extra } if foreign(extra.dialect) => texts.push((text, extra)),
            Block::Native { dialect, .. } if foreign(dialect) => lost += 1,
            Block::Reasoning { .. } | Block::ToolCall { .. } => {}
            _ => return None,
        }
    }
    if texts.is_empty() {
        return None;
    }
    let at = format!("messages[{i}].content");
    (0..lost).for_each(|_| {
        diagnostics.record(DiagnosticCode::FeatureUnsupported, &at, "a part of another dialect")
    });
    for (_, extra) in &texts {
        note_lost(extra, &at, diagnostics);
    }
    let texts = texts.into_iter().map(|(text, _)| text).filter(|text| !text.is_empty());
    Some(Text::join_json(texts, if message.role == Role::Assistant { "" } else { "\n\n" }))
}

fn url(source: &MediaSource) -> String {
    match source {
        MediaSource::Url(url) => url.clone(),
        MediaSource::Base64 { media_type, data } => format!("data:{media_type};base64,{data}"),
        MediaSource::FileId(id) => id.clone(),
    }
}
