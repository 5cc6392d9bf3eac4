//! [`Settings`]: limits, retries, fallback and defaults of an exchange, which the operator chooses for all requests.

use crate::canonical::ReasoningStyle;
use crate::error::{UpstreamError, word};
use crate::normalize::RequestDefaults;
use std::time::Duration;

/// Limits, retries, fallback and defaults of one exchange.
///
/// ```
/// use openai_shim_core::exchange::{ClientRequest, LossPolicy, Retry, Settings};
/// use openai_shim_core::{dialect, profile, Context, Exchange};
///
/// let mut settings = Settings::default();
/// settings.loss_policy = LossPolicy::Strict;
/// settings.retry = Retry::none();
///
/// // Anthropic's API has no such parameter: without it the response would be another one.
/// let body = r#"{"model":"m","logit_bias":{"50256":-100},"messages":[{"role":"user","content":"hi"}]}"#;
/// let request = ClientRequest::read(dialect("openai-chat")?, "/v1/chat/completions", body.into())?;
/// let error = Exchange::start(request, profile("anthropic")?, settings, Context::fixed()).unwrap_err();
/// assert_eq!(error.param(), Some("logit_bias"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// What to do with a request that the upstream cannot fulfil without a loss.
    pub loss_policy: LossPolicy,
    /// The limit on the output of a request whose client sent none; `None`: none, or what the upstream requires.
    pub default_max_tokens: Option<u64>,
    /// How the client gets reasoning.
    pub reasoning: ReasoningStyle,
    /// Whether a request is changed and sent again when the upstream's error tells what to change.
    pub adapt: bool,
    /// How many attempts are made, and when.
    pub retry: Retry,
    /// When to synthesize a response.
    pub fallback: Fallback,
    /// Whether the full report is appended to the response.
    pub debug: bool,
    /// The most bytes of a response that is collected.
    pub max_body_bytes: usize,
    /// The most bytes of one frame of a stream.
    pub max_frame_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            loss_policy: LossPolicy::Lenient,
            default_max_tokens: None,
            reasoning: ReasoningStyle::default(),
            adapt: true,
            retry: Retry::default(),
            fallback: Fallback::default(),
            debug: false,
            max_body_bytes: 64 << 20,
            max_frame_bytes: 8 << 20,
        }
    }
}

impl Settings {
    /// The defaults that normalization needs.
    pub(super) fn defaults(&self) -> RequestDefaults {
        RequestDefaults {
            max_tokens: self.default_max_tokens,
            strict: self.loss_policy == LossPolicy::Strict,
        }
    }
}

/// Whether losses are allowed.
///
/// ```
/// use openai_shim_core::exchange::LossPolicy;
/// assert_eq!(LossPolicy::default(), LossPolicy::Lenient);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LossPolicy {
    /// A loss is a diagnostic, and the request is sent.
    #[default]
    Lenient,
    /// A loss is an error 400, and nothing is sent.
    Strict,
}

impl LossPolicy {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Lenient, Self::Strict];

    /// `lenient` or `strict`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lenient => "lenient",
            Self::Strict => "strict",
        }
    }
}

word!(LossPolicy: "loss policy");

/// How many attempts are made, and when. There is no retry after the first byte went out to the client.
///
/// ```
/// use openai_shim_core::exchange::Retry;
/// use openai_shim_core::UpstreamError;
/// use std::time::Duration;
///
/// let mut retry = Retry::default();
/// retry.attempts = 3;
/// let error = UpstreamError::transport("The connection broke.");
/// assert_eq!(retry.wait_before(1, &error), Some(Duration::from_secs(1)));
/// assert_eq!(retry.wait_before(3, &error), None);
/// assert_eq!(Retry::none().wait_before(1, &error), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retry {
    /// How many attempts in all; 1: no retry.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles before each further one.
    pub backoff: Duration,
    /// The longest wait; a `Retry-After` beyond it is passed on to the client instead.
    pub max_backoff: Duration,
}

impl Retry {
    /// One attempt, no retry.
    pub fn none() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// How long to wait after attempt number `attempt` (the first is 1), if the upstream sends no `Retry-After`.
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

    /// How long to wait after attempt number `attempt`, which failed; `None`: there is no other attempt.
    pub fn wait_before(&self, attempt: u32, error: &UpstreamError) -> Option<Duration> {
        if attempt >= self.attempts || !error.is_transient() {
            return None;
        }
        match error {
            UpstreamError::Status(e) => match e.retry_after {
                Some(wait) if wait > self.max_backoff => None,
                Some(wait) => Some(wait),
                None => Some(self.wait_after(attempt)),
            },
            _ => Some(self.wait_after(attempt)),
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 2, backoff: Duration::from_secs(1), max_backoff: Duration::from_secs(30) }
    }
}

/// When to synthesize a response, and its text.
///
/// ```
/// use openai_shim_core::exchange::{Fallback, FallbackPolicy, Settings};
/// let mut settings = Settings::default();
/// assert_eq!(settings.fallback.when, FallbackPolicy::Empty);
/// settings.fallback.when = FallbackPolicy::Always;
/// settings.fallback.message = Some(String::from("The model is not available now."));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fallback {
    /// When to synthesize a response.
    pub when: FallbackPolicy,
    /// The response's text; `None`: one sentence about what happened.
    pub message: Option<String>,
}

impl Default for Fallback {
    fn default() -> Self {
        Self { when: FallbackPolicy::Empty, message: None }
    }
}

/// When to synthesize a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FallbackPolicy {
    /// Never: an empty response is an error 502.
    Never,
    /// When every attempt's response had a successful status and nothing usable in it.
    Empty,
    /// Also in place of every error of the upstream.
    Always,
}
