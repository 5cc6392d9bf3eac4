//! Log probabilities: this dialect's four parallel lists to [`Logprobs`], which is a list of tokens, and back.
//!
//! <https://platform.openai.com/docs/api-reference/completions/object>

use crate::canonical::Logprobs;
use crate::json::{Object, ValueKind, decode_string, encode_string, raw, value_kind};

/// Whether the lists are there and have OpenAI's types.
pub(super) fn is_strict(json: &str) -> bool {
    let Ok(object) = Object::parse(json.as_bytes()) else { return false };
    let all_are = |key: &str, kinds: &[ValueKind]| match object.array(key) {
        Some(items) => items.iter().all(|item| kinds.contains(&value_kind(item))),
        None => object.non_null(key).is_none(),
    };
    object.array("tokens").is_some()
        && all_are("tokens", &[ValueKind::String])
        // The first token of an echoed prompt has no value.
        && all_are("token_logprobs", &[ValueKind::Number, ValueKind::Null])
        && all_are("top_logprobs", &[ValueKind::Object, ValueKind::Null])
        && all_are("text_offset", &[ValueKind::Number])
}

/// Reads the four lists, or a list of tokens as chat completions have it. Tokens without a value, such as the first one of a
/// prompt, are left out.
pub(super) fn read(json: &str) -> Option<Logprobs> {
    if let Some(chat) = Logprobs::read(json) {
        return Some(chat);
    }
    let object = Object::parse(json.as_bytes()).ok()?;
    let values = object.array("token_logprobs").unwrap_or_default();
    let tops = object.array("top_logprobs").unwrap_or_default();
    let mut logprobs = Logprobs::default();
    for (at, token) in object.array("tokens")?.into_iter().enumerate() {
        let (Some(token), Some(value)) = (decode_string(token), values.get(at)) else { continue };
        if value_kind(value) != ValueKind::Number {
            continue;
        }
        let top = tops.get(at).and_then(|top| Object::parse(top.as_bytes()).ok()).unwrap_or_default();
        let listed = top.iter().filter(|(_, value)| value_kind(value) == ValueKind::Number);
        let listed: Vec<_> =
            listed.map(|(token, value)| format!("{{{}}}", token_fields(token, value))).collect();
        logprobs.content.push(raw(format!(
            "{{{},\"top_logprobs\":[{}]}}",
            token_fields(&token, value),
            listed.join(",")
        )));
    }
    (!logprobs.is_empty()).then_some(logprobs)
}

fn token_fields(token: &str, value: &str) -> String {
    let bytes: Vec<_> = bytes(token).iter().map(u8::to_string).collect();
    format!(r#""token":{},"logprob":{},"bytes":[{}]"#, encode_string(token), value.trim(), bytes.join(","))
}

/// Returns the bytes of a token; a part of a character is written as `bytes:\xe2\x80`.
fn bytes(token: &str) -> Vec<u8> {
    let escaped = token
        .strip_prefix("bytes:\\x")
        .map(|hex| hex.split("\\x").map(|byte| u8::from_str_radix(byte, 16)).collect::<Result<Vec<_>, _>>());
    match escaped {
        Some(Ok(bytes)) => bytes,
        _ => token.as_bytes().to_vec(),
    }
}

/// Log probabilities that were written.
pub(super) struct WrittenLogprobs {
    pub(super) json: String,
    /// How many characters the tokens have.
    pub(super) characters: usize,
}

/// Writes the four lists; `offset` is where the first token begins, in characters of the text that the client gets.
pub(super) fn write(logprobs: &Logprobs, mut offset: usize) -> WrittenLogprobs {
    let (mut tokens, mut values, mut tops, mut offsets) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (start, mut has_tops) = (offset, false);
    for item in logprobs.content.iter().chain(&logprobs.refusal) {
        let Ok(item) = Object::parse(item.as_str().as_bytes()) else { continue };
        let token = item.str("token").unwrap_or_default();
        let value = item.get("logprob").filter(|v| value_kind(v) == ValueKind::Number).unwrap_or("null");
        let mut top = Object::new();
        for other in item.array("top_logprobs").unwrap_or_default() {
            let Ok(other) = Object::parse(other.as_bytes()) else { continue };
            if let (Some(token), Some(value)) = (other.str("token"), other.get("logprob")) {
                top.set(token.into_owned(), value.to_owned());
            }
        }
        has_tops |= !top.is_empty();
        // OpenAI always lists the chosen token, too.
        if !top.is_empty() && top.get(&token).is_none() && value != "null" {
            top.set(token.clone().into_owned(), value.to_owned());
        }
        offsets.push(offset.to_string());
        offset += token.chars().count();
        tokens.push(encode_string(&token));
        values.push(value.to_owned());
        tops.push(top.to_json());
    }
    let tops = if has_tops { format!("[{}]", tops.join(",")) } else { String::from("null") };
    let json = format!(
        r#"{{"text_offset":[{}],"token_logprobs":[{}],"tokens":[{}],"top_logprobs":{tops}}}"#,
        offsets.join(","),
        values.join(","),
        tokens.join(",")
    );
    WrittenLogprobs { json, characters: offset - start }
}
