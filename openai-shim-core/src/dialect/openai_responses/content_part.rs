//! Content parts of messages and tool outputs: JSON to `Block` and back.

use super::extra_fields::{self, parse_or_empty};
use super::names::{ITEM, NAME, PHASE};
use crate::canonical::media_type::audio_format;
use crate::canonical::{Block, Media, MediaSource, Text};
use crate::json::{Object, ValueKind, encode_string, string_or_json, value_kind};
use std::borrow::Cow;

/// Decodes a part of a message or of a tool's output; `None` if our model has no place for it.
pub(super) fn decode(json: &str) -> Option<Block> {
    if value_kind(json) == ValueKind::String {
        return Some(Block::text(Text::from_json(json)));
    }
    let object = Object::parse(json.as_bytes()).ok()?;
    Some(match object.str("type")?.as_ref() {
        "input_text" | "output_text" | "text" => {
            let text = object.get("text").filter(|text| value_kind(text) == ValueKind::String)?;
            Block::Text { text: Text::from_json(text), extra: extra_fields::read(&object, &["text"]) }
        }
        "refusal" => Block::Refusal(object.str("refusal")?.into()),
        "input_image" | "image_url" => {
            let source = match object.non_null("image_url") {
                Some(url) if value_kind(url) == ValueKind::String => {
                    MediaSource::from_url(&string_or_json(url))
                }
                Some(nested) => MediaSource::from_url(&parse_or_empty(nested).str("url")?),
                None => MediaSource::FileId(object.str("file_id")?.into_owned()),
            };
            let mut image = media(source, &object, &["image_url", "file_id", "detail"]);
            image.detail = object.str("detail").map(Cow::into_owned);
            Block::Image(Box::new(image))
        }
        "input_file" => {
            let source = match (object.str("file_data"), object.str("file_url"), object.str("file_id")) {
                (Some(data), ..) => MediaSource::from_file_data(&data),
                (_, Some(url), _) => MediaSource::Url(url.into_owned()),
                (.., Some(id)) => MediaSource::FileId(id.into_owned()),
                _ => return None,
            };
            let mut file = media(source, &object, &["file_data", "file_url", "file_id", "filename"]);
            file.name = object.str("filename").map(Cow::into_owned);
            Block::File(Box::new(file))
        }
        "input_audio" => {
            let audio = object.object("input_audio")?;
            let source = MediaSource::Base64 {
                media_type: audio.str("format").unwrap_or_default().into_owned(),
                data: audio.str("data")?.into_owned(),
            };
            Block::Audio(Box::new(media(source, &object, &["input_audio"])))
        }
        _ => return None,
    })
}

fn media(source: MediaSource, object: &Object<'_>, known: &[&str]) -> Media {
    let mut media = Media::new(source);
    media.extra = extra_fields::read(object, known);
    media
}

/// Encodes a part of a message in a request; `None` for blocks that are no parts.
pub(super) fn encode(block: &Block, is_assistant: bool) -> Option<String> {
    let mut object = Object::new();
    match block {
        Block::Text { text, extra } => {
            object.set("type", if is_assistant { "\"output_text\"" } else { "\"input_text\"" });
            object.set("text", text.to_json());
            extra_fields::write(&mut object, extra, &[extra_fields::wire_key(ITEM), PHASE]);
            return Some(object.to_json());
        }
        Block::Refusal(text) => {
            object.set("type", "\"refusal\"");
            object.set("refusal", text.to_json());
        }
        Block::Image(image) => {
            object.set("type", "\"input_image\"");
            match &image.source {
                MediaSource::FileId(id) => object.set("file_id", encode_string(id)),
                source => object.set("image_url", encode_string(&source.to_url())),
            }
            match &image.detail {
                Some(detail) => object.set("detail", encode_string(detail)),
                None if image.extra.of(NAME).is_empty() => object.set("detail", "\"auto\""),
                None => {}
            }
            extra_fields::write(&mut object, &image.extra, &[]);
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
                source @ MediaSource::Base64 { .. } => {
                    object.set("file_data", encode_string(&source.to_url()));
                }
            }
            extra_fields::write(&mut object, &file.extra, &[]);
            return Some(object.to_json());
        }
        Block::Audio(audio) => {
            let MediaSource::Base64 { media_type, data } = &audio.source else { return None };
            object.set("type", "\"input_audio\"");
            object.set(
                "input_audio",
                format!(
                    r#"{{"data":{},"format":{}}}"#,
                    encode_string(data),
                    encode_string(&audio_format(media_type))
                ),
            );
            extra_fields::write(&mut object, &audio.extra, &[]);
            return Some(object.to_json());
        }
        Block::Native { dialect: NAME, raw } => return Some(raw.as_str().to_owned()),
        Block::Native { .. }
        | Block::Reasoning { .. }
        | Block::ToolCall { .. }
        | Block::ToolResult { .. } => return None,
    }
    Some(object.to_json())
}
