//! `logprobsResult` of a candidate to log probabilities, and back.
//!
//! <https://ai.google.dev/api/generate-content#LogprobsResult>

use super::json_keys::parse_object;
use crate::canonical::Logprobs;
use crate::json::{Object, encode_array, items, raw};

/// The field of a candidate.
pub(super) const FIELD: &str = "logprobsResult";

/// Reads the tokens that were chosen, each with the most likely ones at its place; `None` if there are none.
pub(super) fn read(json: &str) -> Option<Logprobs> {
    let result = parse_object(json)?;
    let list = |object: &Object<'_>, key: &str| -> Vec<String> {
        object.get(key).and_then(items).unwrap_or_default().into_iter().map(str::to_owned).collect()
    };
    let places = list(&result, "topCandidates");
    let mut logprobs = Logprobs::default();
    for (at, chosen) in list(&result, "chosenCandidates").iter().enumerate() {
        let place = places.get(at).and_then(|place| parse_object(place)).unwrap_or_default();
        let top: Vec<_> =
            list(&place, "candidates").iter().filter_map(|token| read_token(token, None)).collect();
        logprobs.content.extend(read_token(chosen, Some(&encode_array(&top))).map(raw));
    }
    (!logprobs.is_empty()).then_some(logprobs)
}

fn read_token(json: &str, top: Option<&str>) -> Option<String> {
    let candidate = parse_object(json)?;
    let mut token = Object::new();
    token.set("token", candidate.non_null("token")?.to_owned());
    token.set("logprob", candidate.non_null("logProbability").unwrap_or("0.0").to_owned());
    token.set("bytes", "null");
    if let Some(top) = top {
        token.set("top_logprobs", top.to_owned());
    }
    Some(token.to_json())
}

/// Writes the log probabilities of the content.
pub(super) fn write(logprobs: &Logprobs) -> String {
    let (mut chosen, mut places) = (Vec::new(), Vec::new());
    let mut has_top = false;
    for token in &logprobs.content {
        let token = Object::parse(token.as_str().as_bytes()).unwrap_or_default();
        let top = token.get("top_logprobs").and_then(items).unwrap_or_default().into_iter();
        let top: Vec<_> =
            top.map(|top| write_token(&Object::parse(top.as_bytes()).unwrap_or_default())).collect();
        has_top |= !top.is_empty();
        places.push(format!("{{\"candidates\":{}}}", encode_array(&top)));
        chosen.push(write_token(&token));
    }
    let chosen = encode_array(&chosen);
    if !has_top {
        return format!(r#"{{"chosenCandidates":{chosen}}}"#);
    }
    format!(r#"{{"topCandidates":{},"chosenCandidates":{chosen}}}"#, encode_array(&places))
}

fn write_token(token: &Object<'_>) -> String {
    let mut candidate = Object::new();
    candidate.set("token", token.non_null("token").unwrap_or("\"\"").to_owned());
    candidate.set("logProbability", token.non_null("logprob").unwrap_or("0.0").to_owned());
    candidate.to_json()
}
