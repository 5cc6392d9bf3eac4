//! Reasoning in the history: left out where it is refused, filled in where it must be and nobody has it.

use super::touch;
use crate::canonical::{Block, DiagnosticCode, Diagnostics, ExtraFields, Message, Request, Role};
use crate::profile::{MessageRules, ReasoningHistory};

pub(super) fn normalize(request: &mut Request, rules: &MessageRules, diagnostics: &mut Diagnostics) {
    for (i, message) in request.messages.iter_mut().enumerate() {
        let changed = message.role == Role::Assistant
            && match rules.reasoning_history {
                ReasoningHistory::Drop => leave_out(message, i, diagnostics),
                ReasoningHistory::Restore => fill(message, i, diagnostics),
                _ => false,
            };
        request.changed.messages |= changed;
    }
}

fn leave_out(message: &mut Message, i: usize, diagnostics: &mut Diagnostics) -> bool {
    let before = message.blocks.len();
    message.blocks.retain(|block| !matches!(block, Block::Reasoning { .. }));
    let members = message.extra.members.len();
    message.extra.members.retain(|(key, _)| !key.starts_with("reasoning"));
    if message.blocks.len() == before && message.extra.members.len() == members {
        return false;
    }
    diagnostics.record(DiagnosticCode::ReasoningDropped, &format!("messages[{i}]"), "");
    touch(message);
    true
}

/// Only turns that call tools need their reasoning again. What was kept of it is there by now; such upstreams ask for the
/// member, not for its words.
fn fill(message: &mut Message, i: usize, diagnostics: &mut Diagnostics) -> bool {
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
    touch(message);
    true
}
