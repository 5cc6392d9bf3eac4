//! What a side accepts in requests to one of its auxiliary APIs: embeddings, rankings.

use crate::overlay::{Rule, rules};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// An API beside generation with rules of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AuxiliaryApi {
    /// Embeddings of texts.
    Embeddings,
    /// Rankings of documents.
    Rerank,
}

impl AuxiliaryApi {
    /// The section of a profile with its rules.
    pub fn section(self) -> &'static str {
        match self {
            Self::Embeddings => "embeddings",
            Self::Rerank => "rerank",
        }
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
    pub struct AuxiliaryRules, AuxiliaryLayer {
        /// Parameters that are dropped.
        pub drop: Vec<String>,
        /// Parameters that are sent under another name.
        pub rename: BTreeMap<String, String>,
        /// Parameters that are sent if the client sent none, with any value.
        pub set: BTreeMap<String, Value>,
        /// The parameter that says what the vectors are for; empty: clients of the same format decide.
        pub input_type: String,
        /// The upstream's words for what vectors are for (`query`, `document`, `similarity`, `classification`, `clustering`,
        /// `question_answering`, `fact_verification`, `code_query`).
        pub input_types: BTreeMap<String, String>,
        /// The most texts or documents of one request; longer lists are sent in several requests.
        pub max_items: Option<u32>,
        /// Of rankings: the form in which the upstream takes them.
        pub format: RerankFormat,
        /// Of rankings: the path; empty: `/rerank`. `/..` at the beginning leads one segment above the base URL.
        pub path: String,
    }
}
