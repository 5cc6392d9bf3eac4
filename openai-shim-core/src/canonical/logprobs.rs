//! How likely tokens were.

use super::ExtraFieldList;
use crate::json::{Object, raw};
use serde_json::value::RawValue;

/// Stands in the [`Leftovers`] of a choice, where a dialect's name would: its members are those of [`Logprobs`] for the text that
/// comes next, and every dialect may read and write them.
pub const LOGPROBS: &str = "logprobs";

/// The likelihood of an answer's tokens. Each entry is an object, raw, with `token`, `logprob`, `bytes` (or `null`) and
/// `top_logprobs`, a list of the likeliest tokens in its place with the same members.
#[derive(Debug, Clone, Default)]
pub struct Logprobs {
    /// Of what was said.
    pub content: Vec<Box<RawValue>>,
    /// Of a refusal.
    pub refusal: Vec<Box<RawValue>>,
}

impl Logprobs {
    /// Reads `{"content": […], "refusal": […]}`; `None` if there is nothing in it.
    pub fn read(json: &str) -> Option<Self> {
        let object = Object::parse(json.as_bytes()).ok()?;
        let list = |key: &str| object.array(key).unwrap_or_default().into_iter().map(raw).collect();
        let read = Self { content: list("content"), refusal: list("refusal") };
        (!read.is_empty()).then_some(read)
    }

    /// Writes what [`read`](Self::read) reads; an empty list is `null`.
    pub fn write(&self) -> String {
        let list = |items: &[Box<RawValue>]| match items {
            [] => String::from("null"),
            items => format!("[{}]", items.iter().map(|i| i.get()).collect::<Vec<_>>().join(",")),
        };
        format!(r#"{{"content":{},"refusal":{}}}"#, list(&self.content), list(&self.refusal))
    }

    /// Whether nothing is said of any token.
    pub fn is_empty(&self) -> bool {
        self.content.is_empty() && self.refusal.is_empty()
    }

    /// As the members of an event.
    pub fn to_extra(&self) -> ExtraFieldList {
        ExtraFieldList::new(LOGPROBS, vec![(String::from(LOGPROBS), raw(self.write()))])
    }

    /// From the members of an event.
    pub fn of(extra: &ExtraFieldList) -> Option<Self> {
        extra.of(LOGPROBS).first().and_then(|(_, members)| Self::read(members.get()))
    }

    /// Adds those of an event.
    pub fn append(&mut self, extra: &ExtraFieldList) {
        if let Some(mut more) = Self::of(extra) {
            self.content.append(&mut more.content);
            self.refusal.append(&mut more.refusal);
        }
    }
}
