//! The fields of a message, found in one pass over it: JSON in, one raw value per known field out.

use crate::json::{ValueKind, value_kind};

/// The fields of a message that the canonical model has a place for, raw.
#[derive(Default)]
pub(super) struct RawFields<'a> {
    pub(super) role: Option<&'a str>,
    pub(super) content: Option<&'a str>,
    pub(super) refusal: Option<&'a str>,
    pub(super) tool_calls: Option<&'a str>,
    pub(super) tool_call_id: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    pub(super) reasoning_content: Option<&'a str>,
    pub(super) reasoning: Option<&'a str>,
}

impl<'a> RawFields<'a> {
    /// Whether the known fields are a role and a string as content.
    pub(super) fn is_plain(&self) -> bool {
        let is_text = |value: Option<&str>| value.is_some_and(|value| value_kind(value) == ValueKind::String);
        let reasoning = self.reasoning_content.or(self.reasoning);
        let others = [self.refusal, self.tool_calls, self.tool_call_id, self.name, reasoning];
        is_text(self.role) && is_text(self.content) && others.iter().all(Option::is_none)
    }

    /// Returns the place of a field's value; `None` for other fields.
    pub(super) fn field_mut(&mut self, key: &str) -> Option<&mut Option<&'a str>> {
        Some(match key {
            "role" => &mut self.role,
            "content" => &mut self.content,
            "refusal" => &mut self.refusal,
            "tool_calls" => &mut self.tool_calls,
            "tool_call_id" => &mut self.tool_call_id,
            "name" => &mut self.name,
            "reasoning_content" => &mut self.reasoning_content,
            "reasoning" => &mut self.reasoning,
            _ => return None,
        })
    }
}
