//! One canonical [`Message`] to a request's JSON, as one message or several.

use crate::canonical::media_type::audio_format;
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFields, Media, MediaSource, Message, REASONING_CONTENT,
    REASONING_TEXT, ReasoningField, Role, Text,
};
use crate::dialect::openai_chat::extra_fields::NAME;
use crate::dialect::openai_chat::reasoning_details;
use crate::dialect::openai_chat::tool_call::{self, CallKind};
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
pub(super) fn encode(
    message: &Message,
    reasoning_field: ReasoningField,
    out: &mut Vec<u8>,
    i: usize,
    diagnostics: &mut Diagnostics,
) {
    let field_path = format!("messages[{i}]");
    message.extra.report_lost(NAME, &field_path, diagnostics);
    let is_result = |block: &&Block| matches!(block, Block::ToolResult { .. });
    let (results, others): (Vec<&Block>, Vec<&Block>) = message.blocks.iter().partition(is_result);
    for (k, result) in results.iter().enumerate() {
        if k > 0 {
            out.push(b',');
        }
        if let Block::ToolResult { id, blocks: result, is_error, extra } = result {
            extra.report_lost(NAME, &field_path, diagnostics);
            if *is_error {
                diagnostics.record(DiagnosticCode::FeatureUnsupported, &field_path, "is_error");
            }
            let result: Vec<&Block> = result.iter().collect();
            let mut object = Object::new();
            object.set("role", "\"tool\"");
            // A result inside a user message came in content parts, whatever the shape of its own content.
            let was_parts = message.content_was_parts && message.role == Role::Tool;
            let content = encode_content(message, &result, was_parts, i, diagnostics);
            object.set("content", content.unwrap_or_else(|| encode_string("")));
            object.set("tool_call_id", encode_string(id));
            write_message(message, object, out);
        }
    }
    if results.is_empty() {
        let mut object = encode_blocks(message, message.role, &others, i, diagnostics);
        set_reasoning(message, reasoning_field, &mut object);
        write_message(message, object, out);
    } else if !others.is_empty() {
        out.push(b',');
        let object = encode_blocks(message, Role::User, &others, i, diagnostics);
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
    let mut calls = Vec::new();
    for block in blocks {
        match block {
            Block::ToolCall { id, name, arguments, signature, extra } => {
                extra.report_lost(NAME, &format!("messages[{i}]"), diagnostics);
                calls.push(tool_call::write(
                    CallKind::of_extra(extra),
                    id,
                    name,
                    arguments,
                    signature.as_deref(),
                    extra,
                ));
            }
            Block::Refusal(text) => object.set("refusal", text.to_json()),
            _ => {}
        }
    }
    if let Some(details) = reasoning_details::write(blocks.iter().copied()) {
        object.set(reasoning_details::FIELD, details);
    }
    if !calls.is_empty() {
        object.set("tool_calls", format!("[{}]", calls.join(",")));
    }
    object
}

/// Sets the reasoning, in the field or fields that the upstream reads, or else in the client's.
fn set_reasoning(message: &Message, field: ReasoningField, object: &mut Object<'_>) {
    let mut reasoning = String::new();
    for block in &message.blocks {
        if let Block::Reasoning { text, .. } = block {
            reasoning.push_str(text);
        }
    }
    if reasoning.is_empty() {
        return;
    }
    let was_text = message.extra.of(NAME).iter().any(|(key, _)| key == REASONING_TEXT);
    let was_content = message.extra.of(NAME).iter().any(|(key, _)| key == REASONING_CONTENT);
    let (in_content, in_text) = match field {
        ReasoningField::Any => (!was_text || was_content, was_text),
        ReasoningField::Reasoning => (false, true),
        ReasoningField::Both => (true, true),
        _ => (true, false),
    };
    let json = encode_string(&reasoning);
    if in_content {
        object.set("reasoning_content", json.clone());
    }
    if in_text {
        object.set("reasoning", json);
    }
}

/// Adds the fields that every message may have, and writes the message.
fn write_message(message: &Message, mut object: Object<'_>, out: &mut Vec<u8>) {
    if let Some(name) = &message.name {
        object.set("name", encode_string(name));
    }
    // A call in the legacy form is written in the newer one.
    let is_mark = |key: &str| [REASONING_TEXT, REASONING_CONTENT, ".function_call"].contains(&key);
    for (key, value) in message.extra.of(NAME).iter().filter(|(key, _)| !is_mark(key)) {
        object.set(key.trim_start_matches('.').to_owned(), value.as_str().to_owned());
    }
    object.write(out);
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
                object.set(key.as_str(), value.as_str());
            }
            Some(object.to_json())
        }
        Block::Image(image) => {
            image.extra.report_lost(NAME, content_path, diagnostics);
            let detail = image
                .detail
                .as_deref()
                .map(|d| format!(",\"detail\":{}", encode_string(d)))
                .unwrap_or_default();
            let url = encode_string(&image.source.to_url());
            let part = format!(r#"{{"type":"image_url","image_url":{{"url":{url}{detail}}}}}"#);
            Some(with_extra(part, &image.extra))
        }
        Block::Audio(audio) => match &audio.source {
            MediaSource::Base64 { media_type, data } => Some(format!(
                r#"{{"type":"input_audio","input_audio":{{"data":{},"format":{}}}}}"#,
                encode_string(data),
                encode_string(&audio_format(media_type))
            )),
            MediaSource::Url(_) | MediaSource::FileId(_) => unsupported("audio that is no base64"),
        },
        Block::File(file) => Some(encode_file(file, content_path, diagnostics)),
        Block::Native { dialect: NAME, raw } => Some(raw.as_str().to_owned()),
        Block::Native { .. } => unsupported("a part of another dialect"),
        Block::Reasoning { .. } | Block::Refusal(_) | Block::ToolCall { .. } | Block::ToolResult { .. } => {
            None
        }
    }
}

fn encode_file(file: &Media, content_path: &str, diagnostics: &mut Diagnostics) -> String {
    file.extra.report_lost(NAME, content_path, diagnostics);
    if let Some((_, part)) = file.extra.of(NAME).iter().find(|(key, _)| key == ".part") {
        return part.as_str().to_owned();
    }
    if let Some((_, source)) = file.extra.of(NAME).iter().find(|(key, _)| key == ".file") {
        return format!(r#"{{"type":"file","file":{}}}"#, source.as_str());
    }
    let mut inner = Object::new();
    let default_name = match &file.source {
        MediaSource::Base64 { media_type, .. } if media_type.starts_with("text/") => Some("document.txt"),
        MediaSource::Base64 { .. } => Some("document.pdf"),
        MediaSource::Url(_) | MediaSource::FileId(_) => None,
    };
    if let Some(name) = file.name.as_deref().or(default_name) {
        inner.set("filename", encode_string(name));
    }
    match &file.source {
        MediaSource::FileId(id) => inner.set("file_id", encode_string(id)),
        source => inner.set("file_data", encode_string(&source.to_url())),
    }
    with_extra(format!(r#"{{"type":"file","file":{}}}"#, inner.to_json()), &file.extra)
}

/// Adds this dialect's extra fields to a part.
fn with_extra(part: String, extra: &ExtraFields) -> String {
    let fields = extra.of(NAME);
    let Some(mut object) = Object::parse(part.as_bytes()).ok().filter(|_| !fields.is_empty()) else {
        return part;
    };
    for (key, value) in fields {
        object.set(key.as_str(), value.as_str());
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
