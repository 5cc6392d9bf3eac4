//! Tool call ids to unique ids in a format that the profile accepts; signatures inside ids to signatures of calls.
//!
//! A new id depends on the old one alone, so that the same history is always sent with the same bytes. Responses are not
//! mapped back: the upstream accepts its own ids.

use super::short_digest::short_digest;
use crate::accepts::{MessageRules, ToolCallIdFormat};
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, Message, OpenCalls, Request, Role, call_id, issuer, result_name,
};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn normalize(request: &mut Request, rules: &MessageRules, diagnostics: &mut Diagnostics) {
    let format = rules.tool_call_ids;
    let mut ids = CallIdMap::default();
    // Computed once, and only if there is a signature.
    let may_have_signed = OnceCell::new();
    let may_have_signed =
        |model: &str| *may_have_signed.get_or_init(|| issuer::may_have_signed(model, SIGNED_CALLS_FORMAT));
    let (mut turn, mut is_turn_open) = (0, false);
    for (i, message) in request.messages.iter_mut().enumerate() {
        let continues = std::mem::replace(&mut is_turn_open, message.role == Role::Assistant);
        turn += usize::from(is_turn_open && !continues);
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
        changed |= map_ids(message, turn, format, &mut ids);
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
    by_old_id: BTreeMap<String, NewIds>,
    /// Whether a turn has several calls with one id.
    has_repeated_ids: bool,
    /// The new ids.
    used: BTreeSet<String>,
}

/// The new ids of the calls with one old id.
struct NewIds {
    /// The turn with the last of these calls: a run of messages of the assistant.
    turn: usize,
    /// The ids of that turn's calls, each with the tool's name.
    calls: Vec<(String, String)>,
    /// Those of several calls that have no result, from the first result on.
    open: Option<OpenCalls<String>>,
    /// The salt of the last id.
    salt: u32,
}

/// Replaces the ids of a message's calls and results. Returns whether one changed.
fn map_ids(message: &mut Message, turn: usize, format: ToolCallIdFormat, map: &mut CallIdMap) -> bool {
    let mut changed = false;
    // Only calls that share an id are told apart by the tools that results name.
    let names_count = map.has_repeated_ids && message.role == Role::Tool;
    let tool = if names_count { message.name.clone() } else { None };
    message.edit_each_block(|block| {
        let (old, new) = match &**block {
            Block::ToolCall { id, name, .. } => (id, map.add_call(id, name, turn, format)),
            Block::ToolResult { id, extra, .. } => {
                let name = || tool.as_deref().map(Cow::Borrowed).or_else(|| result_name(extra));
                (id, map.id_of_result(id, name, format))
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
    /// Adds a call. Returns an id in the accepted format that no earlier call has.
    fn add_call(&mut self, id: &str, name: &str, turn: usize, format: ToolCallIdFormat) -> String {
        let mut salt = self.by_old_id.get(id).map_or(0, |known| known.salt.saturating_add(1));
        let mut new = id_in_format(id, format, salt);
        while self.used.contains(&new) && salt < u32::MAX {
            salt += 1;
            new = id_in_format(id, format, salt);
        }
        self.used.insert(new.clone());
        match self.by_old_id.get_mut(id) {
            Some(known) => {
                if std::mem::replace(&mut known.turn, turn) != turn {
                    known.calls.clear();
                    known.open = None;
                }
                if let Some(open) = &mut known.open {
                    open.push(id, name, new.clone());
                }
                known.calls.push((new.clone(), name.to_owned()));
                self.has_repeated_ids |= known.calls.len() > 1;
                known.salt = salt;
            }
            None => {
                let calls = vec![(new.clone(), name.to_owned())];
                self.by_old_id.insert(id.to_owned(), NewIds { turn, calls, open: None, salt });
            }
        }
        new
    }

    /// The new id of a result. Of several calls of one turn with one id, each has one of the results, in order, or that of
    /// its tool. A result without an id whose call is not known stays without one.
    fn id_of_result<'n>(
        &mut self,
        id: &str,
        name: impl FnOnce() -> Option<Cow<'n, str>>,
        format: ToolCallIdFormat,
    ) -> String {
        let known = self.by_old_id.get_mut(id);
        known
            .and_then(|known| known.of_next_result(id, name))
            .unwrap_or_else(|| if id.is_empty() { String::new() } else { id_in_format(id, format, 0) })
    }
}

impl NewIds {
    /// A further result belongs to the last call.
    fn of_next_result<'n>(
        &mut self,
        id: &str,
        name: impl FnOnce() -> Option<Cow<'n, str>>,
    ) -> Option<String> {
        let (last, _) = self.calls.last()?;
        if self.calls.len() == 1 {
            return Some(last.clone());
        }
        let open = self.open.get_or_insert_with(|| {
            let mut open = OpenCalls::default();
            self.calls.iter().for_each(|(new, name)| open.push(id, name, new.clone()));
            open
        });
        open.take_by_id(id, name().as_deref()).or_else(|| Some(last.clone()))
    }
}

/// The id itself if it is accepted, else one that depends on the id and the salt; a salt other than 0 makes another id.
fn id_in_format(id: &str, format: ToolCallIdFormat, salt: u32) -> String {
    let is_word = || id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let is_accepted = salt == 0
        && !id.is_empty()
        && match format {
            ToolCallIdFormat::Alnum9 => id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric()),
            ToolCallIdFormat::Max40 => id.len() <= 40,
            ToolCallIdFormat::Max64 => id.len() <= 64,
            ToolCallIdFormat::Word => is_word(),
            ToolCallIdFormat::Word64 => id.len() <= 64 && is_word(),
            ToolCallIdFormat::Any => true,
        };
    if is_accepted {
        return id.to_owned();
    }
    match format {
        ToolCallIdFormat::Alnum9 => short_digest(id, salt),
        ToolCallIdFormat::Any | ToolCallIdFormat::Word if salt > 0 && !id.is_empty() => {
            format!("{}_{salt}", in_charset(id, format))
        }
        ToolCallIdFormat::Word if !id.is_empty() => in_charset(id, format),
        _ => format!("call_{}", short_digest(id, salt)),
    }
}

/// The id with `_` in place of characters that are not accepted.
fn in_charset(id: &str, format: ToolCallIdFormat) -> String {
    let is_accepted =
        |c: char| format != ToolCallIdFormat::Word || c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    id.chars().map(|c| if is_accepted(c) { c } else { '_' }).collect()
}
