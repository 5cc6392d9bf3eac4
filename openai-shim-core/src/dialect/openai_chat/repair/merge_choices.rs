//! One answer that came as two: its text in one choice, its tool calls in another, though one answer was asked for.

use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::json::{ListItem, Object};

/// The choices of a whole answer put together, if they are parts of one: the answer with that one.
pub(super) fn whole(choices: &[ListItem<'_>], n: u32, diagnostics: &mut Diagnostics) -> Option<String> {
    if choices.len() < 2 || n > 1 {
        return None;
    }
    let message = |choice: &&ListItem<'_>, of: fn(&Object<'_>) -> bool| choice.inner.as_ref().is_some_and(of);
    let mut calling = choices.iter().filter(|choice| message(choice, calls));
    let (caller, None) = (calling.next()?.object.as_ref()?, calling.next()) else { return None };
    let texts = choices.iter().filter(|choice| message(choice, speaks)).count();
    let first = choices.first()?;
    if texts > 1 || choices.iter().any(|choice| choice.object.is_none()) {
        return None;
    }
    let mut merged = first.inner.clone().unwrap_or_default();
    for part in choices.iter().filter_map(|choice| choice.inner.as_ref()) {
        for (key, value) in part.iter() {
            let said = !matches!(value.trim(), "null" | "\"\"" | "[]");
            if said || merged.get(key).is_none() {
                merged.set(key.to_owned(), value.to_owned());
            }
        }
    }
    let mut choice = first.object.clone()?;
    choice.set("message", merged.to_json());
    if let Some(reason) = caller.get("finish_reason") {
        choice.set("finish_reason", reason.to_owned());
    }
    diagnostics.record(DiagnosticCode::ChoicesMerged, "choices", "");
    Some(format!(r#"{{"choices":[{}]}}"#, choice.to_json()))
}

/// Whether a choice of a chunk is a part of the first one: it holds calls, or held some, and one answer was asked for.
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
    let part = merged.len() < 8 && choice.object("delta").is_some_and(|delta| calls(&delta));
    if part {
        merged.push(index);
        diagnostics.record(DiagnosticCode::ChoicesMerged, "choices", "");
    }
    part
}

fn calls(said: &Object<'_>) -> bool {
    said.array("tool_calls").is_some_and(|calls| !calls.is_empty())
}

fn speaks(said: &Object<'_>) -> bool {
    said.str("content").is_some_and(|text| !text.trim().is_empty())
}
