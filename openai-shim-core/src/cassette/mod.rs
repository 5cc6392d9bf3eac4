//! Layer 9: recorded exchanges as readable files, played to clients of every dialect.
//!
//! A [`Cassette`] holds one client's request, every request that went to the upstream because of it, and what came back, chunk by
//! chunk. Its text form is the file format: [`Display`](std::fmt::Display) writes it, without secrets, and
//! [`FromStr`](std::str::FromStr) reads it.
//!
//! ```
//! use openai_shim_core::cassette::Cassette;
//! use openai_shim_core::dialect;
//! let file = r#"openai-shim cassette 1
//!
//! == client openai-chat
//! POST /v1/chat/completions
//!
//! > {"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}
//!
//! == upstream openai-chat vllm
//! POST /chat/completions
//!
//! > {"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}
//!
//! == upstream's response
//! 200
//! content-type: text/event-stream
//!
//! @ 35 ms
//! > data: {"choices":[{"delta":{"content":"hel
//! @ 41 ms
//! | lo"}}]}
//! |
//! | data: [DONE]
//! |
//! "#;
//! let cassette: Cassette = file.parse()?;
//! let golden = cassette.convert_to(dialect("anthropic-messages")?).to_string();
//! assert!(golden.contains(r#""text":"hello""#) && golden.contains("finish-reason-derived"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod body_lines;
mod conversation;
mod format;
mod playback;
mod recording;
mod replay;
mod secrets;

pub use format::CassetteError;
pub use playback::Playback;
pub use recording::RecordingUpstream;
pub use replay::ReplayUpstream;

internals! {
    use recording::recorded_headers;
}

use crate::dialect::Dialect;
use crate::error::UpstreamError;
use crate::exchange::Target;
use crate::profile::profile;
use bytes::Bytes;
use std::time::Duration;

/// A recorded exchange: both requests, both responses.
///
/// ```
/// use openai_shim_core::cassette::{Cassette, RecordedAttempt, RecordedChunk, RecordedRequest, RecordedResponse};
/// use openai_shim_core::dialect;
/// use std::time::Duration;
///
/// let chat = dialect("openai-chat")?;
/// let request = RecordedRequest::post(
///     "/v1/chat/completions",
///     r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#,
/// );
/// let mut attempt = RecordedAttempt::default();
/// attempt.request = request.clone();
/// attempt.request.path = String::from("/chat/completions");
/// let mut response = RecordedResponse::new(200, Vec::new());
/// let bytes = r#"{"choices":[{"message":{"content":"hello"}}]}"#.into();
/// response.chunks.push(RecordedChunk { at: Duration::from_millis(40), bytes });
/// attempt.response = Some(response);
/// let mut cassette = Cassette::new(chat, request, chat, "vllm");
/// cassette.attempts.push(attempt);
///
/// let file = cassette.to_string();
/// assert!(file.starts_with("openai-shim cassette 1") && file.contains("@ 40 ms"));
/// assert_eq!(file.parse::<Cassette>()?.attempts, cassette.attempts);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Cassette {
    /// The client's dialect.
    pub client: Dialect,
    /// The client's request.
    pub request: RecordedRequest,
    /// The dialect of the upstream that was asked first.
    pub upstream: Dialect,
    /// The name of its profile.
    pub profile: String,
    /// What the upstream was asked, in order; several where a request was changed or retried.
    pub attempts: Vec<RecordedAttempt>,
    /// What the client got.
    pub response: Option<RecordedResponse>,
}

impl Cassette {
    /// A cassette without attempts and response, which the recorder adds.
    pub fn new(
        client: Dialect,
        request: RecordedRequest,
        upstream: Dialect,
        profile: impl Into<String>,
    ) -> Self {
        Self { client, request, upstream, profile: profile.into(), attempts: Vec::new(), response: None }
    }

    /// Adds an attempt to ask an upstream. The first one decides which upstream the cassette is of.
    pub fn push_attempt(&mut self, upstream: RecordedUpstream, mut attempt: RecordedAttempt) {
        if self.attempts.is_empty() {
            self.upstream = upstream.dialect;
            self.profile = upstream.profile;
        } else if (self.upstream, &self.profile) != (upstream.dialect, &upstream.profile) {
            attempt.upstream = Some(upstream);
        }
        self.attempts.push(attempt);
    }

    /// The upstream of an attempt.
    fn upstream_of(&self, attempt: &RecordedAttempt) -> RecordedUpstream {
        attempt.upstream.clone().unwrap_or_else(|| RecordedUpstream::new(self.upstream, self.profile.clone()))
    }

    /// The upstreams that were asked one after the other.
    fn targets(&self) -> Vec<Target> {
        let mut upstreams = vec![RecordedUpstream::new(self.upstream, self.profile.clone())];
        for attempt in &self.attempts {
            let upstream = self.upstream_of(attempt);
            if upstreams.last() != Some(&upstream) {
                upstreams.push(upstream);
            }
        }
        upstreams.iter().map(RecordedUpstream::to_target).collect()
    }
}

/// A request as it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names and values of the headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl RecordedRequest {
    /// A `POST` of a body to a path, without headers.
    pub fn post(path: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self { method: String::from("POST"), path: path.into(), headers: Vec::new(), body: body.into() }
    }
}

/// A response as it arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedResponse {
    /// The status.
    pub status: u16,
    /// Names and values of the headers.
    pub headers: Vec<(String, String)>,
    /// The body, as it was cut.
    pub chunks: Vec<RecordedChunk>,
}

impl RecordedResponse {
    /// A response whose body has not arrived.
    pub fn new(status: u16, headers: Vec<(String, String)>) -> Self {
        Self { status, headers, chunks: Vec::new() }
    }
}

/// A part of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedChunk {
    /// When it arrived, after the request was sent.
    pub at: Duration,
    /// Its bytes.
    pub bytes: Bytes,
}

/// One request to an upstream, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedAttempt {
    /// The request.
    pub request: RecordedRequest,
    /// The response; `None`: there was none.
    pub response: Option<RecordedResponse>,
    /// How the attempt broke off.
    pub failure: Option<RecordedFailure>,
    /// The upstream, if it was another one than that of the first attempt.
    pub upstream: Option<RecordedUpstream>,
}

/// An upstream as a cassette knows it.
///
/// ```
/// use openai_shim_core::cassette::RecordedUpstream;
/// let upstream = RecordedUpstream::new(openai_shim_core::dialect("anthropic-messages")?, "anthropic");
/// assert_eq!(upstream.profile, "anthropic");
/// # Ok::<(), openai_shim_core::error::ClientError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedUpstream {
    /// Its dialect.
    pub dialect: Dialect,
    /// The name of its profile.
    pub profile: String,
}

impl RecordedUpstream {
    /// An upstream of a dialect, which behaves as the profile of this name describes.
    pub fn new(dialect: Dialect, profile: impl Into<String>) -> Self {
        Self { dialect, profile: profile.into() }
    }

    fn to_target(&self) -> Target {
        Target::new(profile(&self.profile).unwrap_or_default().with_only_dialect(self.dialect.name()))
    }
}

impl RecordedAttempt {
    /// The error of an attempt without a response, when it is played.
    pub fn error(&self) -> UpstreamError {
        match &self.failure {
            Some(failure) => failure.to_error(),
            None => UpstreamError::transport("The cassette has no response to this request."),
        }
    }
}

/// How an attempt broke off.
///
/// ```
/// use openai_shim_core::cassette::RecordedFailure;
/// use openai_shim_core::UpstreamError;
/// let failure = RecordedFailure::new(&UpstreamError::timeout("No answer came within 60 s."));
/// assert_eq!(failure, RecordedFailure::Timeout(String::from("No answer came within 60 s.")));
/// assert_eq!(failure.to_error().message(), "No answer came within 60 s.");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordedFailure {
    /// A timeout expired.
    Timeout(String),
    /// The upstream could not be reached, or the connection broke.
    Connection(String),
}

impl RecordedFailure {
    /// The failure of an error.
    pub fn new(error: &UpstreamError) -> Self {
        match error {
            UpstreamError::Timeout { message, .. } => Self::Timeout(message.clone()),
            other => Self::Connection(other.message().to_owned()),
        }
    }

    /// The error of the failure, when it is played.
    pub fn to_error(&self) -> UpstreamError {
        match self {
            Self::Timeout(message) => UpstreamError::timeout(message.clone()),
            Self::Connection(message) => UpstreamError::transport(message.clone()),
        }
    }
}
