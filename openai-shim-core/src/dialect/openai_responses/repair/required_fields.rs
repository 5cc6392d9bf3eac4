//! Responses, items and content parts to ones with every field that OpenAI's SDKs require.

use super::super::echoed_params::echoed_param;
use super::super::extra_fields::parse_or_empty;
use super::super::usage;
use super::event_order::id_prefix;
use crate::canonical::{
    DiagnosticCode, Diagnostics, ResponseContext, ResponseSpec, Usage, time, unwrap_encoded_twice,
};
use crate::json::{Object, ValueKind, encode_string, string_or_json, value_kind};
use std::borrow::Cow;

/// The required fields of a response, and whether they may be null.
const REQUIRED_FIELDS: [(&str, bool); 9] = [
    ("error", true),
    ("incomplete_details", true),
    ("instructions", true),
    ("metadata", true),
    ("parallel_tool_calls", false),
    ("temperature", true),
    ("tool_choice", false),
    ("tools", false),
    ("top_p", true),
];

/// The values of `service_tier` in the types of the SDKs.
const SERVICE_TIERS: [&str; 5] = ["auto", "default", "flex", "scale", "priority"];

/// Fills in a response object. `streamed_items` replace a missing output, and give the output's items their ids.
pub(super) fn fill_response(
    object: &mut Object<'_>,
    streamed_items: &[String],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) {
    if object.str("id").is_none_or(|id| id.is_empty()) {
        fill(
            object,
            "id",
            encode_string(&context.new_id("resp_")),
            DiagnosticCode::IdSynthesized,
            diagnostics,
        );
    }
    if object.str("object").as_deref() != Some("response") {
        fill(object, "object", "\"response\"", DiagnosticCode::ObjectFilled, diagnostics);
    }
    if !object.get("created_at").is_some_and(is_in_seconds) {
        let created = object.get("created_at").and_then(time::read_seconds).unwrap_or(spec.created);
        fill(object, "created_at", created.to_string(), DiagnosticCode::CreatedFilled, diagnostics);
    }
    if object.str("model").is_none() {
        fill(object, "model", encode_string(&spec.model), DiagnosticCode::ModelFilled, diagnostics);
    } else if spec.restore_alias && object.str("model").as_deref() != Some(spec.model.as_str()) {
        object.set("model", encode_string(&spec.model));
    }
    for (key, is_nullable) in REQUIRED_FIELDS {
        let is_present = if is_nullable { object.get(key) } else { object.non_null(key) }.is_some();
        if !is_present {
            let value = echoed_param(spec, key).unwrap_or_else(|| String::from("null"));
            fill(object, key, value, DiagnosticCode::FieldFilled, diagnostics);
        }
    }
    if object.str("service_tier").is_some_and(|tier| !SERVICE_TIERS.contains(&tier.as_ref())) {
        object.remove("service_tier");
        diagnostics.record(DiagnosticCode::FieldDropped, "service_tier", "");
    }
    fill_output(object, streamed_items, spec, context, diagnostics);
    fill_schema_name(object, diagnostics);
    fill_usage(object, diagnostics);
}

/// Whether a time is a number, which may have a fraction, of seconds.
fn is_in_seconds(created: &str) -> bool {
    let integer = created.trim().split('.').next().unwrap_or_default();
    let is_in_seconds = |time: u64| time::to_seconds(time) == time;
    value_kind(created) == ValueKind::Number && integer.parse().is_ok_and(is_in_seconds)
}

fn fill(
    object: &mut Object<'_>,
    key: &'static str,
    value: impl Into<String>,
    code: DiagnosticCode,
    diagnostics: &mut Diagnostics,
) {
    object.set(key, value.into());
    diagnostics.record(code, key, "");
}

fn fill_output(
    object: &mut Object<'_>,
    streamed_items: &[String],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) {
    let existing = object.array("output");
    let is_missing = existing.is_none();
    let mut output: Vec<String> = existing.unwrap_or_default().into_iter().map(str::to_owned).collect();
    if output.is_empty() && (!streamed_items.is_empty() || is_missing) {
        fill(
            object,
            "output",
            format!("[{}]", streamed_items.join(",")),
            DiagnosticCode::FieldFilled,
            diagnostics,
        );
        return;
    }
    let mut is_changed = false;
    for (index, json) in output.iter_mut().enumerate() {
        // The client has got the item under its streamed id.
        let mut item = parse_or_empty(json);
        let streamed_item = streamed_items.get(index);
        let streamed_id = streamed_item.and_then(|item| parse_or_empty(item).get("id").map(str::to_owned));
        let given_id = item.get("id").map(str::to_owned);
        if let Some(id) = streamed_id.filter(|id| given_id.as_ref() != Some(id)) {
            if given_id.is_some() {
                diagnostics.record(DiagnosticCode::IdPinned, "output[].id", "");
            }
            item.set("id", id);
            *json = item.to_json();
            is_changed = true;
        }
        if let Some(filled) = fill_item(json, false, context, diagnostics) {
            *json = filled;
            is_changed = true;
        }
    }
    if let Some(text) = object.str("reasoning").map(Cow::into_owned) {
        // Reasoning in place of the request's parameter becomes an item; the decoder recorded it.
        object.set("reasoning", echoed_param(spec, "reasoning").unwrap_or_else(|| String::from("null")));
        if !text.trim().is_empty() {
            let id = encode_string(&context.new_id("rs_"));
            let summary = format!(r#"[{{"type":"summary_text","text":{}}}]"#, encode_string(&text));
            output.insert(0, format!(r#"{{"id":{id},"type":"reasoning","summary":{summary}}}"#));
            is_changed = true;
        }
    }
    if is_changed {
        object.set("output", format!("[{}]", output.join(",")));
    }
}

/// Gives the repeated schema of a structured output a name, which it must have.
fn fill_schema_name(object: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let Some(mut text) = object.object("text").map(Object::into_owned) else { return };
    let Some(mut format) = text.object("format").map(Object::into_owned) else { return };
    if format.str("type").as_deref() == Some("json_schema") && format.str("name").is_none() {
        format.set("name", "\"response\"");
        text.set("format", format.to_json());
        fill(object, "text", text.to_json(), DiagnosticCode::FieldFilled, diagnostics);
    }
}

/// Fills in the details of usage, which are required too.
fn fill_usage(object: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let Some(existing) = object.object("usage") else { return };
    let details = ["input_tokens_details", "output_tokens_details"];
    let totals = ["input_tokens", "output_tokens", "total_tokens"];
    let has_counts = |object: &Object<'_>| {
        object.iter().filter(|(key, _)| key.ends_with("_tokens")).all(|(key, _)| object.u64(key).is_some())
    };
    let usage = object.get("usage").and_then(usage::decode);
    let is_complete = details.iter().all(|key| existing.object(key).as_ref().is_some_and(has_counts))
        && totals.iter().all(|key| existing.u64(key).is_some());
    if is_complete && usage.as_ref().is_none_or(Usage::is_consistent) {
        return;
    }
    if let Some(complete) = usage.map(|usage| usage::encode(&usage)) {
        fill(object, "usage", complete, DiagnosticCode::UsageShaped, diagnostics);
    }
}

/// Fills in an item; `None` if nothing is missing. `begins`: its parts are still to come.
pub(super) fn fill_item(
    json: &str,
    begins: bool,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    let mut item = Object::parse(json.as_bytes()).ok()?;
    let kind = item.str("type").map(Cow::into_owned).unwrap_or_default();
    if ["message", "reasoning"].contains(&kind.as_str()) && item.str("id").is_none_or(|id| id.is_empty()) {
        item.set("id", encode_string(&context.new_id(id_prefix(&kind))));
        diagnostics.record(DiagnosticCode::IdSynthesized, "output[].id", "");
    }
    let mut fill = |item: &mut Object<'_>, key: &'static str, value: String| {
        item.set(key, value);
        diagnostics.record(DiagnosticCode::FieldFilled, &format!("output[].{key}"), "");
    };
    match item.str("type").as_deref() {
        Some("message") => {
            if item.non_null("status").is_none() {
                fill(&mut item, "status", encode_string(if begins { "in_progress" } else { "completed" }));
            }
            if item.str("role").is_none() {
                fill(&mut item, "role", String::from("\"assistant\""));
            }
            match item.get("content").map(|content| (value_kind(content), content.to_owned())) {
                Some((ValueKind::Array, _)) => {}
                Some((ValueKind::String, text)) => {
                    let part = format!(r#"[{{"type":"output_text","text":{text}}}]"#);
                    fill(&mut item, "content", part);
                }
                _ => fill(&mut item, "content", String::from("[]")),
            }
            fill_parts(&mut item, diagnostics);
        }
        Some("reasoning") if item.non_null("summary").is_none() => {
            fill(&mut item, "summary", String::from("[]"));
        }
        Some("function_call") => {
            let arguments = item.get("arguments").map(|a| (value_kind(a), string_or_json(a)));
            let shaped = arguments.and_then(|(kind, text)| match kind {
                ValueKind::String => unwrap_encoded_twice(&text),
                _ => Some(text.into_owned()),
            });
            if let Some(text) = shaped {
                item.set("arguments", encode_string(&text));
                diagnostics.record(DiagnosticCode::ToolArgumentsShaped, "output[].arguments", "");
            }
            if item.str("call_id").is_none_or(|id| id.is_empty())
                && let Some(id) = item.get("id").map(str::to_owned)
            {
                item.set("call_id", id);
                diagnostics.record(DiagnosticCode::ToolIdSynthesized, "output[].call_id", "");
            }
        }
        _ => {}
    }
    item.is_changed().then(|| item.to_json())
}

fn fill_parts(item: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let parts: Vec<String> =
        item.array("content").unwrap_or_default().into_iter().map(str::to_owned).collect();
    let filled: Vec<Option<String>> = parts.iter().map(|json| fill_part(json, diagnostics)).collect();
    if filled.iter().any(Option::is_some) {
        let parts: Vec<String> =
            parts.into_iter().zip(filled).map(|(part, filled)| filled.unwrap_or(part)).collect();
        item.set("content", format!("[{}]", parts.join(",")));
    }
}

/// Fills in a content part; `None` if nothing is missing.
pub(super) fn fill_part(json: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    let mut part = Object::parse(json.as_bytes()).ok()?;
    if part.str("type").as_deref() != Some("output_text") {
        return None;
    }
    for key in ["annotations", "logprobs"] {
        if part.non_null(key).is_none() {
            part.set(key, "[]");
            diagnostics.record(DiagnosticCode::FieldFilled, &format!("output[].content[].{key}"), "");
        }
    }
    let mut annotations: Vec<String> =
        part.array("annotations").unwrap_or_default().into_iter().map(str::to_owned).collect();
    let mut is_changed = false;
    for annotation in &mut annotations {
        if let Some(filled) = fill_url_citation(annotation) {
            *annotation = filled;
            is_changed = true;
        }
    }
    if is_changed {
        part.set("annotations", format!("[{}]", annotations.join(",")));
        diagnostics.record(DiagnosticCode::FieldFilled, "output[].content[].annotations", "");
    }
    part.is_changed().then(|| part.to_json())
}

/// Fills in the offsets and the title of a URL citation, which some servers leave out.
fn fill_url_citation(json: &str) -> Option<String> {
    let mut citation = Object::parse(json.as_bytes()).ok()?;
    if citation.str("type").as_deref() != Some("url_citation") {
        return None;
    }
    for (key, value) in [("start_index", "0"), ("end_index", "0"), ("title", "\"\"")] {
        if citation.non_null(key).is_none() {
            citation.set(key, value);
        }
    }
    citation.is_changed().then(|| citation.to_json())
}
