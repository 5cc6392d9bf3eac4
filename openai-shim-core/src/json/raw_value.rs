//! One raw JSON value: what it is, and its text.

use super::list::make_room;
use super::scan;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::ops::Range;

/// What a raw JSON value is, by its first byte.
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

/// Tells the kind of a valid JSON text by its first byte.
///
/// ```
/// use openai_shim_core::json::{peek, Kind};
/// assert_eq!(peek("[1]"), Kind::Array);
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

/// The raw items of an array; `None` for anything else.
///
/// ```
/// assert_eq!(openai_shim_core::json::items("[1, {}]"), Some(vec!["1", "{}"]));
/// ```
pub fn items(raw: &str) -> Option<Vec<&str>> {
    let mut items = Vec::with_capacity(4);
    let each = |item| {
        if items.len() == items.capacity() {
            make_room(&mut items, range_in(raw.as_bytes(), item).map_or(0, |place| place.start), raw.len());
        }
        items.push(item);
    };
    match scan::items(raw, each) {
        Some(()) => Some(items),
        None => {
            let items: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
            Some(items.into_iter().map(RawValue::get).collect())
        }
    }
}

/// Where `part` stands in `whole`, if it is a slice of it.
pub(crate) fn range_in(whole: &[u8], part: &str) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let end = start.checked_add(part.len()).filter(|end| *end <= whole.len())?;
    Some(start..end)
}

/// A list of raw values.
pub fn encode_array(items: &[impl AsRef<str>]) -> String {
    let mut out = String::with_capacity(items.iter().map(|item| item.as_ref().len() + 1).sum::<usize>() + 2);
    for (i, item) in items.iter().enumerate() {
        out.push(if i == 0 { '[' } else { ',' });
        out.push_str(item.as_ref());
    }
    out.push_str(if items.is_empty() { "[]" } else { "]" });
    out
}

/// The text of a raw JSON string, borrowed where it has no escapes; `None` for any other kind.
pub fn decode_string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.trim().strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    if let Some(text) = simple(inner) {
        return Some(Cow::Owned(text));
    }
    match serde_json::from_str::<String>(raw) {
        Ok(text) => Some(Cow::Owned(text)),
        // A lone surrogate is valid JSON grammar but no text: keep what is text of it.
        Err(_) => Some(Cow::Owned(lossy(inner))),
    }
}

/// Appends the text of a raw JSON string.
pub(crate) fn append_text(raw: &str, out: &mut String) {
    let before = out.len();
    let inner = raw.strip_prefix('"').and_then(|inner| inner.strip_suffix('"'));
    if inner.and_then(|inner| unescape(inner, out)).is_none() {
        out.truncate(before);
        out.push_str(&decode_string(raw).unwrap_or_default());
    }
}

/// Unescapes a string that has no escape but those of one letter.
fn simple(inner: &str) -> Option<String> {
    let mut out = String::with_capacity(inner.len());
    unescape(inner, &mut out)?;
    Some(out)
}

fn unescape(mut rest: &str, out: &mut String) -> Option<()> {
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

/// The text of a string, or the JSON text of anything else; `null` is empty.
pub fn string_or_json(raw: &str) -> Cow<'_, str> {
    match value_kind(raw) {
        ValueKind::String => decode_string(raw).unwrap_or_default(),
        ValueKind::Null => Cow::Borrowed(""),
        _ => Cow::Borrowed(raw.trim()),
    }
}

/// A JSON string of a text.
pub fn encode_string(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 8);
    // Writing a string into memory cannot fail.
    if serde_json::to_writer(&mut out, text).is_err() {
        return String::from("\"\"");
    }
    String::from_utf8(out).unwrap_or_else(|_| String::from("\"\""))
}

/// JSON without the line breaks and the indentation of a printer; whatever else stands there stays.
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

/// A text that is known to be JSON as a raw value; `null` if it is not.
pub fn raw(json: impl Into<String>) -> Box<RawValue> {
    RawValue::from_string(json.into()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Unescapes what can be unescaped, and puts U+FFFD where a surrogate stands alone.
fn lossy(inner: &str) -> String {
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
        let try_text = |s: &str| serde_json::from_str::<String>(&format!("\"{s}\"")).ok();
        if let Some(text) = pair.and_then(try_text).filter(|t| len == 6 && t.chars().count() == 1) {
            out.push_str(&text);
            rest = after.get(12..).unwrap_or("");
            continue;
        }
        match after.get(..len).and_then(try_text) {
            Some(text) => out.push_str(&text),
            None => out.push('\u{fffd}'),
        }
        rest = after.get(len..).unwrap_or("");
    }
    out.push_str(rest);
    out
}
