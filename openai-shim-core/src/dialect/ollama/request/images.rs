//! Pictures: base64 without a media type here, with one everywhere else.

use crate::canonical::{Block, DiagnosticCode, Diagnostics, Media, MediaSource};
use crate::error::Unsupported;
use crate::json::encode_string;

/// A picture from `images`; with it whether it cannot be sent as it came.
pub(super) fn read(image: &str, at: &str, diagnostics: &mut Diagnostics) -> (Block, bool) {
    if let Some((media_type, data)) = image.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"))
    {
        diagnostics.record(DiagnosticCode::ContentRewritten, at, "a data URL to base64");
        let source = MediaSource::Base64 { media_type: media_type.to_owned(), data: data.to_owned() };
        return (Block::Image(Box::new(Media::new(source))), true);
    }
    if image.starts_with("http://") || image.starts_with("https://") {
        return (Block::Image(Box::new(Media::new(MediaSource::Url(image.to_owned())))), false);
    }
    let media_type = sniff(image).unwrap_or_else(|| {
        diagnostics.record(DiagnosticCode::FieldFilled, at, "an unknown kind of picture: sent as PNG");
        "image/png"
    });
    let source = MediaSource::Base64 { media_type: media_type.to_owned(), data: image.to_owned() };
    (Block::Image(Box::new(Media::new(source))), false)
}

/// The media type by the first bytes, which base64 shows as they are: three bytes are four letters.
fn sniff(base64: &str) -> Option<&'static str> {
    const SIGNS: [(&str, &str); 9] = [
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
    SIGNS.iter().find(|(sign, _)| base64.starts_with(sign)).map(|(_, kind)| *kind)
}

/// A picture for `images`.
pub(super) fn write(image: &Media, i: usize) -> Result<String, Unsupported> {
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
    fn the_first_bytes_tell() {
        let cases = [
            ("iVBORw0KGgoAAAANSUhEUg", "image/png"),
            ("/9j/4AAQSkZJRg", "image/jpeg"),
            ("UklGRiQAAABXRUJQ", "image/webp"),
        ];
        for (data, kind) in cases {
            assert_eq!(sniff(data), Some(kind));
        }
        assert_eq!(sniff("aGVsbG8="), None);
    }
}
