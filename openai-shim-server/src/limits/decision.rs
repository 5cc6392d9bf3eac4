//! What a limit is decided from and with: numbers and demand in, a standing or a refusal out.

use std::time::Duration;

/// The limits of one key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Requests in a minute.
    pub(crate) requests: Option<u64>,
    /// Tokens in a minute.
    pub(crate) tokens: Option<u64>,
    /// Requests at once.
    pub(crate) concurrent: Option<u64>,
}

impl Numbers {
    /// Whether there is any limit.
    pub(super) fn are_any(self) -> bool {
        self != Self::default()
    }
}

/// The tokens that a request may need, as far as that is known before it is sent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Demand {
    /// An estimate of its prompt.
    pub(crate) input: u64,
    /// The most that it lets the model write, or what is expected.
    pub(crate) output: u64,
}

impl Demand {
    /// The tokens that are reserved: no more than the limit, so that every request can be admitted some time.
    pub(super) fn reserved(self, numbers: Numbers) -> u64 {
        numbers.tokens.map_or(0, |limit| self.input.saturating_add(self.output).min(limit))
    }
}

/// A limit of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LimitKind {
    Requests,
    Tokens,
    Concurrent,
}

impl LimitKind {
    /// All limits, in the order of [`index`](Self::index).
    pub(crate) const ALL: [Self; 3] = [Self::Requests, Self::Tokens, Self::Concurrent];

    pub(super) fn index(self) -> usize {
        self as usize
    }

    /// The limit's key in the configuration.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests_per_minute",
            Self::Tokens => "tokens_per_minute",
            Self::Concurrent => "concurrent",
        }
    }
}

/// What is left of the limits of a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) requests: Option<Window>,
    pub(crate) tokens: Option<Window>,
}

/// What is left of one limit of a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    /// How long until all of it is there again.
    pub(crate) reset: Duration,
}

/// A request that exceeds a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) limit: LimitKind,
    /// How long it would exceed it; zero: until another request ends.
    pub(crate) wait: Duration,
    pub(crate) standing: Standing,
}

/// What a request gets: what is left after it, or why it is refused.
pub(crate) type Decision = Result<Standing, Refused>;
