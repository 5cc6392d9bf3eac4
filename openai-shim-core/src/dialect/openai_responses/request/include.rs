//! `include`: what an answer has besides its text. Encrypted reasoning and log probabilities have a place in our model.
//!
//! <https://platform.openai.com/docs/api-reference/responses/create#responses_create-include>

use super::super::names::{INCLUDE_ENCRYPTED_REASONING, INCLUDE_LOGPROBS};
use crate::canonical::Request;
use crate::json::{Object, RawJson, decode_string, encode_array, encode_string, natural, raw};

const KEY: &str = "include";

/// Decodes the list. Returns the rest of it as an extra field.
pub(super) fn decode(value: &str, body: &Object<'_>, request: &mut Request) -> Option<(String, RawJson)> {
    let Some(mut items) = body.array(KEY) else { return Some((KEY.to_owned(), raw(value))) };
    if has_logprobs(body) {
        request.logprobs = Some(body.get("top_logprobs").and_then(natural).unwrap_or(0));
    }
    let count = items.len();
    items.retain(|item| match decode_string(item).as_deref() {
        Some(INCLUDE_ENCRYPTED_REASONING) => {
            // The other dialects always send it.
            request.encrypted_reasoning = true;
            false
        }
        Some(INCLUDE_LOGPROBS) => false,
        _ => true,
    });
    let is_known = items.len() < count;
    (!items.is_empty() || !is_known).then(|| (KEY.to_owned(), raw(encode_array(&items))))
}

/// Whether log probabilities are asked for.
pub(super) fn has_logprobs(body: &Object<'_>) -> bool {
    let items = body.array(KEY).unwrap_or_default();
    items.iter().any(|item| decode_string(item).is_some_and(|item| item == INCLUDE_LOGPROBS))
}

/// Writes the list, unless there is none, and the number of alternatives to each token.
pub(super) fn encode(request: &Request, rest: Option<&str>, body: &mut Object<'_>) {
    let mut list = Vec::new();
    let has_encrypted_reasoning = request.encrypted_reasoning || request.adds_encrypted_reasoning;
    list.extend(has_encrypted_reasoning.then(|| encode_string(INCLUDE_ENCRYPTED_REASONING)));
    list.extend(request.logprobs.map(|_| encode_string(INCLUDE_LOGPROBS)));
    list.extend(rest.and_then(crate::json::items).unwrap_or_default().into_iter().map(str::to_owned));
    if !list.is_empty() || rest.is_some() {
        body.set(KEY, encode_array(&list));
    }
    if let Some(top) = request.logprobs.filter(|top| *top > 0) {
        body.set("top_logprobs", top.to_string());
    }
}
