//! Characters whose UTF-8 bytes stand in two frames of a stream, to whole ones: a token of a model may be a part of a character.

use crate::canonical::{DiagnosticCode, Diagnostics};
use std::borrow::Cow;

/// How many frames may come before the other bytes of a character.
const MAX_FRAMES: u32 = 8;

/// Puts the parts of such characters together: the first one waits for the frame with the next.
#[derive(Debug, Default)]
pub(super) struct CharacterJoiner {
    /// The first bytes of a character; empty: none wait.
    first: Vec<u8>,
    /// How many frames came since.
    frames: u32,
    pub(super) diagnostics: Diagnostics,
}

impl CharacterJoiner {
    /// Returns a frame's data with whole characters. Bytes that belong to none stay.
    pub(super) fn join<'d>(&mut self, data: &'d [u8]) -> Cow<'d, [u8]> {
        if data.is_ascii() || simdutf8::basic::from_utf8(data).is_ok() {
            self.age();
            return Cow::Borrowed(data);
        }
        let mut out: Vec<u8> = Vec::with_capacity(data.len() + self.first.len());
        let mut rest = data;
        let mut has_joined = false;
        while let Err(error) = std::str::from_utf8(rest) {
            let (valid, invalid) = rest.split_at(error.valid_up_to().min(rest.len()));
            out.extend_from_slice(valid);
            let count = error.error_len().unwrap_or(invalid.len());
            let (bytes, after) = invalid.split_at(count.min(invalid.len()));
            rest = after;
            if out.last() == Some(&b'"') && !self.first.is_empty() && is_continuation(bytes) {
                // Each of the bytes that continue a character is an error of its own.
                let more = after.iter().take_while(|byte| is_continuation(&[**byte])).count();
                let (others, behind) = after.split_at(more);
                let mut character = std::mem::take(&mut self.first);
                character.extend_from_slice(bytes);
                character.extend_from_slice(others);
                rest = behind;
                has_joined = true;
                match std::str::from_utf8(&character) {
                    Err(error) if error.valid_up_to() == 0 && error.error_len().is_none() && ends(rest) => {
                        (self.first, self.frames) = (character, 0);
                    }
                    _ => out.extend_from_slice(&character),
                }
                continue;
            }
            if self.first.is_empty() && ends(rest) && is_beginning(bytes) {
                (self.first, self.frames) = (bytes.to_vec(), 0);
                self.diagnostics.record(DiagnosticCode::EncodingInvalid, "", "a character in two parts");
                continue;
            }
            out.extend_from_slice(bytes);
        }
        out.extend_from_slice(rest);
        if !has_joined {
            self.age();
        }
        Cow::Owned(out)
    }

    /// Gives up bytes that wait for too long.
    fn age(&mut self) {
        if !self.first.is_empty() {
            self.frames += 1;
            if self.frames > MAX_FRAMES {
                self.first.clear();
            }
        }
    }
}

/// Whether a string of JSON ends here.
fn ends(rest: &[u8]) -> bool {
    rest.first() == Some(&b'"')
}

fn is_continuation(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(0x80..=0xbf))
}

/// Whether bytes are the first ones of a character.
fn is_beginning(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(parts: &[&[u8]]) -> Vec<u8> {
        let mut joiner = CharacterJoiner::default();
        let mut out = Vec::new();
        for part in parts {
            let frame = [b"{\"a\":\"", *part, b"\"}"].concat();
            let frame = joiner.join(&frame);
            out.extend_from_slice(&frame[6..frame.len() - 2]);
        }
        out
    }

    #[test]
    fn parts_of_a_character_are_put_together_wherever_they_are_cut() {
        let text = "aé€🙂z".as_bytes();
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let parts = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(joined(&parts), text, "{first} {second}");
            }
        }
    }

    #[test]
    fn bytes_that_are_no_part_of_a_character_stay() {
        assert_eq!(joined(&[b"a\xff", b"\x80b"]), b"a\xff\x80b");
        assert_eq!(joined(&[b"\xe2\x82", b"b", "\u{20ac}".as_bytes()]), "b\u{20ac}".as_bytes());
        assert_eq!(joined(&[b"\xe2b"]), b"\xe2b");
    }
}
