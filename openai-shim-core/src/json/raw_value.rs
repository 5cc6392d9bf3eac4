//! One raw JSON value: its kind, its items, and JSON strings to text and back.

use super::array_builder::reserve_for_items;
use super::scan;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::ops::Range;

/// The kind of a raw JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// Determines the kind of a valid JSON text from its first byte.
///
/// ```
/// use openai_shim_core::json::{value_kind, ValueKind};
/// assert_eq!(value_kind("[1]"), ValueKind::Array);
/// ```
pub fn value_kind(raw: &str) -> ValueKind {
    match raw.bytes().find(|b| !b.is_ascii_whitespace()) {
        Some(b'{') => ValueKind::Object,
        Some(b'[') => ValueKind::Array,
        Some(b'"') => ValueKind::String,
        Some(b't' | b'f') => ValueKind::Bool,
        Some(b'n') | None => ValueKind::Null,
        Some(_) => ValueKind::Number,
    }
}

/// Splits an array into its raw items; `None` for any other kind.
///
/// ```
/// assert_eq!(openai_shim_core::json::items("[1, {}]"), Some(vec!["1", "{}"]));
/// ```
pub fn items(raw: &str) -> Option<Vec<&str>> {
    let mut items = Vec::with_capacity(4);
    let each = |item| {
        if items.len() == items.capacity() {
            let start = range_in(raw.as_bytes(), item).map_or(0, |range| range.start);
            reserve_for_items(&mut items, start, raw.len());
        }
        items.push(item);
    };
    match scan::visit_items(raw, each) {
        Some(()) => Some(items),
        None => {
            let items: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
            Some(items.into_iter().map(RawValue::get).collect())
        }
    }
}

/// The byte range of `part` in `text`; `None` if `part` is not a slice of it.
pub(crate) fn range_in(text: &[u8], part: &str) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let end = start.checked_add(part.len()).filter(|end| *end <= text.len())?;
    Some(start..end)
}

/// Whether JSON is an empty list.
pub(crate) fn is_empty_list(json: &str) -> bool {
    json.trim().strip_prefix('[').is_some_and(|end| end.trim_start() == "]")
}

/// Joins raw values to a JSON array.
pub fn encode_array(items: &[impl AsRef<str>]) -> String {
    let mut out = String::with_capacity(items.iter().map(|item| item.as_ref().len() + 1).sum::<usize>() + 2);
    for (i, item) in items.iter().enumerate() {
        out.push(if i == 0 { '[' } else { ',' });
        out.push_str(item.as_ref());
    }
    out.push_str(if items.is_empty() { "[]" } else { "]" });
    out
}

/// Decodes a raw JSON string, borrowing when it has no escapes; `None` for any other kind.
pub fn decode_string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.trim().strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    if let Some(text) = decode_short_escapes(inner) {
        return Some(Cow::Owned(text));
    }
    match serde_json::from_str::<String>(raw) {
        Ok(text) => Some(Cow::Owned(text)),
        // A lone surrogate is valid in JSON's grammar but is not text: it becomes U+FFFD.
        Err(_) => Some(Cow::Owned(decode_lossy(inner))),
    }
}

/// Decodes a raw JSON string and appends it to `out`; appends nothing for any other kind.
pub(crate) fn append_text(raw: &str, out: &mut String) {
    let len_before = out.len();
    let inner = raw.strip_prefix('"').and_then(|inner| inner.strip_suffix('"'));
    if inner.and_then(|inner| append_short_escapes(inner, out)).is_none() {
        out.truncate(len_before);
        out.push_str(&decode_string(raw).unwrap_or_default());
    }
}

/// Decodes a string whose escapes all have one letter; `None` if it has another escape.
fn decode_short_escapes(inner: &str) -> Option<String> {
    let mut out = String::with_capacity(inner.len());
    append_short_escapes(inner, &mut out)?;
    Some(out)
}

fn append_short_escapes(mut rest: &str, out: &mut String) -> Option<()> {
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(rest.get(..at)?);
        out.push(match rest.as_bytes().get(at + 1)? {
            b'n' => '\n',
            b'"' => '"',
            b'\\' => '\\',
            b't' => '\t',
            b'r' => '\r',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            _ => return None,
        });
        rest = rest.get(at + 2..)?;
    }
    out.push_str(rest);
    Some(())
}

/// The text of a string, or the JSON text of any other value; `null` is empty.
pub fn string_or_json(raw: &str) -> Cow<'_, str> {
    match value_kind(raw) {
        ValueKind::String => decode_string(raw).unwrap_or_default(),
        ValueKind::Null => Cow::Borrowed(""),
        _ => Cow::Borrowed(raw.trim()),
    }
}

/// Encodes text as a JSON string.
pub fn encode_string(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 8);
    // Serializing a string into memory cannot fail.
    if serde_json::to_writer(&mut out, text).is_err() {
        return String::from("\"\"");
    }
    String::from_utf8(out).unwrap_or_else(|_| String::from("\"\""))
}

/// Removes the white space between tokens from JSON that contains a line break; other JSON is returned as it is.
pub fn compact(json: &str) -> Cow<'_, str> {
    if !json.contains('\n') {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = in_string,
            '"' => in_string = !in_string,
            ' ' | '\t' | '\n' | '\r' if !in_string => continue,
            _ => {}
        }
        out.push(c);
    }
    Cow::Owned(out)
}

/// Decodes all escapes, with U+FFFD for a lone surrogate or an invalid escape.
fn decode_lossy(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let len = match after.as_bytes().get(1) {
            Some(b'u') => 6,
            _ => 2,
        };
        let pair = after.get(..12).filter(|p| p.len() == 12 && p.get(6..8) == Some("\\u"));
        let try_decode = |s: &str| serde_json::from_str::<String>(&format!("\"{s}\"")).ok();
        if let Some(text) = pair.and_then(try_decode).filter(|t| len == 6 && t.chars().count() == 1) {
            out.push_str(&text);
            rest = after.get(12..).unwrap_or("");
            continue;
        }
        match after.get(..len).and_then(try_decode) {
            Some(text) => out.push_str(&text),
            None => out.push('\u{fffd}'),
        }
        rest = after.get(len..).unwrap_or("");
    }
    out.push_str(rest);
    out
}
