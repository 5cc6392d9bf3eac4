//! `options`: sampling parameters and limits, and parameters that only Ollama has, to `Request` and back.
//!
//! <https://docs.ollama.com/modelfile#valid-parameters-and-values>

use super::super::names::FAMILY;
use crate::canonical::{Request, TokenLimit};
use crate::json::{
    Object, RawJson, ValueKind, decode_string, encode_string, integer, natural, number, raw, value_kind,
};

/// The prefix of an option's name among the extra fields of a request.
pub(super) const EXTRA_PREFIX: &str = "options.";

/// Decodes the options; those without a place in our model go to `extra`.
pub(super) fn decode(options: &Object<'_>, request: &mut Request, extra: &mut Vec<(String, RawJson)>) {
    if options.is_empty() {
        extra.push((String::from("options"), raw("{}")));
    }
    for (key, value) in options.iter() {
        let is_mapped = match key {
            "num_predict" => {
                request.max_tokens = natural(value).map(|tokens| TokenLimit { tokens, completion: false });
                request.max_tokens.is_some()
            }
            "temperature" => set_number(&mut request.temperature, value),
            "top_p" => set_number(&mut request.top_p, value),
            "min_p" => set_number(&mut request.min_p, value),
            "presence_penalty" => set_number(&mut request.presence_penalty, value),
            "frequency_penalty" => set_number(&mut request.frequency_penalty, value),
            "repeat_penalty" => set_number(&mut request.repetition_penalty, value),
            "top_k" => {
                request.top_k = natural(value);
                request.top_k.is_some()
            }
            "seed" => {
                request.seed = integer(value);
                request.seed.is_some()
            }
            "stop" => decode_stop(value).is_some_and(|stop| {
                request.stop.set_decoded(stop);
                !request.stop.is_empty()
            }),
            _ => false,
        };
        if !is_mapped {
            extra.push((format!("{EXTRA_PREFIX}{key}"), raw(value)));
        }
    }
}

/// Sets a parameter; returns whether the value is a number.
fn set_number(slot: &mut Option<f64>, value: &str) -> bool {
    *slot = number(value);
    slot.is_some()
}

fn decode_stop(value: &str) -> Option<Vec<String>> {
    match value_kind(value) {
        ValueKind::String => decode_string(value).map(|t| vec![t.into_owned()]),
        ValueKind::Array => serde_json::from_str(value).ok(),
        _ => None,
    }
}

/// Encodes the options. If they are the client's own (`has_source`), only a limit that it did not set is added.
pub(super) fn encode(request: &Request, has_source: bool, body: &mut Object<'_>) {
    let mut options = body.object("options").map(Object::into_owned).unwrap_or_default();
    let limit = request.max_tokens.map(|limit| limit.tokens.to_string());
    if has_source {
        if let Some(tokens) = limit.filter(|_| options.non_null("num_predict").is_none()) {
            options.set("num_predict", tokens);
            body.set("options", options.to_json());
        }
        return;
    }
    let mut put = |key: &'static str, value: Option<String>| {
        if let Some(value) = value {
            options.set(key, value);
        }
    };
    put("num_predict", limit);
    put("temperature", request.temperature.map(|v| v.to_string()));
    put("top_p", request.top_p.map(|v| v.to_string()));
    put("top_k", request.top_k.map(|v| v.to_string()));
    put("min_p", request.min_p.map(|v| v.to_string()));
    put("seed", request.seed.map(|v| v.to_string()));
    put("presence_penalty", request.presence_penalty.map(|v| v.to_string()));
    put("frequency_penalty", request.frequency_penalty.map(|v| v.to_string()));
    put("repeat_penalty", request.repetition_penalty.map(|v| v.to_string()));
    if !request.stop.is_empty() {
        let stops: Vec<_> = request.stop.iter().map(|s| encode_string(s)).collect();
        put("stop", Some(format!("[{}]", stops.join(","))));
    }
    for (key, value) in request.extra.of(FAMILY) {
        if let Some(key) = key.strip_prefix(EXTRA_PREFIX) {
            options.set(key.to_owned(), value.as_str().to_owned());
        }
    }
    if !options.is_empty() {
        body.set("options", options.to_json());
    }
}
