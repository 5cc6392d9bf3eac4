//! Content blocks of requests and responses: JSON to `Block` and back.
//!
//! <https://docs.anthropic.com/en/api/messages#body-messages-content>

use super::client_tools;
use super::extra_fields::{self, report_lost, write_with};
use super::names::{NAME, SIGNATURE_FORMAT};
use crate::canonical::{
    Block, COMPACTION, DiagnosticCode, Diagnostics, ExtraFields, Media, MediaSource, REASONING_DETAILS, Text,
    WHOLE_BLOCK, call_id, issuer,
};
use crate::json::{Object, RawJson, ValueKind, encode_string, items, raw, string_or_json, value_kind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::borrow::Cow;

/// Reads content: a string, or a list of blocks. Returns whether it is a list; `None` if it is neither.
pub(super) fn read_content(value: &str, out: &mut Vec<Block>) -> Option<bool> {
    read_content_at(value, 0, out)
}

/// How many blocks may contain one another. The API takes blocks in tool results and documents, and those may contain none
/// themselves. A block that is nested deeper is held as raw JSON.
const MAX_DEPTH: usize = 4;

fn read_content_at(value: &str, depth: usize, out: &mut Vec<Block>) -> Option<bool> {
    match value_kind(value) {
        ValueKind::String => {
            // Nearly every message has one text only.
            out.reserve_exact(1);
            out.push(Block::text(Text::from_json(value)));
            Some(false)
        }
        ValueKind::Array => {
            let listed = items(value)?;
            out.reserve_exact(listed.len());
            for item in listed {
                out.push(read_at(item, depth)?);
            }
            Some(true)
        }
        _ => None,
    }
}

/// Reads a block; `None` if the JSON is no block.
pub(super) fn read(item: &str) -> Option<Block> {
    read_at(item, 0)
}

fn read_at(item: &str, depth: usize) -> Option<Block> {
    if value_kind(item) == ValueKind::String {
        return Some(Block::Text { text: Text::from_json(item), extra: ExtraFields::new(NAME, Vec::new()) });
    }
    let object = Object::parse(item.as_bytes()).ok()?;
    let kind = object.str("type")?;
    let text_of = |key: &str| object.get(key).map(string_or_json).unwrap_or_default().into_owned();
    let native = || Block::Native { dialect: NAME, raw: raw(item) };
    Some(match kind.as_ref() {
        "text" => Block::Text {
            text: object.get("text").map(Text::from_json).unwrap_or_default(),
            extra: extra_fields::read(&object, &["type", "text"]),
        },
        "thinking" => read_thinking(&object),
        "redacted_thinking" => {
            let data = text_of("data");
            let (signature, extra) = match issuer::split_issuer(&data) {
                Some((signature, mut extra)) => {
                    extra.members.extend(encrypted_details().into_iter().filter(|(key, _)| key == "type"));
                    (signature.to_owned(), extra)
                }
                None => (data, ExtraFields::new(REASONING_DETAILS, encrypted_details())),
            };
            Block::Reasoning { text: "".into(), signature: Some(signature.into()), extra }
        }
        "tool_use" => {
            let (id, signature) = split_id(text_of("id"));
            let (mut name, mut extra) =
                (text_of("name"), extra_fields::read(&object, &["type", "id", "name", "input"]));
            client_tools::read_call(&object, &mut name, &mut extra);
            Block::ToolCall {
                id,
                name,
                arguments: object.non_null("input").map_or(Cow::Borrowed("{}"), string_or_json).into_owned(),
                signature: signature.map(Into::into),
                extra,
            }
        }
        "tool_result" | "document" | "search_result" if depth >= MAX_DEPTH => native(),
        "tool_result" => {
            let mut blocks = Vec::new();
            if let Some(content) = object.non_null("content") {
                read_content_at(content, depth + 1, &mut blocks)?;
            }
            let is_error = object.bool("is_error") == Some(true);
            let mut extra = extra_fields::read(&object, &["type", "tool_use_id", "content", "is_error"]);
            if let Some(value) = object.get("is_error").filter(|_| !is_error) {
                extra.members.push((String::from("is_error"), raw(value)));
            }
            Block::ToolResult { id: split_id(text_of("tool_use_id")).0, blocks, is_error, extra }
        }
        "image" => match read_source(&object) {
            Some(source) => {
                let mut image = Media::new(source);
                image.extra = extra_fields::read(&object, &["type", "source"]);
                Block::Image(Box::new(image))
            }
            None => native(),
        },
        "document" | "search_result" => read_document(item, &object, depth),
        "compaction" => match object.str("content").filter(|text| !text.is_empty()) {
            Some(text) => Block::Text {
                text: text.into(),
                extra: ExtraFields::new(NAME, vec![(COMPACTION.to_owned(), raw(item))]),
            },
            None => native(),
        },
        _ => native(),
    })
}

/// Splits a tool call's id from the signature that is attached to it.
fn split_id(id: String) -> (String, Option<String>) {
    match call_id::detach(&id) {
        Some((id, signature)) => (id.to_owned(), Some(signature)),
        None => (id, None),
    }
}

/// Attaches a tool call's signature to its id: this API has no field for it, and clients send ids back.
pub(super) fn id_with_signature<'i>(
    id: &'i str,
    signature: Option<&str>,
    field_path: &str,
    diagnostics: &mut Diagnostics,
) -> Cow<'i, str> {
    let Some(signature) = signature.filter(|signature| !call_id::holds(id, signature)) else {
        return Cow::Borrowed(id);
    };
    call_id::attach(id, signature).map_or_else(
        || {
            diagnostics.record(
                DiagnosticCode::FeatureUnsupported,
                field_path,
                "the signature of a call, too long for its id",
            );
            Cow::Borrowed(id)
        },
        Cow::Owned,
    )
}

/// Returns the `reasoning_details` fields of encrypted thinking.
pub(super) fn encrypted_details() -> Vec<(String, RawJson)> {
    vec![
        (String::from("type"), raw("\"reasoning.encrypted\"")),
        (String::from("format"), raw(encode_string(SIGNATURE_FORMAT))),
    ]
}

fn read_thinking(object: &Object<'_>) -> Block {
    let mut signature = object.str("signature").filter(|s| !s.is_empty()).map(Cow::into_owned);
    let mut extra = extra_fields::read(object, &["type", "thinking", "signature"]);
    let tagged = signature.as_deref().and_then(issuer::split_issuer);
    if let Some((untagged, issuer)) = tagged.map(|(untagged, issuer)| (untagged.to_owned(), issuer)) {
        (signature, extra) = (Some(untagged), issuer);
    }
    if extra.is_empty() && signature.is_some() {
        let format = (String::from("format"), raw(encode_string(SIGNATURE_FORMAT)));
        extra = ExtraFields::new(REASONING_DETAILS, vec![format]);
    }
    let text = object.get("thinking").map(string_or_json).unwrap_or_default().into_owned();
    Block::Reasoning { text: text.into(), signature: signature.map(Into::into), extra }
}

fn read_source(object: &Object<'_>) -> Option<MediaSource> {
    let source = object.object("source")?;
    let text_of = |key: &str| source.str(key).map(Cow::into_owned);
    match source.str("type")?.as_ref() {
        "base64" => Some(MediaSource::base64(text_of("media_type").unwrap_or_default(), text_of("data")?)),
        "url" => text_of("url").map(MediaSource::Url),
        "file" => text_of("file_id").map(MediaSource::FileId),
        _ => None,
    }
}

/// Reads a document or a search result: a file, or, if its content is text, a text with the block in its extra fields.
fn read_document(item: &str, object: &Object<'_>, depth: usize) -> Block {
    if let Some(source) = read_source(object) {
        let mut file = Media::new(source);
        file.name = object.str("title").map(Cow::into_owned);
        file.extra = extra_fields::read(object, &["type", "source", "title"]);
        return Block::File(Box::new(file));
    }
    let source = object.object("source").unwrap_or_default();
    let inline_text = source.str("data").map(Cow::into_owned);
    let list = source.get("content").or_else(|| object.get("content"));
    let text = inline_text.or_else(|| {
        let mut blocks = Vec::new();
        read_content_at(list?, depth + 1, &mut blocks)?;
        blocks.iter().map(Block::as_text).collect::<Option<Vec<_>>>().map(|texts| texts.join("\n"))
    });
    // What names the source stands in front of its text, for dialects without such blocks.
    let head = ["title", "source", "context"].iter().filter_map(|key| object.str(key));
    let head = head.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    // The wish to have it cited is lost for other dialects, and to be reported.
    let citations = object.non_null("citations").map(|value| ("citations".to_owned(), raw(value)));
    let members = [(WHOLE_BLOCK.to_owned(), raw(item))].into_iter().chain(citations).collect();
    match text {
        Some(text) => Block::Text {
            text: if head.is_empty() { text } else { format!("{head}\n{text}") }.into(),
            extra: ExtraFields::new(NAME, members),
        },
        None => Block::Native { dialect: NAME, raw: raw(item) },
    }
}

/// Writes a block; `None`, and a diagnostic, if this dialect has no such block.
pub(super) fn write(block: &Block, field_path: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    let unsupported = |diagnostics: &mut Diagnostics, why: &str| {
        diagnostics.record(DiagnosticCode::FeatureUnsupported, field_path, why);
        None
    };
    Some(match block {
        Block::Text { text, extra } => return Some(write_text(text, extra, field_path, diagnostics)),
        Block::Refusal(text) => write_text(text, &ExtraFields::default(), field_path, diagnostics),
        Block::Reasoning { text, signature, extra } => {
            if signature.is_none() && extra.dialect != NAME {
                return unsupported(diagnostics, "reasoning without a signature");
            }
            write_thinking(text, signature.as_deref().unwrap_or_default(), extra)
        }
        Block::Image(image) => match write_source(&image.source) {
            Some(source) => write_media(
                MediaBlock { block_type: "image", source, title: None, extra: &image.extra },
                field_path,
                diagnostics,
            ),
            None => return unsupported(diagnostics, "an image that is no URL and no base64"),
        },
        Block::Audio(_) => return unsupported(diagnostics, "audio"),
        Block::File(file) => match write_document_source(&file.source) {
            Some(source) => {
                let title = file.name.as_deref();
                write_media(
                    MediaBlock { block_type: "document", source, title, extra: &file.extra },
                    field_path,
                    diagnostics,
                )
            }
            None => return unsupported(diagnostics, "a file that is neither PDF nor text"),
        },
        Block::ToolCall { id, name, arguments, signature, extra } => {
            report_lost(extra, field_path, diagnostics);
            let id = id_with_signature(id, signature.as_deref(), field_path, diagnostics);
            tool_use(&id, name, &input_object(arguments, field_path, diagnostics), extra)
        }
        Block::ToolResult { id, blocks, is_error, extra } => {
            report_lost(extra, field_path, diagnostics);
            let mut object = Object::new();
            object.set("type", "\"tool_result\"");
            object.set("tool_use_id", encode_string(id));
            if let Some(content) = write_content(blocks, field_path, diagnostics) {
                object.set("content", content);
            }
            if *is_error {
                object.set("is_error", "true");
            }
            write_with(object, extra)
        }
        Block::Native { dialect: NAME, raw } => raw.as_str().to_owned(),
        Block::Native { .. } => return unsupported(diagnostics, "a part of another dialect"),
    })
}

fn write_text(text: &Text, extra: &ExtraFields, field_path: &str, diagnostics: &mut Diagnostics) -> String {
    report_lost(extra, field_path, diagnostics);
    let mut object = Object::new();
    object.set("type", "\"text\"");
    object.set("text", text.to_json());
    let mut citations = Vec::new();
    for (key, value) in extra_fields::accepted(extra) {
        match key {
            WHOLE_BLOCK | COMPACTION => return value.to_owned(),
            "citation" => citations.push(value),
            _ => object.set(key, value),
        }
    }
    if !citations.is_empty() {
        object.set("citations", format!("[{}]", citations.join(",")));
    }
    object.to_json()
}

/// Writes a `thinking` or a `redacted_thinking` block.
pub(super) fn write_thinking(text: &str, signature: &str, extra: &ExtraFields) -> String {
    let mut object = Object::new();
    if extra.detail("type").as_deref() == Some("reasoning.encrypted") && text.is_empty() {
        object.set("type", "\"redacted_thinking\"");
        object.set("data", encode_string(signature));
    } else {
        object.set("type", "\"thinking\"");
        object.set("thinking", encode_string(text));
        object.set("signature", encode_string(signature));
    }
    write_with(object, extra)
}

/// Writes a `tool_use` block; `input` is JSON.
pub(super) fn tool_use(id: &str, name: &str, input: &str, extra: &ExtraFields) -> String {
    let mut object = Object::new();
    object.set("type", "\"tool_use\"");
    object.set("id", encode_string(id));
    object.set("name", encode_string(name));
    object.set("input", input.to_owned());
    write_with(object, extra)
}

/// Returns arguments as the JSON object that this API requires; other values are wrapped into one.
pub(super) fn input_object<'a>(
    arguments: &'a str,
    field_path: &str,
    diagnostics: &mut Diagnostics,
) -> Cow<'a, str> {
    if arguments.trim().is_empty() {
        return Cow::Borrowed("{}");
    }
    let valid = serde_json::from_str::<serde::de::IgnoredAny>(arguments).is_ok();
    match (valid, value_kind(arguments)) {
        (true, ValueKind::Object) => Cow::Borrowed(arguments),
        (true, ValueKind::Null) => Cow::Borrowed("{}"),
        (true, _) => {
            diagnostics.record(DiagnosticCode::ToolArgumentsShaped, field_path, "not an object");
            Cow::Owned(format!("{{\"arguments\":{arguments}}}"))
        }
        (false, _) => {
            diagnostics.record(DiagnosticCode::ToolArgumentsInvalid, field_path, "");
            Cow::Owned(format!("{{\"arguments\":{}}}", encode_string(arguments)))
        }
    }
}

/// Writes content: a string if it is one text without fields, else a list; `None` if there are no blocks.
pub(super) fn write_content(
    blocks: &[Block],
    field_path: &str,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    match blocks {
        [] => None,
        [Block::Text { text, extra }] if extra.dialect.is_empty() => Some(text.to_json()),
        _ => {
            let parts: Vec<_> =
                blocks.iter().filter_map(|block| write(block, field_path, diagnostics)).collect();
            Some(format!("[{}]", parts.join(",")))
        }
    }
}

/// An `image` or `document` block.
struct MediaBlock<'b> {
    block_type: &'static str,
    /// JSON.
    source: String,
    title: Option<&'b str>,
    extra: &'b ExtraFields,
}

fn write_media(media: MediaBlock<'_>, field_path: &str, diagnostics: &mut Diagnostics) -> String {
    report_lost(media.extra, field_path, diagnostics);
    let mut object = Object::new();
    object.set("type", encode_string(media.block_type));
    object.set("source", media.source);
    if let Some(title) = media.title {
        object.set("title", encode_string(title));
    }
    write_with(object, media.extra)
}

fn write_source(source: &MediaSource) -> Option<String> {
    Some(match source {
        MediaSource::Url(url) if url.starts_with("data:") => return None,
        MediaSource::Url(url) => format!(r#"{{"type":"url","url":{}}}"#, encode_string(url)),
        MediaSource::Base64 { media_type, data } => {
            let (media_type, data) = (encode_string(media_type), encode_string(data));
            format!(r#"{{"type":"base64","media_type":{media_type},"data":{data}}}"#)
        }
        MediaSource::FileId(id) => format!(r#"{{"type":"file","file_id":{}}}"#, encode_string(id)),
    })
}

/// Writes the source of a document: PDF as base64, text as text; `None` for any other type.
fn write_document_source(document: &MediaSource) -> Option<String> {
    match document {
        MediaSource::Base64 { media_type, .. } if media_type == "application/pdf" => write_source(document),
        MediaSource::Base64 { media_type, data } if media_type.starts_with("text/") => {
            let text = String::from_utf8(decode_base64(data)?).ok()?;
            Some(format!(r#"{{"type":"text","media_type":"text/plain","data":{}}}"#, encode_string(&text)))
        }
        MediaSource::Base64 { .. } => None,
        _ => write_source(document),
    }
}

/// Decodes base64, standard or URL-safe, padded or not.
fn decode_base64(data: &str) -> Option<Vec<u8>> {
    let standard = |c: char| match c {
        '-' => '+',
        '_' => '/',
        other => other,
    };
    let unpadded: String = data.chars().filter(|c| !c.is_whitespace() && *c != '=').map(standard).collect();
    STANDARD_NO_PAD.decode(unpadded).ok()
}
