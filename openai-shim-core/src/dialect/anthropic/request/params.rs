//! Parameters that other dialects spell differently: `thinking`, `output_config` and `metadata` to `Request` and back. Those
//! that this API lacks are reported.

use super::super::extra_fields;
use super::super::names::NAME;
use super::thinking;
use crate::canonical::{DiagnosticCode, Diagnostics, Request, ResponseFormat};
use crate::json::{Object, encode_string, raw};
use std::borrow::Cow;

/// Reads a parameter into the request; returns the JSON of what has no place there.
pub(super) fn read(key: &str, value: &str, request: &mut Request) -> Option<String> {
    if key == "tool_choice" {
        super::tools::read_choice(value, request);
        return None;
    }
    let Ok(mut object) = Object::parse(value.as_bytes()) else { return Some(value.to_owned()) };
    match key {
        "thinking" => thinking::decode(&mut object, request.reasoning.decoded_mut()),
        "output_config" => {
            thinking::decode_effort(&mut object, request.reasoning.decoded_mut());
            if let Some(format) = object.object("format").and_then(|format| read_format(&format, false)) {
                request.response_format.set_decoded(Some(format));
                object.remove("format");
            }
        }
        "output_format" => {
            request.response_format.set_decoded(read_format(&object, true));
            return request.response_format.is_none().then(|| value.to_owned());
        }
        "metadata" => {
            request.user = object.str("user_id").map(Cow::into_owned);
            if request.user.is_some() {
                object.remove("user_id");
            }
        }
        _ => return Some(value.to_owned()),
    }
    (!object.is_empty()).then(|| object.to_json())
}

/// The older name of `output_config.format`.
const OLD_FORMAT_KEY: &str = "output_format";
/// Marks a format that has this name, among its extra fields.
const OLD_FORMAT_MARK: &str = ".output_format";

fn read_format(format: &Object<'_>, has_old_key: bool) -> Option<ResponseFormat> {
    if format.str("type").as_deref() != Some("json_schema") {
        return None;
    }
    let mut extra = extra_fields::read(format, &["type", "schema"]);
    if has_old_key {
        extra.members.push((OLD_FORMAT_MARK.to_owned(), raw("true")));
    }
    Some(ResponseFormat::JsonSchema {
        // Other dialects require a name; this one has none.
        name: String::from("output"),
        schema: format.non_null("schema").map(raw),
        strict: Some(true),
        extra,
    })
}

/// Writes the extra fields of a client of this dialect.
pub(super) fn write_extra(request: &Request, body: &mut Object<'_>) {
    for (key, value) in request.extra.of(NAME) {
        body.set(key.clone(), value.as_str().to_owned());
    }
}

/// Removes a parameter from the body; returns its fields, all of which our model has no place for.
fn take_extra(key: &'static str, body: &mut Object<'_>) -> Object<'static> {
    let extra = body.object(key).map(Object::into_owned).unwrap_or_default();
    if !extra.is_empty() {
        body.remove(key);
    }
    extra
}

/// Writes `thinking`, `output_config` and `metadata` of a client of this dialect.
fn write_same_dialect(request: &Request, body: &mut Object<'_>) {
    let mut thinking = take_extra("thinking", body);
    let mut config = take_extra("output_config", body);
    thinking::encode(&request.reasoning, &mut thinking, &mut config);
    write_original_format(request, body, &mut config);
    let mut metadata = take_extra("metadata", body);
    if let Some(user) = &request.user {
        metadata.set("user_id", encode_string(user));
    }
    for (key, object) in [("thinking", thinking), ("output_config", config), ("metadata", metadata)] {
        if !object.is_empty() {
            body.set(key, object.to_json());
        }
    }
}

/// Writes the output format under the key that the client used.
fn write_original_format(request: &Request, body: &mut Object<'_>, config: &mut Object<'_>) {
    let Some(ResponseFormat::JsonSchema { schema, extra, .. }) = &*request.response_format else { return };
    let mut format = Object::new();
    format.set("type", "\"json_schema\"");
    if let Some(schema) = schema {
        format.set("schema", schema.as_str());
    }
    for (key, value) in extra.of(NAME).iter().filter(|(key, _)| key != OLD_FORMAT_MARK) {
        format.set(key.as_str(), value.as_str());
    }
    match extra.get(OLD_FORMAT_MARK) {
        Some(_) => body.set(OLD_FORMAT_KEY, format.to_json()),
        None => config.set("format", format.to_json()),
    }
}

/// Writes the parameters that were changed into a body of this dialect.
pub(super) fn write_changed(request: &Request, body: &mut Object<'_>) {
    if request.reasoning.is_changed() {
        thinking::encode_changed(&request.reasoning, body);
    }
    if request.response_format.is_changed() {
        let mut config = body.object("output_config").map(Object::into_owned).unwrap_or_default();
        let had_format = config.remove("format").is_some();
        body.remove(OLD_FORMAT_KEY);
        write_original_format(request, body, &mut config);
        if had_format || !config.is_empty() {
            body.set("output_config", config.to_json());
        }
    }
    if request.stop.is_changed() {
        let stops: Vec<_> = request.stop.iter().map(|s| encode_string(s)).collect();
        if stops.is_empty() {
            body.remove("stop_sequences");
        } else {
            body.set("stop_sequences", format!("[{}]", stops.join(",")));
        }
    }
}

/// Writes all parameters, into a body that has none of the client's bytes.
pub(super) fn write(
    request: &Request,
    is_same_dialect: bool,
    body: &mut Object<'_>,
    diagnostics: &mut Diagnostics,
) {
    let stops: Vec<_> = request.stop.iter().map(|s| encode_string(s)).collect();
    if !stops.is_empty() {
        body.set("stop_sequences", format!("[{}]", stops.join(",")));
    }
    write_number("temperature", request.temperature, body);
    write_number("top_p", request.top_p, body);
    write_number("top_k", request.top_k, body);
    let tier = request.shared.iter().find(|(key, _)| key == "service_tier");
    if let Some((_, tier)) = tier {
        body.set("service_tier", write_service_tier(tier.as_str()));
    }
    if is_same_dialect {
        write_same_dialect(request, body);
        return;
    }
    if let Some(user) = &request.user {
        body.set("metadata", format!("{{\"user_id\":{}}}", encode_string(user)));
    }
    let mut config = Object::new();
    let mut thinking = Object::new();
    thinking::encode(&request.reasoning, &mut thinking, &mut config);
    if !thinking.is_empty() {
        body.set("thinking", thinking.to_json());
    }
    write_format(request.response_format.as_ref(), &mut config, diagnostics);
    if !config.is_empty() {
        body.set("output_config", config.to_json());
    }
}

/// OpenAI's word for a service tier; `None`: it has none.
pub(super) fn read_service_tier(value: &str) -> Option<&'static str> {
    match value.trim() {
        "\"auto\"" => Some("\"auto\""),
        "\"standard_only\"" => Some("\"default\""),
        _ => None,
    }
}

/// This API's word for one of OpenAI's service tiers.
fn write_service_tier(value: &str) -> &'static str {
    if value.trim() == "\"default\"" { "\"standard_only\"" } else { "\"auto\"" }
}

fn write_number<T: std::fmt::Display>(key: &'static str, value: Option<T>, body: &mut Object<'_>) {
    if let Some(value) = value {
        body.set(key, value.to_string());
    }
}

fn write_format(format: Option<&ResponseFormat>, config: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    match format {
        Some(ResponseFormat::JsonSchema { schema: Some(schema), extra, .. }) => {
            let schema = schema.as_str();
            extra.report_lost(NAME, "response_format", diagnostics);
            config.set("format", format!("{{\"type\":\"json_schema\",\"schema\":{schema}}}"));
            diagnostics.record(DiagnosticCode::ParamRenamed, "response_format", "output_config.format");
        }
        Some(ResponseFormat::Native { dialect, .. }) if *dialect != NAME => {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, "response_format", dialect);
        }
        _ => {}
    }
}
