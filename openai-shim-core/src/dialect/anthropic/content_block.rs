//! Content blocks, in requests and answers.
//!
//! <https://docs.anthropic.com/en/api/messages#body-messages-content>

use super::{FORMAT, NAME};
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFieldList, ExtraFields, Media, MediaSource, REASONING_DETAILS,
    Text, WHOLE_BLOCK, call_id, issuer,
};
use crate::json::{Object, ValueKind, encode_string, items, raw, string_or_json, value_kind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::borrow::Cow;

/// Members without a place in the canonical model. Always of this dialect, also when there are none: so a block that came
/// in a list is told from one that came as a bare string.
pub(super) fn leftovers(object: &Object<'_>, known: &[&str]) -> ExtraFields {
    let members = object.iter().filter(|(k, _)| !known.contains(k)).map(|(k, v)| (k.to_owned(), raw(v)));
    ExtraFields::new(NAME, members.collect())
}

/// Reads content in either shape; whether it came as a list. `None` if it is neither a text nor a list of blocks.
pub(super) fn read_content(value: &str, out: &mut Vec<Block>) -> Option<bool> {
    read_content_in(value, 0, out)
}

/// How deep blocks may stand in one another; the API itself takes them in results and documents, and in these none that
/// have content. What stands deeper is not looked into.
const DEEPEST: usize = 4;

fn read_content_in(value: &str, depth: usize, out: &mut Vec<Block>) -> Option<bool> {
    match value_kind(value) {
        ValueKind::String => {
            // One text is all there is of nearly every message.
            out.reserve_exact(1);
            out.push(Block::text(Text::from_json(value)));
            Some(false)
        }
        ValueKind::Array => {
            let listed = items(value)?;
            out.reserve_exact(listed.len());
            for item in listed {
                out.push(read_in(item, depth)?);
            }
            Some(true)
        }
        _ => None,
    }
}

/// Reads a block; `None` if it is none.
pub(super) fn read(item: &str) -> Option<Block> {
    read_in(item, 0)
}

fn read_in(item: &str, depth: usize) -> Option<Block> {
    if value_kind(item) == ValueKind::String {
        return Some(Block::Text { text: Text::from_json(item), extra: ExtraFields::new(NAME, Vec::new()) });
    }
    let object = Object::parse(item.as_bytes()).ok()?;
    let kind = object.str("type")?;
    let of = |key: &str| object.get(key).map(string_or_json).unwrap_or_default().into_owned();
    let native = || Block::Native { dialect: NAME, raw: raw(item) };
    Some(match kind.as_ref() {
        "text" => Block::Text {
            text: object.get("text").map(Text::from_json).unwrap_or_default(),
            extra: leftovers(&object, &["type", "text"]),
        },
        "thinking" => read_thinking(&object),
        "redacted_thinking" => {
            let data = of("data");
            let (signature, extra) = match issuer::split_issuer(&data) {
                Some((signature, mut extra)) => {
                    extra.members.extend(encrypted().into_iter().filter(|(key, _)| key == "type"));
                    (signature.to_owned(), extra)
                }
                None => (data, ExtraFields::new(REASONING_DETAILS, encrypted())),
            };
            Block::Reasoning { text: "".into(), signature: Some(signature.into()), extra }
        }
        "tool_use" => {
            let (id, signature) = carried(of("id"));
            Block::ToolCall {
                id,
                name: of("name"),
                arguments: object.non_null("input").map_or(Cow::Borrowed("{}"), string_or_json).into_owned(),
                signature: signature.map(Into::into),
                extra: leftovers(&object, &["type", "id", "name", "input"]),
            }
        }
        "tool_result" | "document" | "search_result" if depth >= DEEPEST => native(),
        "tool_result" => {
            let mut blocks = Vec::new();
            if let Some(content) = object.non_null("content") {
                read_content_in(content, depth + 1, &mut blocks)?;
            }
            let is_error = object.bool("is_error") == Some(true);
            let mut extra = leftovers(&object, &["type", "tool_use_id", "content", "is_error"]);
            if let Some(said) = object.get("is_error").filter(|_| !is_error) {
                extra.members.push((String::from("is_error"), raw(said)));
            }
            Block::ToolResult { id: carried(of("tool_use_id")).0, blocks, is_error, extra }
        }
        "image" => match read_source(&object) {
            Some(source) => {
                let mut image = Media::new(source);
                image.extra = leftovers(&object, &["type", "source"]);
                Block::Image(Box::new(image))
            }
            None => native(),
        },
        "document" | "search_result" => read_document(item, &object, depth),
        _ => native(),
    })
}

/// The id of a call, and the signature that it carries for want of another place.
fn carried(id: String) -> (String, Option<String>) {
    match call_id::detach(&id) {
        Some((own, signature)) => (own.to_owned(), Some(signature)),
        None => (id, None),
    }
}

/// The id of a call, with the signature that must come back with it.
pub(super) fn carrying<'i>(
    id: &'i str,
    signature: Option<&str>,
    at: &str,
    diagnostics: &mut Diagnostics,
) -> Cow<'i, str> {
    let Some(signature) = signature.filter(|signature| !call_id::holds(id, signature)) else {
        return Cow::Borrowed(id);
    };
    call_id::attach(id, signature).map_or_else(
        || {
            diagnostics.record(
                DiagnosticCode::FeatureUnsupported,
                at,
                "the signature of a call, too long for its id",
            );
            Cow::Borrowed(id)
        },
        Cow::Owned,
    )
}

/// What the members of an encrypted form say of it.
pub(super) fn encrypted() -> Vec<(String, Box<serde_json::value::RawValue>)> {
    vec![
        (String::from("type"), raw("\"reasoning.encrypted\"")),
        (String::from("format"), raw(encode_string(FORMAT))),
    ]
}

fn read_thinking(object: &Object<'_>) -> Block {
    let mut signature = object.str("signature").filter(|s| !s.is_empty()).map(Cow::into_owned);
    let mut extra = leftovers(object, &["type", "thinking", "signature"]);
    let sealed =
        signature.as_deref().and_then(issuer::split_issuer).map(|(own, made)| (own.to_owned(), made));
    if let Some((own, made)) = sealed {
        (signature, extra) = (Some(own), made);
    }
    if extra.is_empty() && signature.is_some() {
        extra =
            ExtraFields::new(REASONING_DETAILS, vec![(String::from("format"), raw(encode_string(FORMAT)))]);
    }
    let text = object.get("thinking").map(string_or_json).unwrap_or_default().into_owned();
    Block::Reasoning { text: text.into(), signature: signature.map(Into::into), extra }
}

fn read_source(object: &Object<'_>) -> Option<MediaSource> {
    let source = object.object("source")?;
    let of = |key: &str| source.str(key).map(Cow::into_owned);
    match source.str("type")?.as_ref() {
        "base64" => Some(MediaSource::Base64 { media_type: of("media_type")?, data: of("data")? }),
        "url" => of("url").map(MediaSource::Url),
        "file" => of("file_id").map(MediaSource::FileId),
        _ => None,
    }
}

/// A document is a file, or, where it is made of text, text that remembers what it was.
fn read_document(item: &str, object: &Object<'_>, depth: usize) -> Block {
    if let Some(source) = read_source(object) {
        let mut file = Media::new(source);
        file.name = object.str("title").map(Cow::into_owned);
        file.extra = leftovers(object, &["type", "source", "title"]);
        return Block::File(Box::new(file));
    }
    let source = object.object("source").unwrap_or_default();
    let plain = source.str("data").map(Cow::into_owned);
    let list = source.get("content").or_else(|| object.get("content"));
    let words = plain.or_else(|| {
        let mut blocks = Vec::new();
        read_content_in(list?, depth + 1, &mut blocks)?;
        blocks.iter().map(Block::as_text).collect::<Option<Vec<_>>>().map(|texts| texts.join("\n"))
    });
    match words {
        Some(text) => Block::Text {
            text: text.into(),
            extra: ExtraFields::new(NAME, vec![(WHOLE_BLOCK.to_owned(), raw(item))]),
        },
        None => Block::Native { dialect: NAME, raw: raw(item) },
    }
}

/// Writes a block; `None`, and a note, if this dialect cannot say it.
pub(super) fn write(block: &Block, at: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    let lost = |diagnostics: &mut Diagnostics, why: &str| {
        diagnostics.record(DiagnosticCode::FeatureUnsupported, at, why);
        None
    };
    Some(match block {
        Block::Text { text, extra } => return Some(write_text(text, extra, at, diagnostics)),
        Block::Refusal(words) => write_text(words, &ExtraFields::default(), at, diagnostics),
        Block::Reasoning { text, signature, extra } => {
            if signature.is_none() && extra.dialect != NAME {
                return lost(diagnostics, "reasoning without a signature");
            }
            write_thinking(text, signature.as_deref().unwrap_or_default(), extra)
        }
        Block::Image(image) => match source(&image.source) {
            Some(source) => {
                if image.detail.as_deref().is_some_and(|detail| detail != "auto") {
                    diagnostics.record(DiagnosticCode::ExtraDropped, at, "detail");
                }
                media("image", source, None, &image.extra, at, diagnostics)
            }
            None => return lost(diagnostics, "an image that is no URL and no base64"),
        },
        Block::Audio(_) => return lost(diagnostics, "audio"),
        Block::File(file) => match document(&file.source) {
            Some(source) => media("document", source, file.name.as_deref(), &file.extra, at, diagnostics),
            None => return lost(diagnostics, "a file that is neither PDF nor text"),
        },
        Block::ToolCall { id, name, arguments, signature, extra } => {
            note_lost(extra, at, diagnostics);
            let id = carrying(id, signature.as_deref(), at, diagnostics);
            tool_use(&id, name, &input(arguments, at, diagnostics), extra)
        }
        Block::ToolResult { id, blocks, is_error, extra } => {
            note_lost(extra, at, diagnostics);
            let mut object = Object::new();
            object.set("type", "\"tool_result\"");
            object.set("tool_use_id", encode_string(id));
            if let Some(content) = content(blocks, at, diagnostics) {
                object.set("content", content);
            }
            if *is_error {
                object.set("is_error", "true");
            }
            with(object, extra)
        }
        Block::Native { dialect: NAME, raw } => raw.get().to_owned(),
        Block::Native { .. } => return lost(diagnostics, "a part of another dialect"),
    })
}

/// A cache breakpoint: this API's own idea, which its users put into messages of other dialects too.
const CACHE: &str = "cache_control";

/// Notes members that came from another dialect.
pub(super) fn note_lost(extra: &ExtraFieldList, at: &str, diagnostics: &mut Diagnostics) {
    extra
        .dropped_keys(NAME)
        .filter(|key| *key != CACHE)
        .for_each(|key| diagnostics.record(DiagnosticCode::ExtraDropped, at, key));
}

/// Members that this dialect knows.
pub(super) fn own(extra: &ExtraFields) -> impl Iterator<Item = (&str, &str)> {
    let ours = extra.dialect == NAME;
    let known = move |(key, _): &(&str, &str)| ours || *key == CACHE;
    extra.members.iter().map(|(key, value)| (key.as_str(), value.get())).filter(known)
}

/// A block with its leftovers.
fn with(mut object: Object<'_>, extra: &ExtraFields) -> String {
    for (key, value) in own(extra) {
        object.set(key.to_owned(), value.to_owned());
    }
    object.to_json()
}

fn write_text(text: &Text, extra: &ExtraFields, at: &str, diagnostics: &mut Diagnostics) -> String {
    note_lost(extra, at, diagnostics);
    let mut object = Object::new();
    object.set("type", "\"text\"");
    object.set("text", text.to_json());
    let mut citations = Vec::new();
    for (key, value) in own(extra) {
        match key {
            WHOLE_BLOCK => return value.to_owned(),
            "citation" => citations.push(value),
            _ => object.set(key, value),
        }
    }
    if !citations.is_empty() {
        object.set("citations", format!("[{}]", citations.join(",")));
    }
    object.to_json()
}

/// Thinking, or its encrypted form.
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
    with(object, extra)
}

/// A call of a tool; `input` is JSON.
pub(super) fn tool_use(id: &str, name: &str, input: &str, extra: &ExtraFields) -> String {
    let mut object = Object::new();
    object.set("type", "\"tool_use\"");
    object.set("id", encode_string(id));
    object.set("name", encode_string(name));
    object.set("input", input.to_owned());
    with(object, extra)
}

/// Arguments as the object that they must be here.
pub(super) fn input<'a>(arguments: &'a str, at: &str, diagnostics: &mut Diagnostics) -> Cow<'a, str> {
    if arguments.trim().is_empty() {
        return Cow::Borrowed("{}");
    }
    let valid = serde_json::from_str::<serde::de::IgnoredAny>(arguments).is_ok();
    match (valid, value_kind(arguments)) {
        (true, ValueKind::Object) => Cow::Borrowed(arguments),
        (true, ValueKind::Null) => Cow::Borrowed("{}"),
        (true, _) => {
            diagnostics.record(DiagnosticCode::ToolArgumentsShaped, at, "not an object");
            Cow::Owned(format!("{{\"arguments\":{arguments}}}"))
        }
        (false, _) => {
            diagnostics.record(DiagnosticCode::ToolArgumentsInvalid, at, "");
            Cow::Owned(format!("{{\"arguments\":{}}}", encode_string(arguments)))
        }
    }
}

/// Content: a string where one bare text is all there is; `None` if there is nothing.
pub(super) fn content(blocks: &[Block], at: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    match blocks {
        [] => None,
        [Block::Text { text, extra }] if extra.dialect.is_empty() => Some(text.to_json()),
        _ => {
            let parts: Vec<_> = blocks.iter().filter_map(|block| write(block, at, diagnostics)).collect();
            Some(format!("[{}]", parts.join(",")))
        }
    }
}

fn media(
    kind: &str,
    source: String,
    title: Option<&str>,
    extra: &ExtraFields,
    at: &str,
    diagnostics: &mut Diagnostics,
) -> String {
    note_lost(extra, at, diagnostics);
    let mut object = Object::new();
    object.set("type", encode_string(kind));
    object.set("source", source);
    if let Some(title) = title {
        object.set("title", encode_string(title));
    }
    with(object, extra)
}

fn source(source: &MediaSource) -> Option<String> {
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

/// Only PDF comes as base64; text comes as text.
fn document(from: &MediaSource) -> Option<String> {
    match from {
        MediaSource::Base64 { media_type, .. } if media_type == "application/pdf" => source(from),
        MediaSource::Base64 { media_type, data } if media_type.starts_with("text/") => {
            let text = String::from_utf8(unbase64(data)?).ok()?;
            Some(format!(r#"{{"type":"text","media_type":"text/plain","data":{}}}"#, encode_string(&text)))
        }
        MediaSource::Base64 { .. } => None,
        _ => source(from),
    }
}

/// The bytes of base64, standard or URL-safe, padded or not.
fn unbase64(data: &str) -> Option<Vec<u8>> {
    let standard = |c: char| match c {
        '-' => '+',
        '_' => '/',
        other => other,
    };
    let plain: String = data.chars().filter(|c| !c.is_whitespace() && *c != '=').map(standard).collect();
    STANDARD_NO_PAD.decode(plain).ok()
}
