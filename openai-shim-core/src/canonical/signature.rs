//! Signatures: opaque state that binds reasoning to its issuer.

use serde::{Deserialize, Serialize};
use std::ops::Deref;

/// A signature or encrypted reasoning, which only its issuer can read. It is one pointer large, because few blocks have one.
///
/// ```
/// use openai_shim_core::canonical::Signature;
/// let mut signature = Signature::from("c2ln");
/// signature.push_str("bmF0dXJl");
/// assert_eq!(&*signature, "c2lnbmF0dXJl");
/// ```
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Signature(Box<Opaque>);

#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Opaque(String);

impl Signature {
    /// Appends to the signature: streams send it in several deltas.
    pub fn push_str(&mut self, more: &str) {
        self.0.0.push_str(more);
    }

    /// The signature as text.
    pub fn into_string(self) -> String {
        self.0.0
    }
}

impl From<String> for Signature {
    fn from(text: String) -> Self {
        Self(Box::new(Opaque(text)))
    }
}

impl From<&str> for Signature {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl Deref for Signature {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0.0
    }
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&**self, f)
    }
}

impl PartialEq<str> for Signature {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}
