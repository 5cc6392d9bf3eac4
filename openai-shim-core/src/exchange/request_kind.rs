//! [`RequestKind`]: what a request is for.

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestKind {
    /// A response of a model.
    Generation,
    /// The number of tokens of such a request.
    TokenCount,
    /// Embeddings of texts.
    Embeddings,
    /// A ranking of documents.
    Ranking,
}
