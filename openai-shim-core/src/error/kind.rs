//! [`ErrorKind`]: the kind of a failure.

use super::unknown_word::word;

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
