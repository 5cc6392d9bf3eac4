//! Messages in, whether their thinking is signed out. Claude signs all of its thinking, and rejects any without a signature.

use crate::canonical::{Block, Message, Role};

/// Whether a block is thinking without a signature.
pub(super) fn is_unsigned_thinking(block: &Block) -> bool {
    matches!(block, Block::Reasoning { signature: None, .. })
}

/// Whether a message has thinking without a signature.
pub(super) fn has_unsigned_thinking(message: &Message) -> bool {
    message.blocks.iter().any(is_unsigned_thinking)
}

/// Whether the tool calls of the last turn lack the signed thinking before them.
pub(super) fn has_calls_without_thinking(messages: &[Message]) -> bool {
    let turn = messages.iter().rev().take_while(|m| m.role != Role::User || has_only_results(m));
    let (mut has_calls, mut has_thinking) = (false, false);
    for block in turn.filter(|m| m.role == Role::Assistant).flat_map(|m| &m.blocks) {
        has_calls |= matches!(block, Block::ToolCall { .. });
        has_thinking |= matches!(block, Block::Reasoning { signature: Some(_), .. });
    }
    has_calls && !has_thinking
}

fn has_only_results(message: &Message) -> bool {
    message.blocks.iter().all(|block| matches!(block, Block::ToolResult { .. }))
}
