//! `generationConfig`: limits, sampling, response format and thinking, to `Request` and back.
//!
//! <https://ai.google.dev/api/generate-content#generationconfig>

use super::extra_fields;
use super::json_keys::{camel_case, parse_object};
use super::names::NAME;
use crate::canonical::{
    DiagnosticCode, Diagnostics, ExtraFields, NATIVE_SCHEMA, Reasoning, ReasoningDisplay, ReasoningMode,
    ReasoningParam, Request, ResponseFormat, TokenLimit,
};
use crate::json::{self, Object, RawJson, count, encode_string, from_openapi, natural, raw, string_or_json};

/// The prefix of a field of `generationConfig` among the extra fields of a request.
const EXTRA_PREFIX: &str = "generationConfig.";

/// Decodes the configuration; fields without a place in our model go to `extra`.
pub(super) fn decode(config: &Object<'_>, request: &mut Request, extra: &mut Vec<(String, RawJson)>) {
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
            "responseLogprobs" if config.bool(key) == Some(true) => {
                let top = config.get("logprobs").and_then(|top| natural(&string_or_json(top)));
                request.logprobs = Some(top.unwrap_or(0));
            }
            // Without the switch the API returns none.
            "logprobs" if config.bool("responseLogprobs") == Some(true) && natural(&text).is_some() => {}
            "responseMimeType" | "responseSchema" | "responseJsonSchema" => {}
            "thinkingConfig" => {
                if let Some(config) = parse_object(value) {
                    request.reasoning.set_decoded(decode_thinking(&config));
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
    reasoning.field = "generationConfig.thinkingConfig";
    if let Some(level) = config.str("thinkingLevel").filter(|level| level != "THINKING_LEVEL_UNSPECIFIED") {
        reasoning.set_effort(level.to_ascii_lowercase());
    }
    // `NONE` is no level of this API: it is sent as one of the others.
    if !reasoning.is_off() {
        reasoning.params.insert(ReasoningParam::OwnBudget);
    }
    match config.get("thinkingBudget").and_then(|budget| json::integer(&string_or_json(budget))) {
        Some(0) => reasoning.mode = Some(ReasoningMode::Off),
        Some(budget) if budget < 0 => reasoning.mode = Some(ReasoningMode::On),
        Some(budget) => reasoning.budget = u64::try_from(budget).ok(),
        None => {}
    }
    reasoning.display = config
        .bool("includeThoughts")
        .map(|is_shown| if is_shown { ReasoningDisplay::Auto } else { ReasoningDisplay::Omitted });
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
            extra: ExtraFields::default(),
        }),
        (None, Some(schema), _) if is_json => Some(ResponseFormat::JsonSchema {
            name: String::from("response"),
            schema: Some(raw(from_openapi(schema))),
            strict: None,
            extra: ExtraFields::new(NAME, vec![(NATIVE_SCHEMA.to_owned(), raw(schema))]),
        }),
        (_, _, Some(ENUM_MEDIA_TYPE)) if enum_values(config).is_some() => {
            enum_values(config).map(ResponseFormat::TextEnum)
        }
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

/// The media type of an answer that is one of some texts.
const ENUM_MEDIA_TYPE: &str = "text/x.enum";

/// The texts of which the answer is one; `None` if the schema is no list of texts.
fn enum_values(config: &Object<'_>) -> Option<Vec<String>> {
    let schema = config.non_null("responseJsonSchema").or_else(|| config.non_null("responseSchema"))?;
    let values: Vec<String> = serde_json::from_str(parse_object(schema)?.get("enum")?).ok()?;
    Some(values).filter(|values| !values.is_empty())
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
        ("responseLogprobs", request.logprobs.map(|_| String::from("true"))),
        ("logprobs", request.logprobs.filter(|top| *top > 0).map(|top| top.to_string())),
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
    if let Some(thinking) = encode_thinking(&request.reasoning) {
        config.set("thinkingConfig", thinking);
    }
    for (key, value) in request.extra.of(NAME) {
        if let Some(key) = extra_fields::without_dot(key).strip_prefix(EXTRA_PREFIX)
            && !(key == "thinkingConfig" && request.reasoning.is_changed())
        {
            config.set(key.to_owned(), value.as_str().to_owned());
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
            if let Some((_, value)) = extra.of(NAME).iter().find(|(key, _)| key == NATIVE_SCHEMA) {
                config.set("responseSchema", value.as_str().to_owned());
            } else if let Some(schema) = schema {
                config.set("responseJsonSchema", schema.as_str().to_owned());
            }
        }
        Some(ResponseFormat::TextEnum(values)) => {
            let values: Vec<_> = values.iter().map(|value| encode_string(value)).collect();
            config.set("responseMimeType", encode_string(ENUM_MEDIA_TYPE));
            config.set("responseSchema", format!(r#"{{"type":"STRING","enum":[{}]}}"#, values.join(",")));
        }
        Some(ResponseFormat::Native { dialect: NAME, raw }) => {
            for (key, value) in Object::parse(raw.as_str().as_bytes()).unwrap_or_default().iter() {
                config.set(key.to_owned(), value.to_owned());
            }
        }
        Some(ResponseFormat::Native { dialect, .. }) => {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, "response_format", dialect);
        }
    }
}

/// Encodes the configuration of thinking: a level or a budget, and whether thoughts are shown.
fn encode_thinking(reasoning: &Reasoning) -> Option<String> {
    let mut config = Object::new();
    let budget = match (reasoning.mode, reasoning.budget, &reasoning.effort) {
        (Some(ReasoningMode::Off), ..) => Some(String::from("0")),
        (_, Some(budget), _) => Some(budget.to_string()),
        (.., Some(level)) => {
            config.set("thinkingLevel", encode_string(&level.to_ascii_uppercase()));
            None
        }
        (Some(_), ..) => Some(String::from("-1")),
        (None, ..) => None,
    };
    if let Some(budget) = budget {
        config.set("thinkingBudget", budget);
    }
    if let Some(display) = reasoning.display {
        config.set("includeThoughts", (display != ReasoningDisplay::Omitted).to_string());
    }
    (!config.is_empty()).then(|| config.to_json())
}

/// Writes the fields that were changed, and a limit that is missing, into the client's own configuration.
pub(super) fn encode_changed(config: &mut Object<'_>, request: &Request, diagnostics: &mut Diagnostics) {
    let groups = [
        (request.stop.is_changed(), &["stopSequences"][..]),
        (request.n.is_changed(), &["candidateCount"]),
        (request.response_format.is_changed(), &FORMAT_FIELDS),
        (request.reasoning.is_changed(), &["thinkingConfig"]),
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
