//! Vectors in a response of any form: of Cohere, text-embeddings-inference, llama.cpp, Vertex AI, DashScope, Cloudflare, Bedrock and
//! others, also behind a base URL from which another API was expected.

use super::embedding::Embeddings;
use super::unusable_response::trim_body;
use crate::json::{Object, ValueKind, decode_string, encode_array, items, reported_count, value_kind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::borrow::Cow;

/// How deep the vectors may be in objects.
const MAX_DEPTH: usize = 4;

/// Members with a list of vectors, or with an object that has one.
const LISTS: [&str; 11] = [
    "data",
    "embeddings",
    "results",
    "predictions",
    "result",
    "output",
    "outputs",
    "vectors",
    "items",
    // Cohere's lists by type.
    "float",
    "float_",
];

/// Members with one vector, or with an object that has one. The last ones are the encodings of Cohere and Mixedbread.
const VECTORS: [&str; 8] =
    ["embedding", "embeddings", "vector", "values", "dense_embedding", "float", "float_", "base64"];

/// Places of the number of input tokens.
const TOKENS: [(&str, &str); 6] = [
    ("usage", "prompt_tokens"),
    ("usage", "total_tokens"),
    ("usage", "input_tokens"),
    ("usageMetadata", "promptTokenCount"),
    ("", "prompt_eval_count"),
    ("", "inputTextTokenCount"),
];

/// Reads the vectors of a response in any form; `None`: it has none, or several for one input.
pub fn read_vectors(body: &[u8]) -> Option<Embeddings> {
    let body = std::str::from_utf8(trim_body(body)).ok()?;
    let mut out = Embeddings { vectors: list(body, MAX_DEPTH)?, ..Embeddings::default() };
    if let Ok(response) = Object::parse(body.as_bytes()) {
        out.model = response.str("model").map(Cow::into_owned);
        out.tokens = reported_tokens(&response);
    }
    Some(out)
}

/// The number of input tokens, wherever a response has it.
fn reported_tokens(response: &Object<'_>) -> Option<u64> {
    let count = |object: &Object<'_>, key: &str| object.get(key).and_then(reported_count);
    // Cohere: `meta.billed_units.input_tokens`.
    let billed = || count(&response.object("meta")?.object("billed_units")?, "input_tokens");
    let found = TOKENS.iter().find_map(|(place, key)| match *place {
        "" => count(response, key),
        place => count(&response.object(place)?, key),
    });
    found.or_else(billed)
}

/// The vectors that a value has, in order.
fn list(json: &str, depth: usize) -> Option<Vec<String>> {
    match value_kind(json) {
        ValueKind::Array => {
            if let Some(vector) = numbers(json) {
                return Some(vec![vector]);
            }
            let values = items(json)?;
            let indexes: Vec<_> = values.iter().map(|value| index(value)).collect();
            let mut vectors: Vec<_> = values.into_iter().map(vector).collect::<Option<_>>()?;
            if let Some(order) = item_order(&indexes) {
                vectors = order.into_iter().filter_map(|at| vectors.get(at).cloned()).collect();
            }
            (!vectors.is_empty()).then_some(vectors)
        }
        ValueKind::Object if depth > 0 => {
            let object = Object::parse(json.as_bytes()).ok()?;
            let in_lists =
                || LISTS.iter().filter_map(|key| object.get(key)).find_map(|value| list(value, depth - 1));
            in_lists().or_else(|| Some(vec![vector(json)?])).or_else(|| numbered(&object))
        }
        _ => None,
    }
}

/// The vectors of an object whose members are `"0"`, `"1"` and so on.
fn numbered(object: &Object<'_>) -> Option<Vec<String>> {
    let indexes: Vec<_> = object.iter().map(|(key, _)| key.parse().ok()).collect();
    let values: Vec<_> = object.iter().map(|(_, value)| vector(value)).collect::<Option<_>>()?;
    Some(item_order(&indexes)?.into_iter().filter_map(|at| values.get(at).cloned()).collect())
}

/// The only vector of a value.
fn vector(json: &str) -> Option<String> {
    match value_kind(json) {
        ValueKind::Array => numbers(json).or_else(|| match items(json)?.as_slice() {
            // llama.cpp: one vector in a list. Several are those of single tokens.
            [only] => numbers(only),
            _ => None,
        }),
        ValueKind::String => packed(&decode_string(json)?),
        ValueKind::Object => {
            let object = Object::parse(json.as_bytes()).ok()?;
            VECTORS.iter().find_map(|key| vector(object.get(key)?))
        }
        _ => None,
    }
}

/// A list of numbers, which may be texts.
fn numbers(json: &str) -> Option<String> {
    let values = items(json)?;
    match value_kind(values.first()?) {
        ValueKind::Number => {
            values.iter().all(|value| value_kind(value) == ValueKind::Number).then(|| json.to_owned())
        }
        ValueKind::String => {
            let text = |value: &&str| {
                let text = decode_string(value)?.trim().to_owned();
                text.parse::<f64>().is_ok_and(f64::is_finite).then_some(text)
            };
            Some(encode_array(&values.iter().map(text).collect::<Option<Vec<_>>>()?))
        }
        _ => None,
    }
}

/// Little-endian 32-bit floats in base64: standard or URL-safe, padded or not, with line breaks or without.
fn packed(base64: &str) -> Option<String> {
    let standard = |byte: u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    };
    let digits = base64.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=').map(standard);
    let bytes = STANDARD_NO_PAD.decode(digits.collect::<Vec<_>>()).ok()?;
    let (groups, remainder) = bytes.as_chunks::<4>();
    let numbers: Vec<_> = groups.iter().map(|group| f32::from_le_bytes(*group)).collect();
    let is_vector = remainder.is_empty() && !numbers.is_empty() && numbers.iter().all(|n| n.is_finite());
    is_vector.then(|| encode_array(&numbers.iter().map(ToString::to_string).collect::<Vec<_>>()))
}

/// Where a value says that it belongs.
fn index(json: &str) -> Option<u64> {
    if value_kind(json) != ValueKind::Object {
        return None;
    }
    let object = Object::parse(json.as_bytes()).ok()?;
    ["index", "text_index", "position"].iter().find_map(|key| object.get(key).and_then(reported_count))
}

/// The order of items by their indexes, if these are all numbers from 0 or from 1 on, each once.
pub fn item_order(indexes: &[Option<u64>]) -> Option<Vec<usize>> {
    let first = indexes.iter().flatten().min().copied().filter(|first| *first < 2)?;
    let mut order = vec![None; indexes.len()];
    for (at, index) in indexes.iter().enumerate() {
        let slot = order.get_mut(usize::try_from((*index)?.checked_sub(first)?).ok()?)?;
        if slot.replace(at).is_some() {
            return None;
        }
    }
    order.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_found_in_every_form() {
        for body in [
            "[[0.5,0.25],[1,2]]",
            "\u{feff}[[0.5,0.25],[1,2]]",
            r#"{"embeddings":{"float":[[0.5,0.25],[1,2]]},"meta":{"billed_units":{"input_tokens":3}}}"#,
            r#"{"embeddings":[[0.5,0.25],[1,2]]}"#,
            r#"{"embeddings":[{"values":[0.5,0.25]},{"values":[1,2]}]}"#,
            r#"[{"index":0,"embedding":[[0.5,0.25]]},{"index":1,"embedding":[[1,2]]}]"#,
            r#"{"results":[{"embedding":[0.5,0.25]},{"embedding":[1,2]}]}"#,
            r#"{"predictions":[{"embeddings":{"values":[0.5,0.25],"statistics":{}}},{"embeddings":{"values":[1,2]}}]}"#,
            r#"{"output":{"embeddings":[{"text_index":1,"embedding":[1,2]},{"text_index":0,"embedding":[0.5,0.25]}]}}"#,
            r#"{"result":{"shape":[2,2],"data":[[0.5,0.25],[1,2]]},"success":true,"errors":[]}"#,
            r#"{"code":0,"data":{"data":[{"index":2,"embedding":[1,2]},{"index":1,"embedding":[0.5,0.25]}]}}"#,
            r#"{"data":[{"embedding":{"float":[0.5,0.25]}},{"embedding":{"base64":"AACAPwAAAEA"}}]}"#,
            r#"{"data":[{"embedding":"AAAAPwAA\ngD4="},{"embedding":["1"," 2"]}]}"#,
            r#"{"data":{"1":{"embedding":[1,2]},"0":{"embedding":[0.5,0.25]}}}"#,
            r#"{"data":[{"vector":[0.5,0.25]},{"vector":[1,2]}]}"#,
        ] {
            let found = read_vectors(body.as_bytes()).unwrap_or_else(|| panic!("{body}"));
            assert_eq!(found.vectors, ["[0.5,0.25]", "[1,2]"], "{body}");
        }
        for body in
            ["[0.5,0.25]", r#"{"embedding":[0.5,0.25],"inputTextTokenCount":3}"#, r#"{"vector":[0.5,0.25]}"#]
        {
            assert_eq!(read_vectors(body.as_bytes()).unwrap().vectors, ["[0.5,0.25]"], "{body}");
        }
    }

    #[test]
    fn what_is_no_vector_is_none() {
        for body in [
            "{}",
            "[]",
            "null",
            "[[]]",
            r#"{"data":[]}"#,
            r#"{"data":[{"embedding":[[1,2],[3,4]]}]}"#,
            r#"{"data":[{"embedding":["a","b"]}]}"#,
            r#"{"data":[{"embedding":[1,2]},{"error":"no"}]}"#,
            r#"{"data":[{"embedding":"no vector"}]}"#,
            r#"{"error":{"message":"no"}}"#,
        ] {
            assert_eq!(read_vectors(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn tokens_are_found_wherever_they_stand() {
        for rest in [
            r#""usage":{"total_tokens":3}"#,
            r#""usage":{"prompt_tokens":"3"}"#,
            r#""meta":{"billed_units":{"input_tokens":3}}"#,
            r#""usageMetadata":{"promptTokenCount":3}"#,
            r#""prompt_eval_count":3"#,
            r#""inputTextTokenCount":3"#,
        ] {
            let found = read_vectors(format!(r#"{{"embedding":[1],{rest}}}"#).as_bytes()).unwrap();
            assert_eq!(found.tokens, Some(3), "{rest}");
        }
    }
}
