//! The forms of rankings as a table: what each calls its members, and what it promises.
//!
//! Cohere: <https://docs.cohere.com/reference/rerank>, <https://docs.cohere.com/v1/reference/rerank>. Jina:
//! <https://api.jina.ai/redoc#tag/rerank>. Text Embeddings Inference:
//! <https://github.com/huggingface/text-embeddings-inference/blob/main/router/src/http/types.rs>. Voyage:
//! <https://docs.voyageai.com/reference/reranker-api>.

use super::super::shape::Type::{Bool, List, Map, Natural, Text};
use super::super::shape::{Member, Shape, refuse, refuse_structure, shape, warn};
use crate::accepts::RerankFormat;

/// How one API writes rankings.
#[derive(Debug)]
pub struct RerankForm {
    /// Which API.
    pub format: RerankFormat,
    /// The known fields of a request.
    pub(super) shape: &'static Shape,
    /// The member with the documents.
    pub(super) documents: &'static str,
    /// The parameter for the number of results.
    pub(super) top: Option<&'static str>,
    /// The parameter for documents in the response.
    pub(super) return_documents: Option<&'static str>,
    /// Whether they are in it if the parameter is missing.
    pub(super) returns_documents: bool,
    /// The parameter for cutting long texts.
    pub(super) truncate: Option<&'static str>,
    /// Whether they are cut if the parameter is missing.
    pub(super) truncates: bool,
    /// The parameter for the model's own scores.
    pub(super) raw_scores: Option<&'static str>,
    /// The parameters that limit what is read of each document.
    pub(super) document_limits: &'static [&'static str],
    /// Whether requests name a model.
    pub(super) names_model: bool,
    /// The member of a response with the results; `None`: the response is their list.
    pub(super) results: Option<&'static str>,
    /// The member of a result with its score.
    pub(super) score: &'static str,
    /// The document in a result.
    pub(super) document: DocumentForm,
    /// Whether scores are from 0 to 1.
    pub(super) scores_are_bounded: bool,
    /// Whether clients cannot do without usage.
    pub(super) requires_usage: bool,
    /// The version in `meta`, if responses have that in place of the model and usage.
    pub(super) api_version: Option<&'static str>,
    /// The envelope of errors.
    pub(super) error: ErrorForm,
}

/// How a result has its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DocumentForm {
    /// `"document": {"text": "…"}`; an object stays as the client sent it.
    Object,
    /// `"document": "…"`
    Text,
    /// `"text": "…"`
    Inline,
}

impl DocumentForm {
    /// The member of a result.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Object | Self::Text => "document",
            Self::Inline => "text",
        }
    }
}

/// How errors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorForm {
    /// `{"detail": "…"}`
    Detail,
    /// `{"message": "…"}`
    Message,
    /// `{"error": "…", "error_type": "…"}`
    ErrorType,
}

/// Parameters that limit what is read of each document: of Cohere's first and second version, and of SiliconFlow
/// (<https://docs.siliconflow.cn/en/api-reference/rerank/create-rerank>), whose form is Jina's.
const DOCUMENT_LIMITS: &[&str] = &["max_chunks_per_doc", "max_tokens_per_doc", "overlap_tokens"];

const JINA: RerankForm = RerankForm {
    format: RerankFormat::Jina,
    shape: &JINA_REQUEST,
    documents: "documents",
    top: Some("top_n"),
    return_documents: Some("return_documents"),
    returns_documents: true,
    truncate: None,
    truncates: true,
    raw_scores: None,
    document_limits: DOCUMENT_LIMITS,
    names_model: true,
    results: Some("results"),
    score: "relevance_score",
    document: DocumentForm::Object,
    // Jina's third version scores by cosine, which may be negative: <https://huggingface.co/jinaai/jina-reranker-v3>.
    scores_are_bounded: false,
    requires_usage: false,
    api_version: None,
    error: ErrorForm::Detail,
};

const COHERE: RerankForm = RerankForm {
    format: RerankFormat::Cohere,
    shape: &COHERE_REQUEST,
    return_documents: None,
    returns_documents: false,
    document_limits: &["max_tokens_per_doc"],
    scores_are_bounded: true,
    api_version: Some("2"),
    error: ErrorForm::Message,
    ..JINA
};

const COHERE_V1: RerankForm = RerankForm {
    format: RerankFormat::CohereV1,
    return_documents: Some("return_documents"),
    document_limits: &["max_chunks_per_doc"],
    api_version: Some("1"),
    ..COHERE
};

const TEI: RerankForm = RerankForm {
    format: RerankFormat::Tei,
    shape: &TEI_REQUEST,
    documents: "texts",
    top: None,
    return_documents: Some("return_text"),
    returns_documents: false,
    truncate: Some("truncate"),
    truncates: false,
    raw_scores: Some("raw_scores"),
    document_limits: &[],
    names_model: false,
    results: None,
    score: "score",
    document: DocumentForm::Inline,
    scores_are_bounded: true,
    requires_usage: false,
    api_version: None,
    error: ErrorForm::ErrorType,
};

const VOYAGE: RerankForm = RerankForm {
    format: RerankFormat::Voyage,
    shape: &VOYAGE_REQUEST,
    top: Some("top_k"),
    returns_documents: false,
    truncate: Some("truncation"),
    document_limits: &[],
    results: Some("data"),
    document: DocumentForm::Text,
    // Its SDK reads `usage.total_tokens`.
    requires_usage: true,
    ..JINA
};

/// All forms, the most common one first.
static FORMS: [RerankForm; 5] = [JINA, COHERE, COHERE_V1, TEI, VOYAGE];

/// Returns the form of an API; `None` for an upstream without one.
pub fn rerank_form(format: RerankFormat) -> Option<&'static RerankForm> {
    FORMS.iter().find(|form| form.format == format)
}

/// Returns the most common form.
pub(super) fn default_form() -> &'static RerankForm {
    let [first, ..] = &FORMS;
    first
}

impl RerankForm {
    /// The parameters that several forms have, by the names of this one, in one order.
    pub(super) fn params(&self) -> [Option<&'static str>; 5] {
        [Some(self.documents), self.top, self.return_documents, self.truncate, self.raw_scores]
    }

    /// The name of a parameter in this form by its name in another one.
    pub fn param_of(&self, other: &Self, name: &str) -> Option<&'static str> {
        let at = other.params().iter().position(|param| *param == Some(name))?;
        self.params().get(at).copied().flatten()
    }

    /// The member of a request with the list of documents.
    pub fn list_field(&self) -> &'static str {
        self.documents
    }

    /// The member of a request with the number of results.
    pub fn top_field(&self) -> Option<&'static str> {
        self.top
    }
}

static JINA_REQUEST: Shape = shape("requests", &JINA_FIELDS);
static JINA_FIELDS: [Member; 8] = [
    refuse("model", &[Text]),
    refuse("query", &[Text, Map]),
    refuse("documents", &[Text, Map, List(&[Text, Map])]),
    refuse_structure("top_n", &[Natural]),
    warn("return_documents", &[Bool]),
    warn("max_chunks_per_doc", &[Natural]),
    warn("max_tokens_per_doc", &[Natural]),
    warn("overlap_tokens", &[Natural]),
];

static COHERE_REQUEST: Shape = shape("requests", &COHERE_FIELDS);
static COHERE_FIELDS: [Member; 9] = [
    refuse("model", &[Text]),
    refuse("query", &[Text]),
    refuse("documents", &[List(&[Text, Map])]),
    refuse_structure("top_n", &[Natural]),
    warn("return_documents", &[Bool]),
    refuse("rank_fields", &[List(&[Text])]),
    warn("max_chunks_per_doc", &[Natural]),
    warn("max_tokens_per_doc", &[Natural]),
    warn("priority", &[Natural]),
];

static TEI_REQUEST: Shape = shape("requests", &TEI_FIELDS);
static TEI_FIELDS: [Member; 7] = [
    refuse("model", &[Text]),
    refuse("query", &[Text]),
    refuse("texts", &[List(&[Text])]),
    warn("return_text", &[Bool]),
    warn("truncate", &[Bool]),
    warn("truncation_direction", &[Text]),
    warn("raw_scores", &[Bool]),
];

static VOYAGE_REQUEST: Shape = shape("requests", &VOYAGE_FIELDS);
static VOYAGE_FIELDS: [Member; 6] = [
    refuse("model", &[Text]),
    refuse("query", &[Text]),
    refuse("documents", &[List(&[Text])]),
    refuse_structure("top_k", &[Natural]),
    warn("return_documents", &[Bool]),
    warn("truncation", &[Bool]),
];
