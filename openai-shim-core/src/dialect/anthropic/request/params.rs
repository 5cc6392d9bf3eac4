//! Parameters that other dialects spell differently: `thinking`, `output_config` and `metadata` to `Request` and back. Those
//! that this API lacks are reported.

use super::super::extra_fields;
use super::super::names::NAME;
use super::signed_thinking::{has_calls_without_thinking, has_unsigned_thinking};
use crate::canonical::{DiagnosticCode, Diagnostics, Reasoning, Request, ResponseFormat, ToolChoice};
use crate::json::{Object, encode_string, raw};
use std::borrow::Cow;

/// The smallest token budget of thinking that the API takes.
const MIN_BUDGET_TOKENS: u64 = 1024;

/// Reads a parameter into the request; returns the JSON of what has no place there.
pub(super) fn read(key: &str, value: &str, request: &mut Request) -> Option<String> {
    if key == "tool_choice" {
        super::tools::read_choice(value, request);
        return None;
    }
    let Ok(mut object) = Object::parse(value.as_bytes()) else { return Some(value.to_owned()) };
    match key {
        "thinking" => read_thinking(&mut object, &mut request.reasoning),
        "output_config" => {
            request.reasoning.effort = object.str("effort").map(Cow::into_owned);
            if request.reasoning.effort.is_some() {
                object.remove("effort");
            }
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

fn read_thinking(thinking: &mut Object<'_>, reasoning: &mut Reasoning) {
    let mode = thinking.str("type").map(Cow::into_owned);
    reasoning.enabled = mode.as_ref().map(|mode| mode != "disabled");
    reasoning.budget = thinking.u64("budget_tokens").filter(|_| mode.as_deref() == Some("enabled"));
    if reasoning.budget.is_some() {
        thinking.remove("budget_tokens");
    }
    if matches!(mode.as_deref(), Some("adaptive" | "disabled")) || reasoning.budget.is_some() {
        thinking.remove("type");
    }
}

/// The older name of `output_config.format`; in the extra fields of a format it marks one that has this name.
const OLD_FORMAT_KEY: &str = "output_format";

fn read_format(format: &Object<'_>, has_old_key: bool) -> Option<ResponseFormat> {
    if format.str("type").as_deref() != Some("json_schema") {
        return None;
    }
    let mut extra = extra_fields::read(format, &["type", "schema"]);
    if has_old_key {
        extra.members.push((OLD_FORMAT_KEY.to_owned(), raw("true")));
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
        body.set(key.clone(), value.get().to_owned());
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

/// Disables thinking where the API rejects it: the last tool calls lack the thinking before them, which another model wrote.
pub(super) fn disable_rejected_thinking(
    request: &Request,
    body: &mut Object<'_>,
    diagnostics: &mut Diagnostics,
) {
    let thinking = body.object("thinking");
    let is_enabled = thinking.is_some_and(|thinking| thinking.str("type").as_deref() == Some("enabled"));
    // Other models behind this API do not sign thinking.
    let never_signs = !request.messages.is_changed()
        && !request.model.contains("claude")
        && request.messages.iter().any(has_unsigned_thinking);
    if is_enabled && !never_signs && has_calls_without_thinking(&request.messages) {
        body.set("thinking", r#"{"type":"disabled"}"#);
        diagnostics.record(DiagnosticCode::ParamDropped, "thinking", MISSING_THINKING);
    }
}

const MISSING_THINKING: &str = "the thinking before the last tool call did not come back";

/// Writes `thinking`, `output_config` and `metadata` of a client of this dialect.
fn write_same_dialect(request: &Request, body: &mut Object<'_>) {
    let reasoning = &request.reasoning;
    let mut thinking = take_extra("thinking", body);
    if thinking.get("type").is_none() {
        match (reasoning.enabled, reasoning.budget) {
            (Some(false), _) => thinking.set_first("type", "\"disabled\""),
            (_, Some(budget)) => {
                thinking.set_first("budget_tokens", budget.to_string());
                thinking.set_first("type", "\"enabled\"");
            }
            (Some(true), None) => thinking.set_first("type", "\"adaptive\""),
            (None, None) => {}
        }
    }
    let mut config = take_extra("output_config", body);
    if let Some(effort) = &reasoning.effort {
        config.set("effort", encode_string(effort));
    }
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
        format.set("schema", schema.get());
    }
    for (key, value) in extra.of(NAME).iter().filter(|(key, _)| key != OLD_FORMAT_KEY) {
        format.set(key.as_str(), value.get());
    }
    match extra.get(OLD_FORMAT_KEY) {
        Some(_) => body.set(OLD_FORMAT_KEY, format.to_json()),
        None => config.set("format", format.to_json()),
    }
}

/// Writes the parameters that were changed into a body of this dialect.
pub(super) fn write_changed(request: &Request, body: &mut Object<'_>) {
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
        body.set("service_tier", write_service_tier(tier.get()));
    }
    if is_same_dialect {
        write_same_dialect(request, body);
        return;
    }
    if let Some(user) = &request.user {
        body.set("metadata", format!("{{\"user_id\":{}}}", encode_string(user)));
    }
    let mut config = Object::new();
    write_thinking(request, body, &mut config, diagnostics);
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

/// Writes `thinking`, as a budget or an effort, depending on the model. Returns whether thinking is enabled.
fn write_thinking(
    request: &Request,
    body: &mut Object<'_>,
    config: &mut Object<'_>,
    diagnostics: &mut Diagnostics,
) -> bool {
    let reasoning = &request.reasoning;
    if reasoning.enabled == Some(false) || reasoning.effort.as_deref() == Some("none") {
        body.set("thinking", r#"{"type":"disabled"}"#);
        return false;
    }
    if *reasoning == (Reasoning { use_token_budget: reasoning.use_token_budget, ..Reasoning::default() }) {
        return false;
    }
    if matches!(*request.tool_choice, Some(ToolChoice::Required | ToolChoice::Function(_))) {
        diagnostics.record(DiagnosticCode::ParamDropped, "reasoning", "not while a tool is demanded");
        return false;
    }
    if !reasoning.use_token_budget {
        body.set("thinking", r#"{"type":"adaptive"}"#);
        match reasoning.as_effort() {
            Some("minimal") => {
                diagnostics.record(DiagnosticCode::ParamClamped, "reasoning", "minimal to low");
                config.set("effort", "\"low\"");
            }
            Some(effort) => config.set("effort", encode_string(effort)),
            None => {}
        }
        return true;
    }
    if has_calls_without_thinking(&request.messages) {
        diagnostics.record(DiagnosticCode::ParamDropped, "reasoning", MISSING_THINKING);
        return false;
    }
    let max_tokens = body.u64("max_tokens").unwrap_or_default();
    let budget = reasoning.as_budget(max_tokens).unwrap_or(max_tokens / 2).max(MIN_BUDGET_TOKENS);
    let budget = budget.min(max_tokens.saturating_sub(1));
    if budget < MIN_BUDGET_TOKENS {
        diagnostics.record(
            DiagnosticCode::ParamDropped,
            "reasoning",
            "max_tokens leaves no room for thinking",
        );
        return false;
    }
    body.set("thinking", format!("{{\"type\":\"enabled\",\"budget_tokens\":{budget}}}"));
    true
}

fn write_format(format: Option<&ResponseFormat>, config: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    match format {
        Some(ResponseFormat::JsonSchema { schema: Some(schema), .. }) => {
            let schema = schema.get();
            config.set("format", format!("{{\"type\":\"json_schema\",\"schema\":{schema}}}"));
            diagnostics.record(DiagnosticCode::ParamRenamed, "response_format", "output_config.format");
        }
        Some(ResponseFormat::Native { dialect: NAME, .. } | ResponseFormat::Text) | None => {}
        Some(_) => {
            diagnostics.record(
                DiagnosticCode::FeatureUnsupported,
                "response_format",
                "JSON without a schema",
            );
        }
    }
}
