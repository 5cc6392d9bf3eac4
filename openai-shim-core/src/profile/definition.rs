//! What a profile consists of, and its rules for one model.

use super::glob;
use crate::accepts::{
    Accepts, AcceptsLayer, AuxiliaryApi, AuxiliaryLayer, MediaLayer, MessageLayer, ParamLayer,
    ReasoningLayer, ResponseFormatLayer, StreamingLayer, ToolLayer,
};
use crate::canonical::{AnswerQuirks, AnswerQuirksLayer};
use crate::overlay::{Merge, Overlay, Rule, is_unset, rules};
use http::{HeaderMap, HeaderName};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

rules! {
    /// What one upstream accepts and how its responses deviate: what it sets over the rules of its dialect.
    ///
    /// ```
    /// let openai = openai_shim_core::profile("openai").unwrap();
    /// assert_eq!(openai.dialect, "openai-chat");
    /// let chat = openai_shim_core::dialect::dialect(&openai.dialect)?;
    /// let accepts = openai.for_model("o3-mini").accepts(chat.accepts());
    /// assert!(accepts.params.drop.contains(&String::from("temperature")));
    /// # Ok::<(), openai_shim_core::error::ClientError>(())
    /// ```
    pub struct Profile, ProfileLayer {
        /// The profile's name.
        pub name: String,
        /// What the upstream is, in a few words.
        pub description: String,
        /// The sources of the profile's facts.
        pub sources: Vec<String>,
        /// Hosts (with an optional leading `*.`, or only a `:port`) whose base URL selects this profile.
        pub hosts: Vec<String>,
        /// The usual base URL; empty: there is none.
        pub base_url: String,
        /// The upstream's dialect.
        pub dialect: String = String::from("openai-chat"),
        /// Further dialects of the upstream: clients of one of them get it untranslated.
        pub extra_dialects: Vec<String>,
        /// How the key is sent.
        pub auth: Auth => AuthLayer,
        /// Client headers that are forwarded to the upstream.
        // Features, but not the account.
        pub forward_headers: Vec<String> = vec![String::from("openai-beta")],
        /// Its paths, where they differ from the dialect's.
        pub paths: EndpointPaths => PathsLayer,
        /// Whether the upstream lists its models.
        pub has_model_list: bool = true,
        /// Which parameters it accepts.
        pub params: ParamLayer => ParamLayer,
        /// Which messages it accepts.
        pub messages: MessageLayer => MessageLayer,
        /// Which images, audio and files it accepts, and where.
        pub media: MediaLayer => MediaLayer,
        /// Which tools, and which choice among them, it accepts.
        pub tools: ToolLayer => ToolLayer,
        /// Which response formats it accepts.
        pub response_format: ResponseFormatLayer => ResponseFormatLayer,
        /// How reasoning is requested.
        pub reasoning: ReasoningLayer => ReasoningLayer,
        /// How it streams.
        pub stream: StreamingLayer => StreamingLayer,
        /// Which requests for embeddings it accepts.
        pub embeddings: AuxiliaryLayer => AuxiliaryLayer,
        /// Which requests for rankings it accepts.
        pub rerank: AuxiliaryLayer => AuxiliaryLayer,
        /// Which requests for speech it accepts.
        pub speech: AuxiliaryLayer => AuxiliaryLayer,
        /// Which requests for transcripts it accepts.
        pub transcription: AuxiliaryLayer => AuxiliaryLayer,
        /// Which requests for pictures it accepts.
        pub images: AuxiliaryLayer => AuxiliaryLayer,
        /// How its responses deviate.
        pub responses: AnswerQuirks => AnswerQuirksLayer,
        /// Layers for some models, applied in this order. A layer adds its overrides after those of the layer below.
        pub model_overrides: Vec<ModelOverride>,
    }
}

rules! {
    /// How the key is sent.
    #[derive(Eq)]
    pub struct Auth, AuthLayer {
        /// The header's name.
        pub header: String = String::from("authorization"),
        /// What precedes the key, with its space (`"Bearer "`).
        pub prefix: String = String::from("Bearer "),
    }
}

rules! {
    /// Paths of an upstream, relative to its base URL.
    #[derive(Eq)]
    pub struct EndpointPaths, PathsLayer {
        /// Where responses are generated; empty: the dialect's own path. `{model}` stands for the model's name.
        pub generate: String,
        /// Where models are listed.
        pub models: String = String::from("/models"),
        /// Where the other routes are (embeddings, images, speech): `{path}` stands for the route's own path, and `{model}` for the
        /// model's name; empty: the own path. Requests that name no model go to the own path.
        pub auxiliary: String,
        /// Paths that are forwarded as they come, with all below them: `/files`, `/batches`. All clients share what the upstream
        /// stores there.
        pub forward: Vec<String>,
        /// Parameters that are added to the query of every URL (`api-version` and the like).
        pub query_params: BTreeMap<String, String>,
    }
}

/// A layer for the models whose names match.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ModelOverride {
    /// Names of models, in any case; `*` stands for any characters.
    #[serde(rename = "match")]
    pub matches: Vec<String>,
    /// Further dialects in which the models are served.
    #[serde(skip_serializing_if = "is_unset")]
    pub extra_dialects: Option<Vec<String>>,
    /// Which parameters the models accept.
    #[serde(skip_serializing_if = "is_unset")]
    pub params: ParamLayer,
    /// Which messages they accept.
    #[serde(skip_serializing_if = "is_unset")]
    pub messages: MessageLayer,
    /// Which images, audio and files they accept, and where.
    #[serde(skip_serializing_if = "is_unset")]
    pub media: MediaLayer,
    /// Which tools, and which choice among them, they accept.
    #[serde(skip_serializing_if = "is_unset")]
    pub tools: ToolLayer,
    /// Which response formats they accept.
    #[serde(skip_serializing_if = "is_unset")]
    pub response_format: ResponseFormatLayer,
    /// How reasoning is requested.
    #[serde(skip_serializing_if = "is_unset")]
    pub reasoning: ReasoningLayer,
    /// How they stream.
    #[serde(skip_serializing_if = "is_unset")]
    pub stream: StreamingLayer,
    /// Which requests for embeddings they accept.
    #[serde(skip_serializing_if = "is_unset")]
    pub embeddings: AuxiliaryLayer,
    /// Which requests for rankings they accept.
    #[serde(skip_serializing_if = "is_unset")]
    pub rerank: AuxiliaryLayer,
    /// Which requests for speech they accept.
    #[serde(skip_serializing_if = "is_unset")]
    pub speech: AuxiliaryLayer,
    /// Which requests for transcripts they accept.
    #[serde(skip_serializing_if = "is_unset")]
    pub transcription: AuxiliaryLayer,
    /// Which requests for pictures they accept.
    #[serde(skip_serializing_if = "is_unset")]
    pub images: AuxiliaryLayer,
    /// How their responses deviate.
    #[serde(skip_serializing_if = "is_unset")]
    pub responses: AnswerQuirksLayer,
}

impl ModelOverride {
    /// Whether it applies to a model.
    pub fn applies_to(&self, model: &str) -> bool {
        self.matches.iter().any(|pattern| glob::matches(pattern, model))
    }

    /// The rules of an auxiliary API.
    pub(super) fn auxiliary_mut(&mut self, api: AuxiliaryApi) -> &mut AuxiliaryLayer {
        match api {
            AuxiliaryApi::Embeddings => &mut self.embeddings,
            AuxiliaryApi::Rerank => &mut self.rerank,
            AuxiliaryApi::Speech => &mut self.speech,
            AuxiliaryApi::Transcription => &mut self.transcription,
            AuxiliaryApi::Images => &mut self.images,
        }
    }

    /// Adds the rules that another override sets; its rules win.
    pub fn merge(&mut self, above: &Self) {
        self.extra_dialects.merge(&above.extra_dialects);
        self.params.merge(&above.params);
        self.messages.merge(&above.messages);
        self.media.merge(&above.media);
        self.tools.merge(&above.tools);
        self.response_format.merge(&above.response_format);
        self.reasoning.merge(&above.reasoning);
        self.stream.merge(&above.stream);
        self.embeddings.merge(&above.embeddings);
        self.rerank.merge(&above.rerank);
        self.speech.merge(&above.speech);
        self.transcription.merge(&above.transcription);
        self.images.merge(&above.images);
        self.responses.merge(&above.responses);
    }

    /// Sets the rules of the override in a profile.
    pub(super) fn apply(&self, profile: &mut Profile) {
        Overlay::overlay(&mut profile.extra_dialects, &self.extra_dialects);
        profile.params.merge(&self.params);
        profile.messages.merge(&self.messages);
        profile.media.merge(&self.media);
        profile.tools.merge(&self.tools);
        profile.response_format.merge(&self.response_format);
        profile.reasoning.merge(&self.reasoning);
        profile.stream.merge(&self.stream);
        profile.embeddings.merge(&self.embeddings);
        profile.rerank.merge(&self.rerank);
        profile.speech.merge(&self.speech);
        profile.transcription.merge(&self.transcription);
        profile.images.merge(&self.images);
        profile.responses.overlay(&self.responses);
    }
}

impl Rule for Vec<ModelOverride> {
    fn set(&mut self, value: &Self) {
        self.extend_from_slice(value);
    }
}

/// Characters that are percent-encoded in a path segment or a query.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl EndpointPaths {
    /// A path with the query parameters that every URL gets, unless its own query has them.
    pub fn url(&self, path: &str) -> String {
        let mut url = path.to_owned();
        let own: Vec<&str> = path.split_once('?').map_or(Vec::new(), |(_, query)| query.split('&').collect());
        let is_own = |key: &str| own.iter().any(|pair| pair.split('=').next() == Some(key));
        for (key, value) in self.query_params.iter().filter(|(key, _)| !is_own(key)) {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.extend(utf8_percent_encode(key, ESCAPED));
            url.push('=');
            url.extend(utf8_percent_encode(value, ESCAPED));
        }
        url
    }

    /// Where a route other than those that generate is, by its own path, which may have a query.
    pub fn auxiliary_url(&self, path: &str, model: &str) -> String {
        let is_named = !matches!(model, "" | "." | "..") || !self.auxiliary.contains("{model}");
        if self.auxiliary.is_empty() || !is_named {
            return self.url(path);
        }
        let model = utf8_percent_encode(model, ESCAPED).to_string();
        self.url(&self.auxiliary.replace("{model}", &model).replace("{path}", path))
    }

    /// Whether requests to a path are forwarded as they come.
    pub fn forwards(&self, path: &str) -> bool {
        let is_below = |rest: &str| rest.is_empty() || rest.starts_with('/');
        self.forward.iter().any(|own| path.strip_prefix(own.as_str()).is_some_and(is_below))
    }

    /// Where responses of a model are generated; `dialect_path` is the dialect's own path.
    pub fn generate_url(&self, dialect_path: &str, model: &str) -> String {
        if self.generate.is_empty() {
            return self.url(dialect_path);
        }
        let model = utf8_percent_encode(model, ESCAPED).to_string();
        self.url(&self.generate.replace("{model}", &model))
    }
}

impl Profile {
    /// The profile of an upstream that has this dialect and no other.
    ///
    /// ```
    /// let profile = openai_shim_core::profile("openai")?.with_only_dialect("openai-responses");
    /// assert!(profile.dialect == "openai-responses" && profile.extra_dialects.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_only_dialect(mut self, dialect: &str) -> Self {
        dialect.clone_into(&mut self.dialect);
        self.extra_dialects.clear();
        self.model_overrides.iter_mut().for_each(|model_profile| model_profile.extra_dialects = None);
        self
    }

    /// The profile for one model: with the overrides that match it.
    pub fn for_model(&self, model: &str) -> Cow<'_, Self> {
        let mut overrides = self.model_overrides.iter().filter(|rules| rules.applies_to(model));
        let Some(first) = overrides.next() else { return Cow::Borrowed(self) };
        let mut model_profile = self.clone();
        for rules in std::iter::once(first).chain(overrides) {
            rules.apply(&mut model_profile);
        }
        Cow::Owned(model_profile)
    }

    /// What the upstream accepts: the profile's rules over those of a dialect.
    pub fn accepts(&self, dialect: &AcceptsLayer) -> Accepts {
        let mut accepts = Accepts::default();
        accepts.overlay(dialect);
        accepts.params.overlay(&self.params);
        accepts.messages.overlay(&self.messages);
        accepts.media.overlay(&self.media);
        accepts.tools.overlay(&self.tools);
        accepts.response_format.overlay(&self.response_format);
        accepts.reasoning.overlay(&self.reasoning);
        accepts.stream.overlay(&self.stream);
        accepts.embeddings.overlay(&self.embeddings);
        accepts.rerank.overlay(&self.rerank);
        accepts.speech.overlay(&self.speech);
        accepts.transcription.overlay(&self.transcription);
        accepts.images.overlay(&self.images);
        accepts
    }

    /// Copies the client headers that the profile forwards into the upstream's, replacing headers of the same name.
    pub fn pass_headers(&self, client: &HeaderMap, upstream: &mut HeaderMap) {
        for name in &self.forward_headers {
            // No client sends a header of an invalid name.
            let Ok(name) = HeaderName::try_from(name.as_str()) else { continue };
            if client.contains_key(&name) {
                upstream.remove(&name);
                for value in client.get_all(&name) {
                    upstream.append(&name, value.clone());
                }
            }
        }
    }

    /// Whether the profile belongs to a base URL's authority: its host, with the port if there is one.
    pub fn matches(&self, authority: &str) -> bool {
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        self.hosts.iter().any(|pattern| match (pattern.strip_prefix("*."), pattern.strip_prefix(':')) {
            (Some(domain), _) => host.strip_suffix(domain).is_some_and(|subdomain| subdomain.ends_with('.')),
            (None, Some(port)) => authority.rsplit_once(':').is_some_and(|(_, p)| p == port),
            (None, None) => pattern == host || pattern == authority,
        })
    }
}
