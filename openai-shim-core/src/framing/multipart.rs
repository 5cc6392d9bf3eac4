//! The parts of a multipart form, whose whole body is there.
//!
//! <https://www.rfc-editor.org/rfc/rfc7578>, <https://www.rfc-editor.org/rfc/rfc2046#section-5.1>

use super::part_head::{PartHead, header_parameter};
use memchr::memmem;

/// The most bytes of the head of a part.
const MAX_HEAD_BYTES: usize = 4 << 10;

/// The most parts of a form.
const MAX_PARTS: usize = 1000;

/// A part of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FormPart<'b> {
    /// The name of the field.
    pub name: String,
    /// The name of the file; `None`: the part is text.
    pub file_name: Option<String>,
    /// The declared media type.
    pub content_type: Option<String>,
    /// The content.
    pub value: &'b [u8],
}

/// Reads a form; `content_type` is that of the request. `None`: it is no form, or not a whole one.
pub fn form_parts<'b>(content_type: &str, body: &'b [u8]) -> Option<Vec<FormPart<'b>>> {
    if !content_type.trim_start().to_ascii_lowercase().starts_with("multipart/") {
        return None;
    }
    let delimiter = format!("--{}", header_parameter(content_type, "boundary")?);
    let finder = memmem::Finder::new(delimiter.as_bytes());
    let (mut parts, mut start) = (Vec::new(), None);
    for at in finder.find_iter(body) {
        if at > 0 && body.get(at - 1) != Some(&b'\n') {
            continue;
        }
        let after = body.get(at + delimiter.len()..)?;
        let is_last = after.starts_with(b"--");
        let spaces = after.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let line_end = after.get(spaces..).unwrap_or_default();
        if !is_last && !line_end.starts_with(b"\r\n") && !line_end.starts_with(b"\n") {
            continue;
        }
        if let Some(start) = start {
            parts.push(part(body.get(start..at)?)?);
        }
        if is_last {
            return Some(parts);
        }
        if parts.len() >= MAX_PARTS {
            return None;
        }
        start = Some(at + delimiter.len() + spaces);
    }
    None
}

/// Reads a part, from behind its delimiter to the next one.
fn part(bytes: &[u8]) -> Option<FormPart<'_>> {
    let beginning = bytes.get(..bytes.len().min(MAX_HEAD_BYTES))?;
    let (head_end, value_start) = match memmem::find(beginning, b"\r\n\r\n") {
        Some(at) => (at, at + 4),
        None => memmem::find(beginning, b"\n\n").map(|at| (at, at + 2))?,
    };
    let head = PartHead::parse(beginning.get(..head_end)?);
    // The line break in front of a delimiter belongs to it.
    let value = bytes.get(value_start..)?;
    let value = value.strip_suffix(b"\n").unwrap_or(value);
    Some(FormPart {
        name: head.name?,
        file_name: head.file_name,
        content_type: head.content_type,
        value: value.strip_suffix(b"\r").unwrap_or(value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "preamble\r\n--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a;b.wav\"\r\n\
        Content-Type: audio/wav\r\n\r\nRIFF\0--X\r\n\r\n--Xy\r\n--X\r\ncontent-disposition:form-data;name=model\r\n\r\nm\r\n--X--\r\n";

    #[test]
    fn form_has_its_parts() {
        for form in [FORM.to_owned(), FORM.replace("\r\n", "\n")] {
            let parts =
                form_parts("Multipart/Form-Data; charset=utf-8; Boundary=\"X\"", form.as_bytes()).unwrap();
            let [file, model] = parts.as_slice() else { panic!("{parts:?}") };
            assert_eq!((file.name.as_str(), file.file_name.as_deref()), ("file", Some("a;b.wav")));
            assert_eq!(file.content_type.as_deref(), Some("audio/wav"));
            assert!(file.value.starts_with(b"RIFF\0--X") && file.value.ends_with(b"--Xy"), "{file:?}");
            assert_eq!(
                (model.name.as_str(), model.value, &model.file_name),
                ("model", b"m".as_slice(), &None)
            );
        }
    }

    #[test]
    fn head_is_read_in_every_legal_form() {
        let form = "--X\r\nContent-Disposition: form-data;\r\n name*=UTF-8\'\'file; filename*=UTF-8\'\'a%20b.wav\r\n\r\nRIFF\r\n--X--\r\n";
        let parts = form_parts("multipart/form-data; boundary=X", form.as_bytes()).unwrap();
        let [file] = parts.as_slice() else { panic!("{parts:?}") };
        assert_eq!((file.name.as_str(), file.file_name.as_deref()), ("file", Some("a b.wav")));
    }

    #[test]
    fn cut_form_is_none() {
        let kind = "multipart/form-data; boundary=X";
        for end in 0..FORM.len() - 4 {
            assert_eq!(form_parts(kind, &FORM.as_bytes()[..end]), None, "{end}");
        }
        assert_eq!(form_parts("application/json", FORM.as_bytes()), None);
        assert_eq!(form_parts("multipart/form-data", FORM.as_bytes()), None);
    }
}
