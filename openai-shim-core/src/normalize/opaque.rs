//! What only its maker can read (signatures, encrypted reasoning): never sent to anybody else, and put back where the client
//! that sends the turn again has dropped it.
//!
//! Thinking that is plain text comes back the same way, to upstreams that refuse a call without it.

use super::stored_turns::StoredTurns;
use crate::canonical::digest::call_digest;
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFields, Message, Request, Role, StoredBlock, StoredTurn, issuer,
};
use crate::dialect::{Dialect, dialect};
use std::collections::{BTreeMap, VecDeque};

/// Who reads what is opaque, and what was kept of it.
pub(crate) struct OpaqueStateRule<'s> {
    pub(crate) upstream: &'static dyn Dialect,
    pub(crate) stored: &'s StoredTurns,
    /// The upstream requires the thinking of calls again, also where it is plain text.
    pub(crate) restores_reasoning: bool,
}

impl OpaqueStateRule<'_> {
    /// Cuts out of the history what this upstream did not make, and puts back what it made.
    pub(crate) fn strip_and_restore(&self, request: &mut Request, diagnostics: &mut Diagnostics) {
        // The turn that was put back last, by its first message.
        let mut restored = None;
        for (i, message) in request.messages.iter_mut().enumerate() {
            if message.role != Role::Assistant {
                continue;
            }
            self.leave_out(message, &request.model, i, diagnostics);
            if let Some((run, mut turn)) = self.stored.get(i, self.upstream.name())
                && self.is_needed(&turn, message)
            {
                // Once: a client may send one turn as several messages. Calls have signatures of their own.
                if restored == Some(run) {
                    turn.blocks.retain(|part| matches!(part, StoredBlock::Call(..)));
                }
                restored = Some(run);
                note_restored(&turn, i, diagnostics);
                merge(message, turn.blocks);
            }
        }
    }

    /// Plain thinking goes only to calls, where it is required and the client did not send any.
    fn is_needed(&self, turn: &StoredTurn, message: &Message) -> bool {
        let has = |is: fn(&Block) -> bool| message.blocks.iter().any(is);
        turn.opaque
            || (self.restores_reasoning
                && has(|block| matches!(block, Block::ToolCall { .. }))
                && !has(|block| matches!(block, Block::Reasoning { .. })))
    }

    /// Whether this upstream can have made what is said to be in this format.
    fn can_read(&self, extra: &ExtraFields, model: &str) -> bool {
        // What a client of the dialect that signs so sent back says it without a word.
        let format =
            extra.detail("format").or_else(|| Some(dialect(extra.dialect).ok()?.signature_format()?.into()));
        match (self.upstream.signature_format(), format) {
            (Some(own), format) => format.is_some_and(|format| issuer::same_format_family(&format, own)),
            (None, format) => format.is_none_or(|format| issuer::may_have_signed(model, &format)),
        }
    }

    fn leave_out(&self, message: &mut Message, model: &str, i: usize, diagnostics: &mut Diagnostics) {
        let mut changed = false;
        message.edit_each_block(|block| {
            let Block::Reasoning { signature: Some(_), extra, .. } = &**block else { return };
            if self.can_read(extra, model) {
                return;
            }
            let at = format!("messages[{i}]");
            diagnostics.record(
                DiagnosticCode::FeatureUnsupported,
                &at,
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
            // The details as they came hold it, too.
            message.retain_extra(|key, _| key.trim_start_matches('.') != crate::canonical::REASONING_DETAILS);
        }
    }
}

fn note_restored(turn: &StoredTurn, i: usize, diagnostics: &mut Diagnostics) {
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

/// The calls of a message that nothing was put to yet, by digest.
fn digests(blocks: &[Block]) -> BTreeMap<u128, usize> {
    let mut counts = BTreeMap::new();
    for block in blocks {
        if let Block::ToolCall { name, arguments, .. } = block {
            *counts.entry(call_digest(name, arguments)).or_default() += 1;
        }
    }
    counts
}

/// Puts what was kept into the turn that the client sent, each part where it stood.
fn merge(message: &mut Message, parts: Vec<StoredBlock>) {
    let mut rest: VecDeque<Block> = std::mem::take(&mut message.edit().blocks).into();
    if parts.iter().any(|part| matches!(part, StoredBlock::Reasoning(_))) {
        // What the client kept of it has no signature.
        rest.retain(|block| !matches!(block, Block::Reasoning { .. }));
    }
    let mut calls = digests(rest.make_contiguous());
    let mut texts = parts.iter().filter(|part| matches!(part, StoredBlock::Text(..))).count();
    let mut out = Vec::with_capacity(rest.len() + parts.len());
    for part in parts {
        match part {
            StoredBlock::Reasoning(block) => out.push(block),
            StoredBlock::Text(len, own) => {
                texts -= 1;
                match take_text(&mut rest, len, texts == 0) {
                    Some(text) if own.is_empty() => out.push(text),
                    Some(Block::Text { text, .. }) => out.push(Block::Text { text, extra: own }),
                    None if len == 0 && !own.is_empty() => {
                        out.push(Block::Text { text: "".into(), extra: own });
                    }
                    _ => {}
                }
            }
            StoredBlock::Call(call, signed) => {
                // Only where it stands is looked for: all before it goes out, and nothing is looked at again.
                while calls.get(&call).is_some_and(|left| *left > 0) {
                    let Some(block) = rest.pop_front() else { break };
                    out.push(block);
                    let Some(Block::ToolCall { name, arguments, signature, .. }) = out.last_mut() else {
                        continue;
                    };
                    let digest = call_digest(name, arguments);
                    if let Some(left) = calls.get_mut(&digest) {
                        *left -= 1;
                    }
                    if digest == call {
                        *signature = signature.take().or(signed.map(Into::into));
                        break;
                    }
                }
            }
        }
    }
    out.extend(rest);
    // Thinking that led to what the client left out leads nowhere, and is refused.
    while out.last().is_some_and(|block| matches!(block, Block::Reasoning { .. })) {
        out.pop();
    }
    message.edit().blocks = out;
}

/// The longest text that is split, which costs a copy of what is left: nothing is kept of a longer turn.
const LONGEST_SPLIT: usize = 1 << 20;

/// The next text, of so many bytes where more texts follow in what may be one block now.
fn take_text(rest: &mut VecDeque<Block>, len: usize, last: bool) -> Option<Block> {
    if len == 0 {
        return None;
    }
    match rest.front_mut() {
        Some(Block::Text { text, extra })
            if !last && extra.is_empty() && text.len() > len && text.len() <= LONGEST_SPLIT =>
        {
            let whole = std::mem::take(text);
            match whole.split_at_checked(len) {
                Some((first, more)) => {
                    *text = more.into();
                    Some(Block::text(first))
                }
                None => {
                    *text = whole;
                    rest.pop_front()
                }
            }
        }
        Some(Block::Text { .. } | Block::Refusal(_)) => rest.pop_front(),
        _ => None,
    }
}
