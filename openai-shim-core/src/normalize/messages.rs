//! Messages: roles, content shapes and their order.

use crate::canonical::{Block, Code, Diagnostics, Extra, Message, Request, Role};
use crate::profile::Messages;

pub(super) fn normalize(request: &mut Request, rules: &Messages, notes: &mut Diagnostics) {
    let mut touched = false;
    for (i, message) in request.messages.iter_mut().enumerate() {
        touched |= demote(message, rules, i, notes);
        touched |= flatten(message, rules, i, notes);
    }
    if rules.single_system {
        touched |= hoist_system(&mut request.messages, notes);
    }
    if rules.alternate {
        touched |= merge_adjacent(&mut request.messages, notes);
    }
    if rules.empty_content {
        for (i, message) in request.messages.iter_mut().enumerate() {
            touched |= fill_content(message, i, notes);
        }
    }
    request.touched.messages |= touched;
}

/// Marks a message as changed: it is written anew.
fn touch(message: &mut Message) -> bool {
    message.span = None;
    true
}

fn demote(message: &mut Message, rules: &Messages, i: usize, notes: &mut Diagnostics) -> bool {
    let Some(role) = rules.roles.get(message.role.as_str()).and_then(|word| Role::parse(word)) else {
        return false;
    };
    if role == message.role {
        return false;
    }
    notes.note(
        Code::RoleDemoted,
        &format!("messages[{i}].role"),
        &format!("{} to {}", message.role.as_str(), role.as_str()),
    );
    message.role = role;
    touch(message)
}

/// Joins several text blocks into one: the encoder writes a single text block as a string.
fn flatten(message: &mut Message, rules: &Messages, i: usize, notes: &mut Diagnostics) -> bool {
    if !rules.flatten_text {
        return false;
    }
    let texts = message.blocks.iter().filter(|b| matches!(b, Block::Text { .. })).count();
    let media = message.blocks.iter().any(|b| {
        matches!(
            b,
            Block::Image(_)
                | Block::Audio(_)
                | Block::File(_)
                | Block::Native { .. }
                | Block::ToolResult { .. }
        )
    });
    let parts = message.content_was_parts;
    if !parts || texts == 0 || media {
        return false;
    }
    let joined = message.blocks.iter().filter_map(Block::as_text).collect::<Vec<_>>().join("\n\n");
    let at = message.blocks.iter().position(|b| matches!(b, Block::Text { .. })).unwrap_or(0);
    message.blocks.retain(|b| !matches!(b, Block::Text { .. }));
    message.blocks.insert(at.min(message.blocks.len()), Block::text(joined));
    message.content_was_parts = false;
    notes.note(Code::ContentFlattened, &format!("messages[{i}].content"), "");
    touch(message)
}

/// One system message, in front.
fn hoist_system(messages: &mut Vec<Message>, notes: &mut Diagnostics) -> bool {
    let is_system = |m: &Message| matches!(m.role, Role::System | Role::Developer);
    let count = messages.iter().filter(|m| is_system(m)).count();
    if count == 0 || (count == 1 && messages.first().is_some_and(is_system)) {
        return false;
    }
    let (system, mut rest): (Vec<_>, Vec<_>) = std::mem::take(messages).into_iter().partition(is_system);
    let text = system.iter().map(Message::joined_text).collect::<Vec<_>>().join("\n\n");
    rest.insert(0, Message::text(Role::System, text));
    *messages = rest;
    notes.note(Code::MessagesMerged, "messages", "system messages were merged and put first");
    true
}

/// No two messages of one role in a row (tool results excepted).
fn merge_adjacent(messages: &mut Vec<Message>, notes: &mut Diagnostics) -> bool {
    let before = messages.len();
    let mut merged: Vec<Message> = Vec::with_capacity(before);
    for message in std::mem::take(messages) {
        match merged.last_mut() {
            Some(last)
                if last.role == message.role && matches!(message.role, Role::User | Role::Assistant) =>
            {
                let both_text = last.blocks.last().and_then(Block::as_text).is_some()
                    && message.blocks.first().and_then(Block::as_text).is_some();
                if both_text {
                    last.blocks.push(Block::text("\n\n"));
                }
                last.blocks.extend(message.blocks);
                last.join_texts();
                touch(last);
            }
            _ => merged.push(message),
        }
    }
    *messages = merged;
    if messages.len() == before {
        return false;
    }
    notes.note(Code::MessagesMerged, "messages", "adjacent messages of one role were merged");
    true
}

/// An assistant message that only calls tools says `""`.
fn fill_content(message: &mut Message, i: usize, notes: &mut Diagnostics) -> bool {
    let calls = message.blocks.iter().any(|b| matches!(b, Block::ToolCall { .. }));
    let says = message.blocks.iter().any(|b| matches!(b, Block::Text { .. }));
    if message.role != Role::Assistant || !calls || says {
        return false;
    }
    message.blocks.insert(0, Block::Text { text: String::new(), extra: Extra::default() });
    notes.note(Code::ContentRewritten, &format!("messages[{i}].content"), "null to \"\"");
    touch(message)
}
