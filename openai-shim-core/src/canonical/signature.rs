//! Signatures of thinking.

use std::ops::Deref;

/// An opaque signature, or an encrypted form, that only its maker reads. Few blocks have one, so that it is one word of them.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Signature(Box<Opaque>);

#[derive(Clone, PartialEq, Eq, Default)]
struct Opaque(String);

impl Signature {
    /// Adds more of it at its end.
    pub fn push_str(&mut self, more: &str) {
        self.0.0.push_str(more);
    }

    /// Its text.
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
