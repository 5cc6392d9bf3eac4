//! What normalization needs of an upstream, and of the server's settings.

use crate::accepts::Accepts;
use crate::dialect::Dialect;

/// The upstream that a request is made acceptable for, in the dialect in which it gets the request.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'r> {
    /// Its name, for messages.
    pub name: &'r str,
    /// Its dialect.
    pub dialect: &'static dyn Dialect,
    /// What it accepts, in this dialect and for the request's model.
    pub accepts: &'r Accepts,
}

impl Recipient<'_> {
    /// Whether extra fields and native blocks of a dialect are the recipient's own. Dialects of one family share theirs.
    pub(super) fn is_own(&self, dialect: &str) -> bool {
        let rest = self.dialect.name().strip_prefix(dialect);
        !dialect.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

/// Settings of the server that apply to every request.
#[derive(Debug, Clone, Default)]
pub struct RequestDefaults {
    /// `max_tokens` for upstreams that require it.
    pub max_tokens: Option<u64>,
    /// A loss is an error.
    pub strict: bool,
}
