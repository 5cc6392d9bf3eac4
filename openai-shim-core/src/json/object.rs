//! JSON object to an ordered list of members with raw values, and back.

mod index;

use index::Index;

use super::raw_value::{ValueKind, decode_string, items, value_kind};
use super::scan;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// A JSON object whose members keep their order and their exact text.
///
/// Parsing takes one pass and copies nothing. [`set`](Object::set) and [`remove`](Object::remove) change one member; every
/// other member is written back byte for byte. Of several members with the same key the last one counts, as in `JSON.parse`.
///
/// ```
/// use openai_shim_core::json::Object;
/// let mut object = Object::parse(br#"{"model":"m","n":12345678901234567890123}"#).unwrap();
/// object.set("model", "\"other\"");
/// assert_eq!(object.to_json(), r#"{"model":"other","n":12345678901234567890123}"#);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Object<'a> {
    members: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    is_changed: bool,
    /// The positions of the members of a large object.
    index: Index,
}

impl PartialEq for Object<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.is_changed == other.is_changed && self.members == other.members
    }
}

impl Eq for Object<'_> {}

impl<'a> Object<'a> {
    /// Parses an object. Any other value, or invalid JSON, is an error with line and column.
    pub fn parse(json: &'a [u8]) -> Result<Self, serde_json::Error> {
        match scan::utf8(json).and_then(Self::scan) {
            Some(object) => Ok(object),
            None => serde_json::from_slice(json),
        }
    }

    /// Parses an object with the scanner; `None` where `serde_json` must decide, or report the error.
    fn scan(text: &'a str) -> Option<Self> {
        let mut object = Self::with_default_capacity();
        scan::visit_members(text, |key, value| object.push_member(key, value))?;
        Some(object)
    }

    /// Parses an object again, without scanning the array items in the range `known_items` a second time.
    pub(crate) fn reparse(json: &'a [u8], known_items: Range<usize>) -> Result<Self, serde_json::Error> {
        let scan = |text: &'a str| {
            let mut object = Self::new();
            scan::match_whole(text, |at| {
                scan::visit_object(text, at, &mut |key, at| match scan::skip_known_array(
                    json,
                    at,
                    &known_items,
                ) {
                    Some(end) => object.push_member(key, text.get(at..end)?).map(|()| end),
                    None => object.push_value(text, key, at),
                })
            })?;
            Some(object)
        };
        match scan::utf8(json).and_then(scan) {
            Some(object) => Ok(object),
            None => Self::parse(json),
        }
    }

    /// Scans the value at `at` and appends it as a member; returns the end of the value.
    pub(super) fn push_value(&mut self, text: &'a str, key: &'a str, at: usize) -> Option<usize> {
        let end = scan::skip_value(text.as_bytes(), at)?;
        self.push_member(key, text.get(at..end)?)?;
        Some(end)
    }

    /// Appends a member with its key as written; `None` if the key is not text once decoded.
    pub(super) fn push_member(&mut self, key: &'a str, value: &'a str) -> Option<()> {
        let key = if key.bytes().any(|b| b == b'\\') {
            Cow::Owned(serde_json::from_str(&format!("\"{key}\"")).ok()?)
        } else {
            Cow::Borrowed(key)
        };
        self.members.push((key, Cow::Borrowed(value)));
        Some(())
    }

    /// Creates an empty object with capacity for the number of members that most objects have.
    pub(super) fn with_default_capacity() -> Self {
        Self { members: Vec::with_capacity(8), is_changed: false, index: Index::default() }
    }

    /// Creates an object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the raw value of a member.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.find(key).map(|(_, value)| value.as_ref())
    }

    /// Returns the last member with this key.
    fn find(&self, key: &str) -> Option<&(Cow<'a, str>, Cow<'a, str>)> {
        if self.members.len() < index::MIN_MEMBERS {
            self.members.iter().rev().find(|(k, _)| k == key)
        } else {
            self.members.get(self.index.find(&self.members, key)?)
        }
    }

    /// Returns the last member with this key, mutably.
    fn find_mut(&mut self, key: &str) -> Option<&mut (Cow<'a, str>, Cow<'a, str>)> {
        if self.members.len() < index::MIN_MEMBERS {
            self.members.iter_mut().rev().find(|(k, _)| k == key)
        } else {
            let at = self.index.find(&self.members, key)?;
            self.members.get_mut(at)
        }
    }

    /// Returns the raw value of an unchanged member, with the lifetime of the parsed text.
    pub fn original(&self, key: &str) -> Option<&'a str> {
        match self.find(key) {
            Some((_, Cow::Borrowed(value))) => Some(value),
            _ => None,
        }
    }

    /// Returns the raw value of a member; `None` also when it is `null`.
    pub fn non_null(&self, key: &str) -> Option<&str> {
        self.get(key).filter(|v| value_kind(v) != ValueKind::Null)
    }

    /// Returns the text of a member that is a string.
    pub fn str(&self, key: &str) -> Option<Cow<'_, str>> {
        self.get(key).and_then(decode_string)
    }

    /// Returns a member that is an unsigned integer.
    pub fn u64(&self, key: &str) -> Option<u64> {
        self.get(key).and_then(|v| v.trim().parse().ok())
    }

    /// Returns a member that is a Boolean.
    pub fn bool(&self, key: &str) -> Option<bool> {
        match self.get(key).map(str::trim) {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        }
    }

    /// Returns a member that is an object.
    pub fn object(&self, key: &str) -> Option<Object<'_>> {
        self.get(key)
            .filter(|v| value_kind(v) == ValueKind::Object)
            .and_then(|v| Object::parse(v.as_bytes()).ok())
    }

    /// Returns the raw items of a member that is an array.
    pub fn array(&self, key: &str) -> Option<Vec<&str>> {
        self.get(key).and_then(items)
    }

    /// Sets a member, in place if the key exists and else at the end. The value must be JSON text.
    pub fn set(&mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) {
        let (key, value) = (key.into(), value.into());
        self.is_changed = true;
        match self.find_mut(&key) {
            Some((_, slot)) => *slot = value,
            None => {
                self.index.add(&key, self.members.len());
                self.members.push((key, value));
            }
        }
    }

    /// Sets a member and moves it before all others.
    pub fn set_first(&mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) {
        let (key, value) = (key.into(), value.into());
        self.remove(&key);
        self.is_changed = true;
        self.index = Index::default();
        self.members.insert(0, (key, value));
    }

    /// Removes all members with a key and returns the raw value of the last one.
    pub fn remove(&mut self, key: &str) -> Option<Cow<'a, str>> {
        let (_, value) = self.find_mut(key)?;
        let removed = std::mem::take(value);
        self.retain(|k, _| k != key);
        Some(removed)
    }

    /// Removes all members for which `keep` returns false, in one pass. Each call of [`remove`](Self::remove) is also one pass.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) {
        let len_before = self.members.len();
        self.members.retain(|(key, value)| keep(key, value));
        if self.members.len() < len_before {
            self.is_changed = true;
            self.index = Index::default();
        }
    }

    /// Replaces the values of members in place; a member for which `new_value` returns `None` is unchanged.
    pub fn replace(&mut self, mut new_value: impl FnMut(&str, &str) -> Option<String>) {
        for (key, value) in &mut self.members {
            if let Some(new) = new_value(key, value) {
                *value = Cow::Owned(new);
                self.is_changed = true;
            }
        }
    }

    /// Renames a member in place.
    pub fn rename(&mut self, from: &str, to: &'static str) {
        if let Some((key, _)) = self.find_mut(from) {
            *key = Cow::Borrowed(to);
            self.is_changed = true;
            self.index = Index::default();
        }
    }

    /// Marks the object as changed: callers then write it instead of forwarding the parsed text.
    pub fn mark_changed(&mut self) {
        self.is_changed = true;
    }

    /// Whether any member was set, removed, replaced or renamed.
    pub fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// Whether the object has no member.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Iterates over the keys and raw values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members.iter().map(|(k, v)| (k.as_ref(), v.as_ref()))
    }

    /// Returns a member that is an object, with the lifetime of the parsed text; a changed member is copied.
    pub(crate) fn inner(&self, key: &str) -> Option<Self> {
        match self.original(key) {
            Some(raw) => Some(raw)
                .filter(|raw| value_kind(raw) == ValueKind::Object)
                .and_then(|raw| Self::parse(raw.as_bytes()).ok()),
            None => self.object(key).map(Object::into_owned),
        }
    }

    /// Returns the keys and raw values, in order.
    pub(crate) fn into_members(self) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
        self.members
    }

    /// Removes all members.
    pub(super) fn clear(&mut self) {
        self.members.clear();
        self.index = Index::default();
    }

    /// Whether the source of any key has escapes: comparing keys then needs their decoded text.
    pub(super) fn has_escaped_keys(&self) -> bool {
        self.members.iter().any(|(key, _)| matches!(key, Cow::Owned(_)))
    }

    /// Appends the object as JSON, with `inner` as the value of the member `key`.
    pub(crate) fn write_with(&self, key: &str, inner: &Object<'_>, out: &mut String) {
        out.reserve(self.size_hint() + inner.size_hint());
        self.visit_parts(Some((key, inner)), &mut |part| out.push_str(part));
    }

    /// Appends the object as JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.reserve(self.size_hint());
        self.visit_parts(None, &mut |part| out.extend_from_slice(part.as_bytes()));
    }

    /// Encodes the object as JSON text.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(self.size_hint());
        self.visit_parts(None, &mut |part| out.push_str(part));
        out
    }

    /// The approximate length of the object as JSON.
    fn size_hint(&self) -> usize {
        self.members.iter().map(|(key, value)| key.len() + value.len() + 4).sum::<usize>() + 2
    }

    /// Calls `visit` with the parts of the object's JSON, in order. `replacement`: a key, and the object that is written as the
    /// value of this member.
    fn visit_parts(&self, replacement: Option<(&str, &Object<'_>)>, visit: &mut impl FnMut(&str)) {
        for (i, (key, value)) in self.members.iter().enumerate() {
            let is_plain = key.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\');
            visit(match (i, is_plain) {
                (0, true) => "{\"",
                (0, false) => "{",
                (_, true) => ",\"",
                (_, false) => ",",
            });
            if is_plain {
                visit(key);
                visit("\":");
            } else {
                visit(&super::raw_value::encode_string(key));
                visit(":");
            }
            match replacement.filter(|(replaced, _)| replaced == key) {
                Some((_, object)) => object.visit_parts(None, visit),
                None => visit(value),
            }
        }
        visit(if self.members.is_empty() { "{}" } else { "}" });
    }

    /// Copies all borrowed text, so that the object no longer depends on the parsed text.
    pub fn into_owned(self) -> Object<'static> {
        let to_owned =
            |(k, v): (Cow<'a, str>, Cow<'a, str>)| (Cow::Owned(k.into_owned()), Cow::Owned(v.into_owned()));
        Object {
            members: self.members.into_iter().map(to_owned).collect(),
            is_changed: self.is_changed,
            index: Index::default(),
        }
    }
}

/// A key, borrowed when it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }
            fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some(Key(key)) = map.next_key()? {
                    let value: &'de RawValue = map.next_value()?;
                    members.push((key, Cow::Borrowed(value.get())));
                }
                Ok(Object { members, is_changed: false, index: Index::default() })
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}
