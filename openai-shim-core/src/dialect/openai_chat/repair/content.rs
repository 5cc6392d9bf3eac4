//! What is said: content in every shape, reasoning under every name. `said` is a message or a delta.

use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::json::{
    Object, ValueKind, decode_string, encode_array, encode_string, items, string_or_json, value_kind,
};

/// Puts content and reasoning of a message or a delta right.
pub(super) fn mend(said: &mut Object<'_>, at: &str, diagnostics: &mut Diagnostics) {
    shape(said, at, diagnostics);
    reasoning(said, at, diagnostics);
    for key in ["function_call", "audio"] {
        if said.get(key).is_some_and(|v| value_kind(v) == ValueKind::Null) {
            diagnostics.record(DiagnosticCode::NullDropped, &[at, ".", key].concat(), "");
            said.remove(key);
        }
    }
    if said.get("tool_calls").is_some_and(|v| {
        value_kind(v) == ValueKind::Null || said.array("tool_calls").is_some_and(|l| l.is_empty())
    }) {
        diagnostics.record(DiagnosticCode::NullDropped, &[at, ".tool_calls"].concat(), "");
        said.remove("tool_calls");
    }
    if said.get("tool_calls").is_some_and(|v| value_kind(v) != ValueKind::Array) {
        diagnostics.record(DiagnosticCode::FieldDropped, &[at, ".tool_calls"].concat(), "no list");
        said.remove("tool_calls");
    }
    if said.get("refusal").is_some_and(|v| !matches!(value_kind(v), ValueKind::String | ValueKind::Null)) {
        diagnostics.record(DiagnosticCode::FieldDropped, &[at, ".refusal"].concat(), "");
        said.remove("refusal");
    }
    annotations(said, at, diagnostics);
}

/// Content that is no text becomes one.
fn shape(said: &mut Object<'_>, at: &str, diagnostics: &mut Diagnostics) {
    let Some(content) = said.get("content") else { return };
    let (words, thoughts) = match value_kind(content) {
        ValueKind::String | ValueKind::Null => return,
        ValueKind::Array => join(content, at, diagnostics),
        _ => (content.trim().to_owned(), String::new()),
    };
    diagnostics.record(DiagnosticCode::ContentJoined, &[at, ".content"].concat(), "");
    said.set(
        "content",
        if words.is_empty() && !thoughts.is_empty() { encode_string("") } else { encode_string(&words) },
    );
    if !thoughts.is_empty() && said.str("reasoning_content").is_none_or(|t| t.is_empty()) {
        diagnostics.record(DiagnosticCode::ReasoningRenamed, &[at, ".content"].concat(), "thinking parts");
        said.set("reasoning_content", encode_string(&thoughts));
    }
}

/// The text of a list of parts, and the thinking in it.
fn join(content: &str, at: &str, diagnostics: &mut Diagnostics) -> (String, String) {
    let (mut words, mut thoughts) = (String::new(), String::new());
    for part in items(content).unwrap_or_default() {
        if let Some(plain) = decode_string(part) {
            words.push_str(&plain);
            continue;
        }
        let Ok(part) = Object::parse(part.as_bytes()) else { continue };
        let kind = part.str("type").unwrap_or_default().into_owned();
        match kind.as_str() {
            "thinking" | "reasoning" | "summary_text" => {
                let inner = part.get("thinking").or_else(|| part.get("summary")).or_else(|| part.get("text"));
                match inner {
                    Some(list) if value_kind(list) == ValueKind::Array => {
                        let (a, b) = join(list, at, diagnostics);
                        thoughts.push_str(&a);
                        thoughts.push_str(&b);
                    }
                    Some(inner) => thoughts.push_str(&string_or_json(inner)),
                    None => {}
                }
            }
            _ => match part.str("text").or_else(|| part.str("content")) {
                Some(text) => words.push_str(&text),
                None => diagnostics.record(
                    DiagnosticCode::FieldDropped,
                    &[at, ".content"].concat(),
                    &format!("a part of type {kind:?}"),
                ),
            },
        }
    }
    (words, thoughts)
}

const NAMES: [&str; 3] = ["reasoning_content", "reasoning", "thinking"];

/// Reasoning has one place, `reasoning_content`.
fn reasoning(said: &mut Object<'_>, at: &str, diagnostics: &mut Diagnostics) {
    if !NAMES.iter().any(|name| said.get(name).is_some()) && said.get("reasoning_details").is_none() {
        return;
    }
    if let Some(given) = said.get("reasoning_content") {
        let joined = match value_kind(given) {
            ValueKind::String | ValueKind::Null => None,
            ValueKind::Array => {
                let (words, thoughts) = join(given, at, diagnostics);
                Some(format!("{thoughts}{words}"))
            }
            _ => Some(given.trim().to_owned()),
        };
        if let Some(joined) = joined {
            diagnostics.record(DiagnosticCode::ContentJoined, &[at, ".reasoning_content"].concat(), "");
            said.set("reasoning_content", encode_string(&joined));
        }
    }
    let filled = |said: &Object<'_>, name: &str| {
        said.get(name).is_some_and(|v| value_kind(v) == ValueKind::String && v.trim() != "\"\"")
    };
    let Some(first) = NAMES.into_iter().find(|name| filled(said, name)) else {
        details(said, at, diagnostics);
        return;
    };
    let value = said.get(first).unwrap_or_default().to_owned();
    for other in NAMES.into_iter().filter(|name| *name != first) {
        if said.get(other).is_some_and(|v| v == value || matches!(v.trim(), "\"\"" | "null")) {
            if said.get(other).is_some_and(|v| v == value) {
                diagnostics.record(DiagnosticCode::ReasoningDuplicate, &[at, ".", other].concat(), "");
            }
            if filled(said, other) || first != "reasoning_content" {
                said.remove(other);
            }
        }
    }
    if first != "reasoning_content" {
        diagnostics.record(DiagnosticCode::ReasoningRenamed, &[at, ".", first].concat(), "");
        said.rename(first, "reasoning_content");
    }
}

/// Reasoning that stands only in `reasoning_details` is shown as text too; the details stay.
fn details(said: &mut Object<'_>, at: &str, diagnostics: &mut Diagnostics) {
    let mut words = String::new();
    for item in said.array("reasoning_details").unwrap_or_default() {
        let Ok(item) = Object::parse(item.as_bytes()) else { continue };
        if let Some(text) = item.str("text").or_else(|| item.str("summary")) {
            words.push_str(&text);
        }
    }
    if !words.is_empty() {
        diagnostics.record(DiagnosticCode::ReasoningRenamed, &[at, ".reasoning_details"].concat(), "");
        said.set("reasoning_content", encode_string(&words));
    }
}

/// Annotations of a kind that OpenAI does not have would fail a typed client.
fn annotations(said: &mut Object<'_>, at: &str, diagnostics: &mut Diagnostics) {
    let Some(list) = said.array("annotations") else { return };
    let known = |item: &str| {
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
    if list.iter().all(|item| known(item)) {
        return;
    }
    let kept: Vec<_> = list.into_iter().filter(|item| known(item)).collect();
    diagnostics.record(
        DiagnosticCode::FieldDropped,
        &[at, ".annotations"].concat(),
        "an annotation of another kind",
    );
    let kept = encode_array(&kept);
    said.set("annotations", kept);
}
