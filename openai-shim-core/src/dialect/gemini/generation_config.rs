//! `generationConfig`: lengths, sampling, the form of the answer, thinking.
//!
//! <https://ai.google.dev/api/generate-content#generationconfig>

use super::{NAME, plain, read};
use crate::canonical::{
    DiagnosticCode, Diagnostics, ExtraFields, Reasoning, Request, ResponseFormat, TokenLimit,
};
use crate::json::schema_subset::{SchemaSubset, reduce_schema};
use crate::json::{self, Object, count, encode_string, from_openapi, natural, raw, string_or_json};
use serde_json::value::RawValue;

/// What stands before the name of a member of `generationConfig` among a request's leftovers.
pub(super) const CONFIG: &str = "generationConfig.";

/// The keywords that Google's documentation lists for real JSON schemas.
const KNOWN: [&str; 17] = [
    "type",
    "format",
    "title",
    "description",
    "enum",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "anyOf",
    "oneOf",
    "properties",
    "additionalProperties",
    "required",
    "propertyOrdering",
];

/// Keywords that say nothing about what is accepted: nobody misses them.
const SILENT: [&str; 6] = ["$schema", "$id", "$comment", "$anchor", "examples", "discriminator"];

/// A schema that Google accepts; what it refuses is reported.
pub(super) fn schema(schema: &str, path: &str, diagnostics: &mut Diagnostics) -> String {
    let wishes = SchemaSubset {
        allowed_keywords: Some(&KNOWN),
        const_as_enum: true,
        inline_refs: true,
        ..SchemaSubset::default()
    };
    let Some(fitted) = reduce_schema(schema, &wishes) else { return schema.to_owned() };
    for dropped in fitted.dropped_keywords.iter().filter(|keyword| !SILENT.contains(&keyword.as_str())) {
        diagnostics.record(DiagnosticCode::SchemaReduced, path, dropped);
    }
    fitted.json
}

/// Reads the configuration; what has no place elsewhere is added to `extra`.
pub(super) fn decode(config: &Object<'_>, request: &mut Request, extra: &mut Vec<(String, Box<RawValue>)>) {
    for (key, value) in config.iter().filter(|(_, v)| v.trim() != "null") {
        let mut ok = true;
        // Numbers may be texts.
        let said = string_or_json(value);
        match key {
            "maxOutputTokens" => {
                let limit = |tokens| TokenLimit { tokens, completion: true };
                ok = take(&mut request.max_tokens, natural(&said).map(limit));
            }
            "temperature" => ok = take(&mut request.temperature, json::number(&said)),
            "topP" => ok = take(&mut request.top_p, json::number(&said)),
            "topK" => ok = take(&mut request.top_k, natural(&said)),
            "candidateCount" => ok = take(request.n.decoded_mut(), count(&said)),
            "seed" => ok = take(&mut request.seed, json::integer(&said)),
            "presencePenalty" => ok = take(&mut request.presence_penalty, json::number(&said)),
            "frequencyPenalty" => ok = take(&mut request.frequency_penalty, json::number(&said)),
            "stopSequences" => match serde_json::from_str(value) {
                Ok(stops) => request.stop.set_decoded(stops),
                Err(_) => ok = false,
            },
            "responseMimeType" | "responseSchema" | "responseJsonSchema" => {}
            "thinkingConfig" => {
                if let Some(config) = read(value) {
                    request.reasoning = thinking(&config);
                }
                extra.push((format!(".{CONFIG}{key}"), raw(value)));
            }
            _ => extra.push((format!("{CONFIG}{key}"), raw(value))),
        }
        if !ok {
            extra.push((format!("{CONFIG}{key}"), raw(value)));
        }
    }
    request.response_format.set_decoded(format(config));
}

/// Keeps what was read; whether there was something.
fn take<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    *slot = value;
    slot.is_some()
}

fn thinking(config: &Object<'_>) -> Reasoning {
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

fn format(config: &Object<'_>) -> Option<ResponseFormat> {
    let mime = config.str("responseMimeType");
    let (json_schema, openapi) = (config.non_null("responseJsonSchema"), config.non_null("responseSchema"));
    let json = mime.as_deref().is_none_or(|m| m == "application/json");
    match (json_schema, openapi, mime.as_deref()) {
        (Some(schema), ..) if json => Some(ResponseFormat::JsonSchema {
            name: String::from("response"),
            schema: Some(raw(schema)),
            strict: None,
            extra: ExtraFields::new(NAME, vec![(String::from("responseJsonSchema"), raw(schema))]),
        }),
        (None, Some(schema), _) if json => Some(ResponseFormat::JsonSchema {
            name: String::from("response"),
            schema: Some(raw(from_openapi(schema))),
            strict: None,
            extra: ExtraFields::new(NAME, vec![(String::from("responseSchema"), raw(schema))]),
        }),
        (None, None, Some("application/json")) => Some(ResponseFormat::JsonObject),
        (None, None, Some("text/plain")) => Some(ResponseFormat::Text),
        (None, None, None) => None,
        _ => {
            let mut own = Object::new();
            for (key, value) in config.iter().filter(|(key, _)| FORM.contains(key)) {
                own.set(key, value);
            }
            Some(ResponseFormat::Native { dialect: NAME, raw: raw(own.to_json()) })
        }
    }
}

const FORM: [&str; 3] = ["responseMimeType", "responseSchema", "responseJsonSchema"];

/// Writes the configuration of a request that came in another dialect.
pub(super) fn encode(request: &Request, diagnostics: &mut Diagnostics) -> Object<'static> {
    let mut config = Object::new();
    let members = [
        ("temperature", request.temperature.map(|v| v.to_string())),
        ("topP", request.top_p.map(|v| v.to_string())),
        ("topK", request.top_k.map(|v| v.to_string())),
        ("candidateCount", request.n.map(|v| v.to_string())),
        ("maxOutputTokens", request.max_tokens.map(|v| v.tokens.to_string())),
        ("seed", request.seed.map(|v| v.to_string())),
        ("presencePenalty", request.presence_penalty.map(|v| v.to_string())),
        ("frequencyPenalty", request.frequency_penalty.map(|v| v.to_string())),
    ];
    for (key, value) in members {
        if let Some(value) = value {
            config.set(key, value);
        }
    }
    if !request.stop.is_empty() {
        let stops: Vec<_> = request.stop.iter().map(|s| encode_string(s)).collect();
        config.set("stopSequences", format!("[{}]", stops.join(",")));
    }
    write_format(request.response_format.as_ref(), &mut config, diagnostics);
    if let Some(budget) = budget(&request.reasoning, diagnostics) {
        config.set("thinkingConfig", budget);
    }
    for (key, value) in request.extra.of(NAME) {
        if let Some(key) = plain(key).strip_prefix(CONFIG) {
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
        Some(ResponseFormat::JsonSchema { schema: json_schema, extra, .. }) => {
            config.set("responseMimeType", "\"application/json\"");
            extra.report(NAME, "response_format", diagnostics);
            if let Some((key, value)) = extra.of(NAME).first() {
                config.set(key.clone(), value.get().to_owned());
            } else if let Some(json_schema) = json_schema {
                config.set("responseJsonSchema", schema(json_schema.get(), "response_format", diagnostics));
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

/// Budgets for OpenAI's words, as Google's own OpenAI endpoint sets them: models of every generation take budgets, and only
/// the newest take levels.
const EFFORTS: [(&str, i64); 7] = [
    ("none", 0),
    ("minimal", 1024),
    ("low", 1024),
    ("medium", 8192),
    ("high", 24576),
    ("xhigh", 24576),
    ("max", 24576),
];

fn budget(reasoning: &Reasoning, diagnostics: &mut Diagnostics) -> Option<String> {
    let word = reasoning.effort.as_deref();
    let known = word.and_then(|w| EFFORTS.iter().find(|(known, _)| *known == w)).map(|(_, budget)| *budget);
    let budget = match (reasoning.enabled, reasoning.budget, known) {
        (Some(false), ..) => 0,
        (_, Some(budget), _) => i64::try_from(budget).unwrap_or(i64::MAX),
        (.., Some(budget)) => budget,
        (Some(true), ..) => -1,
        (None, None, None) => {
            if let Some(word) = word {
                diagnostics.record(DiagnosticCode::FeatureUnsupported, "reasoning_effort", word);
            }
            return None;
        }
    };
    Some(match budget {
        0 => String::from(r#"{"thinkingBudget":0}"#),
        // Other dialects show thoughts without being asked.
        budget => format!(r#"{{"thinkingBudget":{budget},"includeThoughts":true}}"#),
    })
}

/// The client's own configuration, with what differs and what it lacks.
pub(super) fn patch(config: &mut Object<'_>, request: &Request, diagnostics: &mut Diagnostics) {
    let differs = [
        (request.stop.is_changed(), &["stopSequences"][..]),
        (request.n.is_changed(), &["candidateCount"]),
        (request.response_format.is_changed(), &FORM),
    ];
    if differs.iter().any(|(differs, _)| *differs) {
        let anew = encode(request, diagnostics);
        let keys = differs.iter().filter(|(differs, _)| *differs).flat_map(|(_, keys)| keys.iter().copied());
        for key in keys {
            let spelled: Vec<String> =
                config.iter().filter(|(k, _)| super::camel(k) == key).map(|(k, _)| k.to_owned()).collect();
            for spelled in spelled {
                config.remove(&spelled);
            }
            if let Some(value) = anew.get(key) {
                config.set(key, value.to_owned());
            }
        }
    }
    let known = ["maxOutputTokens", "max_output_tokens"].iter().any(|key| config.non_null(key).is_some());
    if let Some(limit) = request.max_tokens.filter(|_| !known) {
        config.set("maxOutputTokens", limit.tokens.to_string());
    }
}
