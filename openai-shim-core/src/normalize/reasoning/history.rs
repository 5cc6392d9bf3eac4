//! Reasoning of earlier turns: dropped if the upstream refuses it, filled in if the upstream requires it, and sent back in the
//! field that the upstream reads.

use crate::accepts::{Accepts, MessageRules, ReasoningField, ReasoningHistory};
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFields, Message, REASONING_CONTENT, REASONING_TEXT, Request,
    Role,
};
use crate::normalize::recipient::Recipient;

pub(in crate::normalize) fn normalize(
    request: &mut Request,
    rules: &MessageRules,
    diagnostics: &mut Diagnostics,
) {
    for (i, message) in request.messages.iter_mut().enumerate() {
        match rules.reasoning_history {
            _ if message.role != Role::Assistant => {}
            ReasoningHistory::Keep => {}
            ReasoningHistory::Drop => drop_reasoning(message, i, diagnostics),
            ReasoningHistory::Restore => fill_reasoning(message, i, diagnostics),
        }
    }
}

/// Sends reasoning back in the field that the upstream reads. The client may know it by another name, under which the shim
/// itself passed it on.
pub(in crate::normalize) fn rename_field(
    request: &mut Request,
    recipient: &Recipient<'_>,
    diagnostics: &mut Diagnostics,
) {
    let Accepts { messages: MessageRules { reasoning_field: field, .. }, reasoning, .. } = recipient.accepts;
    if *field == ReasoningField::Any || !reasoning.param.is_of_chat() {
        return;
    }
    request.reasoning_field = *field;
    let is_same_dialect = recipient.client.name() == recipient.dialect.name();
    for (i, message) in request.messages.iter_mut().enumerate() {
        if *field == ReasoningField::None {
            if message.role == Role::Assistant {
                drop_unread(message, i, &recipient.accepts.messages, diagnostics);
            }
            continue;
        }
        let is_renamed = match field {
            _ if message.role != Role::Assistant || !message.blocks.iter().any(is_plain_reasoning) => false,
            ReasoningField::ThinkTags => {
                move_into_text(message);
                true
            }
            field => !is_named(message, *field),
        };
        if is_renamed {
            message.mark_changed();
        }
        if is_renamed && is_same_dialect {
            let path = format!("messages[{i}].reasoning_content");
            diagnostics.record(DiagnosticCode::ReasoningRenamed, &path, name_of(*field));
        }
    }
}

/// Drops what the upstream has no field for: reasoning, and the signatures of tool calls.
/// Other rules may state that the upstream requires them.
fn drop_unread(message: &mut Message, i: usize, rules: &MessageRules, diagnostics: &mut Diagnostics) {
    if rules.reasoning_history != ReasoningHistory::Restore {
        drop_reasoning(message, i, diagnostics);
    }
    if rules.signatures_in_ids {
        return;
    }
    message.edit_each_block(|block| {
        if !matches!(&**block, Block::ToolCall { signature: Some(_), .. }) {
            return;
        }
        if let Block::ToolCall { signature, .. } = block.edit() {
            *signature = None;
            diagnostics.record(
                DiagnosticCode::ExtraDropped,
                &format!("messages[{i}].tool_calls"),
                "a signature of another upstream",
            );
        }
    });
}

fn is_plain_reasoning(block: &Block) -> bool {
    matches!(block, Block::Reasoning { text, .. } if !text.is_empty())
}

/// Whether a chat client sent reasoning in the fields that the upstream reads.
fn is_named(message: &Message, field: ReasoningField) -> bool {
    let is_text = message.extra.get(REASONING_TEXT).is_some();
    let is_content = !is_text || message.extra.get(REASONING_CONTENT).is_some();
    match field {
        ReasoningField::Reasoning => is_text,
        ReasoningField::ReasoningContent => is_content,
        _ => is_text && is_content,
    }
}

fn name_of(field: ReasoningField) -> &'static str {
    match field {
        ReasoningField::Reasoning => "reasoning",
        ReasoningField::Both => "reasoning_content and reasoning",
        ReasoningField::ThinkTags => "the content, between tags",
        _ => "reasoning_content",
    }
}

/// Moves reasoning that is plain text to the beginning of the content, between tags.
fn move_into_text(message: &mut Message) {
    let mut reasoning = String::new();
    message.retain_blocks(|block| match block {
        Block::Reasoning { text, .. } => {
            reasoning.push_str(text);
            false
        }
        _ => true,
    });
    message.edit().blocks.insert(0, Block::text(format!("<think>\n{reasoning}\n</think>\n\n")));
    message.join_texts();
}

fn drop_reasoning(message: &mut Message, i: usize, diagnostics: &mut Diagnostics) {
    let has_blocks = message.retain_blocks(|block| !matches!(block, Block::Reasoning { .. }));
    let has_fields = message.retain_extra(|key, _| !key.trim_start_matches('.').starts_with("reasoning"));
    if has_blocks || has_fields {
        diagnostics.record(DiagnosticCode::ReasoningDropped, &format!("messages[{i}]"), "");
    }
}

/// Fills in a space as the reasoning of a turn that calls tools. Stored reasoning is already restored; upstreams that require
/// the field do not check its text.
fn fill_reasoning(message: &mut Message, i: usize, diagnostics: &mut Diagnostics) {
    let has = |is: fn(&Block) -> bool| message.blocks.iter().any(is);
    if has(|block| matches!(block, Block::Reasoning { .. }))
        || !has(|block| matches!(block, Block::ToolCall { .. }))
    {
        return;
    }
    let detail = "it is not known any more: a single space";
    diagnostics.record(
        DiagnosticCode::ReasoningRestored,
        &format!("messages[{i}].reasoning_content"),
        detail,
    );
    message
        .edit()
        .blocks
        .insert(0, Block::Reasoning { text: " ".into(), signature: None, extra: ExtraFields::default() });
}
