//! JSON text to the same JSON without escapes that are no text: half of a surrogate pair, and NUL.
//!
//! RFC 8259 allows `\ud83d` alone in a string, and many parsers refuse it: <https://www.rfc-editor.org/rfc/rfc8259#section-8.2>.

use super::raw_value::{decode_string, encode_string};
use super::scan::{skip_string, utf8};
use memchr::memmem::Finder;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

/// What stands for a character that is none, as JSON.
pub(crate) const REPLACEMENT: &str = "\\ufffd";

/// How often JSON may stand inside a string of other JSON and still be repaired.
const MAX_NESTED: u32 = 3;
/// How many repairs are described.
const MAX_DESCRIBED: usize = 256;

static UNICODE_ESCAPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\\u"));

/// Which escapes are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Half of a pair.
    Halves,
    /// Half of a pair, and NUL.
    HalvesAndNul,
}

/// What a `\u` escape stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    High,
    Low,
    Nul,
    Character,
}

/// Reads the escape whose `u` is at `at`.
fn read_escape(bytes: &[u8], at: usize) -> Escape {
    match bytes.get(at + 1..at + 5) {
        Some([b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', _, _]) => Escape::High,
        Some([b'd' | b'D', b'c'..=b'f' | b'C'..=b'F', _, _]) => Escape::Low,
        Some(b"0000") => Escape::Nul,
        _ => Escape::Character,
    }
}

/// Whether JSON has no escape that [`repair`] may have to replace. A cheap look: JSON that is not clean may still be right.
pub(crate) fn is_clean(json: &[u8], refused: Refused) -> bool {
    let Some(first) = memchr::memchr(b'\\', json) else { return true };
    let mut end_of_pair = 0;
    UNICODE_ESCAPE.find_iter(json.get(first..).unwrap_or_default()).all(|at| {
        let at = first + at;
        match read_escape(json, at + 1) {
            _ if at < end_of_pair => true,
            Escape::High => {
                // The second half has as many backslashes as the first: inside of a string of JSON two, deeper four, and so on.
                let before = json.get(..at).unwrap_or_default();
                let backslashes = 1 + before.iter().rev().take_while(|byte| **byte == b'\\').count();
                let second = at + 6 + backslashes;
                let between = json.get(at + 6..second).unwrap_or_default();
                let is_pair = backslashes.is_power_of_two()
                    && between.len() == backslashes
                    && between.iter().all(|byte| *byte == b'\\')
                    && json.get(second) == Some(&b'u')
                    && read_escape(json, second) == Escape::Low;
                end_of_pair = second;
                is_pair
            }
            Escape::Low => false,
            Escape::Nul => refused == Refused::Halves,
            Escape::Character => true,
        }
    })
}

/// A step of the path to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PathStep<'j> {
    /// A member, by its key as it is written.
    Key(&'j str),
    /// An item of a list.
    Item(usize),
}

/// Writes a path as `messages[0].content`.
pub(crate) fn write_path(path: &[PathStep<'_>]) -> String {
    let mut out = String::new();
    for step in path {
        match step {
            PathStep::Key(key) if out.is_empty() => out.push_str(key),
            PathStep::Key(key) => out.extend([".", key]),
            PathStep::Item(i) => out.extend(["[", &i.to_string(), "]"]),
        }
    }
    out
}

/// A part of a string that is no text, and what replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault<'j> {
    /// The bytes in the JSON.
    pub(crate) range: Range<usize>,
    /// What goes there, as JSON.
    pub(crate) replacement: Cow<'j, str>,
    pub(crate) half: Half,
}

/// Which half of a pair a fault is, if it may belong to another string's half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    /// The first half, at the end of its string.
    FirstAtEnd,
    /// The second half, at the beginning of its string.
    SecondAtStart,
    /// Anything else.
    None,
}

/// What is called with a path, whether the string is a key, and the faults of the string.
type Visit<'v, 'j> = &'v mut dyn FnMut(&[PathStep<'j>], bool, Vec<Fault<'j>>);

/// Visits each string of JSON with the path to it and its faults; the keys of objects too, with `is_key`. `None` if it is not JSON.
pub(crate) fn visit_strings<'j>(json: &'j str, refused: Refused, visit: Visit<'_, 'j>) -> Option<()> {
    visit_nested(json, refused, MAX_NESTED, visit)
}

fn visit_nested<'j>(json: &'j str, refused: Refused, max_nested: u32, visit: Visit<'_, 'j>) -> Option<()> {
    let bytes = json.as_bytes();
    let mut path: Vec<PathStep<'j>> = Vec::new();
    // Whether the next string is the key of the innermost object.
    let (mut at, mut is_key) = (0, false);
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' => {
                path.push(PathStep::Key(""));
                is_key = true;
            }
            b'[' => {
                path.push(PathStep::Item(0));
                is_key = false;
            }
            b'}' | b']' => {
                path.pop()?;
            }
            b':' => is_key = false,
            b',' => match path.last_mut()? {
                PathStep::Item(i) => *i += 1,
                PathStep::Key(_) => is_key = true,
            },
            b'"' => {
                let end = skip_string(bytes, at)?;
                let inner = at..end - 1;
                if is_key && let Some(PathStep::Key(key)) = path.last_mut() {
                    *key = json.get(inner.clone())?;
                }
                visit(&path, is_key, faults(json, inner, refused, max_nested));
                at = end;
            }
            _ => {}
        }
    }
    Some(())
}

/// The faults of the string with these inner bytes.
fn faults(json: &str, inner: Range<usize>, refused: Refused, max_nested: u32) -> Vec<Fault<'_>> {
    let (bytes, mut found) = (json.as_bytes(), Vec::new());
    let mut may_hold_json = false;
    let mut at = inner.start;
    while let Some(next) = bytes.get(at..inner.end).and_then(|rest| memchr::memchr(b'\\', rest)) {
        at += next;
        let letter = bytes.get(at + 1);
        if letter != Some(&b'u') {
            // A backslash as text: behind it may be an escape of JSON inside the string.
            may_hold_json |= letter == Some(&b'\\');
            at += 2;
            continue;
        }
        let escape = read_escape(bytes, at + 1);
        let is_pair = escape == Escape::High
            && bytes.get(at + 6..at + 8) == Some(b"\\u")
            && read_escape(bytes, at + 7) == Escape::Low;
        if is_pair {
            at += 12;
            continue;
        }
        let range = at..at + 6;
        at += 6;
        let half = match escape {
            Escape::Character => continue,
            Escape::Nul if refused == Refused::Halves => continue,
            Escape::High if range.end == inner.end => Half::FirstAtEnd,
            Escape::Low if range.start == inner.start => Half::SecondAtStart,
            Escape::High | Escape::Low | Escape::Nul => Half::None,
        };
        found.push(Fault { range, replacement: Cow::Borrowed(REPLACEMENT), half });
    }
    if may_hold_json
        && max_nested > 0
        // What is no text may be all that keeps the string from being JSON.
        && let Some(text) = replace(json, inner.clone(), &found)
        && let Some(repaired) = repair_inner(&text, refused, max_nested - 1)
    {
        return vec![Fault { range: inner, replacement: Cow::Owned(repaired), half: Half::None }];
    }
    found
}

/// A part of JSON with the replacements of its faults.
fn replace<'j>(json: &'j str, part: Range<usize>, faults: &[Fault<'_>]) -> Option<Cow<'j, str>> {
    if faults.is_empty() {
        return json.get(part).map(Cow::Borrowed);
    }
    let mut out = String::with_capacity(part.len());
    let mut end = part.start;
    for fault in faults {
        out.push_str(json.get(end..fault.range.start)?);
        out.push_str(&fault.replacement);
        end = fault.range.end;
    }
    out.push_str(json.get(end..part.end)?);
    Some(Cow::Owned(out))
}

/// Repairs the JSON that a string holds; `None` if it holds none, or none that has to be repaired.
fn repair_inner(inner: &str, refused: Refused, max_nested: u32) -> Option<String> {
    if is_clean(inner.as_bytes(), refused) {
        return None;
    }
    let text = decode_string(&format!("\"{inner}\""))?.into_owned();
    let is_json = text.trim_start().starts_with(['{', '[', '"'])
        && serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
    let repaired = is_json.then(|| repair_nested(&text, refused, max_nested)).flatten()?;
    let quoted = encode_string(&repaired.json);
    quoted.get(1..quoted.len() - 1).map(str::to_owned)
}

/// Repaired JSON, and what was repaired.
#[derive(Debug)]
pub(crate) struct RepairedJson {
    pub(crate) json: String,
    /// The paths of the repaired strings, and whether two halves were put together there.
    pub(crate) repairs: Vec<(String, bool)>,
}

/// Replaces what is no text in the strings of JSON. Two halves of a pair in texts of adjacent content parts are put together.
/// `None` if there is nothing to repair, or if it is not JSON.
pub(crate) fn repair(json: &[u8], refused: Refused) -> Option<RepairedJson> {
    if is_clean(json, refused) {
        return None;
    }
    repair_nested(utf8(json)?, refused, MAX_NESTED)
}

fn repair_nested(json: &str, refused: Refused, max_nested: u32) -> Option<RepairedJson> {
    let mut faults: Vec<Fault<'_>> = Vec::new();
    let mut repairs: Vec<(String, bool)> = Vec::new();
    // The first half at the end of a part's text: its fault, and the path of the part behind it.
    let mut open: Option<(usize, Vec<PathStep<'_>>)> = None;
    visit_nested(json, refused, max_nested, &mut |path, is_key, mut found| {
        let part_text = match path {
            [before @ .., PathStep::Item(i), PathStep::Key("text")] if !is_key => Some((before, *i)),
            _ => None,
        };
        let joins = part_text.is_some_and(|(list, i)| {
            open.as_ref().is_some_and(|(_, next)| next.split_last() == Some((&PathStep::Item(i), list)))
        });
        let mut is_joined = false;
        if joins
            && let Some((first, _)) = open.take()
            && let (Some(first), Some(second)) = (faults.get_mut(first), found.first_mut())
            && second.half == Half::SecondAtStart
        {
            let escape = |range: &Range<usize>| json.get(range.clone()).unwrap_or_default();
            first.replacement = Cow::Owned([escape(&first.range), escape(&second.range)].concat());
            second.replacement = Cow::Borrowed("");
            is_joined = true;
        }
        if let (Some((list, i)), Some(last)) = (part_text, found.last())
            && last.half == Half::FirstAtEnd
        {
            let next = list.iter().cloned().chain([PathStep::Item(i + 1)]).collect();
            open = Some((faults.len() + found.len() - 1, next));
        }
        if !found.is_empty() && repairs.len() < MAX_DESCRIBED {
            repairs.push((write_path(path), is_joined));
        }
        faults.append(&mut found);
    })?;
    if faults.is_empty() {
        return None;
    }
    let json = replace(json, 0..json.len(), &faults)?.into_owned();
    Some(RepairedJson { json, repairs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn repaired(json: &str) -> Option<String> {
        repair(json.as_bytes(), Refused::HalvesAndNul).map(|repaired| repaired.json)
    }

    #[test]
    fn what_is_no_text_is_replaced_and_the_rest_stays() {
        for (json, expected) in [
            (r#"{"a":"x\ud800y","b":"\uDC00"}"#, r#"{"a":"x\ufffdy","b":"\ufffd"}"#),
            (r#"{"a\ud83d":1,"n":"\u0000"}"#, r#"{"a\ufffd":1,"n":"\ufffd"}"#),
            (r#"["\ude00\ud83d\ude00\ud83d"]"#, r#"["\ufffd\ud83d\ude00\ufffd"]"#),
            (r#"["\ud83d\ud83d\ude00"]"#, r#"["\ufffd\ud83d\ude00"]"#),
            (r#"["\\\ud83d"]"#, r#"["\\\ufffd"]"#),
        ] {
            assert_eq!(repaired(json).as_deref(), Some(expected), "{json}");
        }
        for json in [
            r#"{"a":"\ud83d\ude00 \u00e9 \n"}"#,
            r#"{"a":"{\"b\":\"\\ud83d\\ude00\"}"}"#,
            r#"{"a":"the escape \\ud83d is half of a pair"}"#,
            r#"{"a":"\\u0000 in a text"}"#,
            "{}",
            "",
            r#"{"a":"\ud83d"#,
        ] {
            assert_eq!(repaired(json), None, "{json}");
        }
    }

    #[test]
    fn json_in_a_string_is_repaired_too() {
        for (json, expected) in [
            (r#"{"a":"{\"t\":\"\\ud99c\"}"}"#, r#"{"a":"{\"t\":\"\\ufffd\"}"}"#),
            (r#"{"a":"[\"\\u0000\"]"}"#, r#"{"a":"[\"\\ufffd\"]"}"#),
            // Without NUL the string is JSON.
            (r#"["\"\\ud83d\u0000\""]"#, "[\"\\\"\\\\ufffd\u{fffd}\\\"\"]"),
            (r#"{"a":"{\"t\":\"[\\\"\\\\ud99c\\\"]\"}"}"#, r#"{"a":"{\"t\":\"[\\\"\\\\ufffd\\\"]\"}"}"#),
        ] {
            assert_eq!(repaired(json).as_deref(), Some(expected), "{json}");
        }
    }

    #[test]
    fn halves_in_adjacent_parts_are_put_together() {
        let json = r#"{"content":[{"type":"text","text":"a\ud83d"},{"text":"\ude00b","type":"text"},{"text":"\ude00"}]}"#;
        let expected = r#"{"content":[{"type":"text","text":"a\ud83d\ude00"},{"text":"b","type":"text"},{"text":"\ufffd"}]}"#;
        let result = repair(json.as_bytes(), Refused::HalvesAndNul).unwrap();
        assert_eq!(result.json, expected);
        let paths = ["content[0].text", "content[1].text", "content[2].text"];
        assert_eq!(result.repairs, paths.map(|path| (path.to_owned(), path == "content[1].text")));
        for separate in [
            r#"[{"text":"a\ud83d"},{"image":""},{"text":"\ude00b"}]"#,
            r#"[[{"text":"a\ud83d"}],[{"text":"\ude00b"}]]"#,
            r#"["a\ud83d","\ude00b"]"#,
        ] {
            assert_eq!(repaired(separate).unwrap().matches("\\ufffd").count(), 2, "{separate}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..Default::default() })]

        /// Whatever escapes follow one another: what comes out is text for `serde_json`, and clean.
        #[test]
        fn repaired_strings_are_text(
            parts in prop::collection::vec(
                prop::sample::select(vec!["\\ud83d", "\\ude00", "\\u0000", "\\\\", "\\n", "\\\"", "u", "ud83d", "x", "\\u00e9", "{", "}"]),
                0..12,
            ),
        ) {
            let json = format!("[\"{}\"]", parts.concat());
            let out = repaired(&json).unwrap_or_else(|| json.clone());
            let text: Vec<String> = serde_json::from_str(&out).unwrap();
            prop_assert!(!text[0].contains('\0'));
            prop_assert_eq!(repaired(&out), None);
            if serde_json::from_str::<Vec<String>>(&json).is_ok_and(|text| !text[0].contains('\0')) && !json.contains("\\\\u") {
                prop_assert_eq!(out, json);
            }
        }
    }
}
