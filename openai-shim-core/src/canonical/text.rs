//! Message text, kept JSON-escaped until it is read: writing it again needs no escaping.

use crate::json::{encode_string, range_in, string_or_json, utf8};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;

/// The text of a message.
///
/// A text from JSON keeps its escaped form. It is unescaped at the first reading; written into another payload, it needs no
/// escaping.
///
/// ```
/// use openai_shim_core::canonical::Text;
/// let text = Text::from_json(r#""a \"word\"""#);
/// assert_eq!(text.to_json(), r#""a \"word\"""#);
/// assert_eq!(&*text, r#"a "word""#);
/// assert_eq!(Text::from("a \"word\""), text);
/// ```
#[derive(Clone, Default)]
pub struct Text {
    /// The JSON string that the text was read from, with its quotes.
    json: Option<Bytes>,
    unescaped: OnceLock<Box<Unescaped>>,
}

/// The text without escapes. It is boxed because few texts are read: a `Text` stays small.
#[derive(Clone)]
struct Unescaped(String);

impl Text {
    /// The text of a raw JSON value: the content of a string, or the JSON of any other value.
    pub fn from_json(raw: &str) -> Self {
        match string_literal(raw) {
            Some(literal) => Self::of(Bytes::copy_from_slice(literal.as_bytes())),
            None => Self::from(string_or_json(raw)),
        }
    }

    /// The text of a raw JSON value that is a part of `payload`: the text shares the payload's buffer.
    pub(crate) fn within(raw: &str, payload: &Bytes) -> Self {
        let range = string_literal(raw).and_then(|literal| range_in(payload, literal));
        range.map_or_else(|| Self::from_json(raw), |range| Self::of(payload.slice(range)))
    }

    fn of(literal: Bytes) -> Self {
        Self { json: Some(literal), unescaped: OnceLock::new() }
    }

    /// The text, unescaped.
    pub fn as_str(&self) -> &str {
        let unescaped = self.unescaped.get_or_init(|| {
            let raw = self.json.as_deref().and_then(utf8);
            Box::new(Unescaped(raw.map(string_or_json).unwrap_or_default().into_owned()))
        });
        &unescaped.0
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        match &self.json {
            Some(literal) => literal.len() <= 2,
            None => self.as_str().is_empty(),
        }
    }

    /// The bytes of the text, escaped if it was read from JSON. For digests.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.json {
            Some(literal) => literal.get(1..literal.len().saturating_sub(1)).unwrap_or_default(),
            None => self.as_str().as_bytes(),
        }
    }

    /// The text, unescaped without keeping the result: for digests of long conversations.
    pub(crate) fn unescaped(&self) -> Cow<'_, str> {
        match (self.unescaped.get(), self.json.as_deref().and_then(utf8)) {
            (None, Some(raw)) => string_or_json(raw),
            _ => Cow::Borrowed(self.as_str()),
        }
    }

    /// The text as a JSON string.
    pub fn to_json(&self) -> String {
        match self.json.as_deref().filter(|raw| has_no_unicode_escape(raw)).and_then(utf8) {
            Some(raw) => raw.to_owned(),
            None => encode_string(self),
        }
    }

    /// Joins several texts into one JSON string, with `separator` between them.
    pub fn join_json<'t>(texts: impl IntoIterator<Item = &'t Self>, separator: &str) -> String {
        let strip_quotes =
            |json: &str| json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_owned();
        let texts: Vec<_> = texts.into_iter().map(|text| strip_quotes(&text.to_json())).collect();
        format!("\"{}\"", texts.join(&strip_quotes(&encode_string(separator))))
    }

    /// Appends to the text.
    pub fn push_str(&mut self, more: &str) {
        let mut text = std::mem::take(self).into_string();
        text.push_str(more);
        *self = Self::from(text);
    }

    /// The text as a string.
    pub fn into_string(mut self) -> String {
        self.as_str();
        self.unescaped.take().map(|text| text.0).unwrap_or_default()
    }
}

/// Whether a JSON string has no `\u` escape. Such an escape may be half a surrogate pair, which not every JSON parser accepts.
fn has_no_unicode_escape(raw: &[u8]) -> bool {
    let pairs = raw.iter().zip(raw.iter().skip(1));
    // No branch: the compiler vectorizes this loop.
    pairs.fold(0, |found, (a, b)| found | (u8::from(*a == b'\\') & u8::from(*b == b'u'))) == 0
}

/// The JSON string that a raw value is; `None` if it is another value.
fn string_literal(raw: &str) -> Option<&str> {
    let raw = raw.trim_ascii();
    (raw.len() >= 2 && raw.starts_with('"') && raw.ends_with('"')).then_some(raw)
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self { json: None, unescaped: OnceLock::from(Box::new(Unescaped(text))) }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<Cow<'_, str>> for Text {
    fn from(text: Cow<'_, str>) -> Self {
        Self::from(text.into_owned())
    }
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

#[cfg(test)]
mod tests {
    use super::Text;
    use bytes::Bytes;

    #[test]
    fn a_text_of_a_payload_shares_its_buffer_and_keeps_its_escapes() {
        let payload = Bytes::from_static(br#"{"content": "caf\u00e9 \"x\"\/"}"#);
        let raw = &std::str::from_utf8(&payload).unwrap()[12..31];
        let text = Text::within(raw, &payload);
        assert_eq!(text.json.as_ref().map(|json| json.as_ptr()), Some(raw.as_ptr()));
        assert_eq!(&*text, "café \"x\"/");
        let elsewhere = Text::within("\"a\\nb\"", &payload);
        assert_eq!((&*elsewhere, elsewhere.to_json().as_str()), ("a\nb", "\"a\\nb\""));
    }

    #[test]
    fn half_a_surrogate_pair_is_not_written() {
        let text = Text::from_json(r#""a\ud800b""#);
        assert_eq!((&*text, text.to_json().as_str()), ("a\u{fffd}b", "\"a\u{fffd}b\""));
    }

    #[test]
    fn joined_texts_keep_their_escapes() {
        let texts = [Text::from_json(r#""a\tb""#), Text::from("\"c\""), Text::default()];
        assert_eq!(Text::join_json(&texts, "\n"), r#""a\tb\n\"c\"\n""#);
    }

    #[test]
    fn the_text_of_another_value_is_its_json() {
        assert_eq!(&*Text::from_json("{\"a\":1}"), "{\"a\":1}");
        assert!(Text::from_json("null").is_empty() && Text::from_json("\"\"").is_empty());
        assert!(!Text::from_json("\" \"").is_empty());
        let mut text = Text::from_json("\"a\"");
        text.push_str("b");
        assert_eq!((&*text, text.clone().into_string()), ("ab", String::from("ab")));
    }
}
