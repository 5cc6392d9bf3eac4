//! Reasoning of earlier turns: dropped if the upstream refuses it, filled in if the upstream requires it.

use crate::accepts::{MessageRules, ReasoningHistory};
use crate::canonical::{Block, DiagnosticCode, Diagnostics, ExtraFields, Message, Request, Role};

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

fn drop_reasoning(message: &mut Message, i: usize, diagnostics: &mut Diagnostics) {
    let has_blocks = message.retain_blocks(|block| !matches!(block, Block::Reasoning { .. }));
    let has_fields = message.retain_extra(|key, _| !key.starts_with("reasoning"));
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
