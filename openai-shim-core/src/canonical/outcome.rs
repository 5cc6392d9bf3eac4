//! The outcomes of an exchange (`complete`, `truncated`, `empty`, `errored`, …) and their stable names.

use crate::error::word;

/// How an exchange ended. Outcomes that differ for a client have different names.
///
/// ```
/// use openai_shim_core::Outcome;
/// assert_eq!(Outcome::Truncated.to_string(), "truncated");
/// assert!(Outcome::ALL.contains(&Outcome::Complete));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The response is complete.
    Complete,
    /// The upstream reported success and sent nothing usable.
    Empty,
    /// The connection or the upstream cut the response off.
    Truncated,
    /// The model refused.
    Refused,
    /// A content filter stopped the response.
    Filtered,
    /// The length limit stopped the response.
    Length,
    /// The upstream ended the response with a reason that means that it was interrupted or failed.
    Failed,
    /// The upstream ended the response for a reason that is not known.
    Unknown,
    /// The upstream or the exchange failed.
    Errored,
    /// The response was synthesized because the upstream had none.
    Fallback,
    /// The client disconnected.
    Cancelled,
}

impl Outcome {
    /// All outcomes, for tables and metrics.
    pub const ALL: [Self; 11] = [
        Self::Complete,
        Self::Empty,
        Self::Truncated,
        Self::Refused,
        Self::Filtered,
        Self::Length,
        Self::Failed,
        Self::Unknown,
        Self::Errored,
        Self::Fallback,
        Self::Cancelled,
    ];

    /// The stable name, as in headers and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::Refused => "refused",
            Self::Filtered => "filtered",
            Self::Length => "length",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Errored => "errored",
            Self::Fallback => "fallback",
            Self::Cancelled => "cancelled",
        }
    }
}

word!(Outcome: "outcome");
