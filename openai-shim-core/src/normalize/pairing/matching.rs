//! Which result belongs to which tool call: by id, else by the tool's name, else by position.
//!
//! Ids may repeat: a result belongs to the last turn before it that has its id, in that turn to the first call without a
//! result, of the tool that the result names if there is one. A turn is a run of messages of the assistant.

use crate::canonical::{Block, Message, OpenCalls, Role, name_of_result};
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

/// A tool call of the conversation.
pub(super) struct Call<'m> {
    pub(super) message: usize,
    pub(super) id: &'m str,
    pub(super) name: &'m str,
    turn: usize,
    /// The numbers of its results.
    pub(super) results: Vec<usize>,
}

/// A result of the conversation.
pub(super) struct ToolResult<'m> {
    pub(super) message: usize,
    pub(super) id: &'m str,
    name: Option<Cow<'m, str>>,
    /// The last turn before it that has calls.
    turn: Option<usize>,
    /// The number of its call.
    pub(super) call: Option<usize>,
}

/// The calls and results of a conversation, in order, and which belong together.
#[derive(Default)]
pub(super) struct Matching<'m> {
    pub(super) calls: Vec<Call<'m>>,
    pub(super) results: Vec<ToolResult<'m>>,
}

/// The calls of the last turn that has a certain id.
#[derive(Default)]
struct CallsOfId {
    turn: usize,
    /// Those without a result, by number.
    open: OpenCalls<usize>,
    last: usize,
}

/// What a call and its result have in common.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key<'m> {
    IdAndName(&'m str, Cow<'m, str>),
    Id(&'m str),
    /// The turn and the tool's name.
    Name(usize, Cow<'m, str>),
    Turn(usize),
}

impl Key<'_> {
    fn has_empty_id(&self) -> bool {
        matches!(self, Self::IdAndName("", _) | Self::Id(""))
    }
}

impl<'m> Matching<'m> {
    pub(super) fn of(messages: &'m [Message]) -> Self {
        let mut matching = Self::default();
        matching.match_by_id(messages);
        if matching.results.iter().any(|result| result.call.is_none()) {
            // Results may stand before their calls.
            let named_id = |result: &ToolResult<'m>| Some(Key::IdAndName(result.id, result.name.clone()?));
            matching.match_by(|call| Key::IdAndName(call.id, call.name.into()), named_id);
            matching.match_by(|call| Key::Id(call.id), |result| Some(Key::Id(result.id)));
            let name_in_turn = |result: &ToolResult<'m>| Some(Key::Name(result.turn?, result.name.clone()?));
            matching.match_by(|call| Key::Name(call.turn, call.name.into()), name_in_turn);
            matching.match_by(|call| Key::Turn(call.turn), |result| Some(Key::Turn(result.turn?)));
        }
        matching
    }

    /// Collects calls and results, and gives each result to the call with its id before it.
    fn match_by_id(&mut self, messages: &'m [Message]) {
        let mut by_id: BTreeMap<&str, CallsOfId> = BTreeMap::new();
        let (mut turn, mut last_calling, mut is_turn_open) = (0, None, false);
        for (i, message) in messages.iter().enumerate() {
            if message.role != Role::Assistant {
                is_turn_open = false;
            } else if !std::mem::replace(&mut is_turn_open, true) {
                turn += 1;
            }
            for block in &message.blocks {
                match block {
                    Block::ToolCall { id, name, .. } => {
                        last_calling = Some(turn);
                        if !id.is_empty() {
                            by_id.entry(id).or_default().add(self.calls.len(), name, turn);
                        }
                        self.calls.push(Call { message: i, id, name, turn, results: Vec::new() });
                    }
                    Block::ToolResult { id, extra, .. } => {
                        let name = name_of_result(message, extra);
                        let call = by_id.get_mut(id.as_str()).map(|calls| calls.take(name.as_deref()));
                        self.results.push(ToolResult {
                            message: i,
                            id,
                            name,
                            turn: last_calling,
                            call: None,
                        });
                        self.assign(self.results.len() - 1, call);
                    }
                    _ => {}
                }
            }
        }
    }

    /// Gives each result without a call to the first call of the same key that has no result.
    fn match_by(
        &mut self,
        key_of_call: impl Fn(&Call<'m>) -> Key<'m>,
        key_of_result: impl Fn(&ToolResult<'m>) -> Option<Key<'m>>,
    ) {
        let mut open: BTreeMap<Key<'m>, VecDeque<usize>> = BTreeMap::new();
        for (number, call) in self.calls.iter().enumerate().filter(|(_, call)| call.results.is_empty()) {
            open.entry(key_of_call(call)).or_default().push_back(number);
        }
        for number in 0..self.results.len() {
            let result = self.results.get(number).filter(|result| result.call.is_none());
            let key = result.and_then(&key_of_result).filter(|key| !key.has_empty_id());
            let call = key.and_then(|key| open.get_mut(&key)).and_then(VecDeque::pop_front);
            self.assign(number, call);
        }
    }

    fn assign(&mut self, result: usize, call: Option<usize>) {
        let Some(call) = call else { return };
        if let (Some(found), Some(known)) = (self.results.get_mut(result), self.calls.get_mut(call)) {
            found.call = Some(call);
            known.results.push(result);
        }
    }
}

impl CallsOfId {
    fn add(&mut self, call: usize, name: &str, turn: usize) {
        if std::mem::replace(&mut self.turn, turn) != turn {
            self.open = OpenCalls::default();
        }
        self.open.push("", name, call);
        self.last = call;
    }

    /// The call of the next result: a further result belongs to the last call.
    fn take(&mut self, name: Option<&str>) -> usize {
        self.open.take_by_id("", name).unwrap_or(self.last)
    }
}
