//! The content and reasoning of a message or delta: any shape and any field name in, OpenAI's out.

use super::super::media;
use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::dialect::listed_objects::{TOOL_CALL, list_object};
use crate::json::{
    Object, ValueKind, decode_string, encode_array, encode_string, items, string_or_json, value_kind,
};

/// The names of the reasoning field; all of them become the first.
pub(in super::super) const REASONING_FIELDS: [&str; 3] = ["reasoning_content", "reasoning", "thinking"];

/// The types of parts that may hold a picture.
const IMAGE_PARTS: [&str; 4] = ["image_url", "image", "output_image", "input_image"];

/// Whether a field is a non-empty string.
pub(super) fn has_text(object: &Object<'_>, key: &str) -> bool {
    object.get(key).is_some_and(|v| value_kind(v) == ValueKind::String && v.trim() != "\"\"")
}

/// Repairs the content and reasoning of a message or delta.
pub(super) fn repair(message: &mut Object<'_>, field_path: &str, diagnostics: &mut Diagnostics) {
    join_content(message, field_path, diagnostics);
    repair_reasoning(message, field_path, diagnostics);
    for key in ["function_call", "audio"] {
        if message.get(key).is_some_and(|v| value_kind(v) == ValueKind::Null) {
            diagnostics.record(DiagnosticCode::NullDropped, &[field_path, ".", key].concat(), "");
            message.remove(key);
        }
    }
    if message.get("tool_calls").is_some_and(|v| {
        value_kind(v) == ValueKind::Null || message.array("tool_calls").is_some_and(|l| l.is_empty())
    }) {
        diagnostics.record(DiagnosticCode::NullDropped, &[field_path, ".tool_calls"].concat(), "");
        message.remove("tool_calls");
    }
    if message.get("tool_calls").is_some_and(|v| value_kind(v) != ValueKind::Array)
        && !list_object(message, "tool_calls", TOOL_CALL, &[field_path, ".tool_calls"].concat(), diagnostics)
    {
        diagnostics.record(DiagnosticCode::FieldDropped, &[field_path, ".tool_calls"].concat(), "no list");
        message.remove("tool_calls");
    }
    if message.get("refusal").is_some_and(|v| !matches!(value_kind(v), ValueKind::String | ValueKind::Null)) {
        diagnostics.record(DiagnosticCode::FieldDropped, &[field_path, ".refusal"].concat(), "");
        message.remove("refusal");
    }
    drop_unknown_annotations(message, field_path, diagnostics);
}

/// Turns content that is neither a string nor null into a string.
fn join_content(message: &mut Object<'_>, field_path: &str, diagnostics: &mut Diagnostics) {
    let Some(content) = message.get("content") else { return };
    let JoinedParts { text, reasoning, images } = match value_kind(content) {
        ValueKind::String | ValueKind::Null => return,
        ValueKind::Array => join_parts(content, field_path, diagnostics),
        _ => JoinedParts { text: content.trim().to_owned(), ..JoinedParts::default() },
    };
    diagnostics.record(DiagnosticCode::ContentJoined, &[field_path, ".content"].concat(), "");
    message.set("content", encode_string(&text));
    if !images.is_empty() {
        let images = encode_array(&images);
        let images =
            message.get(media::IMAGES).map(|list| media::join_lists(list, &images)).unwrap_or(images);
        message.set(media::IMAGES, images);
    }
    if !reasoning.is_empty() && message.str("reasoning_content").is_none_or(|t| t.is_empty()) {
        let content_path = [field_path, ".content"].concat();
        diagnostics.record(DiagnosticCode::ReasoningRenamed, &content_path, "thinking parts");
        message.set("reasoning_content", encode_string(&reasoning));
    }
}

/// The content of a list of parts.
#[derive(Default)]
struct JoinedParts {
    text: String,
    reasoning: String,
    /// Items of `images`.
    images: Vec<String>,
}

fn join_parts(content: &str, field_path: &str, diagnostics: &mut Diagnostics) -> JoinedParts {
    let mut joined = JoinedParts::default();
    for item in items(content).unwrap_or_default() {
        if let Some(plain) = decode_string(item) {
            joined.text.push_str(&plain);
            continue;
        }
        let Ok(part) = Object::parse(item.as_bytes()) else { continue };
        let kind = part.str("type").unwrap_or_default().into_owned();
        if IMAGE_PARTS.contains(&kind.as_str())
            && let Some(url) = media::image_url(item)
        {
            joined.images.push(media::write_image(&url));
            continue;
        }
        match kind.as_str() {
            "thinking" | "reasoning" | "summary_text" => {
                let inner = part.get("thinking").or_else(|| part.get("summary")).or_else(|| part.get("text"));
                match inner {
                    Some(list) if value_kind(list) == ValueKind::Array => {
                        let inner = join_parts(list, field_path, diagnostics);
                        joined.reasoning.push_str(&inner.text);
                        joined.reasoning.push_str(&inner.reasoning);
                    }
                    Some(inner) => joined.reasoning.push_str(&string_or_json(inner)),
                    None => {}
                }
            }
            _ => match part.str("text").or_else(|| part.str("content")) {
                Some(text) => joined.text.push_str(&text),
                None => diagnostics.record(
                    DiagnosticCode::FieldDropped,
                    &[field_path, ".content"].concat(),
                    &format!("a part of type {kind:?}"),
                ),
            },
        }
    }
    joined
}

/// Moves reasoning into `reasoning_content`, whatever field it came in.
fn repair_reasoning(message: &mut Object<'_>, field_path: &str, diagnostics: &mut Diagnostics) {
    if !REASONING_FIELDS.iter().any(|name| message.get(name).is_some())
        && message.get("reasoning_details").is_none()
    {
        return;
    }
    if let Some(value) = message.get("reasoning_content") {
        let joined = match value_kind(value) {
            ValueKind::String | ValueKind::Null => None,
            ValueKind::Array => {
                let JoinedParts { text, reasoning, .. } = join_parts(value, field_path, diagnostics);
                Some(format!("{reasoning}{text}"))
            }
            _ => Some(value.trim().to_owned()),
        };
        if let Some(joined) = joined {
            let reasoning_path = [field_path, ".reasoning_content"].concat();
            diagnostics.record(DiagnosticCode::ContentJoined, &reasoning_path, "");
            message.set("reasoning_content", encode_string(&joined));
        }
    }
    let Some(first) = REASONING_FIELDS.into_iter().find(|name| has_text(message, name)) else {
        copy_details(message, field_path, diagnostics);
        return;
    };
    let value = message.get(first).unwrap_or_default().to_owned();
    for other in REASONING_FIELDS.into_iter().filter(|name| *name != first) {
        if message.get(other).is_some_and(|v| v == value || matches!(v.trim(), "\"\"" | "null")) {
            if message.get(other).is_some_and(|v| v == value) {
                diagnostics.record(
                    DiagnosticCode::ReasoningDuplicate,
                    &[field_path, ".", other].concat(),
                    "",
                );
            }
            if has_text(message, other) || first != "reasoning_content" {
                message.remove(other);
            }
        }
    }
    if first != "reasoning_content" {
        diagnostics.record(DiagnosticCode::ReasoningRenamed, &[field_path, ".", first].concat(), "");
        message.rename(first, "reasoning_content");
    }
}

/// Copies reasoning that came only as `reasoning_details` into `reasoning_content`; the details stay.
fn copy_details(message: &mut Object<'_>, field_path: &str, diagnostics: &mut Diagnostics) {
    let mut reasoning = String::new();
    for item in message.array("reasoning_details").unwrap_or_default() {
        let Ok(item) = Object::parse(item.as_bytes()) else { continue };
        if let Some(text) = item.str("text").or_else(|| item.str("summary")) {
            reasoning.push_str(&text);
        }
    }
    if !reasoning.is_empty() {
        let details_path = [field_path, ".reasoning_details"].concat();
        diagnostics.record(DiagnosticCode::ReasoningRenamed, &details_path, "");
        message.set("reasoning_content", encode_string(&reasoning));
    }
}

/// Drops annotations of a kind that OpenAI does not have: typed clients fail on them.
fn drop_unknown_annotations(message: &mut Object<'_>, field_path: &str, diagnostics: &mut Diagnostics) {
    let Some(list) = message.array("annotations") else { return };
    let is_known = |item: &str| {
        Object::parse(item.as_bytes()).is_ok_and(|o| {
            o.str("type").as_deref() == Some("url_citation")
                && o.object("url_citation").is_some_and(|c| {
                    c.str("url").is_some()
                        && c.str("title").is_some()
                        && c.u64("start_index").is_some()
                        && c.u64("end_index").is_some()
                })
        })
    };
    if list.iter().all(|item| is_known(item)) {
        return;
    }
    let known: Vec<_> = list.into_iter().filter(|item| is_known(item)).collect();
    diagnostics.record(
        DiagnosticCode::FieldDropped,
        &[field_path, ".annotations"].concat(),
        "an annotation of another kind",
    );
    let known = encode_array(&known);
    message.set("annotations", known);
}
