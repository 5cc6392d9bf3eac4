//! `generationConfig`: limits, sampling, response format and thinking, to `Request` and back.
//!
//! <https://ai.google.dev/api/generate-content#generationconfig>

use super::json_keys::{camel_case, parse_object};
use super::names::NAME;
use super::{extra_fields, json_schema};
use crate::canonical::{
    DiagnosticCode, Diagnostics, ExtraFields, Reasoning, Request, ResponseFormat, TokenLimit,
};
use crate::json::{self, Object, count, encode_string, from_openapi, natural, raw, string_or_json};
use serde_json::value::RawValue;

/// The prefix of a field of `generationConfig` among the extra fields of a request.
const EXTRA_PREFIX: &str = "generationConfig.";

/// Decodes the configuration; fields without a place in our model go to `extra`.
pub(super) fn decode(config: &Object<'_>, request: &mut Request, extra: &mut Vec<(String, Box<RawValue>)>) {
    for (key, value) in config.iter().filter(|(_, v)| v.trim() != "null") {
        let mut is_valid = true;
        // Numbers may be strings.
        let text = string_or_json(value);
        match key {
            "maxOutputTokens" => {
                let limit = |tokens| TokenLimit { tokens, completion: true };
                is_valid = set(&mut request.max_tokens, natural(&text).map(limit));
            }
            "temperature" => is_valid = set(&mut request.temperature, json::number(&text)),
            "topP" => is_valid = set(&mut request.top_p, json::number(&text)),
            "topK" => is_valid = set(&mut request.top_k, natural(&text)),
            "candidateCount" => is_valid = set(request.n.decoded_mut(), count(&text)),
            "seed" => is_valid = set(&mut request.seed, json::integer(&text)),
            "presencePenalty" => is_valid = set(&mut request.presence_penalty, json::number(&text)),
            "frequencyPenalty" => is_valid = set(&mut request.frequency_penalty, json::number(&text)),
            "stopSequences" => match serde_json::from_str(value) {
                Ok(stop) => request.stop.set_decoded(stop),
                Err(_) => is_valid = false,
            },
            "responseMimeType" | "responseSchema" | "responseJsonSchema" => {}
            "thinkingConfig" => {
                if let Some(config) = parse_object(value) {
                    request.reasoning = decode_thinking(&config);
                }
                extra.push((format!(".{EXTRA_PREFIX}{key}"), raw(value)));
            }
            _ => extra.push((format!("{EXTRA_PREFIX}{key}"), raw(value))),
        }
        if !is_valid {
            extra.push((format!("{EXTRA_PREFIX}{key}"), raw(value)));
        }
    }
    request.response_format.set_decoded(decode_format(config));
}

/// Sets a parameter; returns whether there is a value.
fn set<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    *slot = value;
    slot.is_some()
}

fn decode_thinking(config: &Object<'_>) -> Reasoning {
    let mut reasoning = Reasoning::default();
    match config.get("thinkingBudget").and_then(|budget| json::integer(&string_or_json(budget))) {
        Some(0) => reasoning.enabled = Some(false),
        Some(budget) if budget < 0 => reasoning.enabled = Some(true),
        Some(budget) => reasoning.budget = u64::try_from(budget).ok(),
        None => {}
    }
    if let Some(level) = config.str("thinkingLevel") {
        let level = level.to_ascii_lowercase();
        reasoning.effort = Some(level).filter(|l| l != "thinking_level_unspecified");
    }
    reasoning
}

fn decode_format(config: &Object<'_>) -> Option<ResponseFormat> {
    let media_type = config.str("responseMimeType");
    let (json_schema, openapi) = (config.non_null("responseJsonSchema"), config.non_null("responseSchema"));
    let is_json = media_type.as_deref().is_none_or(|m| m == "application/json");
    match (json_schema, openapi, media_type.as_deref()) {
        (Some(schema), ..) if is_json => Some(ResponseFormat::JsonSchema {
            name: String::from("response"),
            schema: Some(raw(schema)),
            strict: None,
            extra: ExtraFields::new(NAME, vec![(String::from("responseJsonSchema"), raw(schema))]),
        }),
        (None, Some(schema), _) if is_json => Some(ResponseFormat::JsonSchema {
            name: String::from("response"),
            schema: Some(raw(from_openapi(schema))),
            strict: None,
            extra: ExtraFields::new(NAME, vec![(String::from("responseSchema"), raw(schema))]),
        }),
        (None, None, Some("application/json")) => Some(ResponseFormat::JsonObject),
        (None, None, Some("text/plain")) => Some(ResponseFormat::Text),
        (None, None, None) => None,
        _ => {
            let mut format = Object::new();
            for (key, value) in config.iter().filter(|(key, _)| FORMAT_FIELDS.contains(key)) {
                format.set(key, value);
            }
            Some(ResponseFormat::Native { dialect: NAME, raw: raw(format.to_json()) })
        }
    }
}

/// The fields of the response format.
const FORMAT_FIELDS: [&str; 3] = ["responseMimeType", "responseSchema", "responseJsonSchema"];

/// Encodes the whole configuration.
pub(super) fn encode(request: &Request, diagnostics: &mut Diagnostics) -> Object<'static> {
    let mut config = Object::new();
    let fields = [
        ("temperature", request.temperature.map(|v| v.to_string())),
        ("topP", request.top_p.map(|v| v.to_string())),
        ("topK", request.top_k.map(|v| v.to_string())),
        ("candidateCount", request.n.map(|v| v.to_string())),
        ("maxOutputTokens", request.max_tokens.map(|v| v.tokens.to_string())),
        ("seed", request.seed.map(|v| v.to_string())),
        ("presencePenalty", request.presence_penalty.map(|v| v.to_string())),
        ("frequencyPenalty", request.frequency_penalty.map(|v| v.to_string())),
    ];
    for (key, value) in fields {
        if let Some(value) = value {
            config.set(key, value);
        }
    }
    if !request.stop.is_empty() {
        let stop: Vec<_> = request.stop.iter().map(|s| encode_string(s)).collect();
        config.set("stopSequences", format!("[{}]", stop.join(",")));
    }
    write_format(request.response_format.as_ref(), &mut config, diagnostics);
    if let Some(thinking) = encode_thinking(&request.reasoning, diagnostics) {
        config.set("thinkingConfig", thinking);
    }
    for (key, value) in request.extra.of(NAME) {
        if let Some(key) = extra_fields::without_dot(key).strip_prefix(EXTRA_PREFIX) {
            config.set(key.to_owned(), value.get().to_owned());
        }
    }
    config
}

fn write_format(
    format: Option<&ResponseFormat>,
    config: &mut Object<'static>,
    diagnostics: &mut Diagnostics,
) {
    match format {
        None => {}
        Some(ResponseFormat::Text) => config.set("responseMimeType", "\"text/plain\""),
        Some(ResponseFormat::JsonObject) => config.set("responseMimeType", "\"application/json\""),
        Some(ResponseFormat::JsonSchema { schema, extra, .. }) => {
            config.set("responseMimeType", "\"application/json\"");
            extra.report_lost(NAME, "response_format", diagnostics);
            if let Some((key, value)) = extra.of(NAME).first() {
                config.set(key.clone(), value.get().to_owned());
            } else if let Some(schema) = schema {
                let schema = json_schema::reduce(schema.get(), "response_format", diagnostics);
                config.set("responseJsonSchema", schema);
            }
        }
        Some(ResponseFormat::Native { dialect: NAME, raw }) => {
            for (key, value) in Object::parse(raw.get().as_bytes()).unwrap_or_default().iter() {
                config.set(key.to_owned(), value.to_owned());
            }
        }
        Some(ResponseFormat::Native { dialect, .. }) => {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, "response_format", dialect);
        }
    }
}

/// The budget of each reasoning effort, as Google's own OpenAI endpoint sets it. All models take budgets, and only the newest
/// take levels.
const EFFORT_BUDGETS: [(&str, i64); 7] = [
    ("none", 0),
    ("minimal", 1024),
    ("low", 1024),
    ("medium", 8192),
    ("high", 24576),
    ("xhigh", 24576),
    ("max", 24576),
];

fn encode_thinking(reasoning: &Reasoning, diagnostics: &mut Diagnostics) -> Option<String> {
    let effort = reasoning.effort.as_deref();
    let effort_budget = EFFORT_BUDGETS.iter().find(|(known, _)| Some(*known) == effort);
    let budget = match (reasoning.enabled, reasoning.budget, effort_budget) {
        (Some(false), ..) => 0,
        (_, Some(budget), _) => i64::try_from(budget).unwrap_or(i64::MAX),
        (.., Some((_, budget))) => *budget,
        (Some(true), ..) => -1,
        (None, None, None) => {
            if let Some(effort) = effort {
                diagnostics.record(DiagnosticCode::FeatureUnsupported, "reasoning_effort", effort);
            }
            return None;
        }
    };
    Some(match budget {
        0 => String::from(r#"{"thinkingBudget":0}"#),
        // Other dialects return reasoning by default.
        budget => format!(r#"{{"thinkingBudget":{budget},"includeThoughts":true}}"#),
    })
}

/// Writes the fields that were changed, and a limit that is missing, into the client's own configuration.
pub(super) fn encode_changed(config: &mut Object<'_>, request: &Request, diagnostics: &mut Diagnostics) {
    let groups = [
        (request.stop.is_changed(), &["stopSequences"][..]),
        (request.n.is_changed(), &["candidateCount"]),
        (request.response_format.is_changed(), &FORMAT_FIELDS),
    ];
    if groups.iter().any(|(is_changed, _)| *is_changed) {
        let encoded = encode(request, diagnostics);
        let keys = groups.iter().filter(|(is_changed, _)| *is_changed).flat_map(|(_, keys)| keys.iter());
        for key in keys.copied() {
            let spellings: Vec<String> =
                config.iter().filter(|(k, _)| camel_case(k) == key).map(|(k, _)| k.to_owned()).collect();
            for spelling in spellings {
                config.remove(&spelling);
            }
            if let Some(value) = encoded.get(key) {
                config.set(key, value.to_owned());
            }
        }
    }
    let has_limit = ["maxOutputTokens", "max_output_tokens"].iter().any(|key| config.non_null(key).is_some());
    if let Some(limit) = request.max_tokens.filter(|_| !has_limit) {
        config.set("maxOutputTokens", limit.tokens.to_string());
    }
}
