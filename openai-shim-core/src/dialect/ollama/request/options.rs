//! `options`: what most dialects say at the top, Ollama says here, beside what only it knows.
//!
//! <https://docs.ollama.com/modelfile#valid-parameters-and-values>

use super::FAMILY;
use crate::canonical::{Request, TokenLimit};
use crate::json::{
    Object, ValueKind, decode_string, encode_string, integer, natural, number, raw, value_kind,
};
use serde_json::value::RawValue;

/// Options without a place are kept under this and their name.
pub(super) const PREFIX: &str = "options.";

/// Reads the options; those without a place in the canonical model go to `extra`.
pub(super) fn read(options: &Object<'_>, request: &mut Request, extra: &mut Vec<(String, Box<RawValue>)>) {
    if options.is_empty() {
        extra.push((String::from("options"), raw("{}")));
    }
    for (key, value) in options.iter() {
        let read = match key {
            "num_predict" => {
                request.max_tokens = natural(value).map(|tokens| TokenLimit { tokens, completion: false });
                request.max_tokens.is_some()
            }
            "temperature" => put(&mut request.temperature, value),
            "top_p" => put(&mut request.top_p, value),
            "min_p" => put(&mut request.min_p, value),
            "presence_penalty" => put(&mut request.presence_penalty, value),
            "frequency_penalty" => put(&mut request.frequency_penalty, value),
            "repeat_penalty" => put(&mut request.repetition_penalty, value),
            "top_k" => {
                request.top_k = natural(value);
                request.top_k.is_some()
            }
            "seed" => {
                request.seed = integer(value);
                request.seed.is_some()
            }
            "stop" => stops(value).is_some_and(|stops| {
                let said = !stops.is_empty();
                request.stop.set_decoded(stops);
                said
            }),
            _ => false,
        };
        if !read {
            extra.push((format!("{PREFIX}{key}"), raw(value)));
        }
    }
}

fn put(slot: &mut Option<f64>, value: &str) -> bool {
    *slot = number(value);
    slot.is_some()
}

fn stops(value: &str) -> Option<Vec<String>> {
    match value_kind(value) {
        ValueKind::String => decode_string(value).map(|t| vec![t.into_owned()]),
        ValueKind::Array => serde_json::from_str(value).ok(),
        _ => None,
    }
}

/// Writes the options. Of a client's own ones (`sourced`) only a limit that it did not set is added.
pub(super) fn write(request: &Request, sourced: bool, body: &mut Object<'_>) {
    let given = body.object("options").map(Object::into_owned);
    let mut options = given.unwrap_or_default();
    let limit = request.max_tokens.map(|limit| limit.tokens.to_string());
    if sourced {
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
        if let Some(key) = key.strip_prefix(PREFIX) {
            options.set(key.to_owned(), value.get().to_owned());
        }
    }
    if !options.is_empty() {
        body.set("options", options.to_json());
    }
}
