//! Reasoning in the history: left out where it is refused, filled in where it must be and nobody has it.

use crate::canonical::{Block, DiagnosticCode, Diagnostics, ExtraFields, Message, Request, Role};
use crate::profile::{MessageRules, ReasoningHistory};

pub(super) fn normalize(request: &mut Request, rules: &MessageRules, diagnostics: &mut Diagnostics) {
    for (i, message) in request.messages.iter_mut().enumerate() {
        match rules.reasoning_history {
            _ if message.role != Role::Assistant => {}
            ReasoningHistory::Drop => leave_out(message, i, diagnostics),
            ReasoningHistory::Restore => fill(message, i, diagnostics),
            _ => {}
        }
    }
}

fn leave_out(message: &mut Message, i: usize, diagnostics: &mut Diagnostics) {
    let has_blocks = message.retain_blocks(|block| !matches!(block, Block::Reasoning { .. }));
    let has_fields = message.retain_extra(|key, _| !key.starts_with("reasoning"));
    if has_blocks || has_fields {
        diagnostics.record(DiagnosticCode::ReasoningDropped, &format!("messages[{i}]"), "");
    }
}

/// Only turns that call tools need their reasoning again. What was kept of it is there by now; such upstreams ask for the
/// member, not for its words.
fn fill(message: &mut Message, i: usize, diagnostics: &mut Diagnostics) {
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
