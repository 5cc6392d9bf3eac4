//! What is kept of the model's turns: the keys that a request wants, what came for them, and the entries of an answer.
//!
//! A turn is found by the conversation before it together with the id, name and arguments of its first call; where a client
//! changed the id by name and arguments alone, and where it dropped the calls by the words of the turn.

use super::conversation::Conversation;
use crate::canonical::digest::{Digest, call_digest};
use crate::canonical::{Block, Message, RecordedBlock, Request, Role, StoredTurn, TurnRecorder, base_id};
use crate::state::{Owner, StateEntry, StateKey, StateKind};
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

/// The most turns of one request that are looked for, the newest of them; each costs up to two keys.
const MAX_TURNS: usize = 4096;
/// The longest arguments by which a turn is looked for: nothing is kept of a longer one.
const MAX_ARGUMENTS: usize = 1 << 20;
/// For how long a turn is kept: people come back to a conversation the other day, and after a weekend.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Whose state it is, and which upstream's: keys of others differ.
#[derive(Debug, Clone)]
pub(crate) struct StateScope {
    pub(crate) owner: Owner,
    /// Who makes what is opaque: dialect and profile.
    pub(crate) issuer: String,
}

/// The keys that a request wants.
#[derive(Debug)]
pub(crate) struct TurnLookup {
    pub(crate) keys: Vec<StateKey>,
    /// A digest of the whole conversation: what is kept of the answer belongs to it.
    pub(crate) conversation: u128,
    turns: Vec<WantedTurn>,
}

/// A message for which something may be kept.
#[derive(Debug)]
struct WantedTurn {
    message: usize,
    /// Messages of the model that follow one another are one turn.
    run: usize,
    keys: Range<usize>,
}

impl TurnLookup {
    /// Reads the conversation once.
    pub(crate) fn new(request: &Request, scope: &StateScope) -> Self {
        let turns = request.messages.iter().filter(|message| message.role == Role::Assistant).count();
        let mut too_old = turns.saturating_sub(MAX_TURNS);
        let mut lookup = Self { keys: Vec::new(), conversation: 0, turns: Vec::new() };
        let mut conversation = Conversation::new(request);
        // Where the run of the model's messages began, and the conversation before it.
        let mut run: Option<(usize, u128)> = None;
        for (message, content) in request.messages.iter().enumerate() {
            if content.role == Role::Assistant {
                let (run, before) = *run.get_or_insert_with(|| (message, conversation.value()));
                match too_old {
                    0 => lookup.want(message, run, before, content, scope),
                    _ => too_old -= 1,
                }
            } else {
                run = None;
            }
            conversation.add(content);
        }
        lookup.conversation = conversation.value();
        lookup
    }

    fn want(&mut self, message: usize, run: usize, before: u128, content: &Message, scope: &StateScope) {
        if content.blocks.iter().any(is_signed) {
            return;
        }
        let start = self.keys.len();
        let call = content.blocks.iter().find_map(|block| match block {
            Block::ToolCall { id, name, arguments, .. } => Some((id, name, arguments)),
            _ => None,
        });
        match call {
            Some((_, _, arguments)) if arguments.len() > MAX_ARGUMENTS => {}
            Some((id, name, arguments)) => {
                let call = call_digest(name, arguments);
                self.keys.extend((!id.is_empty()).then(|| scope.key(before, "id", base_id(id), call)));
                self.keys.push(scope.key(before, "call", "", call));
            }
            None => {
                let words = words(content.blocks.iter().filter_map(said));
                self.keys.extend(words.map(|words| scope.key(before, "words", "", words)));
            }
        }
        if self.keys.len() > start {
            self.turns.push(WantedTurn { message, run, keys: start..self.keys.len() });
        }
    }

    /// Puts the values, which came in the order of the keys, to their messages.
    pub(crate) fn found(&self, values: &[Option<Bytes>]) -> StoredTurns {
        let found = |turn: &WantedTurn| {
            let value = values.get(turn.keys.clone())?.iter().find_map(Clone::clone)?;
            Some((turn.message, (turn.run, value)))
        };
        StoredTurns(self.turns.iter().filter_map(found).collect())
    }
}

/// What was kept of the turns of a request, by the message, with the first message of its turn.
#[derive(Debug, Default)]
pub(crate) struct StoredTurns(BTreeMap<usize, (usize, Bytes)>);

impl StoredTurns {
    /// What was kept of a message's turn, for an upstream of this dialect; with the first message of the turn.
    pub(super) fn get(&self, message: usize, dialect: &'static str) -> Option<(usize, StoredTurn)> {
        let (run, value) = self.0.get(&message)?;
        Some((*run, StoredTurn::read(std::str::from_utf8(value).ok()?, dialect)?))
    }
}

impl StateScope {
    fn key(&self, conversation: u128, by: &str, id: &str, content: u128) -> StateKey {
        let mut digest = Digest::new();
        for field in [self.issuer.as_str(), by, id] {
            digest.add_field(field.as_bytes());
        }
        digest.add(&content.to_le_bytes());
        StateKey::new(self.owner.clone(), StateKind::Turn, conversation, format!("{:032x}", digest.value()))
    }

    /// What must be kept of an answer to this conversation: the same under each of the keys by which it may be looked for.
    /// `plain`: also where only thinking as text must come back.
    pub(crate) fn entries(&self, turn: &TurnRecorder, conversation: u128, plain: bool) -> Vec<StateEntry> {
        let opaque = turn.is_opaque();
        let is_kept = opaque || (plain && turn.has_reasoned_call());
        if !is_kept {
            return Vec::new();
        }
        let call = turn.blocks().iter().find_map(|part| match part {
            RecordedBlock::Call { id, name, arguments, .. } => Some((id, call_digest(name, arguments))),
            _ => None,
        });
        let mut keys = Vec::new();
        if let Some((id, call)) = call {
            keys.extend((!id.is_empty()).then(|| self.key(conversation, "id", id, call)));
            keys.push(self.key(conversation, "call", "", call));
        }
        if opaque {
            let texts = turn.blocks().iter().filter_map(|part| match part {
                RecordedBlock::Text { text, .. } => Some(text.as_str()),
                _ => None,
            });
            keys.extend(words(texts).map(|words| self.key(conversation, "words", "", words)));
        }
        let value = Bytes::from(turn.to_json());
        keys.into_iter().map(|key| StateEntry::new(key, value.clone(), LIFETIME)).collect()
    }
}

/// Whether a client sent a signature back itself.
fn is_signed(block: &Block) -> bool {
    matches!(block, Block::Reasoning { signature: Some(_), .. } | Block::ToolCall { signature: Some(_), .. })
}

/// What a block says.
fn said(block: &Block) -> Option<Cow<'_, str>> {
    match block {
        Block::Text { text, .. } | Block::Refusal(text) => Some(text.unescaped()),
        _ => None,
    }
}

/// A digest of words without the blanks between them, as clients trim and wrap; `None` if there are none.
fn words(texts: impl Iterator<Item = impl AsRef<str>>) -> Option<u128> {
    let mut digest = Digest::new();
    let mut any = false;
    for text in texts {
        for word in text.as_ref().split_whitespace() {
            digest.add(word.as_bytes());
            any = true;
        }
    }
    any.then(|| digest.value())
}
