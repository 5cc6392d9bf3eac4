//! [`UpstreamError`]: the upstream failed, could not be reached, or said so itself.

use super::cause::Cause;
use super::kind::ErrorKind;
use super::sentence::InLowerCase;
use super::short_name::short_name;
use crate::json::RawJson;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

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
