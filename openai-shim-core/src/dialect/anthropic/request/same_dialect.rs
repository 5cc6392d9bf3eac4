//! Messages of a client of this dialect: `Message`s and the client's bytes to the JSON of `system` and `messages`. A message
//! that was not changed keeps its bytes.

use super::super::content_block;
use super::super::extra_fields::wire_key;
use super::super::names::NAME;
use super::message_content::WrittenMessages;
use crate::canonical::{Block, Diagnostics, Message, Request, Role, call_id};
use crate::json::{Object, encode_string};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Writes the system prompt and the messages.
pub(super) fn write(request: &Request, source: &[u8], diagnostics: &mut Diagnostics) -> WrittenMessages {
    let mut messages: &[Message] = &request.messages;
    let mut system = None;
    let original = |message: &Message| {
        let bytes = message.source_span().and_then(|span| source.get(span.range()))?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    };
    // A system message among the others is not the system prompt, and stays in its place.
    if let Some((first, others)) = messages.split_first()
        && matches!(first.role, Role::System | Role::Developer)
        && first.extra.dialect != NAME
    {
        messages = others;
        system = original(first).or_else(|| write_content(first, "system", diagnostics));
    }
    let signed_ids = ids_with_signatures(messages);
    let mut list = request.list(25);
    for (i, message) in messages.iter().enumerate() {
        let written = original(message);
        list.push(&written.unwrap_or_else(|| write_message(message, &signed_ids, i, diagnostics)));
    }
    WrittenMessages { system, messages: list.into_json() }
}

/// Returns the ids of tool calls that have a signature, each with the id that the signature is attached to.
fn ids_with_signatures(messages: &[Message]) -> BTreeMap<&str, String> {
    let blocks = messages.iter().flat_map(|message| &message.blocks);
    let mut ids = BTreeMap::new();
    for block in blocks {
        if let Block::ToolCall { id, signature: Some(signature), .. } = block
            && let Some(signed_id) = call_id::attach(id, signature)
        {
            ids.entry(id.as_str()).or_insert(signed_id);
        }
    }
    ids
}

fn write_content(message: &Message, field_path: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    if message.content_was_parts && message.blocks.is_empty() {
        return Some(String::from("[]"));
    }
    match message.blocks.as_slice() {
        [Block::Text { text, extra }] if !message.content_was_parts && extra.is_empty() => {
            Some(text.to_json())
        }
        blocks => content_block::write_content(blocks, field_path, diagnostics),
    }
}

fn write_message(
    message: &Message,
    signed_ids: &BTreeMap<&str, String>,
    i: usize,
    diagnostics: &mut Diagnostics,
) -> String {
    let mut message = Cow::Borrowed(message);
    if !signed_ids.is_empty() {
        for block in &mut message.to_mut().edit().blocks {
            if let Block::ToolResult { id, .. } = block
                && let Some(signed_id) = signed_ids.get(id.as_str())
            {
                id.clone_from(signed_id);
            }
        }
    }
    let role = match message.role {
        Role::System | Role::Developer => "system",
        Role::Assistant => "assistant",
        Role::User | Role::Tool => "user",
    };
    let mut object = Object::new();
    object.set("role", encode_string(role));
    let content = write_content(&message, &format!("messages[{i}].content"), diagnostics);
    object.set("content", content.map_or(Cow::Borrowed("\"\""), Cow::Owned));
    for (key, value) in message.extra.of(NAME) {
        object.set(wire_key(key), value.get());
    }
    object.to_json()
}
