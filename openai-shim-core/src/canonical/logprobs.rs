//! Log probabilities of a response's tokens, in OpenAI's shape.

use super::ExtraFieldList;
use crate::json::{Object, RawJson, ValueKind, encode_array, items, raw, value_kind};
use serde::{Deserialize, Serialize};

/// Takes the place of the dialect's name in the [`ExtraFieldList`] of an event: its field is the [`Logprobs`] of the text that comes
/// next, and every dialect may read and write it.
pub const LOGPROBS: &str = "logprobs";

/// The log probabilities of a choice's tokens. Each entry is a raw object with `token`, `logprob`, `bytes` (or `null`) and
/// `top_logprobs`, a list of the most likely tokens at this position with the same fields.
///
/// ```
/// use openai_shim_core::canonical::Logprobs;
/// let json = r#"{"content":[{"token":"hi","logprob":-0.5,"bytes":null,"top_logprobs":[]}],"refusal":null}"#;
/// let logprobs = Logprobs::read(json).unwrap();
/// assert_eq!((logprobs.content.len(), logprobs.refusal.len()), (1, 0));
/// assert_eq!(logprobs.write(), json);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Logprobs {
    /// The tokens of the content.
    pub content: Vec<RawJson>,
    /// The tokens of a refusal.
    pub refusal: Vec<RawJson>,
}

impl Logprobs {
    /// Parses `{"content": […], "refusal": […]}`; `None` if both lists are empty.
    pub fn read(json: &str) -> Option<Self> {
        let object = Object::parse(json.as_bytes()).ok()?;
        let list = |key: &str| object.array(key).unwrap_or_default().into_iter().map(raw).collect();
        let read = Self { content: list("content"), refusal: list("refusal") };
        (!read.is_empty()).then_some(read)
    }

    /// Those of the content, from a list of entries that may lack required fields.
    pub fn of_entries(entries: Vec<&str>) -> Self {
        let fill = |entry: &str| {
            let mut token = Object::parse(entry.as_bytes()).ok()?;
            fill_token(&mut token);
            Some(raw(token.to_json()))
        };
        Self { content: entries.into_iter().filter_map(fill).collect(), refusal: Vec::new() }
    }

    /// Serializes to what [`read`](Self::read) parses; an empty list becomes `null`.
    pub fn write(&self) -> String {
        let list = |items: &[RawJson]| match items {
            [] => String::from("null"),
            items => format!("[{}]", items.iter().map(|i| i.as_str()).collect::<Vec<_>>().join(",")),
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
        extra.of(LOGPROBS).first().and_then(|(_, members)| Self::read(members.as_str()))
    }

    /// Adds the tokens of an event's fields.
    pub fn append(&mut self, extra: &ExtraFieldList) {
        if let Some(mut more) = Self::of(extra) {
            self.content.append(&mut more.content);
            self.refusal.append(&mut more.refusal);
        }
    }
}

fn parse_or_empty(json: &str) -> Object<'_> {
    Object::parse(json.as_bytes()).unwrap_or_default()
}

/// What OpenAI sends for a token that is not among the most likely ones.
const VERY_UNLIKELY: &str = "-9999.0";

/// Fills the required fields of a token's entry; returns whether any were missing.
pub fn fill_token(token: &mut Object<'_>) -> bool {
    let before = token.is_changed();
    let is_null = |token: &Object<'_>| token.get("logprob").is_some_and(|v| value_kind(v) == ValueKind::Null);
    if is_null(token) {
        token.set("logprob", VERY_UNLIKELY);
    }
    match token.non_null("top_logprobs") {
        None => token.set("top_logprobs", "[]"),
        Some(candidates) if candidates.contains("null") => {
            let mut candidates: Vec<_> =
                items(candidates).unwrap_or_default().into_iter().map(parse_or_empty).collect();
            if candidates.iter().any(is_null) {
                candidates.iter_mut().filter(|c| is_null(c)).for_each(|c| c.set("logprob", VERY_UNLIKELY));
                let candidates: Vec<_> = candidates.iter().map(Object::to_json).collect();
                token.set("top_logprobs", encode_array(&candidates));
            }
        }
        Some(_) => {}
    }
    if token.get("bytes").is_none() {
        token.set("bytes", "null");
    }
    token.is_changed() != before
}
