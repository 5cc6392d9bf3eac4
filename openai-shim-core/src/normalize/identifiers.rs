//! Tool call ids to unique ids in a format that the profile accepts; signatures inside ids to signatures of calls.
//!
//! A new id depends on the old one alone, so that the same history is always sent with the same bytes. Responses are not
//! mapped back: the upstream accepts its own ids.

use crate::accepts::{MessageRules, ToolCallIdFormat};
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Message, Request, call_id, issuer};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn normalize(request: &mut Request, rules: &MessageRules, diagnostics: &mut Diagnostics) {
    let format = rules.tool_call_ids;
    let mut ids = CallIdMap::default();
    // Computed once, and only if there is a signature.
    let may_have_signed = OnceCell::new();
    let may_have_signed =
        |model: &str| *may_have_signed.get_or_init(|| issuer::may_have_signed(model, SIGNED_CALLS_FORMAT));
    for (i, message) in request.messages.iter_mut().enumerate() {
        let mut changed = detach_signatures(message);
        if is_signed(message) && !rules.signatures_in_ids && !may_have_signed(&request.model) {
            remove_signatures(message);
            diagnostics.record(
                DiagnosticCode::FeatureUnsupported,
                &format!("messages[{i}]"),
                "the signature of a call",
            );
            changed = true;
        }
        if add_placeholder(message, &rules.placeholder_signature) {
            diagnostics.record(DiagnosticCode::SignatureSkipped, &format!("messages[{i}]"), "");
        }
        changed |= map_ids(message, format, &mut ids);
        if changed {
            diagnostics.record(DiagnosticCode::ToolIdRemapped, &format!("messages[{i}]"), "");
        }
    }
}

/// Moves signatures from ids to their calls.
fn detach_signatures(message: &mut Message) -> bool {
    let mut changed = false;
    message.edit_each_block(|block| {
        let (Block::ToolCall { id, .. } | Block::ToolResult { id, .. }) = &**block else { return };
        let detached = call_id::detach(id).map(|(base_id, attached)| (base_id.to_owned(), attached));
        let Some((base_id, attached)) = detached else { return };
        changed = true;
        match block.edit() {
            Block::ToolCall { id, signature, .. } => {
                *id = base_id;
                signature.get_or_insert_with(|| attached.into());
            }
            Block::ToolResult { id, .. } => *id = base_id,
            _ => {}
        }
    });
    changed
}

/// The format of signatures of the only issuer that signs calls.
const SIGNED_CALLS_FORMAT: &str = "google-gemini-v1";

/// Whether a call is signed.
fn is_signed(message: &Message) -> bool {
    message.blocks.iter().any(|block| matches!(block, Block::ToolCall { signature: Some(_), .. }))
}

/// Removes the signatures of calls.
fn remove_signatures(message: &mut Message) {
    for block in &mut message.edit().blocks {
        if let Block::ToolCall { signature, .. } = block {
            *signature = None;
        }
    }
}

/// Gives the first of a turn's calls the placeholder signature, if there is one and none of the calls is signed.
fn add_placeholder(message: &mut Message, placeholder: &str) -> bool {
    let has_calls = message.blocks.iter().any(|block| matches!(block, Block::ToolCall { .. }));
    if placeholder.is_empty() || !has_calls || is_signed(message) {
        return false;
    }
    let mut calls = message.edit().blocks.iter_mut().filter_map(|block| match block {
        Block::ToolCall { signature, .. } => Some(signature),
        _ => None,
    });
    if let Some(first) = calls.next() {
        *first = Some(placeholder.into());
    }
    true
}

/// The ids of the calls so far.
#[derive(Default)]
struct CallIdMap {
    /// Old ids with the new ones, and the salt of each; a result belongs to the last call of its id.
    by_old_id: BTreeMap<String, (String, u32)>,
    /// The new ids.
    used: BTreeSet<String>,
}

/// Replaces the ids of a message's calls and results. Returns whether one changed.
fn map_ids(message: &mut Message, format: ToolCallIdFormat, ids: &mut CallIdMap) -> bool {
    let mut changed = false;
    message.edit_each_block(|block| {
        let (old, new) = match &**block {
            Block::ToolCall { id, .. } => (id, ids.unique_id(id, format)),
            Block::ToolResult { id, .. } => {
                let new = ids.by_old_id.get(id.as_str()).map(|(new, _)| new.clone());
                (id, new.unwrap_or_else(|| id_in_format(id, format, 0)))
            }
            _ => return,
        };
        if *old != new
            && let Block::ToolCall { id, .. } | Block::ToolResult { id, .. } = block.edit()
        {
            *id = new;
            changed = true;
        }
    });
    changed
}

impl CallIdMap {
    /// An id in the accepted format that no earlier call has.
    fn unique_id(&mut self, id: &str, format: ToolCallIdFormat) -> String {
        let mut salt = self.by_old_id.get(id).map_or(0, |(_, salt)| salt.saturating_add(1));
        let mut new = id_in_format(id, format, salt);
        while self.used.contains(&new) && salt < u32::MAX {
            salt += 1;
            new = id_in_format(id, format, salt);
        }
        self.used.insert(new.clone());
        self.by_old_id.insert(id.to_owned(), (new.clone(), salt));
        new
    }
}

/// The id itself if it is accepted, else one that depends on the id and the salt; a salt other than 0 makes another id.
fn id_in_format(id: &str, format: ToolCallIdFormat, salt: u32) -> String {
    let is_accepted = salt == 0
        && match format {
            ToolCallIdFormat::Alnum9 => id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric()),
            ToolCallIdFormat::Max40 => id.len() <= 40,
            ToolCallIdFormat::Any => true,
        };
    if is_accepted {
        return id.to_owned();
    }
    match format {
        ToolCallIdFormat::Alnum9 => digest(id, salt),
        ToolCallIdFormat::Max40 => format!("call_{}", digest(id, salt)),
        ToolCallIdFormat::Any => format!("{id}_{salt}"),
    }
}

/// Nine letters and digits that depend on the id and the salt (FNV-1a).
fn digest(id: &str, salt: u32) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325 ^ u64::from(salt);
    for byte in id.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let digit = |hash: u64| DIGITS.get((hash % 36) as usize).map_or('0', |d| char::from(*d));
    (0..9).scan(hash, |quotient, _| Some(std::mem::replace(quotient, *quotient / 36))).map(digit).collect()
}
