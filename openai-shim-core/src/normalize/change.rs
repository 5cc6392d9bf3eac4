//! Changes of messages that several rules make.

use crate::canonical::{Block, Message, Request, Role};

/// Makes the encoder write a changed message, instead of copying the client's bytes.
pub(super) fn mark_changed(message: &mut Message) {
    message.span = None;
}

/// Appends a sentence to the system message, or adds a system message with it.
pub(super) fn append_instruction(request: &mut Request, sentence: &str) {
    let is_system = |m: &&mut Message| matches!(m.role, Role::System | Role::Developer);
    match request.messages.iter_mut().find(is_system) {
        Some(message) => {
            message.blocks.push(Block::text(format!("\n\n{sentence}")));
            if !message.content_was_parts {
                message.join_texts();
            }
            mark_changed(message);
        }
        None => request.messages.insert(0, Message::text(Role::System, sentence)),
    }
    request.changed.messages = true;
}

/// Appends a message's content to another message. After the last one the caller [joins the texts](Message::join_texts).
pub(super) fn append_content(last: &mut Message, message: Message) {
    let both_text = last.blocks.last().and_then(Block::as_text).is_some()
        && message.blocks.first().and_then(Block::as_text).is_some();
    if both_text {
        last.blocks.push(Block::text("\n\n"));
    }
    last.blocks.extend(message.blocks);
    mark_changed(last);
}
