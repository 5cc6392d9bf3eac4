//! What a side accepts, as data: one struct of rules for each section; a user writes the same keys in TOML.
//!
//! Rules are set in layers. The default of every rule changes nothing in a request. Over it lie what the dialect's own vendor
//! accepts, the profile, its overrides for a model, and what was learned from errors. The code that makes a request acceptable
//! reads only the result, [`Accepts`]. A layer is built by its setters:
//!
//! ```
//! use openai_shim_core::accepts::{
//!     AnyOfSiblings, FormatBesideTools, MessageLayer, MessageNamePolicy, ObjectSupport, PrefillPolicy, PropertyNameFormat,
//!     ReasoningAmount, ReasoningDefault, ReasoningHistory, ReasoningLayer, ReasoningVisibility, ResponseFormatLayer, SchemaLayer,
//!     SystemPosition, ToolCallContent, ToolCallIdFormat, ToolLayer, ToolNameFormat, ToolPairing, UnsignedReasoning,
//! };
//! use openai_shim_core::profile::ProfileLayer;
//!
//! let messages = MessageLayer::default()
//!     .with_name_field(MessageNamePolicy::Drop)
//!     .with_prefill(PrefillPolicy::Continue)
//!     .with_reasoning_history(ReasoningHistory::Drop)
//!     .with_system_position(SystemPosition::Front)
//!     .with_tool_call_content(ToolCallContent::Empty)
//!     .with_tool_call_ids(ToolCallIdFormat::Max40)
//!     .with_tool_pairing(ToolPairing::Adjacent)
//!     .with_unsigned_reasoning(UnsignedReasoning::Drop);
//! let schema = SchemaLayer::default().with_any_of_siblings(AnyOfSiblings::NoType).with_objects(ObjectSupport::Closed);
//! let tools = ToolLayer::default()
//!     .with_names(ToolNameFormat::Word64)
//!     .with_property_names(PropertyNameFormat::Dotted64)
//!     .with_schema(schema);
//! let reasoning = ReasoningLayer::default()
//!     .with_amount(ReasoningAmount::Effort)
//!     .with_default(ReasoningDefault::On)
//!     .with_display(ReasoningVisibility::Never);
//! let profile = ProfileLayer::inherit("vllm")
//!     .with_messages(messages)
//!     .with_tools(tools)
//!     .with_reasoning(reasoning)
//!     .with_response_format(ResponseFormatLayer::default().with_beside_tools(FormatBesideTools::Nothing))
//!     .build()?;
//! assert_eq!(profile.messages.prefill, Some(PrefillPolicy::Continue));
//! # Ok::<(), openai_shim_core::profile::ProfileError>(())
//! ```

pub use crate::overlay::SharedList;
use crate::overlay::rules;

/// An enum of keywords in snake case, the first of which is the default.
macro_rules! keywords {
    (
        $(#[$doc:meta])*
        $name:ident { $first:ident $first_doc:literal, $($keyword:ident $(= $spelling:literal)? $keyword_doc:literal,)* }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum $name {
            #[doc = $first_doc]
            #[default]
            $first,
            $(#[doc = $keyword_doc] $(#[serde(rename = $spelling)])? $keyword,)*
        }

        impl Rule for $name {}
    };
}

mod auxiliary;
pub(crate) mod literals;
mod media;
mod messages;
mod params;
mod reasoning;
mod response_format;
mod schema;
mod streaming;
mod tools;

pub use crate::canonical::{ReasoningField, ReasoningParam};
pub(crate) use auxiliary::aspect_ratio;
pub use auxiliary::{AuxiliaryLayer, RerankFormat};
pub use media::MediaLayer;
pub use messages::{
    ContentType, MessageLayer, MessageNamePolicy, PrefillPolicy, ReasoningHistory, SystemPosition,
    ToolCallContent, ToolCallIdFormat, ToolPairing, UnsignedReasoning,
};
pub use params::ParamLayer;
pub use reasoning::{ReasoningAmount, ReasoningDefault, ReasoningLayer, ReasoningVisibility};
pub use response_format::{FormatBesideTools, ResponseFormatLayer, ResponseFormatSupport};
pub use schema::{AnyOfSiblings, ObjectSupport, RefSupport, SchemaLayer};
pub use streaming::StreamingLayer;
pub use tools::{PropertyNameFormat, ToolChoiceSupport, ToolLayer, ToolNameFormat};

internals! {
    use auxiliary::{AuxiliaryApi, AuxiliaryRules};
    use media::{MEDIA_SOURCES, MODALITIES, MediaRules};
    use messages::{MessageRules, REQUEST_NONCE};
    use params::ParamRules;
    use reasoning::ReasoningRules;
    use response_format::ResponseFormatRules;
    use schema::SchemaRules;
    use streaming::StreamingSupport;
    use tools::ToolRules;
}

rules! {
    /// What one upstream accepts in one dialect, for one model.
    ///
    /// ```
    /// let dialect = openai_shim_core::dialect("openai-chat").unwrap();
    /// let accepts = openai_shim_core::profile("openai")?.for_model("o3-mini").accepts(dialect.accepts());
    /// assert!(accepts.params.drop.iter().any(|name| name == "temperature"));
    /// # Ok::<(), openai_shim_core::profile::ProfileError>(())
    /// ```
    pub struct Accepts,
    ///
    /// ```
    /// use openai_shim_core::accepts::{Accepts, AcceptsLayer, ParamLayer};
    /// let mut accepts = Accepts::default();
    /// accepts.overlay(&AcceptsLayer::default().with_params(ParamLayer::default().with_drop(["seed"])));
    /// assert_eq!(accepts.params.drop, ["seed"]);
    /// ```
    AcceptsLayer {
        /// Which parameters.
        pub params: ParamRules => ParamLayer as with_params,
        /// Which messages.
        pub messages: MessageRules => MessageLayer as with_messages,
        /// Which images, audio and files, and where.
        pub media: MediaRules => MediaLayer as with_media,
        /// Which tools, and which choice among them.
        pub tools: ToolRules => ToolLayer as with_tools,
        /// Which response formats.
        pub response_format: ResponseFormatRules => ResponseFormatLayer as with_response_format,
        /// How reasoning is requested.
        pub reasoning: ReasoningRules => ReasoningLayer as with_reasoning,
        /// How it streams.
        pub stream: StreamingSupport => StreamingLayer as with_stream,
        /// Which requests for embeddings.
        pub embeddings: AuxiliaryRules => AuxiliaryLayer as with_embeddings,
        /// Which requests for rankings.
        pub rerank: AuxiliaryRules => AuxiliaryLayer as with_rerank,
        /// Which requests for speech.
        pub speech: AuxiliaryRules => AuxiliaryLayer as with_speech,
        /// Which requests for transcripts.
        pub transcription: AuxiliaryRules => AuxiliaryLayer as with_transcription,
        /// Which requests for pictures.
        pub images: AuxiliaryRules => AuxiliaryLayer as with_images,
    }
}

impl Accepts {
    /// The rules of an auxiliary API.
    pub fn auxiliary(&self, api: AuxiliaryApi) -> &AuxiliaryRules {
        match api {
            AuxiliaryApi::Embeddings => &self.embeddings,
            AuxiliaryApi::Rerank => &self.rerank,
            AuxiliaryApi::Speech => &self.speech,
            AuxiliaryApi::Transcription => &self.transcription,
            AuxiliaryApi::Images => &self.images,
        }
    }
}
