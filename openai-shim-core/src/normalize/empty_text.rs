//! Text and messages without content to what the profile accepts: dropped where they are refused, and never made by the shim.

use super::recipient::Recipient;
use crate::accepts::MessageRules;
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFields, Message, Messages, Role, Text, WHOLE_BLOCK,
};
use crate::error::{ClientError, Error, ErrorKind};

/// Drops empty text, or text of white space only, that the upstream refuses.
pub(super) fn drop_refused(
    messages: &mut Messages,
    recipient: &Recipient<'_>,
    diagnostics: &mut Diagnostics,
) {
    let rules = &recipient.accepts.messages;
    if !rules.drop_empty_text && !rules.drop_blank_text {
        return;
    }
    for (i, message) in messages.iter_mut().enumerate() {
        let is_refused = |block: &Block| is_refused(block, rules, recipient);
        let has_refused = |block: &Block| match block {
            Block::ToolResult { blocks, .. } => blocks.iter().any(is_refused),
            block => is_refused(block),
        };
        if !message.blocks.iter().any(has_refused) {
            continue;
        }
        let has_blank = |blocks: &[Block]| {
            blocks
                .iter()
                .any(|block| is_refused(block) && block.as_text().is_some_and(|text| !text.is_empty()))
        };
        let mut drops_blank = false;
        message.edit().blocks.retain_mut(|block| {
            if let Block::ToolResult { blocks, .. } = block {
                drops_blank |= has_blank(blocks);
                blocks.retain(|block| !is_refused(block));
                return true;
            }
            drops_blank |= has_blank(std::slice::from_ref(block));
            !is_refused(block)
        });
        if drops_blank {
            let detail = "text of white space only";
            diagnostics.record(DiagnosticCode::ContentRewritten, &format!("messages[{i}].content"), detail);
        }
    }
}

fn is_refused(block: &Block, rules: &MessageRules, recipient: &Recipient<'_>) -> bool {
    let (text, extra) = match block {
        Block::Text { text, extra } => (text, Some(extra)),
        Block::Refusal(text) => (text, None),
        _ => return false,
    };
    let is_empty_text = text.is_empty() || (rules.drop_blank_text && is_blank(text));
    is_empty_text && extra.is_none_or(|extra| !has_content(extra, recipient))
}

/// Whether extra fields of a text are content of their own: a whole block, a signature, but not a cache breakpoint.
fn has_content(extra: &ExtraFields, recipient: &Recipient<'_>) -> bool {
    let is_formal =
        |key: &str| key.starts_with('.') || matches!(key, "cache_control" | "citations" | "annotations");
    recipient.is_own(extra.dialect)
        && extra.members.iter().any(|(key, _)| key == WHOLE_BLOCK || !is_formal(key))
}

/// Whether the client itself sent no content at all: whether that is accepted is for the upstream to judge.
pub(super) fn are_blank(messages: &[Message]) -> bool {
    let is_blank = |block: &Block| matches!(block, Block::Text { text, .. } if is_blank(text));
    messages.iter().all(|message| message.blocks.iter().all(is_blank))
}

/// Whether a text has white space only. Most texts show by their first byte that they have more.
fn is_blank(text: &Text) -> bool {
    let mut bytes = text.bytes();
    loop {
        bytes = match bytes {
            [] => return true,
            [b' ' | b'\n' | b'\t' | b'\r', rest @ ..] | [b'\\', b'n' | b't' | b'r', rest @ ..] => rest,
            [b'\\', b'u', ..] | [0x80..=0xff, ..] => return text.unescaped().trim().is_empty(),
            _ => return false,
        };
    }
}

/// Drops messages of which nothing is left for this upstream. A client's own message that is empty stays for an upstream of its
/// dialect. If no message would be left, all stay.
///
/// # Errors
/// No message has content that the upstream accepts, and it refuses empty ones.
pub(super) fn drop_leftover(
    messages: &mut Messages,
    is_translated: bool,
    recipient: &Recipient<'_>,
    diagnostics: &mut Diagnostics,
) -> Result<(), Error> {
    let drops_empty = recipient.accepts.messages.drop_empty_text;
    let is_leftover = |message: &Message| {
        (is_translated || drops_empty || message.is_changed())
            && message.role != Role::Tool
            && is_empty(message, recipient)
    };
    if !messages.iter().any(is_leftover) {
        return Ok(());
    }
    if messages.iter().all(is_leftover) {
        return if drops_empty { Err(nothing_left(recipient)) } else { Ok(()) };
    }
    for (i, message) in messages.iter().enumerate().filter(|(_, message)| is_leftover(message)) {
        let field_path = format!("messages[{i}]");
        message.report(recipient.dialect.name(), &field_path, diagnostics);
        let is_native = |block: &Block| matches!(block, Block::Native { .. });
        if message.blocks.iter().any(is_native) {
            let detail = "another dialect's own";
            diagnostics.record(DiagnosticCode::FeatureUnsupported, &field_path, detail);
        } else {
            diagnostics.record(DiagnosticCode::MessageDropped, &field_path, "");
        }
    }
    messages.retain(|message| !is_leftover(message));
    Ok(())
}

/// The error for a conversation in which nothing is left for an upstream that refuses empty messages.
fn nothing_left(recipient: &Recipient<'_>) -> Error {
    let message = format!("The messages have no content that {} accepts. Send a text.", recipient.name);
    ClientError::new(ErrorKind::Unsupported, message).at("messages").with_code("unsupported_content").into()
}

fn is_empty(message: &Message, recipient: &Recipient<'_>) -> bool {
    let has_fields = recipient.is_own(message.extra.dialect)
        && message.extra.members.iter().any(|(key, value)| !key.starts_with('.') && value.as_str() != "null");
    !has_fields
        && message.blocks.iter().all(|block| match block {
            Block::Text { text, extra } => text.is_empty() && !has_content(extra, recipient),
            Block::Native { dialect, .. } => !recipient.is_own(dialect),
            _ => false,
        })
}

/// Makes the encoder write content of empty text only as a string, or as none, and not as a list of parts.
pub(super) fn list_to_string(message: &mut Message, i: usize, diagnostics: &mut Diagnostics) {
    if !message.content_was_parts {
        return;
    }
    let content = match message.blocks.as_slice() {
        [Block::ToolResult { blocks, .. }] => blocks,
        blocks => blocks,
    };
    let is_empty = |block: &Block| match block {
        Block::Text { text, extra } => text.is_empty() && extra.is_empty(),
        Block::ToolCall { .. } | Block::Reasoning { .. } => true,
        _ => false,
    };
    if !content.iter().all(is_empty) || !content.iter().any(|block| block.as_text().is_some()) {
        return;
    }
    message.edit().content_was_parts = false;
    let mut has_text = false;
    message.retain_blocks(|block| block.as_text().is_none() || !std::mem::replace(&mut has_text, true));
    diagnostics.record(
        DiagnosticCode::ContentRewritten,
        &format!("messages[{i}].content"),
        "a list of nothing but empty text",
    );
}
