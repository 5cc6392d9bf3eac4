//! The `logprobs` of a choice: as the upstream sent them in, of OpenAI's shape or null out.
//!
//! <https://platform.openai.com/docs/api-reference/chat/object#chat/object-choices>

use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::json::{Object, ValueKind, encode_array, items, value_kind};

/// Repairs a choice's `logprobs`.
pub(super) fn repair(choice: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let Some(value) = choice.non_null("logprobs") else { return };
    let shaped = (value_kind(value) == ValueKind::Object)
        .then(|| Object::parse(value.as_bytes()).ok())
        .flatten()
        .filter(|o| o.get("content").is_some() || o.get("refusal").is_some());
    let Some(mut object) = shaped.map(Object::into_owned) else {
        diagnostics.record(DiagnosticCode::FieldDropped, "choices[].logprobs", "not in chat's shape");
        choice.set("logprobs", "null");
        return;
    };
    let mut changed = false;
    for list in ["content", "refusal"] {
        let Some(tokens) = object.array(list) else { continue };
        let mut written = Vec::with_capacity(tokens.len());
        let mut filled = false;
        for token in tokens {
            match Object::parse(token.as_bytes()) {
                Ok(mut token) => {
                    filled |= fill(&mut token);
                    written.push(token.to_json());
                }
                Err(_) => written.push(token.to_owned()),
            }
        }
        if filled {
            let written = encode_array(&written);
            object.set(list, written);
            changed = true;
        }
    }
    if changed {
        diagnostics.record(DiagnosticCode::FieldFilled, "choices[].logprobs", "");
        choice.set("logprobs", object.to_json());
    }
}

fn parse_or_empty(json: &str) -> Object<'_> {
    Object::parse(json.as_bytes()).unwrap_or_default()
}

/// What OpenAI sends for a token that is not among the most likely ones.
const VERY_UNLIKELY: &str = "-9999.0";

/// Fills the required fields of a token's entry; returns whether any were missing.
fn fill(token: &mut Object<'_>) -> bool {
    let before = token.is_changed();
    let is_null = |token: &Object<'_>| token.get("logprob").is_some_and(|v| value_kind(v) == ValueKind::Null);
    if is_null(token) {
        token.set("logprob", VERY_UNLIKELY);
    }
    match token.non_null("top_logprobs") {
        None => token.set("top_logprobs", "[]"),
        Some(candidates) if candidates.contains("null") => {
            let mut candidates: Vec<_> =
                items(candidates).unwrap_or_default().into_iter().map(parse_or_empty).collect();
            if candidates.iter().any(is_null) {
                candidates.iter_mut().filter(|c| is_null(c)).for_each(|c| c.set("logprob", VERY_UNLIKELY));
                let candidates: Vec<_> = candidates.iter().map(Object::to_json).collect();
                token.set("top_logprobs", encode_array(&candidates));
            }
        }
        Some(_) => {}
    }
    if token.get("bytes").is_none() {
        token.set("bytes", "null");
    }
    token.is_changed() != before
}
