//! Errors by origin: the client, the upstream, or a feature that the upstream does not support.
//!
//! Every failure of an exchange is the client's ([`ClientError`]), the upstream's ([`UpstreamError`]), or a request that the upstream
//! does not support ([`Unsupported`]). A dialect has a table from [`ErrorKind`] to its own status, type and code.
//!
//! `message()` is the sentence that a client reads. `Display` is for logs and for `?`: in lower case and without a full stop.

mod cause;
mod kind;
mod misuse;
mod sentence;
mod short_name;
pub(crate) mod static_text;
mod unknown_word;
mod upstream_error;

pub use cause::Cause;
pub use kind::ErrorKind;
pub use misuse::Misuse;
pub(crate) use sentence::InLowerCase;
pub use short_name::short_name;
pub use unknown_word::UnknownWord;
pub(crate) use unknown_word::word;
pub use upstream_error::{StatusError, UpstreamError};

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::Duration;

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

    /// How long to wait before a retry, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Client(e) => e.retry_after,
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
    /// How long to wait before a retry, if one can succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
}

impl ClientError {
    /// An invalid request, without the path of a field.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
    }

    /// An error of any kind, without the path of a field.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), param: None, code: None, retry_after: None }
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

    /// Adds how long to wait before a retry.
    ///
    /// ```
    /// use openai_shim_core::{Error, ErrorKind, error::ClientError};
    /// use std::time::Duration;
    /// let wait = Duration::from_secs(3);
    /// let error = ClientError::new(ErrorKind::RateLimited, "Too many requests.").with_retry_after(wait);
    /// assert_eq!(Error::from(error).retry_after(), Some(wait));
    /// ```
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
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
