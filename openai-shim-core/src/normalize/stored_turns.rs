//! A request to the keys of its stored turns, loaded values to turns, and a response's turn to the entries that are stored.
//!
//! The key of a turn contains the conversation before it, and the id, name and arguments of its first call. Further keys
//! serve clients that change the id (name and arguments alone) and clients that drop the calls (the words of the turn).

use super::conversation::ConversationDigest;
use crate::canonical::digest::{Digest, call_digest};
use crate::canonical::{Block, Message, RecordedBlock, Request, Role, StoredTurn, TurnRecorder, base_id};
use crate::state::{Owner, StateEntry, StateKey, StateKind};
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

/// How many turns of one request are loaded, the newest ones; each has up to two keys.
const MAX_TURNS: usize = 4096;
/// The longest arguments in a key: turns with longer ones are not stored.
const MAX_ARGUMENT_BYTES: usize = 1 << 20;
/// How long a turn is stored: people come back to a conversation on the next day, and after a weekend.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The owner and the issuer of state: other owners and issuers have other keys.
#[derive(Debug, Clone)]
pub(crate) struct StateScope {
    pub(crate) owner: Owner,
    /// The issuer of opaque state: dialect and profile.
    pub(crate) issuer: String,
}

/// The keys of the stored turns of a request.
#[derive(Debug)]
pub(crate) struct TurnLookup {
    pub(crate) keys: Vec<StateKey>,
    /// A digest of the whole conversation: the response's turn is stored under it.
    pub(crate) conversation: u128,
    turns: Vec<WantedTurn>,
}

/// A message that may have a stored turn.
#[derive(Debug)]
struct WantedTurn {
    message: usize,
    /// The first message of its turn: adjacent assistant messages are one turn.
    first_message: usize,
    keys: Range<usize>,
}

impl TurnLookup {
    /// Computes the keys in one pass over the messages.
    pub(crate) fn new(request: &Request, scope: &StateScope) -> Self {
        let turns = request.messages.iter().filter(|message| message.role == Role::Assistant).count();
        let mut skipped_turns = turns.saturating_sub(MAX_TURNS);
        let mut lookup = Self { keys: Vec::new(), conversation: 0, turns: Vec::new() };
        let mut conversation = ConversationDigest::new(request);
        // The first message of the current turn, and the conversation before it.
        let mut turn_start: Option<(usize, u128)> = None;
        for (message, content) in request.messages.iter().enumerate() {
            if content.role == Role::Assistant {
                let (first_message, before) =
                    *turn_start.get_or_insert_with(|| (message, conversation.value()));
                match skipped_turns {
                    0 => lookup.add_turn(message, first_message, before, content, scope),
                    _ => skipped_turns -= 1,
                }
            } else {
                turn_start = None;
            }
            conversation.add(content);
        }
        lookup.conversation = conversation.value();
        lookup
    }

    /// Adds the keys of a message, unless the client sent its signatures itself.
    fn add_turn(
        &mut self,
        message: usize,
        first_message: usize,
        before: u128,
        content: &Message,
        scope: &StateScope,
    ) {
        if content.blocks.iter().any(is_signed) {
            return;
        }
        let start = self.keys.len();
        let call = content.blocks.iter().find_map(|block| match block {
            Block::ToolCall { id, name, arguments, .. } => Some((id, name, arguments)),
            _ => None,
        });
        match call {
            Some((_, _, arguments)) if arguments.len() > MAX_ARGUMENT_BYTES => {}
            Some((id, name, arguments)) => {
                let call = call_digest(name, arguments);
                self.keys.extend((!id.is_empty()).then(|| scope.key(before, "id", base_id(id), call)));
                self.keys.push(scope.key(before, "call", "", call));
            }
            None => {
                let digest = digest_words(content.blocks.iter().filter_map(text_of));
                self.keys.extend(digest.map(|digest| scope.key(before, "words", "", digest)));
            }
        }
        if self.keys.len() > start {
            self.turns.push(WantedTurn { message, first_message, keys: start..self.keys.len() });
        }
    }

    /// Assigns the loaded values, in the order of the keys, to their messages.
    pub(crate) fn found(&self, values: &[Option<Bytes>]) -> StoredTurns {
        let found = |turn: &WantedTurn| {
            let value = values.get(turn.keys.clone())?.iter().find_map(Clone::clone)?;
            Some((turn.message, (turn.first_message, value)))
        };
        StoredTurns(self.turns.iter().filter_map(found).collect())
    }
}

/// The stored turns of a request by message: the first message of the turn, and the stored value.
#[derive(Debug, Default)]
pub(crate) struct StoredTurns(BTreeMap<usize, (usize, Bytes)>);

impl StoredTurns {
    /// The stored turn of a message for an upstream of this dialect, and the turn's first message.
    pub(super) fn get(&self, message: usize, dialect: &'static str) -> Option<(usize, StoredTurn)> {
        let (first_message, value) = self.0.get(&message)?;
        Some((*first_message, StoredTurn::read(std::str::from_utf8(value).ok()?, dialect)?))
    }
}

impl StateScope {
    fn key(&self, conversation: u128, key_kind: &str, id: &str, content: u128) -> StateKey {
        let mut digest = Digest::new();
        for field in [self.issuer.as_str(), key_kind, id] {
            digest.add_field(field.as_bytes());
        }
        digest.add(&content.to_le_bytes());
        StateKey::new(self.owner.clone(), StateKind::Turn, conversation, format!("{:032x}", digest.value()))
    }

    /// The entries that store a response to this conversation: the same value under each key that a later request may
    /// compute. `stores_plain`: also if the turn has only plain reasoning.
    pub(crate) fn entries(
        &self,
        turn: &TurnRecorder,
        conversation: u128,
        stores_plain: bool,
    ) -> Vec<StateEntry> {
        let is_opaque = turn.is_opaque();
        let is_stored = is_opaque || (stores_plain && turn.has_reasoned_call());
        if !is_stored {
            return Vec::new();
        }
        let call = turn.parts().iter().find_map(|part| match part {
            RecordedBlock::Call { id, name, arguments, .. } => Some((id, call_digest(name, arguments))),
            _ => None,
        });
        let mut keys = Vec::new();
        if let Some((id, call)) = call {
            keys.extend((!id.is_empty()).then(|| self.key(conversation, "id", id, call)));
            keys.push(self.key(conversation, "call", "", call));
        }
        if is_opaque {
            let texts = turn.parts().iter().filter_map(|part| match part {
                RecordedBlock::Text { text, .. } => Some(text.as_str()),
                _ => None,
            });
            keys.extend(digest_words(texts).map(|digest| self.key(conversation, "words", "", digest)));
        }
        let value = Bytes::from(turn.to_json());
        keys.into_iter().map(|key| StateEntry::new(key, value.clone(), LIFETIME)).collect()
    }
}

/// Whether the client itself sent a signature.
fn is_signed(block: &Block) -> bool {
    matches!(block, Block::Reasoning { signature: Some(_), .. } | Block::ToolCall { signature: Some(_), .. })
}

/// The text of a block.
fn text_of(block: &Block) -> Option<Cow<'_, str>> {
    match block {
        Block::Text { text, .. } | Block::Refusal(text) => Some(text.unescaped()),
        _ => None,
    }
}

/// A digest of words without the white space between them, which clients trim and wrap; `None` if there are no words.
fn digest_words(texts: impl Iterator<Item = impl AsRef<str>>) -> Option<u128> {
    let mut digest = Digest::new();
    let mut has_words = false;
    for text in texts {
        for part in text.as_ref().split_whitespace() {
            digest.add(part.as_bytes());
            has_words = true;
        }
    }
    has_words.then(|| digest.value())
}
