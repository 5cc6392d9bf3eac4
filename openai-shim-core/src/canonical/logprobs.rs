//! Log probabilities of a response's tokens, in OpenAI's shape.

use super::ExtraFieldList;
use crate::json::{Object, raw};
use serde_json::value::RawValue;

/// Takes the place of the dialect's name in the [`ExtraFieldList`] of an event: its field is the [`Logprobs`] of the text that comes
/// next, and every dialect may read and write it.
pub const LOGPROBS: &str = "logprobs";

/// The log probabilities of a choice's tokens. Each entry is a raw object with `token`, `logprob`, `bytes` (or `null`) and
/// `top_logprobs`, a list of the most likely tokens at this position with the same fields.
#[derive(Debug, Clone, Default)]
pub struct Logprobs {
    /// The tokens of the content.
    pub content: Vec<Box<RawValue>>,
    /// The tokens of a refusal.
    pub refusal: Vec<Box<RawValue>>,
}

impl Logprobs {
    /// Parses `{"content": […], "refusal": […]}`; `None` if both lists are empty.
    pub fn read(json: &str) -> Option<Self> {
        let object = Object::parse(json.as_bytes()).ok()?;
        let list = |key: &str| object.array(key).unwrap_or_default().into_iter().map(raw).collect();
        let read = Self { content: list("content"), refusal: list("refusal") };
        (!read.is_empty()).then_some(read)
    }

    /// Serializes to what [`read`](Self::read) parses; an empty list becomes `null`.
    pub fn write(&self) -> String {
        let list = |items: &[Box<RawValue>]| match items {
            [] => String::from("null"),
            items => format!("[{}]", items.iter().map(|i| i.get()).collect::<Vec<_>>().join(",")),
        };
        format!(r#"{{"content":{},"refusal":{}}}"#, list(&self.content), list(&self.refusal))
    }

    /// Whether there is no token.
    pub fn is_empty(&self) -> bool {
        self.content.is_empty() && self.refusal.is_empty()
    }

    /// The fields of an event.
    pub fn to_extra(&self) -> ExtraFieldList {
        ExtraFieldList::new(LOGPROBS, vec![(String::from(LOGPROBS), raw(self.write()))])
    }

    /// Reads the fields of an event.
    pub fn of(extra: &ExtraFieldList) -> Option<Self> {
        extra.of(LOGPROBS).first().and_then(|(_, members)| Self::read(members.get()))
    }

    /// Adds the tokens of an event's fields.
    pub fn append(&mut self, extra: &ExtraFieldList) {
        if let Some(mut more) = Self::of(extra) {
            self.content.append(&mut more.content);
            self.refusal.append(&mut more.refusal);
        }
    }
}
