//! What normalization needs of an upstream, and of the server's settings.

use crate::accepts::Accepts;
use crate::dialect::Dialect;

/// The upstream that a request is made acceptable for, in the dialect in which it gets the request.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'r> {
    /// Its name, for messages.
    pub name: &'r str,
    /// Its dialect.
    pub dialect: Dialect,
    /// What it accepts, in this dialect and for the request's model.
    pub accepts: &'r Accepts,
    /// The client's dialect: diagnostics name what the client sent.
    pub client: Dialect,
    /// The version of the API that a header of the request states; empty: none.
    pub api_version: &'r str,
    /// The features of the API that a header of the request selects; empty: none.
    pub features: &'r str,
}

impl Recipient<'_> {
    /// The client's name of a parameter that OpenAI's chat has this name for.
    pub(super) fn client_name<'n>(&self, name: &'n str) -> &'n str {
        self.client.params().path(name).unwrap_or(name)
    }

    /// The client's name of the parameter that is at this place of the upstream's body.
    pub(super) fn client_name_of<'n>(&self, path: &'n str) -> &'n str {
        match self.dialect.params().name(path) {
            Some(name) if self.client.name() != self.dialect.name() => self.client_name(name),
            _ => path,
        }
    }
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
    /// The limit of a request whose client sent none; `None`: none, or what the upstream requires.
    pub max_tokens: Option<u64>,
    /// A loss is an error.
    pub strict: bool,
}
