//! One answer that came as two: its text in one choice, its tool calls in another, though one answer was asked for.

use crate::canonical::{Code, Diagnostics};
use crate::json::Object;

/// Puts the choices of a whole answer together, if they are parts of one; else they stay as they are.
pub(super) fn whole(choices: Vec<String>, n: u32, notes: &mut Diagnostics) -> Vec<String> {
    if choices.len() < 2 || n > 1 {
        return choices;
    }
    let parsed: Vec<Object<'_>> =
        choices.iter().filter_map(|choice| Object::parse(choice.as_bytes()).ok()).collect();
    let message = |choice: &Object<'_>| choice.object("message").map(Object::into_owned).unwrap_or_default();
    let calls: Vec<usize> = (0..parsed.len())
        .filter(|at| parsed.get(*at).is_some_and(|choice| calls(&message(choice))))
        .collect();
    let texts = parsed.iter().filter(|choice| speaks(&message(choice))).count();
    let ([calling], Some(first)) = (calls.as_slice(), parsed.first()) else { return choices };
    let Some(caller) = parsed.get(*calling).filter(|_| texts < 2 && parsed.len() == choices.len()) else {
        return choices;
    };
    let mut merged = message(first);
    for part in parsed.iter().map(message) {
        for (key, value) in part.iter() {
            let said = !matches!(value.trim(), "null" | "\"\"" | "[]");
            if said || merged.get(key).is_none() {
                merged.set(key.to_owned(), value.to_owned());
            }
        }
    }
    let mut choice = first.clone();
    choice.set("message", merged.to_json());
    if let Some(reason) = caller.get("finish_reason") {
        choice.set("finish_reason", reason.to_owned());
    }
    notes.note(Code::ChoicesMerged, "choices", "");
    vec![choice.to_json()]
}

/// Which choice a delta belongs to: calls of another choice than the first are the first one's, if one was asked for.
pub(super) fn index(
    given: u64,
    delta: &Object<'_>,
    n: u32,
    merged: &mut Vec<u64>,
    notes: &mut Diagnostics,
) -> u64 {
    if given == 0 || n > 1 {
        return given;
    }
    if !merged.contains(&given) {
        if !calls(delta) || merged.len() > 8 {
            return given;
        }
        merged.push(given);
        notes.note(Code::ChoicesMerged, "choices", "");
    }
    0
}

fn calls(said: &Object<'_>) -> bool {
    said.array("tool_calls").is_some_and(|calls| !calls.is_empty())
}

fn speaks(said: &Object<'_>) -> bool {
    said.str("content").is_some_and(|text| !text.trim().is_empty())
}
