//! One response that came as two choices: text in one and tool calls in another in, one choice out.

use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::json::{ListItem, Object};

/// The most choices of a stream that are parts of the first one.
const MAX_PARTS: usize = 8;

/// Merges the choices of a non-streaming response where one was requested, one has tool calls, and at most one has text.
/// Returns an object with the merged choice as its `choices`.
pub(super) fn merge(choices: &[ListItem<'_>], n: u32, diagnostics: &mut Diagnostics) -> Option<String> {
    if choices.len() < 2 || n > 1 {
        return None;
    }
    let message = |choice: &&ListItem<'_>, of: fn(&Object<'_>) -> bool| choice.inner.as_ref().is_some_and(of);
    let mut with_calls = choices.iter().filter(|choice| message(choice, has_calls));
    let (with_calls, None) = (with_calls.next()?.object.as_ref()?, with_calls.next()) else { return None };
    let texts = choices.iter().filter(|choice| message(choice, has_text)).count();
    let first = choices.first()?;
    if texts > 1 || choices.iter().any(|choice| choice.object.is_none()) {
        return None;
    }
    let mut merged = first.inner.clone().unwrap_or_default();
    for part in choices.iter().filter_map(|choice| choice.inner.as_ref()) {
        for (key, value) in part.iter() {
            let is_set = !matches!(value.trim(), "null" | "\"\"" | "[]");
            if is_set || merged.get(key).is_none() {
                merged.set(key.to_owned(), value.to_owned());
            }
        }
    }
    let mut choice = first.object.clone()?;
    choice.set("message", merged.to_json());
    if let Some(reason) = with_calls.get("finish_reason") {
        choice.set("finish_reason", reason.to_owned());
    }
    diagnostics.record(DiagnosticCode::ChoicesMerged, "choices", "");
    Some(format!(r#"{{"choices":[{}]}}"#, choice.to_json()))
}

/// Whether a chunk's choice is a part of the first one: one was requested, and this one has tool calls or had some, as
/// `merged` states.
pub(super) fn is_part(
    index: u64,
    choice: &Object<'_>,
    n: u32,
    merged: &mut Vec<u64>,
    diagnostics: &mut Diagnostics,
) -> bool {
    if index == 0 || n > 1 {
        return false;
    }
    if merged.contains(&index) {
        return true;
    }
    let is_part = merged.len() < MAX_PARTS && choice.object("delta").is_some_and(|delta| has_calls(&delta));
    if is_part {
        merged.push(index);
        diagnostics.record(DiagnosticCode::ChoicesMerged, "choices", "");
    }
    is_part
}

fn has_calls(message: &Object<'_>) -> bool {
    message.array("tool_calls").is_some_and(|calls| !calls.is_empty())
}

fn has_text(message: &Object<'_>) -> bool {
    message.str("content").is_some_and(|text| !text.trim().is_empty())
}
