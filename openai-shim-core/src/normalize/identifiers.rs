//! Ids of tool calls: in the form that the upstream accepts, and never the same twice.
//!
//! A new id follows from the old one alone, so that the same history is always sent in the same words. Answers need no way
//! back: an upstream's own ids fit it.

use crate::canonical::{Block, DiagnosticCode, Diagnostics, Message, Request, call_id, issuer};
use crate::profile::{MessageRules, ToolCallIdFormat};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn normalize(request: &mut Request, rules: &MessageRules, diagnostics: &mut Diagnostics) {
    let form = rules.tool_call_ids;
    let mut calls = CallIdMap::default();
    // Asked once, and only if there is a signature.
    let may_have_signed = OnceCell::new();
    let may_have_signed =
        |model: &str| *may_have_signed.get_or_init(|| issuer::may_have_signed(model, SIGNS));
    for (i, message) in request.messages.iter_mut().enumerate() {
        let mut unpacked = unpack(message);
        if is_signed(message) && !rules.signatures_in_ids && !may_have_signed(&request.model) {
            unsign(message);
            diagnostics.record(
                DiagnosticCode::FeatureUnsupported,
                &format!("messages[{i}]"),
                "the signature of a call",
            );
            unpacked = true;
        }
        let signed = sign(message, &rules.placeholder_signature);
        if signed {
            diagnostics.record(DiagnosticCode::SignatureSkipped, &format!("messages[{i}]"), "");
        }
        let changed = message_ids(message, form, &mut calls) || unpacked;
        if changed {
            diagnostics.record(DiagnosticCode::ToolIdRemapped, &format!("messages[{i}]"), "");
        }
    }
}

/// Takes out of ids what they carry.
fn unpack(message: &mut Message) -> bool {
    let mut changed = false;
    message.edit_each_block(|block| {
        let (Block::ToolCall { id, .. } | Block::ToolResult { id, .. }) = &**block else { return };
        let Some((own, opaque)) = call_id::detach(id).map(|(own, opaque)| (own.to_owned(), opaque)) else {
            return;
        };
        changed = true;
        match block.edit() {
            Block::ToolCall { id, signature, .. } => {
                *id = own;
                signature.get_or_insert_with(|| opaque.into());
            }
            Block::ToolResult { id, .. } => *id = own,
            _ => {}
        }
    });
    changed
}

/// The only ones who sign calls.
const SIGNS: &str = "google-gemini-v1";

/// Whether a call is signed.
fn is_signed(message: &Message) -> bool {
    message.blocks.iter().any(|block| matches!(block, Block::ToolCall { signature: Some(_), .. }))
}

/// Takes off the signatures of calls.
fn unsign(message: &mut Message) {
    for block in &mut message.edit().blocks {
        if let Block::ToolCall { signature, .. } = block {
            *signature = None;
        }
    }
}

/// Signs the first of a turn's calls, if none of them is signed.
fn sign(message: &mut Message, with: &str) -> bool {
    let has_calls = message.blocks.iter().any(|block| matches!(block, Block::ToolCall { .. }));
    if with.is_empty() || !has_calls || is_signed(message) {
        return false;
    }
    let mut calls = message.edit().blocks.iter_mut().filter_map(|block| match block {
        Block::ToolCall { signature, .. } => Some(signature),
        _ => None,
    });
    if let Some(first) = calls.next() {
        *first = Some(with.into());
    }
    true
}

/// The calls so far.
#[derive(Default)]
struct CallIdMap {
    /// Old ids with the new ones, and how often each came; a result belongs to the last call of its id.
    new: BTreeMap<String, (String, u32)>,
    taken: BTreeSet<String>,
}

fn message_ids(message: &mut Message, form: ToolCallIdFormat, calls: &mut CallIdMap) -> bool {
    let mut changed = false;
    message.edit_each_block(|block| {
        let (new, is_new) = match &**block {
            Block::ToolCall { id, .. } => {
                let new = calls.fresh(id, form);
                let is_new = new != *id;
                (new, is_new)
            }
            Block::ToolResult { id, .. } => {
                let new =
                    calls.new.get(id.as_str()).map_or_else(|| formed(id, form, 0), |(new, _)| new.clone());
                let is_new = new != *id;
                (new, is_new)
            }
            _ => return,
        };
        if is_new && let Block::ToolCall { id, .. } | Block::ToolResult { id, .. } = block.edit() {
            *id = new;
            changed = true;
        }
    });
    changed
}

impl CallIdMap {
    /// An id in the right form that no call before has.
    fn fresh(&mut self, id: &str, form: ToolCallIdFormat) -> String {
        let mut salt = self.new.get(id).map_or(0, |(_, salt)| salt.saturating_add(1));
        let mut new = formed(id, form, salt);
        while self.taken.contains(&new) && salt < u32::MAX {
            salt += 1;
            new = formed(id, form, salt);
        }
        self.taken.insert(new.clone());
        self.new.insert(id.to_owned(), (new.clone(), salt));
        new
    }
}

fn formed(id: &str, form: ToolCallIdFormat, salt: u32) -> String {
    let fits = salt == 0
        && match form {
            ToolCallIdFormat::Alnum9 => id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric()),
            ToolCallIdFormat::Max40 => id.len() <= 40,
            _ => true,
        };
    if fits {
        return id.to_owned();
    }
    match form {
        ToolCallIdFormat::Alnum9 => digest(id, salt),
        ToolCallIdFormat::Max40 => format!("call_{}", digest(id, salt)),
        _ => format!("{id}_{salt}"),
    }
}

/// Nine letters and digits that follow from a text (FNV-1a).
fn digest(id: &str, salt: u32) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325 ^ u64::from(salt);
    for byte in id.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let digit = |hash: u64| DIGITS.get((hash % 36) as usize).map_or('0', |d| char::from(*d));
    (0..9).scan(hash, |rest, _| Some(std::mem::replace(rest, *rest / 36))).map(digit).collect()
}
