//! Media types: what is declared, or else the first bytes, to the one name of the type.

use std::borrow::Cow;

/// Other spellings of media types, and names of formats, with the registered type.
const ALIASES: [(&str, &str); 31] = [
    ("image/jpg", "image/jpeg"),
    ("image/pjpeg", "image/jpeg"),
    ("image/jfif", "image/jpeg"),
    ("image/pjp", "image/jpeg"),
    ("image/x-jpeg", "image/jpeg"),
    ("image/x-jpg", "image/jpeg"),
    ("image/x-citrix-jpeg", "image/jpeg"),
    ("image/x-png", "image/png"),
    ("image/apng", "image/png"),
    ("image/x-citrix-png", "image/png"),
    ("image/x-gif", "image/gif"),
    ("image/x-webp", "image/webp"),
    ("image/x-ms-bmp", "image/bmp"),
    ("image/x-bmp", "image/bmp"),
    ("image/tif", "image/tiff"),
    ("application/x-pdf", "application/pdf"),
    ("application/acrobat", "application/pdf"),
    ("text/pdf", "application/pdf"),
    ("text/x-markdown", "text/markdown"),
    ("audio/wave", "audio/wav"),
    ("audio/x-wav", "audio/wav"),
    ("audio/vnd.wave", "audio/wav"),
    ("audio/x-pn-wav", "audio/wav"),
    ("audio/mp3", "audio/mpeg"),
    ("audio/mpeg3", "audio/mpeg"),
    ("audio/x-mp3", "audio/mpeg"),
    ("audio/x-mpeg", "audio/mpeg"),
    ("audio/x-flac", "audio/flac"),
    ("audio/x-m4a", "audio/mp4"),
    ("audio/m4a", "audio/mp4"),
    ("audio/x-aac", "audio/aac"),
];

/// Extensions of files, with their media types.
const EXTENSIONS: [(&str, &str); 28] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("bmp", "image/bmp"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("xml", "text/xml"),
    ("json", "application/json"),
    ("wav", "audio/wav"),
    ("mp3", "audio/mpeg"),
    ("mpga", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("flac", "audio/flac"),
    ("ogg", "audio/ogg"),
    ("oga", "audio/ogg"),
    ("opus", "audio/ogg"),
    ("aac", "audio/aac"),
    ("aiff", "audio/aiff"),
    ("webm", "video/webm"),
    ("mpeg", "video/mpeg"),
    ("mp4", "video/mp4"),
];

/// The registered name of a declared type: without parameters, in lower case, without an alias. The name of a format alone
/// (`mp3`, as OpenAI names audio) gets the type of audio in front.
pub fn registered_name(declared: &str) -> Cow<'_, str> {
    let essence = declared.split(';').next().unwrap_or_default().trim();
    let name = match essence {
        "" => return Cow::Borrowed(""),
        format if !format.contains('/') => Cow::Owned(format!("audio/{}", format.to_ascii_lowercase())),
        name if name.bytes().any(|byte| byte.is_ascii_uppercase()) => Cow::Owned(name.to_ascii_lowercase()),
        name => Cow::Borrowed(name),
    };
    match ALIASES.iter().find(|(alias, _)| *alias == name) {
        Some((_, registered)) => Cow::Borrowed(registered),
        None => name,
    }
}

/// Whether a declared type tells nothing of the content.
pub fn is_unspecific(media_type: &str) -> bool {
    matches!(media_type, "" | "application/octet-stream" | "binary/octet-stream" | "application/binary")
        || media_type.ends_with("/*")
        || matches!(media_type, "audio/image" | "audio/file" | "audio/unknown" | "audio/audio")
}

/// The media type that the extension of a file's name or address stands for.
pub fn type_of_name(name: &str) -> Option<&'static str> {
    let path = name.split(['?', '#']).next().unwrap_or(name);
    let (_, extension) = path.rsplit_once('.')?;
    EXTENSIONS
        .iter()
        .find(|(known, _)| extension.eq_ignore_ascii_case(known))
        .map(|(_, media_type)| *media_type)
}

/// The name by which OpenAI calls the format of audio.
pub fn audio_format(media_type: &str) -> Cow<'_, str> {
    let name = registered_name(media_type);
    match name.as_ref() {
        "audio/mpeg" => Cow::Borrowed("mp3"),
        other => Cow::Owned(other.strip_prefix("audio/").unwrap_or(other).to_owned()),
    }
}

/// A type that the first bytes show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DetectedType {
    /// The media type.
    pub media_type: &'static str,
    /// The bytes belong to no other type: they count for more than a declared one.
    pub is_certain: bool,
}

/// Detects the media type of base64 data by its first bytes.
pub fn detect(base64: &str) -> Option<DetectedType> {
    let mut buffer = [0; HEAD_BYTES];
    let head = decode_head(base64, &mut buffer);
    let certain = |media_type| Some(DetectedType { media_type, is_certain: true });
    let likely = |media_type| Some(DetectedType { media_type, is_certain: false });
    match head {
        [0x89, b'P', b'N', b'G', ..] => certain("image/png"),
        [0xff, 0xd8, 0xff, ..] => certain("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => certain("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => certain("image/webp"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => certain("audio/wav"),
        [b'%', b'P', b'D', b'F', b'-', ..] => certain("application/pdf"),
        [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..] => likely("image/tiff"),
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand {
            [b'a', b'v', b'i', ..] => likely("image/avif"),
            [b'h', b'e', ..] | [b'm', b'i', b'f', b'1', ..] => likely("image/heic"),
            [b'M', b'4', b'A', ..] => likely("audio/mp4"),
            _ => likely("video/mp4"),
        },
        [b'I', b'D', b'3', ..] | [0xff, 0xfb | 0xf3 | 0xf2, ..] => likely("audio/mpeg"),
        [b'O', b'g', b'g', b'S', ..] => likely("audio/ogg"),
        [b'f', b'L', b'a', b'C', ..] => likely("audio/flac"),
        [b'B', b'M', ..] => likely("image/bmp"),
        _ => None,
    }
}

/// How many bytes the detection needs.
const HEAD_BYTES: usize = 12;

/// Decodes the first bytes of base64, of either alphabet, with white space or without.
fn decode_head<'b>(base64: &str, buffer: &'b mut [u8; HEAD_BYTES]) -> &'b [u8] {
    let (mut bits, mut count, mut len) = (0_u32, 0, 0);
    for byte in base64.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            let Some(slot) = buffer.get_mut(len) else { break };
            *slot = (bits >> count & 0xff) as u8;
            len += 1;
        }
    }
    buffer.get(..len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_show_the_type() {
        let cases = [
            ("iVBORw0KGgoAAAANSUhEUg", "image/png"),
            ("iVBO\nRw0KGgo=", "image/png"),
            ("/9j/4AAQSkZJRg", "image/jpeg"),
            ("_9j_4AAQSkZJRg", "image/jpeg"),
            ("R0lGODlhAQABAA", "image/gif"),
            ("UklGRiQAAABXRUJQVlA4", "image/webp"),
            ("UklGRiQAAABXQVZFZm10", "audio/wav"),
            ("JVBERi0xLjcK", "application/pdf"),
            ("AAAAIGZ0eXBhdmlm", "image/avif"),
            ("AAAAGGZ0eXBoZWlj", "image/heic"),
            ("SUQzBAAAAAAA", "audio/mpeg"),
        ];
        for (data, media_type) in cases {
            assert_eq!(detect(data).map(|detected| detected.media_type), Some(media_type), "{data}");
        }
        for data in ["aGVsbG8=", "", "=", "AAAA", "é"] {
            assert_eq!(detect(data), None, "{data}");
        }
    }

    #[test]
    fn a_type_has_one_name() {
        for (declared, name) in [
            ("image/png", "image/png"),
            ("IMAGE/PNG;charset=utf-8", "image/png"),
            (" image/jpg ; q=1", "image/jpeg"),
            ("image/pjpeg", "image/jpeg"),
            ("wav", "audio/wav"),
            ("mp3", "audio/mpeg"),
            ("audio/x-wav", "audio/wav"),
            ("", ""),
            (";base64", ""),
        ] {
            assert_eq!(registered_name(declared), name, "{declared}");
        }
        assert_eq!(
            [audio_format("audio/mpeg"), audio_format("wav"), audio_format("audio/x-wav")],
            ["mp3", "wav", "wav"]
        );
        assert_eq!(type_of_name("https://h/a.JPG?x=1.png"), Some("image/jpeg"));
    }
}
