//! Where the bytes of media are, to one spelling: data URLs, bare base64 and media types of every form to base64 with the
//! registered name of its type.

use crate::canonical::media_type::{self, detect, is_unspecific, registered_name, type_of_name};
use crate::canonical::{Block, Media, MediaSource};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// How many bytes of base64 are looked at for characters that do not belong there: they occur in all of it or at its end.
const SAMPLE_BYTES: usize = 1024;

/// Respells a source; `None` if it is spelled right.
pub(super) fn respell(source: &MediaSource) -> Option<MediaSource> {
    match source {
        MediaSource::FileId(_) => None,
        MediaSource::Url(url) => read_data_url(url).or_else(|| {
            // Some clients send an image's base64 where its URL belongs: the first bytes tell.
            let is_base64 = !url.contains(':') && detect(url).is_some_and(|detected| detected.is_certain);
            is_base64.then(|| MediaSource::base64("", clean_base64(url).unwrap_or(Cow::Borrowed(url))))
        }),
        MediaSource::Base64 { data, .. } if is_data_url(data) => read_data_url(data),
        MediaSource::Base64 { data, .. } if data.contains("://") => Some(MediaSource::Url(data.clone())),
        MediaSource::Base64 { media_type, data } => {
            clean_base64(data).map(|data| MediaSource::base64(media_type.as_str(), data))
        }
    }
}

fn is_data_url(url: &str) -> bool {
    let scheme = url.trim_ascii_start().as_bytes().get(..5);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"data:"))
}

/// Reads a data URL as browsers do: <https://www.rfc-editor.org/rfc/rfc2397>.
fn read_data_url(url: &str) -> Option<MediaSource> {
    if !is_data_url(url) {
        return None;
    }
    let (header, data) = url.trim_ascii().get(5..)?.split_once(',')?;
    let (media_type, encoding) = header.rsplit_once(';').unwrap_or((header, ""));
    if encoding.trim().eq_ignore_ascii_case("base64") || header.trim().eq_ignore_ascii_case("base64") {
        let media_type = if encoding.is_empty() { "" } else { media_type };
        return Some(MediaSource::base64(
            media_type.trim(),
            clean_base64(data).unwrap_or(Cow::Borrowed(data)),
        ));
    }
    let bytes: Vec<u8> = percent_decode_str(data).collect();
    let media_type = if header.trim().is_empty() { "text/plain" } else { header.trim() };
    Some(MediaSource::base64(media_type, STANDARD.encode(bytes)))
}

/// Base64 in the standard alphabet, without white space and with its padding; `None` if it is that already.
fn clean_base64(data: &str) -> Option<Cow<'_, str>> {
    let bytes = data.as_bytes();
    let is_foreign = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'-' | b'_' | b'%');
    let samples = [bytes.get(..SAMPLE_BYTES).unwrap_or(bytes), bytes.get(bytes.len().saturating_sub(64)..)?];
    let is_padded = bytes.len().is_multiple_of(4);
    if is_padded && !samples.iter().any(|sample| sample.iter().any(is_foreign)) {
        return None;
    }
    let decoded = if memchr::memchr(b'%', bytes).is_some() {
        percent_decode_str(data).decode_utf8().ok()?
    } else {
        Cow::Borrowed(data)
    };
    let mut clean: String = decoded
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            c => c,
        })
        .collect();
    while !clean.len().is_multiple_of(4) && clean.len() % 4 != 1 {
        clean.push('=');
    }
    (clean != data).then_some(Cow::Owned(clean))
}

/// The bytes of base64 as text; `None` if they are no text.
fn text_of(data: &str) -> Option<String> {
    const TOLERANT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let text = String::from_utf8(TOLERANT.decode(data).ok()?).ok()?;
    (!text.contains('\0')).then_some(text)
}

/// The right media type of base64 data; `None` if the declared one is right. What is declared counts, unless the first bytes
/// certainly show another type; where nothing is declared the name and the bytes tell.
///
/// `is_exact`: another name of the right type is wrong too.
pub(super) fn right_type(block: &Block, media: &Media, is_exact: bool) -> Option<Cow<'static, str>> {
    let MediaSource::Base64 { media_type: declared, data } = &media.source else { return None };
    let registered = registered_name(declared);
    let detected = detect(data);
    let is_unspecific = is_unspecific(&registered);
    let by_bytes =
        detected.filter(|detected| detected.is_certain || is_unspecific).map(|found| found.media_type);
    let by_name = || media.name.as_deref().filter(|_| is_unspecific).and_then(type_of_name);
    let guess = || match block {
        _ if !is_unspecific => None,
        Block::Image(_) => Some("image/png"),
        Block::File(_) if text_of(data).is_some() => Some("text/plain"),
        _ => None,
    };
    match by_bytes.or_else(by_name).or_else(guess) {
        Some(right) if right == registered && (!is_exact || is_spelled(declared, &registered)) => None,
        Some(right) => Some(Cow::Borrowed(right)),
        None if !is_exact || is_spelled(declared, &registered) => None,
        None => Some(Cow::Owned(registered.into_owned())),
    }
}

/// Whether a declared type is written as a registered name. OpenAI's names of audio formats are right too.
fn is_spelled(declared: &str, registered: &str) -> bool {
    declared == registered || (!declared.contains('/') && media_type::audio_format(declared) == declared)
}

/// Whether the type is one of a list, which may have `text/*`. An empty list has every type.
pub(super) fn is_listed(media_type: &str, list: &[String]) -> bool {
    list.is_empty()
        || list.iter().any(|listed| match listed.strip_suffix('*') {
            Some(prefix) => media_type.starts_with(prefix),
            None => listed == media_type,
        })
}

/// Whether a file is text, whatever its type.
pub(super) fn is_text(data: &str) -> bool {
    text_of(data).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_data_url_is_one() {
        let png = MediaSource::base64("image/png", "iVBORw0KGgo=");
        for (url, expected) in [
            ("DATA:image/png;BASE64,iVBORw0KGgo=", Some(png.clone())),
            (" data:image/png;Base64,iVBO Rw0K\nGgo=", Some(png.clone())),
            ("data:image/png;base64,iVBORw0KGgo%3D", Some(png.clone())),
            ("data:image/png;base64,iVBORw0KGgo", Some(png)),
            ("data:;base64,iVBORw0KGgo=", Some(MediaSource::base64("", "iVBORw0KGgo="))),
            ("data:base64,iVBORw0KGgo=", Some(MediaSource::base64("", "iVBORw0KGgo="))),
            (
                "data:text/plain;charset=utf-8,a%20b",
                Some(MediaSource::base64("text/plain;charset=utf-8", "YSBi")),
            ),
            ("data:,a", Some(MediaSource::base64("text/plain", "YQ=="))),
            ("iVBORw0KGgoAAAANSUhEUgAA", Some(MediaSource::base64("", "iVBORw0KGgoAAAANSUhEUgAA"))),
            ("https://e.example/a.png", None),
            ("/images/cat", None),
            ("data:image/png;base64", None),
        ] {
            assert_eq!(respell(&MediaSource::Url(url.to_owned())), expected, "{url}");
        }
        let inside = MediaSource::base64("image/jpeg", "data:image/png;base64,iVBORw0KGgo=");
        assert_eq!(respell(&inside), Some(MediaSource::base64("image/png", "iVBORw0KGgo=")));
        assert_eq!(respell(&MediaSource::base64("image/png", "iVBORw0KGgo=")), None);
    }

    #[test]
    fn what_is_declared_counts_unless_the_bytes_show_another_type() {
        let image = |media_type: &str, data: &str| {
            let media = Media::new(MediaSource::base64(media_type, data));
            right_type(&Block::Image(Box::new(media.clone())), &media, true).map(Cow::into_owned)
        };
        assert_eq!(image("image/png", "iVBORw0KGgo="), None);
        assert_eq!(image("image/jpg", "aGVsbG8="), Some(String::from("image/jpeg")));
        assert_eq!(image("image/png", "/9j/4AAQSkZJRg=="), Some(String::from("image/jpeg")));
        assert_eq!(image("", "aGVsbG8="), Some(String::from("image/png")));
        assert_eq!(image("image/heic", "AAAAGGZ0eXBoZWlj"), None);
        assert_eq!(image("application/octet-stream", "R0lGODlhAQAB"), Some(String::from("image/gif")));
    }
}
