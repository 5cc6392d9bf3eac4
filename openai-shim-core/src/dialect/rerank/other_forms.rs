//! Rankings that no client asks for by their form, rewritten as lists of results that every form can be made of.
//!
//! NVIDIA: `{"rankings": [{"index", "logit"}]}`; Alibaba: `{"output": {"results": […]}}`; Bedrock: `relevanceScore`; DeepInfra:
//! `{"scores": [0.1, 0.9]}`.
//!
//! <https://docs.api.nvidia.com/nim/reference/nvidia-nv-rerankqa-mistral-4b-v3-infer>,
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_RerankResult.html>

use crate::canonical::RerankRequest;
use crate::json::{Object, ValueKind, encode_array, items, number, value_kind};

/// The members that may have the list, or an object with it.
const LISTS: [&str; 6] = ["results", "rankings", "scores", "data", "output", "result"];

/// The names of scores; the first one is what the others become.
const SCORES: [&str; 4] = ["relevance_score", "score", "relevanceScore", "logit"];

/// How deep a list may be in objects.
const MAX_NESTED_LISTS: usize = 2;

/// Rewrites a ranking in one of these forms; `None` if it is in none.
pub(super) fn with_results(body: &[u8], request: &RerankRequest) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    let mut object = Object::parse(body).unwrap_or_default();
    let (member, list) = find_list(text, MAX_NESTED_LISTS)?;
    let results = items(list)?;
    let documents = request.documents.as_ref().map_or(0, Vec::len);
    let results: Option<Vec<_>> =
        results.iter().enumerate().map(|(at, item)| result(item, at, results.len() == documents)).collect();
    let results = results.filter(|results| !results.is_empty())?;
    if let Some(member) = member {
        object.remove(member);
    }
    object.set("results", encode_array(&results));
    Some(object.to_json().into_bytes())
}

/// The list, and the member of the outermost object that has it.
fn find_list(json: &str, depth: usize) -> Option<(Option<&'static str>, &str)> {
    match value_kind(json) {
        ValueKind::Array => Some((None, json)),
        ValueKind::Object if depth > 0 => {
            let object = Object::parse(json.as_bytes()).ok()?;
            LISTS
                .into_iter()
                .find_map(|key| Some((Some(key), find_list(object.original(key)?, depth - 1)?.1)))
        }
        _ => None,
    }
}

/// A bare score is that of the document at its place, if each document has one.
fn result(item: &str, at: usize, has_all: bool) -> Option<String> {
    let mut result = Object::parse(item.as_bytes()).unwrap_or_default();
    if value_kind(item) == ValueKind::Number {
        number(item).filter(|_| has_all)?;
        result.set("index", at.to_string());
        result.set("relevance_score", item.trim());
        return Some(result.to_json());
    }
    let name = SCORES.into_iter().find(|name| result.non_null(name).is_some())?;
    if let Some(score) = result.original(name).filter(|_| name != "relevance_score") {
        result.remove(name);
        result.set("relevance_score", score);
    }
    Some(result.to_json())
}
