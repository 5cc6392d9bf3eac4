//! The `args` of calls in a response: JSON text in a string to the object in it.

use super::json_keys::parse_object;
use crate::canonical::{DiagnosticCode, Diagnostics, unwrap_encoded_twice};
use crate::json::encode_array;

/// Returns a response, or a chunk of one, in which every `args` is an object; `None` if nothing is to be changed.
pub(super) fn with_argument_objects(response: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    if !has_text_arguments(response) {
        return None;
    }
    let mut response = parse_object(response)?.into_owned();
    let mut candidates = Vec::new();
    for candidate in response.array("candidates")? {
        let candidate = with_content(candidate, diagnostics);
        candidates.push(candidate);
    }
    response.set("candidates", encode_array(&candidates));
    Some(response.to_json())
}

/// Whether any `args` may be a string.
fn has_text_arguments(response: &str) -> bool {
    memchr::memmem::find_iter(response.as_bytes(), "\"args\"").any(|at| {
        let value = response.get(at + "\"args\"".len()..).unwrap_or_default().trim_start();
        value.strip_prefix(':').is_some_and(|value| value.trim_start().starts_with('"'))
    })
}

fn with_content(json: &str, diagnostics: &mut Diagnostics) -> String {
    let Some(mut candidate) = parse_object(json) else { return json.to_owned() };
    let Some(mut content) = candidate.get("content").and_then(parse_object) else { return json.to_owned() };
    let Some(parts) = content.array("parts") else { return json.to_owned() };
    let parts: Vec<String> = parts.into_iter().map(|part| with_object(part, diagnostics)).collect();
    content.set("parts", encode_array(&parts));
    let content = content.to_json();
    candidate.set("content", content);
    candidate.to_json()
}

fn with_object(json: &str, diagnostics: &mut Diagnostics) -> String {
    let Some(mut part) = parse_object(json) else { return json.to_owned() };
    let Some(mut call) = part.get("functionCall").and_then(parse_object) else { return json.to_owned() };
    let Some(object) = call.get("args").and_then(unwrap_encoded_twice) else { return json.to_owned() };
    let path = "candidates[].content.parts[].functionCall.args";
    diagnostics.record(DiagnosticCode::ToolArgumentsShaped, path, "");
    call.set("args", object);
    let call = call.to_json();
    part.set("functionCall", call);
    part.to_json()
}
