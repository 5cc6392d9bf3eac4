//! Log probabilities of a text's tokens: this API's entries have all that chat's have, and always the bytes.

use crate::json::{Object, decode_string, encode_array, items};

/// Returns an entry with its bytes, and those of the other likely tokens, where they are missing.
pub(super) fn with_bytes(json: &str) -> String {
    let Ok(mut token) = Object::parse(json.as_bytes()) else { return json.to_owned() };
    fill_bytes(&mut token);
    let candidates = token.get("top_logprobs").and_then(items).unwrap_or_default().into_iter();
    let candidates: Vec<_> = candidates
        .map(|candidate| {
            let mut candidate = Object::parse(candidate.as_bytes()).unwrap_or_default();
            fill_bytes(&mut candidate);
            candidate.to_json()
        })
        .collect();
    token.set("top_logprobs", encode_array(&candidates));
    token.to_json()
}

/// The bytes of a token are those of its text.
fn fill_bytes(token: &mut Object<'_>) {
    if token.non_null("bytes").is_none() {
        let text = token.get("token").and_then(decode_string).unwrap_or_default();
        let bytes: Vec<String> = text.bytes().map(|byte| byte.to_string()).collect();
        token.set("bytes", encode_array(&bytes));
    }
}
