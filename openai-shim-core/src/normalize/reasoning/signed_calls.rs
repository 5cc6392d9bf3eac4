//! Signed reasoning of earlier turns: whether the last tool calls follow theirs, and reasoning without a signature, which an
//! upstream refuses that signs all of its own.

use crate::accepts::{MessageRules, UnsignedReasoning};
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Message, Messages, Request, Role};

/// Drops reasoning without a signature for an upstream that refuses it.
pub(in crate::normalize) fn drop_unsigned(
    request: &mut Request,
    rules: &MessageRules,
    diagnostics: &mut Diagnostics,
) {
    if rules.unsigned_reasoning != UnsignedReasoning::Drop {
        return;
    }
    for (i, message) in request.messages.iter_mut().enumerate() {
        if message.role == Role::Assistant && message.retain_blocks(|block| !is_unsigned(block)) {
            let path = format!("messages[{i}].content");
            diagnostics.record(DiagnosticCode::FeatureUnsupported, &path, "reasoning without a signature");
        }
    }
}

fn is_unsigned(block: &Block) -> bool {
    matches!(block, Block::Reasoning { signature: None, .. })
}

/// Whether the tool calls of the last turn lack the signed reasoning before them. An upstream does not sign its reasoning if
/// the client sends some back, unchanged, without a signature.
pub(super) fn lacks_signed_reasoning(messages: &Messages) -> bool {
    let never_signs =
        || !messages.is_changed() && messages.iter().flat_map(|message| &message.blocks).any(is_unsigned);
    has_calls_without_reasoning(messages) && !never_signs()
}

fn has_calls_without_reasoning(messages: &[Message]) -> bool {
    let turn = messages.iter().rev().take_while(|m| m.role != Role::User || has_only_results(m));
    let (mut has_calls, mut has_reasoning) = (false, false);
    for block in turn.filter(|m| m.role == Role::Assistant).flat_map(|m| &m.blocks) {
        has_calls |= matches!(block, Block::ToolCall { .. });
        has_reasoning |= matches!(block, Block::Reasoning { signature: Some(_), .. });
    }
    has_calls && !has_reasoning
}

fn has_only_results(message: &Message) -> bool {
    message.blocks.iter().all(|block| matches!(block, Block::ToolResult { .. }))
}
