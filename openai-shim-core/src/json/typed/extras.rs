//! [`Extras`]: the fields for which a typed struct has no place.

use crate::json::RawJson;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Fields for which a typed struct has no place, or whose value has another type: raw, in the order of the source.
///
/// ```
/// use openai_shim_core::dialect::openai_chat::wire::ChatRequest;
/// let request: ChatRequest = serde_json::from_str(r#"{"model":"m","top_k":1e1,"seed":"x","user":null}"#)?;
/// assert_eq!(request.extra.get("top_k").unwrap().as_str(), "1e1");
/// assert!(request.seed.is_none()); // a text is no seed, and is not lost:
/// assert_eq!(serde_json::to_string(&request)?, r#"{"model":"m","top_k":1e1,"seed":"x","user":null}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras(Vec<(String, RawJson)>);

impl Extras {
    /// The value of a field; of several with the same key the last one counts.
    pub fn get(&self, key: &str) -> Option<&RawJson> {
        self.0.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// Sets a field, in place if there is one with this key.
    pub fn insert(&mut self, key: impl Into<String>, value: RawJson) {
        let key = key.into();
        match self.0.iter_mut().rev().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    /// Removes the fields with a key, and returns the value of the last one.
    pub fn remove(&mut self, key: &str) -> Option<RawJson> {
        let mut removed = None;
        self.0.retain_mut(|(known, value)| {
            let is_kept = known != key;
            if !is_kept {
                removed = Some(std::mem::take(value));
            }
            is_kept
        });
        removed
    }

    /// Iterates over keys and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawJson)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a field that was read.
    pub(crate) fn push(&mut self, key: String, value: RawJson) {
        self.0.push((key, value));
    }
}

impl<K: Into<String>> FromIterator<(K, RawJson)> for Extras {
    fn from_iter<I: IntoIterator<Item = (K, RawJson)>>(fields: I) -> Self {
        Self(fields.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }
}

impl Serialize for Extras {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, value) in self.iter() {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Extras {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldVisitor;
        impl<'de> serde::de::Visitor<'de> for FieldVisitor {
            type Value = Extras;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Extras, A::Error> {
                let mut extras = Extras::default();
                while let Some((key, value)) = map.next_entry()? {
                    extras.push(key, value);
                }
                Ok(extras)
            }
        }
        deserializer.deserialize_map(FieldVisitor)
    }
}
