//! What a profile consists of, and its rules for one model.

pub use super::auth::{Auth, AuthLayer};
use super::glob;
pub use super::paths::{EndpointPaths, PathsLayer};
use crate::accepts::{
    Accepts, AcceptsLayer, AuxiliaryApi, AuxiliaryLayer, MediaLayer, MessageLayer, ParamLayer,
    ReasoningLayer, ResponseFormatLayer, StreamingLayer, ToolLayer,
};
use crate::canonical::{AnswerQuirks, AnswerQuirksLayer};
use crate::overlay::{Merge, Overlay, Rule, is_unset, rules, setter};
use http::{HeaderMap, HeaderName};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The dialect of a profile that names none: most APIs have it.
pub(super) const DEFAULT_DIALECT: &str = "openai-chat";

rules! {
    /// What one upstream accepts and how its responses deviate: what it sets over the rules of its dialect.
    ///
    /// A profile that is built, overlaid or read is checked. Its fields can be changed, too;
    /// [`invalid_rules`](Self::invalid_rules) checks what came of that.
    ///
    /// ```
    /// let openai = openai_shim_core::profile("openai").unwrap();
    /// assert_eq!(openai.dialect, "openai-chat");
    /// let chat = openai_shim_core::dialect::dialect(&openai.dialect)?;
    /// let accepts = openai.for_model("o3-mini").accepts(chat.accepts());
    /// assert!(accepts.params.drop.contains(&String::from("temperature")));
    /// # Ok::<(), openai_shim_core::error::ClientError>(())
    /// ```
    #[derive(Deserialize)]
    #[serde(try_from = "ProfileLayer")]
    pub struct Profile,
    ///
    /// This is what a person writes, in code or in a file; [`build`](Self::build) makes a profile of it.
    ///
    /// ```
    /// use openai_shim_core::accepts::{MessageLayer, ParamLayer};
    /// use openai_shim_core::profile::{AuthLayer, PathsLayer, Profile, ProfileLayer};
    /// let profile = ProfileLayer::inherit("vllm")
    ///     .with_name("acme")
    ///     .with_auth(AuthLayer::default().with_header("x-acme-key").with_prefix(""))
    ///     .with_paths(PathsLayer::default().with_generate("/generate").with_query_param("version", "2"))
    ///     .with_params(ParamLayer::default().with_rename("temperature", "heat").with_clamp("top_p", 0.0, 0.9))
    ///     .with_messages(MessageLayer::default().with_role("developer", "system").with_merge_system(false))
    ///     .build()?;
    ///
    /// let same: Profile = toml::from_str(
    ///     r#"
    ///     inherit = "vllm"
    ///     name = "acme"
    ///     auth = { header = "x-acme-key", prefix = "" }
    ///     paths = { generate = "/generate", query_params = { version = "2" } }
    ///     params.rename.temperature = "heat"
    ///     params.clamp.top_p = [0.0, 0.9]
    ///     messages.roles.developer = "system"
    ///     messages.merge_system = false
    ///     "#,
    /// )?;
    /// assert_eq!(same, profile);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ProfileLayer {
        /// The profile's name.
        pub name: String as with_name(into),
        /// What the upstream is, in a few words.
        pub description: String as with_description(into),
        /// The sources of the profile's facts.
        pub sources: Vec<String> as with_sources(list),
        /// Hosts (with an optional leading `*.`, or only a `:port`) whose base URL selects this profile.
        pub hosts: Vec<String> as with_hosts(list),
        /// The usual base URL; empty: there is none.
        pub base_url: String as with_base_url(into),
        /// The upstream's dialect.
        pub dialect: String as with_dialect(into) = String::from(DEFAULT_DIALECT),
        /// Further dialects of the upstream: clients of one of them get it untranslated.
        pub extra_dialects: Vec<String> as with_extra_dialects(list),
        /// How the key is sent.
        pub auth: Auth => AuthLayer as with_auth,
        /// Client headers that are forwarded to the upstream.
        // Features, but not the account.
        pub forward_headers: Vec<String> as with_forward_headers(list) = vec![String::from("openai-beta")],
        /// Its paths, where they differ from the dialect's.
        pub paths: EndpointPaths => PathsLayer as with_paths,
        /// Whether the upstream lists its models.
        pub has_model_list: bool as with_has_model_list = true,
        /// Which parameters it accepts.
        pub params: ParamLayer => ParamLayer as with_params,
        /// Which messages it accepts.
        pub messages: MessageLayer => MessageLayer as with_messages,
        /// Which images, audio and files it accepts, and where.
        pub media: MediaLayer => MediaLayer as with_media,
        /// Which tools, and which choice among them, it accepts.
        pub tools: ToolLayer => ToolLayer as with_tools,
        /// Which response formats it accepts.
        pub response_format: ResponseFormatLayer => ResponseFormatLayer as with_response_format,
        /// How reasoning is requested.
        pub reasoning: ReasoningLayer => ReasoningLayer as with_reasoning,
        /// How it streams.
        pub stream: StreamingLayer => StreamingLayer as with_stream,
        /// Which requests for embeddings it accepts.
        pub embeddings: AuxiliaryLayer => AuxiliaryLayer as with_embeddings,
        /// Which requests for rankings it accepts.
        pub rerank: AuxiliaryLayer => AuxiliaryLayer as with_rerank,
        /// Which requests for speech it accepts.
        pub speech: AuxiliaryLayer => AuxiliaryLayer as with_speech,
        /// Which requests for transcripts it accepts.
        pub transcription: AuxiliaryLayer => AuxiliaryLayer as with_transcription,
        /// Which requests for pictures it accepts.
        pub images: AuxiliaryLayer => AuxiliaryLayer as with_images,
        /// How its responses deviate.
        pub responses: AnswerQuirks => AnswerQuirksLayer as with_responses,
        /// Layers for some models, applied in this order. A layer adds its overrides after those of the layer below.
        pub model_overrides: Vec<ModelOverride> as with_model_override(item),
    }
    layer_only {
        /// The built-in profile that lies below; absent: none does. Its name is taken over, its `hosts` are not.
        pub inherit: String,
    }
}

/// Declares [`ModelOverride`]: each section is a layer, which lies over the profile's own.
macro_rules! model_override {
    ($($(#[$doc:meta])* pub $section:ident: $layer:ty as $setter:ident,)*) => {
        /// A layer for the models whose names match.
        ///
        /// ```
        /// use openai_shim_core::accepts::ParamLayer;
        /// use openai_shim_core::profile::{ModelOverride, ProfileLayer};
        /// let small = ModelOverride::for_models(["*-mini*"]).with_params(ParamLayer::default().with_drop(["top_p"]));
        /// let profile = ProfileLayer::inherit("compatible").with_model_override(small).build()?;
        /// assert!(profile.for_model("gpt-mini").params.drop.is_some());
        /// assert!(profile.for_model("gpt").params.drop.is_none());
        /// # Ok::<(), openai_shim_core::profile::ProfileError>(())
        /// ```
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
            $(
                $(#[$doc])*
                #[serde(skip_serializing_if = "is_unset")]
                pub $section: $layer,
            )*
        }

        impl ModelOverride {
            /// A layer for the models with these names, which sets nothing yet.
            pub fn for_models(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
                Self { matches: names.into_iter().map(Into::into).collect(), ..Self::default() }
            }

            setter! {
                /// Further dialects in which the models are served.
                extra_dialects: Vec<String> as with_extra_dialects(list)
            }
            $(setter! { $(#[$doc])* $section: $layer => $layer as $setter })*

            /// Adds the rules that another override sets; its rules win.
            pub fn merge(&mut self, above: &Self) {
                self.extra_dialects.merge(&above.extra_dialects);
                $(self.$section.merge(&above.$section);)*
            }

            /// Sets the rules of the override in a profile.
            pub(super) fn apply(&self, profile: &mut Profile) {
                Overlay::overlay(&mut profile.extra_dialects, &self.extra_dialects);
                $(Overlay::overlay(&mut profile.$section, &self.$section);)*
            }
        }
    };
}

model_override! {
    /// Which parameters the models accept.
    pub params: ParamLayer as with_params,
    /// Which messages they accept.
    pub messages: MessageLayer as with_messages,
    /// Which images, audio and files they accept, and where.
    pub media: MediaLayer as with_media,
    /// Which tools, and which choice among them, they accept.
    pub tools: ToolLayer as with_tools,
    /// Which response formats they accept.
    pub response_format: ResponseFormatLayer as with_response_format,
    /// How reasoning is requested.
    pub reasoning: ReasoningLayer as with_reasoning,
    /// How they stream.
    pub stream: StreamingLayer as with_stream,
    /// Which requests for embeddings they accept.
    pub embeddings: AuxiliaryLayer as with_embeddings,
    /// Which requests for rankings they accept.
    pub rerank: AuxiliaryLayer as with_rerank,
    /// Which requests for speech they accept.
    pub speech: AuxiliaryLayer as with_speech,
    /// Which requests for transcripts they accept.
    pub transcription: AuxiliaryLayer as with_transcription,
    /// Which requests for pictures they accept.
    pub images: AuxiliaryLayer as with_images,
    /// How their responses deviate.
    pub responses: AnswerQuirksLayer as with_responses,
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
}

impl Rule for Vec<ModelOverride> {
    fn set(&mut self, value: &Self) {
        self.extend_from_slice(value);
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
