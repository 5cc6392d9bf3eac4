//! Calls and results of tools that the client runs (`local_shell_call`, `tool_search_output`, …) to calls and results of functions.

use super::super::client_tools::{ClientTool, OutputForm};
use super::super::content_part;
use super::super::extra_fields::{self, parse_or_empty};
use super::super::names::{CALL_KEY, CLIENT_TOOL, NAME, PAYLOAD};
use crate::canonical::{Block, ExtraFields};
use crate::json::{Object, ValueKind, raw, string_or_json, value_kind};
use std::borrow::Cow;

/// Returns the id of a call; `None` if it has none.
pub(super) fn call_id(item: &Object<'_>) -> Option<String> {
    item.str("call_id").or_else(|| item.str("id")).map(Cow::into_owned)
}

/// Decodes a call.
pub(super) fn decode_call(item: &Object<'_>, tool: &ClientTool, id: String) -> Block {
    let mut extra = extra_fields::read(item, &tool.known_call_keys());
    extra.dialect = NAME;
    extra.members.push((CLIENT_TOOL.to_owned(), raw(tool.quoted_type())));
    Block::ToolCall {
        id,
        name: tool.function.to_owned(),
        arguments: tool.arguments(item),
        signature: None,
        extra,
    }
}

/// Returns the key of the id of a result: that of a local shell may have its call's id, or the call item's, as its own.
pub(super) fn output_id_key(item: &Object<'_>) -> &'static str {
    if item.non_null("call_id").is_some() { "call_id" } else { "id" }
}

/// Decodes a result of the call with this id. `found` are the names of the tools in the result of a search.
pub(super) fn decode_output(item: &Object<'_>, tool: &ClientTool, id: String, found: &[String]) -> Block {
    let mut is_error = false;
    let (blocks, payload_key) = match tool.output {
        OutputForm::Text => (text_blocks(item, "output"), "output"),
        OutputForm::TextWithStatus => {
            is_error = item.str("status").as_deref() == Some("failed");
            let key = if item.non_null("output").is_some() { "output" } else { "status" };
            (text_blocks(item, key), "output")
        }
        OutputForm::Commands => (command_outputs(item), "output"),
        OutputForm::Screenshot => (screenshot(item), "output"),
        OutputForm::Tools => {
            let text = if found.is_empty() { String::from("No tool was found.") } else { found.join("\n") };
            (vec![Block::text(text)], "tools")
        }
    };
    let id_key = output_id_key(item);
    let mut extra = extra_fields::read(item, &[id_key, payload_key]);
    let members = [
        (CLIENT_TOOL, tool.quoted_type()),
        (CALL_KEY, format!("\"{id_key}\"")),
        // What the blocks do not have.
        (PAYLOAD, item.get(payload_key).unwrap_or("null").to_owned()),
    ];
    extra.dialect = NAME;
    extra.members.extend(members.into_iter().map(|(key, json)| (key.to_owned(), raw(json))));
    Block::ToolResult { id, blocks, is_error, extra }
}

fn text_blocks(item: &Object<'_>, key: &str) -> Vec<Block> {
    let text = item.get(key).map(string_or_json).unwrap_or_default();
    vec![Block::text(text)]
}

/// Returns the outputs of commands as texts: what each printed, and how it ended.
fn command_outputs(item: &Object<'_>) -> Vec<Block> {
    let outputs = item.array("output").unwrap_or_default();
    let text = |json: &&str| {
        let output = parse_or_empty(json);
        let mut parts = Vec::new();
        for key in ["stdout", "stderr"] {
            let printed = output.str(key).unwrap_or_default();
            if !printed.is_empty() {
                parts.push(format!("{key}:\n{printed}"));
            }
        }
        let outcome = output.object("outcome").unwrap_or_default();
        match (outcome.str("type").as_deref(), outcome.get("exit_code")) {
            (Some("timeout"), _) => parts.push(String::from("outcome: timeout")),
            (_, Some(code)) => parts.push(format!("exit code: {}", code.trim())),
            _ => {}
        }
        Block::text(parts.join("\n"))
    };
    if value_kind(item.get("output").unwrap_or("null")) == ValueKind::Array {
        outputs.iter().map(text).collect()
    } else {
        text_blocks(item, "output")
    }
}

fn screenshot(item: &Object<'_>) -> Vec<Block> {
    let output = item.object("output").unwrap_or_default();
    let mut image = Object::new();
    image.set("type", "\"input_image\"");
    for key in ["image_url", "file_id", "detail"] {
        if let Some(value) = output.non_null(key) {
            image.set(key, value);
        }
    }
    match content_part::decode(&image.to_json()) {
        Some(Block::Image(mut media)) => {
            media.extra = ExtraFields::default();
            vec![Block::Image(media)]
        }
        _ => text_blocks(item, "output"),
    }
}
