//! Rankings: the request, the ranked documents, and the order and number that a response promises.

use super::diagnostic::{DiagnosticCode, Diagnostics};
use crate::json::{Object, ValueKind, encode_string, string_or_json, value_kind};
use std::borrow::Cow;

/// A request to rank documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RerankRequest {
    /// The model by the client's name for it.
    pub model: String,
    /// The raw JSON of the query.
    pub query: String,
    /// The raw JSON of each document; `None` if the request has no list of them.
    pub documents: Option<Vec<String>>,
    /// The fields of documents that are objects, by which they are ranked; none: `text`.
    pub rank_fields: Vec<String>,
    /// The requested number of documents; `None`: all.
    pub top_n: Option<usize>,
    /// Whether the response is to contain the documents, if the client stated it.
    pub return_documents: Option<bool>,
    /// Whether texts that are too long are cut, if the client stated it; otherwise they are errors.
    pub truncate: Option<bool>,
    /// The client requests the model's own scores, which have no bounds.
    pub raw_scores: bool,
    /// Parameters that limit what is read of each document, with their raw values.
    pub document_limits: Vec<(String, String)>,
}

impl RerankRequest {
    /// The number of documents that the response is to have; `None` if the number of documents is not known.
    pub fn expected(&self) -> Option<usize> {
        let all = self.documents.as_ref()?.len();
        Some(self.top_n.map_or(all, |top| top.min(all)))
    }

    /// The text of a document as a raw JSON string.
    ///
    /// # Errors
    /// It is no text; the error is the member that is none, empty for the document itself.
    pub fn text_of<'d>(&self, document: &'d str) -> Result<Cow<'d, str>, &'static str> {
        match self.rank_fields.as_slice() {
            [] => raw_text(document),
            [only] if only == "text" => raw_text(document),
            fields => match value_kind(document) {
                ValueKind::Object => labeled_fields(document, fields).ok_or(""),
                _ => raw_text(document),
            },
        }
    }
}

/// A text, or an object with nothing but a text to read, as a raw JSON string.
///
/// # Errors
/// It is something else; the error is the member that is no text, empty for the value itself.
pub fn raw_text(json: &str) -> Result<Cow<'_, str>, &'static str> {
    if value_kind(json) == ValueKind::String {
        return Ok(Cow::Borrowed(json));
    }
    let object = Object::parse(json.as_bytes()).map_err(|_| "")?;
    if let Some(other) = NO_TEXT.into_iter().find(|key| object.non_null(key).is_some()) {
        return Err(other);
    }
    let text = object.get("text").filter(|text| value_kind(text) == ValueKind::String);
    text.map(|text| Cow::Owned(text.to_owned())).ok_or("text")
}

/// The members of queries and documents that are no text.
const NO_TEXT: [&str; 6] = ["image", "image_url", "audio", "video", "content", "multi_modal"];

/// The fields of a structured document as lines with their names, which is how Cohere recommends to send them as text:
/// <https://docs.cohere.com/docs/rerank-overview>.
fn labeled_fields(document: &str, fields: &[String]) -> Option<Cow<'static, str>> {
    let object = Object::parse(document.as_bytes()).ok()?;
    let lines: Vec<String> = fields
        .iter()
        .filter_map(|field| Some(format!("{field}: {}", string_or_json(object.non_null(field)?))))
        .collect();
    (!lines.is_empty()).then(|| Cow::Owned(encode_string(&lines.join("\n"))))
}

/// A document's place in the request, and its score.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedDocument {
    /// The position of the document in the request.
    pub index: usize,
    /// The score as raw JSON.
    pub score: String,
    /// The score as a number.
    pub relevance: f64,
}

/// A response with ranked documents.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Ranking {
    /// The response's id, if it has one.
    pub id: Option<String>,
    /// The upstream's name for the model, if the response has one.
    pub model: Option<String>,
    /// The documents.
    pub results: Vec<RankedDocument>,
    /// The number of input tokens, if the upstream counted them.
    pub tokens: Option<u64>,
    /// The number of searches that the upstream charges, if it stated one.
    pub search_units: Option<u64>,
}

/// Puts results in the order of their scores, the best first, and cuts them to the requested number. Returns whether that changed
/// them.
pub fn order_results<T>(
    results: &mut Vec<T>,
    document: impl Fn(&T) -> &RankedDocument,
    request: &RerankRequest,
    diagnostics: &mut Diagnostics,
) -> bool {
    let before = results.len();
    let is_sorted = results.is_sorted_by(|a, b| document(a).relevance >= document(b).relevance);
    if !is_sorted {
        results.sort_by(|a, b| document(b).relevance.total_cmp(&document(a).relevance));
        diagnostics.record(DiagnosticCode::RankingRepaired, "results", "sorted by score");
    }
    if let Some(expected) = request.expected() {
        if before > expected {
            results.truncate(expected);
            diagnostics.record(DiagnosticCode::RankingRepaired, "results", "cut to the requested number");
        } else if before < expected {
            let detail = format!("{before} of {expected}");
            diagnostics.record(DiagnosticCode::RankingIncomplete, "results", &detail);
        }
    }
    !is_sorted || results.len() < before
}
