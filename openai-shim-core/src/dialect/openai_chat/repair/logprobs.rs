//! The `logprobs` of a choice: as the upstream sent them in, of OpenAI's shape or null out.
//!
//! <https://platform.openai.com/docs/api-reference/chat/object#chat/object-choices>

use crate::canonical::{DiagnosticCode, Diagnostics, fill_token};
use crate::json::{Object, ValueKind, encode_array, value_kind};

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
                    filled |= fill_token(&mut token);
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
