//! What items are made of: parts, and the members that have no place in the canonical model.

use super::NAME;
use crate::canonical::{Block, Citation, CitedSpan, ExtraFields, Media, MediaSource, Text, TextLength};
use crate::json::{Object, ValueKind, decode_string, encode_string, raw, string_or_json, value_kind};
use std::borrow::Cow;

/// The member of a block's extras that says: a new message item begins here, with these members.
pub(super) const ITEM: &str = ".item";

/// Members that other dialects have under another name or do without: no loss to them.
const FORMAL: [&str; 8] = ["type", "id", "status", "name", "namespace", "summary", "content", "format"];

/// An object; an empty one if it is none.
pub(super) fn object_of(json: &str) -> Object<'_> {
    Object::parse(json.as_bytes()).unwrap_or_default()
}

/// Members that are not known, or null: a null says something that absence does not.
pub(super) fn leftovers(object: &Object<'_>, known: &[&str]) -> ExtraFields {
    let members: Vec<_> = object
        .iter()
        .filter(|(key, value)| !known.contains(key) || value_kind(value) == ValueKind::Null)
        .map(|(key, value)| {
            let formal = FORMAL.contains(&key) || value.trim() == "[]";
            (format!("{}{key}", if formal { "." } else { "" }), raw(value))
        })
        .collect();
    if members.is_empty() { ExtraFields::default() } else { ExtraFields::new(NAME, members) }
}

/// The members of an object but for these, as JSON.
pub(super) fn without(object: &Object<'_>, keys: &[&str]) -> String {
    let mut rest = Object::new();
    for (key, value) in object.iter().filter(|(key, _)| !keys.contains(key)) {
        rest.set(key, value);
    }
    rest.to_json()
}

/// One member of extras that are this dialect's.
pub(super) fn own<'e>(extra: &'e ExtraFields, key: &str) -> Option<&'e str> {
    extra.of(NAME).iter().find(|(k, _)| plain(k) == plain(key)).map(|(_, value)| value.get())
}

/// A key without the dot that says how little it matters.
pub(super) fn plain(key: &str) -> &str {
    key.strip_prefix('.').unwrap_or(key)
}

/// Writes extras that are this dialect's into an object.
pub(super) fn write_extra<'e>(object: &mut Object<'e>, extra: &'e ExtraFields, but: &[&str]) {
    for (key, value) in extra.of(NAME).iter().filter(|(key, _)| !but.contains(&plain(key))) {
        object.set(plain(key), value.get());
    }
}

/// Reads a part of a message or of a tool's output; `None` if it has no place in the canonical model.
pub(super) fn part(json: &str) -> Option<Block> {
    if value_kind(json) == ValueKind::String {
        return Some(Block::text(Text::from_json(json)));
    }
    let object = Object::parse(json.as_bytes()).ok()?;
    Some(match object.str("type")?.as_ref() {
        "input_text" | "output_text" | "text" => {
            let words = object.get("text").filter(|words| value_kind(words) == ValueKind::String)?;
            Block::Text { text: Text::from_json(words), extra: leftovers(&object, &["text"]) }
        }
        "refusal" => Block::Refusal(object.str("refusal")?.into()),
        "input_image" | "image_url" => {
            let from = match object.non_null("image_url") {
                Some(url) if value_kind(url) == ValueKind::String => source(&string_or_json(url)),
                Some(nested) => source(&object_of(nested).str("url")?),
                None => MediaSource::FileId(object.str("file_id")?.into_owned()),
            };
            let mut image = media(from, &object, &["image_url", "file_id", "detail"]);
            image.detail = object.str("detail").map(Cow::into_owned);
            Block::Image(Box::new(image))
        }
        "input_file" => {
            let from = match (object.str("file_data"), object.str("file_url"), object.str("file_id")) {
                (Some(data), ..) => file_source(&data),
                (_, Some(url), _) => MediaSource::Url(url.into_owned()),
                (.., Some(id)) => MediaSource::FileId(id.into_owned()),
                _ => return None,
            };
            let mut file = media(from, &object, &["file_data", "file_url", "file_id", "filename"]);
            file.name = object.str("filename").map(Cow::into_owned);
            Block::File(Box::new(file))
        }
        "input_audio" => {
            let audio = object.object("input_audio")?;
            let from = MediaSource::Base64 {
                media_type: audio.str("format").unwrap_or_default().into_owned(),
                data: audio.str("data")?.into_owned(),
            };
            Block::Audio(Box::new(media(from, &object, &["input_audio"])))
        }
        _ => return None,
    })
}

fn media(source: MediaSource, object: &Object<'_>, known: &[&str]) -> Media {
    let mut media = Media::new(source);
    media.extra = leftovers(object, known);
    media
}

/// A data URL is bytes; anything else is an address.
fn source(url: &str) -> MediaSource {
    match url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
        Some((media_type, data)) => {
            MediaSource::Base64 { media_type: media_type.to_owned(), data: data.to_owned() }
        }
        None => MediaSource::Url(url.to_owned()),
    }
}

/// A file's bytes may stand without saying what they are.
fn file_source(data: &str) -> MediaSource {
    match source(data) {
        MediaSource::Url(data) => MediaSource::Base64 { media_type: String::new(), data },
        source => source,
    }
}

/// Writes a part of a request; `None` for blocks that are no parts.
pub(super) fn write_part(block: &Block, assistant: bool) -> Option<String> {
    let mut object = Object::new();
    match block {
        Block::Text { text, extra } => {
            object.set("type", if assistant { "\"output_text\"" } else { "\"input_text\"" });
            object.set("text", text.to_json());
            write_extra(&mut object, extra, &[plain(ITEM)]);
            return Some(object.to_json());
        }
        Block::Refusal(words) => {
            object.set("type", "\"refusal\"");
            object.set("refusal", words.to_json());
        }
        Block::Image(image) => {
            object.set("type", "\"input_image\"");
            match &image.source {
                MediaSource::FileId(id) => object.set("file_id", encode_string(id)),
                source => object.set("image_url", encode_string(&url(source))),
            }
            match &image.detail {
                Some(detail) => object.set("detail", encode_string(detail)),
                None if image.extra.of(NAME).is_empty() => object.set("detail", "\"auto\""),
                None => {}
            }
            write_extra(&mut object, &image.extra, &[]);
            return Some(object.to_json());
        }
        Block::File(file) => {
            object.set("type", "\"input_file\"");
            if let Some(name) = &file.name {
                object.set("filename", encode_string(name));
            }
            match &file.source {
                MediaSource::FileId(id) => object.set("file_id", encode_string(id)),
                MediaSource::Url(url) => object.set("file_url", encode_string(url)),
                source @ MediaSource::Base64 { .. } => object.set("file_data", encode_string(&url(source))),
            }
            write_extra(&mut object, &file.extra, &[]);
            return Some(object.to_json());
        }
        Block::Audio(audio) => {
            let MediaSource::Base64 { media_type, data } = &audio.source else { return None };
            let format = media_type.strip_prefix("audio/").unwrap_or(media_type);
            object.set("type", "\"input_audio\"");
            object.set(
                "input_audio",
                format!(r#"{{"data":{},"format":{}}}"#, encode_string(data), encode_string(format)),
            );
            write_extra(&mut object, &audio.extra, &[]);
            return Some(object.to_json());
        }
        Block::Native { dialect: NAME, raw } => return Some(raw.get().to_owned()),
        Block::Native { .. }
        | Block::Reasoning { .. }
        | Block::ToolCall { .. }
        | Block::ToolResult { .. } => return None,
    }
    Some(object.to_json())
}

fn url(source: &MediaSource) -> String {
    match source {
        MediaSource::Url(text) | MediaSource::FileId(text) => text.clone(),
        MediaSource::Base64 { media_type, data } if media_type.is_empty() => data.clone(),
        MediaSource::Base64 { media_type, data } => format!("data:{media_type};base64,{data}"),
    }
}

/// Reads annotations: those that cite an address. Files are the API's own.
pub(super) fn citations(json: &str, out: &mut Vec<Citation>) -> bool {
    let mut all = true;
    for one in super::super::citations::objects(json) {
        let number = |key: &str| one.u64(key).and_then(|n| usize::try_from(n).ok());
        let span = number("start_index").zip(number("end_index"));
        let span = span.map(|(start, end)| CitedSpan { start, end, bytes: false });
        match one.str("url").filter(|url| !url.is_empty()) {
            Some(url) => out.push(Citation::new(&url, one.str("title").as_deref(), span)),
            None => all = false,
        }
    }
    all
}

/// Writes one annotation, of the text between two lengths.
pub(super) fn annotation(citation: &Citation, from: TextLength, to: TextLength) -> String {
    let (start, end) = citation.offsets(from, to, false);
    let (url, title) = (encode_string(&citation.url), encode_string(&citation.title));
    format!(
        r#"{{"type":"url_citation","start_index":{start},"end_index":{end},"url":{url},"title":{title}}}"#
    )
}

/// The text of a reasoning item: its summary, or else the thinking itself.
pub(super) fn thoughts(item: &Object<'_>) -> String {
    let joined = |key: &str| {
        let parts: Vec<String> = item
            .array(key)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|part| {
                decode_string(part)
                    .or_else(|| object_of(part).str("text").map(|t| Cow::Owned(t.into_owned())))
            })
            .map(Cow::into_owned)
            .collect();
        parts.join("\n\n")
    };
    let summary = joined("summary");
    if summary.is_empty() { joined("content") } else { summary }
}

/// The arguments of a call item as JSON text; a custom tool's input is wrapped.
pub(super) fn arguments(item: &Object<'_>, custom: bool) -> String {
    if custom {
        return super::tools::arguments_of(&item.get("input").map(string_or_json).unwrap_or_default());
    }
    item.get("arguments").map(string_or_json).unwrap_or_default().into_owned()
}

/// Whether an item is a call of a function or of a custom tool; if so whether it is the latter.
pub(super) fn is_call(kind: &str) -> Option<bool> {
    match kind {
        "function_call" => Some(false),
        "custom_tool_call" => Some(true),
        _ => None,
    }
}
