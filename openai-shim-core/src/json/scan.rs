//! JSON's grammar over bytes: whether a text is JSON, and where its parts stand. Builds nothing.
//!
//! What this accepts `serde_json` accepts too, with the same parts (a test holds both against each other). What it does
//! not accept may still be JSON (brackets deeper than [`DEEPEST`]): the caller then asks `serde_json`, whose errors also
//! say where a text is broken. Strings, which are nearly all of a chat's bytes, are read in [`string`](super::string).

pub(crate) use super::string::string;
use std::ops::Range;

/// How deep brackets may stand in one another.
const DEEPEST: u32 = 64;

/// One step over a text; `None`: not JSON, or too deep to say.
pub(super) type ScanEnd = Option<usize>;

/// Bytes as text, if they are.
pub(crate) fn utf8(bytes: &[u8]) -> Option<&str> {
    simdutf8::basic::from_utf8(bytes).ok()
}

/// Where the white space at `at` ends.
pub(super) fn space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
}

/// Where the value ends that begins at `at`.
pub(super) fn value(bytes: &[u8], mut at: usize) -> ScanEnd {
    // The open brackets, the innermost in the lowest bit; set for an object.
    let (mut open, mut depth) = (0_u64, 0_u32);
    loop {
        at = match bytes.get(at)? {
            b'"' => string(bytes, at + 1)?,
            bracket @ (b'{' | b'[') => {
                let object = *bracket == b'{';
                at = space(bytes, at + 1);
                if bytes.get(at) == Some(if object { &b'}' } else { &b']' }) {
                    at + 1
                } else {
                    depth += 1;
                    open = open << 1 | u64::from(object);
                    if depth > DEEPEST {
                        return None;
                    }
                    if object {
                        at = key(bytes, at)?;
                    }
                    continue;
                }
            }
            b't' => word(bytes, at, b"true")?,
            b'f' => word(bytes, at, b"false")?,
            b'n' => word(bytes, at, b"null")?,
            _ => number(bytes, at)?,
        };
        loop {
            if depth == 0 {
                return Some(at);
            }
            at = space(bytes, at);
            match (bytes.get(at)?, open & 1 == 1) {
                (b',', true) => {
                    at = key(bytes, space(bytes, at + 1))?;
                    break;
                }
                (b',', false) => {
                    at = space(bytes, at + 1);
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

/// Hands over the members of the object that a text is: each key as it is written between its quotes, and the raw value.
pub(super) fn members<'a>(text: &'a str, mut each: impl FnMut(&'a str, &'a str) -> Option<()>) -> Option<()> {
    whole(text, |at| {
        object(text, at, &mut |key, at| {
            let end = value(text.as_bytes(), at)?;
            each(key, text.get(at..end)?)?;
            Some(end)
        })
    })
}

/// Hands over the raw items of the array that a text is.
pub(super) fn items<'a>(text: &'a str, mut each: impl FnMut(&'a str)) -> Option<()> {
    whole(text, |at| {
        array(text, at, &mut |at| {
            let end = value(text.as_bytes(), at)?;
            each(text.get(at..end)?);
            Some(end)
        })
    })
}

/// Whether a text is what `read` takes from where it begins to where it ends, and nothing else.
pub(super) fn whole(text: &str, read: impl FnOnce(usize) -> ScanEnd) -> Option<()> {
    let bytes = text.as_bytes();
    let end = read(space(bytes, 0))?;
    (space(bytes, end) == bytes.len()).then_some(())
}

/// Where the object at `at` ends; `each` is given every key and where its value begins, and says where it ends.
pub(super) fn object<'a>(
    text: &'a str,
    at: usize,
    each: &mut dyn FnMut(&'a str, usize) -> ScanEnd,
) -> ScanEnd {
    let bytes = text.as_bytes();
    let mut at = open(bytes, at, b'{')?;
    if bytes.get(at) == Some(&b'}') {
        return Some(at + 1);
    }
    loop {
        if bytes.get(at) != Some(&b'"') {
            return None;
        }
        let (start, end) = (at + 1, string(bytes, at + 1)?);
        at = space(bytes, each(text.get(start..end - 1)?, colon(bytes, end)?)?);
        match bytes.get(at)? {
            b',' => at = space(bytes, at + 1),
            b'}' => return Some(at + 1),
            _ => return None,
        }
    }
}

/// Where the array at `at` ends; `each` is told where an item begins, and says where it ends.
pub(super) fn array(text: &str, at: usize, each: &mut dyn FnMut(usize) -> ScanEnd) -> ScanEnd {
    let bytes = text.as_bytes();
    let mut at = open(bytes, at, b'[')?;
    if bytes.get(at) == Some(&b']') {
        return Some(at + 1);
    }
    loop {
        at = space(bytes, each(at)?);
        match bytes.get(at)? {
            b',' => at = space(bytes, at + 1),
            b']' => return Some(at + 1),
            _ => return None,
        }
    }
}

/// Where an array ends of which the items stand in `known`, and were read before; `None` if it is another one.
pub(super) fn known_array(bytes: &[u8], at: usize, known: &Range<usize>) -> ScanEnd {
    let end = space(bytes, known.end);
    (open(bytes, at, b'[')? == known.start && bytes.get(end) == Some(&b']')).then_some(end + 1)
}

/// Over a bracket and the white space in it.
fn open(bytes: &[u8], at: usize, bracket: u8) -> ScanEnd {
    (bytes.get(at) == Some(&bracket)).then(|| space(bytes, at + 1))
}

/// Over a key and its colon, to the value.
fn key(bytes: &[u8], at: usize) -> ScanEnd {
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    colon(bytes, string(bytes, at + 1)?)
}

fn colon(bytes: &[u8], at: usize) -> ScanEnd {
    let at = space(bytes, at);
    (bytes.get(at) == Some(&b':')).then(|| space(bytes, at + 1))
}

fn word(bytes: &[u8], at: usize, word: &[u8]) -> ScanEnd {
    bytes.get(at..)?.starts_with(word).then_some(at + word.len())
}

fn number(bytes: &[u8], mut at: usize) -> ScanEnd {
    at += usize::from(bytes.get(at) == Some(&b'-'));
    at = match bytes.get(at)? {
        b'0' => at + 1,
        b'1'..=b'9' => digits(bytes, at)?,
        _ => return None,
    };
    if bytes.get(at) == Some(&b'.') {
        at = digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        at = digits(bytes, at)?;
    }
    Some(at)
}

/// Over digits, of which there must be one.
pub(crate) fn digits(bytes: &[u8], start: usize) -> ScanEnd {
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

    /// Pieces of JSON, good and bad, so that what is put together is often nearly right.
    const PIECES: [&str; 40] = [
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
        "\"long enough to be passed eight bytes at a time, and then some more of it, and yet more\"",
        "{}",
        "[]",
        "[1,2]",
        "{\"a\":{\"b\":[]}}",
        "\u{feff}",
        "x",
    ];

    /// Texts from pieces, texts with a byte changed, and bytes.
    fn texts() -> impl Strategy<Value = Vec<u8>> {
        let pieces = prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..12);
        let whole = r#"{"a" : "b\n\\", "c": [1, -2.5e3, {"d":null}, []], "é\u0041": true, "a": "ü and more than eight bytes of it"}"#;
        prop_oneof![
            pieces.prop_map(|pieces| pieces.concat().into_bytes()),
            (0..whole.len(), any::<u8>()).prop_map(move |(at, byte)| {
                let mut bytes = whole.as_bytes().to_vec();
                bytes[at] = byte;
                bytes
            }),
            (0..whole.len()).prop_map(move |at| whole.as_bytes()[..at].to_vec()),
            prop::collection::vec(any::<u8>(), 0..20),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..Default::default() })]

        #[test]
        fn what_is_read_here_serde_reads_the_same(bytes in texts()) {
            let Ok(text) = std::str::from_utf8(&bytes) else { return Ok(()) };
            let mut found = Vec::new();
            if super::members(text, |key, value| { found.push((key, value)); Some(()) }).is_some() {
                let serde: Object<'_> = serde_json::from_slice(&bytes).unwrap_or_default();
                let keys = found.iter().map(|(key, _)| serde_json::from_str::<String>(&format!("\"{key}\"")));
                // Half a surrogate pair in a key is for serde to refuse.
                if keys.clone().all(|key| key.is_ok()) {
                    let found: Vec<_> = keys.map(Result::unwrap).zip(found.iter().map(|(_, value)| *value)).collect();
                    let serde: Vec<_> = serde.iter().map(|(key, value)| (key.to_owned(), value)).collect();
                    prop_assert_eq!(found, serde);
                }
            } else {
                prop_assert!(serde_json::from_slice::<Object<'_>>(&bytes).is_err(), "{}", text);
            }
            let mut found = Vec::new();
            let read = super::items(text, |item| found.push(item)).map(|()| found);
            let serde = serde_json::from_str::<Vec<&RawValue>>(text).ok();
            prop_assert_eq!(read, serde.map(|items| items.into_iter().map(RawValue::get).collect()));
        }
    }

    #[test]
    fn brackets_too_deep_to_say_are_read_all_the_same() {
        for depth in [63, 64, 65, 66, 500] {
            let text = format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
            assert!(Object::parse(text.as_bytes()).is_ok(), "{depth}");
            assert!(Object::parse(&text.as_bytes()[..text.len() - 2]).is_err(), "{depth}");
        }
    }
}
