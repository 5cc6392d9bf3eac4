//! Messages of a client of this dialect: `Message`s and the client's bytes to the JSON of `system` and `messages`. A message
//! that was not changed keeps its bytes.

use super::super::content_block;
use super::super::extra_fields::wire_key;
use super::super::names::NAME;
use super::message_content::WrittenMessages;
use super::messages::role_name;
use crate::canonical::{Block, Diagnostics, Message, Request, Role, call_id};
use crate::json::{Object, encode_string};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Writes the system prompt and the messages.
pub(super) fn write(request: &Request, source: &[u8], diagnostics: &mut Diagnostics) -> WrittenMessages {
    let original = |message: &Message| {
        let bytes = message.source_span().and_then(|span| source.get(span.range()))?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    };
    let is_system = |message: &&Message| matches!(message.role, Role::System | Role::Developer);
    let front = request.messages.iter().take_while(is_system).count();
    let (front, messages) = request.messages.split_at_checked(front).unwrap_or_default();
    let system = match front {
        [only] if only.extra.dialect != NAME => {
            original(only).or_else(|| write_content(only, "system", diagnostics))
        }
        front => write_system(front, diagnostics),
    };
    let signed_ids = ids_with_signatures(messages);
    let mut list = request.list(25);
    // Results in messages of their own stand in one message with the user's words behind them.
    let mut results: Vec<Block> = Vec::new();
    for (i, message) in messages.iter().enumerate() {
        if message.role == Role::Tool {
            results.extend_from_slice(&message.blocks);
            continue;
        }
        let mut message = Cow::Borrowed(message);
        if !results.is_empty() && message.role == Role::User {
            let fields = message.to_mut().edit();
            fields.content_was_parts = true;
            fields.blocks.splice(0..0, std::mem::take(&mut results));
        }
        if !results.is_empty() {
            let results = Message::new(Role::User, std::mem::take(&mut results));
            list.push(&write_message(&results, &signed_ids, i, diagnostics));
        }
        let written = original(&message);
        list.push(&written.unwrap_or_else(|| write_message(&message, &signed_ids, i, diagnostics)));
    }
    if !results.is_empty() {
        let results = Message::new(Role::User, results);
        list.push(&write_message(&results, &signed_ids, messages.len(), diagnostics));
    }
    WrittenMessages { system, messages: list.into_json() }
}

/// Writes several system messages as one system prompt.
fn write_system(messages: &[Message], diagnostics: &mut Diagnostics) -> Option<String> {
    let blocks: Vec<Block> = messages.iter().flat_map(|message| message.blocks.iter().cloned()).collect();
    content_block::write_content(&blocks, "system", diagnostics)
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
    let mut object = Object::new();
    object.set("role", encode_string(role_name(message.role)));
    let content = write_content(&message, &format!("messages[{i}].content"), diagnostics);
    object.set("content", content.map_or(Cow::Borrowed("\"\""), Cow::Owned));
    for (key, value) in message.extra.of(NAME) {
        object.set(wire_key(key), value.as_str());
    }
    object.to_json()
}
