//! A compaction that can be read to a text of the user in place of everything before it.
//!
//! Anthropic's SDKs put the summary of their own compaction there too:
//! <https://platform.claude.com/docs/en/build-with-claude/context-editing>.

use super::super::recipient::Recipient;
use crate::canonical::{Block, COMPACTION, DiagnosticCode, Diagnostics, ExtraFields, Message, Request, Role};

pub(super) fn normalize(request: &mut Request, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    let is_compaction = |block: &Block| match block {
        Block::Text { extra, .. } if !extra.is_empty() => {
            !recipient.is_own(extra.dialect) && extra.get(COMPACTION).is_some()
        }
        _ => false,
    };
    let Some(last) = request.messages.iter().rposition(|message| message.blocks.iter().any(is_compaction))
    else {
        return;
    };
    let messages = request.messages.edit();
    let is_system = |message: &Message| matches!(message.role, Role::System | Role::Developer);
    let first = messages.iter().position(|message| !is_system(message)).unwrap_or(last).min(last);
    let rest = messages.split_off(last);
    messages.truncate(first);
    let mut rest = rest.into_iter();
    let Some(compacted) = rest.next() else { return };
    let role = compacted.role;
    let mut blocks = compacted.into_blocks();
    let after = blocks.split_off(blocks.iter().rposition(is_compaction).unwrap_or_default());
    let mut after = after.into_iter();
    if let Some(Block::Text { text, .. }) = after.next() {
        let summary = Block::Text { text, extra: ExtraFields::default() };
        messages.push(Message::new(Role::User, vec![summary]));
    }
    let after: Vec<Block> = after.collect();
    if !after.is_empty() {
        messages.push(Message::new(role, after));
    }
    messages.extend(rest);
    diagnostics.record(
        DiagnosticCode::NativeAsText,
        &format!("messages[{last}].content"),
        "compaction: in place of everything before it",
    );
}
