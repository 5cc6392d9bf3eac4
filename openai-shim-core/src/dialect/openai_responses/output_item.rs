//! An item of a response's `output` to blocks.
//!
//! <https://platform.openai.com/docs/api-reference/responses/object#responses/object-output>

use super::extra_fields::{self, json_without, parse_or_empty};
use super::names::{ITEM, NAME};
use super::tool_call::ToolCallKind;
use super::{content_part, encrypted_content, reasoning_item, tool_names};
use crate::canonical::{Block, DiagnosticCode, Diagnostics, ExtraFields};
use crate::json::{Object, raw, string_or_json};
use std::borrow::Cow;

/// Decodes an item; one that only this API has becomes a native block.
pub(super) fn decode(json: &str, diagnostics: &mut Diagnostics) -> Vec<Block> {
    let item = parse_or_empty(json);
    let item_type = item.str("type").unwrap_or_default();
    match item_type.as_ref() {
        "message" => decode_message(&item, diagnostics),
        "reasoning" => {
            let text = reasoning_item::text(&item);
            let signature = item.str("encrypted_content").map(Cow::into_owned).filter(|s| !s.is_empty());
            let extra = match signature {
                Some(_) => encrypted_content::details(item.get("id"), text.is_empty()),
                None => extra_fields::read(&item, &["type", "encrypted_content", "status"]),
            };
            vec![Block::Reasoning { text: text.into(), signature: signature.map(Into::into), extra }]
        }
        item_type => match ToolCallKind::of_item(item_type) {
            Some(kind) => vec![decode_call(&item, kind, diagnostics)],
            None => vec![Block::Native { dialect: NAME, raw: raw(json) }],
        },
    }
}

/// Returns whether only this API has items of that type.
pub(super) fn is_native(json: &str) -> bool {
    let item = parse_or_empty(json);
    let item_type = item.str("type").unwrap_or_default();
    !item_type.is_empty() && !is_canonical(&item_type)
}

/// Returns whether our model has a place for items of that type.
pub(super) fn is_canonical(item_type: &str) -> bool {
    matches!(item_type, "message" | "reasoning") || ToolCallKind::of_item(item_type).is_some()
}

fn decode_message(item: &Object<'_>, diagnostics: &mut Diagnostics) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut has_unknown_part = false;
    let parts = item.array("content");
    if parts.is_none()
        && let Some(text) = item.str("content")
    {
        diagnostics.record(DiagnosticCode::ContentJoined, "output[].content", "");
        blocks.push(Block::text(text));
    }
    for json in parts.unwrap_or_default() {
        match content_part::decode(json) {
            // Some servers put a refusal into a text part.
            Some(Block::Text { text, .. })
                if text.is_empty() && parse_or_empty(json).non_null("refusal").is_some() =>
            {
                let part = parse_or_empty(json);
                let refusal = part.get("refusal").map(|r| string_or_json(r).into_owned()).unwrap_or_default();
                blocks.push(Block::Refusal(refusal.into()));
            }
            Some(Block::Text { text, extra }) => {
                let fields = extra
                    .into_members()
                    .into_iter()
                    .filter(|(key, value)| key != ".type" && !matches!(value.as_str().trim(), "[]" | "null"));
                blocks.push(Block::Text { text, extra: ExtraFields::new(NAME, fields.collect()) });
            }
            Some(block) => blocks.push(block),
            None => has_unknown_part = true,
        }
    }
    if has_unknown_part {
        diagnostics.record(
            DiagnosticCode::FeatureUnsupported,
            "output[].content",
            "a part that is not known",
        );
    }
    if let Some(Block::Text { extra, .. }) = blocks.first_mut() {
        extra.dialect = NAME;
        if let Some(phase) = item.non_null("phase") {
            extra.members.push((String::from("phase"), raw(phase)));
        }
        extra.members.push((ITEM.to_owned(), raw(json_without(item, &["type", "role", "content"]))));
    }
    blocks
}

/// Decodes a call of a function or of a custom tool.
pub(super) fn decode_call(item: &Object<'_>, kind: ToolCallKind, diagnostics: &mut Diagnostics) -> Block {
    let called_name = item.str("name").unwrap_or_default();
    if called_name.is_empty() {
        diagnostics.record(DiagnosticCode::ToolNameMissing, "output[].name", "");
    }
    let namespace = item.str("namespace");
    let name = tool_names::join(namespace.as_deref(), &called_name);
    // The name inside the namespace is an extra field if it differs.
    let known: &[&str] = if name == *called_name {
        &["type", "call_id", "arguments", "input", "status", "name"]
    } else {
        &["type", "call_id", "arguments", "input", "status"]
    };
    let fields = extra_fields::read(item, known);
    // In a call `null` is the same as absence.
    let fields = fields.into_members().into_iter().filter(|(_, value)| value.as_str().trim() != "null");
    let extra = ExtraFields::new(NAME, fields.collect());
    Block::ToolCall {
        id: item.str("call_id").or_else(|| item.str("id")).unwrap_or_default().into_owned(),
        name,
        arguments: kind.arguments(item),
        signature: None,
        extra,
    }
}
