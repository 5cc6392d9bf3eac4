//! [`RequestKind`]: what a request is for.

/// What a request is for.
///
/// ```
/// use openai_shim_core::exchange::{RequestInfo, RequestKind};
/// fn is_chat(info: &RequestInfo) -> bool {
///     info.kind() == RequestKind::Generation
/// }
/// ```
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
