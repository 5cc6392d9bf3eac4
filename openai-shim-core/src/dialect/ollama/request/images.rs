//! Images of requests: base64 without a media type to `Block::Image`, and back.

use crate::canonical::{Block, DiagnosticCode, Diagnostics, Media, MediaSource};
use crate::error::Unsupported;
use crate::json::encode_string;

/// An image as it was decoded.
pub(super) struct DecodedImage {
    pub(super) block: Block,
    /// The client's bytes cannot be sent to an upstream of this dialect.
    pub(super) must_rewrite: bool,
}

impl DecodedImage {
    fn new(source: MediaSource, must_rewrite: bool) -> Self {
        Self { block: Block::Image(Box::new(Media::new(source))), must_rewrite }
    }
}

/// Decodes an item of `images`: base64, a data URL or a URL.
pub(super) fn decode(image: &str, field_path: &str, diagnostics: &mut Diagnostics) -> DecodedImage {
    if let Some((media_type, data)) = image.strip_prefix("data:").and_then(|url| url.split_once(";base64,")) {
        diagnostics.record(DiagnosticCode::ContentRewritten, field_path, "a data URL to base64");
        let source = MediaSource::Base64 { media_type: media_type.to_owned(), data: data.to_owned() };
        return DecodedImage::new(source, true);
    }
    if image.starts_with("http://") || image.starts_with("https://") {
        return DecodedImage::new(MediaSource::Url(image.to_owned()), false);
    }
    let media_type = detect_type(image).unwrap_or_else(|| {
        diagnostics.record(
            DiagnosticCode::FieldFilled,
            field_path,
            "an unknown kind of picture: sent as PNG",
        );
        "image/png"
    });
    let source = MediaSource::Base64 { media_type: media_type.to_owned(), data: image.to_owned() };
    DecodedImage::new(source, false)
}

/// Returns the media type by the first bytes. Three bytes are four base64 letters, so their base64 is a fixed prefix.
fn detect_type(base64: &str) -> Option<&'static str> {
    const PREFIXES: [(&str, &str); 9] = [
        ("iVBORw0KGgo", "image/png"),
        ("/9j/", "image/jpeg"),
        ("R0lGODlh", "image/gif"),
        ("R0lGODdh", "image/gif"),
        ("UklGR", "image/webp"),
        ("Qk", "image/bmp"),
        ("SUkqA", "image/tiff"),
        ("TU0AK", "image/tiff"),
        ("AAAA", "image/avif"),
    ];
    let base64 = base64.trim_start();
    PREFIXES.iter().find(|(prefix, _)| base64.starts_with(prefix)).map(|(_, media_type)| *media_type)
}

/// Encodes an item of `images`.
pub(super) fn encode(image: &Media, i: usize) -> Result<String, Unsupported> {
    match &image.source {
        MediaSource::Base64 { data, .. } => Ok(encode_string(data)),
        MediaSource::Url(_) | MediaSource::FileId(_) => Err(Unsupported::new(
            format!("messages[{i}].content"),
            format!(
                "messages[{i}].content has a picture that is not in the request itself. \
                 Ollama fetches none: send it as a data URL (data:image/png;base64,…)."
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_determine_the_media_type() {
        let cases = [
            ("iVBORw0KGgoAAAANSUhEUg", "image/png"),
            ("/9j/4AAQSkZJRg", "image/jpeg"),
            ("UklGRiQAAABXRUJQ", "image/webp"),
        ];
        for (data, media_type) in cases {
            assert_eq!(detect_type(data), Some(media_type));
        }
        assert_eq!(detect_type("aGVsbG8="), None);
    }
}
