//! Messages to input items.

use super::super::client_tools::{ClientTool, OutputForm};
use super::super::content_part;
use super::super::extra_fields::{self, parse_or_empty};
use super::super::names::{CALL_KEY, CLIENT_TOOL, ITEM, NAME, PAYLOAD};
use crate::canonical::{
    Block, CUSTOM_TOOL, DiagnosticCode, Diagnostics, ExtraFields, Message, Role, Text, arguments_to_input,
};
use crate::json::{ArrayBuilder, Object, decode_string, encode_string};
use std::borrow::Cow;

/// Encodes one message, `messages[i]`, as items.
pub(super) fn encode(message: &Message, i: usize, out: &mut ArrayBuilder, diagnostics: &mut Diagnostics) {
    message.report(NAME, &format!("messages[{i}]"), diagnostics);
    let mut other_blocks = Vec::new();
    for block in &message.blocks {
        match block {
            Block::ToolResult { .. } => encode_tool_result(block, i, out, diagnostics),
            // Tool results come first: they follow their calls.
            block => other_blocks.push(block),
        }
    }
    if other_blocks.is_empty() && !message.blocks.is_empty() {
        return;
    }
    if message.name.is_some() {
        diagnostics.record(DiagnosticCode::FeatureUnsupported, &format!("messages[{i}].name"), "");
    }
    if message.role == Role::Assistant {
        encode_turn(&other_blocks, i, out, diagnostics);
    } else {
        let mut object = Object::new();
        let role = if message.role == Role::Tool { Role::User } else { message.role };
        object.set("role", encode_string(role.as_str()));
        let content = encode_content(&other_blocks, false, &format!("messages[{i}].content"), diagnostics);
        object.set("content", content);
        extra_fields::write(&mut object, &message.extra, &["input", "instructions"]);
        out.push(&object.to_json());
    }
}

/// Encodes content: a single text that came as a string is one again, everything else a list of parts.
fn encode_content(
    blocks: &[&Block],
    is_assistant: bool,
    field_path: &str,
    diagnostics: &mut Diagnostics,
) -> String {
    if let [Block::Text { text, extra }] = blocks
        && extra_fields::get(extra, "type").is_none()
    {
        return text.to_json();
    }
    // Several texts of the model fit no type of an input message: they are one text.
    let texts: Option<Vec<&Text>> = blocks
        .iter()
        .map(|block| match block {
            Block::Text { text, extra } if extra_fields::get(extra, "type").is_none() => Some(text),
            _ => None,
        })
        .collect();
    if let Some(texts) = texts.filter(|texts| is_assistant && !texts.is_empty()) {
        return Text::join_json(texts, "");
    }
    let mut parts = Vec::new();
    for block in blocks {
        match content_part::encode(block, is_assistant) {
            Some(part) => parts.push(part),
            None => diagnostics.record(
                DiagnosticCode::FeatureUnsupported,
                field_path,
                "a part of another dialect",
            ),
        }
    }
    if parts.is_empty() { String::from("\"\"") } else { format!("[{}]", parts.join(",")) }
}

fn encode_tool_result(block: &Block, i: usize, out: &mut ArrayBuilder, diagnostics: &mut Diagnostics) {
    let Block::ToolResult { id, blocks, is_error, extra } = block else { return };
    if let Some(item) = encode_client_output(id, blocks, extra) {
        out.push(&item);
        return;
    }
    if *is_error {
        diagnostics.record(
            DiagnosticCode::FeatureUnsupported,
            &format!("messages[{i}]"),
            "a result that is an error",
        );
    }
    let mut object = Object::new();
    let is_custom = extra.get(CUSTOM_TOOL).is_some();
    object.set("type", if is_custom { "\"custom_tool_call_output\"" } else { "\"function_call_output\"" });
    object.set("call_id", encode_string(id));
    let blocks: Vec<&Block> = blocks.iter().collect();
    let output = encode_content(&blocks, false, &format!("messages[{i}].content"), diagnostics);
    object.set("output", output);
    let is_client_tool = extra_fields::get(extra, CLIENT_TOOL).is_some();
    extra_fields::write(&mut object, extra, if is_client_tool { &CLIENT_TOOL_KEYS } else { &[] });
    out.push(&object.to_json());
}

/// The internal keys of the extra fields of calls and results of client-run tools.
const CLIENT_TOOL_KEYS: [&str; 4] = ["client_tool", "call_key", "payload", "type"];

/// Encodes the result of a client-run tool in that tool's own form; `None` if it is none, or has another content by now.
fn encode_client_output(id: &str, blocks: &[Block], extra: &ExtraFields) -> Option<String> {
    let tool = ClientTool::of_block(extra)?;
    let original = extra_fields::get(extra, PAYLOAD).unwrap_or("null");
    let (key, payload) = match tool.output {
        OutputForm::Commands => ("output", Cow::Borrowed(original)),
        OutputForm::Tools => ("tools", Cow::Borrowed(original)),
        OutputForm::TextWithStatus if original == "null" => ("output", Cow::Borrowed("")),
        OutputForm::Text | OutputForm::TextWithStatus => {
            let texts: Vec<&str> = blocks.iter().map(Block::as_text).collect::<Option<_>>()?;
            ("output", Cow::Owned(encode_string(&texts.join("\n"))))
        }
        OutputForm::Screenshot => {
            let [Block::Image(_)] = blocks else { return None };
            let mut screenshot = parse_or_empty(original).into_owned();
            let part = content_part::encode(blocks.first()?, false)?;
            for (key, value) in
                parse_or_empty(&part).iter().filter(|(key, _)| matches!(*key, "image_url" | "file_id"))
            {
                screenshot.set(key.to_owned(), value.to_owned());
            }
            ("output", Cow::Owned(screenshot.to_json()))
        }
    };
    let mut object = Object::new();
    object.set("type", encode_string(tool.output_type));
    let call_key =
        extra_fields::get(extra, CALL_KEY).and_then(decode_string).unwrap_or(Cow::Borrowed("call_id"));
    object.set(call_key, encode_string(id));
    if !payload.is_empty() {
        object.set(key, payload);
    }
    extra_fields::write(&mut object, extra, &CLIENT_TOOL_KEYS);
    Some(object.to_json())
}

/// Encodes the blocks of an assistant's turn as items. Texts, refusals and media in a row are one message.
fn encode_turn(blocks: &[&Block], i: usize, out: &mut ArrayBuilder, diagnostics: &mut Diagnostics) {
    // The blocks of the next message.
    let mut message: Vec<&Block> = Vec::new();
    let close = |message: &mut Vec<&Block>, out: &mut ArrayBuilder, diagnostics: &mut Diagnostics| {
        if !message.is_empty() {
            out.push(&encode_assistant_message(message, i, diagnostics));
            message.clear();
        }
    };
    // The text of reasoning whose signature is in the next block.
    let mut unsigned_text = None;
    for (position, block) in blocks.iter().enumerate() {
        match block {
            // An empty text beside other blocks has no meaning.
            Block::Text { text, extra }
                if text.is_empty() && extra.of(NAME).is_empty() && blocks.len() > 1 => {}
            Block::Text { extra, .. } => {
                if extra_fields::get(extra, ITEM).is_some() {
                    close(&mut message, out, diagnostics);
                }
                message.push(block);
            }
            Block::Refusal(_) | Block::Image(_) | Block::Audio(_) | Block::File(_) => message.push(block),
            Block::Reasoning { text, signature: None, extra } if extra.of(NAME).is_empty() => {
                close(&mut message, out, diagnostics);
                let is_signed_next = matches!(
                    blocks.get(position + 1),
                    Some(Block::Reasoning { text, signature: Some(_), .. }) if text.is_empty()
                );
                if is_signed_next {
                    unsigned_text = Some(text);
                } else if !text.is_empty() {
                    diagnostics.record(
                        DiagnosticCode::FeatureUnsupported,
                        &format!("messages[{i}]"),
                        "reasoning without its seal",
                    );
                }
            }
            Block::Reasoning { text, signature, extra } => {
                close(&mut message, out, diagnostics);
                let text = unsigned_text.take().filter(|_| text.is_empty()).unwrap_or(text);
                match encode_reasoning(text, signature.as_deref(), extra) {
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
                    let field_path = format!("messages[{i}]");
                    let detail = "the signature of a call";
                    diagnostics.record(DiagnosticCode::FeatureUnsupported, &field_path, detail);
                }
                close(&mut message, out, diagnostics);
                out.push(&encode_tool_call(block));
            }
            Block::Native { dialect: NAME, raw } => {
                close(&mut message, out, diagnostics);
                out.push(raw.as_str());
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
    close(&mut message, out, diagnostics);
}

/// Encodes a message of the assistant; the first block has the fields of the original item.
fn encode_assistant_message(blocks: &[&Block], i: usize, diagnostics: &mut Diagnostics) -> String {
    let first = match blocks.first() {
        Some(Block::Text { extra, .. }) => Some(extra),
        _ => None,
    };
    let item = first.and_then(|extra| extra_fields::get(extra, ITEM));
    let original_content = first.and_then(|extra| extra_fields::get(extra, "content"));
    let mut object = item.map(parse_or_empty).unwrap_or_default();
    object.set("role", "\"assistant\"");
    match original_content {
        Some(content) => object.set("content", content),
        None => {
            let field_path = format!("messages[{i}].content");
            object.set("content", encode_content(blocks, true, &field_path, diagnostics));
        }
    }
    object.to_json()
}

/// Encodes a reasoning item. `None` for reasoning of another dialect without a signature: OpenAI rejects it.
fn encode_reasoning(text: &str, signature: Option<&str>, extra: &ExtraFields) -> Option<String> {
    let is_same_dialect = !extra.of(NAME).is_empty();
    if !is_same_dialect && signature.is_none() {
        return None;
    }
    let mut object = Object::new();
    object.set("type", "\"reasoning\"");
    if let Some(id) = extra.detail("id") {
        object.set("id", encode_string(&id));
    }
    if extra_fields::get(extra, "summary").is_none() {
        let part = format!(r#"[{{"type":"summary_text","text":{}}}]"#, encode_string(text));
        object.set("summary", if text.is_empty() { String::from("[]") } else { part });
    }
    extra_fields::write(&mut object, extra, &[]);
    if let Some(signature) = signature {
        object.set("encrypted_content", encode_string(signature));
    }
    Some(object.to_json())
}

/// Encodes a call; an extra field with the type tells one of a custom tool.
fn encode_tool_call(block: &Block) -> String {
    let Block::ToolCall { id, name, arguments, extra, .. } = block else { return String::from("{}") };
    let is_custom =
        extra_fields::get(extra, "type") == Some("\"custom_tool_call\"") || extra.get(CUSTOM_TOOL).is_some();
    if let Some(tool) = ClientTool::of_block(extra) {
        let mut item = Object::new();
        item.set("type", encode_string(tool.call_type));
        item.set("call_id", encode_string(id));
        if tool.set_arguments(arguments, &mut item).is_some() {
            extra_fields::write(&mut item, extra, &CLIENT_TOOL_KEYS);
            return item.to_json();
        }
    }
    let mut object = Object::new();
    object.set("type", if is_custom { "\"custom_tool_call\"" } else { "\"function_call\"" });
    object.set("call_id", encode_string(id));
    object.set("name", encode_string(name));
    if is_custom {
        let input = arguments_to_input(arguments).unwrap_or_else(|| arguments.clone());
        object.set("input", encode_string(&input));
    } else {
        let arguments = if arguments.is_empty() && extra.of(NAME).is_empty() { "{}" } else { arguments };
        object.set("arguments", encode_string(arguments));
    }
    let is_client_tool = extra_fields::get(extra, CLIENT_TOOL).is_some();
    extra_fields::write(&mut object, extra, if is_client_tool { &CLIENT_TOOL_KEYS } else { &[] });
    object.to_json()
}
