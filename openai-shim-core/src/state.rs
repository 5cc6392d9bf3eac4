//! Layer 2: keys and entries of the state that outlives a request, and their owners.
//!
//! Core has no store. An [`Exchange`](crate::Exchange) returns the keys to load and the entries to store; the program that drives it
//! loads and stores them.

use crate::error::word;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The owner of state: no key of one owner is equal to a key of another.
///
/// ```
/// use openai_shim_core::state::Owner;
/// assert_ne!(Owner::new("single"), Owner::single());
/// assert_eq!(Owner::new("team a").to_string(), "key-team%20a");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Owner(#[serde(with = "tag")] Option<Arc<str>>);

/// A tag in JSON.
mod tag {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::sync::Arc;

    pub(super) fn serialize<S: Serializer>(tag: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
        tag.as_deref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<str>>, D::Error> {
        Option::<String>::deserialize(deserializer).map(|tag| tag.map(Arc::from))
    }
}

impl Owner {
    /// The owner with this tag. The tag is a part of state keys, which may leave this process: derive it from the client's API key by
    /// an HMAC, and never pass the API key itself.
    pub fn new(tag: impl Into<Arc<str>>) -> Self {
        Self(Some(tag.into()))
    }

    /// The only owner of a service whose clients need no API key.
    pub const fn single() -> Self {
        Self(None)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(tag) => write!(f, "key-{}", PercentEncoded(tag)),
            None => f.write_str("single"),
        }
    }
}

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum StateKind {
    /// The opaque state and the reasoning of a turn of the model.
    Turn,
    /// A response that later requests may refer to.
    Response,
    /// The adaptations that were derived from an upstream's errors.
    Adaptations,
}

impl StateKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Turn, Self::Response, Self::Adaptations];

    /// The stable name of the kind.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Turn => "turn",
            Self::Response => "response",
            Self::Adaptations => "adaptations",
        }
    }
}

/// The key of an entry. Its `Display` form is stable, one line of printable ASCII without spaces, and usable as a Redis key.
///
/// ```
/// use openai_shim_core::state::{Owner, StateKey, StateKind};
/// let key = StateKey::new(Owner::new("7f"), StateKind::Response, 0, "resp_1 {a}");
/// assert_eq!(key.to_string(), "openai-shim:1:key-7f:response:00000000000000000000000000000000:resp_1%20%7Ba%7D");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StateKey {
    /// The owner of the entry.
    pub owner: Owner,
    /// The kind of the entry.
    pub kind: StateKind,
    /// The digest of the conversation that the entry belongs to; 0: no conversation.
    #[serde(with = "digest")]
    pub conversation: u128,
    /// The id of the entry in its conversation.
    pub id: String,
}

/// A digest in JSON: hexadecimal digits, since a number of this size is exact in few programs.
mod digest {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(digest: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{digest:032x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        let digits = String::deserialize(deserializer)?;
        u128::from_str_radix(&digits, 16).map_err(serde::de::Error::custom)
    }
}

impl StateKey {
    /// A key of these parts.
    pub fn new(owner: Owner, kind: StateKind, conversation: u128, id: impl Into<String>) -> Self {
        Self { owner, kind, conversation, id: id.into() }
    }
}

word!(StateKind: "kind of state");

impl fmt::Display for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, kind, conversation, id } = self;
        write!(f, "openai-shim:1:{owner}:{}:{conversation:032x}:{}", kind.as_str(), PercentEncoded(id))
    }
}

/// An entry to store. The value is opaque and contains conversations: encrypt it before it leaves the process.
///
/// ```
/// use openai_shim_core::state::{Owner, StateEntry, StateKey, StateKind};
/// use std::time::Duration;
/// let key = StateKey::new(Owner::single(), StateKind::Response, 0, "resp_1");
/// let entry = StateEntry::new(key, &b"opaque"[..], Duration::from_secs(3600));
/// assert_eq!((entry.key.kind.as_str(), entry.lifetime.as_secs()), ("response", 3600));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StateEntry {
    /// The key.
    pub key: StateKey,
    /// The value.
    #[serde(with = "bytes_as_list")]
    pub value: Bytes,
    /// How long the entry is useful. A store may delete it earlier.
    pub lifetime: Duration,
}

/// Bytes in JSON. (The feature `serde` of `bytes` would be one more for every user.)
mod bytes_as_list {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(bytes.iter())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        Vec::<u8>::deserialize(deserializer).map(Bytes::from)
    }
}

impl StateEntry {
    /// An entry of these parts.
    pub fn new(key: StateKey, value: impl Into<Bytes>, lifetime: Duration) -> Self {
        Self { key, value: value.into(), lifetime }
    }
}

/// A text in percent-encoding: all but ASCII letters, digits, `-`, `_` and `.` is encoded.
struct PercentEncoded<'t>(&'t str);

impl fmt::Display for PercentEncoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ENCODED: &percent_encoding::AsciiSet =
            &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
        fmt::Display::fmt(&percent_encoding::utf8_percent_encode(self.0, ENCODED), f)
    }
}
