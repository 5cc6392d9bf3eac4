//! Errors by origin: the client, the upstream, or a feature that the upstream does not support.
//!
//! Every failure of an exchange is the client's ([`ClientError`]), the upstream's ([`UpstreamError`]), or a request that the upstream
//! does not support ([`Unsupported`]). A dialect has a table from [`ErrorKind`] to its own status, type and code.
//!
//! `message()` is the sentence that a client reads. `Display` is for logs and for `?`: in lower case and without a full stop.

mod cause;
mod misuse;
mod sentence;
pub(crate) mod static_text;
mod words;

pub use cause::Cause;
pub use misuse::Misuse;
pub(crate) use sentence::InLowerCase;
pub use words::UnknownWord;
pub(crate) use words::word;

use crate::json::RawJson;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// The maximum number of characters of a name in messages, logs, labels and lists.
const MAX_NAME_CHARACTERS: usize = 200;

/// Shortens a name that a client chose for a message, a log line or a list: it is cut after 200 characters, with `…`.
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

/// The kind of a failure, independent of any dialect's names for it.
///
/// ```
/// use openai_shim_core::ErrorKind;
/// assert_eq!(ErrorKind::of_status(429), ErrorKind::RateLimited);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is not valid: it is not JSON, or a field is missing or has an impossible value.
    InvalidRequest,
    /// The API key is missing or wrong.
    Authentication,
    /// The API key does not permit this.
    Permission,
    /// The model or the route does not exist.
    NotFound,
    /// The request's body exceeds a limit.
    TooLarge,
    /// A rate limit is reached.
    RateLimited,
    /// The account is out of credit.
    Quota,
    /// The prompt exceeds the model's context length.
    ContextLength,
    /// A content filter stopped the request or the response.
    ContentFiltered,
    /// The upstream does not support what is requested.
    Unsupported,
    /// The upstream is overloaded or starting.
    Overloaded,
    /// The upstream did not answer in time.
    Timeout,
    /// The upstream reported success and sent nothing usable.
    Empty,
    /// The upstream's response ended before it was complete.
    Truncated,
    /// The upstream failed, or its response cannot be parsed.
    Upstream,
    /// The shim failed.
    Internal,
}

impl ErrorKind {
    /// The kind that an upstream's status alone stands for.
    pub fn of_status(status: u16) -> Self {
        match status {
            401 => Self::Authentication,
            402 => Self::Quota,
            403 => Self::Permission,
            404 => Self::NotFound,
            408 | 504 => Self::Timeout,
            413 => Self::TooLarge,
            429 => Self::RateLimited,
            503 => Self::Overloaded,
            400..=499 => Self::InvalidRequest,
            _ => Self::Upstream,
        }
    }

    /// The stable name, as in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid-request",
            Self::Authentication => "authentication",
            Self::Permission => "permission",
            Self::NotFound => "not-found",
            Self::TooLarge => "too-large",
            Self::RateLimited => "rate-limited",
            Self::Quota => "quota",
            Self::ContextLength => "context-length",
            Self::ContentFiltered => "content-filtered",
            Self::Unsupported => "unsupported",
            Self::Overloaded => "overloaded",
            Self::Timeout => "timeout",
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::Upstream => "upstream",
            Self::Internal => "internal",
        }
    }

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

word!(ErrorKind: "kind of error");

/// An error of an exchange.
///
/// ```
/// use openai_shim_core::{Error, ErrorKind, UpstreamError, error::ClientError};
/// let error = Error::from(ClientError::new(ErrorKind::ContextLength, "The prompt is too long.").at("messages"));
/// assert_eq!((error.kind(), error.param()), (ErrorKind::ContextLength, Some("messages")));
/// let error = Error::from(UpstreamError::timeout("No answer came within 60 s."));
/// assert_eq!((error.kind(), error.code()), (ErrorKind::Timeout, Some("upstream_timeout")));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The client's request cannot be served.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The upstream does not support the request, and `strict` mode forbids changing it.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The upstream failed.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The program that drives the exchange called it in the wrong order.
    #[error(transparent)]
    Misuse(#[from] Misuse),
}

impl Error {
    /// The kind, as the key of a dialect's error table.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Client(e) => e.kind,
            Self::Unsupported(_) => ErrorKind::Unsupported,
            Self::Upstream(e) => e.kind(),
            Self::Misuse(_) => ErrorKind::Internal,
        }
    }

    /// One sentence for the client: what is wrong, and what to do about it.
    ///
    /// ```
    /// use openai_shim_core::error::{ClientError, Error, ErrorKind};
    /// let error = Error::Client(ClientError::new(ErrorKind::ContextLength, "The prompt is too long."));
    /// assert_eq!(error.message(), "The prompt is too long.");
    /// assert_eq!(error.to_string(), "the prompt is too long");
    /// ```
    pub fn message(&self) -> Cow<'_, str> {
        match self {
            Self::Client(e) => Cow::Borrowed(&e.message),
            Self::Unsupported(e) => Cow::Borrowed(&e.message),
            Self::Upstream(e) => Cow::Borrowed(e.message()),
            Self::Misuse(e) => Cow::Owned(e.to_string()),
        }
    }

    /// The path of the field that caused the error, in the client's own spelling, if one is known.
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::Client(e) => e.param.as_deref(),
            Self::Unsupported(e) => Some(&e.param),
            Self::Upstream(UpstreamError::Status(e)) => e.param.as_deref(),
            Self::Upstream(_) | Self::Misuse(_) => None,
        }
    }

    /// A machine-readable code, if one is known.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Client(e) => e.code.as_deref(),
            Self::Unsupported(_) => Some("unsupported_value"),
            Self::Upstream(e) => e.code(),
            Self::Misuse(_) => None,
        }
    }

    /// How long to wait before a retry, if the upstream stated it.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Upstream(UpstreamError::Status(e)) => e.retry_after,
            _ => None,
        }
    }
}

/// The client's request cannot be served.
///
/// ```
/// use openai_shim_core::{ErrorKind, error::ClientError};
/// let error = ClientError::invalid("The temperature is not a number.").at("temperature").with_code("not_a_number");
/// assert_eq!(error.kind, ErrorKind::InvalidRequest);
/// assert_eq!(error.param.as_deref(), Some("temperature"));
/// assert_eq!(error.to_string(), "the temperature is not a number");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", InLowerCase(message))]
#[non_exhaustive]
pub struct ClientError {
    /// The kind of the error.
    pub kind: ErrorKind,
    /// One sentence: what is wrong, and what to do about it.
    pub message: String,
    /// The path of the field that caused the error, as the client spells it (`messages[2].role`).
    pub param: Option<String>,
    /// A machine-readable code, if the dialect has one.
    pub code: Option<String>,
}

impl ClientError {
    /// An invalid request, without the path of a field.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::InvalidRequest, message: message.into(), param: None, code: None }
    }

    /// An error of any kind, without the path of a field.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), param: None, code: None }
    }

    /// The requested model does not exist.
    pub fn unknown_model(id: &str) -> Self {
        let message = format!(
            "The model `{}` does not exist here. GET /v1/models lists those that do.",
            short_name(id)
        );
        Self::new(ErrorKind::NotFound, message).at("model").with_code("model_not_found")
    }

    /// Adds the path of the field that caused the error.
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

/// The upstream does not support the request, and `strict` mode forbids changing it.
///
/// ```
/// use openai_shim_core::{Error, error::Unsupported};
/// let error = Error::from(Unsupported::new("logit_bias", "The upstream has no biases."));
/// assert_eq!((error.param(), error.code()), (Some("logit_bias"), Some("unsupported_value")));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", InLowerCase(message))]
#[non_exhaustive]
pub struct Unsupported {
    /// The path of the field that is not supported, in the client's spelling.
    pub param: String,
    /// One sentence: what is not supported.
    pub message: String,
}

impl Unsupported {
    /// An error for a field, with its message.
    pub fn new(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: param.into(), message: message.into() }
    }
}

/// The upstream failed.
///
/// ```
/// use openai_shim_core::UpstreamError;
/// use std::error::Error;
/// let broken = std::io::Error::other("10.0.0.3 is gone");
/// let error = UpstreamError::transport("The upstream could not be reached.").with_source(broken);
/// assert_eq!(error.message(), "The upstream could not be reached."); // for the client
/// assert_eq!(error.source().unwrap().to_string(), "10.0.0.3 is gone"); // for the log
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum UpstreamError {
    /// The upstream responded with an error, by status or inside a 200.
    Status(Box<StatusError>),
    /// The upstream's response is not in its dialect.
    Malformed {
        /// One sentence, with a short excerpt.
        message: String,
    },
    /// The upstream reported success and sent nothing usable.
    Empty,
    /// The upstream ended its response with a reason that means that it was interrupted or failed.
    Failed {
        /// One sentence, with the upstream's reason and its explanation.
        message: String,
    },
    /// The response ended before it was complete.
    Truncated,
    /// The upstream could not be reached, or the connection broke.
    Transport {
        /// One sentence, without addresses and credentials.
        message: String,
        /// The transport's own error.
        #[serde(skip)]
        source: Option<Cause>,
    },
    /// The upstream did not answer in time.
    Timeout {
        /// Which timeout expired.
        message: String,
        /// The transport's own error.
        #[serde(skip)]
        source: Option<Cause>,
    },
    /// The response exceeds a limit.
    TooLarge {
        /// Which limit.
        message: String,
    },
}

/// An error that the upstream reported.
///
/// ```
/// use openai_shim_core::{ErrorKind, UpstreamError, error::StatusError};
/// let mut error = StatusError::new(429, ErrorKind::RateLimited, "Too many requests.");
/// error.retry_after = Some(std::time::Duration::from_secs(5));
/// let error = UpstreamError::Status(Box::new(error));
/// assert!(error.is_transient() && error.message() == "Too many requests.");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StatusError {
    /// The HTTP status to pass on: for an error inside a 200, the status that the error should have had.
    pub status: u16,
    /// The kind of the failure.
    pub kind: ErrorKind,
    /// The upstream's message.
    pub message: String,
    /// The upstream's `type`, if it stated one.
    pub error_type: Option<String>,
    /// The upstream's `code` as text, if it stated one.
    pub code: Option<String>,
    /// The field that caused the error, if the upstream named one.
    pub param: Option<String>,
    /// How long to wait before a retry, if the upstream stated it.
    pub retry_after: Option<Duration>,
    /// The keys and raw values of the error object's other fields, in order.
    pub extra: Vec<(String, RawJson)>,
}

impl StatusError {
    /// An error with a status, a kind and a message.
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

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&InLowerCase(self.message()), f)
    }
}

impl std::error::Error for UpstreamError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Transport { source, .. } | Self::Timeout { source, .. } => {
                source.as_ref().map(|cause| cause as &(dyn std::error::Error + 'static))
            }
            _ => None,
        }
    }
}

impl UpstreamError {
    /// One sentence for the client, without addresses and credentials.
    pub fn message(&self) -> &str {
        match self {
            Self::Status(error) => &error.message,
            Self::Malformed { message }
            | Self::Failed { message }
            | Self::Transport { message, .. }
            | Self::Timeout { message, .. }
            | Self::TooLarge { message } => message,
            Self::Empty => "The upstream answered successfully but sent nothing usable.",
            Self::Truncated => "The upstream's answer was cut before it was complete.",
        }
    }

    /// Adds the transport's own error, to a transport error or a timeout.
    pub fn with_source(mut self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        if let Self::Transport { source, .. } | Self::Timeout { source, .. } = &mut self {
            *source = Some(Cause::new(error));
        }
        self
    }

    /// The kind, as the key of a dialect's error table.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Status(e) => e.kind,
            Self::Malformed { .. } | Self::Failed { .. } | Self::Transport { .. } | Self::TooLarge { .. } => {
                ErrorKind::Upstream
            }
            Self::Empty => ErrorKind::Empty,
            Self::Truncated => ErrorKind::Truncated,
            Self::Timeout { .. } => ErrorKind::Timeout,
        }
    }

    /// A machine-readable code, if one is known.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Status(e) => e.code.as_deref(),
            Self::Malformed { .. } => Some("upstream_malformed"),
            Self::Failed { .. } => Some("answer_failed"),
            Self::Empty => Some("empty_completion"),
            Self::Truncated => Some("stream_truncated"),
            Self::Transport { .. } => Some("upstream_unreachable"),
            Self::Timeout { .. } => Some("upstream_timeout"),
            Self::TooLarge { .. } => Some("upstream_too_large"),
        }
    }

    /// A response that is not in the upstream's dialect, with one sentence that explains it.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::Malformed { message: message.into() }
    }

    /// An answer that ended with a reason that means that it was interrupted or failed.
    pub fn failed(word: &str, message: Option<&str>) -> Self {
        let word = short_name(word);
        let message = match message.filter(|message| !message.trim().is_empty()) {
            Some(message) => {
                format!("The upstream's answer is not complete: it ended with \"{word}\": {}", message.trim())
            }
            None => format!("The upstream's answer is not complete: it ended with \"{word}\"."),
        };
        Self::Failed { message }
    }

    /// An answer that promises tool calls, and has none.
    pub fn calls_missing(word: &str) -> Self {
        Self::failed(word, Some("no tool call came with it."))
    }

    /// An answer of which a part could not be read.
    pub fn unreadable_part() -> Self {
        Self::malformed("A part of the upstream's answer could not be read and is missing from it.")
    }

    /// A connection that could not be made, or broke.
    pub fn transport(message: impl Into<String>) -> Self {
        Self::Transport { message: message.into(), source: None }
    }

    /// A timeout that expired.
    pub fn timeout(message: impl Into<String>) -> Self {
        Self::Timeout { message: message.into(), source: None }
    }

    /// Whether the same request may succeed if it is sent again.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Status(e) => {
                matches!(e.status, 408 | 425 | 429 | 500 | 502 | 503 | 504 | 520..=529)
                    && e.kind != ErrorKind::Quota
            }
            Self::Malformed { .. }
            | Self::Failed { .. }
            | Self::Empty
            | Self::Truncated
            | Self::Transport { .. } => true,
            Self::Timeout { .. } | Self::TooLarge { .. } => false,
        }
    }
}
