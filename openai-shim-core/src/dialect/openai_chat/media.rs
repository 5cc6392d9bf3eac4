//! Pictures and sound of a message: fields of OpenAI, of gateways and of other APIs in, blocks out, and back.
//!
//! `images` is OpenRouter's field: <https://openrouter.ai/docs/guides/overview/multimodal/image-generation>. Sound is described in
//! <https://platform.openai.com/docs/guides/audio>.

use crate::canonical::media_type::detect;
use crate::canonical::{Block, Media, MediaSource};
use crate::json::{Object, RawJson, ValueKind, decode_string, encode_string, items, raw, value_kind};

/// The field with the pictures of a message.
pub(super) const IMAGES: &str = "images";
const AUDIO: &str = "audio";

/// Whether a field of a message or delta holds media.
pub(super) fn is_media(key: &str) -> bool {
    matches!(key, IMAGES | AUDIO)
}

/// Reads a field of a message: its pictures, or the transcript of its sound and the sound; nothing for other fields.
pub(super) fn read(key: &str, json: &str) -> Vec<Block> {
    match key {
        IMAGES => {
            let urls = items(json).unwrap_or_default().into_iter().filter_map(image_url);
            urls.map(|url| Block::Image(Box::new(Media::new(MediaSource::from_url(&url))))).collect()
        }
        AUDIO => {
            let audio = Object::parse(json.as_bytes()).unwrap_or_default();
            let text = |key: &str| audio.str(key).filter(|text| !text.is_empty());
            let transcript = text("transcript").map(|text| Block::text(text.into_owned()));
            // Its format is in the request only.
            let sound = text("data").map(|data| Media::new(MediaSource::base64("", data)));
            transcript.into_iter().chain(sound.map(|sound| Block::Audio(Box::new(sound)))).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the field for a picture; `None` for other blocks, and for a picture that is in a file.
pub(super) fn write(block: &Block) -> Option<(String, RawJson)> {
    let Block::Image(media) = block else { return None };
    if matches!(media.source, MediaSource::FileId(_)) {
        return None;
    }
    Some((IMAGES.to_owned(), raw(format!("[{}]", write_image(&media.source.to_url())))))
}

/// Writes an item of `images`.
pub(super) fn write_image(url: &str) -> String {
    format!(r#"{{"type":"image_url","image_url":{{"url":{}}}}}"#, encode_string(url))
}

/// Appends the items of a list to another list.
pub(super) fn join_lists(first: &str, second: &str) -> String {
    let items = [first, second].into_iter().filter_map(items).flatten().collect::<Vec<_>>();
    format!("[{}]", items.join(","))
}

/// Returns the URL of a picture in any of the forms that servers send; data becomes a data URL.
pub(super) fn image_url(json: &str) -> Option<String> {
    if let Some(url) = decode_string(json) {
        return as_url(&url, "");
    }
    let image = Object::parse(json.as_bytes()).ok()?;
    if let Some(url) = ["image_url", "url", "image"].iter().find_map(|key| image.non_null(key)) {
        let nested =
            (value_kind(url) == ValueKind::Object).then(|| Object::parse(url.as_bytes()).ok()).flatten();
        return match nested {
            Some(nested) => as_url(&nested.str("url")?, ""),
            None => as_url(&decode_string(url)?, ""),
        };
    }
    if let Some(source) = ["source", "inline_data", "inlineData"].iter().find_map(|key| image.object(key)) {
        let media_type = ["media_type", "mime_type", "mimeType"].iter().find_map(|key| source.str(key));
        let data = source.str("data").or_else(|| source.str("url"))?;
        return as_url(&data, media_type.as_deref().unwrap_or_default());
    }
    let data = ["b64_json", "data"].iter().find_map(|key| image.str(key))?;
    as_url(&data, image.str("media_type").or_else(|| image.str("mime_type")).as_deref().unwrap_or_default())
}

/// Returns a URL as it is, and base64 as a data URL; the beginning of the data tells the type where nothing else does.
fn as_url(text: &str, media_type: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.contains(':') {
        return (!text.is_empty()).then(|| text.to_owned());
    }
    let detected = detect(text).map_or("image/png", |detected| detected.media_type);
    let media_type = if media_type.is_empty() { detected } else { media_type };
    Some(format!("data:{media_type};base64,{text}"))
}
