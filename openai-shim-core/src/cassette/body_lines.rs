//! Bytes of a body to readable lines and back, exactly.
//!
//! A line is its text behind a mark: `|` where a line break follows, `>` where none does. Behind the mark stands a space, or a
//! backslash if the text has escapes: `\r`, `\\`, and `\xE2` for a byte that an editor would not show or keep.

use std::fmt::{self, Write};

/// Writes bytes as lines.
pub(super) fn write(bytes: &[u8], out: &mut impl Write) -> fmt::Result {
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (mark, text) = match line.strip_suffix(b"\n") {
            Some(text) => ('|', text),
            None => ('>', line),
        };
        match std::str::from_utf8(text) {
            Ok("") if mark == '|' => writeln!(out, "|")?,
            Ok(text) if is_plain(text) => writeln!(out, "{mark} {text}")?,
            _ => {
                write!(out, "{mark}\\")?;
                write_escaped(text, out)?;
                out.write_char('\n')?;
            }
        }
    }
    Ok(())
}

/// Whether an editor shows a text and keeps it as it is.
fn is_plain(text: &str) -> bool {
    let is_hidden =
        |c: char| c.is_control() && c != '\t' || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    !text.ends_with([' ', '\t']) && !text.contains(is_hidden)
}

fn write_escaped(text: &[u8], out: &mut impl Write) -> fmt::Result {
    for part in text.utf8_chunks() {
        let valid = part.valid();
        for (position, c) in valid.char_indices() {
            let is_last = position + c.len_utf8() == valid.len();
            match c {
                '\\' => out.write_str("\\\\")?,
                '\r' => out.write_str("\\r")?,
                _ if is_plain(c.encode_utf8(&mut [0; 4])) || matches!(c, ' ' | '\t') && !is_last => {
                    out.write_char(c)?;
                }
                _ => c.encode_utf8(&mut [0; 4]).bytes().try_for_each(|byte| write!(out, "\\x{byte:02X}"))?,
            }
        }
        part.invalid().iter().try_for_each(|byte| write!(out, "\\x{byte:02X}"))?;
    }
    Ok(())
}

/// Reads one line, and appends its bytes; `None`: it is no line of a body, or has an escape that is none.
pub(super) fn read(line: &str, out: &mut Vec<u8>) -> Option<()> {
    let (has_break, rest) = match line.strip_prefix('|') {
        Some(rest) => (true, rest),
        None => (false, line.strip_prefix('>')?),
    };
    match rest.strip_prefix('\\') {
        Some(escaped) => read_escaped(escaped, out)?,
        None if rest.is_empty() => {}
        None => out.extend_from_slice(rest.strip_prefix(' ')?.as_bytes()),
    }
    if has_break {
        out.push(b'\n');
    }
    Some(())
}

fn read_escaped(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.extend_from_slice(plain.as_bytes());
        rest = match escape.split_at_checked(1)? {
            ("\\", rest) => {
                out.push(b'\\');
                rest
            }
            ("r", rest) => {
                out.push(b'\r');
                rest
            }
            ("x", rest) => {
                let (digits, rest) = rest.split_at_checked(2)?;
                out.push(u8::from_str_radix(digits, 16).ok()?);
                rest
            }
            _ => return None,
        };
    }
    out.extend_from_slice(rest.as_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(bytes: &[u8]) -> String {
        let mut out = String::new();
        write(bytes, &mut out).unwrap();
        out
    }

    fn bytes(lines: &str) -> Vec<u8> {
        let mut out = Vec::new();
        lines.lines().for_each(|line| read(line, &mut out).unwrap());
        out
    }

    #[test]
    fn usual_text_stands_as_it_is_and_unusual_bytes_are_escaped() {
        assert_eq!(lines(b"data: {\"a\":\"\\n\"}\n\ndata"), "| data: {\"a\":\"\\n\"}\n|\n> data\n");
        assert_eq!(lines(b"a\\b\r\n"), "|\\a\\\\b\\r\n");
        assert_eq!(lines(b"a \n\xff\xe2\x80"), "|\\a\\x20\n>\\\\xFF\\xE2\\x80\n");
        assert_eq!(lines(b""), "");
    }

    #[test]
    fn a_line_without_mark_or_with_an_unknown_escape_is_refused() {
        for line in ["data", "|x", r">\\q", r"|\\x4", r"|\\xZZ", r"|\\", r"|\\\\"] {
            assert_eq!(read(line, &mut Vec::new()), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_come_back_exactly(data: Vec<u8>) {
            prop_assert_eq!(bytes(&lines(&data)), data);
        }

        #[test]
        fn any_text_comes_back_exactly(text in "[ -~\r\n\té\u{feff}\u{2028}\\\\]{0,40}") {
            prop_assert_eq!(bytes(&lines(text.as_bytes())), text.into_bytes());
        }
    }
}
