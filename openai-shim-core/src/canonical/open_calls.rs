//! The calls of a conversation: which of them wait for results, and what tool each calls.

use super::{Block, Message};
use std::collections::{BTreeMap, VecDeque};

/// Calls that wait for their results, in order. Of several with one id or name the first comes first.
#[derive(Debug, Clone, Default)]
pub struct OpenCalls {
    /// The ids of the calls by their numbers; `None`: it has its result.
    ids: Vec<Option<String>>,
    by_id: BTreeMap<String, VecDeque<usize>>,
    by_name: BTreeMap<String, VecDeque<usize>>,
    /// The first that may still wait.
    first: usize,
}

impl OpenCalls {
    /// Adds a call.
    pub fn push(&mut self, id: &str, name: &str) {
        let number = self.ids.len();
        for (numbers, key) in [(&mut self.by_id, id), (&mut self.by_name, name)] {
            match numbers.get_mut(key) {
                Some(numbers) => numbers.push_back(number),
                None => drop(numbers.insert(key.to_owned(), VecDeque::from([number]))),
            }
        }
        self.ids.push(Some(id.to_owned()));
    }

    /// The call of this id, which now has its result.
    pub fn take_by_id(&mut self, id: &str) -> Option<String> {
        Self::take(&mut self.ids, self.by_id.get_mut(id)?)
    }

    /// The id of the call of this tool, which now has its result.
    pub fn take_by_name(&mut self, name: &str) -> Option<String> {
        Self::take(&mut self.ids, self.by_name.get_mut(name)?)
    }

    /// The id of the first call, which now has its result.
    pub fn take_first(&mut self) -> Option<String> {
        while let Some(id) = self.ids.get_mut(self.first) {
            self.first += 1;
            if let Some(id) = id.take() {
                return Some(id);
            }
        }
        None
    }

    fn take(ids: &mut [Option<String>], numbers: &mut VecDeque<usize>) -> Option<String> {
        while let Some(number) = numbers.pop_front() {
            if let Some(id) = ids.get_mut(number).and_then(Option::take) {
                return Some(id);
            }
        }
        None
    }
}

/// The tools of all calls by the calls' ids; of several calls with one id the last one counts.
pub fn called_names(messages: &[Message]) -> BTreeMap<&str, &str> {
    let blocks = messages.iter().flat_map(|message| &message.blocks);
    let calls = blocks.filter_map(|block| match block {
        Block::ToolCall { id, name, .. } => Some((id.as_str(), name.as_str())),
        _ => None,
    });
    calls.collect()
}
