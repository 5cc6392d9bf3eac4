//! Words, which are not looked at before somebody must.

use crate::json::{encode_string, range_in, string_or_json, utf8};
use bytes::Bytes;
use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;

/// The words of a message.
///
/// Those that were read from JSON stay as they were written there; they are unescaped when somebody looks at them, and
/// written into another payload they need no escaping again.
///
/// ```
/// use openai_shim_core::canonical::Text;
/// let text = Text::written(r#""a \"word\"""#);
/// assert_eq!(text.to_json(), r#""a \"word\"""#);
/// assert_eq!(&*text, r#"a "word""#);
/// assert_eq!(Text::from("a \"word\""), text);
/// ```
#[derive(Clone, Default)]
pub struct Text {
    /// The JSON string.
    written: Option<Bytes>,
    words: OnceLock<Box<Words>>,
}

/// The words as somebody looks at them: few texts are looked at, so that they stand apart.
#[derive(Clone)]
struct Words(String);

impl Text {
    /// The words of a raw JSON value: of a string what it says, of anything else its text.
    pub fn from_json(raw: &str) -> Self {
        match literal(raw) {
            Some(literal) => Self::of(Bytes::copy_from_slice(literal.as_bytes())),
            None => Self::from(string_or_json(raw)),
        }
    }

    /// The same of a value that stands in `payload`, which is kept instead of copied.
    pub(crate) fn within(raw: &str, payload: &Bytes) -> Self {
        let place = literal(raw).and_then(|literal| range_in(payload, literal));
        place.map_or_else(|| Self::from_json(raw), |place| Self::of(payload.slice(place)))
    }

    fn of(literal: Bytes) -> Self {
        Self { written: Some(literal), words: OnceLock::new() }
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        let words = self.words.get_or_init(|| {
            let raw = self.written.as_deref().and_then(utf8);
            Box::new(Words(raw.map(string_or_json).unwrap_or_default().into_owned()))
        });
        &words.0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        match &self.written {
            Some(literal) => literal.len() <= 2,
            None => self.as_str().is_empty(),
        }
    }

    /// The bytes that stand for the words: as they were written, or the words. For digests.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.written {
            Some(literal) => literal.get(1..literal.len().saturating_sub(1)).unwrap_or_default(),
            None => self.as_str().as_bytes(),
        }
    }

    /// The words, without keeping the unescaped ones: for digests of long conversations.
    pub(crate) fn unescaped(&self) -> Cow<'_, str> {
        match (self.words.get(), self.written.as_deref().and_then(utf8)) {
            (None, Some(raw)) => string_or_json(raw),
            _ => Cow::Borrowed(self.as_str()),
        }
    }

    /// The words as a JSON string.
    pub fn to_json(&self) -> String {
        match self.written.as_deref().filter(|raw| is_plain(raw)).and_then(utf8) {
            Some(raw) => raw.to_owned(),
            None => encode_string(self),
        }
    }

    /// Several of them as one JSON string, with something between each two.
    pub fn join_json<'t>(texts: impl IntoIterator<Item = &'t Self>, between: &str) -> String {
        let within = |json: &str| json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_owned();
        let texts: Vec<_> = texts.into_iter().map(|text| within(&text.to_json())).collect();
        format!("\"{}\"", texts.join(&within(&encode_string(between))))
    }

    /// Adds words at the end.
    pub fn push_str(&mut self, more: &str) {
        let mut words = std::mem::take(self).into_string();
        words.push_str(more);
        *self = Self::from(words);
    }

    /// The words alone.
    pub fn into_string(mut self) -> String {
        self.as_str();
        self.words.take().map(|words| words.0).unwrap_or_default()
    }
}

/// Whether no character is written by its number: half a surrogate pair is JSON, but not to every reader.
fn is_plain(raw: &[u8]) -> bool {
    let pairs = raw.iter().zip(raw.iter().skip(1));
    pairs.fold(0, |any, (a, b)| any | (u8::from(*a == b'\\') & u8::from(*b == b'u'))) == 0
}

/// The JSON string that a raw value is.
fn literal(raw: &str) -> Option<&str> {
    let raw = raw.trim_ascii();
    (raw.len() >= 2 && raw.starts_with('"') && raw.ends_with('"')).then_some(raw)
}

impl From<String> for Text {
    fn from(words: String) -> Self {
        Self { written: None, words: OnceLock::from(Box::new(Words(words))) }
    }
}

impl From<&str> for Text {
    fn from(words: &str) -> Self {
        Self::from(words.to_owned())
    }
}

impl From<Cow<'_, str>> for Text {
    fn from(words: Cow<'_, str>) -> Self {
        Self::from(words.into_owned())
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
    fn words_are_kept_where_they_stand_and_as_they_were_written() {
        let payload = Bytes::from_static(br#"{"content": "caf\u00e9 \"x\"\/"}"#);
        let raw = &std::str::from_utf8(&payload).unwrap()[12..31];
        let text = Text::within(raw, &payload);
        assert_eq!(text.written.as_ref().map(|kept| kept.as_ptr()), Some(raw.as_ptr()));
        assert_eq!(&*text, "café \"x\"/");
        let elsewhere = Text::within("\"a\\nb\"", &payload);
        assert_eq!((&*elsewhere, elsewhere.to_json().as_str()), ("a\nb", "\"a\\nb\""));
    }

    #[test]
    fn half_a_surrogate_pair_is_written_to_nobody() {
        let text = Text::from_json(r#""a\ud800b""#);
        assert_eq!((&*text, text.to_json().as_str()), ("a\u{fffd}b", "\"a\u{fffd}b\""));
    }

    #[test]
    fn several_texts_are_joined_as_they_were_written() {
        let texts = [Text::from_json(r#""a\tb""#), Text::from("\"c\""), Text::default()];
        assert_eq!(Text::join_json(&texts, "\n"), r#""a\tb\n\"c\"\n""#);
    }

    #[test]
    fn what_is_no_string_is_its_text_and_what_says_nothing_is_empty() {
        assert_eq!(&*Text::from_json("{\"a\":1}"), "{\"a\":1}");
        assert!(Text::from_json("null").is_empty() && Text::from_json("\"\"").is_empty());
        assert!(!Text::from_json("\" \"").is_empty());
        let mut text = Text::from_json("\"a\"");
        text.push_str("b");
        assert_eq!((&*text, text.clone().into_string()), ("ab", String::from("ab")));
    }
}
