//! [`Cause`]: the error of a transport behind one of ours.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The error behind another one. It may name addresses: it is for logs, and never for clients. It is no part of JSON.
///
/// ```
/// use openai_shim_core::UpstreamError;
/// use openai_shim_core::error::Cause;
/// use std::error::Error;
/// let refused = std::io::Error::other("10.0.0.7:8080: connection refused");
/// let error = UpstreamError::transport("The connection was refused.").with_source(refused);
/// assert!(error.source().unwrap().to_string().starts_with("10.0.0.7"));
/// assert_eq!(Cause::new("a text").to_string(), "a text");
/// ```
#[derive(Clone)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl Cause {
    /// Wraps an error.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(error.into()))
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// Equal are those that say the same.
impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Cause {}
