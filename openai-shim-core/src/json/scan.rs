//! Validates JSON bytes and finds the ranges of their parts, without building values.
//!
//! Text that this scanner accepts `serde_json` accepts too, with the same parts (a test compares both). Text that it rejects may
//! still be JSON (brackets nested deeper than [`MAX_DEPTH`]): the caller then uses `serde_json`, whose errors also have the
//! position of a fault. Strings, which are most of a chat's bytes, are scanned in [`string`](super::string).

pub(crate) use super::string::skip_string;
use std::ops::Range;

/// The maximum nesting of brackets; [`skip_value`] has one bit for each level.
const MAX_DEPTH: u32 = 64;

/// The index after the scanned part; `None` if it is not JSON, or nested too deep for this scanner.
pub(super) type ScanEnd = Option<usize>;

/// The bytes as text; `None` if they are not UTF-8.
pub(crate) fn utf8(bytes: &[u8]) -> Option<&str> {
    simdutf8::basic::from_utf8(bytes).ok()
}

/// Skips white space; returns the index after it.
pub(super) fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
}

/// Skips the value that begins at `at`.
pub(super) fn skip_value(bytes: &[u8], mut at: usize) -> ScanEnd {
    // One bit for each open bracket, the innermost in the lowest bit: 1 for an object, 0 for an array.
    let (mut open, mut depth) = (0_u64, 0_u32);
    loop {
        at = match bytes.get(at)? {
            b'"' => skip_string(bytes, at + 1)?,
            bracket @ (b'{' | b'[') => {
                let is_object = *bracket == b'{';
                at = skip_space(bytes, at + 1);
                if bytes.get(at) == Some(if is_object { &b'}' } else { &b']' }) {
                    at + 1
                } else {
                    depth += 1;
                    open = open << 1 | u64::from(is_object);
                    if depth > MAX_DEPTH {
                        return None;
                    }
                    if is_object {
                        at = skip_key(bytes, at)?;
                    }
                    continue;
                }
            }
            b't' => skip_literal(bytes, at, b"true")?,
            b'f' => skip_literal(bytes, at, b"false")?,
            b'n' => skip_literal(bytes, at, b"null")?,
            _ => skip_number(bytes, at)?,
        };
        loop {
            if depth == 0 {
                return Some(at);
            }
            at = skip_space(bytes, at);
            match (bytes.get(at)?, open & 1 == 1) {
                (b',', true) => {
                    at = skip_key(bytes, skip_space(bytes, at + 1))?;
                    break;
                }
                (b',', false) => {
                    at = skip_space(bytes, at + 1);
                    break;
                }
                (b'}', true) | (b']', false) => {
                    (at, open, depth) = (at + 1, open >> 1, depth - 1);
                }
                _ => return None,
            }
        }
    }
}

/// Calls `visit` with each member of the object in `text`: the key as written between its quotes, and the raw value.
pub(super) fn visit_members<'a>(
    text: &'a str,
    mut visit: impl FnMut(&'a str, &'a str) -> Option<()>,
) -> Option<()> {
    match_whole(text, |at| {
        visit_object(text, at, &mut |key, at| {
            let end = skip_value(text.as_bytes(), at)?;
            visit(key, text.get(at..end)?)?;
            Some(end)
        })
    })
}

/// Calls `visit` with each raw item of the array in `text`.
pub(super) fn visit_items<'a>(text: &'a str, mut visit: impl FnMut(&'a str)) -> Option<()> {
    match_whole(text, |at| {
        visit_array(text, at, &mut |at| {
            let end = skip_value(text.as_bytes(), at)?;
            visit(text.get(at..end)?);
            Some(end)
        })
    })
}

/// `Some` if `scan` matches the whole text except for white space around it.
pub(super) fn match_whole(text: &str, scan: impl FnOnce(usize) -> ScanEnd) -> Option<()> {
    let bytes = text.as_bytes();
    let end = scan(skip_space(bytes, 0))?;
    (skip_space(bytes, end) == bytes.len()).then_some(())
}

/// Scans the object at `at`. `scan_member` receives each key and the start of its value, and returns the end of the value.
pub(super) fn visit_object<'a>(
    text: &'a str,
    at: usize,
    scan_member: &mut dyn FnMut(&'a str, usize) -> ScanEnd,
) -> ScanEnd {
    let bytes = text.as_bytes();
    let mut at = skip_bracket(bytes, at, b'{')?;
    if bytes.get(at) == Some(&b'}') {
        return Some(at + 1);
    }
    loop {
        if bytes.get(at) != Some(&b'"') {
            return None;
        }
        let (start, end) = (at + 1, skip_string(bytes, at + 1)?);
        at = skip_space(bytes, scan_member(text.get(start..end - 1)?, skip_colon(bytes, end)?)?);
        match bytes.get(at)? {
            b',' => at = skip_space(bytes, at + 1),
            b'}' => return Some(at + 1),
            _ => return None,
        }
    }
}

/// Scans the array at `at`. `scan_item` receives the start of each item and returns its end.
pub(super) fn visit_array(text: &str, at: usize, scan_item: &mut dyn FnMut(usize) -> ScanEnd) -> ScanEnd {
    let bytes = text.as_bytes();
    let mut at = skip_bracket(bytes, at, b'[')?;
    if bytes.get(at) == Some(&b']') {
        return Some(at + 1);
    }
    loop {
        at = skip_space(bytes, scan_item(at)?);
        match bytes.get(at)? {
            b',' => at = skip_space(bytes, at + 1),
            b']' => return Some(at + 1),
            _ => return None,
        }
    }
}

/// Skips the array at `at` if its items are exactly the range `items`, which was validated before; else `None`.
pub(super) fn skip_known_array(bytes: &[u8], at: usize, items: &Range<usize>) -> ScanEnd {
    let end = skip_space(bytes, items.end);
    (skip_bracket(bytes, at, b'[')? == items.start && bytes.get(end) == Some(&b']')).then_some(end + 1)
}

/// Skips an opening bracket and the white space after it.
fn skip_bracket(bytes: &[u8], at: usize, bracket: u8) -> ScanEnd {
    (bytes.get(at) == Some(&bracket)).then(|| skip_space(bytes, at + 1))
}

/// Skips a key and its colon, up to the value.
fn skip_key(bytes: &[u8], at: usize) -> ScanEnd {
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    skip_colon(bytes, skip_string(bytes, at + 1)?)
}

/// Skips a colon and the white space around it.
fn skip_colon(bytes: &[u8], at: usize) -> ScanEnd {
    let at = skip_space(bytes, at);
    (bytes.get(at) == Some(&b':')).then(|| skip_space(bytes, at + 1))
}

fn skip_literal(bytes: &[u8], at: usize, literal: &[u8]) -> ScanEnd {
    bytes.get(at..)?.starts_with(literal).then_some(at + literal.len())
}

fn skip_number(bytes: &[u8], mut at: usize) -> ScanEnd {
    at += usize::from(bytes.get(at) == Some(&b'-'));
    at = match bytes.get(at)? {
        b'0' => at + 1,
        b'1'..=b'9' => skip_digits(bytes, at)?,
        _ => return None,
    };
    if bytes.get(at) == Some(&b'.') {
        at = skip_digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        at = skip_digits(bytes, at)?;
    }
    Some(at)
}

/// Skips decimal digits; `None` if there is none.
pub(crate) fn skip_digits(bytes: &[u8], start: usize) -> ScanEnd {
    let mut at = start;
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    (at > start).then_some(at)
}

#[cfg(test)]
mod tests {
    use crate::json::Object;
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    /// Valid and invalid fragments of JSON: their concatenation is often nearly valid.
    const FRAGMENTS: [&str; 40] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"a\"",
        "\"a\":",
        "\"\\u00e9\":1",
        "\"\\ud800\"",
        "\"\\ud800\":",
        "\\",
        "\\u12",
        " ",
        "\n",
        "\t",
        "\u{c}",
        "\u{1}",
        "true",
        "false",
        "null",
        "nul",
        "0",
        "01",
        "-",
        "-0",
        "1.5",
        "1.",
        "1e5",
        "1E+",
        ".5",
        "\"é\"",
        "\"long enough to be scanned sixteen bytes at a time, and in a block of sixty-four bytes\"",
        "{}",
        "[]",
        "[1,2]",
        "{\"a\":{\"b\":[]}}",
        "\u{feff}",
        "x",
    ];

    /// Concatenated fragments, a valid text with one byte changed or cut short, and random bytes.
    fn candidate_texts() -> impl Strategy<Value = Vec<u8>> {
        let fragments = prop::collection::vec(prop::sample::select(FRAGMENTS.to_vec()), 0..12);
        let valid = r#"{"a" : "b\n\\", "c": [1, -2.5e3, {"d":null}, []], "é\u0041": true, "a": "ü and more than eight bytes of it"}"#;
        prop_oneof![
            fragments.prop_map(|fragments| fragments.concat().into_bytes()),
            (0..valid.len(), any::<u8>()).prop_map(move |(at, byte)| {
                let mut bytes = valid.as_bytes().to_vec();
                bytes[at] = byte;
                bytes
            }),
            (0..valid.len()).prop_map(move |at| valid.as_bytes()[..at].to_vec()),
            prop::collection::vec(any::<u8>(), 0..20),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..Default::default() })]

        #[test]
        fn scanner_and_serde_json_find_the_same_parts(bytes in candidate_texts()) {
            let Ok(text) = std::str::from_utf8(&bytes) else { return Ok(()) };
            let mut found = Vec::new();
            if super::visit_members(text, |key, value| { found.push((key, value)); Some(()) }).is_some() {
                let serde: Object<'_> = serde_json::from_slice(&bytes).unwrap_or_default();
                let keys = found.iter().map(|(key, _)| serde_json::from_str::<String>(&format!("\"{key}\"")));
                // serde_json rejects a lone surrogate in a key.
                if keys.clone().all(|key| key.is_ok()) {
                    let found: Vec<_> = keys.map(Result::unwrap).zip(found.iter().map(|(_, value)| *value)).collect();
                    let serde: Vec<_> = serde.iter().map(|(key, value)| (key.to_owned(), value)).collect();
                    prop_assert_eq!(found, serde);
                }
            } else {
                prop_assert!(serde_json::from_slice::<Object<'_>>(&bytes).is_err(), "{}", text);
            }
            let mut found = Vec::new();
            let scanned = super::visit_items(text, |item| found.push(item)).map(|()| found);
            let serde = serde_json::from_str::<Vec<&RawValue>>(text).ok();
            prop_assert_eq!(scanned, serde.map(|items| items.into_iter().map(RawValue::get).collect()));
        }
    }

    #[test]
    fn brackets_deeper_than_the_scanner_supports_are_parsed() {
        for depth in [63, 64, 65, 66, 500] {
            let text = format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
            assert!(Object::parse(text.as_bytes()).is_ok(), "{depth}");
            assert!(Object::parse(&text.as_bytes()[..text.len() - 2]).is_err(), "{depth}");
        }
    }
}
