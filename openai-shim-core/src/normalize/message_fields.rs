//! Fields of messages to those that the profile accepts: refused ones are dropped, and tool results get their tool's name.

use super::change::mark_changed;
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Message, Role};
use crate::profile::{MessageNamePolicy, MessageRules};
use std::collections::BTreeMap;

/// Drops the extra fields that the upstream refuses, and those that are `null` if it refuses these.
pub(super) fn drop_refused(
    message: &mut Message,
    rules: &MessageRules,
    i: usize,
    diagnostics: &mut Diagnostics,
) -> bool {
    if message.extra.is_empty() {
        return false;
    }
    let mut changed = false;
    message.extra.members.retain(|(key, value)| {
        let is_null = value.get().trim() == "null";
        let is_refused = rules.drop_fields.contains(key);
        if is_refused || (is_null && rules.drop_null_fields) {
            let code = if is_null { DiagnosticCode::NullDropped } else { DiagnosticCode::ParamDropped };
            diagnostics.record(code, &format!("messages[{i}].{key}"), "");
            changed = true;
            return false;
        }
        true
    });
    if changed {
        mark_changed(message);
    }
    changed
}

/// Drops the message's `name` if the upstream refuses it.
pub(super) fn drop_name(
    message: &mut Message,
    rules: &MessageRules,
    i: usize,
    diagnostics: &mut Diagnostics,
) -> bool {
    let is_accepted = match rules.name_field {
        MessageNamePolicy::Drop => false,
        MessageNamePolicy::Tool => message.role == Role::Tool,
        MessageNamePolicy::Keep => true,
    };
    if is_accepted || message.name.take().is_none() {
        return false;
    }
    diagnostics.record(DiagnosticCode::ParamDropped, &format!("messages[{i}].name"), "");
    mark_changed(message);
    true
}

/// Gives tool results the name of the tool that was called, if the upstream requires it.
pub(super) fn name_tool_results(
    messages: &mut [Message],
    rules: &MessageRules,
    diagnostics: &mut Diagnostics,
) -> bool {
    if !rules.tool_result_name {
        return false;
    }
    let mut names_by_id: BTreeMap<String, String> = BTreeMap::new();
    let mut changed = false;
    for (i, message) in messages.iter_mut().enumerate() {
        let mut name = None;
        for block in &message.blocks {
            match block {
                Block::ToolCall { id, name, .. } => drop(names_by_id.insert(id.clone(), name.clone())),
                Block::ToolResult { id, .. } => name = names_by_id.get(id).cloned(),
                _ => {}
            }
        }
        if message.role == Role::Tool && message.name.is_none() && name.is_some() {
            message.name = name.map(Into::into);
            diagnostics.record(DiagnosticCode::FieldFilled, &format!("messages[{i}].name"), "");
            mark_changed(message);
            changed = true;
        }
    }
    changed
}
