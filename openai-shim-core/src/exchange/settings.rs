//! What the owner of the service decides, apart from any request.

use crate::canonical::ReasoningStyle;
use crate::normalize::RequestDefaults;
use crate::profile::Adaptation;
use std::time::Duration;

/// Limits, retries, fallback and defaults of one exchange.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// What to do with a request that the upstream cannot fulfil as it stands.
    pub mode: LossPolicy,
    /// The upstream's name for the model, where it differs from the client's.
    pub upstream_model: Option<String>,
    /// `max_tokens` for upstreams that want one, when the client sent none.
    pub default_max_tokens: Option<u64>,
    /// How reasoning is shown to the client.
    pub reasoning: ReasoningStyle,
    /// What is known of this upstream and model beyond its row.
    pub lessons: Vec<Adaptation>,
    /// A refusal that says what to do otherwise is heeded: the request is changed, and sent once more.
    pub learn: bool,
    /// How often and when to ask again.
    pub retry: Retry,
    /// When to synthesize an answer.
    pub fallback: Fallback,
    /// The full report is added to the end of the answer.
    pub debug: bool,
    /// The most bytes of a whole answer.
    pub max_body: usize,
    /// The most bytes of one frame of a stream.
    pub max_frame: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: LossPolicy::Lenient,
            upstream_model: None,
            default_max_tokens: None,
            reasoning: ReasoningStyle::default(),
            lessons: Vec::new(),
            learn: true,
            retry: Retry::default(),
            fallback: Fallback::default(),
            debug: false,
            max_body: 64 << 20,
            max_frame: 8 << 20,
        }
    }
}

impl Settings {
    pub(super) fn defaults(&self) -> RequestDefaults {
        RequestDefaults { max_tokens: self.default_max_tokens, strict: self.mode == LossPolicy::Strict }
    }
}

/// Whether losses are allowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LossPolicy {
    /// Losses are reported, and the request goes on.
    #[default]
    Lenient,
    /// A loss is a 400 before anything is sent.
    Strict,
}

/// How often and when to ask an upstream again. Never after the first byte went out to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retry {
    /// How many attempts in all; 1 means no retry.
    pub attempts: u32,
    /// The wait before the second attempt; doubled before each further one.
    pub backoff: Duration,
    /// The longest wait; a `Retry-After` beyond it is passed on to the client instead.
    pub max_backoff: Duration,
}

impl Retry {
    /// One attempt and no more.
    pub fn none() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// How long to wait after an attempt, which are counted from 1, where the upstream does not say it.
    ///
    /// ```
    /// use openai_shim_core::exchange::Retry;
    /// use std::time::Duration;
    /// let waits = [1, 2, 9].map(|attempt| Retry::default().wait_after(attempt));
    /// assert_eq!(waits, [1, 2, 30].map(Duration::from_secs));
    /// ```
    pub fn wait_after(&self, attempt: u32) -> Duration {
        self.backoff.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(self.max_backoff)
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 2, backoff: Duration::from_secs(1), max_backoff: Duration::from_secs(30) }
    }
}

/// When to synthesize an answer, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fallback {
    /// When.
    pub when: FallbackPolicy,
    /// What the answer says; absent: one sentence that says what happened.
    pub message: Option<String>,
}

impl Default for Fallback {
    fn default() -> Self {
        Self { when: FallbackPolicy::Empty, message: None }
    }
}

/// When to synthesize an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FallbackPolicy {
    /// Never: an empty answer is a 502.
    Never,
    /// When the upstream answered successfully but with nothing usable on every attempt.
    Empty,
    /// Also instead of every error of the upstream.
    Always,
}
