//! Floor 2: what one upstream accepts and how it deviates, as data.
//!
//! A [`Profile`] is one row. The built-in rows are in `table.rs`; a user writes the same row in TOML. No code asks for an
//! upstream's name: it asks what the row says.

mod learn;
mod table;

use crate::canonical::AnswerQuirks;
use crate::error::ClientError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use learn::{Lesson, learn};

/// What one upstream accepts and how it deviates.
///
/// ```
/// let vllm = openai_shim_core::profile("vllm").unwrap();
/// assert_eq!(vllm.dialect, "openai-chat");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Profile {
    /// The row's name.
    pub name: String,
    /// What it is, in a few words.
    pub about: String,
    /// Where the row's facts come from.
    pub sources: Vec<String>,
    /// Hosts (with an optional leading `*.`, or a trailing `:port`) whose base URL selects this row.
    pub hosts: Vec<String>,
    /// The dialect that it speaks.
    pub dialect: String,
    /// How the key is sent.
    pub auth: Auth,
    /// Whether it lists its models at `/models`.
    pub lists_models: bool,
    /// Which parameters it takes.
    pub params: Params,
    /// Which messages it takes.
    pub messages: Messages,
    /// How it streams.
    pub stream: Streaming,
    /// How its answers deviate.
    pub answers: AnswerQuirks,
}

/// How the key is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// The header's name.
    pub header: String,
    /// What stands before the key, with its space (`"Bearer "`).
    pub prefix: String,
}

/// Which parameters an upstream takes, by their name on the wire.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Params {
    /// Left out.
    pub drop: Vec<String>,
    /// Sent under another name.
    pub rename: BTreeMap<String, String>,
    /// Moved into a range: `[low, high]`.
    pub clamp: BTreeMap<String, [f64; 2]>,
    /// It wants `max_tokens`: the configured default is sent when the client sent none.
    pub wants_max_tokens: bool,
}

/// Which messages an upstream takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Messages {
    /// Roles sent under another name (`developer` as `system`).
    pub roles: BTreeMap<String, String>,
    /// Lists of text parts are sent as one string.
    pub flatten_text: bool,
    /// An assistant message that only calls tools gets `""` instead of `null` content.
    pub empty_content: bool,
    /// System messages are merged into one and put first.
    pub single_system: bool,
    /// Adjacent messages of one role are merged.
    pub alternate: bool,
}

/// How an upstream streams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Streaming {
    /// It streams at all. If not it is asked for a whole answer, and the client gets a simulated stream.
    pub supported: bool,
    /// It takes `stream_options`, so usage can be asked for.
    pub options: bool,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            name: String::new(),
            about: String::new(),
            sources: Vec::new(),
            hosts: Vec::new(),
            dialect: String::from("openai-chat"),
            auth: Auth::default(),
            lists_models: true,
            params: Params::default(),
            messages: Messages::default(),
            stream: Streaming::default(),
            answers: AnswerQuirks::default(),
        }
    }
}

impl Default for Auth {
    fn default() -> Self {
        Self { header: String::from("authorization"), prefix: String::from("Bearer ") }
    }
}

impl Default for Streaming {
    fn default() -> Self {
        Self { supported: true, options: true }
    }
}

impl Profile {
    /// Whether a base URL's host (with its port, if any) belongs to this row.
    pub fn matches(&self, authority: &str) -> bool {
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        self.hosts.iter().any(|pattern| match (pattern.strip_prefix("*."), pattern.strip_prefix(':')) {
            (Some(domain), _) => host.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.')),
            (None, Some(port)) => authority.rsplit_once(':').is_some_and(|(_, p)| p == port),
            (None, None) => pattern == host || pattern == authority,
        })
    }
}

/// The built-in rows, in the table's order.
pub fn profiles() -> &'static [Profile] {
    table::rows()
}

/// A copy of the built-in row of that name.
pub fn profile(name: &str) -> Result<Profile, ClientError> {
    profiles().iter().find(|p| p.name == name).cloned().ok_or_else(|| {
        let known: Vec<_> = profiles().iter().map(|p| p.name.as_str()).collect();
        ClientError::invalid(format!("There is no profile {name:?}; there are: {}.", known.join(", ")))
    })
}

/// The row whose hosts match (`host` or `host:port`), else `compatible`.
pub fn profile_for(authority: &str) -> Profile {
    profiles()
        .iter()
        .find(|p| p.matches(authority))
        .or_else(|| profiles().iter().find(|p| p.name == "compatible"))
        .cloned()
        .unwrap_or_default()
}
