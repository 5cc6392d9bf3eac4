//! Floor 2: what one upstream accepts and how it deviates, as data.
//!
//! A [`Profile`] is one row. The built-in rows are in `table`; a user writes the same row in TOML. No code asks for an
//! upstream's name: it asks what the row says.

mod accepts;
mod adapt;
mod glob;
mod table;

pub use accepts::{
    MessageNamePolicy, MessageRules, ParamRules, PrefillPolicy, ReasoningHistory, ReasoningParam,
    ReasoningRules, ResponseFormatRules, ResponseFormatSupport, StreamingSupport, ToolCallIdFormat,
    ToolChoiceSupport, ToolRules,
};
pub use adapt::{Adaptation, adaptation_for};

use crate::canonical::AnswerQuirks;
use crate::error::ClientError;
use http::{HeaderMap, HeaderName};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What one upstream accepts and how it deviates.
///
/// ```
/// let openai = openai_shim_core::profile("openai").unwrap();
/// assert_eq!(openai.dialect, "openai-chat");
/// assert!(openai.for_model("o3-mini").params.drop.contains(&String::from("temperature")));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Profile {
    /// The row's name.
    pub name: String,
    /// What it is, in a few words.
    pub description: String,
    /// Where the row's facts come from.
    pub sources: Vec<String>,
    /// Hosts (with an optional leading `*.`, or a trailing `:port`) whose base URL selects this row.
    pub hosts: Vec<String>,
    /// Where it is usually reached; empty: wherever its owner runs it.
    pub base_url: String,
    /// The dialect that it speaks.
    pub dialect: String,
    /// Dialects that it speaks besides: clients of one of them are answered in it, with nothing translated.
    pub extra_dialects: Vec<String>,
    /// How the key is sent.
    pub auth: Auth,
    /// Headers of clients that it knows: they are passed on to it.
    pub forward_headers: Vec<String>,
    /// Its routes, where they differ from the dialect's.
    pub paths: EndpointPaths,
    /// Whether it lists its models.
    pub has_model_list: bool,
    /// Which parameters it takes.
    pub params: ParamRules,
    /// Which messages it takes.
    pub messages: MessageRules,
    /// Which tools, and which choice among them, it takes.
    pub tools: ToolRules,
    /// Which forms of answers it can be asked for.
    pub response_format: ResponseFormatRules,
    /// How it is told to think.
    pub reasoning: ReasoningRules,
    /// How it streams.
    pub stream: StreamingSupport,
    /// How its answers deviate.
    pub responses: AnswerQuirks,
    /// What holds for some models only.
    pub model_overrides: Vec<ModelOverride>,
}

/// Rules for models whose names match.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ModelOverride {
    /// Names of models, in any case; `*` stands for any characters.
    pub matches: Vec<String>,
    /// Dialects in which they are served besides.
    pub extra_dialects: Vec<String>,
    /// Which parameters it takes.
    pub params: ParamRules,
    /// Which messages it takes.
    pub messages: MessageRules,
    /// Which tools, and which choice among them, it takes.
    pub tools: ToolRules,
    /// Which forms of answers it can be asked for.
    pub response_format: ResponseFormatRules,
    /// How it is told to think.
    pub reasoning: ReasoningRules,
    /// How it streams.
    pub stream: StreamingSupport,
    /// How its answers deviate.
    pub responses: AnswerQuirks,
}

impl ModelOverride {
    fn overlay(&self, row: &mut Profile) {
        row.extra_dialects.extend(self.extra_dialects.iter().cloned());
        row.params = self.params.overlay(&row.params);
        row.messages = self.messages.overlay(&row.messages);
        row.tools = self.tools.overlay(&row.tools);
        row.response_format = self.response_format.overlay(&row.response_format);
        row.reasoning = self.reasoning.overlay(&row.reasoning);
        row.stream = self.stream.overlay(&row.stream);
        row.responses = self.responses.overlay(row.responses);
    }
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

/// Routes of an upstream, relative to its base URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EndpointPaths {
    /// Where answers are asked for; empty: the dialect's own path. `{model}` stands for the model's name.
    pub chat: String,
    /// Where models are listed.
    pub models: String,
    /// What is added to every URL (`api-version` and the like).
    pub query: BTreeMap<String, String>,
}

impl EndpointPaths {
    /// A path with what is added to every URL.
    pub fn url(&self, path: &str) -> String {
        let mut url = path.to_owned();
        for (key, value) in &self.query {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.extend(utf8_percent_encode(key, ESCAPED));
            url.push('=');
            url.extend(utf8_percent_encode(value, ESCAPED));
        }
        url
    }

    /// Where answers of a model are asked for; `own` is the dialect's path.
    pub fn chat_url(&self, own: &str, model: &str) -> String {
        let model = utf8_percent_encode(model, ESCAPED).to_string();
        self.url(&if self.chat.is_empty() { own.to_owned() } else { self.chat.replace("{model}", &model) })
    }
}

/// What is escaped in a path or a query.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Default for EndpointPaths {
    fn default() -> Self {
        Self { chat: String::new(), models: String::from("/models"), query: BTreeMap::new() }
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            sources: Vec::new(),
            hosts: Vec::new(),
            base_url: String::new(),
            dialect: String::from("openai-chat"),
            extra_dialects: Vec::new(),
            auth: Auth::default(),
            // Features, but not whose account it is.
            forward_headers: vec![String::from("openai-beta")],
            paths: EndpointPaths::default(),
            has_model_list: true,
            params: ParamRules::default(),
            messages: MessageRules::default(),
            tools: ToolRules::default(),
            response_format: ResponseFormatRules::default(),
            reasoning: ReasoningRules::default(),
            stream: StreamingSupport::default(),
            responses: AnswerQuirks::default(),
            model_overrides: Vec::new(),
        }
    }
}

impl Default for Auth {
    fn default() -> Self {
        Self { header: String::from("authorization"), prefix: String::from("Bearer ") }
    }
}

impl Profile {
    /// The row as it holds for one model.
    pub fn for_model(&self, model: &str) -> Cow<'_, Self> {
        let mut own =
            self.model_overrides.iter().filter(|m| m.matches.iter().any(|name| glob::matches(name, model)));
        let Some(first) = own.next() else { return Cow::Borrowed(self) };
        let mut row = self.clone();
        for rules in std::iter::once(first).chain(own) {
            rules.overlay(&mut row);
        }
        Cow::Owned(row)
    }

    /// Puts those of a client's headers among the upstream's that it knows.
    pub fn pass_headers(&self, given: &HeaderMap, send: &mut HeaderMap) {
        for name in &self.forward_headers {
            let Ok(name) = HeaderName::try_from(name.as_str()) else { continue };
            if given.contains_key(&name) {
                send.remove(&name);
                for value in given.get_all(&name) {
                    send.append(&name, value.clone());
                }
            }
        }
    }

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

/// The row of the API that this dialect is at home in, if there is one.
pub fn native_profile(dialect: &str) -> Option<Profile> {
    profiles().iter().find(|row| row.dialect == dialect && row.dialect != Profile::default().dialect).cloned()
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
