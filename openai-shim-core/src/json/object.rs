//! An object as an ordered list of members, each value its raw text.

mod index;
mod list_items;

use index::Index;
pub(crate) use list_items::ListItem;

use super::raw_value::{ValueKind, decode_string, items, value_kind};
use super::scan;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// A JSON object whose members keep their order and their exact text.
///
/// Reading costs one pass and no copy. [`set`](Object::set) and [`remove`](Object::remove) touch one member; every other
/// member is written back byte for byte. Of two members with one key the last one counts, as in `JSON.parse`.
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
    changed: bool,
    /// Where the members of a large object stand.
    index: Index,
}

impl PartialEq for Object<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.changed == other.changed && self.members == other.members
    }
}

impl Eq for Object<'_> {}

impl<'a> Object<'a> {
    /// Reads an object; anything else, or broken JSON, is an error with line and column.
    pub fn parse(json: &'a [u8]) -> Result<Self, serde_json::Error> {
        match scan::utf8(json).and_then(Self::scanned) {
            Some(object) => Ok(object),
            None => serde_json::from_slice(json),
        }
    }

    /// Reads an object without `serde_json`; `None` where that must say what is wrong.
    fn scanned(text: &'a str) -> Option<Self> {
        let mut object = Self::roomy();
        scan::members(text, |key, value| object.take(key, value))?;
        Some(object)
    }

    /// Reads an object again, without looking once more at the items of an array that stand in `known`.
    pub(crate) fn parse_again(json: &'a [u8], known: Range<usize>) -> Result<Self, serde_json::Error> {
        let again = |text: &'a str| {
            let mut object = Self::new();
            scan::whole(text, |at| {
                scan::object(text, at, &mut |key, at| match scan::known_array(json, at, &known) {
                    Some(end) => object.take(key, text.get(at..end)?).map(|()| end),
                    None => object.value(text, key, at),
                })
            })?;
            Some(object)
        };
        match scan::utf8(json).and_then(again) {
            Some(object) => Ok(object),
            None => Self::parse(json),
        }
    }

    /// Takes the member whose value begins at `at`; where that ends.
    fn value(&mut self, text: &'a str, key: &'a str, at: usize) -> Option<usize> {
        let end = scan::value(text.as_bytes(), at)?;
        self.take(key, text.get(at..end)?)?;
        Some(end)
    }

    /// Takes a member; `None` if its key is no text.
    fn take(&mut self, key: &'a str, value: &'a str) -> Option<()> {
        let key = if key.bytes().any(|b| b == b'\\') {
            Cow::Owned(serde_json::from_str(&format!("\"{key}\"")).ok()?)
        } else {
            Cow::Borrowed(key)
        };
        self.members.push((key, Cow::Borrowed(value)));
        Some(())
    }

    /// An object with room for as many members as most have.
    fn roomy() -> Self {
        Self { members: Vec::with_capacity(8), changed: false, index: Index::default() }
    }

    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// The raw text of a member.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.find(key).map(|(_, value)| value.as_ref())
    }

    /// The last member of this key.
    fn find(&self, key: &str) -> Option<&(Cow<'a, str>, Cow<'a, str>)> {
        if self.members.len() < index::LARGE {
            self.members.iter().rev().find(|(k, _)| k == key)
        } else {
            self.members.get(self.index.find(&self.members, key)?)
        }
    }

    /// The same, to change it.
    fn find_mut(&mut self, key: &str) -> Option<&mut (Cow<'a, str>, Cow<'a, str>)> {
        if self.members.len() < index::LARGE {
            self.members.iter_mut().rev().find(|(k, _)| k == key)
        } else {
            let at = self.index.find(&self.members, key)?;
            self.members.get_mut(at)
        }
    }

    /// The raw text of a member that was not changed, for as long as what it was read from.
    pub fn original(&self, key: &str) -> Option<&'a str> {
        match self.find(key) {
            Some((_, Cow::Borrowed(value))) => Some(value),
            _ => None,
        }
    }

    /// The raw text of a member, `None` also when it is `null`.
    pub fn non_null(&self, key: &str) -> Option<&str> {
        self.get(key).filter(|v| value_kind(v) != ValueKind::Null)
    }

    /// The text of a member that is a string.
    pub fn str(&self, key: &str) -> Option<Cow<'_, str>> {
        self.get(key).and_then(decode_string)
    }

    /// The unsigned number of a member.
    pub fn u64(&self, key: &str) -> Option<u64> {
        self.get(key).and_then(|v| v.trim().parse().ok())
    }

    /// The truth value of a member.
    pub fn bool(&self, key: &str) -> Option<bool> {
        match self.get(key).map(str::trim) {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        }
    }

    /// A member that is an object.
    pub fn object(&self, key: &str) -> Option<Object<'_>> {
        self.get(key)
            .filter(|v| value_kind(v) == ValueKind::Object)
            .and_then(|v| Object::parse(v.as_bytes()).ok())
    }

    /// The items of a member that is an array, each as raw text.
    pub fn array(&self, key: &str) -> Option<Vec<&str>> {
        self.get(key).and_then(items)
    }

    /// Puts a member: in place if the key is there, else at the end. The value must be JSON text.
    pub fn set(&mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) {
        let (key, value) = (key.into(), value.into());
        self.changed = true;
        match self.find_mut(&key) {
            Some((_, slot)) => *slot = value,
            None => {
                self.index.add(&key, self.members.len());
                self.members.push((key, value));
            }
        }
    }

    /// Puts a member before all others.
    pub fn set_first(&mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) {
        let (key, value) = (key.into(), value.into());
        self.remove(&key);
        self.changed = true;
        self.index = Index::default();
        self.members.insert(0, (key, value));
    }

    /// Takes a member out; its raw text.
    pub fn remove(&mut self, key: &str) -> Option<Cow<'a, str>> {
        let (_, value) = self.find_mut(key)?;
        let taken = std::mem::take(value);
        self.retain(|k, _| k != key);
        Some(taken)
    }

    /// Takes all members out that are not to be kept. Many are taken out in one pass, which [`remove`](Self::remove) is each
    /// time.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) {
        let before = self.members.len();
        self.members.retain(|(key, value)| keep(key, value));
        if self.members.len() < before {
            self.changed = true;
            self.index = Index::default();
        }
    }

    /// Gives members other values, each in its place; `None` leaves one as it is.
    pub fn replace(&mut self, mut other: impl FnMut(&str, &str) -> Option<String>) {
        for (key, value) in &mut self.members {
            if let Some(new) = other(key, value) {
                *value = Cow::Owned(new);
                self.changed = true;
            }
        }
    }

    /// Gives a member another key, in place.
    pub fn rename(&mut self, from: &str, to: &'static str) {
        if let Some((key, _)) = self.find_mut(from) {
            *key = Cow::Borrowed(to);
            self.changed = true;
            self.index = Index::default();
        }
    }

    /// Marks the object as changed, so that it is written instead of what it was read from.
    pub fn mark_changed(&mut self) {
        self.changed = true;
    }

    /// Whether any member was put, taken or renamed.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Whether the object has no member.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The keys with their raw values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members.iter().map(|(k, v)| (k.as_ref(), v.as_ref()))
    }

    /// Writes the object as JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.reserve(self.size());
        self.parts(None, &mut |part| out.extend_from_slice(part.as_bytes()));
    }

    /// The object as JSON text.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(self.size());
        self.parts(None, &mut |part| out.push_str(part));
        out
    }

    /// About how long its JSON is.
    fn size(&self) -> usize {
        self.members.iter().map(|(key, value)| key.len() + value.len() + 4).sum::<usize>() + 2
    }

    /// Hands out the parts of its JSON; with `inner` in the place of the member that has this key.
    fn parts(&self, inner: Option<(&str, &Object<'_>)>, each: &mut impl FnMut(&str)) {
        for (i, (key, value)) in self.members.iter().enumerate() {
            let plain = key.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\');
            each(match (i, plain) {
                (0, true) => "{\"",
                (0, false) => "{",
                (_, true) => ",\"",
                (_, false) => ",",
            });
            if plain {
                each(key);
                each("\":");
            } else {
                each(&super::raw_value::encode_string(key));
                each(":");
            }
            match inner.filter(|(own, _)| own == key) {
                Some((_, inner)) => inner.parts(None, each),
                None => each(value),
            }
        }
        each(if self.members.is_empty() { "{}" } else { "}" });
    }

    /// The same object, owning its text.
    pub fn into_owned(self) -> Object<'static> {
        let own =
            |(k, v): (Cow<'a, str>, Cow<'a, str>)| (Cow::Owned(k.into_owned()), Cow::Owned(v.into_owned()));
        Object {
            members: self.members.into_iter().map(own).collect(),
            changed: self.changed,
            index: Index::default(),
        }
    }
}

/// A key, borrowed where it has no escapes.
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
                Ok(Object { members, changed: false, index: Index::default() })
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}
