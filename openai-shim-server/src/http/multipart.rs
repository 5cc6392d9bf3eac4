//! Where a text field of a multipart form is.
//!
//! <https://www.rfc-editor.org/rfc/rfc7578>, <https://www.rfc-editor.org/rfc/rfc2046#section-5.1>

use memchr::memmem;
use std::ops::Range;

/// The most bytes of the head of a part that are read.
const MAX_HEAD_BYTES: usize = 4 << 10;

/// The bytes of the value of the first field with this name that is no file; `kind` is the form's content type.
pub(crate) fn text_field(kind: &str, body: &[u8], name: &str) -> Option<Range<usize>> {
    if !kind.trim_start().to_ascii_lowercase().starts_with("multipart/") {
        return None;
    }
    let delimiter = format!("--{}", parameter(kind, "boundary")?);
    let finder = memmem::Finder::new(delimiter.as_bytes());
    let begins_line = |at: &usize| *at == 0 || body.get(at - 1) == Some(&b'\n');
    let ends_line = |at: &usize| {
        let rest = body.get(at + delimiter.len()..).unwrap_or_default();
        let spaces = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let rest = rest.get(spaces..).unwrap_or_default();
        [b"\r\n".as_slice(), b"\n", b"--"].iter().any(|end| rest.starts_with(end))
    };
    let mut starts = finder.find_iter(body).filter(begins_line).filter(ends_line);
    let mut start = starts.next()?;
    for end in starts {
        if let Some(value) = value_of(body, start + delimiter.len()..end, name) {
            return Some(value);
        }
        start = end;
    }
    None
}

/// The value of a part, if it is the field with this name. `part` begins behind the delimiter and ends at the next one.
fn value_of(body: &[u8], part: Range<usize>, name: &str) -> Option<Range<usize>> {
    let bytes = body.get(part.clone())?;
    let beginning = bytes.get(..bytes.len().min(MAX_HEAD_BYTES))?;
    let (head_end, value_start) = match memmem::find(beginning, b"\r\n\r\n") {
        Some(at) => (at, at + 4),
        None => memmem::find(beginning, b"\n\n").map(|at| (at, at + 2))?,
    };
    let head = String::from_utf8_lossy(beginning.get(..head_end)?);
    let disposition = head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case("content-disposition").then(|| value.to_owned())
    })?;
    let is_file =
        parameter(&disposition, "filename").or_else(|| parameter(&disposition, "filename*")).is_some();
    if is_file || parameter(&disposition, "name").as_deref() != Some(name) {
        return None;
    }
    // The line break in front of a delimiter belongs to it.
    let value = bytes.get(value_start..)?;
    let value = value.strip_suffix(b"\n").unwrap_or(value);
    let length = value.strip_suffix(b"\r").unwrap_or(value).len();
    let value_start = part.start + value_start;
    Some(value_start..value_start + length)
}

/// The value of a parameter of a header's value, with or without quotes.
fn parameter(header: &str, name: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (key, value) = rest.split_once('=')?;
        let value = value.trim_start();
        let (text, after) = match value.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = value.find(';').unwrap_or(value.len());
                (value.get(..end)?.trim().to_owned(), value.get(end..)?)
            }
        };
        // A parameter without a value may stand before the key.
        if key.rsplit(';').next()?.trim().eq_ignore_ascii_case(name) {
            return Some(text);
        }
        rest = after.split_once(';')?.1;
    }
}

/// A quoted text up to its closing quote, and what is behind it.
fn unquoted(quoted: &str) -> (String, &str) {
    let (mut text, mut is_escaped) = (String::new(), false);
    for (at, character) in quoted.char_indices() {
        match character {
            '\\' if !is_escaped => is_escaped = true,
            '"' if !is_escaped => return (text, quoted.get(at + 1..).unwrap_or_default()),
            _ => {
                text.push(character);
                is_escaped = false;
            }
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'b>(kind: &str, body: &'b str) -> Option<&'b str> {
        body.get(text_field(kind, body.as_bytes(), "model")?)
    }

    const KIND: &str = "multipart/form-data; boundary=X";

    fn form(head: &str) -> String {
        format!(
            "preamble\r\n--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"model\"\r\nContent-Type: audio/wav\r\n\r\n\
             --Xno name=\"model\"\r\n\r\nz\r\n--X\r\n{head}\r\n\r\nwhisper-1\r\n--X--\r\n"
        )
    }

    #[test]
    fn a_field_is_found_in_every_legal_form() {
        for head in [
            "Content-Disposition: form-data; name=\"model\"",
            "content-disposition:form-data;name=model",
            "CONTENT-DISPOSITION: form-data; name = model",
            "Content-Type: text/plain\r\nContent-Disposition: form-data; x=\"a;name=b\"; NAME=\"mod\\el\"",
        ] {
            assert_eq!(found(KIND, &form(head)), Some("whisper-1"), "{head}");
        }
        let quoted = form("Content-Disposition: form-data; name=model").replace("--X", "--a b");
        assert_eq!(found("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"", &quoted), Some("whisper-1"));
        let unix = form("Content-Disposition: form-data; name=model").replace("\r\n", "\n");
        assert_eq!(found(KIND, &unix), Some("whisper-1"));
    }

    #[test]
    fn a_file_and_text_that_looks_like_a_field_are_none() {
        for head in [
            "Content-Disposition: form-data; name=\"model\"; filename=\"a\"",
            "Content-Disposition: form-data; name=\"models\"",
            "Content-Disposition: form-data; filename=\"model\"",
            "X-Model: name=\"model\"",
        ] {
            assert_eq!(found(KIND, &form(head)), None, "{head}");
        }
        assert_eq!(found("multipart/form-data", &form("Content-Disposition: form-data; name=model")), None);
        assert_eq!(
            found(
                "application/octet-stream; boundary=X",
                &form("Content-Disposition: form-data; name=model")
            ),
            None
        );
    }

    #[test]
    fn a_form_that_is_cut_anywhere_gives_no_wrong_field() {
        let whole = form("Content-Disposition: form-data; name=model");
        for end in 0..whole.len() {
            let cut = found(KIND, whole.get(..end).unwrap_or_default());
            assert!(matches!(cut, None | Some("whisper-1")), "{end}: {cut:?}");
        }
    }
}
