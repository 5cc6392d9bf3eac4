//! Reasoning of earlier turns: dropped if the upstream refuses it, filled in if the upstream requires it.

use crate::canonical::{Block, DiagnosticCode, Diagnostics, ExtraFields, Message, Request, Role};
use crate::normalize::change::mark_changed;
use crate::profile::{MessageRules, ReasoningHistory};

pub(in crate::normalize) fn normalize(
    request: &mut Request,
    rules: &MessageRules,
    diagnostics: &mut Diagnostics,
) {
    for (i, message) in request.messages.iter_mut().enumerate() {
        let changed = message.role == Role::Assistant
            && match rules.reasoning_history {
                ReasoningHistory::Keep => false,
                ReasoningHistory::Drop => drop_reasoning(message, i, diagnostics),
                ReasoningHistory::Restore => fill_reasoning(message, i, diagnostics),
            };
        request.changed.messages |= changed;
    }
}

fn drop_reasoning(message: &mut Message, i: usize, diagnostics: &mut Diagnostics) -> bool {
    let (blocks, fields) = (message.blocks.len(), message.extra.members.len());
    message.blocks.retain(|block| !matches!(block, Block::Reasoning { .. }));
    message.extra.members.retain(|(key, _)| !key.starts_with("reasoning"));
    if message.blocks.len() == blocks && message.extra.members.len() == fields {
        return false;
    }
    diagnostics.record(DiagnosticCode::ReasoningDropped, &format!("messages[{i}]"), "");
    mark_changed(message);
    true
}

/// Fills in a space as the reasoning of a turn that calls tools. Stored reasoning is already restored; upstreams that require
/// the field do not check its text.
fn fill_reasoning(message: &mut Message, i: usize, diagnostics: &mut Diagnostics) -> bool {
    let has = |is: fn(&Block) -> bool| message.blocks.iter().any(is);
    if has(|block| matches!(block, Block::Reasoning { .. }))
        || !has(|block| matches!(block, Block::ToolCall { .. }))
    {
        return false;
    }
    let detail = "it is not known any more: a single space";
    diagnostics.record(
        DiagnosticCode::ReasoningRestored,
        &format!("messages[{i}].reasoning_content"),
        detail,
    );
    message
        .blocks
        .insert(0, Block::Reasoning { text: " ".into(), signature: None, extra: ExtraFields::default() });
    mark_changed(message);
    true
}
