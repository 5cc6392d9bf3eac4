//! Floor 1: what is kept between requests, as data: keys, entries, and whose they are.
//!
//! Core keeps nothing and fetches nothing. An [`Exchange`](crate::Exchange) names the keys that it wants and hands out the
//! entries to keep; whoever drives it has the store.

use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Whose state it is: no key of one owner is equal to a key of another.
///
/// ```
/// use openai_shim_core::state::Owner;
/// assert_ne!(Owner::new("single"), Owner::single());
/// assert_eq!(Owner::new("team a").to_string(), "key-team%20a");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(Option<Arc<str>>);

impl Owner {
    /// The owner with this tag. The tag stands in keys, perhaps outside of this process: derive it from a client's key by
    /// an HMAC, never hand in the key itself.
    pub fn new(tag: impl Into<Arc<str>>) -> Self {
        Self(Some(tag.into()))
    }

    /// The only owner, where clients need no key.
    pub const fn single() -> Self {
        Self(None)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(tag) => write!(f, "key-{}", Encoded(tag)),
            None => f.write_str("single"),
        }
    }
}

/// What is kept under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum StateKind {
    /// Reasoning and signatures of a turn of the model.
    Turn,
    /// A response that later requests refer to.
    Response,
    /// What an upstream's refusals taught.
    Adaptations,
}

impl StateKind {
    /// Its stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Turn => "turn",
            Self::Response => "response",
            Self::Adaptations => "adaptations",
        }
    }
}

/// Where something is kept: `Display` is stable, one line of printable ASCII without blanks, and fit for a Redis key.
///
/// ```
/// use openai_shim_core::state::{Owner, StateKey, StateKind};
/// let key = StateKey::new(Owner::new("7f"), StateKind::Response, 0, "resp_1 {a}");
/// assert_eq!(key.to_string(), "openai-shim:1:key-7f:response:00000000000000000000000000000000:resp_1%20%7Ba%7D");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateKey {
    /// Whose it is.
    pub owner: Owner,
    /// What it is.
    pub kind: StateKind,
    /// A digest of the conversation that it belongs to; 0: of none.
    pub conversation: u128,
    /// Which one of these.
    pub id: String,
}

impl StateKey {
    /// A key of its parts.
    pub fn new(owner: Owner, kind: StateKind, conversation: u128, id: impl Into<String>) -> Self {
        Self { owner, kind, conversation, id: id.into() }
    }
}

impl fmt::Display for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, kind, conversation, id } = self;
        write!(f, "openai-shim:1:{owner}:{}:{conversation:032x}:{}", kind.as_str(), Encoded(id))
    }
}

/// Something to keep. The value is opaque, and holds what people wrote: encrypt it where it leaves the process.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StateEntry {
    /// Where.
    pub key: StateKey,
    /// What.
    pub value: Bytes,
    /// For how long it is of use. A store may forget earlier.
    pub lifetime: Duration,
}

impl StateEntry {
    /// An entry of its parts.
    pub fn new(key: StateKey, value: impl Into<Bytes>, lifetime: Duration) -> Self {
        Self { key, value: value.into(), lifetime }
    }
}

/// A text with everything but plain letters, digits, `-`, `_` and `.` as `%` and its number.
struct Encoded<'t>(&'t str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KEPT: &percent_encoding::AsciiSet =
            &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
        fmt::Display::fmt(&percent_encoding::utf8_percent_encode(self.0, KEPT), f)
    }
}
