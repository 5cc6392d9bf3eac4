//! [`Addition`]: what the shim adds to a request of its own accord, so that it can be left out where an upstream refuses it.

use std::borrow::Cow;

/// A member or a header of an upstream's request that the client did not send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// Its path in the body (`store`, `tools.strict`), or the name of the header.
    pub name: Cow<'static, str>,
    /// It is a header.
    pub is_header: bool,
}

impl Addition {
    /// A member of the body.
    pub fn member(path: impl Into<Cow<'static, str>>) -> Self {
        Self { name: path.into(), is_header: false }
    }

    /// A header.
    pub fn header(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), is_header: true }
    }
}
