//! A response, or one chunk of a stream, as a JSON object: which fields our model has a place for, what the object is, and a
//! new candidate for it.

use super::json_keys::parse_object;
use crate::json::Object;

/// The fields of a response that our model has a place for.
pub(super) const MAPPED_FIELDS: [&str; 4] = ["candidates", "usageMetadata", "modelVersion", "responseId"];

/// The fields of a candidate that our model has a place for.
pub(super) const MAPPED_CANDIDATE_FIELDS: [&str; 3] = ["index", "content", "finishReason"];

/// The path that diagnostics name for the parts of a response.
pub(super) const PARTS_PATH: &str = "candidates[].content.parts";

/// Whether an object is a response, or a chunk of one.
pub(super) fn is_response(object: &Object<'_>) -> bool {
    ["candidates", "promptFeedback", "usageMetadata"].iter().any(|key| object.non_null(key).is_some())
}

/// Whether Google blocked the prompt.
pub(super) fn is_prompt_blocked(response: &Object<'_>) -> bool {
    let feedback = response.get("promptFeedback").and_then(parse_object);
    feedback.is_some_and(|feedback| feedback.non_null("blockReason").is_some())
}

/// Returns a candidate; `finish_reason` is JSON. A candidate without parts gets an empty text, since clients expect parts.
pub(super) fn new_candidate(parts: &str, index: u32, finish_reason: Option<String>) -> Object<'static> {
    let parts = if parts.is_empty() { r#"{"text":""}"# } else { parts };
    let mut object = Object::new();
    object.set("content", format!(r#"{{"parts":[{parts}],"role":"model"}}"#));
    if let Some(finish_reason) = finish_reason {
        object.set("finishReason", finish_reason);
    }
    object.set("index", index.to_string());
    object
}
