//! The checked configuration: [`Config`] and its parts, with their defaults.

use super::model_routes::ModelRoute;
use super::otel::Otel;
use super::overrides::Origin;
use super::secret::Secret;
use super::store::StoreConfig;
use super::tls::Tls;
use openai_shim_core::Profile;
use openai_shim_core::canonical::ReasoningStyle;
use openai_shim_core::exchange::{Fallback, LossPolicy, Retry};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The whole configuration, checked and complete.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// TLS for clients; absent: plain HTTP.
    pub tls: Option<Tls>,
    /// Host names that a server without client keys accepts, in lower case.
    pub hosts: Vec<String>,
    /// The keys of clients that have neither a name nor limits.
    pub client_keys: Vec<Secret>,
    /// The keys of clients with a name, and limits where they have any.
    pub named_keys: Vec<ClientKey>,
    /// The upstreams, in the order of the file; the first one that has a model serves it.
    pub upstreams: Vec<UpstreamConfig>,
    /// The models of `[[model]]`, which several upstreams serve.
    pub models: Vec<ModelRoute>,
    /// Whether a loss of meaning is reported (lenient) or refused (strict).
    pub mode: LossPolicy,
    /// Whether adaptations to refusals are remembered.
    pub learn: bool,
    /// Whether clients may request the full report with `x-openai-shim-debug: 1`.
    pub debug: bool,
    /// How clients of OpenAI's chat dialect get reasoning.
    pub reasoning: ReasoningStyle,
    /// The limit on the output of requests whose client sent none.
    pub default_max_tokens: Option<u64>,
    /// How often a failed attempt is repeated.
    pub retry: Retry,
    /// When a fallback response is synthesized.
    pub fallback: Fallback,
    /// Limits on waits.
    pub timeouts: Timeouts,
    /// Limits on sizes and numbers.
    pub limits: Limits,
    /// Where the state between requests is kept.
    pub store: StoreConfig,
    /// Origins whose pages may call; empty: CORS is off. `"*"` allows all.
    pub cors_origins: Vec<String>,
    /// Logging.
    pub log: Log,
    /// Whether the configuration is read again when one of its files changes.
    pub watch: bool,
    /// What it was read from, to read it again.
    pub(crate) origin: Origin,
    /// Where traces and metrics are exported to; absent: nowhere.
    pub otel: Option<Otel>,
    /// The folder into which exchanges are recorded as cassettes; absent: none are.
    pub record: Option<PathBuf>,
}

impl Config {
    /// The keys of clients: those without a name, then those with one.
    pub(crate) fn keys_of_clients(&self) -> impl Iterator<Item = &Secret> + Clone {
        self.client_keys.iter().chain(self.named_keys.iter().map(|named| &named.key))
    }

    /// Whether clients need a key.
    pub fn needs_key(&self) -> bool {
        !self.client_keys.is_empty() || !self.named_keys.is_empty()
    }

    /// The keys of clients and upstreams, which stand in no log and in no recording.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Secret> {
        let of_collector = self.otel.iter().flat_map(|otel| otel.headers.iter().map(|(_, value)| value));
        let of_upstreams = self.upstreams.iter().flat_map(|upstream| &upstream.api_keys);
        self.keys_of_clients().chain(of_upstreams).chain(of_collector)
    }
}

/// A client's key with a name, the models that it may use, and its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientKey {
    /// Its name, for logs, metrics and errors.
    pub name: String,
    /// The key itself.
    pub key: Secret,
    /// The names of the models that it may use, with `*` for any characters; empty: all.
    pub models: Vec<String>,
    /// The most requests in a minute.
    pub requests_per_minute: Option<u64>,
    /// The most tokens in a minute, of prompts and responses.
    pub tokens_per_minute: Option<u64>,
    /// The most requests at once.
    pub concurrent: Option<u64>,
}

/// One upstream.
#[derive(Debug, Clone)]
pub struct UpstreamConfig {
    /// Its name, for `name/model`, headers and metrics.
    pub name: String,
    /// Where it is.
    pub target: UpstreamLocation,
    /// What it accepts, with the user's quirks applied.
    pub profile: Arc<Profile>,
    /// The keys that it gets: the next one is used while one rests that was refused. Empty: none.
    pub api_keys: Vec<Secret>,
    /// The models that it serves; without any but patterns its model list is fetched.
    pub models: Vec<ModelConfig>,
}

impl UpstreamConfig {
    /// Whether both are one server under one name, which accepts the same.
    pub(crate) fn is_same_server(&self, other: &Self) -> bool {
        (&self.name, &self.target, &self.profile) == (&other.name, &other.target, &other.profile)
    }
}

/// Where an upstream is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamLocation {
    /// At a base URL without a trailing slash.
    Http(String),
    /// Inside this process: the `echo` upstream.
    Echo,
    /// Inside this process: the cassettes of a folder.
    Replay(PathBuf),
}

/// A model: its name for clients and its name at the upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelConfig {
    /// The name that clients use; with `*` for any characters a pattern of names.
    pub id: String,
    /// The name at the upstream; a pattern itself stands for the client's own name.
    pub upstream: String,
}

impl ModelConfig {
    /// Whether it stands for every model whose name fits its id.
    pub fn is_pattern(&self) -> bool {
        self.id.contains('*')
    }

    /// The upstream's name for a model that clients call `name`; `None`: the same one.
    pub(crate) fn upstream_name(&self, name: &str) -> Option<String> {
        let keeps_name = self.upstream == name || (self.is_pattern() && self.upstream == self.id);
        (!keeps_name).then(|| self.upstream.clone())
    }
}

/// Limits on waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection to the upstream.
    pub connect: Duration,
    /// From sending a request to the first meaningful event of its response.
    pub first_byte: Duration,
    /// Between two reads of a response, after its first event.
    pub idle: Duration,
    /// From sending a request to the end of a non-streaming response.
    pub whole: Duration,
    /// For a client that reads nothing of its response.
    pub write: Duration,
    /// From a client's request to the end of its response; absent: no limit.
    pub total: Option<Duration>,
    /// The silence after which a streaming client gets a keep-alive.
    pub keepalive: Duration,
}

/// Limits on sizes and numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request body.
    pub request_body: usize,
    /// Bytes of the beginning of a form in which its model is looked for before it is sent.
    pub form_prefix: usize,
    /// Bytes of a non-streaming response.
    pub response_body: usize,
    /// Bytes of one event.
    pub frame: usize,
    /// Bytes of all request bodies and collected responses together. Requests beyond it get a 503 with `Retry-After`.
    pub bodies: usize,
    /// Concurrent requests; more get a 503 with `Retry-After`.
    pub concurrent: usize,
}

/// Logging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The format of lines.
    pub format: LogFormat,
    /// A level, or a list of `target=level`; absent: `info`.
    pub filter: Option<String>,
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(120),
            idle: Duration::from_secs(60),
            // The timeout of the official SDKs.
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
            form_prefix: 1 << 20,
            response_body: 64 << 20,
            frame: 8 << 20,
            bodies: 512 << 20,
            concurrent: 4096,
        }
    }
}
