//! The configuration: what it is. How it is read from files, arguments and environment is in `read.rs` and beside it.

mod display;
mod known_keys;
mod load;
mod names;
mod quirks;
mod secret;
mod suggest;
mod toml_tree;
mod units;
mod upstream;

pub use known_keys::keys;
pub use load::{Overrides, read};

use openai_shim_core::Profile;
use openai_shim_core::canonical::ReasoningStyle;
use openai_shim_core::exchange::{Fallback, LossPolicy, Retry};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Everything the server needs to know, checked and complete.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Names under which a server without client keys may be called, in lower case.
    pub hosts: Vec<String>,
    /// Keys that clients may use; empty: no key is needed.
    pub client_keys: Vec<Secret>,
    /// The upstreams, in the order of the file; the first one with a model serves it.
    pub upstreams: Vec<UpstreamConfig>,
    /// Strict mode refuses what would be lost.
    pub mode: LossPolicy,
    /// What upstreams refuse is remembered, and not sent again.
    pub learn: bool,
    /// Clients may ask for the full report with `x-openai-shim-debug: 1`.
    pub debug: bool,
    /// How reasoning is shown to clients of OpenAI's chat.
    pub reasoning: ReasoningStyle,
    /// `max_tokens` for upstreams that want one.
    pub default_max_tokens: Option<u64>,
    /// How often to ask again.
    pub retry: Retry,
    /// When to synthesize an answer.
    pub fallback: Fallback,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// How much of what.
    pub limits: Limits,
    /// Derives the tags of owners from client keys; absent: random, so that nothing that was kept outlives the process.
    pub store_secret: Option<Secret>,
    /// Origins that browsers may call from; empty: CORS is off. `"*"` allows all.
    pub cors_origins: Vec<String>,
    /// Logging.
    pub log: Log,
}

/// One upstream.
#[derive(Debug, Clone)]
pub struct UpstreamConfig {
    /// Its name, for `name/model`, headers and metrics.
    pub name: String,
    /// Where it is.
    pub target: UpstreamLocation,
    /// What it accepts; rows that the user overrode are already applied.
    pub profile: Arc<Profile>,
    /// Its key.
    pub api_key: Option<Secret>,
    /// Models it serves; empty: it is asked.
    pub models: Vec<ModelConfig>,
}

/// Where an upstream is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamLocation {
    /// At a base URL without a trailing slash.
    Http(String),
    /// Inside this process: the `echo` upstream.
    Echo,
}

/// A model: the name that clients use and the name that the upstream knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelConfig {
    /// The name that clients use.
    pub id: String,
    /// The name that the upstream knows.
    pub upstream: String,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// From sending a request to the first event of its answer that means something.
    pub first_byte: Duration,
    /// Between two pieces of an answer, from its first event on.
    pub idle: Duration,
    /// From sending a request to the end of an answer that is not streamed.
    pub whole: Duration,
    /// For a client that takes nothing of its answer.
    pub write: Duration,
    /// From a client's request to the end of its answer; absent: no limit.
    pub total: Option<Duration>,
    /// Silence after which a stream's client gets a keep-alive.
    pub keepalive: Duration,
}

/// How much of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a client's body.
    pub request_body: usize,
    /// Bytes of a whole answer.
    pub response_body: usize,
    /// Bytes of one event.
    pub frame: usize,
    /// Bytes of all bodies together: of requests that are worked on and of whole answers that are collected. More get a 503
    /// with `Retry-After`.
    pub bodies: usize,
    /// Requests at once; more get a 503 with `Retry-After`.
    pub concurrent: usize,
}

/// Logging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// How the lines look.
    pub format: LogFormat,
    /// A level, or a list of `target=level`; absent: `info`.
    pub filter: Option<String>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is wrong with the configuration: one line a fault, with place, key, fault and remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// A secret: never printed, never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Holds a secret.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The secret itself; mind where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(120),
            idle: Duration::from_secs(60),
            // As long as the official SDKs wait.
            whole: Duration::from_secs(600),
            write: Duration::from_secs(60),
            total: None,
            keepalive: Duration::from_secs(15),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_body: 32 << 20,
            response_body: 64 << 20,
            frame: 8 << 20,
            bodies: 512 << 20,
            concurrent: 4096,
        }
    }
}
