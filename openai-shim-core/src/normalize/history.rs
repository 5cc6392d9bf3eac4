//! Reasoning in the history: left out where it is refused, put back where it must be and the client did not send it.

use super::{Memory, touch};
use crate::canonical::{Block, Code, Diagnostics, Extra, Message, Request, Role};
use crate::profile::{History, Messages};

pub(super) fn normalize(
    request: &mut Request,
    rules: &Messages,
    memory: Option<&dyn Memory>,
    notes: &mut Diagnostics,
) {
    for (i, message) in request.messages.iter_mut().enumerate() {
        let changed = message.role == Role::Assistant
            && match rules.reasoning {
                History::Drop => leave_out(message, i, notes),
                History::Restore => put_back(message, i, memory, notes),
                _ => false,
            };
        request.touched.messages |= changed;
    }
}

fn leave_out(message: &mut Message, i: usize, notes: &mut Diagnostics) -> bool {
    let before = message.blocks.len();
    message.blocks.retain(|block| !matches!(block, Block::Reasoning { .. }));
    let members = message.extra.members.len();
    message.extra.members.retain(|(key, _)| !key.starts_with("reasoning"));
    if message.blocks.len() == before && message.extra.members.len() == members {
        return false;
    }
    notes.note(Code::ReasoningDropped, &format!("messages[{i}]"), "");
    touch(message);
    true
}

/// Only turns that call tools need their reasoning again.
fn put_back(message: &mut Message, i: usize, memory: Option<&dyn Memory>, notes: &mut Diagnostics) -> bool {
    let has = message.blocks.iter().any(|block| matches!(block, Block::Reasoning { .. }));
    let first = message.blocks.iter().find_map(|block| match block {
        Block::ToolCall { id, .. } => Some(id.clone()),
        _ => None,
    });
    let (false, Some(id)) = (has, first) else { return false };
    let kept = memory.and_then(|memory| memory.recall(&id));
    let detail = if kept.is_some() { "" } else { "it is not known any more: a single space" };
    notes.note(Code::ReasoningRestored, &format!("messages[{i}].reasoning_content"), detail);
    // Such upstreams ask for the member, not for its words.
    let text = kept.unwrap_or_else(|| String::from(" "));
    message
        .blocks
        .insert(0, Block::Reasoning { text: text.into(), signature: None, extra: Extra::default() });
    touch(message);
    true
}
