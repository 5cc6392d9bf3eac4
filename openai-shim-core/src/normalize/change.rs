//! Changes of messages that several rules make.

use crate::canonical::{Block, Message, Request, Role};

/// Appends a sentence to the system message, or adds a system message with it.
pub(super) fn append_instruction(request: &mut Request, sentence: &str) {
    let is_system = |m: &&mut Message| matches!(m.role, Role::System | Role::Developer);
    match request.messages.iter_mut().find(is_system) {
        Some(message) => {
            message.edit().blocks.push(Block::text(format!("\n\n{sentence}")));
            if !message.content_was_parts {
                message.join_texts();
            }
        }
        None => request.messages.edit().insert(0, Message::text(Role::System, sentence)),
    }
}

/// Appends a message's content to another message. After the last one the caller [joins the texts](Message::join_texts).
pub(super) fn append_content(last: &mut Message, message: Message) {
    let both_text = last.blocks.last().and_then(Block::as_text).is_some()
        && message.blocks.first().and_then(Block::as_text).is_some();
    let blocks = &mut last.edit().blocks;
    if both_text {
        blocks.push(Block::text("\n\n"));
    }
    blocks.extend(message.into_blocks());
}
