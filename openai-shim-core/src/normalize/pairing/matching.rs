//! Which result belongs to which tool call: by id, else by the tool's name, else by position.
//!
//! Ids may repeat: a result belongs to the last turn before it that has its id, in that turn to the first call without a
//! result. A turn is a run of messages of the assistant.

use crate::canonical::{Block, Message, Role, result_name};
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
    calls: Vec<usize>,
    /// How many of them have a result.
    answered: usize,
}

impl<'m> Matching<'m> {
    pub(super) fn of(messages: &'m [Message]) -> Self {
        let mut matching = Self::default();
        matching.match_by_id(messages);
        if matching.results.iter().any(|result| result.call.is_none()) {
            // Results may stand before their calls.
            matching.match_by(
                |call| (0, call.id.to_owned()),
                |result| Some((0, result.id.to_owned())).filter(|(_, id)| !id.is_empty()),
            );
            matching.match_by(
                |call| (call.turn, call.name.to_owned()),
                |result| result.turn.zip(result.name.as_deref().map(str::to_owned)),
            );
            matching
                .match_by(|call| (call.turn, String::new()), |result| Some((result.turn?, String::new())));
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
                            by_id.entry(id).or_default().add(self.calls.len(), turn);
                        }
                        self.calls.push(Call { message: i, id, name, turn, results: Vec::new() });
                    }
                    Block::ToolResult { id, extra, .. } => {
                        let name = message.name.as_deref().filter(|_| message.role == Role::Tool);
                        let name = name.map(Cow::Borrowed).or_else(|| result_name(extra));
                        self.results.push(ToolResult {
                            message: i,
                            id,
                            name,
                            turn: last_calling,
                            call: None,
                        });
                        let call = by_id.get_mut(id.as_str()).and_then(CallsOfId::take);
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
        key_of_call: impl Fn(&Call<'m>) -> (usize, String),
        key_of_result: impl Fn(&ToolResult<'m>) -> Option<(usize, String)>,
    ) {
        let mut open: BTreeMap<(usize, String), VecDeque<usize>> = BTreeMap::new();
        for (number, call) in self.calls.iter().enumerate().filter(|(_, call)| call.results.is_empty()) {
            open.entry(key_of_call(call)).or_default().push_back(number);
        }
        for number in 0..self.results.len() {
            let result = self.results.get(number).filter(|result| result.call.is_none());
            let key = result.and_then(&key_of_result);
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
    fn add(&mut self, call: usize, turn: usize) {
        if std::mem::replace(&mut self.turn, turn) != turn {
            self.calls.clear();
            self.answered = 0;
        }
        self.calls.push(call);
    }

    /// The call of the next result: a further result belongs to the last call.
    fn take(&mut self) -> Option<usize> {
        let call = self.calls.get(self.answered).or(self.calls.last()).copied();
        self.answered += 1;
        call
    }
}
