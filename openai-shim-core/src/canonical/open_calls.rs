//! The tool calls of a conversation: which have no result yet, and which tool each calls.

use super::{Block, ExtraFieldList, ExtraFields, Message};
use crate::json::{decode_string, encode_string, raw};
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

/// Tool calls without a result, in order. Of several calls with one id or name, the first is taken first.
#[derive(Debug, Clone, Default)]
pub struct OpenCalls {
    /// The ids of the calls by number; `None`: the call has its result.
    ids: Vec<Option<String>>,
    by_id: BTreeMap<String, VecDeque<usize>>,
    by_name: BTreeMap<String, VecDeque<usize>>,
    /// The lowest number of a call that may have no result.
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

    /// Takes the first call with this id, which now has its result. Returns the id.
    pub fn take_by_id(&mut self, id: &str) -> Option<String> {
        Self::take(&mut self.ids, self.by_id.get_mut(id)?)
    }

    /// Takes the first call of this tool, which now has its result. Returns the call's id.
    pub fn take_by_name(&mut self, name: &str) -> Option<String> {
        Self::take(&mut self.ids, self.by_name.get_mut(name)?)
    }

    /// Takes the first call, which now has its result. Returns the call's id.
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

/// The extra fields in which dialects hold the name of the tool that a result is from.
const RESULT_NAME_KEYS: [&str; 3] = [".functionResponse.name", ".tool_name", ".name"];

/// The name of the tool that a result with these extra fields is from, where the client sent one.
pub fn result_name(extra: &ExtraFieldList) -> Option<Cow<'_, str>> {
    let (_, name) = extra.members.iter().find(|(key, _)| RESULT_NAME_KEYS.contains(&key.as_str()))?;
    decode_string(name.as_str()).filter(|name| !name.is_empty())
}

/// Replaces the name of the tool that a result with these extra fields is from.
pub fn set_result_name(extra: &mut ExtraFields, name: &str) {
    for (_, value) in extra.members.iter_mut().filter(|(key, _)| RESULT_NAME_KEYS.contains(&key.as_str())) {
        *value = raw(encode_string(name));
    }
}

/// Removes from the extra fields of a result how its content was written, for a result whose content was changed.
pub fn forget_written_content(extra: &mut ExtraFields) {
    extra.members.retain(|(key, _)| !key.starts_with('.') || RESULT_NAME_KEYS.contains(&key.as_str()));
}

/// Maps the ids of all calls to the names of the tools; of several calls with one id, the last one counts.
pub fn called_names(messages: &[Message]) -> BTreeMap<&str, &str> {
    let blocks = messages.iter().flat_map(|message| &message.blocks);
    let calls = blocks.filter_map(|block| match block {
        Block::ToolCall { id, name, .. } => Some((id.as_str(), name.as_str())),
        _ => None,
    });
    calls.collect()
}
