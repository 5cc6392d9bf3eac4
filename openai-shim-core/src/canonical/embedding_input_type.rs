//! What embeddings are for: each vendor's word for it to one of ours, and back by the rules of a profile.

/// What the vectors of a request are for. Models that distinguish it embed the same text differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmbeddingInputType {
    /// The inputs are queries of a search.
    Query,
    /// The inputs are documents that queries search.
    Document,
    /// The inputs are compared with each other.
    Similarity,
    /// The inputs are sorted into known classes.
    Classification,
    /// The inputs are grouped.
    Clustering,
    /// The inputs are questions.
    QuestionAnswering,
    /// The inputs are statements to verify.
    FactVerification,
    /// The inputs are descriptions of code to find.
    CodeQuery,
}

/// The types with their name in profiles, Google's name (<https://ai.google.dev/api/embeddings>), and the names of other vendors:
/// Cohere's (<https://docs.cohere.com/reference/embed>), Voyage's (<https://docs.voyageai.com/reference/embeddings-api>), NVIDIA's
/// (<https://github.com/diegosouzapw/OmniRoute/pull/4341>) and Jina's (<https://jina.ai/embeddings/>). Hyphens and dots are written
/// as underscores.
const NAMES: [(EmbeddingInputType, &str, &str, &[&str]); 8] = [
    (EmbeddingInputType::Query, "query", "RETRIEVAL_QUERY", &["search_query"]),
    (
        EmbeddingInputType::Document,
        "document",
        "RETRIEVAL_DOCUMENT",
        &["search_document", "passage", "retrieval_passage"],
    ),
    (EmbeddingInputType::Similarity, "similarity", "SEMANTIC_SIMILARITY", &["text_matching"]),
    (EmbeddingInputType::Classification, "classification", "CLASSIFICATION", &[]),
    (EmbeddingInputType::Clustering, "clustering", "CLUSTERING", &["separation"]),
    (EmbeddingInputType::QuestionAnswering, "question_answering", "QUESTION_ANSWERING", &[]),
    (EmbeddingInputType::FactVerification, "fact_verification", "FACT_VERIFICATION", &[]),
    (EmbeddingInputType::CodeQuery, "code_query", "CODE_RETRIEVAL_QUERY", &["nl2code_query"]),
];

impl EmbeddingInputType {
    /// Reads any vendor's word.
    ///
    /// ```
    /// use openai_shim_core::canonical::EmbeddingInputType;
    /// for word in ["query", "search_query", "retrieval.query", "RETRIEVAL_QUERY"] {
    ///     assert_eq!(EmbeddingInputType::parse(word), Some(EmbeddingInputType::Query));
    /// }
    /// assert_eq!(EmbeddingInputType::parse("image"), None);
    /// ```
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.replace(['-', '.'], "_").to_ascii_lowercase();
        let fits = |names: &(Self, &str, &str, &[&str])| {
            names.1 == word || names.2.eq_ignore_ascii_case(&word) || names.3.contains(&word.as_str())
        };
        NAMES.iter().find(|names| fits(names)).map(|names| names.0)
    }

    /// The name in profiles.
    pub fn as_str(self) -> &'static str {
        self.names().1
    }

    /// Google's name.
    pub fn google_name(self) -> &'static str {
        self.names().2
    }

    fn names(self) -> (Self, &'static str, &'static str, &'static [&'static str]) {
        NAMES.into_iter().find(|names| names.0 == self).unwrap_or((self, "", "", &[]))
    }
}
