//! Who is at fault, and what the client is told.
//!
//! Every failure is one of three: the caller's ([`ClientError`]), nobody's ([`Unsupported`]: the upstream cannot do it),
//! or the upstream's ([`UpstreamError`]). A dialect turns an [`ErrorKind`] into its own status, type and code by a table.

mod misuse;

pub use misuse::Misuse;

use std::borrow::Cow;
use std::time::Duration;

/// The most characters of a name in sentences, logs, labels and lists.
const MAX_NAME_CHARACTERS: usize = 200;

/// A name that a client chose, short enough for a sentence, a log line or a list: cut after 200 characters, with `…`.
///
/// ```
/// use openai_shim_core::error::short_name;
/// assert_eq!(short_name("gpt-5"), "gpt-5");
/// assert_eq!(short_name(&"é".repeat(1000)), "é".repeat(200) + "…");
/// ```
pub fn short_name(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(MAX_NAME_CHARACTERS).and_then(|(end, _)| name.get(..end)) {
        Some(start) => Cow::Owned(format!("{start}…")),
        None => Cow::Borrowed(name),
    }
}

/// What kind of failure this is, independent of any dialect's words for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is not valid: wrong JSON, a missing or impossible field.
    InvalidRequest,
    /// No key, or a wrong one.
    Authentication,
    /// The key is known but may not do this.
    Permission,
    /// No such model or route.
    NotFound,
    /// The request's body is over a limit.
    TooLarge,
    /// Too many requests for now.
    RateLimited,
    /// The account is out of credit.
    Quota,
    /// The prompt does not fit into the model's context.
    ContextLength,
    /// A content filter stopped it.
    ContentFiltered,
    /// The upstream cannot do what was asked.
    Unsupported,
    /// The upstream is overloaded or starting.
    Overloaded,
    /// Nothing came in time.
    Timeout,
    /// The upstream answered successfully, with nothing usable.
    Empty,
    /// The upstream's answer was cut.
    Truncated,
    /// The upstream failed, or sent what cannot be read.
    Upstream,
    /// A fault of our own.
    Internal,
}

impl ErrorKind {
    /// All kinds, for tables and tests.
    pub const ALL: [Self; 16] = [
        Self::InvalidRequest,
        Self::Authentication,
        Self::Permission,
        Self::NotFound,
        Self::TooLarge,
        Self::RateLimited,
        Self::Quota,
        Self::ContextLength,
        Self::ContentFiltered,
        Self::Unsupported,
        Self::Overloaded,
        Self::Timeout,
        Self::Empty,
        Self::Truncated,
        Self::Upstream,
        Self::Internal,
    ];
}

/// Everything that can go wrong in one exchange.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller is at fault.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The upstream cannot do it, and `strict` mode forbids doing it differently.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The upstream is at fault.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The program that drives an exchange is at fault.
    #[error(transparent)]
    Misuse(#[from] Misuse),
}

impl Error {
    /// The kind, for a dialect's error table.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Client(e) => e.kind,
            Self::Unsupported(_) => ErrorKind::Unsupported,
            Self::Upstream(e) => e.kind(),
            Self::Misuse(_) => ErrorKind::Internal,
        }
    }

    /// The field at fault, in the client's own spelling, where one is known.
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::Client(e) => e.param.as_deref(),
            Self::Unsupported(e) => Some(&e.param),
            Self::Upstream(UpstreamError::Status(e)) => e.param.as_deref(),
            Self::Upstream(_) | Self::Misuse(_) => None,
        }
    }

    /// A machine-readable code, where one is known.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Client(e) => e.code.as_deref(),
            Self::Unsupported(_) => Some("unsupported_value"),
            Self::Upstream(e) => e.code(),
            Self::Misuse(_) => None,
        }
    }

    /// How long the upstream asked us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Upstream(UpstreamError::Status(e)) => e.retry_after,
            _ => None,
        }
    }
}

/// The caller sent something that cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct ClientError {
    /// What kind of fault.
    pub kind: ErrorKind,
    /// One sentence: what is wrong and what to do.
    pub message: String,
    /// The field at fault, as the client spells it (`messages[2].role`).
    pub param: Option<String>,
    /// A machine-readable code, where the dialect has one.
    pub code: Option<String>,
}

impl ClientError {
    /// An invalid request, without a field.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::InvalidRequest, message: message.into(), param: None, code: None }
    }

    /// Any kind, without a field.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), param: None, code: None }
    }

    /// There is no such model.
    pub fn unknown_model(id: &str) -> Self {
        let text = format!(
            "The model `{}` does not exist here. GET /v1/models lists those that do.",
            short_name(id)
        );
        Self::new(ErrorKind::NotFound, text).at("model").with_code("model_not_found")
    }

    /// Names the field at fault.
    pub fn at(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Adds a machine-readable code.
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }
}

/// The upstream cannot do what was asked, and doing it differently was forbidden (`strict`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Unsupported {
    /// The field that asks for it, in the client's spelling.
    pub param: String,
    /// One sentence.
    pub message: String,
}

impl Unsupported {
    /// Names the field and says why.
    pub fn new(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: param.into(), message: message.into() }
    }
}

/// The upstream failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// It answered with an error, by status or inside a 200.
    #[error("{}", .0.message)]
    Status(Box<StatusError>),
    /// It answered with something that is not its dialect.
    #[error("{message}")]
    Malformed {
        /// One sentence with a short excerpt.
        message: String,
    },
    /// It answered successfully, with nothing usable.
    #[error("The upstream answered successfully but sent nothing usable.")]
    Empty,
    /// Its answer stopped before the end.
    #[error("The upstream's answer was cut before it was complete.")]
    Truncated,
    /// It could not be reached, or the connection broke.
    #[error("{message}")]
    Transport {
        /// One sentence; no addresses, no credentials.
        message: String,
    },
    /// Nothing came in time.
    #[error("{message}")]
    Timeout {
        /// Which wait ran out.
        message: String,
    },
    /// It sent more than a limit allows.
    #[error("{message}")]
    TooLarge {
        /// Which limit.
        message: String,
    },
}

/// An error that the upstream itself stated.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StatusError {
    /// The HTTP status to pass on (already put right: a 200 with an error body has its true status here).
    pub status: u16,
    /// What kind of failure.
    pub kind: ErrorKind,
    /// The upstream's own message.
    pub message: String,
    /// The upstream's own `type`, if it gave one.
    pub error_type: Option<String>,
    /// The upstream's own `code`, as text.
    pub code: Option<String>,
    /// The field the upstream blames.
    pub param: Option<String>,
    /// How long it asked us to wait.
    pub retry_after: Option<Duration>,
    /// Further members of the error object, raw, in order.
    pub extra: Vec<(String, Box<serde_json::value::RawValue>)>,
}

impl PartialEq for StatusError {
    fn eq(&self, other: &Self) -> bool {
        let said = |e: &Self| {
            let extra: Vec<_> = e.extra.iter().map(|(k, v)| (k.clone(), v.get().to_owned())).collect();
            (
                e.status,
                e.kind,
                e.message.clone(),
                e.error_type.clone(),
                e.code.clone(),
                e.param.clone(),
                e.retry_after,
                extra,
            )
        };
        said(self) == said(other)
    }
}

impl StatusError {
    /// An error with a status, its kind and a message.
    pub fn new(status: u16, kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            message: message.into(),
            error_type: None,
            code: None,
            param: None,
            retry_after: None,
            extra: Vec::new(),
        }
    }
}

impl UpstreamError {
    /// The kind, for a dialect's error table.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Status(e) => e.kind,
            Self::Malformed { .. } | Self::Transport { .. } | Self::TooLarge { .. } => ErrorKind::Upstream,
            Self::Empty => ErrorKind::Empty,
            Self::Truncated => ErrorKind::Truncated,
            Self::Timeout { .. } => ErrorKind::Timeout,
        }
    }

    /// A machine-readable code, where one is known.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Status(e) => e.code.as_deref(),
            Self::Malformed { .. } => Some("upstream_malformed"),
            Self::Empty => Some("empty_completion"),
            Self::Truncated => Some("stream_truncated"),
            Self::Transport { .. } => Some("upstream_unreachable"),
            Self::Timeout { .. } => Some("upstream_timeout"),
            Self::TooLarge { .. } => Some("upstream_too_large"),
        }
    }

    /// Something that is not the dialect, with one sentence of explanation.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::Malformed { message: message.into() }
    }

    /// The connection could not be made, or broke.
    pub fn transport(message: impl Into<String>) -> Self {
        Self::Transport { message: message.into() }
    }

    /// A wait ran out.
    pub fn timeout(message: impl Into<String>) -> Self {
        Self::Timeout { message: message.into() }
    }

    /// Whether the same request may succeed when sent again.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Status(e) => {
                matches!(e.status, 408 | 425 | 429 | 500 | 502 | 503 | 504 | 520..=529)
                    && e.kind != ErrorKind::Quota
            }
            Self::Malformed { .. } | Self::Empty | Self::Truncated | Self::Transport { .. } => true,
            Self::Timeout { .. } | Self::TooLarge { .. } => false,
        }
    }
}
