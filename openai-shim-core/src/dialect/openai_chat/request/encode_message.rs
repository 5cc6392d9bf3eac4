//! One canonical [`Message`] to a request's JSON, as one message or several.

use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFields, Media, MediaSource, Message, Role, Text,
};
use crate::dialect::openai_chat::extra_fields::NAME;
use crate::dialect::openai_chat::{reasoning_details, tool_call};
use crate::json::{Object, encode_string};

/// Whether this dialect can express anything of a message; an empty message counts.
pub(super) fn is_expressible(message: &Message) -> bool {
    let is_lost = |block: &Block| match block {
        Block::Native { dialect, .. } => *dialect != NAME,
        Block::Reasoning { text, .. } => text.is_empty(),
        _ => false,
    };
    message.blocks.is_empty() || !message.blocks.iter().all(is_lost)
}

/// Writes a message that was changed or came in another dialect. Each tool result in it is a message here.
pub(super) fn encode(message: &Message, out: &mut Vec<u8>, i: usize, diagnostics: &mut Diagnostics) {
    let field_path = format!("messages[{i}]");
    message.extra.report_lost(NAME, &field_path, diagnostics);
    let is_result = |block: &&Block| matches!(block, Block::ToolResult { .. });
    let (results, mut others): (Vec<&Block>, Vec<&Block>) = message.blocks.iter().partition(is_result);
    let mut blocks = Vec::new();
    for (k, result) in results.iter().enumerate() {
        if k > 0 {
            out.push(b',');
        }
        if let Block::ToolResult { id, blocks: result, is_error, extra } = result {
            extra.report_lost(NAME, &field_path, diagnostics);
            if *is_error {
                diagnostics.record(DiagnosticCode::ExtraDropped, &field_path, "is_error");
            }
            // A tool's message has text only: media of its result go into a user message after it. A result that is a message
            // of its own keeps them, since another result may have to follow it.
            let (media, text): (Vec<&Block>, Vec<&Block>) =
                result.iter().partition(|b| message.role != Role::Tool && is_media(b));
            if !media.is_empty() {
                diagnostics.record(
                    DiagnosticCode::ContentRewritten,
                    &field_path,
                    "what a tool's result shows, as what the user shows",
                );
            }
            blocks.extend(media);
            let mut object = Object::new();
            object.set("role", "\"tool\"");
            // A result inside a user message came in content parts, whatever the shape of its own content.
            let was_parts = message.content_was_parts && message.role == Role::Tool;
            let content = encode_content(message, &text, was_parts, i, diagnostics);
            object.set("content", content.unwrap_or_else(|| encode_string("")));
            object.set("tool_call_id", encode_string(id));
            write_message(message, object, out);
        }
    }
    blocks.append(&mut others);
    if results.is_empty() {
        let object = encode_blocks(message, message.role, &blocks, i, diagnostics);
        write_message(message, object, out);
    } else if !blocks.is_empty() {
        out.push(b',');
        let object = encode_blocks(message, Role::User, &blocks, i, diagnostics);
        write_message(message, object, out);
    }
}

/// Returns a message with all blocks but tool results.
fn encode_blocks(
    message: &Message,
    role: Role,
    blocks: &[&Block],
    i: usize,
    diagnostics: &mut Diagnostics,
) -> Object<'static> {
    let mut object = Object::new();
    object.set("role", encode_string(role.as_str()));
    let content = encode_content(message, blocks, message.content_was_parts, i, diagnostics);
    let no_content = if message.role == Role::Assistant { "null" } else { "\"\"" };
    object.set("content", content.unwrap_or_else(|| String::from(no_content)));
    let (mut calls, mut reasoning) = (Vec::new(), String::new());
    for block in blocks {
        match block {
            Block::ToolCall { id, name, arguments, signature, extra } => {
                extra.report_lost(NAME, &format!("messages[{i}]"), diagnostics);
                calls.push(tool_call::write(id, name, arguments, signature.as_deref(), extra));
            }
            Block::Refusal(text) => object.set("refusal", text.to_json()),
            Block::Reasoning { text, .. } => reasoning.push_str(text),
            _ => {}
        }
    }
    if !reasoning.is_empty() {
        object.set("reasoning_content", encode_string(&reasoning));
    }
    if let Some(details) = reasoning_details::write(blocks.iter().copied()) {
        object.set(reasoning_details::FIELD, details);
    }
    if !calls.is_empty() {
        object.set("tool_calls", format!("[{}]", calls.join(",")));
    }
    object
}

/// Adds the fields that every message may have, and writes the message.
fn write_message(message: &Message, mut object: Object<'_>, out: &mut Vec<u8>) {
    if let Some(name) = &message.name {
        object.set("name", encode_string(name));
    }
    for (key, value) in message.extra.of(NAME) {
        object.set(key.trim_start_matches('.').to_owned(), value.get().to_owned());
    }
    object.write(out);
}

fn is_media(block: &Block) -> bool {
    matches!(block, Block::Image(_) | Block::Audio(_) | Block::File(_))
}

/// Writes content: a string for a single text, else a list of content parts; `None` if there is none.
fn encode_content(
    message: &Message,
    blocks: &[&Block],
    was_parts: bool,
    i: usize,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    if let Some(joined) = join_texts(message, blocks, i, diagnostics) {
        return Some(joined);
    }
    let content_path = format!("messages[{i}].content");
    if let Some((text, extra)) = single_text(blocks).filter(|_| !was_parts) {
        extra.report_lost(NAME, &content_path, diagnostics);
        return Some(text.to_json());
    }
    let mut parts = Vec::new();
    let mut plain_text = None;
    for block in blocks {
        if let Block::Text { text, extra } = block {
            plain_text = Some(text).filter(|_| extra.of(NAME).is_empty());
        }
        parts.extend(encode_part(block, &content_path, diagnostics));
    }
    match (parts.len(), plain_text) {
        (0, _) => None,
        (1, Some(text)) if !was_parts => Some(text.to_json()),
        _ => Some(format!("[{}]", parts.join(","))),
    }
}

/// Returns the text of a message with no other content, if it is a string in this dialect.
fn single_text<'b>(blocks: &[&'b Block]) -> Option<(&'b Text, &'b ExtraFields)> {
    let is_content = |block: &&&Block| match block {
        Block::Reasoning { .. } | Block::Refusal(_) | Block::ToolCall { .. } | Block::ToolResult { .. } => {
            false
        }
        Block::Text { .. } | Block::Image(_) | Block::Audio(_) | Block::File(_) | Block::Native { .. } => {
            true
        }
    };
    let mut contents = blocks.iter().filter(is_content);
    match (contents.next(), contents.next()) {
        (Some(Block::Text { text, extra }), None) if extra.of(NAME).is_empty() => Some((text, extra)),
        _ => None,
    }
}

/// Writes a content part; `None` for blocks that are none, and with a diagnostic for those that OpenAI does not have.
fn encode_part(block: &Block, content_path: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    let mut unsupported = |what: &str| {
        diagnostics.record(DiagnosticCode::FeatureUnsupported, content_path, what);
        None
    };
    match block {
        Block::Text { text, extra } => {
            extra.report_lost(NAME, content_path, diagnostics);
            let mut object = Object::new();
            object.set("type", "\"text\"");
            object.set("text", text.to_json());
            for (key, value) in extra.of(NAME) {
                object.set(key.as_str(), value.get());
            }
            Some(object.to_json())
        }
        Block::Image(image) if matches!(image.source, MediaSource::FileId(_)) => {
            unsupported("an image by its id")
        }
        Block::Image(image) => {
            image.extra.report_lost(NAME, content_path, diagnostics);
            let detail = image
                .detail
                .as_deref()
                .map(|d| format!(",\"detail\":{}", encode_string(d)))
                .unwrap_or_default();
            let url = encode_string(&url(&image.source));
            let part = format!(r#"{{"type":"image_url","image_url":{{"url":{url}{detail}}}}}"#);
            Some(with_extra(part, &image.extra))
        }
        Block::Audio(audio) => match &audio.source {
            MediaSource::Base64 { media_type, data } => {
                let format = media_type.strip_prefix("audio/").unwrap_or(media_type);
                Some(format!(
                    r#"{{"type":"input_audio","input_audio":{{"data":{},"format":{}}}}}"#,
                    encode_string(data),
                    encode_string(format)
                ))
            }
            _ => unsupported("audio by address"),
        },
        Block::File(file) => encode_file(file, content_path, diagnostics),
        Block::Native { dialect: NAME, raw } => Some(raw.get().to_owned()),
        Block::Native { .. } => unsupported("a part of another dialect"),
        Block::Reasoning { .. } | Block::Refusal(_) | Block::ToolCall { .. } | Block::ToolResult { .. } => {
            None
        }
    }
}

fn encode_file(file: &Media, content_path: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    file.extra.report_lost(NAME, content_path, diagnostics);
    if let Some((_, source)) = file.extra.of(NAME).iter().find(|(key, _)| key == ".file") {
        return Some(format!(r#"{{"type":"file","file":{}}}"#, source.get()));
    }
    if matches!(file.source, MediaSource::Url(_)) {
        diagnostics.record(DiagnosticCode::FeatureUnsupported, content_path, "a document by its address");
        return None;
    }
    let mut inner = Object::new();
    let default_name = matches!(file.source, MediaSource::Base64 { .. }).then_some("document.pdf");
    if let Some(name) = file.name.as_deref().or(default_name) {
        inner.set("filename", encode_string(name));
    }
    match &file.source {
        MediaSource::FileId(id) => inner.set("file_id", encode_string(id)),
        source => inner.set("file_data", encode_string(&url(source))),
    }
    Some(with_extra(format!(r#"{{"type":"file","file":{}}}"#, inner.to_json()), &file.extra))
}

/// Adds this dialect's extra fields to a part.
fn with_extra(part: String, extra: &ExtraFields) -> String {
    let fields = extra.of(NAME);
    let Some(mut object) = Object::parse(part.as_bytes()).ok().filter(|_| !fields.is_empty()) else {
        return part;
    };
    for (key, value) in fields {
        object.set(key.as_str(), value.get());
    }
    object.to_json()
}

/// Joins the texts of another dialect's message where it has nothing else: not every server reads lists of parts. The model's
/// own texts are joined without a separator, since they continue where they were split.
fn join_texts(
    message: &Message,
    blocks: &[&Block],
    i: usize,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    let is_other = |dialect: &str| !matches!(dialect, "" | NAME);
    let (mut texts, mut dropped) = (Vec::new(), 0);
    for block in blocks {
        match block {
            Block::Text { text, extra } if is_other(extra.dialect) => texts.push((text, extra)),
            Block::Native { dialect, .. } if is_other(dialect) => dropped += 1,
            Block::Reasoning { .. } | Block::ToolCall { .. } => {}
            _ => return None,
        }
    }
    if texts.is_empty() {
        return None;
    }
    let content_path = format!("messages[{i}].content");
    (0..dropped).for_each(|_| {
        diagnostics.record(DiagnosticCode::FeatureUnsupported, &content_path, "a part of another dialect");
    });
    for (_, extra) in &texts {
        extra.report_lost(NAME, &content_path, diagnostics);
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
