//! What a side accepts in requests to one of its auxiliary APIs: embeddings, rankings, speech, transcripts, pictures.

use crate::overlay::{Rule, SharedList, rules};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// An API beside generation with rules of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuxiliaryApi {
    /// Embeddings of texts.
    Embeddings,
    /// Rankings of documents.
    Rerank,
    /// Speech from text.
    Speech,
    /// Transcripts and translations of speech.
    Transcription,
    /// Pictures.
    Images,
}

impl AuxiliaryApi {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Embeddings, Self::Rerank, Self::Speech, Self::Transcription, Self::Images];

    /// The section of a profile with its rules.
    pub fn section(self) -> &'static str {
        match self {
            Self::Embeddings => "embeddings",
            Self::Rerank => "rerank",
            Self::Speech => "speech",
            Self::Transcription => "transcription",
            Self::Images => "images",
        }
    }

    /// The rules, besides those about parameters, that have a meaning for the API.
    pub fn own_rules(self) -> &'static [&'static str] {
        match self {
            Self::Embeddings => &["input_type", "input_types", "max_items"],
            Self::Rerank => &["max_items", "format", "path"],
            Self::Speech => &["voices", "formats"],
            Self::Transcription => &["formats"],
            Self::Images => &["max_items", "formats", "aspect_ratios", "resolutions", "predict"],
        }
    }
}

/// Reads a ratio of two numbers (`16:9`).
pub(crate) fn aspect_ratio(ratio: &str) -> Option<(u64, u64)> {
    let (width, height) = ratio.split_once(':')?;
    let side = |text: &str| text.parse::<u64>().ok().filter(|side| (1..=1000).contains(side));
    Some((side(width)?, side(height)?))
}

impl AuxiliaryRules {
    /// The rules, besides those about parameters, that differ from the default.
    pub(crate) fn changed(&self) -> Vec<&'static str> {
        let rules = [
            ("input_type", !self.input_type.is_empty()),
            ("input_types", !self.input_types.is_empty()),
            ("max_items", self.max_items.is_some()),
            ("format", self.format != RerankFormat::default()),
            ("path", !self.path.is_empty()),
            ("voices", !self.voices.is_empty()),
            ("formats", !self.formats.is_empty()),
            ("aspect_ratios", !self.aspect_ratios.is_empty()),
            ("resolutions", !self.resolutions.is_empty()),
            ("predict", self.predict),
        ];
        rules.into_iter().filter_map(|(name, is_changed)| is_changed.then_some(name)).collect()
    }
}

keywords! {
    /// The form of an API that ranks documents.
    RerankFormat {
        Jina "`documents` in, `results` with `relevance_score` out, as Jina, vLLM, llama.cpp and most others have it.",
        Cohere "Cohere's second version: texts only, and no documents in the answer.",
        CohereV1 "Cohere's first version.",
        Tei "`texts` in, a bare list with `score` out, as Text Embeddings Inference has it.",
        Voyage "`top_k` in, `data` out, as Voyage has it.",
        None "The upstream ranks no documents.",
    }
}

rules! {
    /// Which requests an upstream accepts at one of its auxiliary APIs. Parameters have their names on the wire; a dot leads
    /// into an object or the items of a list (`requests.outputDimensionality`).
    pub struct AuxiliaryRules,
    ///
    /// ```
    /// use openai_shim_core::accepts::{AuxiliaryLayer, RerankFormat};
    /// use openai_shim_core::profile::ProfileLayer;
    /// let profile = ProfileLayer::inherit("vllm")
    ///     .with_embeddings(AuxiliaryLayer::default().with_max_items(100))
    ///     .with_rerank(AuxiliaryLayer::default().with_format(RerankFormat::Tei).with_path("/../rerank"))
    ///     .build()?;
    /// assert_eq!(profile.embeddings.max_items, Some(Some(100)));
    /// # Ok::<(), openai_shim_core::profile::ProfileError>(())
    /// ```
    AuxiliaryLayer {
        /// Parameters that are dropped.
        pub drop: Vec<String> as with_drop(list),
        /// Parameters that are sent under another name.
        pub rename: BTreeMap<String, String> as with_rename(text),
        /// Parameters that are sent if the client sent none, with any value.
        pub set: BTreeMap<String, Value> as with_set(json),
        /// The parameter that says what the vectors are for; empty: clients of the same format decide.
        pub input_type: String as with_input_type(into),
        /// The upstream's words for what vectors are for (`query`, `document`, `similarity`, `classification`, `clustering`,
        /// `question_answering`, `fact_verification`, `code_query`).
        pub input_types: BTreeMap<String, String> as with_input_types(text),
        /// The most texts, documents or pictures of one request; more are sent, or requested, in several requests.
        pub max_items: Option<u32> as with_max_items(into),
        /// Of rankings: the form in which the upstream takes them.
        pub format: RerankFormat as with_format,
        /// Of rankings: the path; empty: `/rerank`. `/..` at the beginning leads one segment above the base URL.
        pub path: String as with_path(into),
        /// The upstream's voices by the client's names for them, where the upstream's API is another one.
        pub voices: BTreeMap<String, String> as with_voice(text),
        /// The formats that a client of another API can choose, by OpenAI's names (`wav`, `json`, `png`); the first one is the
        /// default.
        pub formats: SharedList as with_formats(list),
        /// The aspect ratios of pictures, where the upstream takes ratios and no sizes (`16:9`).
        pub aspect_ratios: SharedList as with_aspect_ratios(list),
        /// The resolutions of pictures, the default first (`1K`, `2K`, `4K`).
        pub resolutions: SharedList as with_resolutions(list),
        /// Whether pictures are requested by the method `predict` and not by `generateContent`, where the upstream is Google's.
        pub predict: bool as with_predict,
    }
}
