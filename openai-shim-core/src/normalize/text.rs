//! Text content of messages to the JSON type that the profile accepts, and empty content to what it accepts instead.

use crate::accepts::{ContentType, MessageRules, ToolCallContent};
use crate::canonical::{Block, DiagnosticCode, Diagnostics, ExtraFields, Message, Messages, Role};

/// Joins the parts of a text into one: the encoder writes a single text block as a string.
pub(super) fn parts_to_string(
    message: &mut Message,
    rules: &MessageRules,
    i: usize,
    diagnostics: &mut Diagnostics,
) {
    if rules.content != ContentType::String || !message.content_was_parts {
        return;
    }
    let is_joinable = match message.blocks.as_slice() {
        [Block::ToolResult { blocks, .. }] => are_joinable(blocks),
        blocks => are_joinable(blocks),
    };
    if !is_joinable {
        return;
    }
    let fields = message.edit();
    match fields.blocks.as_mut_slice() {
        [Block::ToolResult { blocks, .. }] => join_text_blocks(blocks),
        _ => join_text_blocks(&mut fields.blocks),
    }
    fields.content_was_parts = false;
    diagnostics.record(DiagnosticCode::ContentFlattened, &format!("messages[{i}].content"), "");
}

/// Joins texts of an answer that follow one another: some clients store each delta as a part, and servers put line breaks
/// between parts.
pub(super) fn join_deltas(messages: &mut Messages, diagnostics: &mut Diagnostics) {
    let are_joined =
        |pair: &[Block]| matches!(pair, [first, second] if is_extensible(first) && is_plain(second));
    for (i, message) in messages.iter_mut().enumerate() {
        if message.role == Role::Assistant && message.blocks.windows(2).any(are_joined) {
            join_plain_texts(message);
            diagnostics.record(
                DiagnosticCode::ContentFlattened,
                &format!("messages[{i}].content"),
                "texts that follow one another",
            );
        }
    }
}

fn join_plain_texts(message: &mut Message) {
    let fields = message.edit();
    let mut joined: Vec<Block> = Vec::with_capacity(fields.blocks.len());
    for block in fields.blocks.drain(..) {
        match (joined.last_mut(), &block) {
            (Some(last), Block::Text { text: next, .. }) if is_extensible(last) && is_plain(&block) => {
                if let Block::Text { text, .. } = last {
                    text.push_str(next);
                }
            }
            _ => joined.push(block),
        }
    }
    fields.content_was_parts &= joined.len() > 1;
    fields.blocks = joined;
}

/// Whether a block is text and nothing else. Clients of Responses repeat the type and the empty lists of an answer.
fn is_plain(block: &Block) -> bool {
    let Block::Text { extra, .. } = block else { return false };
    extra.members.iter().all(|(key, value)| key == ".type" || is_nothing(value.as_str()))
}

/// Whether a block is text to which more can be added: its other fields are formal, or empty.
fn is_extensible(block: &Block) -> bool {
    let Block::Text { extra, .. } = block else { return false };
    extra.members.iter().all(|(key, value)| key.starts_with('.') || is_nothing(value.as_str()))
}

fn is_nothing(json: &str) -> bool {
    matches!(json.trim(), "[]" | "null")
}

/// Whether there is text, and no block that requires a list of parts.
fn are_joinable(blocks: &[Block]) -> bool {
    let requires_part =
        |b: &Block| matches!(b, Block::Image(_) | Block::Audio(_) | Block::File(_) | Block::Native { .. });
    blocks.iter().any(is_text) && !blocks.iter().any(requires_part)
}

fn is_text(block: &Block) -> bool {
    matches!(block, Block::Text { .. })
}

/// Joins all texts into one.
fn join_text_blocks(blocks: &mut Vec<Block>) {
    let Some(first_text) = blocks.iter().position(is_text) else { return };
    let joined = blocks.iter().filter_map(Block::as_text).collect::<Vec<_>>().join("\n\n");
    blocks.retain(|b| !is_text(b));
    blocks.insert(first_text.min(blocks.len()), Block::text(joined));
}

/// Makes the encoder write a string as a list of one text part.
pub(super) fn string_to_parts(
    message: &mut Message,
    rules: &MessageRules,
    i: usize,
    diagnostics: &mut Diagnostics,
) {
    let has_text = message.blocks.iter().any(|b| matches!(b, Block::Text { .. } | Block::ToolResult { .. }));
    if rules.content != ContentType::Parts || message.content_was_parts || !has_text {
        return;
    }
    message.edit().content_was_parts = true;
    diagnostics.record(
        DiagnosticCode::ContentRewritten,
        &format!("messages[{i}].content"),
        "a text to a list of parts",
    );
}

/// Drops assistant messages without content and tool calls, if the upstream refuses them.
pub(super) fn drop_empty_assistant(
    messages: &mut Messages,
    rules: &MessageRules,
    diagnostics: &mut Diagnostics,
) {
    if !rules.drop_empty_assistant {
        return;
    }
    let is_kept = |m: &Message| m.role != Role::Assistant || !m.blocks.iter().all(is_empty_text);
    for (i, _) in messages.iter().enumerate().filter(|(_, m)| !is_kept(m)) {
        diagnostics.record(DiagnosticCode::MessageDropped, &format!("messages[{i}]"), "");
    }
    messages.retain(is_kept);
}

fn is_empty_text(block: &Block) -> bool {
    matches!(block, Block::Text { text, .. } if text.is_empty())
}

/// Sets the content of an assistant message that has none: `""` without tool calls, else what the upstream accepts.
pub(super) fn fill_content(
    message: &mut Message,
    rules: &MessageRules,
    i: usize,
    diagnostics: &mut Diagnostics,
) {
    // Where empty text is refused there is no content to fill in.
    if message.role != Role::Assistant || rules.drop_empty_text || rules.drop_blank_text {
        return;
    }
    let has_calls = message.blocks.iter().any(|b| matches!(b, Block::ToolCall { .. }));
    if !has_calls {
        // OpenAI accepts `null` only beside calls.
        let is_null = message.blocks.iter().all(|b| matches!(b, Block::Reasoning { .. }))
            && ["function_call", "audio"].iter().all(|key| message.extra.get(key).is_none());
        if is_null {
            message.edit().blocks.push(Block::text(""));
            diagnostics.record(
                DiagnosticCode::ContentRewritten,
                &format!("messages[{i}].content"),
                "null to \"\"",
            );
        }
        return;
    }
    let field_path = format!("messages[{i}].content");
    let has_text = message.blocks.iter().any(|b| matches!(b, Block::Text { .. }));
    match rules.tool_call_content {
        ToolCallContent::Empty if !has_text => {
            message.edit().blocks.insert(0, Block::Text { text: "".into(), extra: ExtraFields::default() });
            diagnostics.record(DiagnosticCode::ContentRewritten, &field_path, "null to \"\"");
        }
        ToolCallContent::Null if message.blocks.iter().any(is_empty_text) => {
            message.retain_blocks(|b| !is_empty_text(b));
            diagnostics.record(DiagnosticCode::ContentRewritten, &field_path, "\"\" to null");
        }
        _ => {}
    }
}
