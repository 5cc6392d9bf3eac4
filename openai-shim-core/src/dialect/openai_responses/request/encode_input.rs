//! The input, written: messages become items.

use super::super::content_part::{ITEM, object_of, own, write_extra, write_part};
use super::super::{NAME, tools};
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Message, Role};
use crate::json::{ArrayBuilder, Object, encode_string};

/// Writes one message as items.
pub(super) fn write(message: &Message, i: usize, out: &mut ArrayBuilder, diagnostics: &mut Diagnostics) {
    message.report(NAME, &format!("messages[{i}]"), diagnostics);
    let mut own_items = Vec::new();
    for block in &message.blocks {
        match block {
            Block::ToolResult { .. } => result(block, i, out, diagnostics),
            // Results of tools come first, as the calls that they answer did.
            block => own_items.push(block),
        }
    }
    if own_items.is_empty() && !message.blocks.is_empty() {
        return;
    }
    if message.name.is_some() {
        diagnostics.record(DiagnosticCode::ExtraDropped, &format!("messages[{i}].name"), "");
    }
    if message.role == Role::Assistant {
        turn(&own_items, i, out, diagnostics);
    } else {
        let blocks: Vec<&Block> = own_items;
        let mut object = Object::new();
        let role = if message.role == Role::Tool { Role::User } else { message.role };
        object.set("role", encode_string(role.as_str()));
        object.set("content", content(&blocks, false, &format!("messages[{i}].content"), diagnostics));
        write_extra(&mut object, &message.extra, &["input", "instructions"]);
        out.push(&object.to_json());
    }
}

/// Content as a text where one is all there is and it came as one, else as a list of parts.
fn content(blocks: &[&Block], assistant: bool, at: &str, diagnostics: &mut Diagnostics) -> String {
    if let [Block::Text { text, extra }] = blocks
        && own(extra, "type").is_none()
    {
        return text.to_json();
    }
    let mut parts = Vec::new();
    for block in blocks {
        match write_part(block, assistant) {
            Some(part) => parts.push(part),
            None => diagnostics.record(DiagnosticCode::FeatureUnsupported, at, "a part of another dialect"),
        }
    }
    if parts.is_empty() { String::from("\"\"") } else { format!("[{}]", parts.join(",")) }
}

fn result(block: &Block, i: usize, out: &mut ArrayBuilder, diagnostics: &mut Diagnostics) {
    let Block::ToolResult { id, blocks, is_error, extra } = block else { return };
    if *is_error {
        diagnostics.record(
            DiagnosticCode::FeatureUnsupported,
            &format!("messages[{i}]"),
            "a result that is an error",
        );
    }
    let mut object = Object::new();
    object.set("type", "\"function_call_output\"");
    object.set("call_id", encode_string(id));
    let blocks: Vec<&Block> = blocks.iter().collect();
    object.set("output", content(&blocks, false, &format!("messages[{i}].content"), diagnostics));
    write_extra(&mut object, extra, &[]);
    out.push(&object.to_json());
}

/// Writes what the assistant did in one go, item by item.
fn turn(blocks: &[&Block], i: usize, out: &mut ArrayBuilder, diagnostics: &mut Diagnostics) {
    let mut open: Vec<&Block> = Vec::new();
    let close = |open: &mut Vec<&Block>, out: &mut ArrayBuilder, diagnostics: &mut Diagnostics| {
        if !open.is_empty() {
            out.push(&said(open, i, diagnostics));
            open.clear();
        }
    };
    let mut summary = None;
    for (at, block) in blocks.iter().enumerate() {
        match block {
            // It says nothing, and something else is said.
            Block::Text { text, extra }
                if text.is_empty() && extra.of(NAME).is_empty() && blocks.len() > 1 => {}
            Block::Text { extra, .. } => {
                if own(extra, ITEM).is_some() {
                    close(&mut open, out, diagnostics);
                }
                open.push(block);
            }
            Block::Refusal(_) | Block::Image(_) | Block::Audio(_) | Block::File(_) => open.push(block),
            Block::Reasoning { text, signature: None, extra } if extra.of(NAME).is_empty() => {
                // What is said of it may stand before its seal.
                close(&mut open, out, diagnostics);
                let sealed = matches!(blocks.get(at + 1), Some(Block::Reasoning { text, signature: Some(_), .. }) if text.is_empty());
                if sealed {
                    summary = Some(text);
                } else if !text.is_empty() {
                    diagnostics.record(
                        DiagnosticCode::FeatureUnsupported,
                        &format!("messages[{i}]"),
                        "reasoning without its seal",
                    );
                }
            }
            Block::Reasoning { text, signature, extra } => {
                close(&mut open, out, diagnostics);
                let text = summary.take().filter(|_| text.is_empty()).unwrap_or(text);
                match reasoning(text, signature.as_deref(), extra) {
                    Some(item) => out.push(&item),
                    None => diagnostics.record(
                        DiagnosticCode::FeatureUnsupported,
                        &format!("messages[{i}]"),
                        "reasoning of another upstream",
                    ),
                }
            }
            Block::ToolCall { signature, .. } => {
                if signature.is_some() {
                    let at = format!("messages[{i}]");
                    diagnostics.record(DiagnosticCode::FeatureUnsupported, &at, "the signature of a call");
                }
                close(&mut open, out, diagnostics);
                out.push(&call(block));
            }
            Block::Native { dialect: NAME, raw } => {
                close(&mut open, out, diagnostics);
                out.push(raw.get());
            }
            Block::Native { .. } | Block::ToolResult { .. } => {
                diagnostics.record(
                    DiagnosticCode::FeatureUnsupported,
                    &format!("messages[{i}]"),
                    "a part of another dialect",
                );
            }
        }
    }
    close(&mut open, out, diagnostics);
}

/// A message of the assistant.
fn said(blocks: &[&Block], i: usize, diagnostics: &mut Diagnostics) -> String {
    let first = match blocks.first() {
        Some(Block::Text { extra, .. }) => Some(extra),
        _ => None,
    };
    let item = first.and_then(|extra| own(extra, ITEM));
    let raw = first.and_then(|extra| own(extra, "content"));
    let mut object = item.map(object_of).unwrap_or_default();
    object.set("role", "\"assistant\"");
    match raw {
        Some(raw) => object.set("content", raw),
        None => object.set("content", content(blocks, true, &format!("messages[{i}].content"), diagnostics)),
    }
    object.to_json()
}

/// A reasoning item: as it came, or made of what another dialect kept of it; without its encrypted form OpenAI refuses it.
fn reasoning(text: &str, signature: Option<&str>, extra: &crate::canonical::ExtraFields) -> Option<String> {
    let known = !extra.of(NAME).is_empty();
    if !known && signature.is_none() {
        return None;
    }
    let mut object = Object::new();
    object.set("type", "\"reasoning\"");
    if let Some(id) = extra.detail("id") {
        object.set("id", encode_string(&id));
    }
    if own(extra, "summary").is_none() {
        let part = format!(r#"[{{"type":"summary_text","text":{}}}]"#, encode_string(text));
        object.set("summary", if text.is_empty() { String::from("[]") } else { part });
    }
    write_extra(&mut object, extra, &[]);
    if let Some(signature) = signature {
        object.set("encrypted_content", encode_string(signature));
    }
    Some(object.to_json())
}

fn call(block: &Block) -> String {
    let Block::ToolCall { id, name, arguments, extra, .. } = block else { return String::from("{}") };
    let custom = own(extra, "type") == Some("\"custom_tool_call\"");
    let mut object = Object::new();
    object.set("type", "\"function_call\"");
    object.set("call_id", encode_string(id));
    object.set("name", encode_string(name));
    if custom {
        object.set("input", encode_string(&tools::input_of(arguments).unwrap_or_else(|| arguments.clone())));
    } else {
        let arguments = if arguments.is_empty() && extra.of(NAME).is_empty() { "{}" } else { arguments };
        object.set("arguments", encode_string(arguments));
    }
    write_extra(&mut object, extra, &[]);
    object.to_json()
}
