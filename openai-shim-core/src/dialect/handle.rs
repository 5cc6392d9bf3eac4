//! [`Dialect`]: a dialect as a small value: which one it is, and its wire format.

use super::traits::WireFormat;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

/// A dialect of this build: a small value that is copied and compared by its name.
///
/// There are constants for all of them, such as [`anthropic::DIALECT`](crate::dialect::anthropic::DIALECT), and a list,
/// [`DIALECTS`](crate::dialect::DIALECTS). A name is parsed; an unknown one is an error that lists the known ones.
///
/// ```
/// use openai_shim_core::dialect::{Dialect, DIALECTS, anthropic};
/// let parsed: Dialect = "anthropic-messages".parse()?;
/// assert_eq!(parsed, anthropic::DIALECT);
/// assert_eq!(parsed.to_string(), "anthropic-messages");
/// assert!(DIALECTS.contains(&parsed));
/// # Ok::<(), openai_shim_core::error::ClientError>(())
/// ```
///
/// Dialects come with this crate only. An open trait would freeze how payloads and streams are decoded, encoded and repaired; it
/// can be opened later, and never be closed again. What dereferencing gives is for this crate and its server, and may change with
/// every version.
#[derive(Clone, Copy)]
pub struct Dialect(&'static dyn WireFormat);

impl Dialect {
    /// The dialect that a wire format defines.
    pub(crate) const fn of(format: &'static dyn WireFormat) -> Self {
        Self(format)
    }

    /// The name in configuration and on the command line, such as `openai-chat`.
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

#[doc(hidden)]
impl Deref for Dialect {
    type Target = dyn WireFormat;
    fn deref(&self) -> &Self::Target {
        self.0
    }
}

impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl PartialEq for Dialect {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Dialect {}

impl Hash for Dialect {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}
