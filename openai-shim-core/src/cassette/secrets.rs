//! What is recorded, without keys: in headers by their names, in bodies and paths by the form of a key.

use super::RecordedChunk;
use crate::redact::secrets;
use bytes::Bytes;
use std::borrow::Cow;
use std::ops::Range;

/// What stands in place of a secret.
const KEY: &str = "[key]";

/// Words in the names of headers whose values are secrets.
const SECRET_NAMES: [&str; 6] = ["auth", "key", "token", "secret", "cookie", "password"];

/// A header's value without secrets.
pub(super) fn redacted_header<'v>(name: &str, value: &'v str, known: &[&str]) -> Cow<'v, str> {
    let name = name.to_ascii_lowercase();
    if SECRET_NAMES.iter().any(|word| name.contains(word)) {
        Cow::Borrowed(KEY)
    } else {
        redacted_text(value, known)
    }
}

/// The places of secrets in a text, in order: those with the form of a key, and the `known` ones.
fn find(text: &str, known: &[&str]) -> Vec<Range<usize>> {
    let mut found = secrets(text);
    for secret in known.iter().filter(|secret| !secret.is_empty()) {
        found.extend(text.match_indices(secret).map(|(start, _)| start..start + secret.len()));
    }
    found.sort_by_key(|range| range.start);
    found.dedup_by(|next, range| {
        let overlaps = next.start < range.end;
        range.end = if overlaps { range.end.max(next.end) } else { range.end };
        overlaps
    });
    found
}

/// A text without secrets.
pub(super) fn redacted_text<'t>(text: &'t str, known: &[&str]) -> Cow<'t, str> {
    let found = find(text, known);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let bytes = without(text.as_bytes(), &found, &mut []);
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// The parts of a body without secrets, also those that a cut divides: such a cut moves behind the replacement.
pub(super) fn redacted_chunks<'c>(chunks: &'c [RecordedChunk], known: &[&str]) -> Cow<'c, [RecordedChunk]> {
    let whole: Vec<u8> = chunks.iter().flat_map(|chunk| &chunk.bytes[..]).copied().collect();
    let mut found = Vec::new();
    let mut start = 0;
    for part in whole.utf8_chunks() {
        found.extend(
            find(part.valid(), known).into_iter().map(|range| range.start + start..range.end + start),
        );
        start += part.valid().len() + part.invalid().len();
    }
    if found.is_empty() {
        return Cow::Borrowed(chunks);
    }
    let mut ends: Vec<_> = chunks
        .iter()
        .scan(0, |end, chunk| {
            *end += chunk.bytes.len();
            Some(*end)
        })
        .collect();
    let bytes = Bytes::from(without(&whole, &found, &mut ends));
    let mut start = 0;
    let parts = chunks.iter().zip(ends).map(|(chunk, end)| {
        let part = start..end.max(start);
        start = part.end;
        RecordedChunk { at: chunk.at, bytes: bytes.slice(part) }
    });
    Cow::Owned(parts.collect())
}

/// Bytes with [`KEY`] in place of each range. `positions`, in order, become the same places of the result.
fn without(bytes: &[u8], ranges: &[Range<usize>], positions: &mut [usize]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut copied, mut moved) = (0, 0);
    let end = bytes.len()..bytes.len();
    for range in ranges.iter().chain([&end]) {
        let until = if range.is_empty() { range.end + 1 } else { range.start + 1 };
        while let Some(position) = positions.get_mut(moved).filter(|position| **position < until) {
            *position = out.len() + position.saturating_sub(copied);
            moved += 1;
        }
        out.extend_from_slice(bytes.get(copied..range.start).unwrap_or_default());
        if !range.is_empty() {
            out.extend_from_slice(KEY.as_bytes());
        }
        copied = range.end;
        while let Some(position) = positions.get_mut(moved).filter(|position| **position <= range.end) {
            *position = out.len();
            moved += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn cut(text: &str, at: usize) -> Vec<RecordedChunk> {
        let (first, second) = text.split_at(at);
        [first, second]
            .map(|part| RecordedChunk { at: Duration::ZERO, bytes: part.to_owned().into() })
            .to_vec()
    }

    #[test]
    fn a_key_is_replaced_wherever_a_cut_divides_it() {
        let text = "{\"a\":\"sk-0123456789abcdef\",\"b\":\"é\"}";
        for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            let chunks = cut(text, at);
            let redacted = redacted_chunks(&chunks, &[]);
            let [first, second] = &redacted[..] else { panic!("{redacted:?}") };
            let whole = [&first.bytes[..], &second.bytes[..]].concat();
            assert_eq!(String::from_utf8_lossy(&whole), "{\"a\":\"[key]\",\"b\":\"é\"}", "{at}");
            let expected = match at {
                0..=6 => at,
                7..=25 => 11,
                _ => at - 14,
            };
            assert_eq!(first.bytes.len(), expected, "{at}");
        }
    }

    #[test]
    fn a_body_without_keys_is_not_copied() {
        assert!(matches!(redacted_chunks(&cut("task-force of 2024", 3), &["2025"]), Cow::Borrowed(_)));
    }

    #[test]
    fn headers_of_secret_names_have_no_value() {
        for name in ["Authorization", "x-api-key", "Set-Cookie", "x-goog-api-key", "X-Auth-Token"] {
            assert_eq!(redacted_header(name, "abc", &[]), KEY, "{name}");
        }
        assert_eq!(redacted_header("content-type", "text/plain", &[]), "text/plain");
        assert_eq!(redacted_header("x-note", "Bearer abcdef123456", &[]), KEY);
    }

    #[test]
    fn known_secrets_are_replaced_whatever_their_form() {
        assert_eq!(redacted_text("a hunter2 b", &["hunter2", ""]), "a [key] b");
        assert_eq!(redacted_text("sk-0123456789abcdef", &["0123", "789abcdef"]), KEY);
    }
}
