//! A chunk without the calls that a chunk before it has told: some servers send a call again with the last chunk.

use super::json_keys::parse_object;
use crate::canonical::{Diagnostics, ReportedCalls};
use crate::json::{Object, encode_array};
use std::collections::BTreeMap;

/// The calls of one answer, by the index of their candidate.
#[derive(Default)]
pub(super) struct RepeatedCalls(BTreeMap<u64, ReportedCalls>);

impl RepeatedCalls {
    /// Returns a chunk, or a response, without repeated calls; `None` if it has none.
    pub(super) fn drop_from(&mut self, chunk: &str, diagnostics: &mut Diagnostics) -> Option<String> {
        if !has_calls(chunk) {
            return None;
        }
        let mut chunk = parse_object(chunk)?;
        let (mut candidates, mut has_repeated) = (Vec::new(), false);
        for (i, json) in (0..).zip(chunk.array("candidates")?) {
            let shortened = self.drop_from_candidate(json, i, diagnostics);
            has_repeated |= shortened.is_some();
            candidates.push(shortened.unwrap_or_else(|| json.to_owned()));
        }
        if !has_repeated {
            return None;
        }
        chunk.set("candidates", encode_array(&candidates));
        Some(chunk.to_json())
    }

    fn drop_from_candidate(&mut self, json: &str, i: u64, diagnostics: &mut Diagnostics) -> Option<String> {
        let mut candidate = parse_object(json)?;
        let mut content = candidate.get("content").and_then(parse_object)?.into_owned();
        let reported = self.0.entry(candidate.u64("index").unwrap_or(i)).or_default();
        let parts = content.array("parts")?;
        let all = parts.len();
        let new: Vec<String> = parts
            .into_iter()
            .filter(|part| !is_repeated(part, reported, diagnostics))
            .map(str::to_owned)
            .collect();
        if new.len() == all {
            return None;
        }
        content.set("parts", encode_array(&new));
        candidate.set("content", content.to_json());
        Some(candidate.to_json())
    }
}

/// Whether a part is a whole call that was told before. A call in several parts is none: its parts may be equal.
fn is_repeated(part: &str, reported: &mut ReportedCalls, diagnostics: &mut Diagnostics) -> bool {
    let part = parse_object(part).unwrap_or_default();
    let Some(call) = part.get("functionCall").and_then(parse_object) else { return false };
    let text = |key: &str| Object::str(&call, key).unwrap_or_default();
    let (id, name, arguments) = (text("id"), text("name"), call.get("args").unwrap_or_default());
    let is_whole = call.get("partialArgs").is_none() && !call.bool("willContinue").unwrap_or(false);
    let path = "candidates[].content.parts[].functionCall";
    is_whole && !name.is_empty() && reported.is_repeated([&id, &name, arguments.trim()], path, diagnostics)
}

/// Whether a chunk may have a call, by a key of its.
fn has_calls(chunk: &str) -> bool {
    memchr::memmem::find_iter(chunk.as_bytes(), "\"function").any(|at| {
        let key = chunk.get(at + "\"function".len()..).unwrap_or_default();
        key.starts_with("Call\"") || key.starts_with("_call\"")
    })
}
