//! Opaque state of earlier turns (signatures, encrypted reasoning): removed for upstreams other than its issuer, restored
//! from the store where the client dropped it.
//!
//! Reasoning that is plain text is restored the same way, for upstreams that refuse a tool call without it.

use crate::canonical::digest::call_digest;
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFields, Message, Request, Role, StoredBlock, StoredTurn, issuer,
};
use crate::dialect::{Dialect, dialect};
use crate::normalize::stored_turns::StoredTurns;
use std::collections::{BTreeMap, VecDeque};

/// The upstream that receives opaque state, and the stored turns of the conversation.
pub(crate) struct OpaqueStateRule<'s> {
    pub(crate) upstream: Dialect,
    pub(crate) stored: &'s StoredTurns,
    /// The upstream requires the reasoning of tool calls again, also if it is plain text.
    pub(crate) restores_reasoning: bool,
}

impl OpaqueStateRule<'_> {
    /// Removes opaque state of other issuers from the history, and restores what this upstream issued.
    pub(crate) fn strip_and_restore(&self, request: &mut Request, diagnostics: &mut Diagnostics) {
        // The turn that was restored last, by its first message.
        let mut restored_turn = None;
        for (i, message) in request.messages.iter_mut().enumerate() {
            if message.role != Role::Assistant {
                continue;
            }
            self.remove_foreign(message, &request.model, i, diagnostics);
            if let Some((first_message, mut turn)) = self.stored.get(i, self.upstream.name())
                && self.is_needed(&turn, message)
            {
                // Once: a client may send one turn as several messages. Signatures of calls belong to each call.
                if restored_turn == Some(first_message) {
                    turn.blocks.retain(|block| matches!(block, StoredBlock::Call(..)));
                }
                restored_turn = Some(first_message);
                report_restored(&turn, i, diagnostics);
                restore_blocks(message, turn.blocks);
            }
        }
    }

    /// Whether a stored turn is restored: plain reasoning only beside tool calls, if the upstream requires it and the client
    /// sent none.
    fn is_needed(&self, turn: &StoredTurn, message: &Message) -> bool {
        let has = |is: fn(&Block) -> bool| message.blocks.iter().any(is);
        turn.opaque
            || (self.restores_reasoning
                && has(|block| matches!(block, Block::ToolCall { .. }))
                && !has(|block| matches!(block, Block::Reasoning { .. })))
    }

    /// Whether this upstream can be the issuer of a block with these extra fields.
    fn can_read(&self, extra: &ExtraFields, model: &str) -> bool {
        // A block without a format has the one of its client's dialect.
        let format =
            extra.detail("format").or_else(|| Some(dialect(extra.dialect).ok()?.signature_format()?.into()));
        match (self.upstream.signature_format(), format) {
            (Some(upstream), format) => {
                format.is_some_and(|format| issuer::same_format_family(&format, upstream))
            }
            (None, format) => format.is_none_or(|format| issuer::may_have_signed(model, &format)),
        }
    }

    /// Removes the signatures that this upstream cannot read.
    fn remove_foreign(&self, message: &mut Message, model: &str, i: usize, diagnostics: &mut Diagnostics) {
        let mut changed = false;
        message.edit_each_block(|block| {
            let Block::Reasoning { signature: Some(_), extra, .. } = &**block else { return };
            if self.can_read(extra, model) {
                return;
            }
            let field_path = format!("messages[{i}]");
            diagnostics.record(
                DiagnosticCode::FeatureUnsupported,
                &field_path,
                "reasoning signed by another kind of model",
            );
            if let Block::Reasoning { signature, extra, .. } = block.edit() {
                (*signature, *extra, changed) = (None, ExtraFields::default(), true);
            }
        });
        if changed {
            message.retain_blocks(|block| {
                !matches!(block, Block::Reasoning { text, signature: None, extra } if text.is_empty() && extra.is_empty())
            });
            // The original details contain the signature, too.
            message.retain_extra(|key, _| key.trim_start_matches('.') != crate::canonical::REASONING_DETAILS);
        }
    }
}

fn report_restored(turn: &StoredTurn, i: usize, diagnostics: &mut Diagnostics) {
    if turn.opaque {
        let detail = "what only its maker can read";
        diagnostics.record(DiagnosticCode::ReasoningRestored, &format!("messages[{i}]"), detail);
    } else {
        diagnostics.record(
            DiagnosticCode::ReasoningRestored,
            &format!("messages[{i}].reasoning_content"),
            "",
        );
    }
}

/// How many calls of each digest there are.
fn count_calls(blocks: &[Block]) -> BTreeMap<u128, usize> {
    let mut counts = BTreeMap::new();
    for block in blocks {
        if let Block::ToolCall { name, arguments, .. } = block {
            *counts.entry(call_digest(name, arguments)).or_default() += 1;
        }
    }
    counts
}

/// Inserts the stored parts of a turn into the client's message, each at its original place.
fn restore_blocks(message: &mut Message, parts: Vec<StoredBlock>) {
    let mut pending: VecDeque<Block> = std::mem::take(&mut message.edit().blocks).into();
    if parts.iter().any(|part| matches!(part, StoredBlock::Reasoning(_))) {
        // The client's copy of the reasoning has no signature.
        pending.retain(|block| !matches!(block, Block::Reasoning { .. }));
    }
    let mut pending_calls = count_calls(pending.make_contiguous());
    let mut pending_texts = parts.iter().filter(|part| matches!(part, StoredBlock::Text(..))).count();
    let mut out = Vec::with_capacity(pending.len() + parts.len());
    for part in parts {
        match part {
            StoredBlock::Reasoning(block) => out.push(block),
            StoredBlock::Text(len, extra) => {
                pending_texts -= 1;
                match take_text(&mut pending, len, pending_texts == 0) {
                    Some(text) if extra.is_empty() => out.push(text),
                    Some(Block::Text { text, .. }) => out.push(Block::Text { text, extra }),
                    None if len == 0 && !extra.is_empty() => {
                        out.push(Block::Text { text: "".into(), extra });
                    }
                    _ => {}
                }
            }
            StoredBlock::Call(stored_digest, stored_signature) => {
                // Everything before the call is written out, so that each block is visited once.
                while pending_calls.get(&stored_digest).is_some_and(|count| *count > 0) {
                    let Some(block) = pending.pop_front() else { break };
                    out.push(block);
                    let Some(Block::ToolCall { name, arguments, signature, .. }) = out.last_mut() else {
                        continue;
                    };
                    let digest = call_digest(name, arguments);
                    if let Some(count) = pending_calls.get_mut(&digest) {
                        *count -= 1;
                    }
                    if digest == stored_digest {
                        *signature = signature.take().or(stored_signature.map(Into::into));
                        break;
                    }
                }
            }
        }
    }
    out.extend(pending);
    // Reasoning without the block that followed it, which the client dropped, is refused.
    while out.last().is_some_and(|block| matches!(block, Block::Reasoning { .. })) {
        out.pop();
    }
    message.edit().blocks = out;
}

/// The longest text that is split, which copies its remainder: longer turns are not stored.
const MAX_SPLIT_BYTES: usize = 1 << 20;

/// Takes the next text. The client may have joined several texts into one block: unless this `is_last`, only `len` bytes of
/// it are taken.
fn take_text(pending: &mut VecDeque<Block>, len: usize, is_last: bool) -> Option<Block> {
    if len == 0 {
        return None;
    }
    match pending.front_mut() {
        Some(Block::Text { text, extra })
            if !is_last && extra.is_empty() && text.len() > len && text.len() <= MAX_SPLIT_BYTES =>
        {
            let joined = std::mem::take(text);
            match joined.split_at_checked(len) {
                Some((first, remainder)) => {
                    *text = remainder.into();
                    Some(Block::text(first))
                }
                None => {
                    *text = joined;
                    pending.pop_front()
                }
            }
        }
        Some(Block::Text { .. } | Block::Refusal(_)) => pending.pop_front(),
        _ => None,
    }
}
