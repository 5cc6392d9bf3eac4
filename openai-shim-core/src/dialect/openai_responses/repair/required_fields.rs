//! Objects put right: what the SDKs demand of them is there afterwards.

use super::super::content_part::object_of;
use super::super::response_object::echoed_param;
use super::super::usage;
use super::event_order::prefix;
use crate::canonical::{DiagnosticCode, Diagnostics, ResponseContext, ResponseSpec};
use crate::json::{Object, ValueKind, encode_string, string_or_json, value_kind};
use std::borrow::Cow;

/// Members that the SDKs demand of a response, and whether they may be null.
const REQUIRED: [(&str, bool); 9] = [
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

const TIERS: [&str; 5] = ["auto", "default", "flex", "scale", "priority"];

/// Puts a response object right. `items`: what streamed, for an upstream that leaves it out at the end.
pub(super) fn response(
    object: &mut Object<'_>,
    items: &[String],
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
    if object.get("created_at").is_none_or(|created| value_kind(created) != ValueKind::Number) {
        fill(object, "created_at", spec.created.to_string(), DiagnosticCode::CreatedFilled, diagnostics);
    }
    if object.str("model").is_none() {
        fill(object, "model", encode_string(&spec.model), DiagnosticCode::ModelFilled, diagnostics);
    } else if spec.restore_alias && object.str("model").as_deref() != Some(spec.model.as_str()) {
        object.set("model", encode_string(&spec.model));
    }
    for (key, nullable) in REQUIRED {
        let there = if nullable { object.get(key) } else { object.non_null(key) }.is_some();
        if !there {
            let value = echoed_param(spec, key).unwrap_or_else(|| String::from("null"));
            fill(object, key, value, DiagnosticCode::FieldFilled, diagnostics);
        }
    }
    if object.str("service_tier").is_some_and(|tier| !TIERS.contains(&tier.as_ref())) {
        object.remove("service_tier");
        diagnostics.record(DiagnosticCode::FieldDropped, "service_tier", "");
    }
    output(object, items, spec, context, diagnostics);
    format(object, diagnostics);
    counts(object, diagnostics);
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

fn output(
    object: &mut Object<'_>,
    items: &[String],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) {
    let listed = object.array("output");
    let missing = listed.is_none();
    let mut output: Vec<String> = listed.unwrap_or_default().into_iter().map(str::to_owned).collect();
    if output.is_empty() && (!items.is_empty() || missing) {
        fill(object, "output", format!("[{}]", items.join(",")), DiagnosticCode::FieldFilled, diagnostics);
        return;
    }
    let mut changed = false;
    for (n, one) in output.iter_mut().enumerate() {
        // It is known under this id.
        let mut item = object_of(one);
        let streamed = items.get(n).and_then(|item| object_of(item).get("id").map(str::to_owned));
        let known = item.get("id").map(str::to_owned);
        if let Some(id) = streamed.filter(|id| known.as_ref() != Some(id)) {
            if known.is_some() {
                diagnostics.record(DiagnosticCode::IdPinned, "output[].id", "");
            }
            item.set("id", id);
            *one = item.to_json();
            changed = true;
        }
        if let Some(mended) = self::item(one, false, context, diagnostics) {
            *one = mended;
            changed = true;
        }
    }
    if let Some(thoughts) = object.str("reasoning").map(Cow::into_owned) {
        // Thinking where the request's parameter is repeated; it was noted when it was read.
        object.set("reasoning", echoed_param(spec, "reasoning").unwrap_or_else(|| String::from("null")));
        if !thoughts.trim().is_empty() {
            let id = encode_string(&context.new_id("rs_"));
            let summary = format!(r#"[{{"type":"summary_text","text":{}}}]"#, encode_string(&thoughts));
            output.insert(0, format!(r#"{{"id":{id},"type":"reasoning","summary":{summary}}}"#));
            changed = true;
        }
    }
    if changed {
        object.set("output", format!("[{}]", output.join(",")));
    }
}

/// A schema that is repeated has a name.
fn format(object: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let Some(mut text) = object.object("text").map(Object::into_owned) else { return };
    let Some(mut format) = text.object("format").map(Object::into_owned) else { return };
    if format.str("type").as_deref() == Some("json_schema") && format.str("name").is_none() {
        format.set("name", "\"response\"");
        text.set("format", format.to_json());
        fill(object, "text", text.to_json(), DiagnosticCode::FieldFilled, diagnostics);
    }
}

/// Details of usage are demanded too.
fn counts(object: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let Some(counts) = object.object("usage") else { return };
    let details = ["input_tokens_details", "output_tokens_details"];
    let totals = ["input_tokens", "output_tokens", "total_tokens"];
    let whole = details.iter().all(|key| counts.object(key).is_some())
        && totals.iter().all(|key| counts.u64(key).is_some());
    let mended = object.get("usage").filter(|_| !whole).and_then(usage::read).map(|u| usage::write(&u));
    if let Some(mended) = mended {
        fill(object, "usage", mended, DiagnosticCode::UsageShaped, diagnostics);
    }
}

/// Puts an item right; `None` if it was. `begins`: its parts are still to come.
pub(super) fn item(
    json: &str,
    begins: bool,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    let mut item = Object::parse(json.as_bytes()).ok()?;
    let kind = item.str("type").map(Cow::into_owned).unwrap_or_default();
    if ["message", "reasoning"].contains(&kind.as_str()) && item.str("id").is_none_or(|id| id.is_empty()) {
        item.set("id", encode_string(&context.new_id(prefix(&kind))));
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
            parts(&mut item, diagnostics);
        }
        Some("reasoning") if item.non_null("summary").is_none() => {
            fill(&mut item, "summary", String::from("[]"));
        }
        Some("function_call") => {
            if let Some(arguments) = item.get("arguments").filter(|a| value_kind(a) != ValueKind::String) {
                let text = encode_string(&string_or_json(arguments));
                item.set("arguments", text);
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

fn parts(item: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let parts: Vec<String> =
        item.array("content").unwrap_or_default().into_iter().map(str::to_owned).collect();
    let mended: Vec<Option<String>> = parts.iter().map(|json| part(json, diagnostics)).collect();
    if mended.iter().any(Option::is_some) {
        let parts: Vec<String> =
            parts.into_iter().zip(mended).map(|(part, mended)| mended.unwrap_or(part)).collect();
        item.set("content", format!("[{}]", parts.join(",")));
    }
}

/// Puts a part right; `None` if it was.
pub(super) fn part(json: &str, diagnostics: &mut Diagnostics) -> Option<String> {
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
    let mut cited: Vec<String> =
        part.array("annotations").unwrap_or_default().into_iter().map(str::to_owned).collect();
    let mut changed = false;
    for one in &mut cited {
        if let Some(mended) = citation(one) {
            *one = mended;
            changed = true;
        }
    }
    if changed {
        part.set("annotations", format!("[{}]", cited.join(",")));
        diagnostics.record(DiagnosticCode::FieldFilled, "output[].content[].annotations", "");
    }
    part.is_changed().then(|| part.to_json())
}

/// A citation of an address says where in the text it belongs, and what it is called; some servers know neither.
fn citation(json: &str) -> Option<String> {
    let mut one = Object::parse(json.as_bytes()).ok()?;
    if one.str("type").as_deref() != Some("url_citation") {
        return None;
    }
    for (key, value) in [("start_index", "0"), ("end_index", "0"), ("title", "\"\"")] {
        if one.non_null(key).is_none() {
            one.set(key, value);
        }
    }
    one.is_changed().then(|| one.to_json())
}
