//! The tool calls of a conversation: which have no result yet, and which tool each calls.

use super::{Block, ExtraFieldList, ExtraFields, Message, Role};
use crate::json::{decode_string, encode_string, raw};
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

/// Tool calls without a result, in order, each with a value of type `T`. Of several calls with one id or name, the first is
/// taken first.
#[derive(Debug, Clone)]
pub struct OpenCalls<T> {
    /// The values of the calls by number; `None`: the call has its result.
    calls: Vec<Option<T>>,
    by_id: BTreeMap<String, VecDeque<usize>>,
    by_name: BTreeMap<String, VecDeque<usize>>,
    by_id_and_name: BTreeMap<(String, String), VecDeque<usize>>,
    /// The lowest number of a call that may have no result.
    first: usize,
}

impl<T> Default for OpenCalls<T> {
    fn default() -> Self {
        Self {
            calls: Vec::new(),
            by_id: BTreeMap::new(),
            by_name: BTreeMap::new(),
            by_id_and_name: BTreeMap::new(),
            first: 0,
        }
    }
}

impl<T> OpenCalls<T> {
    /// Adds a call.
    pub fn push(&mut self, id: &str, name: &str, call: T) {
        let number = self.calls.len();
        for (numbers, key) in [(&mut self.by_id, id), (&mut self.by_name, name)] {
            match numbers.get_mut(key) {
                Some(numbers) => numbers.push_back(number),
                None => drop(numbers.insert(key.to_owned(), VecDeque::from([number]))),
            }
        }
        self.by_id_and_name.entry((id.to_owned(), name.to_owned())).or_default().push_back(number);
        self.calls.push(Some(call));
    }

    /// Takes the first call with this id, which now has its result. Of several, the first of the tool that the result names.
    pub fn take_by_id(&mut self, id: &str, name: Option<&str>) -> Option<T> {
        let numbers = self.by_id.get_mut(id)?;
        let of_tool = name.filter(|_| numbers.len() > 1).map(|name| (id.to_owned(), name.to_owned()));
        let of_tool = of_tool.and_then(|key| self.by_id_and_name.get_mut(&key));
        of_tool
            .and_then(|of_tool| Self::take(&mut self.calls, of_tool))
            .or_else(|| Self::take(&mut self.calls, numbers))
    }

    /// Takes the first call of this tool, which now has its result.
    pub fn take_by_name(&mut self, name: &str) -> Option<T> {
        Self::take(&mut self.calls, self.by_name.get_mut(name)?)
    }

    /// Takes the first call, which now has its result.
    pub fn take_first(&mut self) -> Option<T> {
        while let Some(call) = self.calls.get_mut(self.first) {
            self.first += 1;
            if let Some(call) = call.take() {
                return Some(call);
            }
        }
        None
    }

    fn take(calls: &mut [Option<T>], numbers: &mut VecDeque<usize>) -> Option<T> {
        while let Some(number) = numbers.pop_front() {
            if let Some(call) = calls.get_mut(number).and_then(Option::take) {
                return Some(call);
            }
        }
        None
    }
}

/// The extra fields in which dialects hold the name of the tool that a result is from.
const RESULT_NAME_KEYS: [&str; 3] = [".functionResponse.name", ".tool_name", ".name"];

/// The name of the tool that a result in `message` is from, where the client sent one. `extra`: the fields of the result.
pub fn name_of_result<'m>(message: &'m Message, extra: &'m ExtraFieldList) -> Option<Cow<'m, str>> {
    let name = message.name.as_deref().filter(|_| message.role == Role::Tool);
    name.map(Cow::Borrowed).or_else(|| result_name(extra))
}

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
